//! The standard normal distribution: its tail and the quantile of a two-sided confidence.

use std::f64::consts::PI;

/// `P(Z > z)` for `z >= 0`, to some 1e-15.
pub(crate) fn upper_tail(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    if z < 2.0 {
        // P(0 < Z < z) = density * (z + z^3/3 + z^5/15 + ...)
        let mut term = z;
        let mut sum = z;
        let mut odd = 3.0;
        while term > 1e-18 * sum {
            term *= z * z / odd;
            sum += term;
            odd += 2.0;
        }
        0.5 - density * sum
    } else {
        // Laplace's continued fraction z + 1/(z + 2/(z + 3/(z + ...))), from the inside out.
        let mut fraction = z;
        for k in (1..=160).rev() {
            fraction = z + f64::from(k) / fraction;
        }
        density / fraction
    }
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
