//! Erlang's two formulas at any size: loss (B) and delay (C).
//!
//! Everything is built on `E = 1/B`, the sum of positive terms `1 + c/a + c (c-1)/a^2 + ...`. For few servers, or more
//! load than servers, it is summed by its recurrence `E_c = 1 + (c/a) E_(c-1)`, in which relative errors shrink. For
//! many servers and less load, `E = G - T`, where `G = c! e^a / a^c` is the reciprocal of a Poisson probability and
//! `T = a/(c+1) + a^2/((c+1)(c+2)) + ...` at most about half of it. Either way some `sqrt(c)` terms suffice.

use super::poisson::ln_poisson;
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};

/// Up to here the recurrence runs over all servers: it is as quick as the alternative, and a little more exact.
const FEW_SERVERS: f64 = 170.0;

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
/// The relative error is below 1e-12, at any size; a probability too small for `f64` comes out as zero, and
/// [`ln_erlang_b`] still tells it. The cost is proportional to the square root of the number of servers: some
/// 11,000 steps for a million.
///
/// Source: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities of Significance in Automatic
/// Telephone Exchanges", 1917.
///
/// # Errors
///
/// [`ParamError`] when there is no server, or the load is negative or not finite.
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
pub fn erlang_b(servers: u32, offered_load: f64) -> Result<f64, ParamError> {
    let c = check::servers(servers)?;
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
pub fn ln_erlang_b(servers: u32, offered_load: f64) -> Result<f64, ParamError> {
    let c = check::servers(servers)?;
    let a = check::not_negative("offered_load", offered_load)?;
    Ok(-Loss::new(c, a, c - a).ln_inverse)
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
/// [`ModelError::Param`] when there is no server, or the load is negative or not finite; [`ModelError::Unstable`] when
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
pub fn erlang_c(servers: u32, offered_load: f64) -> Result<f64, ModelError> {
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
pub fn ln_erlang_c(servers: u32, offered_load: f64) -> Result<f64, ModelError> {
    Ok(delay(servers, offered_load)?.1)
}

/// Erlang C and its logarithm.
fn delay(servers: u32, offered_load: f64) -> Result<(f64, f64), ModelError> {
    let c = check::servers(servers)?;
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
pub(super) struct Loss {
    /// `E - 1`, in which far more load than servers leaves all its digits.
    above_one: f64,
    ln_inverse: f64,
}

impl Loss {
    /// With `gap = c - a` handed in, because the caller may know it better than the difference of the two.
    fn new(c: f64, a: f64, gap: f64) -> Self {
        Self::build(c, a, gap, || excess(c, a, gap))
    }

    /// The same for a caller who has the [`excess`] already.
    pub(super) fn with_excess(c: f64, a: f64, gap: f64, excess: f64) -> Self {
        Self::build(c, a, gap, || excess)
    }

    fn build(c: f64, a: f64, gap: f64, excess: impl FnOnce() -> f64) -> Self {
        if c <= FEW_SERVERS || gap <= 0.0 {
            let above_one = recurrence(c, a, gap);
            if above_one.is_finite() {
                return Self {
                    above_one,
                    ln_inverse: above_one.ln_1p(),
                };
            }
        }
        let ln_g = -ln_poisson(c, a, gap);
        let t = excess();
        Self {
            above_one: ln_g.exp() - t - 1.0,
            ln_inverse: ln_g + (-t * (-ln_g).exp()).ln_1p(),
        }
    }

    fn blocking(&self) -> f64 {
        // Past the largest f64 the reciprocal may still be a subnormal number, and the logarithm knows it.
        if self.above_one.is_finite() {
            1.0 / (1.0 + self.above_one)
        } else {
            (-self.ln_inverse).exp()
        }
    }

    /// Erlang C for `idle = 1 - a/c`: `1/C = 1 + (1 - a/c) (E - 1)`, in which nothing cancels.
    pub(super) fn delay(&self, idle: f64) -> f64 {
        if self.above_one.is_finite() {
            1.0 / (1.0 + idle * self.above_one)
        } else {
            self.ln_delay(idle).exp()
        }
    }

    /// The natural logarithm of [`delay`](Self::delay).
    pub(super) fn ln_delay(&self, idle: f64) -> f64 {
        if self.above_one.is_finite() {
            -(idle * self.above_one).ln_1p()
        } else {
            // E is beyond 1e308, and one beside it nothing.
            -(idle.ln() + self.ln_inverse)
        }
    }

    /// `1 - C` for `idle = 1 - a/c`, exact where nearly everybody waits.
    pub(super) fn no_delay(&self, idle: f64) -> f64 {
        if self.above_one.is_finite() {
            let weight = idle * self.above_one;
            weight / (1.0 + weight)
        } else {
            1.0 - self.delay(idle)
        }
    }
}

/// `E - 1 = (c/a) (1 + ((c-1)/a) (1 + ...))` from the inside out, leaving off terms that no longer count.
fn recurrence(c: f64, a: f64, gap: f64) -> f64 {
    let terms = if c <= FEW_SERVERS {
        c
    } else {
        // Term j is about exp(-j x - j^2 / 2c), with x = 1 - c/a.
        reach(-gap / a, c).min(c)
    };
    let mut above_one = 0.0;
    let mut k = c - terms;
    while k < c {
        k += 1.0;
        above_one = (k / a) * (1.0 + above_one);
    }
    above_one
}

/// `T = a/(c+1) (1 + a/(c+2) (1 + ...))` from the inside out.
///
/// The state probabilities of M/M/c need it too.
pub(super) fn excess(c: f64, a: f64, gap: f64) -> f64 {
    let mut t = 0.0;
    // Beyond c the terms fall by a/(c+i), which for small c is slower than the estimate has it: hence some more.
    let mut i = reach(gap.max(0.0) / c, c) + 32.0;
    while i > 0.0 {
        t = (1.0 + t) * (a / (c + i));
        i -= 1.0;
    }
    t
}

/// The whole number of terms `j` after which `exp(-j x - j^2 / 2c)` is below 1e-26.
fn reach(x: f64, c: f64) -> f64 {
    const LN: f64 = 60.0;
    (2.0 * LN / (x + (x * x + 2.0 * LN / c).sqrt())).ceil()
}
