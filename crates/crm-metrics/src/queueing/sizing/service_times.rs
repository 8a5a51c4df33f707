//! Loads, service times and servers where each request has its work: constant services, and those known by their moments.

use super::longest;
use crate::check;
use crate::queueing::target::{Range, fewest_that_meet, last_that_meets, stable};
use crate::queueing::{Md1, Mdc, Mg1, Mg1Ps, Target, TargetError};

impl Mg1 {
    /// The largest arrival rate with which the target is met.
    ///
    /// For a mean wait `w` it is `w / (s (w + s (1 + cs2) / 2))`; a mean response time is that wait and `s`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mg1, Target};
    ///
    /// // Constant services of a second each, and a wait of four and a half.
    /// let rate = Mg1::largest_arrival_rate(1.0, 0.0, Target::MeanWaitingTime(4.5))?;
    /// assert!((rate - 0.9).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(
        mean_service_time: f64,
        squared_coefficient_of_variation: f64,
        target: Target,
    ) -> Result<f64, TargetError> {
        let end = 1.0 / check::scale("mean_service_time", mean_service_time)?;
        last_that_meets(target, Range::UpTo(end), |x| {
            stable(Self::new(
                x,
                mean_service_time,
                squared_coefficient_of_variation,
            ))
        })
    }

    /// The longest mean service time with which the target is met.
    ///
    /// For a mean wait `w` and `x = lambda w` it is `2 w / (x + sqrt(x^2 + 2 x (1 + cs2)))`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such time, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn longest_service_time(
        arrival_rate: f64,
        squared_coefficient_of_variation: f64,
        target: Target,
    ) -> Result<f64, TargetError> {
        let end = longest(arrival_rate, 1.0, target)?;
        last_that_meets(target, end, |x| {
            stable(Self::new(arrival_rate, x, squared_coefficient_of_variation))
        })
    }
}

impl Mg1Ps {
    /// The largest arrival rate with which the target is met.
    ///
    /// For a mean response time `w` it is `1 / s - 1 / w`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mg1Ps, Target};
    ///
    /// // Requests of a second, stretched to ten.
    /// let rate = Mg1Ps::largest_arrival_rate(1.0, Target::MeanResponseTime(10.0))?;
    /// assert!((rate - 0.9).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(
        mean_service_time: f64,
        target: Target,
    ) -> Result<f64, TargetError> {
        let end = 1.0 / check::scale("mean_service_time", mean_service_time)?;
        last_that_meets(target, Range::UpTo(end), |x| {
            stable(Self::new(x, mean_service_time))
        })
    }

    /// The longest mean service time with which the target is met.
    ///
    /// For a mean response time `w` it is `w / (1 + lambda w)`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such time, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn longest_service_time(arrival_rate: f64, target: Target) -> Result<f64, TargetError> {
        let end = longest(arrival_rate, 1.0, target)?;
        last_that_meets(target, end, |x| stable(Self::new(arrival_rate, x)))
    }
}

impl Md1 {
    /// The largest arrival rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Md1, Target};
    ///
    /// // Constant services of a second each, and a wait of four and a half: rho / (2 (1 - rho)).
    /// let rate = Md1::largest_arrival_rate(1.0, Target::MeanWaitingTime(4.5))?;
    /// assert!((rate - 0.9).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(service_time: f64, target: Target) -> Result<f64, TargetError> {
        let end = 1.0 / check::scale("service_time", service_time)?;
        last_that_meets(target, Range::UpTo(end), |x| {
            stable(Self::new(x, service_time))
        })
    }

    /// The longest service time with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such time, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Md1, Target};
    ///
    /// // One request in two seconds, and a response of two: s + s^2 / (2 (2 - s)) is two at s = 4 - sqrt(8).
    /// let time = Md1::longest_service_time(0.5, Target::MeanResponseTime(2.0))?;
    /// assert!((time - 4.0 + 8.0_f64.sqrt()).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn longest_service_time(arrival_rate: f64, target: Target) -> Result<f64, TargetError> {
        let end = longest(arrival_rate, 1.0, target)?;
        last_that_meets(target, end, |x| stable(Self::new(arrival_rate, x)))
    }
}

impl Mdc {
    /// The largest arrival rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn largest_arrival_rate(
        service_time: f64,
        servers: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let end = check::servers(servers)? / check::scale("service_time", service_time)?;
        last_that_meets(target, Range::UpTo(end), |x| {
            stable(Self::new(x, service_time, servers))
        })
    }

    /// The longest service time with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such time, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn longest_service_time(
        arrival_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let end = longest(arrival_rate, check::servers(servers)?, target)?;
        last_that_meets(target, end, |x| stable(Self::new(arrival_rate, x, servers)))
    }

    /// The fewest servers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn fewest_servers(
        arrival_rate: f64,
        service_time: f64,
        target: Target,
    ) -> Result<u32, TargetError> {
        fewest_that_meet(target, u32::MAX, |c| {
            stable(Self::new(arrival_rate, service_time, c))
        })
    }
}
