//! Why one record yielded no output.

use std::error::Error;
use std::fmt;

use crate::Panic;

/// Why a record yielded no output: the process function returned an error, or it panicked.
///
/// Both count against the skip limit in the same way.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The process function returned this error.
    Error(E),
    /// The process function panicked; the panic went no further than this record.
    Panicked(Panic),
}

impl<E> Failure<E> {
    /// The error of the process function, or `None` when it panicked.
    #[must_use]
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Error(error) => Some(error),
            Self::Panicked(_) => None,
        }
    }

    /// The error of the process function by value, or `None` when it panicked.
    #[must_use]
    pub fn into_error(self) -> Option<E> {
        match self {
            Self::Error(error) => Some(error),
            Self::Panicked(_) => None,
        }
    }

    /// The panic of the process function, or `None` when it returned an error.
    #[must_use]
    pub fn panic(&self) -> Option<&Panic> {
        match self {
            Self::Error(_) => None,
            Self::Panicked(panic) => Some(panic),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panicked(panic) => write!(f, "the process function panicked: {panic}"),
        }
    }
}

impl<E: Error + 'static> Error for Failure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The display of this type is the display of the error, so the chain goes on below it.
            Self::Error(error) => error.source(),
            Self::Panicked(_) => None,
        }
    }
}
