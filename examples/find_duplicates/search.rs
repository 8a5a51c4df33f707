//! The batch: blocks on all threads, whose work is uneven and grows with the square of their size.

use crm_perf::batch::{Batch, Order, Report, Verdict};
use std::convert::Infallible;

use crate::args::Args;
use crate::blocks::Blocks;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::similarity::Measure;
use crate::table::Table;

/// Two records that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    /// The smaller number.
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) similarity: f32,
}

/// What all blocks found.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order of the records.
    pub(crate) pairs: Vec<Pair>,
    pub(crate) compared: u64,
    /// Of those, the ones that are known to be one record.
    pub(crate) known: u64,
    pub(crate) report: Report<Infallible>,
}

/// What one block found.
struct OfBlock {
    pairs: Vec<Pair>,
    compared: u64,
    known: u64,
    weight: u64,
}

/// Compares all pairs of all blocks, each once, and keeps those that are alike at least so much.
pub(crate) fn search(
    args: &Args,
    table: &Table,
    blocks: &Blocks,
    measure: &Measure<'_>,
    least: f32,
) -> Result<Found, Failure> {
    let progress = Progress::comparing(blocks.iter().map(|block| block.weight()).sum());
    // Nobody minds in which order blocks are done, and one may take as long as thousands. The caller's thread stays out of
    // it, so that the shares of the threads can be compared.
    let mut batch = Batch::builder()
        .order(Order::AsFinished)
        .inline_start(false);
    if let Some(threads) = args.threads {
        batch = batch.threads(threads);
    }
    let (mut pairs, mut compared, mut known) = (Vec::new(), 0, 0);
    let ended = batch
        .build()?
        .job(blocks.iter())
        .process(|block| {
            let mut of = OfBlock {
                pairs: Vec::new(),
                compared: 0,
                known: 0,
                weight: block.weight(),
            };
            for (a, b) in blocks.pairs(&block) {
                of.compared += 1;
                of.known += u64::from(table.is_known(a, b));
                if let Some(similarity) = measure.of(a, b, least) {
                    of.pairs.push(Pair { a, b, similarity });
                }
            }
            Ok::<_, Infallible>(Verdict::Output(of))
        })
        .into(|of: OfBlock| {
            pairs.extend(of.pairs);
            compared += of.compared;
            known += of.known;
            progress.advance(of.weight);
            Ok::<_, Infallible>(())
        })
        .run();
    progress.finish();
    let report = ended.map_err(|error| Failure::Job(format!("{error:#}")))?;
    pairs.sort_unstable_by_key(|pair| (pair.a, pair.b));
    Ok(Found {
        pairs,
        compared,
        known,
        report,
    })
}
