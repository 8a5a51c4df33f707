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
/// let customers = SqliteRows::new(&mut shop, "SELECT id, name FROM customers", "id", |row| {
///     Ok((row.get::<_, i64>("id")?, row.get::<_, String>("name")?))
/// })?;
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
/// The key is a column of the query, an integer that differs from row to row: the `rowid`, most often. The source adds
/// `WHERE`, `ORDER BY` and `LIMIT` over it, so that no page depends on how the query is written. A key that is `NULL`, another type,
/// or there twice ends the run. Select from tables, filter, join along indices: SQLite then seeks to the place of
/// each page. A query that it must run to its end for each page, with `GROUP BY`, `DISTINCT`, `ORDER BY` or `LIMIT` of its own, belongs
/// in a temporary table first.
///
/// A page is as large as the chunk that it fills, and costs a search by key and a lock: some microseconds, so that
/// [chunks](crate::Builder::chunk_rows) of a few rows are dear.
///
/// The function makes a record of a row, on the thread that reads; leave to the process function what takes long. Each page
/// is read by itself, and the connection holds no lock between pages. So rows that others change during the run are read as
/// they are when their page is due. In a transaction that one begins on the connection before, all pages show the same.
///
/// # Going on after a kill
///
/// The last key is the [position](Source::next_position). Whether the input is [what it was](Seek::fingerprint) is judged by the
/// text of the query and the number of rows that it gives. This counts them once, without calling the function, and does not see
/// a row that was changed, or replaced by another. To judge by more or less, name a
/// [query](Self::known_by_query) or [a version](Self::known_by). What the query selects must not depend on what
/// the job itself has written.
pub struct SqliteRows<C, F> {
    connection: C,
    sql: String,
    first: String,
    next: String,
    key: usize,
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
    /// The rows that `select` gives, by the column `key`, each made into a record by `map`.
    ///
    /// # Errors
    ///
    /// [`SqliteError::Sqlite`] when SQLite does not take the query, [`SqliteError::NoKey`] when it has no column `key`.
    pub fn new<T>(
        connection: C,
        select: impl Into<String>,
        key: &str,
        map: F,
    ) -> Result<Self, SqliteError>
    where
        C: Borrow<Connection>,
        F: FnMut(&Row<'_>) -> rusqlite::Result<T>,
    {
        let sql = select.into();
        let select = within(&sql);
        let name = key.replace('"', "\"\"");
        // Without a condition on the first page, which would hide the rows whose key is NULL.
        let page = |condition: &str| {
            format!("SELECT * FROM ({select}\n) {condition} ORDER BY \"{name}\" LIMIT :limit")
        };
        let (first, next) = (page(""), page(&format!("WHERE \"{name}\" > :after")));
        let statement = connection.borrow().prepare(&first)?;
        let Ok(key) = statement.column_index(key) else {
            return Err(SqliteError::NoKey(key.to_owned()));
        };
        drop(statement);
        Ok(Self {
            connection,
            sql,
            first,
            next,
            key,
            map,
            known: Known::Count,
            last: None,
        })
    }

    /// Lets the input be known by a version, a date or a hash that the user has.
    #[must_use]
    pub fn known_by(mut self, fingerprint: Fingerprint) -> Self {
        self.known = Known::Given(fingerprint);
        self
    }

    /// Lets the input be known by the texts of the query and of this one, and by all that this one gives, such as
    /// `SELECT count(*), max(id), max(changed_at) FROM customers`.
    #[must_use]
    pub fn known_by_query(mut self, sql: impl Into<String>) -> Self {
        self.known = Known::Query(sql.into());
        self
    }
}

impl<C, F, T> Source for SqliteRows<C, F>
where
    C: Borrow<Connection> + Send,
    F: FnMut(&Row<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    type Chunk = Owned<T>;
    type Error = SqliteError;

    fn fill(&mut self, chunk: &mut Owned<T>, room: &Room<'_>) -> Result<Fill, SqliteError> {
        let most = room.rows();
        // One row more, to see that its key is another one: the next page begins above this one's last.
        let limit = i64::try_from(most).map_or(i64::MAX, |most| most.saturating_add(1));
        let connection = self.connection.borrow();
        let mut statement = connection.prepare_cached(match self.last {
            None => &self.first,
            Some(_) => &self.next,
        })?;
        let mut rows = match self.last {
            None => statement.query(named_params! { ":limit": limit })?,
            Some(after) => statement.query(named_params! { ":after": after, ":limit": limit })?,
        };
        let mut read = 0;
        loop {
            let Some(row) = rows.next()? else {
                return Ok(Fill::ended());
            };
            let key: i64 = row.get(self.key)?;
            if self.last == Some(key) {
                return Err(SqliteError::RepeatedKey(key));
            }
            if read == most {
                return Ok(Fill::more());
            }
            chunk.push((self.map)(row)?);
            self.last = Some(key);
            read += 1;
            if read % LOOK_EVERY == 0 && room.is_over() {
                return Ok(Fill::more());
            }
        }
    }

    /// The last key, as the bits of a `u64`.
    fn next_position(&self) -> Option<Position> {
        self.last.map(|key| Position(key as u64))
    }
}

impl<C, F, T> Seek for SqliteRows<C, F>
where
    C: Borrow<Connection> + Send,
    F: FnMut(&Row<'_>) -> rusqlite::Result<T> + Send,
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
                let select = within(&self.sql);
                let count: i64 = connection
                    .prepare(&format!("SELECT count(*) FROM ({select}\n)"))?
                    .query_row([], |row| row.get(0))?;
                digest.write_i64(count);
            }
        }
        Ok(Fingerprint(digest.finish()))
    }

    fn seek(&mut self, to: Position, _records: u64) -> Result<(), SqliteError> {
        self.last = Some(to.0 as i64);
        Ok(())
    }
}

/// The query as it can stand within another one, where a line break must follow that ends a comment.
fn within(select: &str) -> &str {
    select.trim_end().trim_end_matches(';')
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
            .field("first", &self.first)
            .field("next", &self.next)
            .field("known", &self.known)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
