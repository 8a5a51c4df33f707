//! What ends the program early, each told in one line.

use std::fmt;

use crm_perf::metrics::queueing::ModelError;

use crate::args::Target;
use crate::program::CannotWrite;
use crate::units::{Rate, Time};

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An argument that is a number, but not one that makes sense.
    Argument {
        option: &'static str,
        given: String,
        must: &'static str,
    },
    /// The servers that were named cannot work off the load.
    Overload {
        servers: u32,
        offered: Rate,
        stable_below: Rate,
        needed: u32,
    },
    /// The service alone takes longer than the target allows.
    OutOfReach { target: Target, alone: Time },
    /// The target is in reach of no number of servers that can be counted.
    TooMany { target: Target },
    /// A model refused its parameters.
    Refused(ModelError),
    /// A file of ours cannot be written.
    Write(CannotWrite),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument {
                option,
                given,
                must,
            } => write!(f, "{option} is {given}, but must {must}"),
            Self::Overload {
                servers,
                offered,
                stable_below,
                needed,
            } => write!(
                f,
                "{servers} servers cannot work off {offered}: keep the load below {stable_below}, or have at least {needed} servers"
            ),
            Self::OutOfReach { target, alone } => write!(
                f,
                "no number of servers reaches {target}: without any wait it is {alone}, so serve faster"
            ),
            Self::TooMany { target } => {
                write!(f, "no number of servers below 2^32 reaches {target}")
            }
            Self::Refused(error) => error.fmt(f),
            Self::Write(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Write(failure) => failure.source(),
            _ => None,
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::Refused(error)
    }
}

impl From<CannotWrite> for Failure {
    fn from(failure: CannotWrite) -> Self {
        Self::Write(failure)
    }
}
