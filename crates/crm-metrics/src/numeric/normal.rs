//! The standard normal distribution: its tail and the quantile of a two-sided confidence.

use super::mills::erfcx;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use core::f64::consts::{FRAC_1_SQRT_2, PI};

/// `P(Z > z)` for `z >= 0`, to some 1e-15.
pub(crate) fn upper_tail(z: f64) -> f64 {
    0.5 * (-0.5 * z * z).exp() * erfcx(FRAC_1_SQRT_2 * z)
}

/// `ln P(Z > z)` for `z >= 0`, finite where the probability itself underflows.
pub(crate) fn ln_upper_tail(z: f64) -> f64 {
    (0.5 * erfcx(FRAC_1_SQRT_2 * z)).ln() - 0.5 * z * z
}

/// The `z` that a standard normal variable exceeds with probability `tail`, at most a half.
pub(crate) fn quantile_of_tail(tail: f64) -> f64 {
    // The logarithm of the tail is concave and falling: from the left, Newton's steps never pass the root.
    let wanted = tail.ln();
    let mut z = 0.0_f64;
    for _ in 0..80 {
        let q = upper_tail(z);
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let step = (q.ln() - wanted) * q / density;
        z += step;
        if step.abs() <= 2e-16 * z.abs() {
            break;
        }
    }
    z.max(0.0)
}
