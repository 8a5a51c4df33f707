//! What is gained by giving a function on many records to all cores?
//!
//! A sequential source makes owned records, about 30 ns, 300 ns or 3 us of work turn each into a score, and the scores are
//! collected. `serial`, `collect_par_iter`, `crm_batch` and `crm_batch_run` keep the order; `par_bridge` loses it.
//! `collect_par_iter` and the two that return a list hold memory in proportion to the input; `crm_batch_run` hands its
//! scores to a sink and holds a window of chunks. `source_alone` is the part that no method shortens.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crm_batch::Batch;
use rayon::iter::{IntoParallelIterator, ParallelBridge, ParallelIterator};

/// A customer's record as a source hands it over: owned, with memory of its own.
struct Record {
    id: u64,
    orders: Vec<u32>,
}

/// How much is done for each record, and for how many of them.
struct Case {
    name: &'static str,
    rounds: u32,
    records: u64,
}

/// A way to score the records of a case.
type Method = fn(&Case) -> Vec<u64>;

const CASES: [Case; 3] = [
    Case {
        name: "30ns",
        rounds: 18,
        records: 200_000,
    },
    Case {
        name: "300ns",
        rounds: 180,
        records: 50_000,
    },
    Case {
        name: "3us",
        rounds: 1_800,
        records: 10_000,
    },
];

fn source(records: u64) -> impl Iterator<Item = Record> + Send {
    (0..records).map(|id| Record {
        id,
        orders: vec![id as u32; 4],
    })
}

/// Work that the compiler can neither shorten nor spread over vector lanes: each round waits for the one before.
fn score(record: &Record, rounds: u32) -> u64 {
    let seed = record
        .orders
        .iter()
        .fold(record.id, |sum, &order| sum ^ u64::from(order));
    (0..rounds).fold(seed, |mixed, _| {
        (mixed ^ (mixed >> 31))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(1)
    })
}

fn serial(case: &Case) -> Vec<u64> {
    source(case.records)
        .map(|record| score(&record, case.rounds))
        .collect()
}

fn collect_par_iter(case: &Case) -> Vec<u64> {
    let records: Vec<_> = source(case.records).collect();
    records
        .into_par_iter()
        .map(|record| score(&record, case.rounds))
        .collect()
}

fn par_bridge(case: &Case) -> Vec<u64> {
    source(case.records)
        .par_bridge()
        .map(|record| score(&record, case.rounds))
        .collect()
}

fn crm_batch(case: &Case) -> Vec<u64> {
    Batch::new().map(source(case.records), |record| score(&record, case.rounds))
}

fn crm_batch_run(case: &Case) -> Vec<u64> {
    let mut scores = Vec::with_capacity(case.records as usize);
    Batch::new()
        .run(
            source(case.records),
            |record| Ok::<_, Infallible>(score(&record, case.rounds)),
            |score| {
                scores.push(score);
                Ok::<_, Infallible>(())
            },
        )
        .expect("nothing fails");
    scores
}

fn batch_throughput(criterion: &mut Criterion) {
    for case in &CASES {
        let expected = serial(case);
        assert_eq!(collect_par_iter(case), expected);
        assert_eq!(crm_batch(case), expected);
        assert_eq!(crm_batch_run(case), expected);
        let mut unordered = par_bridge(case);
        unordered.sort_unstable();
        let mut sorted = expected;
        sorted.sort_unstable();
        assert_eq!(unordered, sorted);

        let mut group = criterion.benchmark_group("batch_throughput");
        group.throughput(Throughput::Elements(case.records));
        group.bench_function(BenchmarkId::new("source_alone", case.name), |bencher| {
            bencher.iter(|| source(case.records).for_each(|record| drop(black_box(record))));
        });
        let methods: [(&str, Method); 5] = [
            ("serial", serial),
            ("collect_par_iter", collect_par_iter),
            ("par_bridge", par_bridge),
            ("crm_batch", crm_batch),
            ("crm_batch_run", crm_batch_run),
        ];
        for (name, method) in methods {
            group.bench_function(BenchmarkId::new(name, case.name), |bencher| {
                bencher.iter(|| method(case));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = batch_throughput
}
criterion_main!(benches);
