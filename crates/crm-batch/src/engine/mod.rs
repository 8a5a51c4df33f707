//! The engine: how records get from the source through the workers to the sink.
//!
//! - `baton`: the source, and with it the right to pull; whoever owns the value may pull, and nobody else can.
//! - `chunk`: the buffers of one chunk, and the work on them.
//! - `desk`: the sink, the counts and the reason for the end; whoever owns the value may settle records.
//! - `gate`: the one lock: who fills, what waits for its turn, who settles. It runs no user code.
//! - `pace`: when the pool is worth it, and how large a chunk is. Pure arithmetic on measured times.
//! - `inline`: the start of a run, on the caller's thread.
//! - `relay`: the rest of it, in the pool.

mod baton;
mod chunk;
mod desk;
mod gate;
mod inline;
mod pace;
mod relay;

use crate::panic::contain;
use crate::settings::Settings;
use crate::{BatchError, Report};

use baton::Baton;
use desk::Desk;
use inline::Start;
use pace::ChunkSize;

/// One run from start to end.
pub(crate) fn drive<I, R, E, S, P, K>(
    settings: &Settings,
    skip_limit: u64,
    source: I,
    process: &P,
    sink: K,
) -> Result<Report<E>, BatchError<E, S>>
where
    I: IntoIterator<IntoIter: Send, Item: Send>,
    R: Send,
    E: Send,
    S: Send,
    P: Fn(I::Item) -> Result<R, E> + Sync,
    K: FnMut(R) -> Result<(), S> + Send,
{
    let mut desk = Desk::new(sink, skip_limit, settings);
    let mut baton = match contain(|| source.into_iter()) {
        Ok(source) => Baton::new(source),
        Err(panic) => {
            desk.source_panicked(0, panic);
            return desk.finish(0, 0);
        }
    };
    let mut size = ChunkSize::new::<I::Item, R>(settings.chunk_rows);
    let mut peak_rows = 0;
    if settings.inline_start {
        let (start, peak) = inline::run(settings, process, &mut baton, &mut desk, &mut size);
        peak_rows = peak;
        if let Start::Ended = start {
            return desk.finish(baton.position(), peak_rows);
        }
    }
    relay::run(settings, process, baton, desk, size, peak_rows)
}
