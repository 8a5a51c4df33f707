//! Heavy-traffic limits: what many servers near their capacity come to.

use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::mills::mills_ratio;
use crate::numeric::root;

/// The probability of waiting in M/M/c in the limit of many servers, with `beta` square roots of the load to spare.
///
/// # Formula
///
/// ```text
/// P(W > 0) = 1 / (1 + beta Phi(beta) / phi(beta)),   c = a + beta sqrt(a)
/// ```
///
/// `Phi` and `phi` are distribution and density of the standard normal distribution, `a` the offered load in erlangs and `c` the number of
/// servers. It is the limit of [`erlang_c`](super::erlang_c) as `a` grows with `beta` fixed; at a hundred servers the
/// two differ by some two per cent.
///
/// Source: S. Halfin and W. Whitt, "Heavy-Traffic Limits for Queues with Many Exponential Servers", 1981.
///
/// # Errors
///
/// [`ParamError`] when `beta` is not finite and above zero: without spare capacity the queue is unstable.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::halfin_whitt_probability_of_waiting;
///
/// assert!((halfin_whitt_probability_of_waiting(1.0)? - 0.223_361_274_798).abs() < 1e-12);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn halfin_whitt_probability_of_waiting(beta: f64) -> Result<f64, ParamError> {
    let beta = check::positive("beta", beta)?;
    Ok(halfin_whitt(beta))
}

fn halfin_whitt(beta: f64) -> f64 {
    // Phi / phi is Mills' ratio of -beta.
    1.0 / (1.0 + beta * mills_ratio(-beta))
}

/// The `beta` for which [`halfin_whitt_probability_of_waiting`] is `waiting`: how many square roots of the load to spare for it.
///
/// # Formula
///
/// The `beta` with `1 / (1 + beta Phi(beta) / phi(beta)) = waiting`, `phi` and `Phi` being the density and the distribution function of the standard normal
/// distribution.
///
/// Source: S. Halfin and W. Whitt, "Heavy-Traffic Limits for Queues with Many Exponential Servers", Operations Research 29, 1981.
///
/// # Errors
///
/// [`ParamError`] when `waiting` does not lie strictly between zero and one.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::halfin_whitt_beta;
///
/// // For one call in two to wait, half a square root is enough.
/// assert!((halfin_whitt_beta(0.5)? - 0.506).abs() < 1e-3);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn halfin_whitt_beta(waiting: f64) -> Result<f64, ParamError> {
    let waiting = check::open_share("waiting", waiting)?;
    // ln(beta Phi / phi) against ln(1/p - 1), by the logarithm of beta.
    let wanted = (-waiting).ln_1p() - waiting.ln();
    let excess = |ln_beta: f64| {
        let beta: f64 = ln_beta.exp();
        let ln_ratio = if beta > 30.0 {
            0.5 * beta * beta + 0.5 * (2.0 * core::f64::consts::PI).ln()
        } else {
            mills_ratio(-beta).ln()
        };
        ln_beta + ln_ratio - wanted
    };
    Ok(root::find(-50.0, 5.0, excess).exp())
}

/// The number of servers, a real one, that square-root staffing gives: `a + beta sqrt(a)`.
///
/// `a` is the `offered_load` in erlangs and `beta` the quality of service, some 0.5 to 2; with abandonment it may be
/// negative. It is exact in the limit of [`halfin_whitt_probability_of_waiting`] and
/// [`garnett_probability_of_waiting`], and already useful at ten servers.
///
/// Source: A. K. Erlang 1924; Halfin and Whitt 1981.
///
/// # Errors
///
/// [`ParamError`] when `offered_load` is negative or not finite, `beta` not finite, or the result negative.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::square_root_staffing;
///
/// assert_eq!(square_root_staffing(100.0, 1.0)?, 110.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn square_root_staffing(offered_load: f64, beta: f64) -> Result<f64, ParamError> {
    let load = check::not_negative("offered_load", offered_load)?;
    let servers = load + beta * load.sqrt();
    if servers.is_finite() && servers >= 0.0 {
        Ok(servers)
    } else {
        let must = "be finite and leave a number of servers that is not negative";
        Err(ParamError::new("beta", beta, must))
    }
}

/// The probability of waiting in M/M/c with abandonment in the limit of many servers.
///
/// # Formula
///
/// ```text
/// P(W > 0) = 1 / (1 + sqrt(theta / mu) h(beta sqrt(mu / theta)) / h(-beta)),   c = a + beta sqrt(a)
/// ```
///
/// `h` is the hazard rate of the standard normal distribution, and `patience_ratio` is `theta / mu`: the rate at which a waiting customer
/// gives up over the rate at which one is served. `beta` may be negative. It is the limit of
/// [`ErlangA`](super::ErlangA) as the load grows with `beta` fixed.
///
/// Source: O. Garnett, A. Mandelbaum and M. Reiman, "Designing a Call Center with Impatient Customers", 2002.
///
/// # Errors
///
/// [`ParamError`] when `beta` is not finite or beyond 1e6 either way, or `patience_ratio` not between 1e-290 and 1e290.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::garnett_probability_of_waiting;
///
/// // As patient as served: the number in the system is Poisson, and half of the time above its mean.
/// assert!((garnett_probability_of_waiting(0.0, 1.0)? - 0.5).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn garnett_probability_of_waiting(beta: f64, patience_ratio: f64) -> Result<f64, ParamError> {
    if !(-1e6..=1e6).contains(&beta) {
        return Err(ParamError::new("beta", beta, "lie between -1e6 and 1e6"));
    }
    let root = check::scale("patience_ratio", patience_ratio)?.sqrt();
    // The hazard rate is the reciprocal of Mills' ratio.
    let (served, patient) = (mills_ratio(-beta), mills_ratio(beta / root));
    if patient == f64::INFINITY {
        return Ok(1.0);
    }
    Ok(1.0 / (1.0 + root * served / patient))
}

/// `sqrt(c) B` in the limit of many servers: the blocking of M/M/c/c with `beta` square roots of the load to spare.
///
/// # Formula
///
/// `phi(beta) / Phi(beta)`, with `c = a + beta sqrt(a)`. `beta` may be negative.
///
/// Source: D. L. Jagerman, "Some Properties of the Erlang Loss Function", 1974.
///
/// # Errors
///
/// [`ParamError`] when `beta` is not finite or beyond 1e6 either way.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{erlang_b, jagerman_scaled_blocking};
///
/// let limit = jagerman_scaled_blocking(0.0)? / 1e6_f64.sqrt();
/// assert!((erlang_b(1_000_000, 1e6)? / limit - 1.0).abs() < 1e-3);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn jagerman_scaled_blocking(beta: f64) -> Result<f64, ParamError> {
    if !(-1e6..=1e6).contains(&beta) {
        return Err(ParamError::new("beta", beta, "lie between -1e6 and 1e6"));
    }
    Ok(1.0 / mills_ratio(-beta))
}
