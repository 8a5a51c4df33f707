//! The root of a monotone function within a bracket, to the last digits.

/// The argument in `[low, high]` at which `f` changes its sign, by T. R. Chandrupatla's method (1997): inverse quadratic
/// interpolation where it is safe, bisection elsewhere.
///
/// `f` must not be NaN. Where it has the same sign at both ends, the end that is nearer to zero is returned.
pub(crate) fn find(low: f64, high: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa == 0.0 {
        return a;
    }
    if fb == 0.0 {
        return b;
    }
    if (fa > 0.0) == (fb > 0.0) {
        return if fa.abs() < fb.abs() { a } else { b };
    }
    let mut share = 0.5;
    for _ in 0..200 {
        let x = a + share * (b - a);
        let fx = f(x);
        let (c, fc);
        if (fx > 0.0) == (fa > 0.0) {
            (c, fc) = (a, fa);
        } else {
            (c, fc) = (b, fb);
            (b, fb) = (a, fa);
        }
        (a, fa) = (x, fx);
        let (best, value) = if fa.abs() < fb.abs() {
            (a, fa)
        } else {
            (b, fb)
        };
        let least = f64::EPSILON * best.abs() + f64::MIN_POSITIVE;
        let limit = least / (b - a).abs();
        if value == 0.0 || limit > 0.5 {
            return best;
        }
        let (xi, phi) = ((a - b) / (c - b), (fa - fb) / (fc - fb));
        let interpolates = phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi;
        share = if interpolates {
            (fa / (fb - fa)) * (fc / (fb - fc))
                + ((c - a) / (b - a)) * (fa / (fc - fa)) * (fb / (fc - fb))
        } else {
            0.5
        };
        share = share.clamp(limit, 1.0 - limit);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn roots_to_the_last_digits() {
        let root = find(0.0, 2.0, |x| x * x - 2.0);
        assert!((root - core::f64::consts::SQRT_2).abs() < 5e-16);
        let root = find(1e-9, 1e9, |x| x.ln() - 3.0);
        assert!((root / 3.0_f64.exp() - 1.0).abs() < 3e-15);
        // A corner, and one end that is the root.
        assert!(
            (find(-1.0, 9.0, |x| if x < 1.0 {
                x - 1.0
            } else {
                50.0 * (x - 1.0)
            }) - 1.0)
                .abs()
                < 1e-15
        );
        assert_eq!(find(0.0, 1.0, |x| x), 0.0);
        assert_eq!(find(0.0, 1.0, |x| x - 1.0), 1.0);
        assert_eq!(find(0.0, 1.0, |x| x + 1.0), 0.0);
    }
}
