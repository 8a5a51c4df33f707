//! The last part of a span of time, in per cent.

use core::time::Duration;

use crate::check;
use crate::error::ParamError;

/// Elapsed share: the time from `start` to `end` as a percentage of the time up to `end`.
///
/// # Formula
///
/// ```text
/// (T_e - T_s) / T_e x 100 %
/// ```
///
/// `T_s` is the `start` and `T_e` the `end`, both counted from the same origin; the result lies between 0 and 100. Read
/// the same way, `end` may be a duration before a change and `start` the duration after it: the result is then the time
/// saved, in per cent of what it was.
///
/// Source: the definition of a relative difference, with `end` as the reference.
///
/// # Errors
///
/// [`ParamError`] when `end` is zero, or `start` lies after `end`.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// // A run of 80 seconds whose last phase began at second 60.
/// let percent = crm_metrics::elapsed_share(Duration::from_secs(60), Duration::from_secs(80))?;
/// assert_eq!(percent, 25.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn elapsed_share(start: Duration, end: Duration) -> Result<f64, ParamError> {
    let end = check::span("end", end)?;
    let Some(elapsed) = end.checked_sub(start) else {
        return Err(ParamError::new(
            "start",
            start.as_secs_f64(),
            "not lie after the end",
        ));
    };
    Ok(100.0 * elapsed.div_duration_f64(end))
}
