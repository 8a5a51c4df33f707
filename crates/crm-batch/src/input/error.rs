//! Why a file cannot be read on.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{MOST_RECORD_LIMIT, Place};

/// Why [`Lines`](crate::Lines) or [`Csv`](crate::Csv) cannot begin or go on.
///
/// What is wrong with a single record is not among it: the process function hears of that, and may skip the record.
/// `{:#}` appends the system's error, which is the [`source`](Error::source), to the message.
#[derive(Debug)]
#[non_exhaustive]
pub enum InputError {
    /// The file could not be opened.
    #[non_exhaustive]
    Open {
        /// Its path.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The reader failed.
    #[non_exhaustive]
    Read {
        /// Bytes that had been read, or where the reader was to go.
        offset: u64,
        /// Its error.
        error: io::Error,
    },
    /// A record is longer than the limit, so that it was not read to its end.
    #[non_exhaustive]
    TooLong {
        /// Where the record begins.
        place: Place,
        /// The limit in bytes.
        limit: usize,
    },
    /// A quote opens a field and the file ends before it closes.
    #[non_exhaustive]
    OpenQuote {
        /// The record, with the byte at which the quote stands.
        place: Place,
    },
    /// No record begins at the place that was asked for: it lies outside of the records, or not behind a line end.
    #[non_exhaustive]
    NoRecordAt {
        /// The byte that was asked for.
        offset: u64,
    },
    /// A column was asked for by a name that the header does not have.
    #[non_exhaustive]
    NoColumn {
        /// The name.
        name: String,
    },
    /// Delimiter and quote are the same, or one of them is a line end.
    #[non_exhaustive]
    Dialect {
        /// The delimiter.
        delimiter: u8,
        /// The quote, if there is one.
        quote: Option<u8>,
    },
    /// A limit of 0 bytes for a record, or of more than 1 GiB.
    #[non_exhaustive]
    Limit {
        /// The limit.
        limit: usize,
    },
}

/// A file to read.
pub(crate) fn open(path: &Path) -> Result<File, InputError> {
    File::open(path).map_err(|error| InputError::Open {
        path: path.to_owned(),
        error,
    })
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, error } => {
                write!(
                    f,
                    "{} could not be opened: look at its path and at who may read it",
                    path.display()
                )?;
                if f.alternate() {
                    write!(f, ": {error:#}")?;
                }
                Ok(())
            }
            Self::Read { offset, error } => {
                write!(
                    f,
                    "the file could not be read at byte {offset}: look at the disk or the network and go on from there"
                )?;
                if f.alternate() {
                    write!(f, ": {error:#}")?;
                }
                Ok(())
            }
            Self::TooLong { place, limit } => write!(
                f,
                "{place} is longer than {limit} bytes: raise the limit, or look for a quote that never closes"
            ),
            Self::OpenQuote { place } => write!(
                f,
                "the quote in {place} never closes: close it, or read the file without quotes"
            ),
            Self::NoRecordAt { offset } => write!(
                f,
                "no record begins at byte {offset}: give a place that this source has stated for this file"
            ),
            Self::NoColumn { name } => {
                write!(
                    f,
                    "the header has no column {name:?}: ask for one that it has"
                )
            }
            Self::Dialect { delimiter, quote } => match quote {
                Some(quote) => write!(
                    f,
                    "delimiter {:?} and quote {:?} cannot be told apart, or from a line end: choose others",
                    char::from(*delimiter),
                    char::from(*quote)
                ),
                None => write!(
                    f,
                    "delimiter {:?} cannot be told from a line end: choose another",
                    char::from(*delimiter)
                ),
            },
            Self::Limit { limit } => write!(
                f,
                "a limit of {limit} bytes for a record cannot be kept: give at least 1 and at most {MOST_RECORD_LIMIT}"
            ),
        }
    }
}

impl Error for InputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open { error, .. } | Self::Read { error, .. } => Some(error),
            _ => None,
        }
    }
}
