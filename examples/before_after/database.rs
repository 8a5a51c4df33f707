//! The shop's database: one SQLite file of invoice lines.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Result, Row, params};

use crate::customer::Customer;
use crate::invoice::{CustomerId, Line};

const TABLE: &str = "CREATE TABLE lines (
    invoice TEXT NOT NULL,
    stock_code TEXT NOT NULL,
    description TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    ordered_at INTEGER NOT NULL,
    price_mills INTEGER NOT NULL,
    customer INTEGER,
    country TEXT NOT NULL
)";

const INSERT: &str = "INSERT INTO lines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const ONE: &str = "SELECT customer, max(country), count(DISTINCT invoice), count(*), sum(quantity),
    sum(quantity * price_mills), min(ordered_at), max(ordered_at)
    FROM lines WHERE customer = ?1 GROUP BY customer";

const ALL: &str = "SELECT customer, max(country), count(DISTINCT invoice), count(*), sum(quantity),
    sum(quantity * price_mills), min(ordered_at), max(ordered_at)
    FROM lines WHERE customer IS NOT NULL GROUP BY customer ORDER BY customer";

/// Whether two databases hold the same lines in the same order; sums of the whole table, the row's place among them.
const FINGERPRINT: &str = "SELECT count(*) || ' ' || total(rowid * quantity) || ' ' || total(rowid * price_mills)
    || ' ' || total(rowid * customer) || ' ' || total(rowid * ordered_at) || ' ' || total(rowid * length(description))
    || ' ' || count(DISTINCT invoice) || ' ' || count(DISTINCT stock_code) || ' ' || count(DISTINCT country)
    FROM lines";

/// What a customer did once: one line of one invoice, as scoring sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) customer: Option<CustomerId>,
    pub(crate) invoice: String,
    pub(crate) ordered_at: i64,
    pub(crate) total_mills: i64,
}

/// One connection. It may go from thread to thread, but not be shared.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
}

impl Database {
    /// A new database with an empty table, in place of what was at `path`.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        // Nothing to remove is the usual case; anything else is told by the next statement.
        let _ = fs::remove_file(path);
        let connection = Connection::open(path)?;
        connection.execute_batch(TABLE)?;
        Ok(Self { connection })
    }

    /// Another connection to the database at `path`, to read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        Ok(Self { connection })
    }

    /// A connection that may also make and drop the index.
    pub(crate) fn open_to_change(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        Ok(Self { connection })
    }

    pub(crate) fn begin(&mut self) -> Result<()> {
        self.connection.execute_batch("BEGIN")
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        self.connection.execute_batch("COMMIT")
    }

    /// Adds one line with a statement that is prepared once.
    pub(crate) fn insert(&mut self, line: &Line) -> Result<()> {
        let mut insert = self.connection.prepare_cached(INSERT)?;
        insert.execute(params![
            line.invoice,
            line.stock_code,
            line.description,
            line.quantity,
            line.ordered_at,
            line.price_mills,
            line.customer.map(signed),
            line.country,
        ])?;
        Ok(())
    }

    pub(crate) fn create_index(&mut self) -> Result<()> {
        self.connection
            .execute_batch("CREATE INDEX lines_by_customer ON lines (customer)")
    }

    /// The record of one customer, from the invoice lines.
    pub(crate) fn customer(&self, id: CustomerId) -> Result<Customer> {
        self.connection
            .prepare_cached(ONE)?
            .query_row([signed(id)], customer)
    }

    /// The records of all customers, by number.
    pub(crate) fn customers(&self) -> Result<Vec<Customer>> {
        let mut all = self.connection.prepare(ALL)?;
        all.query_map([], customer)?.collect()
    }

    /// Every line in the order of the file: its invoice, and the customer.
    pub(crate) fn each_line(&self, mut each: impl FnMut(&str, Option<CustomerId>)) -> Result<()> {
        let mut lines = self
            .connection
            .prepare("SELECT invoice, customer FROM lines ORDER BY rowid")?;
        let mut rows = lines.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get_ref(0)?.as_str()?, id(row, 1)?);
        }
        Ok(())
    }

    /// Every line as scoring sees it, in the order of the file.
    pub(crate) fn purchases(&self) -> Result<Vec<Purchase>> {
        let mut lines = self.connection.prepare(
            "SELECT customer, invoice, ordered_at, quantity * price_mills FROM lines ORDER BY rowid",
        )?;
        let purchase = |row: &Row<'_>| {
            Ok(Purchase {
                customer: id(row, 0)?,
                invoice: row.get(1)?,
                ordered_at: row.get(2)?,
                total_mills: row.get(3)?,
            })
        };
        lines.query_map([], purchase)?.collect()
    }

    pub(crate) fn fingerprint(&self) -> Result<String> {
        self.connection.query_row(FINGERPRINT, [], |row| row.get(0))
    }
}

/// SQLite's integers are signed; the reader lets no larger number through.
fn signed(id: CustomerId) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    Ok(number.unsigned_abs())
}

fn id(row: &Row<'_>, column: usize) -> Result<Option<CustomerId>> {
    let number: Option<i64> = row.get(column)?;
    Ok(number.map(i64::unsigned_abs))
}

fn customer(row: &Row<'_>) -> Result<Customer> {
    Ok(Customer {
        id: unsigned(row, 0)?,
        country: row.get(1)?,
        invoices: unsigned(row, 2)?,
        lines: unsigned(row, 3)?,
        articles: row.get(4)?,
        spent_mills: row.get(5)?,
        first_order_at: row.get(6)?,
        last_order_at: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(invoice: &str, customer: Option<CustomerId>, quantity: i64) -> Line {
        Line {
            invoice: invoice.to_owned(),
            stock_code: "22086".to_owned(),
            description: "PAPER CHAIN KIT".to_owned(),
            quantity,
            ordered_at: 1_000 + quantity,
            price_mills: 2_500,
            customer,
            country: "Spain".to_owned(),
        }
    }

    fn filled(path: &Path, lines: &[Line]) -> Database {
        let mut database = Database::create(path).unwrap();
        database.begin().unwrap();
        for line in lines {
            database.insert(line).unwrap();
        }
        database.commit().unwrap();
        database
    }

    #[test]
    fn a_customer_is_the_sum_of_the_lines_with_an_index_and_without() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.sqlite");
        let lines = [
            line("1", Some(7), 4),
            line("1", Some(7), 6),
            line("2", None, 9),
            line("C3", Some(7), -2),
            line("4", Some(3), 1),
        ];
        let mut database = filled(&path, &lines);
        let expected = Customer {
            id: 7,
            country: "Spain".to_owned(),
            invoices: 2,
            lines: 3,
            articles: 8,
            spent_mills: 20_000,
            first_order_at: 998,
            last_order_at: 1_006,
        };
        assert_eq!(database.customer(7).unwrap(), expected);
        database.create_index().unwrap();
        assert_eq!(database.customer(7).unwrap(), expected);
        assert!(database.customer(8).is_err());
        let all = Database::open(&path).unwrap().customers().unwrap();
        assert_eq!(all.iter().map(|c| c.id).collect::<Vec<_>>(), [3, 7]);
        assert_eq!(all[1], expected);
    }

    #[test]
    fn the_fingerprint_sees_the_order() {
        let directory = tempfile::tempdir().unwrap();
        let (a, b) = (line("1", Some(7), 4), line("2", Some(8), 5));
        let print = |name: &str, lines: &[Line]| {
            filled(&directory.path().join(name), lines)
                .fingerprint()
                .unwrap()
        };
        let straight = print("a", &[a.clone(), b.clone()]);
        assert_eq!(straight, print("b", &[a.clone(), b.clone()]));
        assert_ne!(straight, print("c", &[b, a.clone()]));
        assert_ne!(straight, print("d", &[a]));
    }
}
