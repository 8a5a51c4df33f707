//! Wilson's interval for a proportion.

use super::interval::{Interval, counts};
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Wilson's score interval for a share of `successes` (`k`) in `trials` (`n`): the one to use for error rates.
///
/// # Formula
///
/// ```text
/// p + z^2/(2n) +- z sqrt(p (1-p)/n + z^2/(4 n^2))
/// -----------------------------------------------,   p = k/n
///                  1 + z^2/n
/// ```
///
/// `z` is the standard normal quantile of the confidence ([`z_for_confidence`](super::z_for_confidence)). Unlike `p` plus and minus `z` standard
/// errors, the interval never leaves zero to one and does not shrink to a point at no failure. Where the formula
/// subtracts, the other root of the same quadratic is used, so that a few failures in 10^9 keep their digits.
///
/// Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
/// Statistical Association 22, 1927.
///
/// # Errors
///
/// [`ParamError`] when there is no trial, there are more successes than trials, or `z` is negative or not finite.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::wilson_interval;
///
/// // Five errors in a thousand requests, at 95 %.
/// let rate = wilson_interval(5, 1_000, 1.959_963_984_540_054)?;
/// assert!((rate.low / 0.002_137_535_527_324_460_6 - 1.0).abs() < 1e-15);
/// assert!((rate.high / 0.011_650_955_373_375_112 - 1.0).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn wilson_interval(successes: u64, trials: u64, z: f64) -> Result<Interval, ParamError> {
    let (k, n) = counts(successes, trials)?;
    let z = check::not_negative("z", z)?;
    let failures = (trials - successes) as f64;
    // Beyond 1e150 the square would leave the range of f64; the interval is then zero to one.
    let z = z.min(1e150);
    let root = z * z.hypot(2.0 * (k / n * failures).sqrt());
    let near = 2.0 * k + z * z + root;
    let whole = 2.0 * (n + z * z);
    Ok(Interval {
        low: 2.0 * k * (k / n) / near.max(f64::MIN_POSITIVE),
        high: (near / whole).min(1.0),
    })
}
