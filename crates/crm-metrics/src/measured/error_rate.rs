//! The share of requests that failed.

use crate::error::ParamError;

/// Error rate: the share of requests that failed, from zero to one.
///
/// # Formula
///
/// ```text
/// E = N_e / N_t
/// ```
///
/// `N_e` is the number of requests that `failed`, `N_t` the `total` number of requests, failed ones included. Both are
/// counts; the result has no unit.
///
/// Source: B. Beyer and others (editors), "Site Reliability Engineering", O'Reilly 2016: the fraction of all requests
/// received that fail.
///
/// # Errors
///
/// [`ParamError`] when `total` is zero, or when more requests failed than there were.
///
/// # Example
///
/// ```
/// assert_eq!(crm_metrics::error_rate(3, 1_000)?, 0.003);
/// assert!(crm_metrics::error_rate(0, 0).is_err()); // no request, no rate
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn error_rate(failed: u64, total: u64) -> Result<f64, ParamError> {
    if total == 0 {
        return Err(ParamError::new("total", 0.0, "be at least one"));
    }
    if failed > total {
        return Err(ParamError::new(
            "failed",
            failed as f64,
            "be at most the total",
        ));
    }
    Ok(failed as f64 / total as f64)
}
