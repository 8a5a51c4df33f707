//! Birth-death chains in general: whatever rates lead one up and one down.

use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use alloc::vec::Vec;

/// A birth-death chain on the states `0, 1, ..., n` in its steady state.
///
/// The model of any queue whose rates depend on its length: servers that are added as the line grows, arrivals that balk, a
/// pool that is warmed up. `birth[i]` is the rate from `i` to `i + 1`, `death[i]` that from `i + 1` to `i`.
///
/// # Formula
///
/// `p_i = p_0 (birth[0] / death[0]) ... (birth[i-1] / death[i-1])`. Products are carried with more digits than an `f64` has and with an
/// exponent of their own, so that neither length nor size costs digits; the relative error is below 1e-14.
///
/// Source: D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris, "Fundamentals of Queueing Theory", 4th edition, Wiley
/// 2008, section 2.1.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::BirthDeath;
///
/// let chain = BirthDeath::new(&[1.0, 1.0, 1.0], &[2.0, 2.0, 2.0])?;
/// assert!((chain.probabilities()[0] - 8.0 / 15.0).abs() < 1e-15);
/// assert!((chain.mean() - 11.0 / 15.0).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BirthDeath {
    probabilities: Vec<f64>,
    ln_probabilities: Vec<f64>,
    throughput: f64,
}

impl BirthDeath {
    /// The chain with these rates; one state more than there are of either.
    ///
    /// A `birth` rate of zero ends the chain: the states beyond have probability zero.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when the slices differ in length, a `birth` rate is negative or not finite, or a `death` rate is not
    /// finite and above zero.
    pub fn new(birth: &[f64], death: &[f64]) -> Result<Self, ParamError> {
        if birth.len() != death.len() {
            let must = "be as many as the birth rates";
            return Err(ParamError::new("death", death.len() as f64, must));
        }
        let mut weights = Vec::with_capacity(birth.len() + 1);
        let mut weight = Scaled::ONE;
        weights.push(weight);
        for (&up, &down) in birth.iter().zip(death) {
            let up = crate::check::not_negative("birth", up)?;
            let down = crate::check::positive("death", down)?;
            weight = weight.times_quotient(up, down);
            weights.push(weight);
        }
        let top = weights
            .iter()
            .filter(|weight| weight.high > 0.0)
            .map(|weight| weight.exponent)
            .max()
            .unwrap_or(0);
        let total: f64 = weights.iter().map(|weight| weight.over(top)).sum();
        let probabilities: Vec<f64> = weights
            .iter()
            .map(|weight| weight.over(top) / total)
            .collect();
        let ln_total = total.ln();
        let ln_probabilities = weights
            .iter()
            .map(|weight| {
                weight.high.ln() + (weight.exponent - top) as f64 * core::f64::consts::LN_2
                    - ln_total
            })
            .collect();
        let throughput = probabilities.iter().zip(birth).map(|(p, up)| p * up).sum();
        Ok(Self {
            probabilities,
            ln_probabilities,
            throughput,
        })
    }

    /// `p_i`: the probability of each state.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// `ln p_i`: the logarithm of the probability of each state, finite where the probability itself underflows.
    #[must_use]
    pub fn ln_probabilities(&self) -> &[f64] {
        &self.ln_probabilities
    }

    /// The sum of `i p_i`: the mean state.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.probabilities
            .iter()
            .enumerate()
            .map(|(i, p)| i as f64 * p)
            .sum()
    }

    /// The sum of `(i - m)^2 p_i`, with the mean `m`: the variance of the state.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        self.probabilities
            .iter()
            .enumerate()
            .map(|(i, p)| (i as f64 - mean) * (i as f64 - mean) * p)
            .sum()
    }

    /// The sum of `birth[i] p_i`: steps up, and as many down, per unit of time.
    #[must_use]
    pub const fn throughput(&self) -> f64 {
        self.throughput
    }

    /// The mean time from a step up to the matching step down, by Little's law: mean over throughput. None when nothing moves.
    #[must_use]
    pub fn mean_response_time(&self) -> Option<f64> {
        let time = self.mean() / self.throughput;
        time.is_finite().then_some(time)
    }
}

/// `(high + low) 2^exponent`, with `high` from one to two: some 32 digits, and no end to its range.
#[derive(Clone, Copy, Debug)]
struct Scaled {
    high: f64,
    low: f64,
    exponent: i64,
}

impl Scaled {
    const ONE: Self = Self {
        high: 1.0,
        low: 0.0,
        exponent: 0,
    };

    fn times_quotient(self, numerator: f64, denominator: f64) -> Self {
        if numerator == 0.0 || self.high == 0.0 {
            return Self {
                high: 0.0,
                low: 0.0,
                exponent: 0,
            };
        }
        let ((n, en), (d, ed)) = (split(numerator), split(denominator));
        let quotient = n / d;
        let rest = (-quotient).mul_add(d, n) / d;
        let high = self.high * quotient;
        let low = self.high.mul_add(quotient, -high) + self.high * rest + self.low * quotient;
        let (_, shift) = split(high + low);
        let scale = power(-shift);
        let sum = high + low;
        Self {
            high: sum * scale,
            low: (high - sum + low) * scale,
            exponent: self.exponent + en - ed + shift,
        }
    }

    fn over(&self, exponent: i64) -> f64 {
        let by = self.exponent - exponent;
        if by < -1_022 {
            0.0
        } else {
            self.high * power(by)
        }
    }
}

/// Fraction from one to two, and power of two.
fn split(x: f64) -> (f64, i64) {
    if x < f64::MIN_POSITIVE {
        let (fraction, exponent) = split(x * power(100));
        return (fraction, exponent - 100);
    }
    let exponent = (x.to_bits() >> 52) as i64 - 1_023;
    (
        f64::from_bits((x.to_bits() & ((1 << 52) - 1)) | (1_023 << 52)),
        exponent,
    )
}

/// `2^exponent`, for exponents of normal numbers.
fn power(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1_023) as u64) << 52)
}
