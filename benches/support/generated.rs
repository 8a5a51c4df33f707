//! Traces of many kinds, for a machine that has no recorded ones, and for a question that no recorded one was chosen for.
//!
//! Nothing in the cache was tuned to them. The same seed gives the same traces.

use rand::distr::Distribution;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{LogNormal, Zipf};

/// A trace: the key of each request.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) keys: Vec<u32>,
}

/// One trace of each kind, of about so many `requests`.
pub(crate) fn traces(requests: usize, seed: u64) -> Vec<Trace> {
    let kinds: [(&'static str, Kind); 12] = [
        ("zipf 0.7", |requests, random| zipf(requests, 0.7, random)),
        ("zipf 0.99", |requests, random| zipf(requests, 0.99, random)),
        ("zipf 1.2", |requests, random| zipf(requests, 1.2, random)),
        ("drifting zipf", drifting),
        ("loop", looped),
        ("loop and zipf", loop_and_zipf),
        ("zipf with scans", scans),
        ("sequential phases", phases),
        ("recency", recency),
        ("bursts", bursts),
        ("two tenants", tenants),
        ("one-hit wonders", wonders),
    ];
    let mut seeds = Random::seed_from_u64(seed);
    kinds
        .into_iter()
        .map(|(name, make)| Trace {
            name,
            keys: make(requests, &mut Random::seed_from_u64(seeds.random())),
        })
        .collect()
}

type Random = Xoshiro256PlusPlus;

/// Makes about so many requests.
type Kind = fn(usize, &mut Random) -> Vec<u32>;

/// Keys that lie apart from those of another part of the trace.
const APART: u32 = 1 << 24;

/// A sampler of ranks from 0 on.
fn ranks(keys: usize, exponent: f64) -> impl Fn(&mut Random) -> u32 {
    let zipf = Zipf::new(keys as f64, exponent).expect("at least one key");
    move |random| zipf.sample(random) as u32 - 1
}

/// A few keys come all the time, most hardly ever; a steady load.
fn zipf(requests: usize, exponent: f64, random: &mut Random) -> Vec<u32> {
    let rank = ranks(requests / 4, exponent);
    (0..requests).map(|_| rank(random)).collect()
}

/// Skew whose favourites change: each rank falls to the next key every hundred requests.
fn drifting(requests: usize, random: &mut Random) -> Vec<u32> {
    let rank = ranks(requests / 4, 0.99);
    (0..requests)
        .map(|turn| rank(random) + (turn / 100) as u32)
        .collect()
}

/// Twenty rounds over the same keys.
fn looped(requests: usize, _: &mut Random) -> Vec<u32> {
    let keys = (requests / 20) as u32;
    (0..20).flat_map(|_| 0..keys).collect()
}

/// A report goes round and round while customers come by skew.
fn loop_and_zipf(requests: usize, random: &mut Random) -> Vec<u32> {
    let rank = ranks(requests / 8, 0.99);
    let mut report = (0..(requests / 20) as u32).cycle();
    (0..requests)
        .map(|_| {
            if random.random_bool(0.5) {
                rank(random)
            } else {
                APART + report.next().unwrap_or(0)
            }
        })
        .collect()
}

/// Skew, and every twentieth of the trace a scan of a hundredth of it over keys that do not come again.
fn scans(requests: usize, random: &mut Random) -> Vec<u32> {
    let rank = ranks(requests / 8, 0.9);
    let mut scanned = APART..;
    (0..20)
        .flat_map(|_| {
            let skewed: Vec<_> = (0..requests / 25).map(|_| rank(random)).collect();
            let scan: Vec<_> = scanned.by_ref().take(requests / 100).collect();
            skewed.into_iter().chain(scan)
        })
        .collect()
}

/// Jobs one after the other, each some rounds over keys of its own, of very different numbers.
fn phases(requests: usize, random: &mut Random) -> Vec<u32> {
    let mut keys = Vec::with_capacity(requests);
    let mut first = 0_u32;
    while keys.len() < requests {
        let count = requests as f64 / 10_f64.powf(random.random_range(1.5..3.5));
        let job = first..first + count as u32 + 1;
        for _ in 0..random.random_range(2..8) {
            keys.extend(job.clone());
        }
        first = job.end;
    }
    keys.truncate(requests);
    keys
}

/// What was asked for lately is asked for again: the number of other keys since its last request is lognormal. One request
/// in ten is for a new key.
fn recency(requests: usize, random: &mut Random) -> Vec<u32> {
    let distance = LogNormal::new((requests as f64 / 1_000.0).ln(), 1.5).expect("a finite spread");
    let mut new = 0..;
    // The latest stands last.
    let mut stack: Vec<u32> = Vec::new();
    (0..requests)
        .map(|_| {
            let back = distance.sample(random) as usize;
            let key = if back >= stack.len() || random.random_bool(0.1) {
                new.next().unwrap_or(0)
            } else {
                stack.remove(stack.len() - 1 - back)
            };
            stack.push(key);
            key
        })
        .collect()
}

/// Each key four times within a short while, and never again.
fn bursts(requests: usize, random: &mut Random) -> Vec<u32> {
    let window = (requests / 1_000).max(1);
    let mut keys: Vec<(usize, u32)> = (0..requests / 4)
        .flat_map(|key| {
            let times = [(); 4].map(|()| 4 * key + random.random_range(0..4 * window));
            times.map(|time| (time, key as u32))
        })
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, key)| key).collect()
}

/// Two tenants in turn, a twentieth of the trace each: one works by skew, the other goes round a loop.
fn tenants(requests: usize, random: &mut Random) -> Vec<u32> {
    let rank = ranks(requests / 8, 1.0);
    let mut round = (0..(requests / 50) as u32).cycle();
    (0..requests)
        .map(|turn| {
            if (turn / (requests / 20).max(1)).is_multiple_of(2) {
                rank(random)
            } else {
                APART + round.next().unwrap_or(0)
            }
        })
        .collect()
}

/// Every second request is for a key that never comes again.
fn wonders(requests: usize, random: &mut Random) -> Vec<u32> {
    let rank = ranks(requests / 8, 0.99);
    let mut new = APART..;
    (0..requests)
        .map(|turn| {
            if turn.is_multiple_of(2) {
                rank(random)
            } else {
                new.next().unwrap_or(0)
            }
        })
        .collect()
}
