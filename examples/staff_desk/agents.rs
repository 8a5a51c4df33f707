//! How many agents were there.
//!
//! A log of calls does not say who was at the desk, only who served. Simple answers are wrong in a known direction: those who
//! are busy are too few when the line is empty; all who serve at any time in a half-hour are too many, because each counts as if
//! there all the time (`--agents seen`); and from one call to the next, breaks and other work count too, but for those that are
//! cut out as too long (`--agents present`).
//!
//! The rule here follows from what the models assume, that nobody waits while an agent is free. An agent is **available**
//! from the begin of a call to its end, and in a pause between two calls of a day during which nobody had to wait. If
//! somebody did wait during a pause, then its agent was not free: at a break, at other work, or still busy with the last call.
//! The number of agents in a half-hour is their available time over its length, which need not be whole. Calls whose agent
//! is not named count for their time alone.
//!
//! The rule has no parameter that could be chosen so that a model fits. It uses waits, so in a sense it uses what is to be
//! predicted; but it takes from them only whether somebody waited, and never how many, for how long or who gave up. Before the
//! first and after the last call of a day an agent counts as not there, and a pause is taken as a whole, so that the number is
//! rather too low where agents come and go.
//!
//! Whether a way of counting fits the log can be seen: while somebody waits, all who are there should be serving.
//! [`WhileWaiting`] has both numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::args::Counting;
use crate::call::{Call, DAY, End};

/// Seconds after which one who is `--agents present` has gone away.
const LONGEST_PAUSE: f64 = 1_800.0;

/// The agents of a log.
#[derive(Debug)]
pub(crate) struct Agents {
    /// Their number in each interval of each day, a row a day.
    pub(crate) counted: Vec<Vec<f64>>,
    /// None where nobody waits.
    pub(crate) while_waiting: Option<WhileWaiting>,
}

/// Agents on average over the time during which somebody waits. Where more are counted than serve, some are counted who were
/// not there, or let callers wait.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct WhileWaiting {
    pub(crate) serving: f64,
    pub(crate) counted: f64,
}

/// Counts the agents in each interval of each day.
pub(crate) fn count(calls: &[Call], days: usize, length: f64, counting: Counting) -> Agents {
    let per_day = (DAY / length).round() as usize;
    let mut found = vec![vec![0.0; per_day]; days];
    let mut waits = vec![Vec::new(); days];
    let mut unnamed = vec![Vec::new(); days];
    // In order, so that sums come out the same in each run.
    let mut shifts: BTreeMap<(usize, usize), Vec<(f64, f64)>> = BTreeMap::new();
    for call in calls {
        if let Some(wait) = call.wait.filter(|&wait| wait > 0.0) {
            waits[call.day].push((call.arrival, call.arrival + wait));
        }
        match call.end {
            End::Served {
                service: Some(service),
                agent: Some(agent),
            } => shifts.entry((call.day, agent)).or_default().push(service),
            End::Served {
                service: Some(service),
                agent: None,
            } => unnamed[call.day].push(service),
            _ => {}
        }
    }
    let waits: Vec<_> = waits.into_iter().map(joined).collect();
    let mut serving = vec![vec![0.0; per_day]; days];
    for (day, services) in unnamed.into_iter().enumerate() {
        for service in services {
            spread_all(&mut serving[day], length, common(&[service], &waits[day]));
            if counting != Counting::Seen {
                spread(&mut found[day], length, service);
            }
        }
    }
    for ((day, _), services) in shifts {
        let services = joined(services);
        spread_all(&mut serving[day], length, common(&services, &waits[day]));
        match counting {
            Counting::Available | Counting::Present => {
                let counts = |(from, to)| match counting {
                    Counting::Present => to - from <= LONGEST_PAUSE,
                    _ => nobody_waits(&waits[day], from, to),
                };
                spread_all(&mut found[day], length, with_pauses(services, counts));
            }
            Counting::Seen => {
                for (at, agents) in found[day].iter_mut().enumerate() {
                    let (from, to) = (at as f64 * length, (at + 1) as f64 * length);
                    let serves = |&(start, end): &(f64, f64)| start < to && end > from;
                    *agents += f64::from(u8::from(services.iter().any(serves)));
                }
            }
        }
    }
    let mut waiting = vec![vec![0.0; per_day]; days];
    for (waiting, waits) in waiting.iter_mut().zip(waits) {
        spread_all(waiting, length, waits);
    }
    Agents {
        while_waiting: while_waiting(&found, &serving, &waiting),
        counted: found,
    }
}

/// The means over the time in which somebody waits, all as shares of intervals.
fn while_waiting(
    counted: &[Vec<f64>],
    serving: &[Vec<f64>],
    waiting: &[Vec<f64>],
) -> Option<WhileWaiting> {
    let time: f64 = waiting.iter().flatten().sum();
    let weighted = counted.iter().flatten().zip(waiting.iter().flatten());
    (time > 0.0).then(|| WhileWaiting {
        serving: serving.iter().flatten().sum::<f64>() / time,
        counted: weighted.map(|(agents, share)| agents * share).sum::<f64>() / time,
    })
}

/// The services, and the pauses between them that count.
fn with_pauses(services: Vec<(f64, f64)>, counts: impl Fn((f64, f64)) -> bool) -> Vec<(f64, f64)> {
    let pauses: Vec<_> = services
        .windows(2)
        .map(|two| (two[0].1, two[1].0))
        .filter(|&pause| counts(pause))
        .collect();
    services.into_iter().chain(pauses).collect()
}

/// Whether the line is empty all the time; waits are in order and apart.
fn nobody_waits(waits: &[(f64, f64)], from: f64, to: f64) -> bool {
    // Only the first that is not over before can touch the time.
    let first = waits.partition_point(|&(_, end)| end <= from);
    waits.get(first).is_none_or(|&(start, _)| start >= to)
}

/// Spans in order, those that touch or overlap made one.
fn joined(mut spans: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut joined: Vec<(f64, f64)> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => joined.push(span),
        }
    }
    joined
}

/// What two lists of spans have in common, each in order and apart.
fn common(one: &[(f64, f64)], other: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut common = Vec::new();
    for &(from, to) in one {
        let first = other.partition_point(|&(_, end)| end <= from);
        let touching = other[first..].iter().take_while(|&&(start, _)| start < to);
        common.extend(touching.map(|&(start, end)| (start.max(from), end.min(to))));
    }
    common
}

fn spread_all(intervals: &mut [f64], length: f64, spans: Vec<(f64, f64)>) {
    for span in spans {
        spread(intervals, length, span);
    }
}

/// Adds to each interval the share of it that the span covers; what lies beyond midnight is left out.
fn spread(intervals: &mut [f64], length: f64, (from, to): (f64, f64)) {
    // The cast rounds down.
    let first = (from / length) as usize;
    for (at, agents) in intervals.iter_mut().enumerate().skip(first) {
        let (start, end) = (at as f64 * length, (at + 1) as f64 * length);
        if start >= to {
            break;
        }
        *agents += (to.min(end) - from.max(start)).max(0.0) / length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: f64 = 3_600.0;

    fn served(agent: usize, from: f64, to: f64) -> Call {
        Call {
            day: 0,
            arrival: from,
            wait: None,
            end: End::Served {
                service: Some((from, to)),
                agent: Some(agent),
            },
        }
    }

    fn waited(from: f64, to: f64) -> Call {
        Call {
            day: 0,
            arrival: from,
            wait: Some(to - from),
            end: End::Abandoned,
        }
    }

    fn counted(calls: &[Call], length: f64, counting: Counting) -> Vec<f64> {
        count(calls, 1, length, counting).counted.remove(0)
    }

    fn available(calls: &[Call]) -> Vec<f64> {
        counted(calls, HOUR, Counting::Available)
    }

    #[test]
    fn an_agent_is_there_from_the_first_call_to_the_last_while_nobody_waits() {
        let calls = [served(0, 900.0, 1_800.0), served(0, 5_400.0, 6_300.0)];
        let found = available(&calls);
        assert_eq!(found[..3], [0.75, 0.75, 0.0]);
        assert_eq!(found.len(), 24);
    }

    #[test]
    fn a_pause_in_which_somebody_waited_is_no_presence() {
        let calls = [
            served(0, 0.0, 900.0),
            served(0, 1_800.0, 2_700.0),
            // A second agent is at the desk all the time, and somebody waits while the first one is away.
            served(1, 0.0, 3_600.0),
            waited(1_000.0, 1_010.0),
        ];
        assert_eq!(available(&calls)[0], 0.5 + 1.0);
        // A wait that only touches the pause is none of it.
        let mut before = calls;
        before[3] = waited(800.0, 900.0);
        assert_eq!(available(&before)[0], 0.75 + 1.0);
        before[3] = waited(1_800.0, 1_900.0);
        assert_eq!(available(&before)[0], 0.75 + 1.0);
        before[3] = waited(899.0, 901.0);
        assert_eq!(available(&before)[0], 0.5 + 1.0);
    }

    #[test]
    fn two_calls_at_once_are_one_agent_and_nobody_s_calls_count_for_their_time() {
        let mut calls = vec![served(0, 0.0, 1_800.0), served(0, 900.0, 3_600.0)];
        assert_eq!(available(&calls)[0], 1.0);
        let mut unnamed = served(0, 0.0, 900.0);
        unnamed.end = End::Served {
            service: Some((0.0, 900.0)),
            agent: None,
        };
        calls.push(unnamed);
        assert_eq!(available(&calls)[0], 1.25);
        assert_eq!(counted(&calls, HOUR, Counting::Seen)[0], 1.0);
    }

    #[test]
    fn one_who_is_present_pauses_for_half_an_hour_at_most() {
        let present = |second: f64| {
            let calls = [
                served(0, 0.0, 900.0),
                served(0, second, 4_500.0),
                waited(1_000.0, 1_010.0),
            ];
            counted(&calls, 2.0 * HOUR, Counting::Present)[0]
        };
        assert_eq!(present(2_700.0), 4_500.0 / 7_200.0);
        assert_eq!(present(3_600.0), 1_800.0 / 7_200.0);
    }

    #[test]
    fn all_who_serve_in_the_interval_are_seen() {
        let calls = [served(0, 100.0, 200.0), served(1, 3_500.0, 3_700.0)];
        let found = counted(&calls, HOUR, Counting::Seen);
        assert_eq!(found[..3], [2.0, 1.0, 0.0]);
    }

    #[test]
    fn days_are_apart_and_a_day_ends_at_midnight() {
        let mut late = served(0, 86_000.0, 87_000.0);
        late.day = 1;
        let calls = [served(0, 0.0, 360.0), late];
        let found = count(&calls, 2, HOUR, Counting::Available).counted;
        assert_eq!(found[0][0], 0.1);
        assert_eq!(found[1][0], 0.0);
        assert!((found[1][23] - 400.0 / 3_600.0).abs() < 1e-12);
    }

    #[test]
    fn while_somebody_waits_those_who_serve_are_told_from_those_who_are_counted() {
        // One agent serves all the hour; the other is away while somebody waits for a quarter of an hour.
        let calls = [
            served(0, 0.0, 3_600.0),
            served(1, 0.0, 900.0),
            served(1, 2_700.0, 3_600.0),
            waited(900.0, 1_800.0),
        ];
        let found = |counting| count(&calls, 1, HOUR, counting).while_waiting.unwrap();
        let (present, available) = (found(Counting::Present), found(Counting::Available));
        assert_eq!((present.serving, present.counted), (1.0, 2.0));
        assert_eq!((available.serving, available.counted), (1.0, 1.5));
        assert!(
            count(&calls[..3], 1, HOUR, Counting::Seen)
                .while_waiting
                .is_none()
        );
    }
}
