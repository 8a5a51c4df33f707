//! The start of a run, on the caller's thread.
//!
//! It goes in steps of at most 256 records. A measured step fills a buffer, works on it and settles it, with a look at
//! the clock in between; a plain step takes each record through all three at once, as a loop would. A job that is too
//! light for the pool to gain stays here until its end, in plain steps, with a measured one now and then.

use std::mem;
use std::sync::atomic::AtomicBool;

use super::baton::{Baton, Pull};
use super::chunk::{Buffers, Chunk, attempt};
use super::desk::{Desk, Flow};
use super::pace::{ChunkSize, Sample, Trial};
use crate::settings::Settings;

/// What the start has come to.
pub(super) enum Start {
    /// The run has ended.
    Ended,
    /// The pool is worth it.
    Worth,
}

/// Records that a step has read, and whether it met the end of the run.
struct Step {
    rows: usize,
    flow: Flow,
}

/// Runs until the end, or until the pool is worth it; returns also the peak of rows in flight.
pub(super) fn run<I, R, E, S, P, K>(
    settings: &Settings,
    process: &P,
    baton: &mut Baton<I>,
    desk: &mut Desk<'_, E, S, K>,
    size: &mut ChunkSize,
) -> (Start, usize)
where
    I: Iterator,
    P: Fn(I::Item) -> Result<R, E>,
    K: FnMut(R) -> Result<(), S>,
{
    let clock = &settings.clock;
    let mut trial = Trial::new(desk.start());
    let mut buffers = Buffers::default();
    let mut peak_rows = 0;
    let mut chunk_rows = 0;
    let mut chunk_start = desk.start();
    let mut before = chunk_start;
    loop {
        let rows = trial.step().min(size.most() - chunk_rows);
        let mut worth = false;
        let step = if trial.measures() {
            let mut sample = Sample::default();
            let step = measured(
                settings,
                process,
                baton,
                desk,
                &mut buffers,
                rows,
                &mut sample,
            );
            peak_rows = peak_rows.max(step.rows);
            before = clock.now();
            if step.flow == Flow::Going {
                worth = trial.measured(&sample, before, size, || settings.threads());
            }
            step
        } else {
            let step = plain(process, baton, desk, rows);
            peak_rows = peak_rows.max(step.rows.min(1));
            let now = clock.now();
            trial.ran(step.rows, now - before);
            before = now;
            step
        };
        chunk_rows += step.rows;
        let ended = step.flow == Flow::Ended;
        let full = chunk_rows == size.most() || size.is_long(before - chunk_start);
        if chunk_rows > 0 && (ended || worth || full) && !desk.has_failed() {
            let flow = desk.close_chunk(baton.position());
            if flow == Flow::Ended {
                return (Start::Ended, peak_rows);
            }
            chunk_rows = 0;
            chunk_start = before;
        }
        if ended {
            return (Start::Ended, peak_rows);
        }
        if worth {
            return (Start::Worth, peak_rows);
        }
    }
}

/// Takes `rows` records through the stages one after the other, and measures each stage.
fn measured<I, R, E, S, P, K>(
    settings: &Settings,
    process: &P,
    baton: &mut Baton<I>,
    desk: &mut Desk<'_, E, S, K>,
    buffers: &mut Buffers<I::Item, R, E>,
    rows: usize,
    sample: &mut Sample,
) -> Step
where
    I: Iterator,
    P: Fn(I::Item) -> Result<R, E>,
    K: FnMut(R) -> Result<(), S>,
{
    let never = AtomicBool::new(false);
    let clock = &settings.clock;
    let begun = clock.now();
    let first = baton.position();
    let pull = baton.fill(&mut buffers.records, rows);
    let filled = clock.now();
    let rows = buffers.records.len();
    buffers.work(process, desk.skip_limit(), &never);
    let worked = clock.now();
    let (panic, ended) = match pull {
        Pull::Full => (None, false),
        Pull::Ended => (None, true),
        Pull::Panicked(panic) => (Some(panic), true),
    };
    let mut chunk = Chunk {
        buffers: mem::take(buffers),
        first,
        rows,
        panic,
    };
    let flow = desk.settle(&mut chunk);
    *buffers = chunk.buffers;
    *sample = Sample {
        rows,
        fill: filled - begun,
        work: worked - filled,
        sink: clock.now() - worked,
    };
    let flow = if ended { Flow::Ended } else { flow };
    Step { rows, flow }
}

/// Takes `rows` records through all stages, one record after the other.
fn plain<I, R, E, S, P, K>(
    process: &P,
    baton: &mut Baton<I>,
    desk: &mut Desk<'_, E, S, K>,
    rows: usize,
) -> Step
where
    I: Iterator,
    P: Fn(I::Item) -> Result<R, E>,
    K: FnMut(R) -> Result<(), S>,
{
    for row in 0..rows {
        let position = baton.position();
        let record = match baton.pull() {
            Ok(Some(record)) => record,
            Ok(None) => {
                return Step {
                    rows: row,
                    flow: Flow::Ended,
                };
            }
            Err(panic) => {
                let flow = desk.source_panicked(position, panic);
                return Step { rows: row, flow };
            }
        };
        let flow = match attempt(process, record) {
            Ok(output) => desk.write(position, output),
            Err(failure) => desk.skip(position, failure),
        };
        if flow == Flow::Ended {
            return Step {
                rows: row + 1,
                flow,
            };
        }
    }
    Step {
        rows,
        flow: Flow::Going,
    }
}
