//! What ends the program early, each told in one line.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The file cannot be opened or read to its end.
    Read { file: PathBuf, error: io::Error },
    /// A file of ours cannot be written.
    Write { file: PathBuf, error: io::Error },
    /// The file holds nothing at all.
    Empty { file: PathBuf },
    /// The first line does not name the eight columns.
    Header { file: PathBuf, found: String },
    /// A header, and no line beneath it that can be used.
    NoLines { file: PathBuf, bad: usize },
    /// No line names a customer, so there is nothing to look up.
    NoCustomers { file: PathBuf },
    /// The database refused.
    Database(rusqlite::Error),
    /// Two ways to the same answer differ: the figures would mean nothing.
    Disagree(String),
    /// One of the primitives refused its input.
    Refused(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            Self::Write { file, error } => write!(f, "cannot write {}: {error}", file.display()),
            Self::Empty { file } => write!(
                f,
                "{} is empty: expected a header and invoice lines",
                file.display()
            ),
            Self::Header { file, found } => write!(
                f,
                "{} has a wrong header: expected `{}`, found `{found}`",
                file.display(),
                crate::invoice::COLUMNS.join(",")
            ),
            Self::NoLines { file, bad: 0 } => {
                write!(f, "{} has a header and no lines beneath it", file.display())
            }
            Self::NoLines { file, bad } => write!(
                f,
                "{} has no line that can be used: all {bad} are bad",
                file.display()
            ),
            Self::NoCustomers { file } => write!(
                f,
                "no line of {} names a customer, so there is nothing to look up",
                file.display()
            ),
            Self::Database(error) => write!(f, "the database refused: {error}"),
            Self::Disagree(what) => write!(f, "two ways to one answer differ: {what}"),
            Self::Refused(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } | Self::Write { error, .. } => Some(error),
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
