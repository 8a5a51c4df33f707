//! Loads, speeds and servers where requests are served at a rate: exponential services.

use super::{capacity, down_to, near, offered, unit};
use crate::check;
use crate::queueing::target::{Range, fewest_that_meet, last_that_meets, stable};
use crate::queueing::{ErlangA, Mm1, MmInf, Mmc, Mmcc, Mmck, Target, TargetError};

impl Mm1 {
    /// The largest arrival rate with which the target is met.
    ///
    /// For a mean response time `w` it is `mu - 1 / w`, for a mean wait `mu x / (1 + x)` with `x = mu w`, and for a share `p` of responses within `t`
    /// `mu + ln(1 - p) / t`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mm1, Target};
    ///
    /// // A worker of 100 requests a second, and 40 ms on average.
    /// let rate = Mm1::largest_arrival_rate(100.0, Target::MeanResponseTime(0.04))?;
    /// assert!((rate - 75.0).abs() < 1e-12);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(service_rate: f64, target: Target) -> Result<f64, TargetError> {
        let mu = check::scale("service_rate", service_rate)?;
        last_that_meets(target, Range::UpTo(mu), |x| stable(Self::new(x, mu)))
    }

    /// The smallest service rate with which the target is met.
    ///
    /// For a mean response time `w` it is `lambda + 1 / w`, for a mean wait `(lambda + sqrt(lambda^2 + 4 lambda / w)) / 2`, and for a share `p` of responses
    /// within `t` `lambda - ln(1 - p) / t`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mm1, Target};
    ///
    /// // 75 requests a second, and 40 ms on average.
    /// let rate = Mm1::smallest_service_rate(75.0, Target::MeanResponseTime(0.04))?;
    /// assert!((rate - 100.0).abs() < 1e-12);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn smallest_service_rate(arrival_rate: f64, target: Target) -> Result<f64, TargetError> {
        let lambda = check::not_negative("arrival_rate", arrival_rate)?;
        last_that_meets(target, down_to(lambda, target), |x| {
            stable(Self::new(lambda, x))
        })
    }
}

impl Mmc {
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
    /// use crm_metrics::queueing::{Mmc, Target};
    ///
    /// // Two servers of one request a unit of time: W = 1 / (1 - rho^2), so that rho is the root of a half.
    /// let rate = Mmc::largest_arrival_rate(1.0, 2, Target::MeanResponseTime(2.0))?;
    /// assert!((rate - 2.0_f64.sqrt()).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(
        service_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let end = capacity(service_rate, servers)?;
        last_that_meets(target, Range::UpTo(end), |x| {
            stable(Self::new(x, service_rate, servers))
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mmc, Target};
    ///
    /// // Two servers and a request a unit of time: W = 4 mu / (4 mu^2 - 1), which is one at mu = (1 + sqrt(2)) / 2.
    /// let rate = Mmc::smallest_service_rate(1.0, 2, Target::MeanResponseTime(1.0))?;
    /// assert!((rate - 0.5 - 0.5_f64.sqrt()).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn smallest_service_rate(
        arrival_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let lambda = check::not_negative("arrival_rate", arrival_rate)?;
        let least = lambda / check::servers(servers)?;
        last_that_meets(target, down_to(least, target), |x| {
            stable(Self::new(lambda, x, servers))
        })
    }

    /// The fewest servers with which the target is met.
    ///
    /// [`for_mean_waiting_time`](Self::for_mean_waiting_time) and [`for_service_level`](Self::for_service_level) are the same for one target each.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mmc, Target};
    ///
    /// // 100 calls in half an hour of three minutes each, 80 % answered within 20 s: fourteen agents, as any table of Erlang C has it.
    /// let promise = Target::WaitingTime { p: 0.8, within: 20.0 };
    /// assert_eq!(Mmc::fewest_servers(100.0 / 1800.0, 1.0 / 180.0, promise)?, 14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn fewest_servers(
        arrival_rate: f64,
        service_rate: f64,
        target: Target,
    ) -> Result<u32, TargetError> {
        fewest_that_meet(target, u32::MAX, |c| {
            stable(Self::new(arrival_rate, service_rate, c))
        })
    }
}

impl Mmck {
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
    /// use crm_metrics::queueing::{Mmck, Target};
    ///
    /// // Three stations of six minutes each, room for seven cars: how many a minute, with one in twenty turned away?
    /// let rate = Mmck::largest_arrival_rate(1.0 / 6.0, 3, 7, Target::Loss(0.05))?;
    /// assert!((Mmck::new(rate, 1.0 / 6.0, 3, 7)?.blocking_probability() - 0.05).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(
        service_rate: f64,
        servers: u32,
        capacity: u64,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = self::capacity(service_rate, servers)?;
        last_that_meets(target, Range::Up(near), |x| {
            Self::new(x, service_rate, servers, capacity).map(Some)
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn smallest_service_rate(
        arrival_rate: f64,
        servers: u32,
        capacity: u64,
        target: Target,
    ) -> Result<f64, TargetError> {
        let lambda = check::not_negative("arrival_rate", arrival_rate)?;
        let near = near(lambda / check::servers(servers)?, target);
        last_that_meets(target, Range::Down(near), |x| {
            offered(Self::new(lambda, x, servers, capacity))
        })
    }

    /// The fewest servers with which the target is met, with `waiting_room` places to wait besides.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn fewest_servers(
        arrival_rate: f64,
        service_rate: f64,
        waiting_room: u64,
        target: Target,
    ) -> Result<u32, TargetError> {
        fewest_that_meet(target, u32::MAX, |c| {
            Self::new(
                arrival_rate,
                service_rate,
                c,
                u64::from(c).saturating_add(waiting_room),
            )
            .map(Some)
        })
    }
}

impl Mmcc {
    /// The largest arrival rate with which the target is met.
    ///
    /// For a loss it is `service_rate` times [`erlang_b_load`](crate::queueing::erlang_b_load).
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mmcc, Target};
    ///
    /// // Table value: 25 lines, one call lost in a hundred.
    /// let rate = Mmcc::largest_arrival_rate(1.0, 25, Target::Loss(0.01))?;
    /// assert!((rate - 16.1245).abs() < 1e-4);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(
        service_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = capacity(service_rate, servers)?;
        last_that_meets(target, Range::Up(near), |x| {
            Self::new(x, service_rate, servers).map(Some)
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn smallest_service_rate(
        arrival_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let lambda = check::not_negative("arrival_rate", arrival_rate)?;
        let near = near(lambda / check::servers(servers)?, target);
        last_that_meets(target, Range::Down(near), |x| {
            offered(Self::new(lambda, x, servers))
        })
    }

    /// The fewest servers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{Mmcc, Target};
    ///
    /// // Table value: 100 erlangs with one call lost in a hundred take 117 lines.
    /// assert_eq!(Mmcc::fewest_servers(100.0, 1.0, Target::Loss(0.01))?, 117);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn fewest_servers(
        arrival_rate: f64,
        service_rate: f64,
        target: Target,
    ) -> Result<u32, TargetError> {
        fewest_that_meet(target, u32::MAX, |c| {
            Self::new(arrival_rate, service_rate, c).map(Some)
        })
    }
}

impl MmInf {
    /// The smallest service rate with which the target, which can only be one of the response time, is met. It is the same for any arrivals.
    ///
    /// For a mean `w` it is `1 / w`, for a share `p` within `t` `-ln(1 - p) / t`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{MmInf, Target};
    ///
    /// let rate = MmInf::smallest_service_rate(Target::ResponseTime { p: 0.95, within: 3.0 })?;
    /// assert!((rate - 20.0_f64.ln() / 3.0).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn smallest_service_rate(target: Target) -> Result<f64, TargetError> {
        last_that_meets(target, Range::Down(unit(target)), |x| {
            Self::new(0.0, x).map(Some)
        })
    }
}

impl ErlangA {
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
    /// use crm_metrics::queueing::{ErlangA, Target};
    ///
    /// // 50 agents, one minute a call, two minutes of patience: how many calls a minute, with 80 % answered within 20 s?
    /// let promise = Target::WaitingTime { p: 0.8, within: 1.0 / 3.0 };
    /// let rate = ErlangA::largest_arrival_rate(1.0, 50, 0.5, promise)?;
    /// assert!((ErlangA::new(rate, 1.0, 50, 0.5)?.served_within(1.0 / 3.0) - 0.8).abs() < 1e-12);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_arrival_rate(
        service_rate: f64,
        servers: u32,
        abandonment_rate: f64,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = capacity(service_rate, servers)?;
        last_that_meets(target, Range::Up(near), |x| {
            offered(Self::new(x, service_rate, servers, abandonment_rate))
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn smallest_service_rate(
        arrival_rate: f64,
        servers: u32,
        abandonment_rate: f64,
        target: Target,
    ) -> Result<f64, TargetError> {
        let lambda = check::not_negative("arrival_rate", arrival_rate)?;
        let near = near(lambda / check::servers(servers)?, target);
        last_that_meets(target, Range::Down(near), |x| {
            offered(Self::new(lambda, x, servers, abandonment_rate))
        })
    }

    /// The fewest servers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{ErlangA, Target};
    ///
    /// // 48 calls a minute of one minute each, two minutes of patience: at most three calls in a hundred given up.
    /// assert_eq!(ErlangA::fewest_servers(48.0, 1.0, 0.5, Target::Loss(0.03))?, 51);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn fewest_servers(
        arrival_rate: f64,
        service_rate: f64,
        abandonment_rate: f64,
        target: Target,
    ) -> Result<u32, TargetError> {
        fewest_that_meet(target, u32::MAX, |c| {
            Self::new(arrival_rate, service_rate, c, abandonment_rate).map(Some)
        })
    }
}
