//! The inverse problems: the load, the speed and the servers that just keep a [`Target`], in one shape for all models.

use super::target::{Promised, Range};
use super::{
    Engset, ErlangA, FiniteSource, Md1, Mdc, Mg1, Mg1Ps, Mm1, MmInf, Mmc, Mmcc, Mmck, Target,
};
use crate::check;
use crate::error::ParamError;

mod populations;
mod rates;
mod service_times;

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
