//! What the command line says.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use serde::{Serialize, Serializer};

use crate::units::{Rate, Time};

/// How many servers does a service need? From its load, its service time and a target for its users.
///
/// Requests come at random and independently of each other, wait in one line and are served in order.
/// Which model answers depends on how much the service time varies; the table names it, and says what
/// of it is exact.
///
/// A target is one of
///   p95=200ms     95 % of all requests are answered within 200 ms, wait and service together
///   response=80ms the mean time to an answer is at most 80 ms
///   wait80=20s    80 % of all requests wait at most 20 s for their service to begin
///   wait=10ms     the mean wait is at most 10 ms
#[derive(Clone, Debug, Parser)]
#[command(
    name = "capacity_plan",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        capacity_plan --arrivals 120/s --service 20ms --target p95=60ms\n  \
        capacity_plan --arrivals 120/s --service 20ms --deviation 35ms --target p99=250ms --svg plan.svg\n  \
        capacity_plan --arrivals 200/h --service 3min --target wait80=20s --servers 14"
)]
pub(crate) struct Args {
    /// Requests in a unit of time: `120/s`, `7200/min`, `300/h`; a bare number is per second
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub(crate) arrivals: Rate,

    /// The mean time for which a request keeps its server busy: `20ms`, `1.5s`, `3min`; a bare number is in seconds
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) service: Time,

    /// The standard deviation of the service time [default: as long as the mean itself]
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "scv",
        allow_hyphen_values = true
    )]
    pub(crate) deviation: Option<Time>,

    /// The squared coefficient of variation of the service time, its variance over its squared mean: 0 for a constant time, 1
    /// for an exponential one [default: 1]
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub(crate) scv: Option<f64>,

    /// What users are to get: `p95=200ms`, `response=80ms`, `wait80=20s` or `wait=10ms`
    #[arg(long, value_name = "WHAT=TIME")]
    pub(crate) target: Target,

    /// Judges so many servers instead of looking for the fewest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) servers: Option<u32>,

    /// More load, in percent, that is looked at too
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "10,20,50",
        allow_hyphen_values = true
    )]
    pub(crate) growth: Vec<f64>,

    /// Writes every figure as JSON; times are in seconds, rates per second
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draws response time against load
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// What a target is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Measure {
    /// The response time that a share of requests does not exceed.
    Response(f64),
    MeanResponse,
    /// The wait that a share of requests does not exceed.
    Wait(f64),
    MeanWait,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response(share) => write!(f, "p{}", percentile(*share)),
            Self::MeanResponse => write!(f, "mean response"),
            Self::Wait(share) => write!(f, "p{} of the wait", percentile(*share)),
            Self::MeanWait => write!(f, "mean wait"),
        }
    }
}

/// A share in percent, as it was typed: not 99.9 as 99.90000000000001.
fn percentile(share: f64) -> f64 {
    (share * 1e11).round() / 1e9
}

/// A measure and the most that it may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) measure: Measure,
    pub(crate) most: Time,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at most {}", self.measure, self.most)
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!("`{text}` is no target: give p95=200ms, response=80ms, wait80=20s or wait=10ms")
        };
        let (name, most) = text.split_once('=').ok_or_else(unknown)?;
        // `p95 <= 200ms` is typed as readily.
        let name = name.trim().trim_end_matches('<').trim_end();
        let share = |percent: &str| match percent.parse::<f64>() {
            Ok(percent) if percent > 0.0 && percent < 100.0 => Ok(percent / 100.0),
            Ok(_) => Err(format!(
                "`{name}` is no percentile: it lies between 0 and 100"
            )),
            Err(_) => Err(unknown()),
        };
        let measure = match name {
            "response" => Measure::MeanResponse,
            "wait" => Measure::MeanWait,
            _ => match (name.strip_prefix('p'), name.strip_prefix("wait")) {
                (Some(percent), _) => Measure::Response(share(percent)?),
                (_, Some(percent)) => Measure::Wait(share(percent)?),
                _ => return Err(unknown()),
            },
        };
        Ok(Self {
            measure,
            most: most.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn targets_are_typed_as_they_are_spoken() {
        for (text, measure, most) in [
            ("p95=200ms", Measure::Response(0.95), 0.2),
            ("p99.9 <= 2s", Measure::Response(0.999), 2.0),
            ("response=80ms", Measure::MeanResponse, 0.08),
            ("wait80=20s", Measure::Wait(0.8), 20.0),
            ("wait = 10ms", Measure::MeanWait, 0.01),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.most, Time(most), "{text}");
            match (target.measure, measure) {
                (Measure::Response(a), Measure::Response(b))
                | (Measure::Wait(a), Measure::Wait(b)) => assert!((a - b).abs() < 1e-15),
                (a, b) => assert_eq!(a, b),
            }
        }
        for bad in [
            "p95",
            "p95=",
            "p0=1s",
            "p100=1s",
            "q95=1s",
            "wait-5=1s",
            "=1s",
            "p95=soon",
        ] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_target_is_shown_as_it_was_typed() {
        let shown = |text: &str| text.parse::<Target>().unwrap().to_string();
        assert_eq!(shown("p99.9=0.2s"), "p99.9 at most 200 ms");
        assert_eq!(shown("wait80=20s"), "p80 of the wait at most 20 s");
    }
}
