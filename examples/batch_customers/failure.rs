//! What ends the program early, each told in one line.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crm_perf::batch::{BatchError, BuildError, FileError, InputError};
use indicatif::HumanCount;

use crate::customer::Reason;
use crate::program::CannotWrite;

/// Why the job itself ended early.
pub(crate) type JobError = BatchError<Reason, FileError, InputError>;

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input cannot be opened.
    Open { file: PathBuf, error: io::Error },
    /// Its header cannot be read.
    Read { file: PathBuf, error: InputError },
    /// A file of ours cannot be written.
    Write(CannotWrite),
    /// The header does not name a column.
    NoSuchColumn {
        file: PathBuf,
        column: &'static str,
        found: String,
    },
    /// The input would be replaced by the output.
    Same(PathBuf),
    /// A file that is to be generated is there already.
    Exists(PathBuf),
    /// A run has not finished the output, and nobody has said what is to become of it.
    Unfinished { output: PathBuf, records: u64 },
    /// The file sink refuses to say whether there is a checkpoint.
    Sink(FileError),
    /// The batch was refused.
    Build(BuildError),
    /// The generator ended early.
    Generate(String),
    /// The job ended early.
    Job(Box<JobError>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            Self::Read { file, error } => write!(f, "cannot read {}: {error:#}", file.display()),
            Self::Write(failure) => failure.fmt(f),
            Self::NoSuchColumn {
                file,
                column,
                found,
            } => write!(
                f,
                "{} has no column `{column}`: its first line is `{found}`",
                file.display()
            ),
            Self::Same(file) => write!(
                f,
                "{} is the input, and the output would replace it: give another --output",
                file.display()
            ),
            Self::Exists(file) => write!(
                f,
                "{} is there already: read it with --input, or give another --generate",
                file.display()
            ),
            Self::Unfinished { output, records } => write!(
                f,
                "a run has not finished {} and has a checkpoint at record {}: go on with --resume, or forget it with \
                 --start-over",
                output.display(),
                HumanCount(*records)
            ),
            Self::Sink(error) => write!(f, "{error:#}"),
            Self::Build(error) => write!(f, "{error:#}"),
            Self::Generate(error) => write!(f, "the customers could not be generated: {error}"),
            Self::Job(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { error, .. } => Some(error),
            Self::Read { error, .. } => Some(error),
            Self::Write(failure) => failure.source(),
            Self::Sink(error) => Some(error),
            Self::Build(error) => Some(error),
            Self::Job(error) => Some(error),
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
