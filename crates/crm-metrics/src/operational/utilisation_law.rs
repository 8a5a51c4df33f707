//! The utilisation law.

use crate::check;
use crate::error::ParamError;

/// Utilisation law: how busy a resource is.
///
/// # Formula
///
/// ```text
/// U = X S
/// ```
///
/// `X` is the `throughput` of the resource, in requests per unit of time, and `S` the mean `service_time` of a request
/// there, in the same unit. The result is the mean number of busy servers: for a single server the share of time it is busy,
/// for `m` servers `m` times that share. With the service demand of a whole request (visits times service time) in
/// place of `S`, and the system's throughput as `X`, the result is the same.
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
/// // 40 requests a second, 22.5 ms of the disk each.
/// let busy = crm_metrics::operational::utilisation(40.0, 0.0225)?;
/// assert!((busy - 0.9).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn utilisation(throughput: f64, service_time: f64) -> Result<f64, ParamError> {
    let x = check::not_negative("throughput", throughput)?;
    let s = check::not_negative("service_time", service_time)?;
    check::in_range("throughput", throughput, x * s)
}
