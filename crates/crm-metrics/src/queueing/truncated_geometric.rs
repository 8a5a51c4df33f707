//! The geometric distribution on `0, 1, ..., n`: a waiting room of limited size, at loads below, at and above one.
//!
//! In closed form it is zero over zero at a ratio of one, and near there loses twice as many digits as the ratio is near. With `s = -ln r` and
//! `m = n + 1`, mean and variance are `n/2 + B(s) - m B(m s)` and `m^2 B'(m s) - B'(s)`, where `B(x) = coth(x/2)/2 - 1/x` is smooth.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Weights `r^j` for `j = 0, ..., last`, with `r = e^-decay`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TruncatedGeometric {
    last: f64,
    decay: f64,
}

impl TruncatedGeometric {
    /// For a whole `last >= 0` and a finite `decay`.
    pub(crate) const fn new(last: f64, decay: f64) -> Self {
        Self { last, decay }
    }

    /// `ln(1 + r + ... + r^last)`.
    pub(crate) fn ln_sum(&self) -> f64 {
        let (n, s) = (self.last, self.decay.abs());
        let falling = if s == 0.0 {
            (n + 1.0).ln()
        } else if n == 0.0 {
            0.0
        } else if s > 0.7 {
            (-(-(n + 1.0) * s).exp()).ln_1p() - (-(-s).exp()).ln_1p()
        } else {
            ((-(n + 1.0) * s).exp_m1() / (-s).exp_m1()).ln()
        };
        // Above one the largest weight is the last one.
        falling + (-n * self.decay).max(0.0)
    }

    /// `1 / (1 + r + ... + r^last)`: the share of the first.
    pub(crate) fn first(&self) -> f64 {
        Self::end(self.last, self.decay)
    }

    /// The share of the last one.
    pub(crate) fn last(&self) -> f64 {
        Self::end(self.last, -self.decay)
    }

    /// `ln` of the share of the last one.
    pub(crate) fn ln_last(&self) -> f64 {
        let falling = Self::new(self.last, self.decay.abs()).ln_sum();
        -falling - (self.last * self.decay).max(0.0)
    }

    /// The share of all but the last one.
    pub(crate) fn but_last(&self) -> f64 {
        let (n, s) = (self.last, self.decay);
        if s == 0.0 {
            n / (n + 1.0)
        } else if s > 0.0 {
            (-n * s).exp_m1() / (-(n + 1.0) * s).exp_m1()
        } else {
            s.exp() * ((n * s).exp_m1() / ((n + 1.0) * s).exp_m1())
        }
    }

    /// The mean of `j`.
    pub(crate) fn mean(&self) -> f64 {
        let (n, s) = (self.last, self.decay);
        let m = n + 1.0;
        if n == 0.0 {
            0.0
        } else if (m * s).abs() < 1.0 {
            0.5 * n + smooth(s) - m * smooth(m * s)
        } else if s > 0.0 {
            1.0 / s.exp_m1() - m / (m * s).exp_m1()
        } else {
            n - (1.0 / (-s).exp_m1() - m / (-m * s).exp_m1())
        }
    }

    /// The variance of `j`.
    pub(crate) fn variance(&self) -> f64 {
        let s = self.decay.abs();
        let m = self.last + 1.0;
        if self.last == 0.0 {
            0.0
        } else if m * s < 1.0 {
            m * m * smooth_slope(m * s) - smooth_slope(s)
        } else {
            let (one, all) = ((0.5 * s).sinh(), (0.5 * m * s).sinh());
            (0.25 / (one * one) - 0.25 * (m / all) * (m / all)).max(0.0)
        }
    }

    fn end(n: f64, s: f64) -> f64 {
        if s == 0.0 {
            1.0 / (n + 1.0)
        } else if s > 0.0 {
            (-s).exp_m1() / (-(n + 1.0) * s).exp_m1()
        } else {
            (n * s).exp() * (s.exp_m1() / ((n + 1.0) * s).exp_m1())
        }
    }
}

/// Bernoulli numbers over factorials, `B_2 / 2!, B_4 / 4!, ...`.
const SMOOTH: [f64; 10] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30_240.0,
    -1.0 / 1_209_600.0,
    1.0 / 47_900_160.0,
    -691.0 / 1_307_674_368_000.0,
    1.0 / 74_724_249_600.0,
    -3_617.0 / 10_670_622_842_880_000.0,
    43_867.0 / 5_109_094_217_170_944_000.0,
    -174_611.0 / 802_857_662_698_291_200_000.0,
];

/// `B(x) = coth(x/2)/2 - 1/x`, for `x` below one.
fn smooth(x: f64) -> f64 {
    x * SMOOTH.iter().rev().fold(0.0, |sum, c| sum * (x * x) + c)
}

/// `B'(x)`.
fn smooth_slope(x: f64) -> f64 {
    let (mut sum, mut odd) = (0.0, 2.0 * SMOOTH.len() as f64 - 1.0);
    for c in SMOOTH.iter().rev() {
        sum = sum * (x * x) + odd * c;
        odd -= 2.0;
    }
    sum
}
