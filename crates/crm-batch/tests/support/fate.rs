//! Runs whose every record has a fate, by a plain loop and by a batch.

use std::panic;
use std::sync::Once;

use crm_batch::{Batch, BatchError, Failure, Report, Stage};

use super::tally::{Tally, Tracked};

/// What happens to the record at one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Fine,
    Fails,
    Panics,
    /// The sink refuses its output.
    Refused,
    /// The sink panics on its output.
    SinkPanics,
    /// The source panics instead of making it.
    SourcePanics,
}

/// What ended a run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Failure,
    Panic,
    Refused,
    SinkPanic,
    SourcePanic,
    Other,
}

/// What a run has come to, in a form that can be compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub sunk: Vec<u64>,
    pub skipped: Vec<(u64, String)>,
    pub end: Option<(u64, Ended)>,
}

/// The output of a record, so that an output is told from a record.
pub fn output(record: u64) -> u64 {
    record * 3 + 1
}

/// The obvious version: a loop.
pub fn plain_loop(fates: &[Fate], skip_limit: u64) -> Outcome {
    let mut outcome = Outcome {
        sunk: Vec::new(),
        skipped: Vec::new(),
        end: None,
    };
    for (position, fate) in (0..).zip(fates) {
        let may_skip = (outcome.skipped.len() as u64) < skip_limit;
        let end = match fate {
            Fate::Fine => {
                outcome.sunk.push(output(position));
                continue;
            }
            Fate::Fails if may_skip => {
                outcome
                    .skipped
                    .push((position, format!("record {position} is bad")));
                continue;
            }
            Fate::Panics if may_skip => {
                let reason = format!("the process function panicked: record {position} is cursed");
                outcome.skipped.push((position, reason));
                continue;
            }
            Fate::Fails => Ended::Failure,
            Fate::Panics => Ended::Panic,
            Fate::Refused => Ended::Refused,
            Fate::SinkPanics => Ended::SinkPanic,
            Fate::SourcePanics => Ended::SourcePanic,
        };
        outcome.end = Some((position, end));
        break;
    }
    outcome
}

/// The same by a batch. Checks the report against what source and sink have seen, and that nothing outlives the run.
pub fn batch_run(batch: &Batch, fates: &[Fate]) -> Outcome {
    quiet_panics();
    let tally = Tally::default();
    let mut sunk = Vec::new();
    let source = (0..).zip(fates).map(|(position, fate)| {
        assert_ne!(*fate, Fate::SourcePanics, "the source is broken");
        tally.item(position)
    });
    let result = batch.run(
        source,
        |record: Tracked| match fates[record.id as usize] {
            Fate::Fails => Err(format!("record {} is bad", record.id)),
            Fate::Panics => panic!("record {} is cursed", record.id),
            _ => {
                let id = output(record.id);
                Ok(record.becomes(id))
            }
        },
        |value: Tracked| match fates[(value.id as usize - 1) / 3] {
            Fate::Refused => Err(value.id),
            Fate::SinkPanics => panic!("the sink is broken"),
            _ => {
                sunk.push(value.id);
                Ok(())
            }
        },
    );
    let (report, end) = match result {
        Ok(report) => (report, None),
        Err(error) => {
            let position = error.position();
            let (report, end) = told(error);
            (report, Some((position, end)))
        }
    };
    assert_eq!(report.read(), tally.made() as u64, "records read");
    assert_eq!(report.written(), sunk.len() as u64, "records written");
    assert_eq!(report.skipped(), report.skips().len() as u64);
    assert_eq!(
        report.read(),
        report.written() + report.skipped() + report.not_processed()
    );
    if end.is_none() {
        assert_eq!(report.not_processed(), 0);
    }
    assert_eq!(tally.live(), 0, "records left over after the run");
    let skipped = report
        .skips()
        .iter()
        .map(|skip| (skip.position(), skip.failure().to_string()))
        .collect();
    Outcome { sunk, skipped, end }
}

fn told(error: BatchError<String, u64>) -> (Report<String>, Ended) {
    match error {
        BatchError::Process {
            failure: Failure::Error(_),
            report,
            ..
        } => (*report, Ended::Failure),
        BatchError::Process { report, .. } => (*report, Ended::Panic),
        BatchError::Sink { report, .. } => (*report, Ended::Refused),
        BatchError::Panicked { stage, report, .. } => {
            let end = match stage {
                Stage::Source => Ended::SourcePanic,
                Stage::Sink => Ended::SinkPanic,
                _ => Ended::Other,
            };
            (*report, end)
        }
        _ => unreachable!("a kind of error that this test does not know"),
    }
}

/// Keeps panics that a test causes on purpose out of its output; those of the test's own assertions stay.
pub fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let text = info.to_string();
            let on_purpose = text.contains("is cursed") || text.contains("is broken");
            if !on_purpose {
                usual(info);
            }
        }));
    });
}
