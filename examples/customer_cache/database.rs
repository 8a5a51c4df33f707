//! The customers' database: one SQLite file, with as many connections as are used at once.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use crate::caches::Source;
use crate::error::DatabaseError;

/// The number of a customer. SQLite's integers are signed, and so a number from outside needs no conversion.
pub(crate) type CustomerId = i64;

/// The number of an account, to which customers belong.
pub(crate) type AccountId = i64;

/// So many customers are on a page.
pub(crate) const PAGE_ROWS: i64 = 20;

/// Marks a file as ours (`PRAGMA user_version`).
const MARK: i64 = 0x63_7573;

const TABLES: &str = "
    CREATE TABLE customers (
        id INTEGER PRIMARY KEY,
        account INTEGER NOT NULL,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        version INTEGER NOT NULL DEFAULT 1
    );
    CREATE INDEX customers_by_account ON customers (account, name, id);
    CREATE TABLE invoices (customer INTEGER NOT NULL, cents INTEGER NOT NULL);
    CREATE INDEX invoices_by_customer ON invoices (customer, cents);";

const PROFILE: &str =
    "SELECT c.id, c.account, c.name, c.email, c.version, count(i.cents), coalesce(sum(i.cents), 0)
    FROM customers c LEFT JOIN invoices i ON i.customer = c.id WHERE c.id = ?1 GROUP BY c.id";

const CONTACTS: &str = "SELECT id, name, email, version FROM customers
    WHERE id IN (SELECT value FROM json_each(?1))";

const PAGE: &str =
    "SELECT id FROM customers WHERE account = ?1 ORDER BY name, id LIMIT ?2 OFFSET ?3";

const UPDATE: &str =
    "UPDATE customers SET account = ?2, name = ?3, email = ?4, version = version + 1
    WHERE id = ?1 RETURNING version";

/// All that there is to know of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Profile {
    pub(crate) id: CustomerId,
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) email: String,
    /// Counts the updates.
    pub(crate) version: i64,
    pub(crate) invoices: i64,
    pub(crate) spent_cents: i64,
}

/// What a list shows of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Contact {
    pub(crate) id: CustomerId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) version: i64,
}

/// What an update sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) email: String,
}

/// What an update has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Updated {
    pub(crate) version: i64,
    /// The account before.
    pub(crate) account_before: AccountId,
}

/// A database and its idle connections.
#[derive(Debug)]
pub(crate) struct Database {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    /// The database in `file`; where there is none, a new one with so many invented customers.
    pub(crate) fn open(file: &Path, customers: u32, seed: u64) -> Result<Self, DatabaseError> {
        let database = Self {
            file: file.to_owned(),
            idle: Mutex::new(Vec::new()),
        };
        let mark = database.with(|connection| {
            let mark: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            let tables: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if mark == 0 && tables == 0 {
                fill(connection, customers, seed)?;
                return Ok(MARK);
            }
            Ok(mark)
        })?;
        if mark == MARK {
            Ok(database)
        } else {
            Err(DatabaseError::Foreign)
        }
    }

    /// Sets a customer's data. `None` if there is no such customer.
    pub(crate) fn update(
        &self,
        id: CustomerId,
        change: &Change,
    ) -> Result<Option<Updated>, DatabaseError> {
        self.with(|connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let before = transaction
                .prepare_cached("SELECT account FROM customers WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            let Some(account_before) = before else {
                return Ok(None);
            };
            let version = transaction.prepare_cached(UPDATE)?.query_row(
                params![id, change.account, change.name, change.email],
                |row| row.get(0),
            )?;
            transaction.commit()?;
            Ok(Some(Updated {
                version,
                account_before,
            }))
        })
    }

    /// Deletes a customer and his invoices, and returns the account. `None` if there is no such customer.
    pub(crate) fn delete(&self, id: CustomerId) -> Result<Option<AccountId>, DatabaseError> {
        self.with(|connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .prepare_cached("DELETE FROM invoices WHERE customer = ?1")?
                .execute([id])?;
            let account = transaction
                .prepare_cached("DELETE FROM customers WHERE id = ?1 RETURNING account")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            transaction.commit()?;
            Ok(account)
        })
    }

    /// The numbers of all customers, ascending.
    pub(crate) fn ids(&self) -> Result<Vec<CustomerId>, DatabaseError> {
        self.with(|connection| {
            let mut all = connection.prepare("SELECT id FROM customers ORDER BY id")?;
            all.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Runs statements as they are.
    #[cfg(test)]
    pub(crate) fn execute(&self, statements: &str) -> Result<(), DatabaseError> {
        self.with(|connection| connection.execute_batch(statements))
    }

    /// Lends a connection, a new one if all others are in use. There are never more than the runtime has threads for
    /// blocking work.
    fn with<R>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<R>,
    ) -> Result<R, DatabaseError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lent = idle().pop();
        let mut connection = match lent {
            Some(connection) => connection,
            None => connect(&self.file)?,
        };
        let done = work(&mut connection);
        idle().push(connection);
        Ok(done?)
    }
}

impl Source for Database {
    fn profile(&self, id: CustomerId) -> Result<Option<Profile>, DatabaseError> {
        self.with(|connection| {
            let profile = |row: &rusqlite::Row<'_>| {
                Ok(Profile {
                    id: row.get(0)?,
                    account: row.get(1)?,
                    name: row.get(2)?,
                    email: row.get(3)?,
                    version: row.get(4)?,
                    invoices: row.get(5)?,
                    spent_cents: row.get(6)?,
                })
            };
            let mut one = connection.prepare_cached(PROFILE)?;
            one.query_row([id], profile).optional()
        })
    }

    fn contacts(&self, ids: &[CustomerId]) -> Result<Vec<Contact>, DatabaseError> {
        let list = serde_json::json!(ids).to_string();
        self.with(|connection| {
            let contact = |row: &rusqlite::Row<'_>| {
                Ok(Contact {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    email: row.get(2)?,
                    version: row.get(3)?,
                })
            };
            let mut some = connection.prepare_cached(CONTACTS)?;
            some.query_map([list], contact)?.collect()
        })
    }

    fn page(&self, account: AccountId, page: u32) -> Result<Vec<CustomerId>, DatabaseError> {
        self.with(|connection| {
            let mut page_of = connection.prepare_cached(PAGE)?;
            let offset = i64::from(page) * PAGE_ROWS;
            page_of
                .query_map([account, PAGE_ROWS, offset], |row| row.get(0))?
                .collect()
        })
    }
}

/// Erased rows are overwritten in the file, not only unlinked.
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON",
    )?;
    Ok(connection)
}

/// Invents customers, fifty to an account, and a few invoices of each.
fn fill(connection: &mut Connection, customers: u32, seed: u64) -> rusqlite::Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    {
        let mut customer = transaction
            .prepare("INSERT INTO customers (id, account, name, email) VALUES (?1, ?2, ?3, ?4)")?;
        let mut invoice = transaction.prepare("INSERT INTO invoices VALUES (?1, ?2)")?;
        for id in 1..=i64::from(customers) {
            let name: String = (0..8).map(|_| random.lowercase()).collect();
            let email = format!("{name}.{id}@example.org");
            customer.execute(params![id, account_of(id), name, email])?;
            for _ in 0..random.u32(0..12) {
                invoice.execute([id, random.i64(100..100_000)])?;
            }
        }
    }
    transaction.pragma_update(None, "user_version", MARK)?;
    transaction.commit()
}

/// The account to which an invented customer belongs at first.
pub(crate) fn account_of(id: CustomerId) -> AccountId {
    (id - 1) / 50 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(account: AccountId, name: &str) -> Change {
        Change {
            account,
            name: name.to_owned(),
            email: format!("{name}@example.org"),
        }
    }

    #[test]
    fn what_is_written_is_read_in_every_form() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("c.sqlite"), 120, 1).unwrap();
        let updated = database.update(7, &change(3, "aaa")).unwrap().unwrap();
        assert_eq!((updated.version, updated.account_before), (2, 1));
        let profile = database.profile(7).unwrap().unwrap();
        assert_eq!((profile.account, profile.name.as_str()), (3, "aaa"));
        assert_eq!(database.page(3, 0).unwrap()[0], 7);
        assert_eq!(database.page(1, 2).unwrap().len(), 9);
        assert_eq!(database.contacts(&[7, 999]).unwrap()[0].name, "aaa");
        assert_eq!(database.delete(7).unwrap(), Some(3));
        assert_eq!(database.delete(7).unwrap(), None);
        assert_eq!(database.profile(7).unwrap(), None);
        assert_eq!(database.update(7, &change(1, "b")).unwrap(), None);
        assert_eq!(database.ids().unwrap().len(), 119);
    }

    #[test]
    fn a_profile_sums_the_invoices() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("c.sqlite"), 1, 1).unwrap();
        let statements = "DELETE FROM invoices; INSERT INTO invoices VALUES (1, 300), (1, 50)";
        database.execute(statements).unwrap();
        let profile = database.profile(1).unwrap().unwrap();
        assert_eq!((profile.invoices, profile.spent_cents), (2, 350));
    }

    #[test]
    fn a_file_is_filled_once_and_a_strange_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.sqlite");
        drop(Database::open(&file, 10, 1).unwrap());
        assert_eq!(
            Database::open(&file, 99, 1).unwrap().ids().unwrap().len(),
            10
        );
        let strange = folder.path().join("strange.sqlite");
        let other = Connection::open(&strange).unwrap();
        other.execute_batch("CREATE TABLE other (id)").unwrap();
        let opened = Database::open(&strange, 10, 1);
        assert!(matches!(opened, Err(DatabaseError::Foreign)), "{opened:?}");
    }
}
