//! A promised share of good events, kept as a whole number.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::error::Error;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::availability::Availability;
use crate::error::ParamError;

/// One, in the parts that an objective counts.
pub(super) const ONE: u64 = 1_000_000_000_000;
const DIGITS: usize = 12;

/// A service-level objective: the share of events that must be good, or of time that the service must be up.
///
/// It is kept as a whole number of parts in 10^12. In `f64`, `1 - 0.999` is 0.0010000000000000009, and other ways to it give
/// 0.0009999999999999432; the budget of this objective is 1,000 parts per million and nothing else, and so are all products.
///
/// # Formula
///
/// ```text
/// budget = 1 - objective
/// allowed down-time = budget * period
/// ```
///
/// Source: B. Beyer and others, "The Site Reliability Workbook", O'Reilly 2018, chapter 2.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::Objective;
/// use std::time::Duration;
///
/// let objective: Objective = "99.9%".parse()?;
/// assert_eq!(objective, "0.999".parse()?);
/// assert_eq!(objective.budget(), 0.001);
/// assert_eq!(objective.budget_ppm(), 1_000.0);
/// let month = Duration::from_secs(30 * 86_400);
/// assert_eq!(objective.allowed_down_time(month), Duration::from_secs(43 * 60 + 12)); // 43.2 minutes
/// # Ok::<(), crm_metrics::service_level::ObjectiveError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Objective {
    /// The budget in parts of [`ONE`].
    budget: u64,
}

impl Objective {
    /// The objective that leaves a budget of so many bad events in a million.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `ppm` is above one million.
    pub fn from_budget_ppm(ppm: u32) -> Result<Self, ParamError> {
        Self::from_budget_parts(u64::from(ppm) * (ONE / 1_000_000))
            .map_err(|_| ParamError::new("ppm", f64::from(ppm), "be at most a million"))
    }

    /// The objective that leaves a budget of so many bad events in 10^12.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `parts` is above 10^12.
    pub fn from_budget_parts(parts: u64) -> Result<Self, ParamError> {
        if parts > ONE {
            return Err(ParamError::new("parts", parts as f64, "be at most 10^12"));
        }
        Ok(Self { budget: parts })
    }

    /// The objective as a share: 0.999.
    #[must_use]
    pub fn share(&self) -> f64 {
        (ONE - self.budget) as f64 / ONE as f64
    }

    /// `1 - objective`: the share of events that may be bad, as the nearest `f64`.
    #[must_use]
    pub fn budget(&self) -> f64 {
        self.budget as f64 / ONE as f64
    }

    /// The budget in parts per million.
    #[must_use]
    pub fn budget_ppm(&self) -> f64 {
        self.budget as f64 / 1e6
    }

    /// The budget in whole parts of 10^12.
    #[must_use]
    pub const fn budget_parts(&self) -> u64 {
        self.budget
    }

    /// `budget * period`, the part of a nanosecond dropped.
    #[must_use]
    pub fn allowed_down_time(&self, period: Duration) -> Duration {
        nanoseconds(wide_part(period.as_nanos(), self.budget))
    }

    /// `budget * span`, for a span in any unit: 43.2 for 99.9 % of 43,200 minutes.
    ///
    /// # Panics
    ///
    /// When `span` is negative, infinite or NaN.
    #[must_use]
    pub fn allowed_down_time_of(&self, span: f64) -> f64 {
        assert!(
            span.is_finite() && span >= 0.0,
            "the span must be finite and not negative, not {span}"
        );
        // A whole number of seconds in years times the parts is exact; the division rounds once.
        let product = span * self.budget as f64;
        if product.is_finite() {
            product / ONE as f64
        } else {
            span / ONE as f64 * self.budget as f64
        }
    }

    /// `budget * events`, the part of an event dropped: the number that may be bad.
    #[must_use]
    pub fn allowed_bad_events(&self, events: u64) -> u64 {
        // The budget is at most one, so that the result is at most `events`.
        wide_part(u128::from(events), self.budget) as u64
    }

    /// The same promise as an availability.
    #[must_use]
    pub fn as_availability(&self) -> Availability {
        Availability::from_shares(self.share(), self.budget())
    }
}

/// `amount * parts / ONE`, rounded down. The product would overflow from 10^26 on, and no count gets there; a duration may.
fn wide_part(amount: u128, parts: u64) -> u128 {
    let one = u128::from(ONE);
    let parts = u128::from(parts);
    amount / one * parts + amount % one * parts / one
}

/// A duration of at most `Duration::MAX`.
pub(super) fn nanoseconds(total: u128) -> Duration {
    let seconds = total / 1_000_000_000;
    match u64::try_from(seconds) {
        Ok(seconds) => Duration::new(seconds, (total % 1_000_000_000) as u32),
        Err(_) => Duration::MAX,
    }
}

impl fmt::Display for Objective {
    /// In per cent, without superfluous zeros: `99.95%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = ONE - self.budget;
        let whole = share / (ONE / 100);
        let fraction = format!("{:010}", share % (ONE / 100));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            write!(f, "{whole}%")
        } else {
            write!(f, "{whole}.{fraction}%")
        }
    }
}

impl FromStr for Objective {
    type Err = ObjectiveError;

    /// From `99.9%`, `99.9 %` or `0.999`, digit by digit.
    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        let refuse = |why| ObjectiveError {
            text: text.to_owned(),
            why,
        };
        let (number, digits) = match text.trim().strip_suffix('%') {
            Some(number) => (number.trim_end(), DIGITS - 2),
            None => (text.trim(), DIGITS),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) {
            return Err(refuse("write it as 99.9% or 0.999"));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > digits {
            return Err(refuse("drop the digits after the twelfth of the share"));
        }
        let padded = format!("{}{fraction:0<digits$}", whole.trim_start_matches('0'));
        // Anything too long to be a number is above one as well.
        let share = if padded.len() > DIGITS + 1 {
            u64::MAX
        } else {
            padded.parse().unwrap_or(u64::MAX)
        };
        if share > ONE {
            return Err(refuse(if digits == DIGITS {
                "without % it is a share of at most 1; with it, it is at most 100%"
            } else {
                "keep it at or below 100%"
            }));
        }
        Ok(Self {
            budget: ONE - share,
        })
    }
}

/// A text that is no [`Objective`].
///
/// ```
/// use crm_metrics::service_level::Objective;
///
/// let error = "99.9.9".parse::<Objective>().unwrap_err();
/// assert_eq!(error.to_string(), "\"99.9.9\" is not an objective: write it as 99.9% or 0.999");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectiveError {
    text: String,
    why: &'static str,
}

impl fmt::Display for ObjectiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an objective: {}", self.text, self.why)
    }
}

impl Error for ObjectiveError {}
