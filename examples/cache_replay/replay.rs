//! Replays a trace through the cache, once for each capacity and contender.

use std::fmt;

use crm_perf::batch::Batch;
use crm_perf::cache::{Cache, Policy};
use serde::Serialize;

use crate::args::{Args, Capacities, PolicyName};
use crate::failure::Failure;
use crate::optimum::NextUse;
use crate::progress::{Progress, STRIDE};
use crate::trace::Trace;

/// Who keeps the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contender {
    /// The cache with its default policy.
    Adaptive,
    /// The cache with the LRU policy.
    Lru,
    /// The cache with the LRU policy and one shard, which is LRU as it is defined.
    ExactLru,
    /// Knows the future.
    Optimum,
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Adaptive => "adaptive",
            Self::Lru => "lru",
            Self::ExactLru => "exact LRU",
            Self::Optimum => "optimum",
        })
    }
}

/// The hits of one contender at each capacity.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) contender: Contender,
    /// In the order of the capacities.
    pub(crate) hits: Vec<u64>,
}

/// What all replays found.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Ascending.
    pub(crate) capacities: Vec<usize>,
    pub(crate) curves: Vec<Curve>,
}

/// Replays the trace at all capacities, as many at a time as there are threads.
pub(crate) fn replay(args: &Args, trace: &Trace) -> Result<Outcome, Failure> {
    let capacities = match &args.capacity {
        Capacities::Auto => series(trace.distinct, args.shards.unwrap_or(1)),
        Capacities::List(list) => list.clone(),
    };
    let policies = args.policies().into_iter().map(|policy| match policy {
        PolicyName::Adaptive => Contender::Adaptive,
        PolicyName::Lru => Contender::Lru,
    });
    let contenders: Vec<Contender> = policies
        .chain([Contender::ExactLru, Contender::Optimum])
        .collect();
    // A cache that cannot be built is better known now than after a minute, and the smallest is the first to fail.
    for &contender in &contenders {
        cache_of(contender, capacities[0], args.shards)?;
    }

    // Large capacities first: they may take longer, and the small ones fill the time that is left.
    let jobs: Vec<(usize, Contender)> = capacities
        .iter()
        .rev()
        .flat_map(|&capacity| {
            contenders
                .iter()
                .map(move |&contender| (capacity, contender))
        })
        .collect();
    let next_use = NextUse::of(&trace.requests, trace.distinct);
    let progress = Progress::replaying(jobs.len() as u64 * trace.requests.len() as u64);
    let batch = Batch::builder()
        .chunk_rows(1)
        .inline_start(false)
        .build()
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let hits: Result<_, Failure> = batch.try_map(jobs, |(capacity, contender)| {
        match cache_of(contender, capacity, args.shards)? {
            Some(cache) => Ok(hits(&cache, &trace.requests, &progress)),
            None => Ok(next_use.hits(capacity, &progress)),
        }
    });
    progress.finish();
    let hits: Vec<u64> = hits?;

    let curves = contenders.iter().enumerate().map(|(i, &contender)| Curve {
        contender,
        hits: hits
            .chunks(contenders.len())
            .rev()
            .map(|of| of[i])
            .collect(),
    });
    Ok(Outcome {
        curves: curves.collect(),
        capacities,
    })
}

/// From a thousandth of the keys to all of them, four to a decade, and not below `least`.
fn series(distinct: usize, least: usize) -> Vec<usize> {
    const STEPS: i32 = 12;
    let mut capacities: Vec<usize> = (-STEPS..=0)
        .map(|step| distinct as f64 * 10_f64.powf(f64::from(step) / 4.0))
        .map(|entries| (entries.round() as usize).max(least))
        .collect();
    capacities.dedup();
    capacities
}

/// The cache of a contender; the optimum has none.
fn cache_of(
    contender: Contender,
    capacity: usize,
    shards: Option<usize>,
) -> Result<Option<Cache<u32, ()>>, Failure> {
    let (policy, shards) = match contender {
        Contender::Adaptive => (Policy::Adaptive, shards),
        Contender::Lru => (Policy::Lru, shards),
        Contender::ExactLru => (Policy::Lru, Some(1)),
        Contender::Optimum => return Ok(None),
    };
    let mut builder = Cache::builder(capacity).policy(policy);
    if let Some(shards) = shards {
        builder = builder.shards(shards);
    }
    match builder.build() {
        Ok(cache) => Ok(Some(cache)),
        Err(error) => Err(Failure::Refused(error.to_string())),
    }
}

/// Asks for each key in turn, and stores it when it is not there.
fn hits(cache: &Cache<u32, ()>, requests: &[u32], progress: &Progress) -> u64 {
    let mut hits = 0;
    for block in requests.chunks(STRIDE) {
        for key in block {
            if cache.get(key).is_some() {
                hits += 1;
            } else {
                cache.insert(*key, ());
            }
        }
        progress.advance(block.len());
    }
    hits
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn outcome(requests: Vec<u32>, arguments: &[&str]) -> Result<Outcome, Failure> {
        let distinct = requests.iter().max().map_or(0, |&key| key as usize + 1);
        let trace = Trace {
            requests,
            distinct,
            ..Trace::default()
        };
        let args = Args::parse_from([&["cache_replay", "log"], arguments].concat());
        replay(&args, &trace)
    }

    fn curve(outcome: &Outcome, contender: Contender) -> &[u64] {
        let curve = outcome.curves.iter().find(|c| c.contender == contender);
        &curve.unwrap().hits
    }

    /// LRU by its definition: a list, the last used at its end.
    fn naive_lru(requests: &[u32], capacity: usize) -> u64 {
        let (mut list, mut hits) = (Vec::new(), 0);
        for key in requests {
            if let Some(at) = list.iter().position(|held| held == key) {
                list.remove(at);
                hits += 1;
            } else if list.len() == capacity {
                list.remove(0);
            }
            list.push(*key);
        }
        hits
    }

    /// Few keys are asked for often, many seldom.
    fn skewed(requests: usize) -> Vec<u32> {
        let mut random = fastrand::Rng::with_seed(3);
        let mut key = || (random.f64().powi(4) * 300.0) as u32;
        (0..requests).map(|_| key()).collect()
    }

    #[test]
    fn every_curve_is_at_its_capacity_and_none_is_above_the_optimum() {
        let requests = skewed(5_000);
        let outcome = outcome(requests.clone(), &["--capacity", "3,30,100,300"]).unwrap();
        let naive: Vec<u64> = [3, 30, 100, 300]
            .map(|capacity| naive_lru(&requests, capacity))
            .to_vec();
        assert_eq!(curve(&outcome, Contender::ExactLru), naive);
        let best = curve(&outcome, Contender::Optimum);
        assert!(best.is_sorted());
        for contender in [Contender::Adaptive, Contender::Lru] {
            let hits = curve(&outcome, contender);
            assert!(hits[0] > 0 && hits[0] < hits[2], "{contender}: {hits:?}");
            assert!(hits.iter().zip(best).all(|(hits, best)| hits <= best));
        }
        // With room for all keys, the first request of each key alone is a miss.
        let distinct = requests
            .iter()
            .collect::<std::collections::HashSet<_>>()
            .len();
        let all = (requests.len() - distinct) as u64;
        assert_eq!(curve(&outcome, Contender::Adaptive)[3], all);
        assert_eq!(best[3], all);
    }

    #[test]
    fn a_policy_that_was_not_asked_for_is_not_replayed() {
        let outcome = outcome(skewed(100), &["--policy", "lru"]).unwrap();
        let names: Vec<String> = outcome
            .curves
            .iter()
            .map(|c| c.contender.to_string())
            .collect();
        assert_eq!(names, ["lru", "exact LRU", "optimum"]);
    }

    #[test]
    fn one_shard_is_exact_and_more_shards_are_used() {
        let requests = skewed(5_000);
        let lru = |shards| {
            let arguments = ["--capacity", "64", "--shards", shards];
            let outcome = outcome(requests.clone(), &arguments).unwrap();
            curve(&outcome, Contender::Lru)[0]
        };
        assert_eq!(lru("1"), naive_lru(&requests, 64));
        // With a place for one entry a shard, an entry goes as soon as another of its shard comes.
        assert!(lru("64") < lru("1"));
    }

    #[test]
    fn more_shards_than_entries_are_told_before_the_replay() {
        let refused = outcome(skewed(100), &["--capacity", "10,4", "--shards", "8"]).unwrap_err();
        assert!(matches!(refused, Failure::Refused(_)), "{refused}");
        assert!(refused.to_string().contains('8'), "{refused}");
        // Capacities that the program chooses itself have room for the shards.
        assert!(outcome(skewed(100), &["--shards", "8"]).is_ok());
    }

    #[test]
    fn the_series_runs_from_a_thousandth_to_all() {
        let many = series(100_000, 1);
        assert_eq!(many.len(), 13);
        assert_eq!((many[0], many[4], many[12]), (100, 1_000, 100_000));
        assert!(many.is_sorted_by(|a, b| a < b));
        let few = series(3, 1);
        assert_eq!(few, [1, 2, 3]);
        assert_eq!(series(1, 1), [1]);
        assert_eq!(series(100_000, 500)[0], 500);
        assert_eq!(series(2, 8), [8]);
    }
}
