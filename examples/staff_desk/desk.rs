//! What the log says of each half-hour, and what the models say of the same.
//!
//! A half-hour of one day is one experiment: so many calls, of such a length on average, and so many agents. Both models get
//! these three from the half-hour itself. Patience is a trait of callers and not of a day, and in one half-hour few give up:
//! it is estimated for each half-hour of the day over all days, and where fewer than ten have given up there, over the whole
//! log. It is the number of those who gave up over the time that all together have waited, which is the maximum likelihood
//! estimate of an exponential patience when the patience of those who were served is known only to be longer than their wait
//! (censored). Without the assumption that patience is exponential one would take the estimator of Kaplan and Meier; Erlang A
//! makes it anyway.
//!
//! The models: Erlang C knows no impatience. Where its agents cannot work off the load, all wait, without end, and nobody is
//! served in time; nobody ever gives up. Erlang A has the patience, too. Both take a half-hour as if it lasted for ever.

use crm_perf::metrics::ParamError;
use crm_perf::metrics::queueing::{ModelError, abandonment_rate};
use crm_perf::metrics::staffing::{Desk, Performance};
use serde::{Serialize, Serializer};

use crate::agents::{self, WhileWaiting};
use crate::args::Args;
use crate::call::{Call, DAY, End, Log};
use crate::failure::Failure;

/// With so many who gave up, the error of the estimated patience is about a third of it.
const ENOUGH: u64 = 10;

/// A half-hour of one day.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HalfHour {
    /// Days are numbered from 0 in the order of the log.
    pub(crate) day: usize,
    /// Seconds of the day at which it begins.
    pub(crate) start: f64,
    pub(crate) calls: u64,
    /// Seconds that an agent spends on a call, on average.
    pub(crate) service: f64,
    /// Mean patience in seconds.
    pub(crate) patience: f64,
    pub(crate) agents: f64,
    /// Erlangs that are offered.
    pub(crate) load: f64,
    pub(crate) happened: Outcome,
    pub(crate) erlang_c: Outcome,
    pub(crate) erlang_a: Outcome,
    pub(crate) needed: Needed,
}

/// What callers got, or would have.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// The share of callers who wait.
    pub(crate) waits: f64,
    /// The share who give up.
    pub(crate) abandons: f64,
    /// The mean wait of all, in seconds; without bound, and `null` as JSON, in an overload that nobody leaves.
    #[serde(serialize_with = "bounded")]
    pub(crate) wait: f64,
    /// The share who are served in time.
    pub(crate) in_time: f64,
}

fn bounded<S: Serializer>(wait: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Some(*wait)
        .filter(|wait| wait.is_finite())
        .serialize(serializer)
}

/// Agents that the target would have taken.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Needed {
    pub(crate) erlang_c: f64,
    pub(crate) erlang_a: f64,
    /// Those of Erlang A, and more because of the shrinkage.
    pub(crate) scheduled: f64,
}

/// What the log holds, summed up for one half-hour.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    calls: u64,
    waited: u64,
    abandoned: u64,
    in_time: u64,
    wait: f64,
    /// Services whose length is known, and their lengths together.
    services: u64,
    service: f64,
}

impl Sums {
    fn take(&mut self, call: &Call, within: f64) {
        let wait = call.wait.unwrap_or(0.0);
        self.calls += 1;
        self.waited += u64::from(call.wait.is_some());
        self.wait += wait;
        match call.end {
            End::Abandoned => self.abandoned += 1,
            End::Served { service, .. } => {
                self.in_time += u64::from(wait <= within);
                if let Some((from, to)) = service {
                    self.services += 1;
                    self.service += to - from;
                }
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.waited += other.waited;
        self.abandoned += other.abandoned;
        self.in_time += other.in_time;
        self.wait += other.wait;
        self.services += other.services;
        self.service += other.service;
    }

    fn outcome(&self) -> Outcome {
        let calls = self.calls as f64;
        Outcome {
            waits: self.waited as f64 / calls,
            abandons: self.abandoned as f64 / calls,
            wait: self.wait / calls,
            in_time: self.in_time as f64 / calls,
        }
    }

    fn mean_service(&self) -> Option<f64> {
        // A length of zero is no service that a model could take.
        (self.service > 0.0).then(|| self.service / self.services as f64)
    }

    /// `1 / theta`, where the sums say something of it.
    fn patience(&self) -> Option<f64> {
        let calls = self.calls as f64;
        let rate = abandonment_rate(self.abandoned as f64 / calls, self.wait / calls).ok()?;
        (rate > 0.0).then_some(1.0 / rate)
    }
}

/// Every half-hour in which somebody called and somebody was there.
#[derive(Debug)]
pub(crate) struct Desks {
    pub(crate) half_hours: Vec<HalfHour>,
    /// Calls of half-hours in which no agent was there.
    pub(crate) unattended: u64,
    /// The patience of the whole log, in seconds.
    pub(crate) patience: f64,
    pub(crate) while_waiting: Option<WhileWaiting>,
}

impl Desks {
    pub(crate) fn new(args: &Args, log: &Log, name: &str) -> Result<Self, Failure> {
        if log.calls.is_empty() {
            return Err(Failure::NoCalls {
                log: name.to_owned(),
                served: args.served.clone(),
                abandoned: args.abandoned.clone(),
            });
        }
        let length = f64::from(args.interval) * 60.0;
        let per_day = (DAY / length).round() as usize;
        let within = args.target.seconds;
        let mut single = vec![vec![Sums::default(); per_day]; log.days];
        for call in &log.calls {
            // The cast rounds down.
            single[call.day][(call.arrival / length) as usize].take(call, within);
        }
        let mut of_day = vec![Sums::default(); per_day];
        let mut all = Sums::default();
        for (at, sums) in single.iter().flat_map(|day| day.iter().enumerate()) {
            of_day[at].add(sums);
            all.add(sums);
        }
        let service = all.mean_service().ok_or_else(|| Failure::NothingServed {
            log: name.to_owned(),
        })?;
        let patience = args
            .patience
            .or_else(|| all.patience())
            .ok_or(Failure::NoPatience)?;
        let agents = agents::count(&log.calls, log.days, length, args.agents);

        let plain = desk(args)?;
        let mut found = Self {
            half_hours: Vec::new(),
            unattended: 0,
            patience,
            while_waiting: agents.while_waiting,
        };
        for (day, intervals) in single.iter().enumerate() {
            for (at, sums) in intervals.iter().enumerate().filter(|(_, s)| s.calls > 0) {
                let agents = agents.counted[day][at];
                if agents <= 0.0 {
                    found.unattended += sums.calls;
                    continue;
                }
                let pooled = &of_day[at];
                let of_pool = pooled.patience().filter(|_| pooled.abandoned >= ENOUGH);
                let patience = args.patience.or(of_pool).unwrap_or(patience);
                let service = sums
                    .mean_service()
                    .or_else(|| pooled.mean_service())
                    .unwrap_or(service);
                let impatient = plain.with_mean_patience(patience)?;
                let rate = sums.calls as f64 / length;
                let told = |desk: &Desk| told(desk, rate, service, agents, within);
                let staffed = impatient.staff(rate, service)?;
                found.half_hours.push(HalfHour {
                    day,
                    start: at as f64 * length,
                    calls: sums.calls,
                    service,
                    patience,
                    agents,
                    load: rate * service,
                    happened: sums.outcome(),
                    erlang_c: told(&plain)?,
                    erlang_a: told(&impatient)?,
                    needed: Needed {
                        erlang_c: f64::from(plain.staff(rate, service)?.agents()),
                        erlang_a: f64::from(staffed.agents()),
                        scheduled: staffed.scheduled() as f64,
                    },
                });
            }
        }
        Ok(found)
    }
}

/// The desk of the command line, with callers who do not give up.
fn desk(args: &Args) -> Result<Desk, ParamError> {
    let target = args.target;
    let desk = Desk::for_service_level(target.percent / 100.0, target.seconds)?
        .with_shrinkage(args.shrinkage / 100.0)?;
    match args.occupancy {
        Some(percent) => desk.with_max_occupancy(percent / 100.0),
        None => Ok(desk),
    }
}

/// What a desk says of so many agents.
fn told(
    desk: &Desk,
    rate: f64,
    service: f64,
    agents: f64,
    within: f64,
) -> Result<Outcome, ModelError> {
    match desk.performance_of(rate, service, agents) {
        // Agents who never had a pause are just as many as the load, but for its rounding: no finite wait comes of that.
        Ok(told) if told.mean_waiting_time() > 1e9 => Ok(OVERLOAD),
        Ok(told) => Ok(Outcome::from(&told, within)),
        Err(ModelError::Unstable(_)) => Ok(OVERLOAD),
        Err(error) => Err(error),
    }
}

/// What Erlang C says where its agents cannot work off the load.
const OVERLOAD: Outcome = Outcome {
    waits: 1.0,
    abandons: 0.0,
    wait: f64::INFINITY,
    in_time: 0.0,
};

impl Outcome {
    fn from(told: &Performance, within: f64) -> Self {
        Self {
            waits: told.probability_of_waiting(),
            abandons: told.probability_of_abandonment(),
            wait: told.mean_waiting_time(),
            in_time: told.service_level(within),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn args(more: &[&str]) -> Args {
        Args::try_parse_from([&["staff_desk", "log"], more].concat()).unwrap()
    }

    /// A call that waits for `wait`, and is served for `service` or gives up.
    fn call(arrival: f64, wait: Option<f64>, service: Option<f64>, agent: usize) -> Call {
        let begin = arrival + wait.unwrap_or(0.0);
        Call {
            day: 0,
            arrival,
            wait,
            end: match service {
                Some(service) => End::Served {
                    service: Some((begin, begin + service)),
                    agent: Some(agent),
                },
                None => End::Abandoned,
            },
        }
    }

    fn desks(calls: Vec<Call>, more: &[&str]) -> Result<Desks, Failure> {
        let log = Log {
            calls,
            days: 1,
            ..Log::default()
        };
        Desks::new(&args(more), &log, "log")
    }

    /// Two agents who are busy for 1,500 s and 1,200 s of a half-hour, and four calls.
    fn four() -> Vec<Call> {
        vec![
            call(36_000.0, None, Some(1_500.0), 0),
            call(36_000.0, None, Some(600.0), 1),
            call(36_500.0, Some(100.0), Some(600.0), 1),
            call(36_500.0, Some(50.0), None, 0),
        ]
    }

    #[test]
    fn a_half_hour_is_estimated_as_by_hand() {
        let found = desks(four(), &["--target", "80/100"]).unwrap();
        let [half_hour] = found.half_hours.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(half_hour.start, 36_000.0);
        assert_eq!(half_hour.calls, 4);
        assert_eq!(half_hour.service, 900.0);
        assert_eq!(half_hour.load, 2.0);
        assert_eq!(half_hour.agents, 2_700.0 / 1_800.0);
        // One gave up in 150 s of waiting.
        assert!((half_hour.patience - 150.0).abs() < 1e-9);
        let happened = half_hour.happened;
        assert_eq!((happened.waits, happened.abandons), (0.5, 0.25));
        assert_eq!((happened.wait, happened.in_time), (37.5, 0.75));
        // Two erlangs on one and a half agents: Erlang C is overloaded.
        let c = half_hour.erlang_c;
        assert_eq!((c.waits, c.abandons, c.in_time), (1.0, 0.0, 0.0));
        assert_eq!(c.wait, f64::INFINITY);
        // P(abandon) = theta E[W].
        let a = half_hour.erlang_a;
        assert!((a.abandons * 150.0 / a.wait - 1.0).abs() < 1e-9);
        assert!(a.waits > 0.5 && a.waits < 1.0);
        assert!(half_hour.needed.erlang_a <= half_hour.needed.erlang_c);
    }

    #[test]
    fn a_stable_half_hour_is_erlang_c_s() {
        // One call of 900 s on one agent who is there for a whole half-hour: M/M/1 with half the load.
        let calls = vec![
            call(36_000.0, None, Some(900.0), 0),
            call(37_799.0, Some(2.0), None, 0),
            call(37_800.0, None, Some(900.0), 0),
        ];
        let found = desks(calls, &["--patience", "60", "--interval", "60"]).unwrap();
        let half_hour = &found.half_hours[0];
        assert_eq!(half_hour.patience, 60.0);
        // The pause from 36,900 to 37,800 has a wait in it, and is none.
        assert_eq!(half_hour.agents, 0.5);
        let found = desks(
            vec![
                call(36_000.0, None, Some(900.0), 0),
                call(37_800.0, None, Some(1.0), 0),
            ],
            &["--patience", "60"],
        )
        .unwrap();
        let half_hour = &found.half_hours[0];
        assert_eq!((half_hour.agents, half_hour.load), (1.0, 0.5));
        assert!((half_hour.erlang_c.waits - 0.5).abs() < 1e-12);
        assert!((half_hour.erlang_c.wait - 900.0).abs() < 1e-9);
        assert!(
            (half_hour.erlang_c.in_time - (1.0 - 0.5 * (-20.0_f64 / 1_800.0).exp())).abs() < 1e-12
        );
    }

    #[test]
    fn patience_is_that_of_the_time_of_day_where_enough_give_up() {
        // At ten o'clock ten give up after 60 s each; at eleven one does after 10 s.
        let mut calls: Vec<Call> = (0..10)
            .map(|i| call(36_000.0 + f64::from(i), Some(60.0), None, 0))
            .collect();
        calls.push(call(36_000.0, None, Some(100.0), 0));
        calls.push(call(39_600.0, Some(10.0), None, 0));
        calls.push(call(39_600.0, None, Some(100.0), 0));
        let found = desks(calls, &[]).unwrap();
        assert!((found.half_hours[0].patience - 60.0).abs() < 1e-9);
        assert!((found.half_hours[1].patience - 610.0 / 11.0).abs() < 1e-9);
        assert!((found.patience - 610.0 / 11.0).abs() < 1e-9);
    }

    #[test]
    fn calls_while_nobody_is_there_are_counted_apart() {
        let mut calls = four();
        calls.push(call(3_600.0, Some(30.0), None, 0));
        let found = desks(calls, &[]).unwrap();
        assert_eq!(found.half_hours.len(), 1);
        assert_eq!(found.unattended, 1);
    }

    #[test]
    fn a_log_without_what_is_needed_is_told() {
        assert!(matches!(desks(vec![], &[]), Err(Failure::NoCalls { .. })));
        let lost = vec![call(0.0, Some(5.0), None, 0)];
        assert!(matches!(
            desks(lost, &[]),
            Err(Failure::NothingServed { .. })
        ));
        let served = vec![call(0.0, Some(5.0), Some(9.0), 0)];
        assert!(matches!(
            desks(served.clone(), &[]),
            Err(Failure::NoPatience)
        ));
        assert!(desks(served, &["--patience", "60"]).is_ok());
    }
}
