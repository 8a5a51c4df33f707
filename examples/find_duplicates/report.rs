//! What a search comes to: a text for the terminal; as JSON it is what it is.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, TableComponent, presets};
use indicatif::HumanCount;
use serde::Serialize;

use crate::blocks::Blocks;
use crate::clusters::{Clusters, Judgement, Quality, known_pairs};
use crate::layout::Layout;
use crate::search::{Found, Pair};
use crate::table::{Table, UNKNOWN};

/// The thresholds that are tried besides the one that was asked for.
pub(crate) const THRESHOLDS: [f32; 7] = [0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9];

/// Everything that a search found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The name of the file.
    file: String,
    records: u64,
    /// Rows that were passed over.
    bad_rows: u64,
    known: Option<Known>,
    blocking: Blocking,
    /// Similarity from which on a pair is found.
    threshold: f64,
    /// By ascending threshold; that which was asked for is among them.
    results: Vec<Line>,
    batch: Batch,
}

/// What is known about the file.
#[derive(Debug, Serialize)]
struct Known {
    /// Of at least one record.
    clusters: u64,
    pairs: u64,
}

#[derive(Debug, Serialize)]
struct Blocking {
    passes: Vec<String>,
    blocks: u64,
    /// Records of the largest block.
    largest: u64,
    /// Blocks that were too large.
    skipped: u64,
    /// Pairs that were compared, each once.
    compared: u64,
    /// The share of the known pairs that is among them: no threshold has a greater recall.
    recall: Option<f64>,
}

/// What a threshold comes to.
#[derive(Debug, Serialize)]
struct Line {
    threshold: f64,
    pairs: u64,
    /// Of the pairs that were found.
    quality: Option<Quality>,
    /// Of at least two records.
    clusters: u64,
    /// Records of the largest one.
    largest: u64,
    /// Of all pairs within the clusters.
    joined: Option<Quality>,
}

/// How the work was spread.
#[derive(Debug, Serialize)]
struct Batch {
    elapsed_seconds: f64,
    /// Comparing, summed over the threads.
    work_seconds: f64,
    chunks: u64,
    /// The share of the run's time that each thread spent on it.
    utilisation: Vec<f64>,
    /// The least busy thread against the busiest: 1 is even.
    evenness: Option<f64>,
}

impl Report {
    pub(crate) fn new(
        file: String,
        table: &Table,
        layout: &Layout,
        blocks: &Blocks,
        found: &Found,
    ) -> Self {
        let is_known = table.known.iter().any(|cluster| *cluster != UNKNOWN);
        let known = is_known.then(|| {
            let clusters = table
                .known
                .iter()
                .filter(|cluster| **cluster != UNKNOWN)
                .max();
            Known {
                clusters: clusters.map_or(0, |last| u64::from(*last) + 1),
                pairs: known_pairs(&table.known),
            }
        });
        let known_pairs = known.as_ref().map(|known| known.pairs);
        let lines = thresholds(layout.threshold).into_iter();
        let utilisation: Vec<f64> = found.report.utilisation().collect();
        let busiest = utilisation.iter().copied().reduce(f64::max);
        let laziest = utilisation.iter().copied().reduce(f64::min);
        Self {
            file,
            records: table.records as u64,
            bad_rows: table.bad.len() as u64,
            blocking: Blocking {
                passes: layout.passes.iter().map(ToString::to_string).collect(),
                blocks: blocks.len() as u64,
                largest: blocks.largest as u64,
                skipped: blocks.skipped,
                compared: found.compared,
                recall: known_pairs.map(|known| found.known as f64 / known.max(1) as f64),
            },
            threshold: number(layout.threshold),
            results: lines
                .map(|threshold| line(threshold, table, &found.pairs, known_pairs))
                .collect(),
            known,
            batch: Batch {
                elapsed_seconds: found.report.elapsed().as_secs_f64(),
                work_seconds: found.report.work_time().as_secs_f64(),
                chunks: found.report.chunks(),
                evenness: laziest
                    .zip(busiest)
                    .filter(|(_, most)| *most > 0.0)
                    .map(|(least, most)| least / most),
                utilisation,
            },
        }
    }

    /// The text for the terminal.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        let blocking = &self.blocking;
        let known = match &self.known {
            None => ", no clusters known".to_owned(),
            Some(known) => format!(
                ", {} known clusters with {} pairs",
                HumanCount(known.clusters),
                HumanCount(known.pairs)
            ),
        };
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            out,
            "{}: {} records{known}",
            self.file,
            HumanCount(self.records)
        );
        let _ = writeln!(
            out,
            "{} passes, {} blocks of at most {} records, {} skipped as too large",
            blocking.passes.len(),
            HumanCount(blocking.blocks),
            HumanCount(blocking.largest),
            HumanCount(blocking.skipped)
        );
        let share = blocking
            .recall
            .map(|share| format!(", {} of the known ones among them", percent(share)));
        let _ = writeln!(
            out,
            "{} pairs compared{}\n",
            HumanCount(blocking.compared),
            share.unwrap_or_default()
        );
        self.grid(&mut out);
        let batch = &self.batch;
        let threads: Vec<_> = batch
            .utilisation
            .iter()
            .map(|share| format!("{:.0} %", share * 100.0))
            .collect();
        let _ = writeln!(
            out,
            "\n{:.2} s: work {:.2} s over all threads, {} chunks; threads were busy for {}",
            batch.elapsed_seconds,
            batch.work_seconds,
            HumanCount(batch.chunks),
            threads.join(", ")
        );
        out
    }

    fn grid(&self, out: &mut String) {
        let judged = ["precision", "recall", "F1"];
        let found = ["threshold", "pairs"].into_iter().chain(judged);
        let joined = ["clusters", "largest"].into_iter().chain(judged);
        let mut grid = Grid::new();
        grid.load_preset(presets::NOTHING)
            .set_style(TableComponent::HeaderLines, '\u{2500}')
            .set_style(TableComponent::MiddleHeaderIntersections, '\u{2500}')
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(found.chain(joined));
        for line in &self.results {
            let mark = if line.threshold == self.threshold {
                "> "
            } else {
                ""
            };
            let cells = [
                format!("{mark}{:.2}", line.threshold),
                HumanCount(line.pairs).to_string(),
            ]
            .into_iter();
            let clusters = [
                HumanCount(line.clusters).to_string(),
                HumanCount(line.largest).to_string(),
            ];
            grid.add_row(
                cells
                    .chain(judgement(line.quality))
                    .chain(clusters)
                    .chain(judgement(line.joined)),
            );
        }
        for column in grid.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for line in grid.lines() {
            let _ = writeln!(out, " {}", line.trim_end());
        }
    }
}

/// The thresholds of the table, ascending.
pub(crate) fn thresholds(asked: f32) -> Vec<f32> {
    let mut thresholds = THRESHOLDS.to_vec();
    if !thresholds.contains(&asked) {
        thresholds.push(asked);
        thresholds.sort_by(f32::total_cmp);
    }
    thresholds
}

fn line(threshold: f32, table: &Table, pairs: &[Pair], known: Option<u64>) -> Line {
    let mut clusters = Clusters::alone(table.records);
    let (mut all, mut judged, mut right) = (0, 0, 0);
    for pair in pairs.iter().filter(|pair| pair.similarity >= threshold) {
        clusters.join(pair.a, pair.b);
        all += 1;
        let of = [pair.a, pair.b].map(|record| table.known.get(record as usize));
        judged += u64::from(
            of.iter()
                .all(|cluster| cluster.is_some_and(|cluster| *cluster != UNKNOWN)),
        );
        right += u64::from(table.is_known(pair.a, pair.b));
    }
    let sizes = clusters.sizes();
    let found = |known| Judgement {
        found: judged,
        right,
        known,
    };
    Line {
        threshold: number(threshold),
        pairs: all,
        quality: known.map(|known| found(known).quality()),
        clusters: sizes.len() as u64,
        largest: sizes.iter().copied().max().unwrap_or(1),
        joined: known.map(|_| clusters.judge(&table.known).quality()),
    }
}

/// 0.8 is 0.8, and not the nearest number of half as many digits.
fn number(threshold: f32) -> f64 {
    (f64::from(threshold) * 1e6).round() / 1e6
}

fn judgement(quality: Option<Quality>) -> [String; 3] {
    match quality {
        None => ["-"; 3].map(str::to_owned),
        Some(quality) => [quality.precision, quality.recall, quality.f1].map(percent),
    }
}

/// What is nearly all is not all.
fn percent(share: f64) -> String {
    format!("{:.1} %", (share * 1000.0).floor() / 10.0)
}
