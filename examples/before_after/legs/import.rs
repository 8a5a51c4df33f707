//! Import: from the file into the database, one line after the other and as a batch.
//!
//! Both ways cut, parse and insert with the same code, in one transaction with one prepared statement. The batch parses
//! on all threads while one of them at a time inserts, in the order of the file; so the two databases must be equal.
//! Parsing is also measured alone, because inserting is bound to one connection, however many threads there are.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crm_perf::batch::Batch;
use serde::Serialize;

use super::Context;
use crate::database::Database;
use crate::failure::Failure;
use crate::invoice::BadLine;
use crate::memory::Peak;
use crate::reader::{Fields, Record, Records, parse};
use crate::tally::{Counter, Tally};
use crate::timing::{median, timed};

/// The figures of the leg.
#[derive(Debug, Serialize)]
pub(crate) struct Import {
    pub(crate) input: Tally,
    /// Every line that could not be used.
    pub(crate) bad_lines: Vec<BadLine>,
    /// Each figure is the median of this many runs.
    pub(crate) repeats: usize,
    pub(crate) one_by_one: Pass,
    pub(crate) batch: Pass,
    pub(crate) parse_one_thread: Pass,
    pub(crate) parse_batch: Pass,
}

/// One way through the file.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Pass {
    pub(crate) seconds: f64,
    pub(crate) lines_per_second: f64,
    /// The most memory that the process held; absent where the system does not say.
    pub(crate) peak_bytes: Option<u64>,
}

/// What one run brought.
struct Outcome {
    counter: Counter,
    bad: Vec<BadLine>,
}

impl Outcome {
    fn new() -> Self {
        Self {
            counter: Counter::default(),
            bad: Vec::new(),
        }
    }

    fn with_bad(mut self, bad: Vec<BadLine>) -> Self {
        self.counter.bad(bad.len() as u64);
        self.bad = bad;
        self
    }
}

/// Measures the leg, and tells where the database is that the others use.
pub(crate) fn run(context: &Context<'_>) -> Result<(Import, PathBuf), Failure> {
    let repeats = context.args.import_repeats();
    let serial_path = context.folder.join("one-by-one.sqlite");
    let batch_path = context.folder.join("batch.sqlite");

    let mut passes: [Vec<Pass>; 4] = Default::default();
    let mut last = None;
    for _ in 0..repeats {
        // Taking turns, so that a disturbance of the machine falls on both sides.
        context.progress.step("import, parsing on one thread");
        let parsed = measure(context, &mut passes[0], || parse_one_thread(context))?;
        context.progress.step("import, parsing as a batch");
        let parsed_batch = measure(context, &mut passes[1], || parse_batch(context))?;
        context.progress.step("import, one by one");
        let loaded = measure(context, &mut passes[2], || {
            load_one_by_one(context, &serial_path)
        })?;
        context.progress.step("import, as a batch");
        let batched = measure(context, &mut passes[3], || load_batch(context, &batch_path))?;
        for (name, other) in [
            ("parsing as a batch", &parsed_batch),
            ("the import one by one", &loaded),
            ("the import as a batch", &batched),
        ] {
            if other.bad != parsed.bad || other.counter.tally() != parsed.counter.tally() {
                return Err(Failure::Disagree(format!(
                    "{name} and parsing on one thread count differently"
                )));
            }
        }
        last = Some(batched);
    }
    let Outcome { counter, bad } = last.unwrap_or_else(Outcome::new);
    check(context, &counter.tally())?;

    let serial = Database::open(&serial_path)?.fingerprint()?;
    let batch = Database::open(&batch_path)?.fingerprint()?;
    if serial != batch {
        return Err(Failure::Disagree(
            "the imported databases do not hold the same lines".to_owned(),
        ));
    }
    let [parse_one_thread, parse_batch, one_by_one, batch] = passes.map(|runs| middle(&runs));
    let import = Import {
        input: counter.tally(),
        bad_lines: bad,
        repeats,
        one_by_one,
        batch,
        parse_one_thread,
        parse_batch,
    };
    Ok((import, batch_path))
}

fn check(context: &Context<'_>, tally: &Tally) -> Result<(), Failure> {
    let file = context.input.to_owned();
    if tally.lines == tally.bad_lines {
        return Err(Failure::NoLines {
            file,
            bad: tally.bad_lines as usize,
        });
    }
    if tally.customers == 0 {
        return Err(Failure::NoCustomers { file });
    }
    Ok(())
}

fn measure(
    context: &Context<'_>,
    passes: &mut Vec<Pass>,
    work: impl FnOnce() -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    let peak = Peak::start();
    let (outcome, elapsed) = timed(context.clock, work);
    let outcome = outcome?;
    passes.push(pass(&outcome, elapsed, &peak));
    Ok(outcome)
}

fn pass(outcome: &Outcome, elapsed: Duration, peak: &Peak) -> Pass {
    let lines = outcome.counter.tally().lines;
    Pass {
        seconds: elapsed.as_secs_f64(),
        lines_per_second: lines as f64 / elapsed.as_secs_f64(),
        peak_bytes: peak.bytes(),
    }
}

/// Median time, and the largest of the peaks.
fn middle(passes: &[Pass]) -> Pass {
    let seconds: Vec<f64> = passes.iter().map(|pass| pass.seconds).collect();
    let rates: Vec<f64> = passes.iter().map(|pass| pass.lines_per_second).collect();
    Pass {
        seconds: median(&seconds).unwrap_or(0.0),
        lines_per_second: median(&rates).unwrap_or(0.0),
        peak_bytes: passes.iter().filter_map(|pass| pass.peak_bytes).max(),
    }
}

fn open(context: &Context<'_>) -> Result<Records, Failure> {
    Records::open(context.input, context.args.lines())
}

fn finish(context: &Context<'_>, mut records: Records) -> Result<(), Failure> {
    records.finish().map_err(|error| Failure::Read {
        file: context.input.to_owned(),
        error,
    })
}

fn parse_one_thread(context: &Context<'_>) -> Result<Outcome, Failure> {
    let (mut outcome, mut bad) = (Outcome::new(), Vec::new());
    let mut fields = Fields::new();
    let mut records = open(context)?;
    for record in records.by_ref() {
        match fields.parse(record) {
            Ok(line) => outcome.counter.line(line.customer),
            Err(line) => bad.push(line),
        }
    }
    finish(context, records)?;
    Ok(outcome.with_bad(bad))
}

fn load_one_by_one(context: &Context<'_>, path: &Path) -> Result<Outcome, Failure> {
    let (mut outcome, mut bad) = (Outcome::new(), Vec::new());
    let mut fields = Fields::new();
    let mut database = Database::create(path)?;
    let mut records = open(context)?;
    database.begin()?;
    for record in records.by_ref() {
        match fields.parse(record) {
            Ok(line) => {
                outcome.counter.line(line.customer);
                database.insert(&line)?;
            }
            Err(line) => bad.push(line),
        }
    }
    database.commit()?;
    finish(context, records)?;
    Ok(outcome.with_bad(bad))
}

fn parse_batch(context: &Context<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::new();
    let mut records = open(context)?;
    // The line ends with the thread that made it, as it does on one thread: freeing it elsewhere is dearer.
    let customer = |record| parse(record).map(|line| line.customer);
    let bad = batch(&mut records, customer, |customer| {
        outcome.counter.line(customer);
        Ok::<_, Infallible>(())
    })?;
    finish(context, records)?;
    Ok(outcome.with_bad(bad))
}

fn load_batch(context: &Context<'_>, path: &Path) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::new();
    let mut database = Database::create(path)?;
    let mut records = open(context)?;
    database.begin()?;
    let bad = batch(&mut records, parse, |line| {
        outcome.counter.line(line.customer);
        database.insert(&line)
    })?;
    database.commit()?;
    finish(context, records)?;
    Ok(outcome.with_bad(bad))
}

/// Parses on all threads and gives the outputs to `sink` in the order of the file; returns the lines that are bad.
fn batch<T: Send, E: std::fmt::Display + Send>(
    records: &mut Records,
    parse: impl Fn(Record) -> Result<T, BadLine> + Sync,
    sink: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<Vec<BadLine>, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(error.to_string());
    // A bad line is to be told, not to end the import, however many there are.
    let batch = Batch::builder()
        .skip_limit(u64::MAX)
        .build()
        .map_err(|error| refused(&error))?;
    let report = batch
        .run(records, parse, sink)
        .map_err(|error| refused(&error))?;
    let bad: Vec<BadLine> = report
        .skips()
        .iter()
        .filter_map(|skip| skip.failure().error().cloned())
        .collect();
    if bad.len() as u64 != report.skipped() {
        return Err(Failure::Refused("the parser panicked".to_owned()));
    }
    Ok(bad)
}
