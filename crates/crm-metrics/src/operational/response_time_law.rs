//! The response-time law of a closed system.

use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Response-time law: the mean response time of a closed system with thinking users.
///
/// # Formula
///
/// ```text
/// R = N / X - Z
/// ```
///
/// `N` is the number of users (the `population`), `X` the `throughput` of the system in requests per unit of time, and
/// `Z` the mean `think_time` between an answer and the same user's next request, in the same unit; so is the result.
/// It is Little's law around users and system together.
///
/// Source: Denning and Buzen 1978, as for [`throughput`](crate::throughput).
///
/// # Errors
///
/// [`ParamError`] when an argument is negative or not finite, `throughput` is zero, the result is not finite, or the
/// users think longer than their number and the throughput allow (the response time would be negative: the figures do
/// not belong together).
///
/// # Example
///
/// ```
/// // 64 users who think for 30 s, and 2 requests a second.
/// let seconds = crm_metrics::operational::interactive_response_time(64, 2.0, 30.0)?;
/// assert_eq!(seconds, 2.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn interactive_response_time(
    population: u32,
    throughput: f64,
    think_time: f64,
) -> Result<f64, ParamError> {
    let n = f64::from(population);
    let x = check::positive("throughput", throughput)?;
    let z = check::not_negative("think_time", think_time)?;
    // One rounding for N - X Z: where users mostly think, the two are close.
    let waiting = (-x).mul_add(z, n);
    // Three users at 0.1 a second may think for 3 / 0.1 seconds, although 0.1 is a little more than a tenth.
    if waiting < 0.0 && z > n / x {
        return Err(ParamError::new(
            "think_time",
            think_time,
            "be at most population / throughput",
        ));
    }
    check::in_range("throughput", throughput, waiting.max(0.0) / x)
}
