//! Little's law, solved for each of its three quantities.

use crate::check;
use crate::error::ParamError;

/// Little's law for the number: how many are in the system on average.
///
/// # Formula
///
/// ```text
/// L = X W
/// ```
///
/// `X` is the `rate` at which requests pass through the system, per unit of time, and `W` the mean `time` that each spends
/// in it, in the same unit. It holds for any part of a system around which a line can be drawn: the queue alone (then
/// `W` is the waiting time), a pool of connections, a whole service.
///
/// Source: J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9(3), 1961.
///
/// # Errors
///
/// [`ParamError`] when an argument is negative or not finite, or the product is not finite.
///
/// # Example
///
/// ```
/// use crm_metrics::operational::{little_number, little_rate, little_time};
///
/// // 32 requests a second, each in the system for a quarter of a second.
/// assert_eq!(little_number(32.0, 0.25)?, 8.0);
/// assert_eq!(little_rate(8.0, 0.25)?, 32.0);
/// assert_eq!(little_time(8.0, 32.0)?, 0.25);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn little_number(rate: f64, time: f64) -> Result<f64, ParamError> {
    let x = check::not_negative("rate", rate)?;
    let w = check::not_negative("time", time)?;
    check::in_range("rate", rate, x * w)
}

/// Little's law for the rate: how many pass through the system per unit of time.
///
/// # Formula
///
/// ```text
/// X = L / W
/// ```
///
/// Symbols and source are those of [`little_number`].
///
/// # Errors
///
/// [`ParamError`] when `number` is negative or not finite, `time` is not above zero or not finite, or the quotient is
/// not finite.
///
/// # Example
///
/// ```
/// use crm_metrics::operational::little_rate;
///
/// assert_eq!(little_rate(8.0, 0.25)?, 32.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn little_rate(number: f64, time: f64) -> Result<f64, ParamError> {
    let l = check::not_negative("number", number)?;
    let w = check::positive("time", time)?;
    check::in_range("number", number, l / w)
}

/// Little's law for the time: how long each spends in the system on average.
///
/// # Formula
///
/// ```text
/// W = L / X
/// ```
///
/// Symbols and source are those of [`little_number`].
///
/// # Errors
///
/// [`ParamError`] when `number` is negative or not finite, `rate` is not above zero or not finite, or the quotient is
/// not finite.
///
/// # Example
///
/// ```
/// use crm_metrics::operational::little_time;
///
/// assert_eq!(little_time(8.0, 32.0)?, 0.25);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn little_time(number: f64, rate: f64) -> Result<f64, ParamError> {
    let l = check::not_negative("number", number)?;
    let x = check::positive("rate", rate)?;
    check::in_range("number", number, l / x)
}
