//! What do the headers of a response cost, apart from its body?
//!
//! `parse_and_negotiate` reads Accept-Encoding and chooses a coding; `obvious` does the same over strings, by sorting, as
//! the tests do. `exchange` is everything: the request's conditions mapped back, the policy asked, and the response's
//! headers made true. No library of the field offers its negotiation to others, so that none stands beside it.
//!
//! Before anything is measured, a counting allocator holds that negotiation and an exchange that changes nothing allocate
//! nothing.

use std::alloc::System;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use crm_compress::{AcceptEncoding, Coding, Exchange, HeaderRules, Negotiated, Policy, negotiate};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[path = "../crates/crm-compress/tests/support/negotiation.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod obvious;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const OFFERS: [Coding; 2] = [Coding::Gzip, Coding::Deflate];

/// What clients send.
const HEADERS: [(&str, &str); 4] = [
    ("browser", "gzip, deflate, br, zstd"),
    ("curl", "deflate, gzip, br, zstd"),
    ("script", "gzip"),
    (
        "weights",
        "zstd;q=1.0, br;q=0.9, gzip;q=0.8, deflate;q=0.5, identity;q=0.1, *;q=0",
    ),
];

fn negotiated(line: &str) -> Negotiated {
    negotiate(&AcceptEncoding::parse([line]), &OFFERS)
}

/// The name of the best offer, or nothing.
fn obvious_best(line: &str) -> Option<String> {
    obvious::rank(Some(&[line]), &["gzip", "deflate"])
        .into_iter()
        .next()
}

/// A map with room for what is added, as that of a server has.
fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    for &(name, value) in lines {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// One request and its response; the maps are the caller's, to be made anew outside of what is measured.
fn exchange(policy: &Policy, request: &mut HeaderMap, response: &mut HeaderMap) -> bool {
    let exchange = Exchange::begin(HeaderRules::new(), &OFFERS, &Method::GET, request);
    let outcome = exchange.decide(policy, StatusCode::OK, response, Some(5_000));
    exchange.apply(outcome, StatusCode::OK, response, Some(900));
    outcome.varies()
}

fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let region = Region::new(ALLOCATOR);
    black_box(work());
    let change = region.change();
    change.allocations + change.reallocations
}

/// Requests and responses: what changes nothing, what changes a Vary alone, and everything at once.
fn exchanges() -> [(&'static str, HeaderMap, HeaderMap); 3] {
    let browser = ("accept-encoding", "gzip, deflate, br, zstd");
    [
        (
            "picture",
            headers(&[browser, ("if-none-match", "\"v6\"")]),
            headers(&[("content-type", "image/png"), ("etag", "\"v7\"")]),
        ),
        (
            "json",
            headers(&[browser]),
            headers(&[
                ("content-type", "application/json"),
                ("cache-control", "private"),
            ]),
        ),
        (
            "json_with_tags",
            headers(&[browser, ("if-none-match", "\"v6-gzip\"")]),
            headers(&[
                ("content-type", "application/json"),
                ("etag", "\"v7\""),
                ("vary", "Cookie"),
                ("accept-ranges", "bytes"),
            ]),
        ),
    ]
}

fn compress_negotiate(criterion: &mut Criterion) {
    let policy = Policy::default();
    for (name, line) in HEADERS {
        assert_eq!(allocations(|| negotiated(line)), 0, "{name}");
        assert_eq!(
            negotiated(line).coding().map(|coding| coding.to_string()),
            obvious_best(line),
            "{name}"
        );
    }
    let [(name, mut asked, mut answered), ..] = exchanges();
    let count = allocations(|| exchange(&policy, &mut asked, &mut answered));
    assert_eq!(count, 0, "{name}");

    let mut group = criterion.benchmark_group("compress_negotiate");
    for (name, line) in HEADERS {
        group.bench_function(BenchmarkId::new("parse_and_negotiate", name), |bencher| {
            bencher.iter(|| negotiated(black_box(line)));
        });
        group.bench_function(BenchmarkId::new("obvious", name), |bencher| {
            bencher.iter(|| obvious_best(black_box(line)));
        });
    }
    for (name, request, response) in exchanges() {
        group.bench_function(BenchmarkId::new("exchange", name), |bencher| {
            bencher.iter_batched_ref(
                || (request.clone(), response.clone()),
                |(request, response)| exchange(&policy, request, response),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = compress_negotiate
}
criterion_main!(benches);
