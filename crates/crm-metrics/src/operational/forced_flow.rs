//! The forced flow law.

use crate::check;
use crate::error::ParamError;

/// Forced flow law: how many requests a resource serves when the system answers so many.
///
/// # Formula
///
/// ```text
/// X_k = V_k X
/// ```
///
/// `X` is the `throughput` of the system in requests per unit of time, and `V_k` the mean number of `visits` that a request
/// makes to the resource. The result is per the same unit.
///
/// Source: Denning and Buzen 1978, as for [`throughput`](crate::throughput).
///
/// # Errors
///
/// [`ParamError`] when an argument is negative or not finite, or the product is not finite.
///
/// # Example
///
/// ```
/// // Three answers a second, for each of which the disk is read 15 times.
/// assert_eq!(crm_metrics::operational::forced_flow(3.0, 15.0)?, 45.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn forced_flow(throughput: f64, visits: f64) -> Result<f64, ParamError> {
    let x = check::not_negative("throughput", throughput)?;
    let v = check::not_negative("visits", visits)?;
    check::in_range("throughput", throughput, x * v)
}
