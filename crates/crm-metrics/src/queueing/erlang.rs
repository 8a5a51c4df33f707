//! Erlang's two formulas at any size: loss (B) and delay (C).
//!
//! Everything is built on `E = 1/B`, the sum of positive terms `1 + c/a + c (c-1)/a^2 + ...`, which
//! [`ErlangSums`] finds in a constant number of steps.

use super::erlang_sums::ErlangSums;
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Erlang's loss formula: the probability that all servers are busy where nobody waits.
///
/// # Formula
///
/// ```text
///              a^c / c!
/// B(c, a) = ----------------------------
///           1 + a + a^2/2! + ... + a^c/c!
/// ```
///
/// `c` is the number of `servers` and `a` the `offered_load` in erlangs, the arrival rate times the mean service time.
/// The result is a probability. It holds for every distribution of the service time.
///
/// `servers` is a whole number or a real one (fractional servers, as an equivalent group of trunks has them), for which the
/// formula is `1 / B = a` times the integral over `t` of `e^(-a t) (1 + t)^c`.
///
/// The relative error is below 1e-12, at any size; a probability too small for `f64` comes out as zero, and
/// [`ln_erlang_b`] still tells it. The cost does not depend on the size: a fraction of a microsecond.
///
/// Source: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities of Significance in Automatic
/// Telephone Exchanges", 1917.
///
/// # Errors
///
/// [`ParamError`] when `servers` is not above zero and finite, or the load is negative or not finite.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::erlang_b;
///
/// // Table value: 17 lines lose one call in a hundred at 9.6516 erlangs.
/// assert!((erlang_b(17, 9.6516)? - 0.01).abs() < 1e-6);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn erlang_b(servers: impl Into<f64>, offered_load: f64) -> Result<f64, ParamError> {
    let c = check::real_servers(servers.into())?;
    let a = check::not_negative("offered_load", offered_load)?;
    Ok(Loss::new(c, a, c - a).blocking())
}

/// The natural logarithm of [`erlang_b`], finite where the probability itself underflows.
///
/// Formula, symbols and source are those of [`erlang_b`]. Without load the probability is zero, and its logarithm
/// negative infinity.
///
/// # Errors
///
/// As for [`erlang_b`].
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{erlang_b, ln_erlang_b};
///
/// assert_eq!(erlang_b(100, 1e-3)?, 0.0); // some e^-1054
/// assert!((ln_erlang_b(100, 1e-3)? + 1_054.515_903_453_777).abs() < 1e-9);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn ln_erlang_b(servers: impl Into<f64>, offered_load: f64) -> Result<f64, ParamError> {
    let c = check::real_servers(servers.into())?;
    let a = check::not_negative("offered_load", offered_load)?;
    Ok(Loss::new(c, a, c - a).ln_blocking())
}

/// Erlang's delay formula: the probability of having to wait.
///
/// # Formula
///
/// ```text
///                    B
/// C(c, a) = -------------------,   B = B(c, a)
///           1 - (a / c) (1 - B)
/// ```
///
/// `c` is the number of `servers` and `a` the `offered_load` in erlangs, as for [`erlang_b`]; so are accuracy and cost.
/// [`Mmc`](super::Mmc) has everything that follows from it.
///
/// Source: A. K. Erlang 1917, as for [`erlang_b`].
///
/// # Errors
///
/// [`ModelError::Param`] when `servers` is not above zero and finite, or the load is negative or not finite; [`ModelError::Unstable`] when
/// the load is not below the number of servers.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::erlang_c;
///
/// // Gross and Harris: an eye clinic with three doctors and two erlangs.
/// assert!((erlang_c(3, 2.0)? - 4.0 / 9.0).abs() < 1e-15);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
pub fn erlang_c(servers: impl Into<f64>, offered_load: f64) -> Result<f64, ModelError> {
    Ok(delay(servers, offered_load)?.0)
}

/// The natural logarithm of [`erlang_c`], finite where the probability itself underflows.
///
/// Formula, symbols and source are those of [`erlang_c`]. Without load the probability is zero, and its logarithm
/// negative infinity.
///
/// # Errors
///
/// As for [`erlang_c`].
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::ln_erlang_c;
///
/// // Half a million erlangs on a million servers: about 10^-83886.
/// let decimal_exponent = ln_erlang_c(1_000_000, 500_000.0)? / std::f64::consts::LN_10;
/// assert_eq!(decimal_exponent.floor(), -83_886.0);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
pub fn ln_erlang_c(servers: impl Into<f64>, offered_load: f64) -> Result<f64, ModelError> {
    Ok(delay(servers, offered_load)?.1)
}

/// Erlang C and its logarithm.
fn delay(servers: impl Into<f64>, offered_load: f64) -> Result<(f64, f64), ModelError> {
    let c = check::real_servers(servers.into())?;
    let a = check::not_negative("offered_load", offered_load)?;
    let gap = c - a;
    if gap <= 0.0 {
        return Err(Unstable {
            offered: a,
            stable_below: c,
        }
        .into());
    }
    let loss = Loss::new(c, a, gap);
    Ok((loss.delay(gap / c), loss.ln_delay(gap / c)))
}

/// `E = 1 / B(c, a)`, as its excess over one, with its logarithm for where it overflows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loss {
    sums: ErlangSums,
    ln_inverse: f64,
}

impl Loss {
    /// With `gap = c - a` handed in, because the caller may know it better than the difference of the two.
    pub(crate) fn new(c: f64, a: f64, gap: f64) -> Self {
        let sums = ErlangSums::new(c, a, gap);
        Self {
            sums,
            ln_inverse: sums.ln_from_below(),
        }
    }

    pub(crate) const fn sums(&self) -> &ErlangSums {
        &self.sums
    }

    pub(crate) fn blocking(&self) -> f64 {
        // Past the largest f64 the reciprocal may still be a subnormal number, and the logarithm knows it.
        if self.sums.below().is_finite() {
            1.0 / (1.0 + self.sums.below())
        } else {
            (-self.ln_inverse).exp()
        }
    }

    pub(crate) const fn ln_blocking(&self) -> f64 {
        -self.ln_inverse
    }

    /// Erlang C for `idle = 1 - a/c`: `1/C = 1 + (1 - a/c) (E - 1)`, in which nothing cancels.
    pub(crate) fn delay(&self, idle: f64) -> f64 {
        if self.sums.below().is_finite() {
            1.0 / (1.0 + idle * self.sums.below())
        } else {
            self.ln_delay(idle).exp()
        }
    }

    /// The natural logarithm of [`delay`](Self::delay).
    pub(crate) fn ln_delay(&self, idle: f64) -> f64 {
        if self.sums.below().is_finite() {
            -(idle * self.sums.below()).ln_1p()
        } else {
            // E is beyond 1e308, and one beside it nothing.
            -(idle.ln() + self.ln_inverse)
        }
    }

    /// `1 - C` for `idle = 1 - a/c`, exact where nearly everybody waits.
    pub(crate) fn no_delay(&self, idle: f64) -> f64 {
        if self.sums.below().is_finite() {
            let weight = idle * self.sums.below();
            weight / (1.0 + weight)
        } else {
            1.0 - self.delay(idle)
        }
    }
}
