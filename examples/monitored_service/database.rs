//! The customers: an SQLite file, and so many connections to it that are shared.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crm_perf::monitor::{Histogram, InFlight};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::people::{CITIES, GIVEN_NAMES, STREETS, SURNAMES};

/// The number of a customer, from 1.
pub(crate) type CustomerId = i64;

/// So many customers are on a page.
pub(crate) const PAGE_ROWS: i64 = 20;

const TABLES: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, address TEXT NOT NULL);
    CREATE TABLE invoices (customer INTEGER NOT NULL, cents INTEGER NOT NULL);
    CREATE INDEX invoices_by_customer ON invoices (customer, cents);";

const CUSTOMER: &str =
    "SELECT c.id, c.name, c.email, c.address, count(i.cents), coalesce(sum(i.cents), 0)
    FROM customers c LEFT JOIN invoices i ON i.customer = c.id WHERE c.id = ?1 GROUP BY c.id";

const PAGE: &str =
    "SELECT c.id, c.name, c.email, c.address, count(i.cents), coalesce(sum(i.cents), 0)
    FROM customers c LEFT JOIN invoices i ON i.customer = c.id WHERE c.id BETWEEN ?1 AND ?2 GROUP BY c.id ORDER BY c.id";

/// A customer, with a sum over the invoices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Customer {
    pub(crate) id: CustomerId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) address: String,
    pub(crate) invoices: i64,
    pub(crate) spent_cents: i64,
}

/// What is measured of the database.
#[derive(Clone, Debug)]
pub(crate) struct Instruments {
    /// Queries that have a connection.
    pub(crate) in_use: InFlight,
    /// Queries that wait for one.
    pub(crate) waiting: InFlight,
    /// How long a query has a connection.
    pub(crate) query_time: Histogram,
}

/// The database and its connections.
#[derive(Debug)]
pub(crate) struct Database {
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
    /// What a query takes beyond SQLite's own time.
    extra: Duration,
    instruments: Instruments,
}

impl Database {
    pub(crate) fn open(
        file: &Path,
        connections: u32,
        extra: Duration,
        instruments: Instruments,
    ) -> rusqlite::Result<Arc<Self>> {
        let connect = |_| Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let idle: Vec<_> = (0..connections).map(connect).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self {
            idle: Mutex::new(idle),
            free: Arc::new(Semaphore::new(connections as usize)),
            extra,
            instruments,
        }))
    }

    /// The customer, or `None` if there is none of this number.
    pub(crate) async fn customer(
        self: Arc<Self>,
        id: CustomerId,
    ) -> Result<Option<Customer>, DatabaseError> {
        let one = move |connection: &Connection| {
            connection
                .prepare_cached(CUSTOMER)?
                .query_row([id], customer)
                .optional()
        };
        self.ask(one).await
    }

    /// The customers on a page, counted from 0; a page past the last one is empty.
    pub(crate) async fn page(self: Arc<Self>, page: u32) -> Result<Vec<Customer>, DatabaseError> {
        let first = i64::from(page) * PAGE_ROWS + 1;
        let some = move |connection: &Connection| {
            connection
                .prepare_cached(PAGE)?
                .query_map([first, first + PAGE_ROWS - 1], customer)?
                .collect()
        };
        self.ask(some).await
    }

    /// Waits for a connection, and asks on a thread that may block. A query goes on to its end, and keeps its connection until then, even
    /// if nobody waits for the answer any more.
    async fn ask<R: Send + 'static>(
        self: Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, DatabaseError> {
        let waits = self.instruments.waiting.enter();
        let permit = Arc::clone(&self.free).acquire_owned().await;
        drop(waits);
        let asked = tokio::task::spawn_blocking(move || {
            let answer = self.answer(query);
            drop(permit);
            answer
        });
        asked.await.unwrap_or(Err(DatabaseError::Interrupted))
    }

    fn answer<R>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<R>,
    ) -> Result<R, DatabaseError> {
        let _in_use = self.instruments.in_use.enter();
        let timer = self.instruments.query_time.start();
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // There are as many as permits.
        let connection = idle().pop().ok_or(DatabaseError::Interrupted)?;
        let answer = query(&connection);
        thread::sleep(self.extra);
        idle().push(connection);
        match answer {
            Ok(_) => timer.stop(),
            Err(_) => timer.fail(),
        };
        answer.map_err(DatabaseError::Sqlite)
    }
}

/// The database gives no answer.
#[derive(Debug)]
pub(crate) enum DatabaseError {
    Sqlite(rusqlite::Error),
    /// The work was given up: it panicked, or the program ends.
    Interrupted,
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Interrupted => f.write_str("the work on the database was given up"),
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sqlite(error) => Some(error),
            Self::Interrupted => None,
        }
    }
}

fn customer(row: &Row<'_>) -> rusqlite::Result<Customer> {
    Ok(Customer {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        address: row.get(3)?,
        invoices: row.get(4)?,
        spent_cents: row.get(5)?,
    })
}

/// Invents customers, and a few invoices of each; says now and then how many there are, and asks whether to go on. The same seed
/// makes the same ones.
pub(crate) fn fill(
    file: &Path,
    customers: u32,
    seed: u64,
    mut tell: impl FnMut(u32) -> bool,
) -> rusqlite::Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut connection = Connection::open(file)?;
    // It is thrown away when the program ends, and so nothing is lost if the machine fails before.
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    {
        let mut customer = transaction.prepare("INSERT INTO customers VALUES (?1, ?2, ?3, ?4)")?;
        let mut invoice = transaction.prepare("INSERT INTO invoices VALUES (?1, ?2)")?;
        for id in 1..=customers {
            let mut one_of = |names: &[&'static str]| names[random.usize(..names.len())];
            let (given, surname) = (one_of(&GIVEN_NAMES), one_of(&SURNAMES));
            let name = format!("{given} {surname}");
            let email = format!("{given}.{surname}.{id}@example.org").to_lowercase();
            let (street, city) = (one_of(&STREETS), one_of(&CITIES));
            let address = format!("{} {street}, {city}", random.u32(1..200));
            customer.execute(params![id, name, email, address])?;
            for _ in 0..random.u32(0..12) {
                invoice.execute(params![id, random.i64(100..100_000)])?;
            }
            if id % 10_000 == 0 && !tell(id) {
                return Ok(());
            }
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use crm_perf::monitor::Layout;

    use super::*;

    fn instruments() -> Instruments {
        Instruments {
            in_use: InFlight::new(),
            waiting: InFlight::new(),
            query_time: Histogram::new(Layout::response_times()),
        }
    }

    fn run<R>(work: impl Future<Output = R>) -> R {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(work)
    }

    #[test]
    fn issue_nothing_could_end_the_making_of_customers() {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Vec::new();
        fill(&folder.path().join("db"), 50_000, 1, |made| {
            told.push(made);
            made < 20_000
        })
        .unwrap();
        assert_eq!(told, [10_000, 20_000]);
    }

    #[test]
    fn customers_are_invented_by_the_seed() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, seed| {
            let file = folder.path().join(name);
            fill(&file, 45, seed, |_| true).unwrap();
            Database::open(&file, 2, Duration::ZERO, instruments()).unwrap()
        };
        let [one, same, other] =
            [("a", 1), ("b", 1), ("c", 2)].map(|(name, seed)| open(name, seed));
        let pages = |database: &Arc<Database>| {
            run(async {
                let page = |number| Arc::clone(database).page(number);
                [
                    page(0).await.unwrap(),
                    page(2).await.unwrap(),
                    page(3).await.unwrap(),
                ]
            })
        };
        let [first, last, none] = pages(&one);
        assert_eq!((first.len(), last.len(), none.len()), (20, 5, 0));
        assert_eq!((first[0].id, last[4].id), (1, 45));
        assert_eq!(pages(&same)[0], first);
        assert_ne!(pages(&other)[0], first);
        assert_eq!(
            run(Arc::clone(&one).customer(45)).unwrap().as_ref(),
            last.last()
        );
        assert_eq!(run(one.customer(46)).unwrap(), None);
    }

    #[test]
    fn every_query_is_measured_and_a_failed_one_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.sqlite");
        fill(&file, 1, 1, |_| true).unwrap();
        let measured = instruments();
        let database = Database::open(&file, 1, Duration::ZERO, measured.clone()).unwrap();
        run(Arc::clone(&database).customer(1)).unwrap();
        Connection::open(&file)
            .unwrap()
            .execute_batch("DROP TABLE customers")
            .unwrap();
        let error = run(database.customer(1)).unwrap_err();
        assert!(error.to_string().contains("no such table"), "{error}");
        let times = measured.query_time.snapshot();
        assert_eq!((times.count(), times.failures()), (2, 1));
        assert_eq!((measured.in_use.value(), measured.waiting.value()), (0, 0));
    }

    #[test]
    fn a_query_that_nobody_waits_for_any_more_keeps_its_connection() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.sqlite");
        fill(&file, 1, 1, |_| true).unwrap();
        let extra = Duration::from_millis(30);
        let database = Database::open(&file, 1, extra, instruments()).unwrap();
        run(async {
            for _ in 0..3 {
                let mut given_up = Box::pin(Arc::clone(&database).customer(1));
                let first = poll_fn(|context| Poll::Ready(given_up.as_mut().poll(context))).await;
                assert!(first.is_pending());
                drop(given_up);
                // It waits for its turn.
                Arc::clone(&database).customer(1).await.unwrap();
            }
        });
        assert_eq!(database.instruments.query_time.snapshot().count(), 6);
    }
}
