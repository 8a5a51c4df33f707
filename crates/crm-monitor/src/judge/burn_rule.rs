//! One row of the table of burn-rate alerts.

use std::time::Duration;

use super::decimal::{self, Fault};
use super::error::JudgeError;
use super::objective::Objective;
use super::quotient::quotient;
use super::severity::Severity;
use super::target::ONE;

/// The whole budget, in the parts that a rule counts.
const ALL: u32 = 1_000_000;

/// An alert for when a part of a budget is spent within a window.
///
/// It fires while the errors of a long window and of a short one both burn the budget faster than that: the long one keeps it from
/// firing for trifles, the short one lets it stop soon after the cause is gone.
///
/// # Formula
///
/// ```text
/// burn rate = error ratio / budget
/// threshold = budget fraction * period / long window
/// ```
///
/// At a burn rate of one the budget is spent at the end of the period. All are quotients of whole numbers, rounded once. Only the long
/// window counts for the threshold; the workbook makes the short one a twelfth of it.
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapter 5, tables 5-6 and 5-8.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{BurnRule, Objective, Severity};
/// use std::time::Duration;
///
/// let days = |count: u64| Duration::from_secs(86_400 * count);
/// let hour = Duration::from_secs(3_600);
/// let rule = BurnRule::new(Severity::Page, 2.0, hour, hour / 12)?; // 2 % of the budget in an hour
/// assert_eq!(rule.burn_rate(&Objective::percent(99.9, days(30))?), 14.4);
/// assert_eq!(rule.burn_rate(&Objective::percent(99.9, days(7))?), 3.36);
/// assert_eq!(rule.threshold(&Objective::percent(99.9, days(30))?), 0.0144);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BurnRule {
    severity: Severity,
    /// In parts of [`ALL`].
    fraction: u32,
    long: Duration,
    short: Duration,
}

impl BurnRule {
    /// An alert for `percent` of the budget within `long`, still going on within `short`.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when `percent` is not above zero and at most 100, or has more than four decimals;
    /// [`JudgeError::Windows`] when `short` is zero or not shorter than `long`.
    pub fn new(
        severity: Severity,
        percent: f64,
        long: Duration,
        short: Duration,
    ) -> Result<Self, JudgeError> {
        let refuse = |must| JudgeError::figure("percent", percent, must);
        let fraction = match decimal::scaled_f64(percent, 4).map(u32::try_from) {
            Ok(Ok(fraction @ 1..=ALL)) => fraction,
            Err(Fault::TooFine) => return Err(refuse("have at most four decimals")),
            _ => return Err(refuse("lie above 0 and be at most 100")),
        };
        if short.is_zero() || short >= long {
            return Err(JudgeError::Windows { short, long });
        }
        Ok(Self {
            severity,
            fraction,
            long,
            short,
        })
    }

    /// What the alert asks for.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// The part of the budget, in per cent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        f64::from(self.fraction) / 1e4
    }

    /// The window in which that part is spent.
    #[must_use]
    pub const fn long_window(&self) -> Duration {
        self.long
    }

    /// The window that lets the alert stop soon.
    #[must_use]
    pub const fn short_window(&self) -> Duration {
        self.short
    }

    /// `fraction * period / long window`: the burn rate above which the alert fires.
    #[must_use]
    pub fn burn_rate(&self, objective: &Objective) -> f64 {
        self.times(objective, 1, 1)
    }

    /// `burn rate * budget`: the error ratio above which the alert fires.
    #[must_use]
    pub fn threshold(&self, objective: &Objective) -> f64 {
        self.times(objective, objective.target().budget_parts(), ONE)
    }

    /// Refuses what does not fit an objective.
    pub(super) fn check(&self, objective: &Objective) -> Result<(), JudgeError> {
        if self.long > objective.period() {
            return Err(JudgeError::Windows {
                short: self.long,
                long: objective.period(),
            });
        }
        if self.threshold(objective) >= 1.0 {
            let parts = objective.target().budget_parts();
            return Err(JudgeError::CannotFire {
                burn_rate: self.burn_rate(objective),
                most: quotient(ONE.into(), parts.into()),
                target: objective.target(),
            });
        }
        Ok(())
    }

    /// The burn rate times a fraction. The products stay below 2^20 * 2^59 * 2^40, the period being at most 3,660 days.
    fn times(&self, objective: &Objective, numerator: u64, denominator: u64) -> f64 {
        let period = objective.period().as_nanos() * u128::from(self.fraction);
        // A long window beyond the period is refused before it is used, and saturates here.
        let long = self.long.as_nanos().saturating_mul(ALL.into());
        quotient(
            period * u128::from(numerator),
            long.saturating_mul(denominator.into()),
        )
    }
}
