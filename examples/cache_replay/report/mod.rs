//! What the replays come to, and two ways to show it; as JSON it is what it is.
//!
//! - [`table`]: for the terminal
//! - [`chart`]: hit ratio against capacity

pub(crate) mod chart;
pub(crate) mod table;

use serde::Serialize;

use crate::args::Args;
use crate::bad_lines::BadLines;
use crate::replay::{Contender, Outcome};
use crate::trace::Trace;

/// A capacity is enough when it reaches this share of the best hit ratio.
pub(crate) const ENOUGH: f64 = 0.95;

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The name of the log.
    pub(crate) file: String,
    pub(crate) requests: u64,
    pub(crate) distinct_keys: u64,
    pub(crate) bad_lines: BadLines,
    /// The shards that were asked for; `null` where the cache chose.
    pub(crate) shards: Option<usize>,
    /// Of a cache with room for all keys.
    pub(crate) best_hit_ratio: f64,
    pub(crate) curves: Vec<Curve>,
    pub(crate) advice: Vec<Advice>,
}

/// The hit ratios of one contender.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    pub(crate) contender: Contender,
    /// By ascending capacity, the same capacities for each contender.
    pub(crate) points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Point {
    /// Entries.
    pub(crate) capacity: usize,
    pub(crate) hits: u64,
    pub(crate) hit_ratio: f64,
}

/// How large a cache of a policy should be.
#[derive(Debug, Serialize)]
pub(crate) struct Advice {
    pub(crate) policy: Contender,
    /// The smallest capacity tried that reaches [`ENOUGH`] of the best hit ratio, when one does.
    pub(crate) enough: Option<Point>,
    /// The largest capacity tried below it, which does not.
    pub(crate) too_small: Option<usize>,
}

impl Report {
    pub(crate) fn new(args: &Args, trace: Trace, outcome: &Outcome) -> Self {
        let requests = trace.requests.len() as u64;
        let best_hit_ratio = trace.best_hit_ratio();
        let curve = |curve: &crate::replay::Curve| Curve {
            contender: curve.contender,
            points: outcome
                .capacities
                .iter()
                .zip(&curve.hits)
                .map(|(&capacity, &hits)| Point {
                    capacity,
                    hits,
                    hit_ratio: hits as f64 / requests as f64,
                })
                .collect(),
        };
        let curves: Vec<Curve> = outcome.curves.iter().map(curve).collect();
        let advice = curves
            .iter()
            .filter(|curve| matches!(curve.contender, Contender::Adaptive | Contender::Lru))
            .map(|curve| advice(curve, best_hit_ratio))
            .collect();
        Self {
            file: args.file.file_name().map_or_else(
                || args.file.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            requests,
            distinct_keys: trace.distinct as u64,
            bad_lines: trace.bad,
            shards: args.shards,
            best_hit_ratio,
            curves,
            advice,
        }
    }
}

fn advice(curve: &Curve, best_hit_ratio: f64) -> Advice {
    let is_enough = |point: &Point| point.hit_ratio >= ENOUGH * best_hit_ratio;
    let first = curve.points.iter().position(is_enough);
    let below = first.unwrap_or(curve.points.len()).checked_sub(1);
    Advice {
        policy: curve.contender,
        enough: first.map(|at| curve.points[at]),
        too_small: below.map(|at| curve.points[at].capacity),
    }
}

/// `0.32834` as `32.83 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report with the given hits in a hundred requests for twenty keys, at capacities 1, 10, 100 and so on.
    pub(crate) fn report(curves: &[(Contender, &[u64])]) -> Report {
        let trace = Trace {
            requests: vec![0; 100],
            distinct: 20,
            ..Trace::default()
        };
        let outcome = Outcome {
            capacities: (0..curves[0].1.len())
                .map(|i| 10_usize.pow(i as u32))
                .collect(),
            curves: curves
                .iter()
                .map(|&(contender, hits)| crate::replay::Curve {
                    contender,
                    hits: hits.to_vec(),
                })
                .collect(),
        };
        let args = clap::Parser::parse_from(["cache_replay", "folder/trace.log"]);
        Report::new(&args, trace, &outcome)
    }

    #[test]
    fn the_advice_is_the_smallest_capacity_that_is_enough() {
        // The best hit ratio is 80 %, so that 76 hits are enough.
        let report = report(&[
            (Contender::Adaptive, &[10, 76, 80]),
            (Contender::Lru, &[5, 60, 75]),
            (Contender::Optimum, &[80, 80, 80]),
        ]);
        assert_eq!(report.best_hit_ratio, 0.8);
        let [adaptive, lru] = &report.advice[..] else {
            panic!("advice for each policy, and for no other: {report:?}");
        };
        assert_eq!(adaptive.enough.unwrap().capacity, 10);
        assert_eq!(adaptive.too_small, Some(1));
        assert!(lru.enough.is_none());
        assert_eq!(lru.too_small, Some(100));
    }
}
