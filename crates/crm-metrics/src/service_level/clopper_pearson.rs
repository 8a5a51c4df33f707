//! The interval of Clopper and Pearson for a proportion.

use super::interval::{Interval, counts};
use crate::check;
use crate::error::ParamError;
use crate::numeric::binomial;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// The interval of Clopper and Pearson for a share of `successes` (`k`) in `trials` (`n`): never too narrow.
///
/// # Formula
///
/// ```text
/// low:   P(B >= k | n, low)  = alpha / 2
/// high:  P(B <= k | n, high) = alpha / 2
/// ```
///
/// `B` is binomial; `1 - alpha` is the confidence. The ends are quantiles of beta distributions. At no success `low` is zero,
/// at no failure `high` is one. The relative error is below 1e-13 for counts up to 10^9; the cost is `O(sqrt(n))`, some
/// milliseconds there.
///
/// Source: C. J. Clopper and E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial",
/// Biometrika 26, 1934.
///
/// # Errors
///
/// [`ParamError`] when there is no trial, there are more successes than trials or more than 2^53 trials, or `alpha` does not lie
/// strictly between zero and one.
///
/// # Example
///
/// ```
/// use crm_metrics::service_level::clopper_pearson_interval;
///
/// // No failure in ten: the true rate may still be 31 %.
/// let rate = clopper_pearson_interval(0, 10, 0.05)?;
/// assert_eq!(rate.low, 0.0);
/// assert!((rate.high / 0.308_497_107_818_760_8 - 1.0).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn clopper_pearson_interval(
    successes: u64,
    trials: u64,
    alpha: f64,
) -> Result<Interval, ParamError> {
    let (k, n) = counts(successes, trials)?;
    if trials > 1 << 53 {
        return Err(ParamError::new("trials", n, "be at most 2^53"));
    }
    let tail = 0.5 * check::open_share("alpha", alpha)?;
    Ok(Interval {
        low: lower(k, n, tail),
        high: if 2.0 * k <= n {
            upper(k, n, tail)
        } else {
            1.0 - lower(n - k, n, tail)
        },
    })
}

/// The `x` with `P(B >= k) = tail`.
fn lower(k: f64, n: f64, tail: f64) -> f64 {
    if k == 0.0 {
        return 0.0;
    }
    if k == 1.0 {
        return -((-tail).ln_1p() / n).exp_m1();
    }
    // In ln x the logarithm of the tail is concave and rising, with slope k / weight.
    solve(k, n, tail, |x| {
        let y = 1.0 - x;
        let weight = binomial::upper_tail_weight(k, n, x, y);
        let ln_tail = binomial::ln_probability(k, n, x, y) + weight.ln();
        (ln_tail, k / weight)
    })
}

/// The `x` with `P(B <= k) = tail`, for `k` at most half of `n`.
fn upper(k: f64, n: f64, tail: f64) -> f64 {
    if k == 0.0 {
        return -(tail.ln() / n).exp_m1();
    }
    solve(k, n, tail, |x| {
        let y = 1.0 - x;
        let weight = binomial::upper_tail_weight(n - k, n, y, x);
        let ln_tail = binomial::ln_probability(k, n, x, y) + weight.ln();
        (ln_tail, -(n - k) * x / (y * weight))
    })
}

/// Newton's method in `ln x` for `ln tail(x) = ln tail`, from the estimate `k / n`, kept within a bracket.
fn solve(k: f64, n: f64, tail: f64, value_and_slope: impl Fn(f64) -> (f64, f64)) -> f64 {
    let wanted = tail.ln();
    let estimate = (k / n).ln();
    // The tails cross at the estimate; on which side of it the root lies, the slope tells.
    let rising = value_and_slope(k / n).1 > 0.0;
    let (mut low, mut high) = if rising {
        (f64::NEG_INFINITY, estimate)
    } else {
        (estimate, 0.0)
    };
    let mut t = estimate;
    for _ in 0..200 {
        let (value, slope) = value_and_slope(t.exp());
        let beyond = value - wanted;
        if (beyond > 0.0) == rising {
            high = t;
        } else {
            low = t;
        }
        let next = t - beyond / slope;
        let next = if next > low && next < high {
            next
        } else if low == f64::NEG_INFINITY {
            2.0 * t - 1.0
        } else {
            0.5 * (low + high)
        };
        if (next - t).abs() <= 2e-16 * t.abs().max(1.0) {
            return next.exp();
        }
        t = next;
    }
    t.exp()
}
