//! The share of time that a service was up.

use core::time::Duration;

use crate::check;
use crate::error::ParamError;

/// Availability: the share of time that a service was up, from zero to one.
///
/// # Formula
///
/// ```text
/// A = up / total
/// ```
///
/// `up` is the time in which the service answered, `total` the time in which it should have; only their quotient
/// counts. With `up` the mean time to failure and `total` that plus the mean time to repair, it is the steady-state
/// availability `MTTF / (MTTF + MTTR)`.
///
/// Close to one the nines crowd together; [`unavailability`] tells them apart to the last digit.
///
/// Source: R. E. Barlow and F. Proschan, "Mathematical Theory of Reliability", Wiley 1965 (steady-state availability).
///
/// # Errors
///
/// [`ParamError`] when `total` is zero, or `up` is longer than `total`.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// // Up for 1,000 hours, then one hour of repair.
/// let hour = Duration::from_secs(3600);
/// let a = crm_metrics::availability(1_000 * hour, 1_001 * hour)?;
/// assert!((a - 0.999_000_999_000_999).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn availability(up: Duration, total: Duration) -> Result<f64, ParamError> {
    part("up", up, total)
}

/// Unavailability: the share of time that a service was down, from zero to one.
///
/// # Formula
///
/// ```text
/// 1 - A = down / total
/// ```
///
/// `down` is the time in which the service did not answer, `total` the time in which it should have. It is
/// `1 - availability`, without the digits that the subtraction would lose.
///
/// Source: as for [`availability`].
///
/// # Errors
///
/// [`ParamError`] when `total` is zero, or `down` is longer than `total`.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// // Three milliseconds in a year of 365 days.
/// let u = crm_metrics::unavailability(Duration::from_millis(3), Duration::from_secs(31_536_000))?;
/// assert!((u / 9.512_937_595_129_376e-11 - 1.0).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn unavailability(down: Duration, total: Duration) -> Result<f64, ParamError> {
    part("down", down, total)
}

fn part(name: &'static str, part: Duration, total: Duration) -> Result<f64, ParamError> {
    let total = check::span("total", total)?;
    if part > total {
        return Err(ParamError::new(
            name,
            part.as_secs_f64(),
            "be at most the total time",
        ));
    }
    Ok(part.div_duration_f64(total))
}
