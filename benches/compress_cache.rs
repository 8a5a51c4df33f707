//! What does an answer cost whose body was encoded before?
//!
//! `new_encoder` makes a `flate2` encoder of level 6 for each body, as middleware does that keeps nothing. `by_body` and
//! `by_tag` ask `crm_compress::EncodedCache` for a body that it has; `would_not_shrink` asks for one of which it knows that
//! encoding does not pay, `once` for bodies that it has never seen, which is what the cache costs where nothing is sent
//! twice; `pooled` is the same without the cache. The bodies are generated lists of customers; `CRM_PERF_BODIES=FOLDER`
//! takes the folder's `.json` files instead.
//!
//! Before it measures it fills a cache in several orders of sizes, and fails if what is allocated exceeds the limit.

use std::alloc::System;
use std::io::Write as _;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crm_compress::{Coding, EncodedCache, Identity, Level, encode_if_smaller};
use flate2::Compression;
use flate2::write::GzEncoder;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod bodies;
}

use support::bodies::{Body, bodies};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CODING: Coding = Coding::Gzip;
const LEVEL: Level = Level::Exact(6);

fn new_encoder(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder
        .write_all(body)
        .expect("a vector takes whatever is written to it");
    encoder
        .finish()
        .expect("a vector takes whatever is written to it")
}

fn compress_cache(criterion: &mut Criterion) {
    the_bound_holds();
    let mut group = criterion.benchmark_group("compress_cache");
    for Body { name, bytes } in bodies() {
        let forms = EncodedCache::new(256 << 20);
        let tag = Identity::tag(
            "https://crm.example/api/v1/customers?page=17 en-GB",
            "\"5d8c72a5edda8d6a\"",
        );
        let ask = |identity| forms.encode(CODING, LEVEL, identity, &bytes);
        let expected = encode_if_smaller(CODING, LEVEL, &bytes);
        assert_eq!(ask(Identity::body()).as_deref(), expected.as_deref());
        assert_eq!(ask(tag).as_deref(), expected.as_deref());

        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("new_encoder", &name), |bencher| {
            bencher.iter(|| new_encoder(&bytes));
        });
        group.bench_function(BenchmarkId::new("by_body", &name), |bencher| {
            bencher.iter(|| ask(Identity::body()));
        });
        group.bench_function(BenchmarkId::new("by_tag", &name), |bencher| {
            bencher.iter(|| ask(tag));
        });
        let variant = Identity::body().variant(b"would not shrink");
        let refused = || forms.encode_with(CODING, LEVEL, variant, &bytes, || None);
        group.bench_function(BenchmarkId::new("would_not_shrink", &name), |bencher| {
            bencher.iter(refused);
        });
        assert_eq!(forms.stats().misses, 3);

        group.bench_function(BenchmarkId::new("pooled", &name), |bencher| {
            bencher.iter(|| encode_if_smaller(CODING, LEVEL, &bytes));
        });
        // Small, so that each body also pushes one out.
        let forms = EncodedCache::new(4 << 20);
        let mut number = 0_u64;
        group.bench_function(BenchmarkId::new("once", &name), |bencher| {
            let mut another = bytes.clone();
            let mut at_end = || {
                number += 1;
                let end = another.len() - 8;
                another[end..].copy_from_slice(&number.to_le_bytes());
                another.clone()
            };
            bencher.iter_batched_ref(
                &mut at_end,
                |body| forms.encode(CODING, LEVEL, Identity::body(), body),
                BatchSize::SmallInput,
            );
        });
        assert_eq!(forms.stats().hits, 0);
    }
    group.finish();
}

/// What is allocated now, in bytes.
fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Fills a cache with forms of one size after forms of another, and looks at the allocator after each.
fn the_bound_holds() {
    const LIMIT: u64 = 8 << 20;
    let sizes = [1, 400, 60_000, 2_000, 500_000, 1, 200, 100_000, 1];
    let before = allocated();
    let forms = EncodedCache::new(LIMIT);
    for size in sizes {
        let many = 3 * LIMIT / (size as u64 + 320);
        let mut body = vec![0; size.max(8)];
        for number in 0..many {
            body[..8].copy_from_slice(&(number << 20 | size as u64).to_le_bytes());
            let _ = forms.encode_with(CODING, LEVEL, Identity::body(), &body, || None);
            let taken = allocated() - before - body.capacity();
            assert!(
                taken as u64 <= LIMIT,
                "{taken} bytes for a limit of {LIMIT}, with bodies of {size}"
            );
        }
        let held = forms.stats().held.expect("it has its own store");
        assert!(
            held.bytes > LIMIT / 2,
            "bodies of {size} fill {} bytes",
            held.bytes
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = compress_cache
}
criterion_main!(benches);
