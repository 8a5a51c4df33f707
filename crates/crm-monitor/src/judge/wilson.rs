//! Wilson's interval for a share.

use super::confidence::Confidence;
use super::quotient::quotient;

/// The range in which a true share lies, with the stated confidence, given that `k` of `n` events were counted.
///
/// # Formula
///
/// ```text
/// p + z^2/(2n) +- z sqrt(p (1-p)/n + z^2/(4 n^2))
/// -----------------------------------------------,   p = k/n
///                  1 + z^2/n
/// ```
///
/// Unlike `p` plus and minus `z` standard errors it never leaves zero to one, and does not shrink to a point at no failure.
/// The lower end is computed as the other root of the same quadratic, `2 k p / (2k + z^2 + z sqrt(z^2 + 4 k (1-p)))`, which
/// subtracts nothing: a few failures in 10^9 keep their digits.
///
/// Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
/// Statistical Association 22, 1927.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Confidence, Events};
///
/// // One failure out of three: the service may be failing once in fifteen times.
/// let rate = Events::with_bad(1, 3)?.error_interval(Confidence::P95).unwrap();
/// assert!((rate.low - 0.061_49).abs() < 1e-5);
/// assert!((rate.high - 0.792_34).abs() < 1e-5);
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The interval of `hits` in `trials`, of which there is at least one, and as many as hits.
    pub(super) fn wilson(hits: u64, trials: u64, confidence: Confidence) -> Self {
        debug_assert!(trials > 0 && hits <= trials, "{hits} of {trials}");
        let z = confidence.z();
        let share = quotient(hits.into(), trials.into());
        if z == 0.0 {
            let (low, high) = (share, share);
            return Self { low, high };
        }
        let (k, n) = (hits as f64, trials as f64);
        let missed = quotient((trials - hits).into(), trials.into());
        let near = 2.0 * k + z * z + z * (z * z + 4.0 * k * missed).sqrt();
        let low = 2.0 * k * share / near;
        let high = near / (2.0 * (n + z * z));
        // The last digit of a rounding must not put an end on the wrong side of what was counted.
        Self {
            low: low.min(share),
            high: high.max(share).min(1.0),
        }
    }

    /// Whether `share` lies within, the ends included.
    #[must_use]
    pub fn contains(&self, share: f64) -> bool {
        self.low <= share && share <= self.high
    }
}
