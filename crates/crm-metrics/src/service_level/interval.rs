//! What an estimate may be off by.

use crate::check;
use crate::error::ParamError;
use crate::numeric::normal;

/// A range that holds the true value with a stated confidence.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::wilson_interval;
///
/// // Eight successes in ten, and 1.96 for a confidence of 95 %.
/// let interval = wilson_interval(8, 10, 1.96)?;
/// assert!(interval.contains(0.8) && interval.contains(0.5) && !interval.contains(0.95));
/// assert!((interval.width() - (interval.high - interval.low)).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies within, the ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// `high - low`.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// The `z` within which a standard normal variable stays with a probability of `confidence`: 1.96 for 0.95.
///
/// # Formula
///
/// ```text
/// P(-z < Z < z) = confidence
/// ```
///
/// Source: the definition; the tail by the scaled complementary error function, and Newton's method on its logarithm.
///
/// # Errors
///
/// [`ParamError`] when `confidence` does not lie strictly between zero and one.
///
/// # Example
///
/// ```
/// let z = crm_metrics::service_level::z_for_confidence(0.95)?;
/// assert!((z - 1.959_963_984_540_054).abs() < 1e-14);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn z_for_confidence(confidence: f64) -> Result<f64, ParamError> {
    let confidence = check::open_share("confidence", confidence)?;
    Ok(normal::quantile_of_tail(0.5 * (1.0 - confidence)))
}

/// Refuses more successes than trials, and no trial at all.
pub(super) fn counts(successes: u64, trials: u64) -> Result<(f64, f64), ParamError> {
    if trials == 0 {
        return Err(ParamError::new("trials", 0.0, "be at least one"));
    }
    if successes > trials {
        return Err(ParamError::new(
            "successes",
            successes as f64,
            "be at most the number of trials",
        ));
    }
    Ok((successes as f64, trials as f64))
}
