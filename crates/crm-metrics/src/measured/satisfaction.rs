//! The mean of customers' scores.

use crate::error::ParamError;

/// Customer satisfaction: the mean of the customers' scores, on the scale of the scores.
///
/// # Formula
///
/// ```text
/// S = (s_1 + s_2 + ... + s_n) / n
/// ```
///
/// `s_i` is the score of answer `i` and `n` the number of answers. The sum is compensated (A. Neumaier, "Rundungsfehleranalyse
/// einiger Verfahren zur Summation endlicher Summen", ZAMM 54, 1974), so that the mean of millions of answers is right to
/// the last digits.
///
/// Source: the arithmetic mean; for its use with answers on a scale see N. Bendle and others, "Marketing Metrics",
/// Pearson.
///
/// # Errors
///
/// [`ParamError`] when there is no score (the mean of nothing is unknown, not zero), or one of them is not finite.
///
/// # Example
///
/// ```
/// let mean = crm_metrics::customer_satisfaction(&[5.0, 4.0, 4.0, 2.0])?;
/// assert_eq!(mean, 3.75);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn customer_satisfaction(scores: &[f64]) -> Result<f64, ParamError> {
    if scores.is_empty() {
        return Err(ParamError::new("scores", 0.0, "hold at least one score"));
    }
    if let Some(&bad) = scores.iter().find(|score| !score.is_finite()) {
        return Err(ParamError::new("scores", bad, "all be finite"));
    }
    let n = scores.len() as f64;
    let sum = compensated_sum(scores.iter().copied());
    if sum.is_finite() {
        return Ok(sum / n);
    }
    // The sum left the range of f64, the mean cannot. A power of two costs no digits, and no slice is as long as it;
    // only the last rounding may still lead past the largest number.
    let sum = compensated_sum(scores.iter().map(|score| score / LONGER_THAN_A_SLICE));
    Ok((sum / n * LONGER_THAN_A_SLICE).clamp(-f64::MAX, f64::MAX))
}

/// 2^64: scores divided by it have a sum within the range of `f64`, however many they are.
const LONGER_THAN_A_SLICE: f64 = 18_446_744_073_709_551_616.0;

/// The sum with the rounding error of every addition carried along.
fn compensated_sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = 0.0_f64;
    let mut lost = 0.0_f64;
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() {
            (sum - next) + value
        } else {
            (value - next) + sum
        };
        sum = next;
    }
    sum + lost
}
