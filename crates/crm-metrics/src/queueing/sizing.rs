//! The inverse problems: the load, the speed and the servers that just keep a [`Target`], in one shape for all models.

use super::target::{
    Promised, Range, fewest_that_meet, largest_number_that_meets, last_that_meets, stable,
};
use super::{
    Engset, ErlangA, FiniteSource, Md1, Mdc, Mg1, Mg1Ps, Mm1, MmInf, Mmc, Mmcc, Mmck, Target,
    TargetError,
};
use crate::check;
use crate::error::ParamError;

/// The figures that a model has, by the names of its methods.
macro_rules! promises {
    ($($model:ty: $($kind:ident => $figure:expr),+;)+) => {$(
        impl Promised for $model {
            fn figure(&self, target: Target) -> Option<f64> {
                $(if let Some(figure) = $kind(self, target, $figure) {
                    return Some(figure);
                })+
                None
            }
        }
    )+};
}

fn wait<M>(model: &M, target: Target, mean: impl Fn(&M) -> f64) -> Option<f64> {
    matches!(target, Target::MeanWaitingTime(_)).then(|| mean(model))
}

fn response<M>(model: &M, target: Target, mean: impl Fn(&M) -> f64) -> Option<f64> {
    matches!(target, Target::MeanResponseTime(_)).then(|| mean(model))
}

fn late<M>(model: &M, target: Target, tail: impl Fn(&M, f64) -> f64) -> Option<f64> {
    match target {
        Target::WaitingTime { within, .. } => Some(tail(model, within)),
        _ => None,
    }
}

fn slow<M>(model: &M, target: Target, tail: impl Fn(&M, f64) -> f64) -> Option<f64> {
    match target {
        Target::ResponseTime { within, .. } => Some(tail(model, within)),
        _ => None,
    }
}

fn loss<M>(model: &M, target: Target, share: impl Fn(&M) -> f64) -> Option<f64> {
    matches!(target, Target::Loss(_)).then(|| share(model))
}

promises! {
    Mm1: wait => Self::mean_waiting_time, response => Self::mean_response_time,
        late => Self::waiting_time_tail, slow => Self::response_time_tail;
    Mmc: wait => Self::mean_waiting_time, response => Self::mean_response_time,
        late => Self::waiting_time_tail, slow => Self::response_time_tail;
    Mmck: wait => Self::mean_waiting_time, response => Self::mean_response_time,
        late => Self::waiting_time_tail, slow => Self::response_time_tail, loss => Self::blocking_probability;
    Mmcc: response => Self::mean_response_time, slow => Self::response_time_tail, loss => Self::blocking_probability;
    MmInf: response => Self::mean_response_time, slow => Self::response_time_tail;
    Mg1: wait => Self::mean_waiting_time, response => Self::mean_response_time;
    Mg1Ps: response => Self::mean_response_time;
    Md1: wait => Self::mean_waiting_time, response => Self::mean_response_time,
        late => Self::waiting_time_tail, slow => Self::response_time_tail;
    Mdc: wait => Self::mean_waiting_time, response => Self::mean_response_time,
        late => Self::waiting_time_tail, slow => Self::response_time_tail;
    ErlangA: wait => Self::mean_waiting_time, response => Self::mean_response_time_of_served,
        late => |model, t| 1.0 - model.served_within(t),
        slow => |model, t| 1.0 - model.probability_of_service() * model.response_time_cdf_of_served(t),
        loss => Self::probability_of_abandonment;
    FiniteSource: wait => Self::mean_waiting_time, response => Self::mean_response_time,
        late => Self::waiting_time_tail, slow => Self::response_time_tail, loss => Self::call_congestion;
    Engset: response => Self::mean_response_time, slow => Self::response_time_tail, loss => Self::call_congestion;
}

/// A rate of the right order of magnitude for a target, where there is no load to go by.
fn unit(target: Target) -> f64 {
    let time = match target {
        Target::MeanWaitingTime(time) | Target::MeanResponseTime(time) => time,
        Target::WaitingTime { within, .. } | Target::ResponseTime { within, .. } => within,
        Target::Loss(_) => 1.0,
    };
    if time > 1e-280 && time < 1e280 {
        1.0 / time
    } else {
        1.0
    }
}

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
    /// For a loss it is `service_rate` times [`erlang_b_load`](super::erlang_b_load).
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
    pub fn smallest_service_rate(target: Target) -> Result<f64, TargetError> {
        last_that_meets(target, Range::Down(unit(target)), |x| {
            Self::new(0.0, x).map(Some)
        })
    }
}

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

impl FiniteSource {
    /// The largest rate of requests of one who is away with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn largest_request_rate(
        service_rate: f64,
        servers: u32,
        population: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("service_rate", service_rate)?;
        last_that_meets(target, Range::Up(near), |x| {
            Self::new(x, service_rate, servers, population).map(Some)
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn smallest_service_rate(
        request_rate: f64,
        servers: u32,
        population: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("request_rate", request_rate)?;
        last_that_meets(target, Range::Down(near), |x| {
            Self::new(request_rate, x, servers, population).map(Some)
        })
    }

    /// The fewest servers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn fewest_servers(
        request_rate: f64,
        service_rate: f64,
        population: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        let most = population.max(1);
        fewest_that_meet(target, most, |c| {
            Self::new(request_rate, service_rate, c, population).map(Some)
        })
    }

    /// The largest number of customers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{FiniteSource, Target};
    ///
    /// // A server of two requests a second: how many users, who think for ten seconds, with a second to wait on average?
    /// assert_eq!(FiniteSource::largest_population(0.1, 2.0, 1, Target::MeanWaitingTime(1.0))?, 17);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_population(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        largest_number_that_meets(target, 1, |n| {
            Self::new(request_rate, service_rate, servers, n)
        })
    }
}

impl Engset {
    /// The largest rate of calls of one idle source with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn largest_request_rate(
        service_rate: f64,
        servers: u32,
        sources: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("service_rate", service_rate)?;
        last_that_meets(target, Range::Up(near), |x| {
            Self::new(x, service_rate, servers, sources).map(Some)
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn smallest_service_rate(
        request_rate: f64,
        servers: u32,
        sources: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("request_rate", request_rate)?;
        last_that_meets(target, Range::Down(near), |x| {
            Self::new(request_rate, x, servers, sources).map(Some)
        })
    }

    /// The fewest servers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn fewest_servers(
        request_rate: f64,
        service_rate: f64,
        sources: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        let most = sources.max(1);
        fewest_that_meet(target, most, |c| {
            Self::new(request_rate, service_rate, c, sources).map(Some)
        })
    }

    /// The largest number of sources with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn largest_population(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        largest_number_that_meets(target, 1, |n| {
            Self::new(request_rate, service_rate, servers, n)
        })
    }
}

/// `c mu`, checked.
fn capacity(service_rate: f64, servers: u32) -> Result<f64, ParamError> {
    Ok(check::servers(servers)? * check::scale("service_rate", service_rate)?)
}

/// From any service rate down to a load.
fn down_to(load: f64, target: Target) -> Range {
    if load > 0.0 {
        Range::DownTo(load)
    } else {
        Range::Down(unit(target))
    }
}

/// A service rate to begin with.
fn near(load: f64, target: Target) -> f64 {
    if load > 1e-250 && load < 1e250 {
        load
    } else {
        unit(target)
    }
}

/// From no service time up to the one that leaves no capacity.
fn longest(arrival_rate: f64, servers: f64, target: Target) -> Result<Range, ParamError> {
    let lambda = check::not_negative("arrival_rate", arrival_rate)?;
    Ok(if lambda > 1e-250 {
        Range::UpTo(servers / lambda)
    } else {
        Range::Up(1.0 / unit(target))
    })
}

/// A model, or none where a quotient of its rates leaves the range, which cannot be told from too much load.
fn offered<M>(model: Result<M, ParamError>) -> Result<Option<M>, ParamError> {
    match model {
        Ok(model) => Ok(Some(model)),
        Err(error) if error.must == "be small enough for a finite result" => Ok(None),
        Err(error) => Err(error),
    }
}
