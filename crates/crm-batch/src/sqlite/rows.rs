//! The rows of a query, page by page.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hasher;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, named_params};

use super::SqliteError;
use crate::checkpoint::digest::Digest;
use crate::{Fill, Fingerprint, Owned, Position, Room, Seek, Source};

/// Rows from one look at whether the run is over to the next.
const LOOK_EVERY: usize = 64;

/// Reads the rows of a query, page by page along a key.
///
/// ```
/// use crm_batch::{Batch, SqliteRows, Verdict};
/// use rusqlite::Connection;
///
/// let mut shop = Connection::open_in_memory()?;
/// shop.execute_batch(
///     "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
///      INSERT INTO customers VALUES (7, 'Ada'), (9, 'Grace'), (12, 'Edsger')",
/// )?;
///
/// let customers = SqliteRows::new(
///     &mut shop,
///     "SELECT id, name FROM customers WHERE id > :after ORDER BY id LIMIT :limit",
///     |row| {
///         let id = row.get(0)?;
///         Ok((id, (id, row.get::<_, String>(1)?))) // the key, and the record
///     },
/// )?;
/// let mut names = Vec::new();
/// Batch::new()
///     .job(customers)
///     .process(|(id, name)| Ok::<_, std::io::Error>(Verdict::Output(format!("{id} {}", name.to_uppercase()))))
///     .into(&mut names)
///     .run()?;
/// assert_eq!(names, ["7 ADA", "9 GRACE", "12 EDSGER"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The query has the parameters `:after`, above which keys are to be, and `:limit`. It orders its rows by the key, an
/// integer that differs from row to row: the `rowid`, most often. A key that does not grow ends the run, and what an index
/// over the key costs is paid for each page. Only an empty page is the end, so that the query may give fewer rows than the limit.
///
/// The function gives the key with the record, on the thread that reads; leave to the process function what takes long. Each page
/// is read by itself, and the connection holds no lock between pages. So rows that others change during the run are read as
/// they are when their page is due. In a transaction that one begins on the connection before, all pages show the same.
///
/// # Going on after a kill
///
/// The last key is the [position](Source::position). Whether the input is [what it was](Seek::fingerprint) is judged by the
/// text of the query and the number of rows that it gives. This reads them once, without calling the function, and does not see
/// a row that was changed, or replaced by another. To judge by more or less, name a
/// [query](Self::fingerprint_query) or [a version](Self::fingerprint). What the query selects must not depend on what
/// the job itself has written.
pub struct SqliteRows<C, F> {
    connection: C,
    sql: String,
    map: F,
    known: Known,
    /// The last key that was read.
    last: Option<i64>,
}

/// What the input is known by.
#[derive(Debug)]
enum Known {
    Count,
    Query(String),
    Given(Fingerprint),
}

impl<C, F> SqliteRows<C, F> {
    /// The rows of `sql`, each made into its key and a record by `map`. Keys are above `i64::MIN`.
    ///
    /// # Errors
    ///
    /// [`SqliteError::Sqlite`] when SQLite does not take the query, [`SqliteError::MissingParameter`] when it has no
    /// `:after` or `:limit`.
    pub fn new<T>(connection: C, sql: impl Into<String>, map: F) -> Result<Self, SqliteError>
    where
        C: Borrow<Connection>,
        F: FnMut(&Row<'_>) -> rusqlite::Result<(i64, T)>,
    {
        let sql = sql.into();
        let statement = connection.borrow().prepare(&sql)?;
        for name in [":after", ":limit"] {
            if statement.parameter_index(name)?.is_none() {
                return Err(SqliteError::MissingParameter(name));
            }
        }
        drop(statement);
        Ok(Self {
            connection,
            sql,
            map,
            known: Known::Count,
            last: None,
        })
    }

    /// Lets the input be known by a version, a date or a hash that the user has.
    #[must_use]
    pub fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.known = Known::Given(fingerprint);
        self
    }

    /// Lets the input be known by the text of the paging query, this one, and all that it gives, such as
    /// `SELECT count(*), max(id), max(changed_at) FROM customers`.
    #[must_use]
    pub fn fingerprint_query(mut self, sql: impl Into<String>) -> Self {
        self.known = Known::Query(sql.into());
        self
    }

    fn after(&self) -> i64 {
        self.last.unwrap_or(i64::MIN)
    }
}

impl<C, F, T> Source for SqliteRows<C, F>
where
    C: Borrow<Connection> + Send,
    F: FnMut(&Row<'_>) -> rusqlite::Result<(i64, T)> + Send,
    T: Send,
{
    type Chunk = Owned<T>;
    type Error = SqliteError;

    fn fill(&mut self, chunk: &mut Owned<T>, room: &Room<'_>) -> Result<Fill, SqliteError> {
        let most = room.rows();
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut after = self.after();
        let mut statement = self.connection.borrow().prepare_cached(&self.sql)?;
        let mut rows = statement.query(named_params! { ":after": after, ":limit": limit })?;
        let mut read = 0;
        while read < most {
            let Some(row) = rows.next()? else {
                break;
            };
            let (key, record) = (self.map)(row)?;
            if key <= after {
                return Err(SqliteError::KeyOrder { after, key });
            }
            chunk.push(record);
            after = key;
            self.last = Some(key);
            read += 1;
            if read % LOOK_EVERY == 0 && room.is_over() {
                break;
            }
        }
        Ok(if read == 0 {
            Fill::ended()
        } else {
            Fill::more()
        })
    }

    /// The last key, as the bits of a `u64`.
    fn position(&self) -> Option<Position> {
        self.last.map(|key| Position(key as u64))
    }
}

impl<C, F, T> Seek for SqliteRows<C, F>
where
    C: Borrow<Connection> + Send,
    F: FnMut(&Row<'_>) -> rusqlite::Result<(i64, T)> + Send,
    T: Send,
{
    fn fingerprint(&mut self) -> Result<Fingerprint, SqliteError> {
        let connection = self.connection.borrow();
        let mut digest = Digest::default();
        text(&mut digest, &self.sql);
        match &self.known {
            Known::Given(fingerprint) => return Ok(*fingerprint),
            Known::Query(sql) => {
                text(&mut digest, sql);
                let mut statement = connection.prepare(sql)?;
                let columns = statement.column_count();
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    for column in 0..columns {
                        value(&mut digest, row.get_ref(column)?);
                    }
                }
            }
            Known::Count => {
                let query = self.sql.trim_end().trim_end_matches(';');
                // The line break ends a comment.
                let count: i64 = connection
                    .prepare(&format!("SELECT count(*) FROM ({query}\n)"))?
                    .query_row(
                        named_params! { ":after": i64::MIN, ":limit": i64::MAX },
                        |row| row.get(0),
                    )?;
                digest.write_i64(count);
            }
        }
        Ok(Fingerprint(digest.finish()))
    }

    fn seek(&mut self, to: Position) -> Result<(), SqliteError> {
        self.last = Some(to.0 as i64);
        Ok(())
    }
}

/// Its length goes first, so that no two sequences of texts look alike.
fn text(digest: &mut Digest, text: &str) {
    bytes(digest, text.as_bytes());
}

fn bytes(digest: &mut Digest, bytes: &[u8]) {
    digest.write_usize(bytes.len());
    digest.write(bytes);
}

fn value(digest: &mut Digest, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => digest.write(&[0]),
        ValueRef::Integer(integer) => {
            digest.write(&[1]);
            digest.write_i64(integer);
        }
        ValueRef::Real(real) => {
            digest.write(&[2]);
            digest.write_u64(real.to_bits());
        }
        ValueRef::Text(text) => {
            digest.write(&[3]);
            bytes(digest, text);
        }
        ValueRef::Blob(blob) => {
            digest.write(&[4]);
            bytes(digest, blob);
        }
    }
}

impl<C, F> fmt::Debug for SqliteRows<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRows")
            .field("sql", &self.sql)
            .field("known", &self.known)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
