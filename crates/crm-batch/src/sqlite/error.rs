//! Why a job over SQLite cannot go on.

use std::error::Error;
use std::fmt;

use rusqlite::ErrorCode;

/// Why [`SqliteRows`](crate::SqliteRows) or [`SqliteSink`](crate::SqliteSink) cannot go on. `{:#}` appends SQLite's error, which
/// is the [`source`](Error::source), to the message.
#[derive(Debug)]
#[non_exhaustive]
pub enum SqliteError {
    /// SQLite refused a statement, of the job's functions or of the sink's own.
    Sqlite(rusqlite::Error),
    /// Another run of the job has begun, so that this one may commit nothing more.
    Overtaken,
    /// A transaction was open on the connection when the run began.
    InTransaction,
    /// The transaction that the sink had begun is not open any more. Nothing that was written in it since the last commit
    /// is counted as committed.
    NoTransaction,
    /// The ledger's table has no column of this name.
    MissingColumn(&'static str),
    /// The ledger's row is of a format that this version does not know.
    UnknownFormat(i64),
    /// The ledger's row holds something in this column that no run has written.
    Damaged(&'static str),
    /// A number is too large for a column of the ledger.
    TooLarge(&'static str),
    /// A query has no column of this name, which was to be its key.
    NoKey(String),
    /// A query gave two rows with this key.
    RepeatedKey(i64),
}

impl SqliteError {
    /// Whether another connection held the database for longer than the connection's `busy_timeout`.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let Self::Sqlite(error) = self else {
            return false;
        };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl fmt::Display for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(_) if self.is_busy() => f.write_str(
                "another connection held the database for too long: give the connections a longer busy_timeout, and the \
                 sink a shorter commit_every",
            ),
            Self::Sqlite(_) => f.write_str("SQLite refused a statement: its own error says why"),
            Self::Overtaken => f.write_str(
                "another run of the job has begun since: let one run of a name end before the next begins",
            ),
            Self::InTransaction => f.write_str(
                "the connection is in a transaction: commit it or roll it back before the run",
            ),
            Self::NoTransaction => f.write_str(
                "the transaction of the sink is not open: leave BEGIN, COMMIT and ROLLBACK to it, and hand on the errors of \
                 statements, some of which end it",
            ),
            Self::MissingColumn(column) => write!(
                f,
                "the table crm_batch_ledger has no column {column}: it was made by something else, so rename or drop it"
            ),
            Self::UnknownFormat(format) => write!(
                f,
                "the checkpoint is of format {format}, which this version does not know: use the version that wrote it, or \
                 start over"
            ),
            Self::Damaged(column) => write!(
                f,
                "the checkpoint is damaged in column {column}: start over, or restore the database"
            ),
            Self::TooLarge(column) => write!(
                f,
                "the number for column {column} is above 2^63 - 1, which SQLite cannot hold"
            ),
            Self::NoKey(column) => write!(
                f,
                "the query gives no column {column}, by which it is to be read: select it"
            ),
            Self::RepeatedKey(key) => write!(
                f,
                "the query gives more than one row with key {key}: read it by a column that differs from row to row"
            ),
        }?;
        match self {
            Self::Sqlite(error) if f.alternate() => write!(f, ": {error:#}"),
            _ => Ok(()),
        }
    }
}

impl Error for SqliteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Sqlite(error) => Some(error),
            _ => None,
        }
    }
}
