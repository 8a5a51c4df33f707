//! Why a file sink refuses.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a [`FileSink`](crate::FileSink) refuses. `{:#}` appends the system's error, which is the [`source`](Error::source), to
/// the message.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused something.
    #[non_exhaustive]
    Io {
        /// What was tried.
        tried: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// Another run is writing the file at this moment.
    Busy(PathBuf),
    /// A run with a checkpoint has not finished the file, and this run has none, so that it would destroy what is there.
    Unfinished(PathBuf),
    /// The checkpoint, or the file that belongs to it, is not what a run leaves.
    #[non_exhaustive]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The checkpoint was written by a later version of this crate.
    #[non_exhaustive]
    LaterVersion {
        /// Which file.
        path: PathBuf,
        /// The version of its layout.
        version: u32,
    },
    /// An earlier failure has left it unknown what is on the disk; the run that follows goes on from its checkpoint.
    Broken(PathBuf),
    /// Rejects were handed to a sink that has no file for them.
    NoRejects(PathBuf),
}

impl FileError {
    pub(super) fn io(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { tried, path, error }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { tried, path, error } => {
                write!(f, "{} cannot be {tried}", path.display())?;
                if f.alternate() {
                    write!(f, ": {error}")?;
                }
                Ok(())
            }
            Self::Busy(path) => write!(
                f,
                "{} is being written by another run: wait for its end",
                path.display()
            ),
            Self::Unfinished(path) => write!(
                f,
                "{} belongs to a run that has not finished: run that job again, or remove the file to give it up",
                path.display()
            ),
            Self::Damaged { path, what } => write!(
                f,
                "{} {what}: restore it, or start the job over",
                path.display()
            ),
            Self::LaterVersion { path, version } => write!(
                f,
                "{} has layout {version}, which a later version of crm-batch writes: use that one, or start the job over",
                path.display()
            ),
            Self::Broken(path) => write!(
                f,
                "{} is in doubt after an earlier failure: run the job again, which goes on from what is certain",
                path.display()
            ),
            Self::NoRejects(path) => write!(
                f,
                "{} has no file for rejects beside it: name one with FileSink::with_rejects",
                path.display()
            ),
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
