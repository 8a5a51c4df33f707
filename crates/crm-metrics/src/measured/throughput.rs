//! Requests completed per second.

use core::time::Duration;

use crate::check;
use crate::error::ParamError;

/// Throughput: requests completed per second.
///
/// # Formula
///
/// ```text
/// X = N / T
/// ```
///
/// `N` is the number of requests `completed`, `T` the time `over` which they were counted, in seconds; the result is in
/// requests per second.
///
/// Source: P. J. Denning and J. P. Buzen, "The Operational Analysis of Queueing Network Models", ACM Computing Surveys
/// 10(3), 1978 (`X = C / T`).
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
/// let per_second = crm_metrics::throughput(541_909, Duration::from_secs(10))?;
/// assert_eq!(per_second, 54_190.9);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn throughput(completed: u64, over: Duration) -> Result<f64, ParamError> {
    let over = check::span("over", over)?;
    Ok(completed as f64 / over.as_secs_f64())
}
