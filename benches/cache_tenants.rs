//! What does a tenant that streams through a cache cost the others?
//!
//! One tenant goes through a trace and inserts what it misses. It is guaranteed a share of the cache. Another tenant
//! streams meanwhile, so many keys for each request, none of which comes again: from before the trace begins, until it has
//! put in many times the capacity. For each trace there is the first one's share of hits alone, in a cache of the size of
//! its share; beside the stream; and beside the stream in caches of the whole size that know no shares.
//!
//! Of ours, alone and beside, the mean of five runs is given. The traces are of a dozen kinds, made from a `--seed`; the share is a quarter, or what `--share` says.

use std::io::{self, Write};
use std::sync::Arc;

use clap::Parser;
use crm_cache::{Cache, Policy};

mod peers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod generated;
}

use peers::{CrmCache, CrmLru, LruMutex, Moka, Peer, QuickCache, Value};
use support::arguments::Common;
use support::generated;

#[derive(Debug, Parser)]
struct Arguments {
    /// Of what traces are generated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is guaranteed to the tenant that is measured.
    #[arg(long, default_value_t = 0.25)]
    share: f64,
    #[command(flatten)]
    common: Common,
}

/// Requests of a trace.
const REQUESTS: usize = 400_000;

/// Keys of the stream for each request of the trace.
const RATES: [usize; 2] = [1, 10];

/// Runs of which the mean is given: caches hash with a new seed each time, and some traces come out one way or another.
const RUNS: u32 = 5;

/// Marks the keys of the tenant that streams.
const STREAM: u64 = 1 << 32;

/// A cache that is divided between the two tenants.
struct Shared(Cache<u64, Value>);

impl Shared {
    fn new(capacity: usize, share: f64, policy: Policy) -> Self {
        let cache = Cache::builder(capacity)
            .policy(policy)
            .tenants(|key: &u64| key / STREAM, [(0_u64, share)])
            .build();
        Self(cache.expect("a share from 0 to 1"))
    }
}

/// What both kinds of caches are asked.
trait Keep {
    /// Whether the key was here; now it is.
    fn uses(&self, key: u64, value: &Value) -> bool;
}

impl Keep for Shared {
    fn uses(&self, key: u64, value: &Value) -> bool {
        let is_hit = self.0.get(&key).is_some();
        if !is_hit {
            self.0.insert(key, Arc::clone(value));
        }
        is_hit
    }
}

/// A cache that knows no shares.
struct Undivided<C>(C);

impl<C: Peer> Keep for Undivided<C> {
    fn uses(&self, key: u64, value: &Value) -> bool {
        let is_hit = self.0.get(key).is_some();
        if !is_hit {
            self.0.insert(key, Arc::clone(value));
            // A cache that puts its evictions off would hold more than its capacity.
            self.0.settle();
        }
        is_hit
    }
}

/// The hits among a trace's requests in per cent, with so many keys of the stream before it and for each request.
fn hits(cache: &dyn Keep, trace: &[u32], before: usize, rate: usize) -> f64 {
    let value: Value = Arc::new([7; 64]);
    let mut stream = STREAM..;
    let mut go_on = |count: usize| {
        for key in (&mut stream).take(count) {
            cache.uses(key, &value);
        }
    };
    go_on(before);
    let hits = trace.iter().filter(|&&key| {
        go_on(rate);
        cache.uses(u64::from(key), &value)
    });
    100.0 * hits.count() as f64 / trace.len() as f64
}

fn mean(run: impl Fn() -> f64) -> f64 {
    (0..RUNS).map(|_| run()).sum::<f64>() / f64::from(RUNS)
}

fn keys(trace: &[u32]) -> usize {
    let mut keys = trace.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys.len()
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "share {}; hits in %, and what the stream costs in points\n",
        arguments.share
    )?;
    writeln!(
        out,
        "| trace | share, entries | stream a request | stream, capacities | policy | alone | beside | costs | {} | {} | {} | {} | {} |",
        <CrmCache as Peer>::NAME,
        <CrmLru as Peer>::NAME,
        <LruMutex as Peer>::NAME,
        <Moka as Peer>::NAME,
        <QuickCache as Peer>::NAME
    )?;
    writeln!(
        out,
        "|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    let mut most = f64::MIN;
    let requests = if is_test { 2_000 } else { REQUESTS };
    for trace in generated::traces(requests, arguments.seed) {
        let own = (keys(&trace.keys) / 10).max(16);
        let capacity = (own as f64 / arguments.share).ceil() as usize;
        let own = (arguments.share * capacity as f64 + 1e-6) as usize;
        for rate in RATES {
            let common = |cache: &dyn Keep| hits(cache, &trace.keys, 2 * capacity, rate);
            let others = [
                common(&Undivided(CrmCache::with_capacity(capacity))),
                common(&Undivided(CrmLru::with_capacity(capacity))),
                common(&Undivided(LruMutex::with_capacity(capacity))),
                common(&Undivided(Moka::with_capacity(capacity))),
                common(&Undivided(QuickCache::with_capacity(capacity))),
            ];
            for policy in [Policy::Adaptive, Policy::Lru] {
                let alone = mean(|| {
                    let cache = Cache::builder(own).policy(policy).build();
                    let alone = Shared(cache.expect("a capacity above zero"));
                    hits(&alone, &trace.keys, 0, 0)
                });
                let beside = mean(|| {
                    let shared = Shared::new(capacity, arguments.share, policy);
                    hits(&shared, &trace.keys, 2 * capacity, rate)
                });
                let cost = alone - beside;
                most = most.max(cost);
                let streamed = 2.0 + (rate * trace.keys.len()) as f64 / capacity as f64;
                write!(
                    out,
                    "| {} | {own} | {rate} | {streamed:.0} | {policy:?} | {alone:.2} | {beside:.2} | {cost:.2} |",
                    trace.name
                )?;
                for other in others {
                    write!(out, " {other:.2} |")?;
                }
                writeln!(out)?;
            }
        }
    }
    writeln!(out, "\nthe most that the stream costs: {most:.2} points")
}
