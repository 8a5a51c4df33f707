//! The zero of a function in a bracket, without derivatives.

/// The zero of a continuous `f` between `a` and `b`, where it has opposite signs; either end when it has not.
///
/// T. R. Chandrupatla's method (Advances in Engineering Software 28, 1997): inverse quadratic steps while they can be
/// trusted, halves otherwise. It ends when the bracket is a few units in the last place wide.
pub(super) fn zero(f: impl Fn(f64) -> f64, mut a: f64, mut b: f64) -> f64 {
    let (mut fa, mut fb) = (f(a), f(b));
    if fa == 0.0 {
        return a;
    }
    let mut t = 0.5;
    for _ in 0..200 {
        let x = a + t * (b - a);
        let fx = f(x);
        let (c, fc) = if fx.is_sign_positive() == fa.is_sign_positive() {
            (a, fa)
        } else {
            let before = (b, fb);
            (b, fb) = (a, fa);
            before
        };
        (a, fa) = (x, fx);
        let (best, best_value) = if fa.abs() < fb.abs() {
            (a, fa)
        } else {
            (b, fb)
        };
        let width = (b - a).abs();
        let finest = 2.0 * f64::EPSILON * best.abs();
        if best_value == 0.0 || width <= finest {
            return best;
        }
        let least = 0.5 * finest / width;
        let xi = (a - b) / (c - b);
        let phi = (fa - fb) / (fc - fb);
        t = if phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi {
            fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        } else {
            0.5
        };
        t = if t.is_nan() {
            0.5
        } else {
            t.clamp(least, 1.0 - least)
        };
    }
    a
}
