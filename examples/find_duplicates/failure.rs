//! What ends the program early, each told in one line.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crm_perf::batch::{BuildError, InputError};

use crate::program::CannotWrite;

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The file cannot be opened.
    Open { file: PathBuf, error: io::Error },
    /// The file cannot be read to its end.
    Read { file: String, error: InputError },
    /// A file of ours cannot be written.
    Write(CannotWrite),
    /// The columns are those of no layout that is known.
    UnknownLayout { names: String },
    /// A column is named that the file does not have.
    NoSuchColumn { column: String, names: String },
    /// There is nothing to compare.
    Empty { file: String, bad: usize },
    /// The batch was refused.
    Build(BuildError),
    /// The batch ended early.
    Job(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            Self::Read { file, error } => write!(f, "cannot read {file}: {error:#}"),
            Self::Write(failure) => failure.fmt(f),
            Self::UnknownLayout { names } => write!(
                f,
                "the columns `{}` are of no layout that is known: say what to do with --compare and --block",
                shown(names)
            ),
            Self::NoSuchColumn { column, names } => write!(
                f,
                "the file has no column `{column}`: its first line is `{}`",
                shown(names)
            ),
            Self::Empty { file, bad: 0 } => write!(f, "{file} holds no records"),
            Self::Empty { file, bad } => write!(f, "{file} holds no records but {bad} bad rows"),
            Self::Build(error) => write!(f, "{error:#}"),
            Self::Job(error) => f.write_str(error),
        }
    }
}

/// A line of the file, shortened, on one line whatever it holds.
fn shown(line: &str) -> String {
    line.escape_debug().take(120).collect()
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { error, .. } => Some(error),
            Self::Read { error, .. } => Some(error),
            Self::Write(failure) => failure.source(),
            Self::Build(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CannotWrite> for Failure {
    fn from(failure: CannotWrite) -> Self {
        Self::Write(failure)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}
