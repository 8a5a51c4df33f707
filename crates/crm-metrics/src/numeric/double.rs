//! Numbers of twice the digits, for the few places where a difference decides.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// `high + low`, some 31 digits. T. J. Dekker, "A Floating-Point Technique for Extending the Available Precision", 1971.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Double {
    high: f64,
    low: f64,
}

impl Double {
    pub(crate) const fn new(high: f64) -> Self {
        Self { high, low: 0.0 }
    }

    /// The product of two numbers, exactly.
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self {
            high,
            low: a.mul_add(b, -high),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let sum = self.high + other.high;
        let part = sum - self.high;
        let rest = (self.high - (sum - part)) + (other.high - part);
        Self::joined(sum, rest + self.low + other.low)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(Self {
            high: -other.high,
            low: -other.low,
        })
    }

    pub(crate) fn times(self, other: Self) -> Self {
        let Self { high, low } = Self::product(self.high, other.high);
        Self::joined(high, low + (self.high * other.low + self.low * other.high))
    }

    pub(crate) fn over(self, other: Self) -> Self {
        let quotient = self.high / other.high;
        let rest = self.minus(other.times(Self::new(quotient)));
        Self::joined(quotient, rest.high / other.high)
    }

    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    fn joined(high: f64, low: f64) -> Self {
        let sum = high + low;
        Self {
            high: sum,
            low: low - (sum - high),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Double;

    #[test]
    fn thirty_digits() {
        let third = Double::new(1.0).over(Double::new(3.0));
        let off = third
            .times(Double::new(3.0))
            .minus(Double::new(1.0))
            .value();
        assert!(off.abs() < 1e-31, "{off:e}");
        let small = Double::new(1.0)
            .plus(Double::new(1e-25))
            .minus(Double::new(1.0))
            .value();
        assert!((small / 1e-25 - 1.0).abs() < 1e-6);
    }
}
