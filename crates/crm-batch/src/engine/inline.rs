//! The start of a run, on the caller's thread.
//!
//! It goes in steps of at most 256 records. A measured step fills a buffer, works on it and settles it, with a look at
//! the clock in between; a plain step takes each record through all three at once, as a loop would. A job that is too
//! light for the pool to gain stays here until its end, in plain steps, with a measured one now and then.

use std::ops::ControlFlow;
use std::time::Duration;

use super::baton::{Baton, Pull};
use super::desk::{Desk, Flow, Reading};
use super::gate::Before;
use super::pace::{ChunkSize, Sample, Trial};
use super::part::{Attend, Part, Rejection, Stop, Worked, alone, attempt, judge};
use super::times::Times;
use crate::control::Control;
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::row::Buffer;
use crate::settings::Settings;
use crate::work::{Judgement, Work};
use crate::{Chunk, Room, Source, Stage, Verdict};

/// What the start has come to.
pub(super) enum Start {
    /// The source has ended, or the run by its own doing.
    Ended,
    /// The run is over: somebody has cancelled it, or its time is up.
    Over,
    /// The pool is worth it.
    Worth,
}

/// Records that a step has read, and whether it met the end of the run.
struct Step {
    rows: usize,
    bytes: u64,
    /// Whether all of them are settled, so that the source's place is that of the desk.
    whole: bool,
    flow: Flow,
}

/// Looks whether the run is over; nobody is idle here, and nothing waits for its retry.
struct Watch<'run>(&'run Control);

impl<W: Work> Attend<W> for Watch<'_> {
    fn hear(&mut self, _chunk: &mut W::Chunk, _rows: usize) -> ControlFlow<()> {
        if self.0.look() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn later(&mut self, _offset: usize, _delay: Duration, _record: W::Chunk) {
        unreachable!("a job with retries goes to the pool at once")
    }
}

/// What the start works with.
pub(super) struct Inline<'run, 'desk, S: Source, W: Work, K: Outlet<W>> {
    pub(super) settings: &'run Settings,
    pub(super) control: &'run Control,
    pub(super) work: &'run W,
    pub(super) state: &'desk mut W::State,
    pub(super) baton: &'desk mut Baton<S>,
    pub(super) desk: &'desk mut Desk<'run, W, K, S::Error>,
    pub(super) size: &'desk mut ChunkSize,
}

/// Runs until the end, or until the pool is worth it.
pub(super) fn run<S, W, K>(inline: Inline<'_, '_, S, W, K>) -> (Start, Before)
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    let Inline {
        settings,
        control,
        work,
        state,
        baton,
        desk,
        size,
    } = inline;
    let clock = &settings.clock;
    let mut trial = Trial::new(desk.start());
    let mut part = Part::<W, S::Error>::default();
    let mut before = Before {
        read: 0,
        bytes: 0,
        peak_rows: 0,
        times: Times::default(),
    };
    let mut unmeasured = Duration::ZERO;
    let mut chunk_rows = 0;
    let mut chunk_start = desk.start();
    let mut last = chunk_start;
    let start = loop {
        if control.is_raised() {
            control.wait(|| {
                if control.is_paused() && !control.is_over() {
                    Err(None)
                } else {
                    Ok(())
                }
            });
            if control.is_over() {
                break Start::Over;
            }
        }
        let rows = trial.step().min(size.most() - chunk_rows);
        let mut worth = false;
        // What is to be passed over is so in the fill of a chunk.
        let step = if trial.measures() || baton.passes_over() {
            let mut sample = Sample::default();
            let step = measured(
                settings,
                control,
                work,
                state,
                baton,
                desk,
                &mut part,
                size,
                rows,
                &mut sample,
            );
            before.peak_rows = before.peak_rows.max(step.rows);
            last = clock.now();
            before.times.add(&sample);
            if step.flow == Flow::Going {
                let remaining = || baton.remaining();
                worth = trial.measured(&sample, last, size, remaining, || settings.threads());
            }
            step
        } else {
            let step = plain(
                control,
                work,
                state,
                baton,
                desk,
                &mut part,
                size.bytes(false),
                rows,
            );
            before.peak_rows = before.peak_rows.max(step.rows.min(1));
            let now = clock.now();
            let time = now - last;
            trial.ran(step.rows, time);
            unmeasured += time;
            last = now;
            step
        };
        before.read += step.rows as u64;
        before.bytes = before.bytes.saturating_add(step.bytes);
        chunk_rows += step.rows.min(size.most() - chunk_rows);
        let ended = step.flow == Flow::Ended;
        let full = chunk_rows == size.most() || size.is_long(last - chunk_start);
        if chunk_rows > 0 && (ended || worth || full) && step.whole && !desk.has_failed() {
            let reading = Reading {
                read: before.read,
                bytes: before.bytes,
                remaining: settings
                    .observer
                    .is_some()
                    .then(|| baton.remaining().map(|rows| rows as u64))
                    .flatten(),
                position: baton.source_position(),
            };
            if desk.close_chunk(reading) == Flow::Ended {
                break Start::Ended;
            }
            chunk_rows = 0;
            chunk_start = last;
        }
        if ended {
            break Start::Ended;
        }
        if worth {
            break Start::Worth;
        }
    };
    before.times.close(unmeasured);
    (start, before)
}

/// Takes `rows` records through the stages one after the other, and measures each stage.
#[expect(clippy::too_many_arguments, reason = "the loop above, cut in two")]
fn measured<S, W, K>(
    settings: &Settings,
    control: &Control,
    work: &W,
    state: &mut W::State,
    baton: &mut Baton<S>,
    desk: &mut Desk<'_, W, K, S::Error>,
    part: &mut Part<W, S::Error>,
    size: &ChunkSize,
    rows: usize,
    sample: &mut Sample,
) -> Step
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    let clock = &settings.clock;
    let begun = clock.now();
    part.chunk.clear();
    let counted = part.chunk.rows().is_some();
    let room = Room::controlled(rows, size.bytes(counted), control);
    let (pull, bytes) = baton.fill(&mut part.chunk, &room);
    let filled = clock.now();
    let rows = part.chunk.rows();
    let most = desk.most_failures();
    let done = part.work(
        work,
        state,
        most,
        desk.settled(),
        control,
        &mut Watch(control),
    );
    let rows = rows.unwrap_or(part.rows);
    let worked = clock.now();
    let ended = match pull {
        Pull::More => false,
        Pull::Ended => true,
        Pull::Stopped(stop) => {
            // The records that were made before come first, if all of them have been worked on.
            if part.rows == rows && part.stop.is_none() {
                part.stop = Some(stop);
            }
            true
        }
    };
    let mut position = desk.settled();
    let flow = desk.settle(&mut position, part);
    *sample = Sample {
        rows,
        fill: filled - begun,
        work: worked - filled,
        sink: clock.now() - worked,
    };
    // A part that was given up in the middle, because the run is over, is not the end of the source.
    let flow = if ended && !control.is_over() {
        Flow::Ended
    } else {
        flow
    };
    Step {
        rows,
        bytes,
        whole: done == Worked::Done,
        flow,
    }
}

/// Takes `rows` records through all stages, one record after the other.
#[expect(clippy::too_many_arguments, reason = "the loop above, cut in two")]
fn plain<S, W, K>(
    control: &Control,
    work: &W,
    state: &mut W::State,
    baton: &mut Baton<S>,
    desk: &mut Desk<'_, W, K, S::Error>,
    part: &mut Part<W, S::Error>,
    bytes: usize,
    rows: usize,
) -> Step
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    let first = desk.settled();
    let mut done = 0;
    let mut broken = None;
    let mut ended = false;
    let Part { chunk, buffer, .. } = part;
    let (pull, bytes) = baton.each(chunk, rows, bytes, control, |record| {
        let position = first + done as u64;
        buffer.clear();
        let (attempted, copy) = attempt(work, state, record, buffer);
        let flow = match attempted {
            Ok(Verdict::Output(output)) => desk.write(position, output, buffer),
            Ok(Verdict::Filtered) => {
                desk.filter(1);
                Flow::Going
            }
            Err(failure) => {
                let panicked = failure.panic().is_some();
                let rejection = Rejection {
                    fatal: judge(work, &failure, 1, position) == Judgement::Fatal,
                    failure,
                    attempts: 1,
                    record: copy.and_then(alone::<W>),
                };
                let flow = desk.skip(position, rejection);
                if panicked && flow == Flow::Going {
                    match contain(|| work.state()) {
                        Ok(fresh) => *state = fresh,
                        Err(panic) => broken = Some(panic),
                    }
                }
                flow
            }
        };
        done += 1;
        ended = flow == Flow::Ended;
        if ended || broken.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let position = first + done as u64;
    let flow = if ended {
        Flow::Ended
    } else if let Some(panic) = broken {
        desk.stopped(position, Stop::Panicked(Stage::State, panic))
    } else {
        match pull {
            Pull::More => Flow::Going,
            Pull::Ended => Flow::Ended,
            Pull::Stopped(stop) => desk.stopped(position, stop),
        }
    };
    // A chunk that was left in the middle has been read.
    let left = chunk.rows().unwrap_or(0);
    Step {
        rows: done + left,
        bytes,
        whole: left == 0,
        flow,
    }
}
