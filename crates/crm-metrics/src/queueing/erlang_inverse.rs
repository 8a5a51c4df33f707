//! Erlang's loss formula the other way round: the load or the servers for a blocking.

use super::erlang::Loss;
use super::erlang_sums::ErlangSums;
use super::poisson::ln_poisson;
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::root;

/// The load that `servers` may be offered so that a share `blocking` of it is lost.
///
/// # Formula
///
/// The `a`, in erlangs, for which [`erlang_b`](super::erlang_b) is `blocking`. `servers` may be a whole number or a real
/// one. The relative error is below 1e-12; it takes some ten evaluations of the formula.
///
/// Source: Newton's method on `ln(1/B - 1)`, with `d ln(1/B - 1) / d ln a = a - c - c B / (1 - B)`, from D. L. Jagerman, "Some Properties of the Erlang
/// Loss Function", Bell System Technical Journal 53, 1974.
///
/// # Errors
///
/// [`ParamError`] when `servers` is not above zero and finite, or `blocking` does not lie strictly between zero and one.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::erlang_b_load;
///
/// // Table value: 25 lines carry 16.1245 erlangs at one call lost in a hundred.
/// assert!((erlang_b_load(25, 0.01)? - 16.1245).abs() < 1e-4);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn erlang_b_load(servers: impl Into<f64>, blocking: f64) -> Result<f64, ParamError> {
    let c = check::real_servers(servers.into())?;
    let blocking = check::open_share("blocking", blocking)?;
    // F = 1/B - 1, and d ln F / d ln a = a - c - c/F. More than c is never carried; less than a^c / c! is never lost.
    let wanted = ln_odds_against(blocking);
    let mut high = c / (1.0 - blocking);
    let mut low = high * 1e-300;
    let ln_least = (blocking.ln() - ln_poisson(c, c, 0.0) - c) / c + c.ln();
    low = low.max(ln_least.exp() * (1.0 - 1e-9));
    let mut a = (c * (1.0 + (0.5 - blocking) * 1e-3)).clamp(low, high);
    for _ in 0..200 {
        let sums = ErlangSums::new(c, a, c - a);
        let excess = sums.ln_below() - wanted;
        if excess > 0.0 {
            low = a;
        } else {
            high = a;
        }
        let steepness = sums.idle() * (1.0 + 1.0 / sums.below());
        let step = excess / steepness;
        let next = a * step.exp();
        if next > low && next < high {
            a = next;
        } else {
            let middle = low.sqrt() * high.sqrt();
            if !(middle > low && middle < high) {
                break;
            }
            a = middle;
            continue;
        }
        if step.abs() < 1e-9 {
            break;
        }
    }
    Ok(a)
}

/// The fewest servers that lose at most a share `blocking` of `offered_load` erlangs.
///
/// # Formula
///
/// The least whole `c` for which [`erlang_b`](super::erlang_b) is at most `blocking`: [`erlang_b_real_servers`] rounded up.
///
/// Source: as for [`erlang_b`](super::erlang_b).
///
/// # Errors
///
/// [`ParamError`] when `offered_load` is negative or not finite, `blocking` does not lie strictly between zero and one, or
/// more than [`u32::MAX`] servers would be needed.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{erlang_b, erlang_b_servers};
///
/// assert_eq!(erlang_b_servers(100.0, 0.01)?, 117);
/// assert!(erlang_b(117, 100.0)? <= 0.01 && erlang_b(116, 100.0)? > 0.01);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn erlang_b_servers(offered_load: f64, blocking: f64) -> Result<u32, ParamError> {
    let real = erlang_b_real_servers(offered_load, blocking)?;
    let lost = |servers: f64| Loss::new(servers, offered_load, servers - offered_load).blocking();
    let mut servers = real.ceil().max(1.0);
    // The root's last digit may lie on the wrong side of a whole number.
    if lost(servers) > blocking {
        servers += 1.0;
    } else if servers > 1.0 && lost(servers - 1.0) <= blocking {
        servers -= 1.0;
    }
    if servers <= f64::from(u32::MAX) {
        // A whole number in range.
        Ok(servers as u32)
    } else {
        let must = "be within reach of 2^32 servers";
        Err(ParamError::new("offered_load", offered_load, must))
    }
}

/// The number of servers, a real one, that loses just a share `blocking` of `offered_load` erlangs.
///
/// # Formula
///
/// The real `c` for which [`erlang_b`](super::erlang_b) is `blocking`; zero without load. It is the size of the equivalent
/// group in R. I. Wilkinson's method.
///
/// Source: R. I. Wilkinson, "Theories for Toll Traffic Engineering in the U.S.A.", Bell System Technical Journal 35, 1956.
///
/// # Errors
///
/// [`ParamError`] when `offered_load` is negative, not finite or above 1e15, or `blocking` does not lie strictly between
/// zero and one.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::erlang_b_real_servers;
///
/// // Table value: 17.5 lines lose one call in twenty at 12.9225 erlangs.
/// assert!((erlang_b_real_servers(12.9225, 0.05)? - 17.5).abs() < 1e-3);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn erlang_b_real_servers(offered_load: f64, blocking: f64) -> Result<f64, ParamError> {
    let a = check::not_negative("offered_load", offered_load)?;
    let blocking = check::open_share("blocking", blocking)?;
    if a > 1e15 {
        return Err(ParamError::new("offered_load", a, "be at most 1e15"));
    }
    if a == 0.0 {
        return Ok(0.0);
    }
    let wanted = ln_odds_against(blocking);
    let excess = |c: f64| ErlangSums::new(c, a, c - a).ln_below() - wanted;
    // At least what is carried must be there.
    let low = a * (1.0 - blocking);
    let mut high = a.max(1.0);
    let mut step = a.sqrt().max(1.0);
    while excess(high) < 0.0 {
        high += step;
        step *= 2.0;
    }
    Ok(root::find(low, high, excess))
}

/// `ln(1/B - 1)`.
fn ln_odds_against(blocking: f64) -> f64 {
    (-blocking).ln_1p() - blocking.ln()
}
