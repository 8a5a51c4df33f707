//! The scaled complementary error function and what follows from it: the normal distribution without its exponential.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use core::f64::consts::{FRAC_1_SQRT_2, PI};

/// Where the argument of [`CHEBYSHEV`] is zero.
const MIDDLE: f64 = 3.75;

/// Chebyshev coefficients of `(1 + 2 x) erfcx(x)` in `t = (x - MIDDLE) / (x + MIDDLE)`, computed at 50 digits.
///
/// The mapping is that of M. M. Shepherd and J. G. Laframboise, "Chebyshev Approximation of (1 + 2x) exp(x^2) erfc x in
/// 0 <= x < infinity", 1981.
const CHEBYSHEV: [f64; 27] = [
    2.3551578691348034,
    -0.004590054580646478,
    -0.08424913336651792,
    0.05920993999819189,
    -0.026658668435305753,
    0.009074997670705265,
    -0.002413163540417608,
    0.0004907758365258086,
    -6.916973302501207e-05,
    4.13902798607301e-06,
    7.74038306619849e-07,
    -2.1886401049234397e-07,
    1.076499946567091e-08,
    4.521959811218287e-09,
    -7.754400208831351e-10,
    -6.318088340886684e-11,
    2.86879501093067e-11,
    1.9455868545777347e-13,
    -9.65469674843344e-13,
    3.25254814814874e-14,
    3.3478119482868056e-14,
    -1.864562880419313e-15,
    -1.2507950530688648e-15,
    7.418235256624044e-17,
    5.068148904796111e-17,
    -2.2370566594359995e-18,
    -2.187342944303018e-18,
];

/// `e^(x^2) erfc(x)`. Below some -26 it is infinite.
pub(crate) fn erfcx(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 * (x * x).exp() - erfcx(-x);
    }
    if x > 1e8 {
        return 1.0 / (PI.sqrt() * x);
    }
    let t = 2.0 * (x - MIDDLE) / (x + MIDDLE);
    let (mut now, mut before) = (0.0, 0.0);
    for &coefficient in CHEBYSHEV.iter().skip(1).rev() {
        (now, before) = (t * now - before + coefficient, now);
    }
    (0.5 * t * now - before + 0.5 * CHEBYSHEV[0]) / (1.0 + 2.0 * x)
}

/// Mills' ratio of the standard normal distribution, `P(Z > z) / density(z)`: the reciprocal of its hazard rate.
pub(crate) fn mills_ratio(z: f64) -> f64 {
    (0.5 * PI).sqrt() * erfcx(FRAC_1_SQRT_2 * z)
}

#[cfg(test)]
mod tests {
    use super::{erfcx, mills_ratio};

    /// Values of mpmath at 30 digits.
    #[test]
    fn erfcx_from_end_to_end() {
        for (x, expected) in [
            (0.0, 1.0),
            (1e-09, 0.9999999988716208),
            (0.1, 0.8964569799691267),
            (0.5, 0.6156903441929259),
            (1.0, 0.427583576155807),
            (2.0, 0.25539567631050575),
            (3.75, 0.14558972127503855),
            (7.0, 0.07980005432915294),
            (26.0, 0.021683584850562907),
            (100.0, 0.005641613782989433),
            (100000.0, 5.6418958351954685e-06),
            (1000000000.0, 5.641895835477563e-10),
            (-0.5, 1.952360489182557),
            (-3.0, 16205.988853999586),
        ] {
            let actual = erfcx(x);
            assert!(
                (actual / expected - 1.0).abs() < 1e-15,
                "{x}: {actual:e} {expected:e}"
            );
        }
        assert_eq!(erfcx(f64::INFINITY), 0.0);
        assert_eq!(erfcx(-30.0), f64::INFINITY);
    }

    #[test]
    fn mills_ratio_of_the_centre() {
        assert!((mills_ratio(0.0) - 1.253_314_137_315_500_3).abs() < 1e-15);
    }
}
