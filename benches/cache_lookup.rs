//! What does it cost to ask a cache for a customer?
//!
//! `hit`: every customer is there. `miss`: a tenth of them fits, and whoever is missing is inserted. Ids come by Zipf's law
//! (0.99), on one thread and on two. A time is that of one look-up on one thread; the throughput is that of all threads
//! together. The caches of one case stand next to each other in time, so that a drift of the machine meets all of them.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

mod peers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod together;
    pub(crate) mod zipf;
}

use peers::{CrmCache, CrmLru, LruMutex, Moka, Peer, QuickCache, Value};
use support::{together, zipf};

const THREADS: [usize; 2] = [1, 2];

/// A case: how many customers there are, how many the cache takes, and what a look-up does.
struct Case {
    name: &'static str,
    customers: u32,
    capacity: usize,
    requests: usize,
    look_up: Look,
}

#[derive(Clone, Copy)]
enum Look {
    /// The customer is there.
    Up,
    /// The customer may not be there, and is inserted then.
    UpOrInsert,
}

const CASES: [Case; 2] = [
    Case {
        name: "hit",
        customers: 10_000,
        // Twice the customers, so that a sharded cache holds all of them however unevenly they fall upon its shards.
        capacity: 20_000,
        requests: 1 << 18,
        look_up: Look::Up,
    },
    Case {
        name: "miss",
        customers: 1_000_000,
        capacity: 100_000,
        requests: 1 << 20,
        look_up: Look::UpOrInsert,
    },
];

fn cache_lookup(criterion: &mut Criterion) {
    for case in &CASES {
        let streams: Vec<_> = (1..)
            .take(THREADS.into_iter().max().unwrap_or(1))
            .map(|seed| zipf::ids(case.customers, case.requests, seed))
            .collect();
        for threads in THREADS {
            let streams = &streams[..threads];
            let mut group =
                criterion.benchmark_group(format!("cache_lookup/{}/{threads}_threads", case.name));
            group.throughput(Throughput::Elements(threads as u64));
            measure::<CrmCache>(&mut group, case, streams);
            measure::<CrmLru>(&mut group, case, streams);
            measure::<LruMutex>(&mut group, case, streams);
            measure::<Moka>(&mut group, case, streams);
            measure::<QuickCache>(&mut group, case, streams);
            group.finish();
        }
    }
}

/// One thread for each of the `streams` looks up its ids, round and round.
fn measure<C: Peer>(group: &mut BenchmarkGroup<'_, WallTime>, case: &Case, streams: &[Vec<u32>]) {
    group.bench_function(C::NAME, |bencher| {
        let cache = C::with_capacity(case.capacity);
        warm(&cache, case, streams);
        let position = AtomicUsize::new(0);
        bencher.iter_custom(|iterations| {
            let iterations = usize::try_from(iterations).unwrap_or(usize::MAX);
            // Each sample goes on where the last one ended: a short one must not ask for the same few ids again.
            let start = position.fetch_add(iterations, Ordering::Relaxed);
            time(&cache, case.look_up, streams, start, iterations)
        });
    });
}

fn time<C: Peer>(
    cache: &C,
    look_up: Look,
    streams: &[Vec<u32>],
    start: usize,
    iterations: usize,
) -> Duration {
    together::time(streams.len(), |thread| {
        let stream = &streams[thread];
        let ids = stream
            .iter()
            .cycle()
            .skip(start % stream.len())
            .take(iterations);
        match look_up {
            Look::Up => ids.for_each(|&id| {
                black_box(cache.get(u64::from(id)));
            }),
            Look::UpOrInsert => ids.for_each(|&id| {
                if black_box(cache.get(u64::from(id))).is_none() {
                    cache.insert(u64::from(id), value());
                }
            }),
        }
    })
}

/// Fills the cache, and makes sure that the case is what its name says.
fn warm<C: Peer>(cache: &C, case: &Case, streams: &[Vec<u32>]) {
    match case.look_up {
        Look::Up => {
            for id in 1..=case.customers {
                cache.insert(u64::from(id), value());
            }
            cache.settle();
            let kept = (1..=case.customers)
                .filter(|&id| cache.get(u64::from(id)).is_some())
                .count();
            assert_eq!(
                kept,
                case.customers as usize,
                "{} lost customers that fit",
                C::NAME
            );
        }
        Look::UpOrInsert => {
            time(cache, case.look_up, streams, 0, case.requests);
            cache.settle();
        }
    }
}

fn value() -> Value {
    Arc::new([7; 64])
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = cache_lookup
}
criterion_main!(benches);
