//! The engine: how records get from the source through the workers to the sink.
//!
//! - `baton`: the source, and with it the right to pull; whoever owns the value may pull, and nobody else can.
//! - `part`: the buffers of a chunk or a part of one, and the work on them.
//! - `desk`: the sink, the counts and the reason for the end; whoever owns the value may settle records.
//! - `gate`: the one lock: who fills, what waits for its turn, who settles. It runs no user code.
//! - `slot`: a chunk in the gate, until it is complete and its turn; `delayed`: what waits there for its time.
//! - `pace`: when the pool is worth it, and how large a chunk is. Pure arithmetic on measured times.
//! - `opening`: whether the run begins, and where: at the start, or at the place of a checkpoint.
//! - `inline`: the start of a run, on the caller's thread.
//! - `relay`: the rest of it, in the pool: rounds of tasks.
//! - `task`: a task that fills a chunk and works on it; `ear`: what it hears meanwhile; `retry`: a record tried again.
//! - `stages`: a source or a sink on a thread of its own.
//! - `piece`: what a chunk is handed in as; `settle`: what happens to it then.

mod baton;
mod delayed;
mod desk;
mod ear;
mod gate;
mod inline;
#[cfg(all(test, any(loom, shuttle)))]
mod models;
mod opening;
mod pace;
mod part;
mod piece;
mod relay;
mod retry;
mod settle;
mod slot;
mod stages;
mod task;
mod times;

use crate::control::Control;
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::settings::Settings;
use crate::work::{Record, Work};
use crate::{BatchError, Panic, Report, SkipLimit, Source, Stage};

use baton::Baton;
use crm_clock::Tick;
use desk::Desk;
use gate::Before;
use inline::{Inline, Start};
use pace::ChunkSize;
use part::Stop;

pub(crate) use opening::Resume;
pub(crate) use times::Times;

/// What a run is made of, besides its source, work and sink.
pub(crate) struct Run<'run> {
    pub(crate) settings: &'run Settings,
    pub(crate) limit: SkipLimit,
    pub(crate) control: &'run Control,
    pub(crate) start: Tick,
}

/// One run from start to end.
#[expect(
    clippy::type_complexity,
    reason = "an alias would hide what a caller gets"
)]
pub(crate) fn drive<S, W, K>(
    run: &Run<'_>,
    source: Result<S, Panic>,
    work: &W,
    outlet: K,
    resume: Option<Resume<S, K, K::Error>>,
) -> Result<Report<W::Error>, BatchError<W::Error, K::Error, S::Error>>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    let &Run {
        settings,
        limit,
        control,
        start,
    } = run;
    let mut desk = Desk::new(outlet, limit, settings, start);
    let mut baton = match source {
        Ok(source) => Baton::new(source),
        Err(panic) => {
            desk.stopped(0, Stop::Panicked(Stage::Source, panic));
            return desk.finish(0, 0, 0, Times::default(), None);
        }
    };
    if opening::begin(&mut desk, &mut baton, resume).is_break() {
        return desk.finish(0, 0, 0, Times::default(), None);
    }
    let mut size =
        ChunkSize::new::<Record<'static, W>, W::Output>(settings.chunk_rows, settings.chunk_bytes);
    let mut before = Before {
        read: 0,
        bytes: 0,
        peak_rows: 0,
        times: Times::default(),
    };
    let mut state = None;
    // A record that waits for its retry must not hold up the caller's thread, so such a job is for the pool; so is one whose
    // stages block, of which the user knows more than a trial could measure.
    let blocks = settings.source_blocks || settings.sink_blocks;
    if settings.inline_start && !W::RETRIES && !blocks {
        let mut own = match contain(|| work.state()) {
            Ok(own) => own,
            Err(panic) => {
                desk.stopped(0, Stop::Panicked(Stage::State, panic));
                return desk.finish(0, 0, 0, Times::default(), None);
            }
        };
        let inline = Inline {
            settings,
            control,
            work,
            state: &mut own,
            baton: &mut baton,
            desk: &mut desk,
            size: &mut size,
        };
        let begun;
        (begun, before) = inline::run(inline);
        let cause = match begun {
            Start::Worth => {
                state = Some(own);
                None
            }
            Start::Ended => Some(None),
            Start::Over => Some(control.cause()),
        };
        if let Some(cause) = cause {
            return desk.finish(
                before.read,
                before.bytes,
                before.peak_rows,
                before.times,
                cause,
            );
        }
    }
    relay::run(relay::Opening {
        settings,
        control,
        work,
        state,
        baton,
        desk,
        size,
        before,
    })
}
