//! A promise: a target, and the period for which its budget is meant.

use std::fmt;
use std::time::Duration;

use super::error::ObjectiveError;
use super::quotient::share_of;
use super::target::{ONE, Target};
use super::words::Span;

/// Longer periods are taken for a mistake of units; it also keeps all products of periods within 128 bits.
const LONGEST: Duration = Duration::from_secs(3_660 * 86_400);

/// A service-level objective: the share of events that must be good over a period.
///
/// # Formula
///
/// ```text
/// budget             = 1 - target
/// allowed bad events = budget * events of the period
/// allowed down-time  = budget * period
/// ```
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapter 2.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Objective, ObjectiveError};
/// use std::time::Duration;
///
/// let month = Duration::from_secs(30 * 86_400);
/// let objective = Objective::percent(99.9, month)?;
/// assert_eq!(objective.allowed_down_time(), Duration::from_secs(43 * 60 + 12)); // 43.2 minutes
/// assert_eq!(objective.allowed_bad(1_000_000), 1_000);
/// assert_eq!(objective.to_string(), "99.9 % over 30 d");
///
/// assert_eq!(Objective::percent(100.1, month), Err(ObjectiveError::OverAll));
/// assert_eq!(Objective::percent(100.0, month), Err(ObjectiveError::NoBudget));
/// # Ok::<(), ObjectiveError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objective {
    target: Target,
    period: Duration,
}

impl Objective {
    /// The promise of `target` over each `period`.
    ///
    /// # Errors
    ///
    /// [`ObjectiveError::Period`] when the period is zero or longer than 3,660 days.
    pub fn new(target: Target, period: Duration) -> Result<Self, ObjectiveError> {
        if period.is_zero() || period > LONGEST {
            return Err(ObjectiveError::Period(period));
        }
        Ok(Self { target, period })
    }

    /// The promise of so many per cent over each `period`; see [`Target::percent`]. Write 99.9, not 0.999, which is 0.999 %.
    ///
    /// # Errors
    ///
    /// Those of [`Target::percent`] and of [`new`](Self::new).
    pub fn percent(percent: f64, period: Duration) -> Result<Self, ObjectiveError> {
        Self::new(Target::percent(percent)?, period)
    }

    /// The promised share.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// The time for which the budget is meant.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// `budget * events`, the part of an event dropped: how many of so many events may be bad.
    #[must_use]
    pub fn allowed_bad(&self, events: u64) -> u64 {
        // The budget is below one, so that the result is at most `events`.
        share_of(u128::from(events), self.target.budget_parts(), ONE) as u64
    }

    /// `budget * period`, the part of a nanosecond dropped: how long the service may be down.
    #[must_use]
    pub fn allowed_down_time(&self) -> Duration {
        let nanos = share_of(self.period.as_nanos(), self.target.budget_parts(), ONE);
        // The longest period has 3.2e17 nanoseconds.
        Duration::from_nanos(nanos as u64)
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {}", self.target, Span(self.period))
    }
}
