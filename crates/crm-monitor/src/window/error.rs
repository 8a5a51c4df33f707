//! A history that cannot be kept.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why no history can be kept so; see [`HistoryBuilder::build`](crate::HistoryBuilder::build).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HistoryError {
    /// The period is below a millisecond.
    #[non_exhaustive]
    PeriodTooShort {
        /// The period that was asked for.
        period: Duration,
    },
    /// The longest window is shorter than two periods, or longer than ten years.
    #[non_exhaustive]
    LongestOutOfRange {
        /// The longest window that was asked for.
        longest: Duration,
    },
    /// The error is below 0.005 or above 0.25, or no number.
    #[non_exhaustive]
    ErrorOutOfRange {
        /// The error that was asked for.
        error: f64,
    },
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeriodTooShort { period } => write!(
                f,
                "a sample every {period:?} would cost more than it tells: take a period of at least a millisecond"
            ),
            Self::LongestOutOfRange { longest } => write!(
                f,
                "a longest window of {longest:?} cannot be kept: take one from two periods to ten years"
            ),
            Self::ErrorOutOfRange { error } => write!(
                f,
                "windows cannot be wrong by {error} of their length: take a part from 0.005 to 0.25, such as 0.05"
            ),
        }
    }
}

impl Error for HistoryError {}
