//! The service demand law.

use crate::check;
use crate::error::ParamError;

/// Service demand law: what one request asks of a resource in all its visits, from what can be measured from outside.
///
/// # Formula
///
/// ```text
/// D_k = U_k / X
/// ```
///
/// `U_k` is the `utilisation` of the resource: its mean number of busy servers, which for a single one is the share of the time
/// that it is busy. `X` is the `throughput` of the system in requests per unit of time. The result is in that unit of time.
/// It is what [`AsymptoticBounds`](crate::operational::AsymptoticBounds) and the [networks](crate::network) take.
///
/// Source: Denning and Buzen 1978, as for [`throughput`](crate::throughput).
///
/// # Errors
///
/// [`ParamError`] when an argument is negative or not finite, `throughput` is zero, or the result is not finite.
///
/// # Example
///
/// ```
/// // The disk is busy for nine tenths of the time while the system gives 40 answers a second.
/// let seconds = crm_metrics::operational::service_demand(0.9, 40.0)?;
/// assert_eq!(seconds, 0.0225);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn service_demand(utilisation: f64, throughput: f64) -> Result<f64, ParamError> {
    let u = check::not_negative("utilisation", utilisation)?;
    let x = check::positive("throughput", throughput)?;
    check::in_range("throughput", throughput, u / x)
}
