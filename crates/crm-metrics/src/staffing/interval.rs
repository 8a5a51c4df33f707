//! One interval of a forecast.

use crate::check;
use crate::error::ParamError;

/// An interval of a forecast: its length, the calls expected in it, and the mean time that an agent spends on one.
///
/// Length and handling time are in the same unit, which is that of all results.
///
/// # Example
///
/// ```
/// use crm_metrics::staffing::Interval;
///
/// // Half an hour with a hundred calls of three minutes each: ten erlangs.
/// let nine_o_clock = Interval::new(30.0, 100.0, 3.0)?;
/// assert!((nine_o_clock.offered_load() - 10.0).abs() < 1e-14);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    length: f64,
    calls: f64,
    mean_handling_time: f64,
}

impl Interval {
    /// `calls` expected within `length`, of `mean_handling_time` each: talking and work afterwards.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `length` or `mean_handling_time` is not between 1e-290 and 1e290, `calls` negative or not finite,
    /// or their rate not finite.
    pub fn new(length: f64, calls: f64, mean_handling_time: f64) -> Result<Self, ParamError> {
        let length = check::scale("length", length)?;
        let calls = check::not_negative("calls", calls)?;
        let mean_handling_time = check::scale("mean_handling_time", mean_handling_time)?;
        check::in_range("calls", calls, calls / length)?;
        Ok(Self {
            length,
            calls,
            mean_handling_time,
        })
    }

    /// The length of the interval.
    #[must_use]
    pub const fn length(&self) -> f64 {
        self.length
    }

    /// The calls expected in the interval.
    #[must_use]
    pub const fn calls(&self) -> f64 {
        self.calls
    }

    /// The mean time that an agent spends on a call.
    #[must_use]
    pub const fn mean_handling_time(&self) -> f64 {
        self.mean_handling_time
    }

    /// `calls / length`: calls per unit of time.
    #[must_use]
    pub fn arrival_rate(&self) -> f64 {
        self.calls / self.length
    }

    /// `a = calls * mean_handling_time / length`: the offered load in erlangs, the number of agents that would be busy if nobody gave up.
    #[must_use]
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate() * self.mean_handling_time
    }
}
