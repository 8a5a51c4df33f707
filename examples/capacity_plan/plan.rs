//! The plan: the servers, what they come to, and what more load does to them.

use serde::Serialize;

use crate::args::{Args, Measure, Target};
use crate::failure::Failure;
use crate::pool::Pool;
use crate::service::Service;
use crate::units::{Rate, Time};

/// The percentiles of the response time that are told.
pub(crate) const PERCENTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// Everything that was found. Times are in seconds, rates per second.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) arrivals: Rate,
    pub(crate) service_time: Time,
    /// The squared coefficient of variation of the service time.
    pub(crate) scv: f64,
    pub(crate) target: Target,
    pub(crate) servers: u32,
    /// Whether the number of servers was given and not looked for.
    pub(crate) servers_were_given: bool,
    pub(crate) model: &'static str,
    pub(crate) exactness: &'static str,
    /// What is offered, in servers that would be busy without end: arrivals times service time.
    pub(crate) offered_load: f64,
    /// The load as it is, and with each growth that was asked for.
    pub(crate) loads: Vec<Load>,
    /// What one server less would come to, unless there is only one.
    pub(crate) one_less: Option<Load>,
    pub(crate) knee: Knee,
    /// The most load under which the servers meet the target.
    pub(crate) most_on_target: Option<Rate>,
    /// Every load below this one is stable.
    pub(crate) stable_below: Rate,
}

/// One load on the servers.
#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) growth_percent: f64,
    pub(crate) arrivals: Rate,
    /// One and more is more than the servers can do.
    pub(crate) utilisation: f64,
    /// None where the line would grow without end.
    pub(crate) times: Option<Times>,
    /// The fewest servers that would meet the target under this load.
    pub(crate) servers_needed: Option<u32>,
}

/// What users get.
#[derive(Debug, Serialize)]
pub(crate) struct Times {
    pub(crate) probability_of_waiting: f64,
    pub(crate) mean_wait: Time,
    pub(crate) mean_response: Time,
    /// At [`PERCENTILES`].
    pub(crate) response: [Time; 4],
    /// What the target is about.
    pub(crate) measure: Time,
    pub(crate) meets_target: bool,
}

/// The load at which throughput over mean response time is greatest: below it, more load brings more than it costs, above it
/// the other way round. On a chart it is where a line from the origin touches the curve.
///
/// Source: L. Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in computer communications",
/// International Conference on Communications, 1979.
#[derive(Debug, Serialize)]
pub(crate) struct Knee {
    pub(crate) arrivals: Rate,
    pub(crate) utilisation: f64,
    pub(crate) mean_response: Time,
}

/// The curve of one measure against load.
pub(crate) type Curve = Vec<(f64, Option<f64>)>;

impl Plan {
    pub(crate) fn new(args: &Args, service: &Service) -> Result<Self, Failure> {
        let (arrivals, target) = (args.arrivals, args.target);
        let servers = match args.servers {
            Some(servers) => servers,
            None => needed(service, arrivals.per_second, target)?,
        };
        let capacity = f64::from(servers) / service.mean();
        if arrivals.per_second >= capacity {
            return Err(Failure::Overload {
                servers,
                offered: arrivals,
                stable_below: arrivals.with(capacity),
                needed: least_stable(arrivals.per_second * service.mean()),
            });
        }
        let pool = Pool::new(service, arrivals.per_second, servers)?;
        let growths = [0.0].iter().chain(&args.growth);
        let loads = growths
            .map(|&growth| {
                let load = arrivals.with(arrivals.per_second * (1.0 + growth / 100.0));
                Load::new(service, servers, load, growth, target)
            })
            .collect();
        let one_less =
            (servers > 1).then(|| Load::new(service, servers - 1, arrivals, 0.0, target));
        Ok(Self {
            arrivals,
            service_time: args.service,
            scv: service.scv(),
            target,
            servers,
            servers_were_given: args.servers.is_some(),
            model: pool.name().name(),
            exactness: pool.name().exactness(),
            offered_load: arrivals.per_second * service.mean(),
            loads,
            one_less,
            knee: Knee::of(service, servers, arrivals),
            most_on_target: most_on_target(service, servers, target)
                .map(|rate| arrivals.with(rate)),
            stable_below: arrivals.with(capacity),
        })
    }
}

/// The curve of `measure` from no load to all that the servers can do, which is where it has no value any more.
pub(crate) fn curve(service: &Service, servers: u32, measure: Measure, points: u32) -> Curve {
    let capacity = f64::from(servers) / service.mean();
    (0..=points)
        .map(|i| {
            // Closer together towards the end, where the curve turns upwards.
            let left = f64::from(points - i) / f64::from(points);
            let rate = capacity * (1.0 - left * left);
            let pool = Pool::new(service, rate, servers).ok();
            (rate, pool.map(|pool| pool.measure(measure)))
        })
        .collect()
}

/// The fewest servers that meet the target, or why there are none.
fn needed(service: &Service, rate: f64, target: Target) -> Result<u32, Failure> {
    // Without any wait the target must be met, or no number of servers helps.
    let alone = Pool::new(service, 0.0, 1)?;
    if !alone.meets(target) {
        return Err(Failure::OutOfReach {
            target,
            alone: Time(alone.measure(target.measure)),
        });
    }
    let found = Pool::fewest(service, rate, target)?;
    found
        .map(|pool| pool.servers())
        .ok_or(Failure::TooMany { target })
}

/// The least number of servers that is above so many erlangs.
fn least_stable(load: f64) -> u32 {
    // The cast saturates.
    (load.floor() as u32).saturating_add(1)
}

impl Load {
    fn new(service: &Service, servers: u32, load: Rate, growth: f64, target: Target) -> Self {
        let pool = Pool::new(service, load.per_second, servers).ok();
        Self {
            growth_percent: growth,
            arrivals: load,
            utilisation: load.per_second * service.mean() / f64::from(servers),
            times: pool.map(|pool| Times {
                probability_of_waiting: pool.probability_of_waiting(),
                mean_wait: Time(pool.mean_wait()),
                mean_response: Time(pool.mean_response()),
                response: PERCENTILES.map(|p| Time(pool.response_quantile(p))),
                measure: Time(pool.measure(target.measure)),
                meets_target: pool.meets(target),
            }),
            servers_needed: needed(service, load.per_second, target).ok(),
        }
    }
}

impl Knee {
    fn of(service: &Service, servers: u32, unit: Rate) -> Self {
        let capacity = f64::from(servers) / service.mean();
        let response = |share: f64| {
            Pool::new(service, share * capacity, servers)
                .map_or(f64::INFINITY, |pool| pool.mean_response())
        };
        let share = greatest(|share| share / response(share));
        Self {
            arrivals: unit.with(share * capacity),
            utilisation: share,
            mean_response: Time(response(share)),
        }
    }
}

/// Where in zero to one a function that rises and then falls is greatest, by golden section.
fn greatest(f: impl Fn(f64) -> f64) -> f64 {
    let golden = 0.5 * (5_f64.sqrt() - 1.0);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..80 {
        let left = high - golden * (high - low);
        let right = low + golden * (high - low);
        if f(left) < f(right) {
            low = left;
        } else {
            high = right;
        }
    }
    0.5 * (low + high)
}

/// The most load under which so many servers meet the target; none when they do not even without load.
fn most_on_target(service: &Service, servers: u32, target: Target) -> Option<f64> {
    let meets = |rate: f64| Pool::new(service, rate, servers).is_ok_and(|pool| pool.meets(target));
    if !meets(0.0) {
        return None;
    }
    let (mut low, mut high) = (0.0, f64::from(servers) / service.mean());
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if meets(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: f64) -> Rate {
        "1/s".parse::<Rate>().unwrap().with(per_second)
    }

    #[test]
    fn the_knee_of_one_server_is_where_theory_has_it() {
        // lambda / W is greatest at 1 / (1 + sqrt((1 + scv) / 2)): one half in M/M/1.
        for scv in [0.0, 0.5, 1.0, 7.0] {
            let service = Service::new(0.25, scv);
            let knee = Knee::of(&service, 1, rate(1.0));
            let exact = 1.0 / (1.0 + (0.5 * (1.0 + scv)).sqrt());
            assert!((knee.utilisation - exact).abs() < 1e-6, "{scv}: {knee:?}");
            assert!((knee.arrivals.per_second - 4.0 * exact).abs() < 1e-5);
        }
        let alone = Knee::of(&Service::new(0.25, 1.0), 1, rate(1.0));
        assert!((alone.mean_response.0 - 0.5).abs() < 1e-6);
    }

    #[test]
    fn the_most_load_on_target_is_where_the_target_is_just_met() {
        // M/M/1: W = 1 / (mu - lambda) at most 0.5 s with mu = 10 until lambda = 8.
        let service = Service::new(0.1, 1.0);
        let target = "response=500ms".parse().unwrap();
        let most = most_on_target(&service, 1, target).unwrap();
        assert!((most - 8.0).abs() < 1e-9, "{most}");
        let never = "response=50ms".parse().unwrap();
        assert_eq!(most_on_target(&service, 1, never), None);
    }

    #[test]
    fn a_curve_rises_from_the_service_alone() {
        let service = Service::new(0.1, 2.0);
        let curve = curve(&service, 3, Measure::MeanResponse, 50);
        assert_eq!(curve[0], (0.0, Some(0.1)));
        assert_eq!(curve[50].1, None);
        assert!(curve[..50].windows(2).all(|two| two[0].1 <= two[1].1));
    }
}
