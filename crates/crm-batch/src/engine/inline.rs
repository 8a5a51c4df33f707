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

use crm_clock::Tick;

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
    let mut steps = Steps::new(inline);
    let start = steps.run();
    steps.before.times.close(steps.unmeasured);
    (start, steps.before)
}

/// The start, and how far it has come.
struct Steps<'run, 'desk, S: Source, W: Work, K: Outlet<W>> {
    inline: Inline<'run, 'desk, S, W, K>,
    part: Part<W, S::Error>,
    trial: Trial,
    before: Before,
    /// Time of the plain steps.
    unmeasured: Duration,
    /// Records since the last commit, and when they were begun: what the pool would call a chunk.
    chunk_rows: usize,
    chunk_start: Tick,
    /// When the last step ended.
    last: Tick,
}

impl<'run, 'desk, S, W, K> Steps<'run, 'desk, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    fn new(inline: Inline<'run, 'desk, S, W, K>) -> Self {
        let start = inline.desk.start();
        Self {
            inline,
            part: Part::default(),
            trial: Trial::new(start),
            before: Before {
                read: 0,
                bytes: 0,
                peak_rows: 0,
                times: Times::default(),
            },
            unmeasured: Duration::ZERO,
            chunk_rows: 0,
            chunk_start: start,
            last: start,
        }
    }

    fn run(&mut self) -> Start {
        loop {
            if self.is_over() {
                return Start::Over;
            }
            let rows = self
                .trial
                .step()
                .min(self.inline.size.most() - self.chunk_rows);
            // What is to be passed over is so in the fill of a chunk.
            let (step, worth) = if self.trial.measures() || self.inline.baton.passes_over() {
                self.measured_step(rows)
            } else {
                (self.plain_step(rows), false)
            };
            self.before.read += step.rows as u64;
            self.before.bytes = self.before.bytes.saturating_add(step.bytes);
            self.chunk_rows += step.rows.min(self.inline.size.most() - self.chunk_rows);
            let ended = step.flow == Flow::Ended;
            if step.whole && self.is_chunk(ended || worth) && self.close_chunk() == Flow::Ended {
                return Start::Ended;
            }
            if ended {
                return Start::Ended;
            }
            if worth {
                return Start::Worth;
            }
        }
    }

    /// Whether the run is over; waits while it is paused.
    fn is_over(&self) -> bool {
        let control = self.inline.control;
        if !control.is_raised() {
            return false;
        }
        control.wait(|| {
            if control.is_paused() && !control.is_over() {
                Err(None)
            } else {
                Ok(())
            }
        });
        control.is_over()
    }

    /// A step that is measured, and whether the pool is worth it by what was seen.
    fn measured_step(&mut self, rows: usize) -> (Step, bool) {
        let settings = self.inline.settings;
        let (step, sample) = self.measured(rows);
        self.before.peak_rows = self.before.peak_rows.max(step.rows);
        self.last = settings.clock.now();
        self.before.times.add(&sample);
        let baton = &*self.inline.baton;
        let worth = step.flow == Flow::Going
            && self.trial.measured(
                &sample,
                self.last,
                self.inline.size,
                || baton.remaining(),
                || settings.threads(),
            );
        (step, worth)
    }

    /// A step that is not measured but as a whole.
    fn plain_step(&mut self, rows: usize) -> Step {
        let step = self.plain(rows);
        self.before.peak_rows = self.before.peak_rows.max(step.rows.min(1));
        let now = self.inline.settings.clock.now();
        let time = now - self.last;
        self.trial.ran(step.rows, time);
        self.unmeasured += time;
        self.last = now;
        step
    }

    /// Whether what was settled since the last commit is to be committed: because it is `last`, is many records, or took long.
    fn is_chunk(&self, last: bool) -> bool {
        let full = self.chunk_rows == self.inline.size.most()
            || self.inline.size.is_long(self.last - self.chunk_start);
        self.chunk_rows > 0 && (last || full) && !self.inline.desk.has_failed()
    }

    fn close_chunk(&mut self) -> Flow {
        let Inline {
            settings,
            baton,
            desk,
            ..
        } = &mut self.inline;
        let reading = Reading {
            read: self.before.read,
            bytes: self.before.bytes,
            remaining: settings
                .observer
                .is_some()
                .then(|| baton.remaining().map(|rows| rows as u64))
                .flatten(),
            position: baton.source_position(),
        };
        let flow = desk.close_chunk(reading);
        self.chunk_rows = 0;
        self.chunk_start = self.last;
        flow
    }

    /// Takes `rows` records through the stages one after the other, and measures each stage.
    fn measured(&mut self, rows: usize) -> (Step, Sample) {
        let part = &mut self.part;
        let Inline {
            settings,
            control,
            work,
            state,
            baton,
            desk,
            size,
        } = &mut self.inline;
        let (control, clock) = (*control, &settings.clock);
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
        let sample = Sample {
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
        let step = Step {
            rows,
            bytes,
            whole: done == Worked::Done,
            flow,
        };
        (step, sample)
    }

    /// Takes `rows` records through all stages, one record after the other.
    fn plain(&mut self, rows: usize) -> Step {
        let Part { chunk, buffer, .. } = &mut self.part;
        let Inline {
            control,
            work,
            state,
            baton,
            desk,
            size,
            ..
        } = &mut self.inline;
        let (control, work) = (*control, *work);
        let (state, baton, desk) = (&mut **state, &mut **baton, &mut **desk);
        let bytes = size.bytes(false);
        let first = desk.settled();
        let mut done = 0;
        let mut broken = None;
        let mut ended = false;
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
}
