//! Quantiles of times whose distribution and tail are known, by a narrow bracket and its root.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::root;

/// The time of the order of `unit` that is exceeded with probability `1 - p`: by the distribution where `p` is below one half, by the logarithm
/// of the tail elsewhere.
pub(super) fn find(
    p: f64,
    unit: f64,
    cdf: impl Fn(f64) -> f64,
    ln_tail: impl Fn(f64) -> f64,
) -> f64 {
    if p == 0.0 {
        return 0.0;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    let ln_late = (-p).ln_1p();
    // By the side that has the digits, so that the bracket holds for the root that is looked for.
    let early = |t: f64| {
        if p < 0.5 {
            cdf(t) < p
        } else {
            ln_tail(t) > ln_late
        }
    };
    let mut high = unit;
    while early(high) {
        high *= 2.0;
    }
    // Downwards too, so that the bracket is a narrow one.
    let mut low = 0.5 * high;
    while low > 1e-300 && !early(low) {
        (low, high) = (0.5 * low, low);
    }
    if p < 0.5 {
        root::find(low, high, |t| cdf(t) - p)
    } else {
        root::find(low, high, |t| ln_late - ln_tail(t))
    }
}
