//! Sums with twice the digits, for loads that add up to nearly the capacity.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// An unevaluated sum of two numbers, the second below the last digit of the first (T. J. Dekker, Numerische Mathematik 18,
/// 1971). Sums and products are exact to some thirty digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exact {
    high: f64,
    low: f64,
}

impl Exact {
    pub(super) const fn new(value: f64) -> Self {
        Self {
            high: value,
            low: 0.0,
        }
    }

    /// `x y`.
    pub(super) fn product(x: f64, y: f64) -> Self {
        let high = x * y;
        let low = x.mul_add(y, -high);
        // Beyond the range the remainder is no number, and the product decides.
        Self {
            high,
            low: if low.is_finite() { low } else { 0.0 },
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let high = self.high + other.high;
        if !high.is_finite() {
            return Self::new(high);
        }
        let from_other = high - self.high;
        let error = (self.high - (high - from_other)) + (other.high - from_other);
        let low = error + self.low + other.low;
        Self::renewed(high, low)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.plus(Self {
            high: -other.high,
            low: -other.low,
        })
    }

    pub(super) fn times(self, factor: f64) -> Self {
        let product = Self::product(self.high, factor);
        Self::renewed(product.high, product.low + self.low * factor)
    }

    pub(super) fn over(self, divisor: Self) -> Self {
        let high = self.high / divisor.high;
        let rest = self.minus(divisor.times(high)).value();
        Self::renewed(high, rest / divisor.high)
    }

    pub(super) fn value(self) -> f64 {
        self.high + self.low
    }

    fn renewed(high: f64, low: f64) -> Self {
        let sum = high + low;
        if !sum.is_finite() {
            return Self::new(high);
        }
        Self {
            high: sum,
            low: low - (sum - high),
        }
    }
}
