//! Waiting and service together: the sum of two independent exponential times.

/// The sum of an exponential time of rate `a` and one of rate `b`.
///
/// The textbook's `(b e^-at - a e^-bt) / (b - a)` is zero over zero where the rates meet and loses all digits near
/// there. Both distributions below are sums of positive terms at any rates instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TwoStages {
    slow: f64,
    fast: f64,
    /// `fast - slow`, handed in because the model knows it better than the difference of the two.
    gap: f64,
}

impl TwoStages {
    pub(super) fn new(a: f64, b: f64, gap: f64) -> Self {
        Self {
            slow: a.min(b),
            fast: a.max(b),
            gap: gap.abs(),
        }
    }

    /// `e^{-slow t} (1 - e^{-gap t}) / gap`, the integral of `e^{-slow s} e^{-fast (t - s)}` over `s` from zero to `t`.
    fn overlap(&self, t: f64) -> f64 {
        let decay = (-self.slow * t).exp();
        if decay == 0.0 {
            return 0.0;
        }
        let z = self.gap * t;
        let mean = if z == 0.0 { 1.0 } else { -(-z).exp_m1() / z };
        decay * t * mean
    }

    /// The probability of more than `t`, for `t >= 0`.
    pub(super) fn tail(&self, t: f64) -> f64 {
        (-self.slow * t).exp() + self.slow * self.overlap(t)
    }

    /// The probability of at most `t`, for `t >= 0`.
    pub(super) fn cdf(&self, t: f64) -> f64 {
        let (u, v) = (self.slow * t, self.fast * t);
        if v > 0.5 {
            return -(-u).exp_m1() - self.slow * self.overlap(t);
        }
        // Close to zero the two terms above cancel: the power series, whose leading term is u v / 2.
        let mut sum = 0.0;
        let mut symmetric = 1.0; // complete homogeneous symmetric polynomial of u and v, of degree k
        let mut slow_power = 1.0;
        let mut factor = 0.5; // (-1)^k / (k + 2)!
        for k in 0..18 {
            sum += factor * symmetric;
            slow_power *= u;
            symmetric = symmetric * v + slow_power;
            factor /= -f64::from(k + 3);
        }
        u * v * sum
    }

    /// The density at `t >= 0`.
    pub(super) fn density(&self, t: f64) -> f64 {
        self.slow * self.fast * self.overlap(t)
    }
}
