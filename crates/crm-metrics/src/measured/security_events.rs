//! Security events: a sum over kinds, and per unit of time.

use core::time::Duration;

use crate::check;
use crate::error::ParamError;

/// Security events: the sum over kinds or sources.
///
/// # Formula
///
/// ```text
/// E = e_1 + e_2 + ... + e_n
/// ```
///
/// `e_i` is the number of events of kind `i` (failed logins, refused tokens, rejected payloads). The sum saturates at
/// [`u64::MAX`]; of no kinds it is zero, which is then the truth.
///
/// Source: event counting as in NIST SP 800-55 Vol. 1, "Measurement Guide for Information Security" (2024).
///
/// # Example
///
/// ```
/// let (failed_logins, refused_tokens, rejected_payloads) = (120, 14, 3);
/// assert_eq!(crm_metrics::security_events([failed_logins, refused_tokens, rejected_payloads]), 137);
/// ```
#[must_use = "the sum is the only result"]
pub fn security_events(by_kind: impl IntoIterator<Item = u64>) -> u64 {
    by_kind.into_iter().fold(0, u64::saturating_add)
}

/// Security events per second.
///
/// # Formula
///
/// ```text
/// r = E / T
/// ```
///
/// `E` is the number of `events` (see [`security_events`]) and `T` the time `over` which they were counted, in seconds;
/// times 3600 it is the rate per hour.
///
/// Source: as for [`security_events`].
///
/// # Errors
///
/// [`ParamError`] when `over` is zero.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// let per_second = crm_metrics::security_event_rate(137, Duration::from_secs(2 * 3600))?;
/// assert!((per_second * 3600.0 - 68.5).abs() < 1e-12);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn security_event_rate(events: u64, over: Duration) -> Result<f64, ParamError> {
    let over = check::span("over", over)?;
    Ok(events as f64 / over.as_secs_f64())
}
