//! What ends the program early, each told in one line.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crm_perf::cache::BuildError;
use crm_perf::monitor::judge::{JudgeError, ObjectiveError};
use crm_perf::monitor::{HistoryError, RegisterError};

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Somebody else has the port, or the address is none of this machine.
    Listen {
        address: SocketAddr,
        error: io::Error,
    },
    /// No temporary folder can be made.
    Folder(io::Error),
    /// No thread or timer can be had.
    Runtime(io::Error),
    Serve(io::Error),
    Database(rusqlite::Error),
    Cache(BuildError),
    Register(RegisterError),
    History(HistoryError),
    Objective(ObjectiveError),
    Judge(JudgeError),
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "cannot listen on {address}: another program does; name another port by --listen, as --listen {}:0 for any that \
                 is free",
                address.ip()
            ),
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::Folder(error) => write!(f, "cannot make a temporary folder: {error}"),
            Self::Runtime(error) => write!(f, "cannot start threads: {error}"),
            Self::Serve(error) => write!(f, "cannot serve any more: {error}"),
            Self::Database(error) => write!(f, "the database refused: {error}"),
            Self::Cache(error) => error.fmt(f),
            Self::Register(error) => error.fmt(f),
            Self::History(error) => error.fmt(f),
            Self::Objective(error) => error.fmt(f),
            Self::Judge(error) => error.fmt(f),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { error, .. }
            | Self::Folder(error)
            | Self::Runtime(error)
            | Self::Serve(error)
            | Self::Output(error) => Some(error),
            Self::Database(error) => Some(error),
            Self::Cache(error) => Some(error),
            Self::Register(error) => Some(error),
            Self::History(error) => Some(error),
            Self::Objective(error) => Some(error),
            Self::Judge(error) => Some(error),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        Self::Register(error)
    }
}
