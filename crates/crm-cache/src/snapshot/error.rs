//! What can go wrong with a snapshot.

use std::error::Error;
use std::{fmt, io};

/// Why a snapshot could not be written; see [`Cache::snapshot`](crate::Cache::snapshot). What was written until then is
/// no snapshot: it has no end, and will not be taken for one.
///
/// `{}` prints neither the writer's error nor the encoder's, which are the [`source`](Error::source); `{:#}` appends
/// them.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The writer failed.
    Write(io::Error),
    /// A key or a value could not be turned into bytes.
    Encode(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(_) => f.write_str(
                "the snapshot could not be written: make room for it and take it anew",
            )?,
            Self::Encode(_) => f.write_str(
                "a key or a value does not let itself be written: sequences and maps have to tell `serde` their length",
            )?,
        }
        append_cause(self, f)
    }
}

impl Error for SnapshotError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Write(error) => Some(error),
            Self::Encode(error) => Some(&**error),
        }
    }
}

/// Why a snapshot could not be restored, or not as a whole; see [`Cache::restore`](crate::Cache::restore).
///
/// The cache is as good as one that nothing was restored into. What came in before the error stays in it and is right:
/// each block of entries is checked before it is used.
///
/// `{}` prints neither the reader's error nor the decoder's, which are the [`source`](Error::source); `{:#}` appends
/// them.
#[derive(Debug)]
#[non_exhaustive]
pub enum RestoreError {
    /// The reader failed.
    #[non_exhaustive]
    Read {
        /// The reader's own error.
        error: io::Error,
        /// The entries that had come in.
        restored: u64,
    },
    /// What was read does not begin as a snapshot does.
    NotASnapshot,
    /// The snapshot was written by a release of this crate that writes another format.
    #[non_exhaustive]
    OtherFormat {
        /// The format's version that was found.
        found: u16,
        /// The only one that this cache reads.
        expected: u16,
    },
    /// The snapshot's entries are of another [version](crate::CacheBuilder::snapshot_version).
    #[non_exhaustive]
    OtherVersion {
        /// The version that was found; empty without one.
        found: String,
        /// The version of this cache; empty without one.
        expected: String,
    },
    /// The snapshot holds keys or values of other types, by their names.
    #[non_exhaustive]
    OtherTypes {
        /// The types that were found.
        found: String,
        /// The types of this cache.
        expected: String,
    },
    /// The snapshot ends before its end.
    #[non_exhaustive]
    Truncated {
        /// The entries that had come in.
        restored: u64,
    },
    /// The snapshot is not what was once written: a checksum is wrong, or the counts do not add up.
    #[non_exhaustive]
    Damaged {
        /// The entries that had come in.
        restored: u64,
    },
    /// An entry that is undamaged cannot be read as a key and a value of this cache: their types have changed under the
    /// same names, or they need a format that describes itself.
    #[non_exhaustive]
    Decode {
        /// What was found wrong.
        error: Box<dyn Error + Send + Sync>,
        /// The entries that had come in.
        restored: u64,
    },
    /// The cache was written to before, or something else is being restored into it. Nothing was read.
    InUse,
}

impl RestoreError {
    /// The entries that had come in before the error, and stay.
    #[must_use]
    pub fn restored(&self) -> u64 {
        match self {
            Self::Read { restored, .. }
            | Self::Truncated { restored }
            | Self::Damaged { restored }
            | Self::Decode { restored, .. } => *restored,
            Self::NotASnapshot
            | Self::OtherFormat { .. }
            | Self::OtherVersion { .. }
            | Self::OtherTypes { .. }
            | Self::InUse => 0,
        }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { restored, .. } => write!(
                f,
                "the snapshot could not be read beyond {restored} entries: go on without the rest"
            ),
            Self::NotASnapshot => {
                f.write_str("this is no snapshot of a cache: begin cold, and check the path")
            }
            Self::OtherFormat { found, expected } => write!(
                f,
                "this is a snapshot in version {found} of the format, and version {expected} is read: begin cold, and take \
                 a new one"
            ),
            Self::OtherVersion { found, expected } => write!(
                f,
                "this is a snapshot of version {found:?}, and the cache is built for {expected:?}: begin cold, and take a \
                 new one"
            ),
            Self::OtherTypes { found, expected } => write!(
                f,
                "this is a snapshot of {found}, and the cache holds {expected}: begin cold, and take a new one"
            ),
            Self::Truncated { restored } => write!(
                f,
                "the snapshot ends after {restored} entries, before its end: go on without the rest, and write snapshots \
                 to a file that is renamed when it is complete"
            ),
            Self::Damaged { restored } => write!(
                f,
                "the snapshot is damaged after {restored} entries: go on without the rest, and take a new one"
            ),
            Self::Decode { restored, .. } => write!(
                f,
                "an entry after {restored} others does not fit the types of this cache: go on without the rest, and give \
                 the builder another snapshot_version whenever the types change"
            ),
            Self::InUse => f.write_str(
                "the cache was written to: restore into a new one, before anybody writes to it",
            ),
        }?;
        append_cause(self, f)
    }
}

/// With `{:#}` the error below follows on the same line.
fn append_cause(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error.source().filter(|_| f.alternate()) {
        Some(cause) => write!(f, ": {cause:#}"),
        None => Ok(()),
    }
}

impl Error for RestoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            Self::Decode { error, .. } => Some(&**error),
            _ => None,
        }
    }
}
