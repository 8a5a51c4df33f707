//! The quantile of Student's t distribution for a whole number of degrees of freedom.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use core::f64::consts::PI;

/// Up to here the probability is a finite sum; beyond, the density is smooth and narrow enough to be integrated.
const SUMMED: u64 = 500;

/// `P(|T| > t)` for `t >= 0` and `freedom` degrees of freedom.
fn outside(t: f64, freedom: u64) -> f64 {
    if freedom > SUMMED {
        return 1.0 - 2.0 * integral(t, freedom as f64);
    }
    // M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4.
    let nu = freedom as f64;
    let angle = (t / nu.sqrt()).atan();
    let square = nu / (nu + t * t);
    let sine = t / (nu + t * t).sqrt();
    let odd = freedom % 2 == 1;
    let mut term = if odd { square.sqrt() } else { 1.0 };
    let mut sum = 0.0;
    let mut k = if odd { 2.0 } else { 1.0 };
    for _ in 0..(freedom / 2) {
        sum += term;
        term *= square * k / (k + 1.0);
        k += 2.0;
    }
    if odd {
        1.0 - 2.0 / PI * (angle + sine * sum)
    } else {
        1.0 - sine * sum
    }
}

/// `P(0 < T < t)` by Simpson's rule on a grid that leaves less than 1e-15.
fn integral(t: f64, nu: f64) -> f64 {
    let steps = 2 * (400.0 * t.max(0.1)).ceil() as u32;
    let h = t / f64::from(steps);
    let mut sum = 0.0;
    for i in 0..=steps {
        let weight = match i {
            0 => 1.0,
            _ if i == steps => 1.0,
            _ if i % 2 == 1 => 4.0,
            _ => 2.0,
        };
        sum += weight * density_of_many(f64::from(i) * h, nu);
    }
    sum * h / 3.0
}

/// The density for many degrees of freedom.
fn density_of_many(t: f64, nu: f64) -> f64 {
    // Gamma(z + 1/2) / (Gamma(z) sqrt(z)) by its asymptotic series, with z = nu / 2.
    let w = 2.0 / nu;
    let ratio =
        1.0 - w * (1.0 / 8.0 - w * (1.0 / 128.0 + w * (5.0 / 1024.0 - w * (21.0 / 32_768.0))));
    ratio / (2.0 * PI).sqrt() * (-0.5 * (nu + 1.0) * (t * t / nu).ln_1p()).exp()
}

/// The `t` with `P(|T| > t) = outside_probability`.
pub(crate) fn two_sided_quantile(outside_probability: f64, freedom: u64) -> f64 {
    let mut low = 0.0_f64;
    let mut high = 1.0_f64;
    while outside(high, freedom) > outside_probability && high < 1e200 {
        low = high;
        high *= 2.0;
    }
    // The secant of Illinois keeps the bracket and gains digits quickly.
    let mut f_low = outside(low, freedom) - outside_probability;
    let mut f_high = outside(high, freedom) - outside_probability;
    let mut middle = high;
    let mut last_above = None;
    for _ in 0..200 {
        middle = high - f_high * (high - low) / (f_high - f_low);
        if !(low..=high).contains(&middle) {
            middle = 0.5 * (low + high);
        }
        let f = outside(middle, freedom) - outside_probability;
        if f == 0.0 || high - low <= 4e-16 * high {
            break;
        }
        let above = f > 0.0;
        let again = last_above == Some(above);
        last_above = Some(above);
        if above {
            low = middle;
            f_low = f;
            f_high *= if again { 0.5 } else { 1.0 };
        } else {
            high = middle;
            f_high = f;
            f_low *= if again { 0.5 } else { 1.0 };
        }
    }
    middle
}
