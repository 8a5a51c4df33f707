//! What can be wrong with what a caller asks for.

use std::error::Error;
use std::fmt;

pub use crate::registry::error::{
    BuildError, Difference, HelpError, LabelError, NameError, RegisterError, UnitError,
};

/// Why a [`Layout`](crate::Layout) cannot be made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LayoutError {
    /// The highest value is not above the lowest.
    EmptyRange {
        /// The lowest value that was asked for, at least 1.
        lowest: u64,
        /// The highest value that was asked for.
        highest: u64,
    },
    /// The error is not above 0 and at most 0.25.
    ErrorOutOfRange {
        /// The error that was asked for.
        error: f64,
    },
    /// There would be more than 131,072 buckets.
    TooManyBuckets,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyRange { lowest, highest } => write!(
                f,
                "the highest value, {highest}, is not above the lowest, {lowest}: widen the range"
            ),
            Self::ErrorOutOfRange { error } => write!(
                f,
                "a relative error of {error} cannot be kept: choose one above 0 and at most 0.25, such as 0.01"
            ),
            Self::TooManyBuckets => f.write_str(
                "the layout would have more than 131,072 buckets: allow a larger error, or narrow the range",
            ),
        }
    }
}

impl Error for LayoutError {}

/// Two snapshots divide their values differently, so that they cannot be added or subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutMismatch;

impl fmt::Display for LayoutMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the snapshots have different layouts: take them from histograms of one layout")
    }
}

impl Error for LayoutMismatch {}

/// Why bytes are no [`Snapshot`](crate::Snapshot).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// They do not begin as a snapshot does.
    NotASnapshot,
    /// They were written by a version that this one does not know.
    UnknownVersion(u8),
    /// They end too early.
    Truncated,
    /// They go on after the end.
    TrailingBytes,
    /// A figure in them contradicts another.
    Contradiction,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => {
                f.write_str("these bytes are no snapshot: read what `Snapshot::to_bytes` wrote")
            }
            Self::UnknownVersion(version) => write!(
                f,
                "the snapshot has version {version}: read it with the version that wrote it, or a newer one"
            ),
            Self::Truncated => f.write_str("the snapshot ends too early: fetch all of it"),
            Self::TrailingBytes => {
                f.write_str("bytes follow the snapshot: cut them off at its length")
            }
            Self::Contradiction => {
                f.write_str("the snapshot contradicts itself: it was damaged on its way")
            }
        }
    }
}

impl Error for SnapshotError {}
