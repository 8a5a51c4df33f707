//! When the burning of a budget deserves a human.

use core::time::Duration;

use super::objective::{ONE, Objective};
use crate::check;
use crate::error::ParamError;

/// The burn rate that uses up a fraction of the budget within a window.
///
/// # Formula
///
/// ```text
/// b = fraction * period / window
/// ```
///
/// `fraction` is the share of the budget (no unit), `window` the time in which it is used up and `period` the time that the
/// budget is meant for.
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapter 5.
///
/// # Errors
///
/// [`ParamError`] when `fraction` is not finite and above zero, or a time is zero.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::burn_rate;
/// use std::time::Duration;
///
/// // Two per cent of a month's budget in one hour.
/// let hour = Duration::from_secs(3600);
/// assert_eq!(burn_rate(0.02, hour, 720 * hour)?, 14.4);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn burn_rate(fraction: f64, window: Duration, period: Duration) -> Result<f64, ParamError> {
    let fraction = check::positive("fraction", fraction)?;
    let window = check::span("window", window)?;
    let period = check::span("period", period)?;
    let rate = fraction * period.div_duration_f64(window);
    check::in_range("fraction", fraction, rate)
}

/// What an alert asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Urgency {
    /// Somebody must look now, at night too.
    Page,
    /// Somebody must look on a working day.
    Ticket,
}

/// One alert on the burn rate, over a long window and a short one.
///
/// It fires while the error ratio of both windows is above the threshold: the long window keeps it from firing for
/// trifles, the short one lets it stop soon after the cause is gone.
///
/// # Formula
///
/// ```text
/// burn rate b = fraction * period / long
/// threshold   = b * budget
/// ```
///
/// With `fraction` a whole number of per mille and times in whole seconds, the threshold is a quotient of whole numbers and rounded once:
/// 0.0144 for 14.4 times the budget of 99.9 %.
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapter 5, table 5-8.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::{BurnRateAlert, Objective, Urgency};
/// use std::time::Duration;
///
/// let month = Duration::from_secs(30 * 86_400);
/// let [fast, slow, creeping] = BurnRateAlert::workbook(month)?;
/// assert_eq!([fast, slow, creeping].map(|alert| alert.burn_rate()), [14.4, 6.0, 1.0]);
/// assert_eq!(fast.urgency(), Urgency::Page);
/// assert_eq!(fast.short_window(), Duration::from_secs(300));
///
/// let objective: Objective = "99.9%".parse()?;
/// assert_eq!(fast.threshold(objective), 0.0144);
/// assert!(fast.fires(objective, 0.02, 0.03));
/// assert!(!fast.fires(objective, 0.02, 0.001)); // over since some minutes
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurnRateAlert {
    urgency: Urgency,
    fraction_per_mille: u32,
    long: Duration,
    short: Duration,
    period: Duration,
}

impl BurnRateAlert {
    /// An alert for when `fraction_per_mille` thousandths of the budget of `period` are used up within `long`; the short window is a
    /// twelfth of the long one.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when the fraction is zero or above a thousand, a time is zero, or `long` is longer than `period`.
    pub fn new(
        urgency: Urgency,
        fraction_per_mille: u32,
        long: Duration,
        period: Duration,
    ) -> Result<Self, ParamError> {
        if !(1..=1000).contains(&fraction_per_mille) {
            let value = f64::from(fraction_per_mille);
            return Err(ParamError::new(
                "fraction_per_mille",
                value,
                "lie between 1 and 1000",
            ));
        }
        let long = check::span("long", long)?;
        let period = check::span("period", period)?;
        if long > period {
            let value = long.as_secs_f64();
            return Err(ParamError::new("long", value, "be at most the period"));
        }
        Ok(Self {
            urgency,
            fraction_per_mille,
            long,
            short: long / 12,
            period,
        })
    }

    /// The three alerts that the workbook recommends: page at 2 % of the budget within an hour and 5 % within six hours, ticket at 10 %
    /// within three days.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `period` is shorter than three days.
    pub fn workbook(period: Duration) -> Result<[Self; 3], ParamError> {
        let hours = |count: u64| Duration::from_secs(count * 3600);
        if period < hours(72) {
            let value = period.as_secs_f64();
            return Err(ParamError::new(
                "period",
                value,
                "be at least three days (259,200 s)",
            ));
        }
        Ok([
            Self::new(Urgency::Page, 20, hours(1), period)?,
            Self::new(Urgency::Page, 50, hours(6), period)?,
            Self::new(Urgency::Ticket, 100, hours(72), period)?,
        ])
    }

    /// The same alert with another short window.
    #[must_use]
    pub const fn with_short_window(mut self, short: Duration) -> Self {
        self.short = short;
        self
    }

    /// What the alert asks for.
    #[must_use]
    pub const fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// The window in which the fraction of the budget is used up.
    #[must_use]
    pub const fn long_window(&self) -> Duration {
        self.long
    }

    /// The window that lets the alert stop soon.
    #[must_use]
    pub const fn short_window(&self) -> Duration {
        self.short
    }

    /// `burn_rate * long / period`: the share of the budget of the period that is gone when the alert fires, if it had been whole.
    #[must_use]
    pub fn budget_fraction(&self) -> f64 {
        f64::from(self.fraction_per_mille) / 1000.0
    }

    /// `fraction * period / long`.
    #[must_use]
    pub fn burn_rate(&self) -> f64 {
        self.quotient(1, 1)
    }

    /// `burn rate * budget`: the share of bad events above which a window burns too fast. It may exceed one, and the alert
    /// then cannot fire.
    #[must_use]
    pub fn threshold(&self, objective: Objective) -> f64 {
        self.quotient(objective.budget_parts(), ONE)
    }

    /// Whether the share of bad events is above the threshold in both windows.
    ///
    /// # Panics
    ///
    /// When a ratio is NaN.
    #[must_use]
    pub fn fires(&self, objective: Objective, long_ratio: f64, short_ratio: f64) -> bool {
        assert!(
            !long_ratio.is_nan() && !short_ratio.is_nan(),
            "a ratio of bad events must be a number"
        );
        let threshold = self.threshold(objective);
        long_ratio > threshold && short_ratio > threshold
    }

    /// `burn rate * numerator / denominator`, in whole numbers until the last step.
    fn quotient(&self, numerator: u64, denominator: u64) -> f64 {
        let (period, long) = (self.period.as_nanos(), self.long.as_nanos());
        let common = gcd(period, long);
        let scale = gcd(
            u128::from(numerator) * u128::from(self.fraction_per_mille),
            u128::from(denominator) * 1000,
        );
        let budget = u128::from(numerator) * u128::from(self.fraction_per_mille) / scale.max(1);
        let whole = u128::from(denominator) * 1000 / scale.max(1);
        ((period / common) as f64 * budget as f64) / ((long / common) as f64 * whole as f64)
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
