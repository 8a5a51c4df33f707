//! One station of a network.

use super::error::{NetworkError, at};
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
use crate::queueing::Mmc;
use alloc::vec::Vec;

/// A station: how it serves, how long that takes, and how often each request comes by.
///
/// ```
/// use crm_metrics::network::Station;
///
/// let cpu = Station::queue(0.005).visits(121.0); // one server, 5 ms, 121 visits a request
/// let workers = Station::servers(8, 0.2); // eight servers behind one line
/// let network = Station::delay(0.03); // no line at all
/// let link = Station::load_dependent(&[1.0, 0.6, 0.5]); // time per request with one, two, and three or more present
/// # let _ = (cpu, workers, network, link);
/// ```
///
/// Numbers are checked when the network is built.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    pub(super) kind: Kind,
    service: Service,
    visits: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// So many servers behind one line.
    Servers(u32),
    Delay,
    /// The speed with `1, 2, ...` present, relative to one; the last one stays.
    Speeds(Vec<f64>),
}

/// What was given is kept: its reciprocal would be another number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Service {
    Time(f64),
    Rate(f64),
}

impl Station {
    const fn new(kind: Kind, service: Service) -> Self {
        Self {
            kind,
            service,
            visits: 1.0,
        }
    }

    /// One server with this mean service time.
    #[must_use]
    pub const fn queue(service_time: f64) -> Self {
        Self::servers(1, service_time)
    }

    /// One server that can serve so many requests per unit of time.
    #[must_use]
    pub const fn queue_at_rate(service_rate: f64) -> Self {
        Self::servers_at_rate(1, service_rate)
    }

    /// Several servers behind one line, each with this mean service time.
    #[must_use]
    pub const fn servers(servers: u32, service_time: f64) -> Self {
        Self::new(Kind::Servers(servers), Service::Time(service_time))
    }

    /// Several servers behind one line, each of which can serve so many requests per unit of time.
    #[must_use]
    pub const fn servers_at_rate(servers: u32, service_rate: f64) -> Self {
        Self::new(Kind::Servers(servers), Service::Rate(service_rate))
    }

    /// A stay of this mean time, without any line: a network, a user who thinks.
    #[must_use]
    pub const fn delay(time: f64) -> Self {
        Self::new(Kind::Delay, Service::Time(time))
    }

    /// A server whose mean time per request depends on how many are present: the first with one, the second with two. With more present
    /// than there are times, the last one holds.
    #[must_use]
    pub fn load_dependent(service_times: &[f64]) -> Self {
        let alone = service_times.first().copied().unwrap_or(f64::NAN);
        let speeds = service_times.iter().map(|time| alone / time).collect();
        Self::new(Kind::Speeds(speeds), Service::Time(alone))
    }

    /// How many times a request comes by, on average; once, until told otherwise.
    ///
    /// With one visit, the service time is the service demand.
    #[must_use]
    pub const fn visits(mut self, visits: f64) -> Self {
        self.visits = visits;
        self
    }

    pub(super) const fn visit_count(&self) -> f64 {
        self.visits
    }

    /// The mean service time.
    pub(super) fn time(&self) -> f64 {
        match self.service {
            Service::Time(time) => time,
            Service::Rate(rate) => 1.0 / rate,
        }
    }

    /// `D`: the total service time that a request needs here.
    pub(super) fn demand(&self) -> f64 {
        match self.service {
            Service::Time(time) => self.visits * time,
            Service::Rate(rate) => self.visits / rate,
        }
    }

    /// Refuses bad numbers.
    pub(super) fn check(&self, index: usize) -> Result<(), NetworkError> {
        let name = match self.service {
            Service::Time(_) => "service_time",
            Service::Rate(_) => "service_rate",
        };
        let refuse = at(index);
        match self.service {
            Service::Time(time) => demand(name, time).map_err(&refuse)?,
            Service::Rate(rate) => check::scale(name, rate).map_err(&refuse)?,
        };
        check::not_negative("visits", self.visits).map_err(&refuse)?;
        demand("demand", self.demand()).map_err(&refuse)?;
        match &self.kind {
            Kind::Servers(servers) => {
                check::servers(*servers).map_err(&refuse)?;
            }
            Kind::Delay => {}
            Kind::Speeds(speeds) => {
                if speeds.is_empty() {
                    let error = ParamError::new("service_times", 0.0, "hold at least one time");
                    return Err(refuse(error));
                }
                for &speed in speeds {
                    if !(1e-100..=1e100).contains(&speed) {
                        let error = ParamError::new(
                            "service_times",
                            self.time() / speed,
                            "be above zero and within a factor of 1e100 of the first",
                        );
                        return Err(refuse(error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Utilisation, mean number and mean time per visit with Poisson arrivals at this rate.
    pub(super) fn open(
        &self,
        index: usize,
        arrival_rate: f64,
    ) -> Result<(f64, f64, f64), NetworkError> {
        let time = self.time();
        match &self.kind {
            Kind::Delay => Ok((arrival_rate * time, arrival_rate * time, time)),
            Kind::Servers(_) if time == 0.0 => Ok((0.0, 0.0, 0.0)),
            Kind::Servers(servers) => {
                // In the unit of the service time, unless a rate was given.
                let (lambda, mu, unit) = match self.service {
                    Service::Time(time) => (arrival_rate * time, 1.0, time),
                    Service::Rate(rate) => (arrival_rate, rate, 1.0),
                };
                let model = Mmc::new(lambda, mu, *servers).map_err(|error| match error {
                    ModelError::Unstable(_) => {
                        unstable(index, arrival_rate, f64::from(*servers) / time)
                    }
                    ModelError::Param(error) => at(index)(error),
                })?;
                Ok((
                    model.utilisation(),
                    model.mean_in_system(),
                    model.mean_response_time() * unit,
                ))
            }
            Kind::Speeds(speeds) => {
                let load = arrival_rate * time;
                let limit = speeds[speeds.len() - 1];
                if load >= limit {
                    return Err(unstable(index, arrival_rate, limit / time));
                }
                let (idle, number) = open_speeds(load, speeds);
                let response = if arrival_rate > 0.0 {
                    number / arrival_rate
                } else {
                    time
                };
                Ok((1.0 - idle, number, response))
            }
        }
    }

    /// The mean number here with Poisson arrivals that bring `load` times the work of one server; infinite when it is too much.
    pub(super) fn mean_number(&self, load: f64) -> f64 {
        match &self.kind {
            Kind::Delay => load,
            Kind::Servers(1) if load < 1.0 => load / (1.0 - load),
            Kind::Servers(servers) => {
                Mmc::new(load, 1.0, *servers).map_or(f64::INFINITY, |model| model.mean_in_system())
            }
            Kind::Speeds(speeds) if load < speeds[speeds.len() - 1] => open_speeds(load, speeds).1,
            Kind::Speeds(_) => f64::INFINITY,
        }
    }

    /// The load that the station can just not work off, in multiples of one server's.
    pub(super) fn capacity(&self) -> f64 {
        match &self.kind {
            Kind::Delay => f64::INFINITY,
            Kind::Servers(servers) => f64::from(*servers),
            Kind::Speeds(speeds) => speeds[speeds.len() - 1],
        }
    }
}

/// The probability of nobody there and the mean number, for a load below the last speed.
fn open_speeds(load: f64, speeds: &[f64]) -> (f64, f64) {
    let (mut weight, mut total, mut first) = (1.0, 1.0, 0.0);
    let mut idle = 1.0;
    for (n, speed) in (1..speeds.len()).zip(speeds) {
        weight *= load / speed;
        total += weight;
        first += n as f64 * weight;
        if total > 1e200 {
            for value in [&mut weight, &mut total, &mut first, &mut idle] {
                *value *= 1e-200;
            }
        }
    }
    // From the last speed on, a geometric series.
    let ratio = load / speeds[speeds.len() - 1];
    let rest = 1.0 - ratio;
    let tail = weight * ratio / rest;
    total += tail;
    first += tail * ((speeds.len() - 1) as f64 + 1.0 / rest);
    (idle / total, first / total)
}

/// A time or a demand: nothing, or something whose reciprocal is finite.
pub(super) fn demand(name: &'static str, value: f64) -> Result<f64, ParamError> {
    if value == 0.0 || (1e-290..=1e290).contains(&value) {
        Ok(value + 0.0)
    } else {
        Err(ParamError::new(
            name,
            value,
            "be zero or lie between 1e-290 and 1e290",
        ))
    }
}

pub(super) fn unstable(station: usize, offered: f64, stable_below: f64) -> NetworkError {
    NetworkError::Unstable {
        station,
        overload: Unstable {
            offered,
            stable_below,
        },
    }
}
