//! The binomial distribution at any size, with the probabilities of success and failure both given.
//!
//! A binomial probability is a quotient of three Poisson probabilities, each by Loader's saddle-point form; a tail is
//! its first term times a sum of falling positive terms. Nothing cancels.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::queueing::poisson::ln_poisson;

/// `ln P(B = k)` for `n` trials with success probability `x` and failure probability `y = 1 - x`.
pub(crate) fn ln_probability(k: f64, n: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 || y <= 0.0 {
        let certain = if x <= 0.0 { 0.0 } else { n };
        return if k == certain { 0.0 } else { f64::NEG_INFINITY };
    }
    // k - n x from whichever of x and y is the smaller, and therefore known better.
    let gap = if x <= y {
        (-n).mul_add(x, k)
    } else {
        n.mul_add(y, -(n - k))
    };
    ln_poisson(k, n * x, gap) + ln_poisson(n - k, n * y, -gap) - ln_poisson(n, n, 0.0)
}

/// `P(B >= k) / P(B = k)`, for `k` above the mean.
pub(crate) fn upper_tail_weight(k: f64, n: f64, x: f64, y: f64) -> f64 {
    let odds = x / y;
    let mut sum = 1.0;
    let mut term = 1.0;
    let mut i = k;
    while i < n && term > 1e-17 * sum {
        term *= (n - i) / (i + 1.0) * odds;
        sum += term;
        i += 1.0;
    }
    sum
}

/// `P(B < k)` and `P(B >= k)` for `k` from one to `n`, the smaller one exact and the other its complement.
pub(crate) fn split(k: f64, n: f64, x: f64, y: f64) -> (f64, f64) {
    let above_mean = if x <= y { k > n * x } else { n - k < n * y };
    if above_mean {
        let high = upper_tail(k, n, x, y);
        if high <= 0.5 {
            return (1.0 - high, high);
        }
    }
    // At or below the mean, or so close above it that the median lies there: the same with success and failure
    // exchanged, at least n - k + 1 failures.
    let low = upper_tail(n - k + 1.0, n, y, x);
    (low, 1.0 - low)
}

/// `P(B >= k)`; the number of failures is handled by exchanging `x` and `y`.
fn upper_tail(k: f64, n: f64, x: f64, y: f64) -> f64 {
    let first = ln_probability(k, n, x, y);
    if first == f64::NEG_INFINITY {
        // Success or failure is certain.
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    first.exp() * upper_tail_weight(k, n, x, y)
}
