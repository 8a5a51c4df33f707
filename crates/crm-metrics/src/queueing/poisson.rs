//! The Poisson probability at any size, by Loader's saddle-point expansion.
//!
//! `e^-a a^n / n!` taken apart into logarithms of its three factors loses all digits at a million: they are of size
//! 1e7 and cancel down to about ten. C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000), writes
//! it as `exp(-delta(n) - n D) / sqrt(2 pi n)`, where nothing cancels: `delta` is the error of Stirling's formula and `D`
//! the deviance of `a` from `n`.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use core::f64::consts::PI;

/// `ln(e^-a a^n / n!)`, with `gap = n - a` handed in exactly, because it is known better than the difference of the two.
pub(crate) fn ln_poisson(n: f64, a: f64, gap: f64) -> f64 {
    ln_poisson_and_distance(n, a, gap).0
}

/// The same, and `n D`, half the square of the distance in standard deviations.
pub(crate) fn ln_poisson_and_distance(n: f64, a: f64, gap: f64) -> (f64, f64) {
    if n == 0.0 {
        return (-a, a);
    }
    let ratio = a / n;
    if n < 0.5 || ratio == f64::INFINITY {
        // Far below one, ln n and the error of Stirling's formula would cancel.
        let power = if a == 0.0 {
            f64::NEG_INFINITY
        } else {
            n * a.ln()
        };
        let ln = power - a - ln_factorial_of_fraction(n);
        return (ln, (-gap - n * ratio.ln()).max(0.0));
    }
    let distance = n * deviance(ratio, gap / n);
    let scale = 0.5 * (2.0 * PI * n).ln() + stirling_error(n);
    (-scale - distance, distance)
}

/// `ln` of the Poisson probability of `n` over that of `from`, with `gap = from - a` handed in exactly.
///
/// By way of the distribution whose mean is `from`: the two logarithms may each be large where their difference is not.
pub(crate) fn ln_poisson_ratio(n: f64, from: f64, a: f64, gap: f64) -> f64 {
    let relative = gap / from;
    let ln_step = if relative.abs() < 0.5 {
        (-relative).ln_1p()
    } else {
        (a / from).ln()
    };
    let shape = ln_poisson(n, from, n - from) - ln_poisson(from, from, 0.0);
    (n - from) * ln_step + shape
}

/// `ln n!` for `n` between zero and one half.
fn ln_factorial_of_fraction(n: f64) -> f64 {
    let m = n + 1.0;
    // ln (n+1)! by Stirling's formula, less ln(n + 1); together they are a small multiple of n.
    (m + 0.5) * n.ln_1p() - m + 0.5 * (2.0 * PI).ln() + stirling_error(m) - n.ln_1p()
}

/// `D = ratio - 1 - ln(ratio)`, with `gap = 1 - ratio` handed in exactly.
pub(super) fn deviance(ratio: f64, gap: f64) -> f64 {
    if !(0.4..=2.5).contains(&ratio) {
        return -gap - ratio.ln();
    }
    // With v = x / (2 + x), ln(1 + x) = 2 atanh(v), so that D = x v - 2 v (v^2/3 + v^4/5 + ...).
    let x = -gap;
    let v = x / (2.0 + x);
    let square = v * v;
    let mut sum = 0.0;
    let mut power = square;
    let mut odd = 3.0;
    while power > 1e-18 * square && power > 0.0 {
        sum += power / odd;
        power *= square;
        odd += 2.0;
    }
    v * (x - 2.0 * sum)
}

/// `delta(n) = ln n! - (n + 1/2) ln n + n - ln(2 pi) / 2`, the error of Stirling's formula, for `n >= 1/2`.
pub(crate) fn stirling_error(n: f64) -> f64 {
    let mut error = 0.0;
    let mut n = n;
    if n < 16.0 && n.fract() == 0.0 {
        let mut factorial = 1.0;
        let mut k = 2.0;
        while k <= n {
            factorial *= k;
            k += 1.0;
        }
        return factorial.ln() - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln();
    }
    while n < 16.0 {
        // delta(n) - delta(n + 1)
        error += (n + 0.5) * (1.0 / n).ln_1p() - 1.0;
        n += 1.0;
    }
    let s = 1.0 / (n * n);
    let series = 1.0 / 12.0
        - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s * (1.0 / 1188.0))));
    error + series / n
}

/// `ln` of the binomial probability of `k` out of `n` at odds of `for_it` to `against`, by the same expansion.
pub(crate) fn ln_binomial(k: f64, n: f64, for_it: f64, against: f64) -> f64 {
    let rest = n - k;
    // q = 1 / (1 + odds), by whichever quotient is not too large.
    let hit = 1.0 / (1.0 + against / for_it);
    let miss = 1.0 / (1.0 + for_it / against);
    if k == 0.0 {
        return -n * (for_it / against).ln_1p();
    }
    if rest == 0.0 {
        return -n * (against / for_it).ln_1p();
    }
    // k - n hit = k miss - rest hit = -(rest - n miss).
    let gap = k.mul_add(miss, -(rest * hit));
    let distance =
        k * deviance(n * hit / k, gap / k) + rest * deviance(n * miss / rest, -gap / rest);
    0.5 * (n / (2.0 * PI * k * rest)).ln() + stirling_error(n)
        - stirling_error(k)
        - stirling_error(rest)
        - distance
}
