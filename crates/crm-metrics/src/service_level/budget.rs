//! How much of an objective's budget is left.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use core::time::Duration;

use super::objective::{ONE, Objective, nanoseconds};
use crate::check;
use crate::error::ParamError;

/// What a count of good and bad events leaves of an objective's budget.
///
/// # Formula
///
/// ```text
/// error ratio = bad / events
/// burn rate   = error ratio / budget
/// consumed    = bad / (budget * expected events of the period)
/// exhaustion  = remaining share * period / burn rate
/// ```
///
/// At a burn rate of one the budget is used up exactly at the end of the period; at ten, after a tenth of it.
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapters 2 and 5.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::ErrorBudget;
/// use std::time::Duration;
///
/// // A million requests so far, 600 of them failed, under a promise of 99.9 %.
/// let budget = ErrorBudget::new("99.9%".parse()?, 1_000_000, 600)?;
/// assert_eq!(budget.allowed(), 1_000);
/// assert_eq!(budget.remaining(), 400);
/// assert_eq!(budget.burn_rate(), Some(0.6));
///
/// // At ten times the sustainable rate, a whole budget of 30 days lasts three.
/// let month = Duration::from_secs(30 * 86_400);
/// assert_eq!(ErrorBudget::time_to_exhaustion(10.0, month, 1.0)?, Duration::from_secs(3 * 86_400));
///
/// // That million were the first ten days. Against the three million that the month will bring, a fifth of its budget is
/// // consumed; at the rate of those days, the rest lasts another 40.
/// let of_month = ErrorBudget::new("99.9%".parse()?, 3_000_000, 600)?;
/// assert_eq!(of_month.remaining(), 2_400);
/// let consumed = of_month.burn_rate().unwrap_or(0.0);
/// assert_eq!(consumed, 0.2);
/// let rest = ErrorBudget::time_to_exhaustion(0.6, month, 1.0 - consumed)?;
/// assert_eq!(rest, Duration::from_secs(40 * 86_400));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorBudget {
    objective: Objective,
    events: u64,
    bad: u64,
}

impl ErrorBudget {
    /// The budget of `objective` over so many `events`, of which `bad` were bad.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when more events were bad than there were.
    pub fn new(objective: Objective, events: u64, bad: u64) -> Result<Self, ParamError> {
        if bad > events {
            return Err(ParamError::new(
                "bad",
                bad as f64,
                "be at most the number of events",
            ));
        }
        Ok(Self {
            objective,
            events,
            bad,
        })
    }

    /// How many of the events could have been bad, rounded down.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.objective.allowed_bad_events(self.events)
    }

    /// How many more events could have been bad; negative when the budget is overdrawn.
    #[must_use]
    pub fn remaining(&self) -> i128 {
        i128::from(self.allowed()) - i128::from(self.bad)
    }

    /// Whether the objective is kept, compared in whole numbers: `bad <= budget * events`.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.bad <= self.allowed()
    }

    /// `bad / events`, or none before the first event.
    #[must_use]
    pub fn error_ratio(&self) -> Option<f64> {
        (self.events > 0).then(|| self.bad as f64 / self.events as f64)
    }

    /// `error ratio / budget`: how many times faster than allowed the budget is burning. It is also the share of these
    /// events' budget that is consumed.
    ///
    /// None before the first event; infinite when the objective allows nothing and something was bad.
    #[must_use]
    pub fn burn_rate(&self) -> Option<f64> {
        if self.events == 0 {
            return None;
        }
        if self.bad == 0 {
            return Some(0.0);
        }
        // Whole numbers as far as they go: bad * 10^12 / (events * parts) with one rounding of each product.
        let bad = (u128::from(self.bad) * u128::from(ONE)) as f64;
        let allowed = (u128::from(self.events) * u128::from(self.objective.budget_parts())) as f64;
        Some(bad / allowed)
    }

    /// How long the `remaining` share of the budget of `period` lasts at a burn rate.
    ///
    /// At a burn rate of zero, or one so low that the time is beyond [`Duration::MAX`], it is that.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `burn_rate` is negative or not finite, or `remaining` does not lie between zero and one.
    pub fn time_to_exhaustion(
        burn_rate: f64,
        period: Duration,
        remaining: f64,
    ) -> Result<Duration, ParamError> {
        let burn_rate = check::not_negative("burn_rate", burn_rate)?;
        if !(0.0..=1.0).contains(&remaining) {
            return Err(ParamError::new(
                "remaining",
                remaining,
                "lie between zero and one",
            ));
        }
        if remaining == 0.0 || period.is_zero() {
            return Ok(Duration::ZERO);
        }
        // Rounded to the nearest nanosecond; the quotient saturates.
        let nanos = (period.as_nanos() as f64 * remaining / burn_rate).round();
        Ok(nanoseconds(nanos as u128))
    }
}
