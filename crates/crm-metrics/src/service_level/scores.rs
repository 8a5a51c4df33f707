//! Scores on a scale: the share of the best ones, and their mean with its interval.

use super::interval::Interval;
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::student;

/// CSAT as the top-box share: how many of the scores reach `satisfied_from`, out of how many.
///
/// # Formula
///
/// ```text
/// CSAT = (number of scores at or above the mark) / n
/// ```
///
/// On a scale of five, the mark is usually four ("top two boxes"). Both counts are returned, so that
/// [`wilson_interval`](super::wilson_interval) can tell how far the share can be trusted. For the mean of scores see
/// [`customer_satisfaction`](crate::customer_satisfaction).
///
/// Source: N. Bendle and others, "Marketing Metrics", Pearson.
///
/// # Errors
///
/// [`ParamError`] when there is no score.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::{top_box_share, wilson_interval, z_for_confidence};
///
/// let (satisfied, answers) = top_box_share(&[5, 4, 4, 2, 5, 3, 5, 1], 4)?;
/// assert_eq!((satisfied, answers), (5, 8));
/// let interval = wilson_interval(satisfied, answers, z_for_confidence(0.95)?)?;
/// assert!(interval.low < 0.31 && interval.high > 0.86); // eight answers tell little
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn top_box_share(scores: &[u8], satisfied_from: u8) -> Result<(u64, u64), ParamError> {
    if scores.is_empty() {
        return Err(ParamError::new("scores", 0.0, "hold at least one score"));
    }
    let satisfied = scores.iter().filter(|&&score| score >= satisfied_from);
    Ok((satisfied.count() as u64, scores.len() as u64))
}

/// CES, the customer effort score: the mean of answers on a scale (usually one to seven), and its interval by Student's t.
///
/// # Formula
///
/// ```text
/// CES = (s_1 + ... + s_n) / n,   s^2 = sum of (s_i - CES)^2 / (n - 1)
/// interval = CES +- t(n - 1) s / sqrt(n)
/// ```
///
/// `t(n - 1)` is the quantile of Student's distribution for the two-sided `confidence`, such as 0.95.
///
/// Source: M. Dixon, K. Freeman and N. Toman, "Stop Trying to Delight Your Customers", Harvard Business Review 2010.
///
/// # Errors
///
/// [`ParamError`] when there are fewer than two scores, or `confidence` does not lie strictly between zero and one.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::customer_effort;
///
/// let (mean, interval) = customer_effort(&[6, 7, 5, 6], 0.95)?;
/// assert_eq!(mean, 6.0);
/// assert!((interval.low - 4.700_772_7).abs() < 1e-6 && (interval.high - 7.299_227_3).abs() < 1e-6);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn customer_effort(scores: &[u8], confidence: f64) -> Result<(f64, Interval), ParamError> {
    let confidence = check::open_share("confidence", confidence)?;
    if scores.len() < 2 {
        let value = scores.len() as f64;
        return Err(ParamError::new("scores", value, "hold at least two scores"));
    }
    // Sums of whole numbers, exact: n * sum of squares - (sum)^2 is n (n - 1) s^2.
    let n = scores.len() as u128;
    let sum: u128 = scores.iter().map(|&score| u128::from(score)).sum();
    let squares: u128 = scores.iter().map(|&score| u128::from(score).pow(2)).sum();
    let spread = (n * squares - sum * sum) as f64;
    let count = n as f64;
    let mean = sum as f64 / count;
    let variance = spread / (count * (count - 1.0));
    let t = student::two_sided_quantile(1.0 - confidence, scores.len() as u64 - 1);
    let margin = t * (variance / count).sqrt();
    Ok((
        mean,
        Interval {
            low: mean - margin,
            high: mean + margin,
        },
    ))
}
