//! What ends the program early, each told in one line.

use std::fmt;
use std::io;

use crm_perf::metrics::ParamError;
use crm_perf::metrics::queueing::ModelError;

use crate::program::CannotWrite;

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The log cannot be opened or read to its end.
    Read { log: String, error: io::Error },
    /// A file of ours cannot be written.
    Write(CannotWrite),
    /// The log holds no line beneath its header, or none at all.
    Empty { log: String },
    /// The header does not name the column.
    NoSuchColumn {
        log: String,
        column: String,
        found: String,
    },
    /// There are lines, and none can be used.
    AllBad {
        log: String,
        bad: u64,
        first: String,
    },
    /// No call came to the desk.
    NoCalls {
        log: String,
        served: String,
        abandoned: String,
    },
    /// No call was served for a known time, so nothing is known of service and agents.
    NothingServed { log: String },
    /// Nobody who waited gave up, so that nothing is known of patience.
    NoPatience,
    /// An argument that is a number, but not one that makes sense.
    Argument {
        option: &'static str,
        given: f64,
        must: &'static str,
    },
    /// A model refused its parameters.
    Refused(ModelError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { log, error } => write!(f, "cannot read {log}: {error}"),
            Self::Write(failure) => failure.fmt(f),
            Self::Empty { log } => write!(f, "{log} holds no call"),
            Self::NoSuchColumn { log, column, found } => write!(
                f,
                "{log} has no column `{column}`: its first line is `{found}`; name another with --column"
            ),
            Self::AllBad { log, bad, first } => write!(
                f,
                "{log} has no line that can be used: all {bad} are bad, the first is {first}"
            ),
            Self::NoCalls {
                log,
                served,
                abandoned,
            } => write!(
                f,
                "no call of {log} came to the desk: none has the outcome `{served}`, or `{abandoned}` after a wait"
            ),
            Self::NothingServed { log } => {
                write!(f, "no call of {log} says when its service began and ended")
            }
            Self::NoPatience => write!(
                f,
                "nobody who waited gave up, so the log says nothing of patience: give --patience"
            ),
            Self::Argument {
                option,
                given,
                must,
            } => write!(f, "{option} is {given}, but must {must}"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            Self::Write(failure) => failure.source(),
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CannotWrite> for Failure {
    fn from(failure: CannotWrite) -> Self {
        Self::Write(failure)
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::Refused(error)
    }
}

impl From<ParamError> for Failure {
    fn from(error: ParamError) -> Self {
        Self::Refused(error.into())
    }
}
