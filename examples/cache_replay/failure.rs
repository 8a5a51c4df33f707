//! What ends the program early, each told in one line.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::program::CannotWrite;

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The file cannot be opened or read to its end.
    Read { file: PathBuf, error: io::Error },
    /// A file of ours cannot be written.
    Write(CannotWrite),
    /// The file holds no request at all.
    Empty { file: PathBuf },
    /// A file of numbers ends within a number.
    CutNumber { file: PathBuf, bytes: usize },
    /// Numbers have no columns.
    NoColumns { file: PathBuf },
    /// The header does not name the column.
    NoSuchColumn {
        file: PathBuf,
        column: String,
        found: String,
    },
    /// There are lines, and none can be used.
    AllBad {
        file: PathBuf,
        bad: u64,
        first: String,
    },
    /// More requests than positions of 32 bits can number.
    TooLong { file: PathBuf },
    /// The cache refused its configuration.
    Refused(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            Self::Write(failure) => failure.fmt(f),
            Self::Empty { file } => write!(f, "{} holds no request", file.display()),
            Self::CutNumber { file, bytes } => write!(
                f,
                "{} ends within a number: expected 4 bytes for each request, found {bytes} at the end",
                file.display()
            ),
            Self::NoColumns { file } => write!(
                f,
                "{} holds numbers, not lines: leave out --column and --header",
                file.display()
            ),
            Self::NoSuchColumn {
                file,
                column,
                found,
            } => write!(
                f,
                "{} has no column `{column}`: its first line is `{found}`",
                file.display()
            ),
            Self::AllBad { file, bad, first } => write!(
                f,
                "{} has no line that can be used: all {bad} are bad, the first is {first}",
                file.display()
            ),
            Self::TooLong { file } => write!(
                f,
                "{} holds more than {} requests: replay a part of it",
                file.display(),
                crate::trace::MOST_REQUESTS
            ),
            Self::Refused(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            Self::Write(failure) => failure.source(),
            _ => None,
        }
    }
}

impl From<CannotWrite> for Failure {
    fn from(failure: CannotWrite) -> Self {
        Self::Write(failure)
    }
}
