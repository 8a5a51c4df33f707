//! A chunk, or a part of one, and the work on it.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::chunk::first_rows;
use crate::control::Control;
use crate::panic::contain;
use crate::row::Buffer;
use crate::work::{Judgement, Record, Work};
use crate::{Chunk, Failure, Panic, Refusal, Stage, Verdict};

/// A chunk, or a part of one: its records before the work, its outputs after it. Its buffers are used again, and it is boxed
/// in the pool, where it changes hands often.
pub(super) struct Part<W: Work, I> {
    pub(super) chunk: W::Chunk,
    /// The outputs in order, without gaps.
    pub(super) outputs: Vec<W::Output>,
    /// What the outputs lie in together, when they do.
    pub(super) buffer: W::Buffer,
    /// The records without an output in their place, by their offset, in order.
    pub(super) gaps: Vec<Gap<W>>,
    /// Records that have been worked on.
    pub(super) rows: usize,
    /// What followed the last of them and ends the run.
    pub(super) stop: Option<Stop<I>>,
}

/// A record that has no output among the others, or several in a row that were filtered.
pub(super) struct Gap<W: Work> {
    pub(super) offset: usize,
    pub(super) fate: Fate<W>,
}

/// What became of a record that has no output among the others.
pub(super) enum Fate<W: Work> {
    /// It and those after it, so many in all, were filtered.
    Filtered(usize),
    Rejected(Rejection<W>),
    /// It waits for its retry.
    Waiting,
    /// Its retry gave an output.
    Late(W::Output, W::Buffer),
}

/// A record that failed for good.
pub(super) struct Rejection<W: Work> {
    pub(super) failure: Failure<W::Error>,
    pub(super) attempts: u32,
    pub(super) fatal: bool,
    pub(super) record: Option<W::Chunk>,
}

/// What ends a run after the records before it.
pub(super) enum Stop<I> {
    Panicked(Stage, Panic),
    Source(I),
    Refused(Refusal),
}

/// What a worker hears and says while it works on a part.
pub(super) trait Attend<W: Work> {
    /// Called before a record while the control is raised. Breaks when the run is over.
    fn hear(&mut self, chunk: &mut W::Chunk, rows: usize) -> ControlFlow<()>;

    /// Puts a record aside until its retry; it may be refused by giving it back.
    fn later(&mut self, offset: usize, delay: Duration, record: W::Chunk);
}

/// How the work on a part ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worked {
    /// It is to be handed in: all is done, or what is done ends the run.
    Done,
    /// The run is over, and the part with it.
    Over,
}

impl<W: Work, I> Default for Part<W, I> {
    fn default() -> Self {
        Self {
            chunk: W::Chunk::default(),
            outputs: Vec::new(),
            buffer: W::Buffer::default(),
            gaps: Vec::new(),
            rows: 0,
            stop: None,
        }
    }
}

impl<W: Work, I> Part<W, I> {
    /// Works on every record, and leaves its output or what became of it.
    ///
    /// It stops early when nothing of the rest can reach the sink any more: when the run is over, or when this part alone
    /// ends it, by a fatal failure or by more than `most_failures`.
    pub(super) fn work(
        &mut self,
        work: &W,
        state: &mut W::State,
        most_failures: u64,
        salt: u64,
        control: &Control,
        attend: &mut impl Attend<W>,
    ) -> Worked {
        let mut rows = self.chunk.rows().unwrap_or(0);
        if self.outputs.capacity() == 0 && rows > 0 {
            rows = rows.max(first_rows::<W::Output>());
        }
        self.outputs.reserve(rows);
        self.buffer.clear();
        let mut failures = 0_u64;
        // Records without an output among the others. Their number and that of the outputs is that of all.
        let mut gaps = 0;
        let worked = loop {
            if control.is_raised()
                && attend
                    .hear(&mut self.chunk, self.outputs.len() + gaps)
                    .is_break()
            {
                break Worked::Over;
            }
            let mut copy = None;
            let mut taken = false;
            let attempted = {
                let (chunk, buffer) = (&mut self.chunk, &mut self.buffer);
                let (state, copy, taken) = (&mut *state, &mut copy, &mut taken);
                contain(move || {
                    let record = chunk.next()?;
                    *taken = true;
                    *copy = work.copy(&record);
                    Some(work.process(state, record, buffer))
                })
            };
            let attempted = match attempted {
                Ok(Some(attempted)) => attempted.map_err(Failure::Error),
                Ok(None) => break Worked::Done,
                Err(panic) if taken => Err(Failure::Panicked(panic)),
                Err(panic) => {
                    // The chunk is the source's, and so is what it does while a record is taken from it.
                    self.stop = Some(Stop::Panicked(Stage::Source, panic));
                    break Worked::Done;
                }
            };
            match attempted {
                Ok(Verdict::Output(output)) => self.outputs.push(output),
                Ok(Verdict::Filtered) => {
                    let rows = self.outputs.len() + gaps;
                    match self.gaps.last_mut() {
                        Some(Gap {
                            offset,
                            fate: Fate::Filtered(run),
                        }) if *offset + *run == rows => *run += 1,
                        _ => self.gaps.push(Gap {
                            offset: rows,
                            fate: Fate::Filtered(1),
                        }),
                    }
                    gaps += 1;
                }
                Err(failure) => {
                    let rows = self.outputs.len() + gaps;
                    let copy = copy.and_then(alone::<W>);
                    let panicked = failure.panic().is_some();
                    let judgement = judge(work, &failure, 1, salt.wrapping_add(rows as u64));
                    let (fate, fatal) = match (judgement, copy) {
                        (Judgement::Again(delay), Some(record)) => {
                            attend.later(rows, delay, record);
                            (Fate::Waiting, false)
                        }
                        (judgement, record) => {
                            failures += 1;
                            let fatal = judgement == Judgement::Fatal;
                            let rejection = Rejection {
                                failure,
                                attempts: 1,
                                fatal,
                                record,
                            };
                            (Fate::Rejected(rejection), fatal)
                        }
                    };
                    self.gaps.push(Gap { offset: rows, fate });
                    gaps += 1;
                    if fatal || failures > most_failures {
                        break Worked::Done;
                    }
                    // What a panic has left of the state is not to be trusted.
                    if panicked {
                        match contain(|| work.state()) {
                            Ok(fresh) => *state = fresh,
                            Err(panic) => {
                                self.stop = Some(Stop::Panicked(Stage::State, panic));
                                break Worked::Done;
                            }
                        }
                    }
                }
            }
        };
        self.rows = self.outputs.len() + gaps;
        worked
    }
}

/// Works on one record, and gives back the copy that the work keeps of it; a panic, be it of the copying, goes no further than
/// that.
// Always: left to itself the compiler calls it, and moves record and result through memory, which is 60 instructions a record.
#[inline(always)]
#[expect(
    clippy::type_complexity,
    reason = "an alias would hide what a caller gets"
)]
pub(super) fn attempt<'r, W: Work>(
    work: &W,
    state: &mut W::State,
    record: Record<'r, W>,
    buffer: &mut W::Buffer,
) -> (
    Result<Verdict<W::Output>, Failure<W::Error>>,
    Option<Record<'r, W>>,
) {
    let mut copy = None;
    // Two calls, so that a job that keeps none has no copy whose place the catch could reach.
    let attempted = if W::KEEPS {
        let kept = &mut copy;
        contain(move || {
            *kept = work.copy(&record);
            work.process(state, record, buffer)
        })
    } else {
        contain(move || work.process(state, record, buffer))
    };
    let attempted = match attempted {
        Ok(attempted) => attempted.map_err(Failure::Error),
        Err(panic) => Err(Failure::Panicked(panic)),
    };
    (attempted, copy)
}

/// A chunk of this record alone; none when making it panics, as if no copy had been kept.
pub(super) fn alone<W: Work>(record: Record<'_, W>) -> Option<W::Chunk> {
    contain(|| W::Chunk::only(record)).ok()
}

/// Asks what becomes of a failure; a panic of who is asked is as good as a fatal failure.
pub(super) fn judge<W: Work>(
    work: &W,
    failure: &Failure<W::Error>,
    attempts: u32,
    salt: u64,
) -> Judgement {
    contain(|| work.judge(failure, attempts, salt)).unwrap_or(Judgement::Fatal)
}
