//! A call log of a desk that never was, in the layout that the program reads.
//!
//! Calls come at random, more before noon than in the evening. Service times and patience are exponential. Agents come and go
//! with the half-hour, a few too few at the busy time, and finish the call that they are at. Whoever waits longest is next.

use std::fmt::Write;

use fastrand::Rng;

/// The desk that is simulated.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) mean_service: f64,
    pub(crate) mean_patience: f64,
    /// For each half-hour of the day: calls in it on average, and agents.
    pub(crate) half_hours: Vec<(f64, usize)>,
}

const HALF_HOUR: f64 = 1_800.0;

impl Profile {
    /// Twelve hours with a busy late morning.
    pub(crate) fn example() -> Self {
        let (mean_service, mean_patience) = (180.0, 300.0);
        let half_hours = (0..48)
            .map(|at| {
                if !(16..40).contains(&at) {
                    return (0.0, 0);
                }
                let hour = f64::from(at) / 2.0;
                // Two humps, at half past ten and at four.
                let hump = |top: f64, width: f64| (-((hour - top) / width).powi(2)).exp();
                let calls = 28.0 + 52.0 * hump(10.5, 1.8) + 22.0 * hump(16.0, 1.6);
                let load = calls * mean_service / HALF_HOUR;
                (calls, (load + 0.4 * load.sqrt()).floor() as usize)
            })
            .collect();
        Self {
            mean_service,
            mean_patience,
            half_hours,
        }
    }

    /// The log of so many days.
    pub(crate) fn log(&self, days: u32, seed: u64) -> String {
        let mut rng = Rng::with_seed(seed);
        let mut log =
            String::from("date,q_start_s,q_exit_s,outcome,ser_start_s,ser_exit_s,server_code\n");
        for day in 1..=days {
            self.day(day, &mut rng, &mut log);
        }
        log
    }

    fn day(&self, day: u32, rng: &mut Rng, log: &mut String) {
        let most = self.half_hours.iter().map(|(_, agents)| *agents).max();
        // When each agent is done with the last call.
        let mut free = vec![0.0; most.unwrap_or(0)];
        for (at, &(calls, _)) in self.half_hours.iter().enumerate() {
            let mut arrival = at as f64 * HALF_HOUR;
            let end = arrival + HALF_HOUR;
            loop {
                arrival += exponential(rng, HALF_HOUR / calls);
                // Also without any calls, when the next one is infinitely far.
                if arrival >= end {
                    break;
                }
                self.call(day, arrival, &mut free, rng, log);
            }
        }
    }

    /// One call, in the order of arrivals: because the longest wait is served first, whoever comes later changes nothing for it.
    fn call(&self, day: u32, arrival: f64, free: &mut [f64], rng: &mut Rng, log: &mut String) {
        let patience = exponential(rng, self.mean_patience);
        let service = exponential(rng, self.mean_service);
        // The agent who is there first, and of several who are free the one who has been so for longest.
        let next = (0..free.len())
            .filter_map(|agent| Some((self.there(agent, free[agent].max(arrival))?, agent)))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(free[a.1].total_cmp(&free[b.1])));
        let begin = next.map_or(f64::INFINITY, |(begin, _)| begin);
        let (came, gives_up) = (arrival.round(), arrival + patience);
        // Writing to a string cannot fail.
        let _ = match next {
            Some((_, agent)) if begin <= gives_up => {
                let end = begin + service;
                free[agent] = end;
                let (from, to, who) = (begin.round(), end.round(), agent + 1);
                if begin > arrival {
                    writeln!(log, "day {day},{came},{from},AGENT,{from},{to},{who}")
                } else {
                    writeln!(log, "day {day},0,0,AGENT,{from},{to},{who}")
                }
            }
            _ => writeln!(log, "day {day},{came},{},HANG,0,0,0", gives_up.round()),
        };
    }

    /// The first time from `from` on at which the agent is at the desk.
    fn there(&self, agent: usize, from: f64) -> Option<f64> {
        // The cast rounds down.
        let first = (from / HALF_HOUR) as usize;
        let rest = self.half_hours.iter().enumerate().skip(first);
        let (at, _) = { rest }.find(|(_, (_, agents))| agent < *agents)?;
        Some(from.max(at as f64 * HALF_HOUR))
    }
}

fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    -mean * (1.0 - rng.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_the_log() {
        let profile = Profile::example();
        assert_eq!(profile.log(2, 7), profile.log(2, 7));
        assert_ne!(profile.log(2, 7), profile.log(2, 8));
    }

    #[test]
    fn calls_are_as_many_and_as_long_as_the_profile_says() {
        let profile = Profile::example();
        let expected: f64 = profile.half_hours.iter().map(|(calls, _)| calls).sum();
        let log = profile.log(100, 3);
        let calls = log.lines().count() as f64 - 1.0;
        assert!((calls / (100.0 * expected) - 1.0).abs() < 0.01, "{calls}");
        let services: Vec<f64> = log
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect::<Vec<_>>())
            .filter(|fields| fields[3] == "AGENT")
            .map(|fields| fields[5].parse::<f64>().unwrap() - fields[4].parse::<f64>().unwrap())
            .collect();
        let mean = services.iter().sum::<f64>() / services.len() as f64;
        assert!((mean / profile.mean_service - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn nobody_serves_two_at_once_and_nobody_waits_while_an_agent_is_free() {
        let profile = Profile {
            mean_service: 300.0,
            mean_patience: 100.0,
            half_hours: vec![(12.0, 2); 48],
        };
        let log = profile.log(1, 5);
        let mut busy = vec![Vec::new(); 3];
        let mut waits = Vec::new();
        for line in log.lines().skip(1) {
            let fields: Vec<_> = line.split(',').collect();
            let time = |at: usize| fields[at].parse::<u32>().unwrap();
            if fields[3] == "AGENT" {
                busy[time(6) as usize].push((time(4), time(5)));
            }
            if time(1) > 0 {
                waits.push((time(1), time(2)));
            }
        }
        assert!(waits.len() > 50);
        for services in &busy[1..] {
            assert!(services.windows(2).all(|two| two[0].1 <= two[1].0));
            for &(from, to) in &waits {
                let middle = |second: u32| {
                    services
                        .iter()
                        .any(|&(begin, end)| begin <= second && second <= end)
                };
                assert!((from..to).all(middle), "{from} to {to}");
            }
        }
    }
}
