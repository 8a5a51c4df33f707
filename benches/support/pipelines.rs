//! Ways to give each record of a sequential source to a function, and the scores to one sink.
//!
//! The peers are written as their users write them. Those that give the scores as a list hold memory in proportion to the
//! input, and so does whoever collects the records first; ours, `pariter` and the chunks hold a bounded part of it.

use std::convert::Infallible;
use std::hint::black_box;

use crm_batch::{Batch, Verdict};
use orx_parallel::{IterIntoParIter, IterationOrder, Par};
use pariter::IteratorExt;
use rayon::iter::{
    IntoParallelIterator, IntoParallelRefIterator, ParallelBridge, ParallelIterator,
};

use super::rounds::{Figures, of};

/// Where the scores go: their number, their sum, and a sum that depends on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) sum: u64,
    pub(crate) ordered: u64,
}

impl Tally {
    #[inline]
    fn add(&mut self, score: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(score);
        self.ordered = self.ordered.wrapping_mul(31).wrapping_add(score);
    }
}

pub(crate) const SOURCE: &str = "source alone";
pub(crate) const SERIAL: &str = "serial loop";
pub(crate) const RUN: &str = "crm-batch run";
pub(crate) const JOB: &str = "crm-batch job";
pub(crate) const PAR_BRIDGE: &str = "par_bridge, no order";
pub(crate) const PARITER: &str = "pariter";
pub(crate) const ORX: &str = "orx-parallel 4";
pub(crate) const CHUNKS_1024: &str = "chunks of 1,024";
pub(crate) const CHUNKS_16384: &str = "chunks of 16,384";
const COLLECT: &str = "collect, par_iter";

/// All of them, in the order of the tables.
pub(crate) const ALL: [&str; 10] = [
    SOURCE,
    SERIAL,
    RUN,
    JOB,
    PAR_BRIDGE,
    PARITER,
    ORX,
    CHUNKS_1024,
    CHUNKS_16384,
    COLLECT,
];

/// Runs the pipeline of this name.
pub(crate) fn run<T, I, F>(name: &str, threads: usize, records: I, score: F) -> Tally
where
    T: Send + Sync + 'static,
    I: Iterator<Item = T> + Send + 'static,
    F: Fn(&T) -> u64 + Clone + Send + Sync + 'static,
{
    match name {
        SOURCE => source(records),
        SERIAL => serial(records, score),
        RUN => crm_batch_run(records, score),
        JOB => crm_batch_job(records, score),
        PAR_BRIDGE => par_bridge(records, score),
        PARITER => pariter(threads, records, score),
        ORX => orx(threads, records, score),
        CHUNKS_1024 => chunks(1_024, records, score),
        CHUNKS_16384 => chunks(16_384, records, score),
        COLLECT => collect(records, score),
        _ => panic!("there is no pipeline {name:?}"),
    }
}

/// The least time that so many threads could need, round by round: that of the source alone, or their share of the loop.
pub(crate) fn ideal(figures: &[Figures], threads: usize) -> Figures {
    let (source, serial) = (of(figures, SOURCE), of(figures, SERIAL));
    let pairs = source.rounds.iter().zip(&serial.rounds);
    Figures {
        name: "ideal",
        against: SERIAL,
        rounds: pairs
            .map(|(source, serial)| source.max(serial / threads as f64))
            .collect(),
    }
}

/// The median over the rounds of one figure divided by the other.
pub(crate) fn ratio(of: &Figures, to: &Figures) -> f64 {
    of.compare(to, |of, to| of / to).median
}

/// The least of all rounds: what a machine that does something else now and then would have shown alone.
pub(crate) fn least(of: &Figures) -> f64 {
    of.rounds.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Whether the scores of this one are all there, in the order of the serial loop where it promises one.
pub(crate) fn check(name: &str, found: Tally, expected: Tally) {
    let found = match name {
        SOURCE => return,
        PAR_BRIDGE => Tally {
            ordered: expected.ordered,
            ..found
        },
        _ => found,
    };
    assert_eq!(found, expected, "{name}");
}

/// The part that no pipeline shortens.
#[inline(never)]
fn source<T>(records: impl Iterator<Item = T>) -> Tally {
    let mut tally = Tally::default();
    records.for_each(|record| {
        drop(black_box(record));
        tally.count += 1;
    });
    tally
}

#[inline(never)]
fn serial<T>(records: impl Iterator<Item = T>, score: impl Fn(&T) -> u64) -> Tally {
    let mut tally = Tally::default();
    for record in records {
        tally.add(score(&record));
    }
    tally
}

#[inline(never)]
fn crm_batch_run<T, I, F>(records: I, score: F) -> Tally
where
    T: Send,
    I: Iterator<Item = T> + Send,
    F: Fn(&T) -> u64 + Send + Sync,
{
    let mut tally = Tally::default();
    let report = Batch::new().run(
        records,
        |record| Ok::<_, Infallible>(score(&record)),
        |score| {
            tally.add(score);
            Ok::<_, Infallible>(())
        },
    );
    assert_eq!(report.expect("nothing fails").written(), tally.count);
    tally
}

#[inline(never)]
fn crm_batch_job<T, I, F>(records: I, score: F) -> Tally
where
    T: Send + 'static,
    I: Iterator<Item = T> + Send,
    F: Fn(&T) -> u64 + Send + Sync,
{
    let mut tally = Tally::default();
    let report = Batch::new()
        .job(records)
        .process(|record| Ok::<_, Infallible>(Verdict::Output(score(&record))))
        .into(|score| {
            tally.add(score);
            Ok::<_, Infallible>(())
        })
        .run();
    assert_eq!(report.expect("nothing fails").written(), tally.count);
    tally
}

/// Every score once, in no order, added up where it was made.
#[inline(never)]
fn par_bridge<T: Send>(
    records: impl Iterator<Item = T> + Send,
    score: impl Fn(&T) -> u64 + Send + Sync,
) -> Tally {
    let count_and_sum = records.par_bridge().map(|record| (1, score(&record)));
    let (count, sum) = count_and_sum.reduce(
        || (0, 0),
        |(count, sum): (u64, u64), (one, score)| (count + one, sum.wrapping_add(score)),
    );
    Tally {
        count,
        sum,
        ordered: 0,
    }
}

#[inline(never)]
fn pariter<T, I, F>(threads: usize, records: I, score: F) -> Tally
where
    T: Send + 'static,
    I: Iterator<Item = T>,
    F: Fn(&T) -> u64 + Clone + Send + 'static,
{
    let mut tally = Tally::default();
    let scores = records.parallel_map_custom(
        |options| options.threads(threads),
        move |record| score(&record),
    );
    for score in scores {
        tally.add(score);
    }
    tally
}

#[inline(never)]
fn orx<T, I, F>(threads: usize, records: I, score: F) -> Tally
where
    T: Send + Sync,
    I: Iterator<Item = T> + Send,
    F: Fn(&T) -> u64 + Clone + Send + Sync,
{
    let scores: Vec<u64> = records
        .iter_into_par()
        .num_threads(threads)
        .iteration_order(IterationOrder::Ordered)
        .map(|record| score(&record))
        .collect();
    listed(&scores)
}

#[inline(never)]
fn chunks<T, I, F>(size: usize, mut records: I, score: F) -> Tally
where
    T: Send + Sync,
    I: Iterator<Item = T>,
    F: Fn(&T) -> u64 + Send + Sync,
{
    let mut tally = Tally::default();
    let mut chunk = Vec::with_capacity(size);
    loop {
        chunk.extend(records.by_ref().take(size));
        if chunk.is_empty() {
            return tally;
        }
        let scores: Vec<u64> = chunk.par_iter().map(&score).collect();
        scores.into_iter().for_each(|score| tally.add(score));
        chunk.clear();
    }
}

#[inline(never)]
fn collect<T, F>(records: impl Iterator<Item = T>, score: F) -> Tally
where
    T: Send,
    F: Fn(&T) -> u64 + Send + Sync,
{
    let records: Vec<T> = records.collect();
    let scores: Vec<u64> = records
        .into_par_iter()
        .map(|record| score(&record))
        .collect();
    listed(&scores)
}

fn listed(scores: &[u64]) -> Tally {
    let mut tally = Tally::default();
    scores.iter().for_each(|&score| tally.add(score));
    tally
}
