//! The promised share, kept as a whole number.

use std::fmt;
use std::str::FromStr;

use super::decimal::{self, Fault};
use super::error::ObjectiveError;

/// One, in the parts that a target counts.
pub(super) const ONE: u64 = 1_000_000_000_000;

/// The share of events that are promised to be good: more than nothing, less than all.
///
/// It is kept as a whole number of parts in 10^12, so that 99.9 % leaves a budget of exactly 0.1 %. In `f64`, `1 - 0.999` is
/// 0.0010000000000000009, and `100 - 99.9` per cent gives 0.0009999999999999432.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::Target;
///
/// let target: Target = "99.9 %".parse()?;
/// assert_eq!(target.budget(), 0.001);
/// assert_eq!(target.budget_ppm(), 1_000.0);
/// assert_eq!(target, Target::percent(99.9)?);
/// assert_eq!(target, "0.999".parse()?);
/// # Ok::<(), crm_monitor::judge::ObjectiveError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// In parts of [`ONE`], from 1 to `ONE - 1`.
    good: u64,
}

impl Target {
    /// So many per cent, at the decimal that the number is written as: 99.9 means 999 in a thousand.
    ///
    /// A share is no percentage: `percent(0.999)` promises 0.999 %, nearly nothing, and no budget of it is ever spent. It is
    /// accepted here, since it makes sense; [`BurnRules::workbook`](crate::judge::BurnRules::workbook) refuses it, and asks whether 99.9 %
    /// is meant. Shares are parsed: `"0.999".parse()`.
    ///
    /// # Errors
    ///
    /// [`ObjectiveError`] when it is NaN or infinite, above 100, at 100 or at zero and below, or has more than ten decimals.
    pub fn percent(percent: f64) -> Result<Self, ObjectiveError> {
        if !percent.is_finite() {
            return Err(ObjectiveError::NotANumber);
        }
        if percent < 0.0 {
            return Err(ObjectiveError::NothingPromised);
        }
        Self::from_parts(decimal::scaled_f64(percent, 10))
    }

    /// So many good events in a million.
    ///
    /// # Errors
    ///
    /// [`ObjectiveError`] when that is none, all, or more than all.
    pub fn from_ppm(ppm: u32) -> Result<Self, ObjectiveError> {
        Self::from_parts(Ok(u64::from(ppm) * (ONE / 1_000_000)))
    }

    fn from_parts(parts: Result<u64, Fault>) -> Result<Self, ObjectiveError> {
        match parts {
            Ok(0) => Err(ObjectiveError::NothingPromised),
            Ok(ONE) => Err(ObjectiveError::NoBudget),
            Ok(good) if good < ONE => Ok(Self { good }),
            Ok(_) | Err(Fault::TooLarge) => Err(ObjectiveError::OverAll),
            Err(Fault::TooFine) => Err(ObjectiveError::TooFine),
            Err(Fault::NotADecimal) => Err(ObjectiveError::NotADecimal),
        }
    }

    /// What was probably meant by less than one per cent: the same digits as a share.
    pub(super) fn meant(self) -> Option<Self> {
        let good = self.good * 100;
        (good < ONE).then_some(Self { good })
    }

    /// The share of good events, as the nearest `f64`: 0.999.
    #[must_use]
    pub fn share(self) -> f64 {
        self.good as f64 / ONE as f64
    }

    /// `1 - target`: the share of events that may be bad, as the nearest `f64`.
    #[must_use]
    pub fn budget(self) -> f64 {
        self.budget_parts() as f64 / ONE as f64
    }

    /// The budget in parts per million.
    #[must_use]
    pub fn budget_ppm(self) -> f64 {
        self.budget_parts() as f64 / 1e6
    }

    /// The budget in whole parts of 10^12: exact.
    #[must_use]
    pub const fn budget_parts(self) -> u64 {
        ONE - self.good
    }
}

impl FromStr for Target {
    type Err = ObjectiveError;

    /// From `99.9%`, `99.9 %` or `0.999`.
    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        let text = text.trim();
        Self::from_parts(match text.strip_suffix('%') {
            Some(percent) => decimal::scaled(percent.trim_end(), 10),
            None => decimal::scaled(text, 12),
        })
    }
}

impl fmt::Display for Target {
    /// In per cent, without superfluous zeros: `99.95 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = ONE / 100;
        let fraction = format!("{:010}", self.good % percent);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{}{point}{fraction} %", self.good / percent)
    }
}
