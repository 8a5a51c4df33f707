//! What ends the program early, each told in one line.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::program::CannotWrite;
use crate::setting::Setting;
use crate::units::Size;

/// A reason to stop. Its text fits on one line and names what to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file, a folder or standard input cannot be read to its end.
    Read { file: PathBuf, error: io::Error },
    /// Neither a file nor a folder.
    NoFile { file: PathBuf },
    /// A file that was named holds nothing.
    Empty { name: String },
    /// What was named is more than is to be read.
    TooMuch { name: String, limit: Size },
    /// Nothing that was named holds a body.
    NoBody,
    /// None of the codings has any of the levels.
    NoSetting,
    /// A body does not come back as it was.
    Differs {
        body: String,
        setting: Setting,
        why: String,
    },
    /// The same with a dictionary.
    DiffersByDictionary { body: String, why: String },
    /// A file of ours cannot be written.
    Write(CannotWrite),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            Self::NoFile { file } => write!(
                f,
                "{} is neither a file nor a folder: for what a pipe holds, use `-`",
                file.display()
            ),
            Self::Empty { name } => {
                write!(f, "{name} is empty: there is no body to measure")
            }
            Self::TooMuch { name, limit } => write!(
                f,
                "{name} goes beyond {limit} of bodies: raise --limit, or give fewer"
            ),
            Self::NoBody => write!(
                f,
                "there is no body to measure: all that was given is empty or passed over"
            ),
            Self::NoSetting => write!(
                f,
                "none of the codings has one of the levels: gzip goes to 9; see --level all"
            ),
            Self::Differs { body, setting, why } => write!(
                f,
                "{body} does not come back from {setting} as it was: {why}; please report this"
            ),
            Self::DiffersByDictionary { body, why } => write!(
                f,
                "{body} does not come back from dcz as it was: {why}; please report this"
            ),
            Self::Write(failure) => failure.fmt(f),
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
