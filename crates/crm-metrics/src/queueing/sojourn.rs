//! Waiting and service together: the sum of two independent exponential times.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// The sum of an exponential time of one rate and one of another.
///
/// The textbook's `(b e^(-a t) - a e^(-b t)) / (b - a)` is zero over zero where the rates meet and loses all digits near
/// there. The convolution below is a product of positive factors at any rates instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TwoStages {
    slow: f64,
    fast: f64,
}

impl TwoStages {
    pub(super) fn new(a: f64, b: f64) -> Self {
        Self {
            slow: a.min(b),
            fast: a.max(b),
        }
    }

    /// `e^(-slow t) (1 - e^(-gap t)) / gap`, with `gap = fast - slow`: the integral of `e^(-slow s) e^(-fast (t - s))`
    /// over `s` from zero to `t`.
    fn overlap(&self, t: f64) -> f64 {
        let decay = (-self.slow * t).exp();
        if decay == 0.0 {
            return 0.0;
        }
        let z = (self.fast - self.slow) * t;
        let mean = if z == 0.0 { 1.0 } else { -(-z).exp_m1() / z };
        decay * t * mean
    }

    /// The probability of more than `t`, for `t >= 0`.
    pub(super) fn tail(&self, t: f64) -> f64 {
        (-self.slow * t).exp() + self.slow * self.overlap(t)
    }

    /// The probability of at most `t`, for `t >= 0`, with an error in units of the probability that the slow stage alone
    /// takes at most `t`.
    ///
    /// Towards zero that is no small relative error, but in M/M/c the share that need not wait adds at least `1 / sqrt(c)`
    /// of that unit to the response time's distribution.
    pub(super) fn cdf(&self, t: f64) -> f64 {
        -(-self.slow * t).exp_m1() - self.slow * self.overlap(t)
    }

    /// The density at `t >= 0`.
    pub(super) fn density(&self, t: f64) -> f64 {
        // In this order: the product of the rates alone may leave f64.
        self.slow * (self.fast * self.overlap(t))
    }
}
