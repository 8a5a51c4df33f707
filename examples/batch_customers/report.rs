//! What a run comes to: a text for the terminal; as JSON it is what it is.

use std::collections::BTreeMap;
use std::fmt::Write;

use indicatif::{BinaryBytes, DecimalBytes, HumanCount};
use serde::Serialize;

use crate::args::{Args, rejects_of};
use crate::job::Outcome;

/// Everything about a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The name of the input.
    input: String,
    input_bytes: u64,
    output: String,
    rejects: String,
    /// What earlier runs had done that this one went on from.
    before: Counts,
    /// What this run did.
    counts: Counts,
    /// Why rows were rejected by this run, and how many for each reason.
    reasons: BTreeMap<String, u64>,
    chunks: u64,
    /// Bytes of the input that this run read.
    bytes: u64,
    seconds: Seconds,
    /// The share of the run's time that each thread spent on it.
    utilisation: Vec<f64>,
    records_per_second: f64,
    /// Bytes of the input, in a second.
    bytes_per_second: f64,
    /// The most rows that were in memory at a time.
    peak_rows: usize,
    /// The most memory that the process held while it scored; `null` where the system does not say.
    peak_memory_bytes: Option<u64>,
}

/// `records = written + filtered + rejected`.
#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    records: u64,
    written: u64,
    /// Customers who have never ordered.
    filtered: u64,
    rejected: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Seconds {
    elapsed: f64,
    /// Reading and cutting, on one thread at a time.
    source: f64,
    /// Parsing, validating and scoring, summed over the threads.
    work: f64,
    /// Writing, syncing and rejects, on one thread at a time.
    sink: f64,
}

impl Report {
    pub(crate) fn new(
        args: &Args,
        (input, input_bytes): (String, u64),
        outcome: Outcome,
        peak_memory_bytes: Option<u64>,
    ) -> Self {
        let (report, output) = (outcome.report, args.output());
        let elapsed = report.elapsed().as_secs_f64();
        let per_second = |count: u64| {
            if elapsed > 0.0 {
                count as f64 / elapsed
            } else {
                0.0
            }
        };
        let before = report.before();
        Self {
            input,
            input_bytes,
            output: output.display().to_string(),
            rejects: rejects_of(&output).display().to_string(),
            before: Counts {
                records: before.records,
                written: before.written,
                filtered: before.filtered,
                rejected: before.skipped,
            },
            counts: Counts {
                records: report.read(),
                written: report.written(),
                filtered: report.filtered(),
                rejected: report.skipped(),
            },
            reasons: outcome.reasons,
            chunks: report.chunks(),
            bytes: report.bytes(),
            seconds: Seconds {
                elapsed,
                source: report.source_time().as_secs_f64(),
                work: report.work_time().as_secs_f64(),
                sink: report.sink_time().as_secs_f64(),
            },
            utilisation: report.utilisation().collect(),
            records_per_second: per_second(report.read()),
            bytes_per_second: per_second(report.bytes()),
            peak_rows: report.peak_rows(),
            peak_memory_bytes,
        }
    }

    /// The text for the terminal.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "{}, {}", self.input, DecimalBytes(self.input_bytes));
        let _ = writeln!(out, "-> {}\n   {}\n", self.output, self.rejects);
        let counts = [("read", self.counts)];
        for (name, count) in counts {
            line(&mut out, name, count.records, "");
            line(&mut out, "written", count.written, "");
            line(&mut out, "filtered", count.filtered, "never ordered");
            line(&mut out, "rejected", count.rejected, "");
        }
        for (reason, count) in &self.reasons {
            let _ = writeln!(out, "  {:>20}  {reason}", HumanCount(*count).to_string());
        }
        if self.before.records > 0 {
            let _ = writeln!(
                out,
                "gone on from record {}, of which {} were written, {} filtered and {} rejected before",
                HumanCount(self.before.records),
                HumanCount(self.before.written),
                HumanCount(self.before.filtered),
                HumanCount(self.before.rejected)
            );
        }
        let Seconds {
            elapsed,
            source,
            work,
            sink,
        } = self.seconds;
        let _ = writeln!(
            out,
            "\n{elapsed:.2} s: source {source:.2} s, work {work:.2} s over all threads, sink {sink:.2} s"
        );
        let _ = writeln!(
            out,
            "{} records/s, {:.0} MB/s",
            HumanCount(self.records_per_second as u64),
            self.bytes_per_second / 1e6
        );
        let threads: Vec<_> = self
            .utilisation
            .iter()
            .map(|share| format!("{:.0} %", share * 100.0))
            .collect();
        let _ = writeln!(out, "threads were busy for {}", threads.join(", "));
        let memory = self.peak_memory_bytes;
        let memory = memory.map_or_else(String::new, |bytes| format!("{}, ", BinaryBytes(bytes)));
        let _ = writeln!(
            out,
            "at most {memory}{} rows at a time in memory",
            HumanCount(self.peak_rows as u64)
        );
        out
    }
}

fn line(out: &mut String, name: &str, count: u64, why: &str) {
    let line = format!("{name:<9} {:>12}  {why}", HumanCount(count).to_string());
    let _ = writeln!(out, "{}", line.trim_end());
}
