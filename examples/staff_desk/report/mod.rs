//! What happened and what the models say, by time of day and over all; and two ways to show it.
//!
//! - [`table`]: for the terminal
//! - [`chart`]: who waited and who gave up, by time of day

pub(crate) mod chart;
pub(crate) mod table;

use serde::Serialize;

use crate::agents::WhileWaiting;
use crate::args::Args;
use crate::bad_lines::BadLines;
use crate::call::Log;
use crate::desk::{Desks, HalfHour, Needed, Outcome};

/// Everything that was found. Times are in seconds; means over half-hours are weighted by their calls.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The name of the log.
    pub(crate) log: String,
    pub(crate) bad_lines: BadLines,
    pub(crate) days: usize,
    /// Lines of another outcome, or with a value that was left out.
    pub(crate) left_out: u64,
    /// Callers who gave up before they reached the desk.
    pub(crate) before_the_desk: u64,
    /// Calls of half-hours in which no agent was there.
    pub(crate) unattended: u64,
    pub(crate) interval_minutes: u32,
    pub(crate) target_percent: f64,
    pub(crate) target_seconds: f64,
    /// Over the whole log.
    pub(crate) patience: f64,
    pub(crate) while_waiting: Option<WhileWaiting>,
    pub(crate) all: Part,
    pub(crate) by_time_of_day: Vec<Part>,
    pub(crate) half_hours: Vec<HalfHour>,
}

/// Some half-hours together.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    /// Seconds of the day; none for all.
    pub(crate) start: Option<f64>,
    pub(crate) half_hours: usize,
    /// Half-hours in which Erlang C is overloaded.
    pub(crate) overloaded: usize,
    pub(crate) calls: u64,
    pub(crate) service: f64,
    pub(crate) patience: f64,
    /// By half-hours, not by calls.
    pub(crate) agents: f64,
    pub(crate) load: f64,
    /// By half-hours, not by calls.
    pub(crate) needed: Needed,
    pub(crate) happened: Outcome,
    pub(crate) erlang_c: Outcome,
    pub(crate) erlang_a: Outcome,
    /// How far a model is from what happened in a half-hour, without regard to the sign.
    pub(crate) off_erlang_c: Outcome,
    pub(crate) off_erlang_a: Outcome,
}

impl Report {
    pub(crate) fn new(args: &Args, name: String, log: &Log, bad: BadLines, desks: Desks) -> Self {
        let half_hours = desks.half_hours;
        let mut starts: Vec<f64> = half_hours.iter().map(|half_hour| half_hour.start).collect();
        starts.sort_by(f64::total_cmp);
        starts.dedup();
        let by_time_of_day = starts
            .into_iter()
            .map(|start| {
                let of = half_hours.iter().filter(|h| h.start == start);
                Part::of(Some(start), &of.collect::<Vec<_>>())
            })
            .collect();
        Self {
            log: name,
            bad_lines: bad,
            days: log.days,
            left_out: log.left_out,
            before_the_desk: log.before_the_desk,
            unattended: desks.unattended,
            interval_minutes: args.interval,
            target_percent: args.target.percent,
            target_seconds: args.target.seconds,
            patience: desks.patience,
            while_waiting: desks.while_waiting,
            all: Part::of(None, &half_hours.iter().collect::<Vec<_>>()),
            by_time_of_day,
            half_hours,
        }
    }
}

impl Part {
    fn of(start: Option<f64>, half_hours: &[&HalfHour]) -> Self {
        let calls: u64 = half_hours.iter().map(|h| h.calls).sum();
        let by_calls = |f: &dyn Fn(&HalfHour) -> f64| {
            let sum: f64 = half_hours.iter().map(|h| h.calls as f64 * f(h)).sum();
            sum / calls as f64
        };
        let by_number = |f: &dyn Fn(&HalfHour) -> f64| {
            half_hours.iter().map(|h| f(h)).sum::<f64>() / half_hours.len() as f64
        };
        let outcome = |f: &dyn Fn(&HalfHour) -> Outcome| Outcome {
            waits: by_calls(&|h| f(h).waits),
            abandons: by_calls(&|h| f(h).abandons),
            wait: by_calls(&|h| f(h).wait),
            in_time: by_calls(&|h| f(h).in_time),
        };
        let off = |f: &dyn Fn(&HalfHour) -> Outcome| {
            outcome(&|h| {
                let (told, happened) = (f(h), h.happened);
                Outcome {
                    waits: (told.waits - happened.waits).abs(),
                    abandons: (told.abandons - happened.abandons).abs(),
                    wait: (told.wait - happened.wait).abs(),
                    in_time: (told.in_time - happened.in_time).abs(),
                }
            })
        };
        Self {
            start,
            half_hours: half_hours.len(),
            overloaded: half_hours
                .iter()
                .filter(|h| h.erlang_c.wait.is_infinite())
                .count(),
            calls,
            service: by_calls(&|h| h.service),
            patience: by_calls(&|h| h.patience),
            agents: by_number(&|h| h.agents),
            load: by_number(&|h| h.load),
            needed: Needed {
                erlang_c: by_number(&|h| h.needed.erlang_c),
                erlang_a: by_number(&|h| h.needed.erlang_a),
                scheduled: by_number(&|h| h.needed.scheduled),
            },
            happened: outcome(&|h| h.happened),
            erlang_c: outcome(&|h| h.erlang_c),
            erlang_a: outcome(&|h| h.erlang_a),
            off_erlang_c: off(&|h| h.erlang_c),
            off_erlang_a: off(&|h| h.erlang_a),
        }
    }
}

/// `0.32834` as `32.8 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Seconds of a day as `8:30`.
pub(crate) fn clock(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u32;
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// Whole seconds, where there is a bound.
pub(crate) fn seconds(wait: f64) -> String {
    if wait.is_finite() {
        format!("{wait:.0} s")
    } else {
        "no bound".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_high_on_one_day_and_too_low_on_another_is_off_on_both() {
        let half_hour = |day, calls, told: f64, happened: f64| {
            let outcome = |share: f64| Outcome {
                waits: share,
                abandons: share / 2.0,
                wait: 100.0 * share,
                in_time: 1.0 - share,
            };
            HalfHour {
                day,
                start: 0.0,
                calls,
                service: 60.0,
                patience: 60.0,
                agents: 1.0,
                load: 1.0,
                happened: outcome(happened),
                erlang_c: outcome(1.0),
                erlang_a: outcome(told),
                needed: Needed::default(),
            }
        };
        let (one, other) = (half_hour(0, 30, 0.5, 0.4), half_hour(1, 10, 0.2, 0.5));
        let part = Part::of(None, &[&one, &other]);
        let near = |found: f64, expected: f64| {
            assert!(
                (found - expected).abs() < 1e-12,
                "{found} instead of {expected}"
            );
        };
        near(part.erlang_a.waits, part.happened.waits);
        near(part.off_erlang_a.waits, 0.15);
        near(part.off_erlang_a.abandons, 0.075);
        near(part.off_erlang_a.wait, 15.0);
        near(part.off_erlang_a.in_time, 0.15);
        near(part.off_erlang_c.waits, (30.0 * 0.6 + 10.0 * 0.5) / 40.0);
    }
}
