//! The sink, the counts and the reason for the end.

use std::io;
use std::time::Duration;

use crm_clock::{Clock, Tick};

use super::part::{Fate, Part, Rejection, Stop};
use super::times::Times;
use crate::control::Cause;
use crate::outlet::{Outlet, Rejected};
use crate::panic::contain;
use crate::settings::{Observer, Settings};
use crate::work::Work;
use crate::{
    BatchError, End, Entry, Failure, JobId, Panic, Position, Progress, Refusal, Report, Skip,
    SkipLimit, Stage,
};

/// Where records are settled: written, filtered, skipped, or the end of the run.
///
/// There is one for each run, and it is moved, never shared: out of the gate by the worker whose chunk is due, and back
/// when no other is ready.
pub(super) struct Desk<'run, W: Work, K: Outlet<W>, I> {
    outlet: K,
    limit: SkipLimit,
    /// What earlier runs of the job have done.
    before: Entry,
    /// What is settled, earlier runs included; its place is the end of the last whole chunk.
    entry: Entry,
    /// Records in the whole chunks.
    whole: u64,
    skips: Vec<Skip<W::Error>>,
    ending: Option<Ending<W::Error, K::Error, I>>,
    observer: Option<&'run Observer>,
    clock: &'run Clock,
    start: Tick,
}

/// Why a run ended before the end of its source.
enum Ending<E, S, I> {
    NoThread(io::Error),
    Process {
        position: u64,
        failure: Failure<E>,
        attempts: u32,
    },
    Share,
    Sink {
        position: u64,
        error: S,
    },
    Letters {
        position: u64,
        error: S,
    },
    Source {
        position: u64,
        error: I,
    },
    Refused(Refusal),
    Panicked {
        stage: Stage,
        position: u64,
        panic: Panic,
    },
}

/// Whether the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Going,
    Ended,
}

/// How far the source has been read when a chunk is closed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) read: u64,
    pub(super) bytes: u64,
    /// Records that the source has left, when it knows.
    pub(super) remaining: Option<u64>,
    /// Where the source would go on after the chunk.
    pub(super) position: Option<Position>,
}

impl<'run, W: Work, K: Outlet<W>, I> Desk<'run, W, K, I> {
    pub(super) fn new(outlet: K, limit: SkipLimit, settings: &'run Settings, start: Tick) -> Self {
        Self {
            outlet,
            limit,
            before: Entry::default(),
            entry: Entry::default(),
            whole: 0,
            skips: Vec::new(),
            ending: None,
            observer: settings.observer.as_deref(),
            clock: &settings.clock,
            start,
        }
    }

    /// Tells the sink that the run begins, and where.
    pub(super) fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Flow {
        if let Some(&from) = from {
            self.before = from;
            self.entry = from;
            self.whole = from.records - from.past;
        }
        let position = self.entry.records;
        match contain(|| self.outlet.begin(job, from)) {
            Ok(Ok(())) => Flow::Going,
            Ok(Err(error)) => self.end(Ending::Sink { position, error }),
            Err(panic) => self.stopped(position, Stop::Panicked(Stage::Sink, panic)),
        }
    }

    /// The sink, to look for a checkpoint.
    pub(super) fn outlet(&mut self) -> &mut K {
        &mut self.outlet
    }

    /// Ends the run because the sink failed before it began.
    pub(super) fn failed(&mut self, error: K::Error) -> Flow {
        self.end(Ending::Sink { position: 0, error })
    }

    /// Ends the run because a thread for it could not be started.
    pub(super) fn no_thread(&mut self, error: io::Error) {
        self.end(Ending::NoThread(error));
    }

    /// Failures in one part after which that part ends the run.
    pub(super) fn most_failures(&self) -> u64 {
        self.limit.most()
    }

    pub(super) fn start(&self) -> Tick {
        self.start
    }

    /// Whether the run has ended before the end of its source.
    pub(super) fn has_failed(&self) -> bool {
        self.ending.is_some()
    }

    /// Records that are settled, which is the position of the next one when they are settled in order.
    #[inline]
    pub(super) fn settled(&self) -> u64 {
        self.entry.written + self.entry.filtered + self.entry.skipped
    }

    /// Counts records that have no output and are not to have one.
    #[inline]
    pub(super) fn filter(&mut self, records: u64) {
        self.entry.filtered += records;
    }

    /// Ends the run.
    fn end(&mut self, ending: Ending<W::Error, K::Error, I>) -> Flow {
        self.ending = Some(ending);
        Flow::Ended
    }

    /// Ends the run because a stage panicked before the record at `position` was made.
    pub(super) fn stopped(&mut self, position: u64, stop: Stop<I>) -> Flow {
        self.end(match stop {
            Stop::Source(error) => Ending::Source { position, error },
            Stop::Refused(refusal) => Ending::Refused(refusal),
            Stop::Panicked(stage, panic) => Ending::Panicked {
                stage,
                position,
                panic,
            },
        })
    }

    /// Gives one output to the sink.
    #[inline]
    pub(super) fn write(&mut self, position: u64, output: W::Output, buffer: &W::Buffer) -> Flow {
        match contain(|| self.outlet.write(position, output, buffer)) {
            Ok(Ok(())) => {
                self.entry.written += 1;
                Flow::Going
            }
            Ok(Err(error)) => self.end(Ending::Sink { position, error }),
            Err(panic) => self.stopped(position, Stop::Panicked(Stage::Sink, panic)),
        }
    }

    /// Passes over one failed record, or ends the run when the limit is used up.
    ///
    /// Records are settled by one thread at a time, and in order unless the user wants it otherwise, so the limit is exact
    /// without any further care.
    pub(super) fn skip(&mut self, position: u64, rejection: Rejection<W>) -> Flow {
        let Rejection {
            failure,
            attempts,
            fatal,
            record,
        } = rejection;
        if fatal || !self.limit.allows(self.entry.skipped, self.settled()) {
            return self.end(Ending::Process {
                position,
                failure,
                attempts,
            });
        }
        let skip = Skip {
            position,
            failure,
            attempts,
        };
        match contain(|| self.outlet.reject(skip, record)) {
            Ok(Rejected::Kept(skip)) => self.skips.push(skip),
            Ok(Rejected::Taken) => (),
            Ok(Rejected::Refused(error)) => return self.end(Ending::Letters { position, error }),
            Err(panic) => {
                return self.stopped(position, Stop::Panicked(Stage::DeadLetters, panic));
            }
        }
        self.entry.skipped += 1;
        Flow::Going
    }

    /// Settles every record of a part; `position` is that of its first record, and then that of the one after its last.
    pub(super) fn settle(&mut self, position: &mut u64, part: &mut Part<W, I>) -> Flow {
        if part.gaps.is_empty() {
            let mut at = *position;
            for output in part.outputs.drain(..) {
                if let Flow::Ended = self.write(at, output, &part.buffer) {
                    return Flow::Ended;
                }
                at += 1;
            }
            *position = at;
        } else if let Flow::Ended = self.settle_gaps(position, part) {
            return Flow::Ended;
        }
        match part.stop.take() {
            None => Flow::Going,
            Some(stop) => self.stopped(*position, stop),
        }
    }

    /// The same for a part with records that have no output in their place.
    fn settle_gaps(&mut self, position: &mut u64, part: &mut Part<W, I>) -> Flow {
        let first = *position;
        let mut at = first;
        let mut outputs = part.outputs.drain(..);
        for gap in part.gaps.drain(..) {
            let until = first + gap.offset as u64;
            while at < until {
                let Some(output) = outputs.next() else { break };
                if let Flow::Ended = self.write(at, output, &part.buffer) {
                    return Flow::Ended;
                }
                at += 1;
            }
            let flow = match gap.fate {
                Fate::Filtered(records) => {
                    self.filter(records as u64);
                    at += records as u64 - 1;
                    Flow::Going
                }
                Fate::Late(output, buffer) => self.write(at, output, &buffer),
                Fate::Rejected(rejection) => self.skip(at, rejection),
                Fate::Waiting => unreachable!("a chunk is complete when it is settled"),
            };
            if flow == Flow::Ended {
                return Flow::Ended;
            }
            at += 1;
        }
        for output in outputs {
            if let Flow::Ended = self.write(at, output, &part.buffer) {
                return Flow::Ended;
            }
            at += 1;
        }
        *position = at;
        Flow::Going
    }

    /// Counts a chunk that is settled, and tells the sink and the observer.
    pub(super) fn close_chunk(&mut self, reading: Reading) -> Flow {
        let position = self.settled();
        self.whole = position;
        self.entry.chunks += 1;
        self.entry.position = reading.position;
        let entry = self.entry();
        match contain(|| self.outlet.commit(&entry)) {
            Ok(Ok(())) => (),
            Ok(Err(error)) => return self.end(Ending::Sink { position, error }),
            Err(panic) => return self.stopped(position, Stop::Panicked(Stage::Sink, panic)),
        }
        let Some(observer) = self.observer else {
            return Flow::Going;
        };
        let progress = Progress {
            read: reading.read,
            bytes: reading.bytes,
            before: self.before.records,
            start: self.before.position,
            written: self.entry.written - self.before.written,
            filtered: self.entry.filtered - self.before.filtered,
            skipped: self.entry.skipped - self.before.skipped,
            chunks: self.entry.chunks - self.before.chunks,
            elapsed: self.clock.now() - self.start,
            total: reading
                .remaining
                .map(|remaining| reading.read.saturating_add(remaining)),
        };
        match contain(|| observer(&progress)) {
            Ok(()) => Flow::Going,
            Err(panic) => self.stopped(position, Stop::Panicked(Stage::Observer, panic)),
        }
    }

    /// The line for a ledger as of now.
    fn entry(&self) -> Entry {
        let records = self.settled();
        Entry {
            records,
            past: match self.entry.position {
                Some(_) => records - self.whole,
                None => records,
            },
            ..self.entry
        }
    }

    /// Tells the sink that the run has ended, unless it is the sink that panicked; returns what is durable.
    fn close(&mut self, end: End) -> Option<Entry> {
        let mute = matches!(
            self.ending,
            Some(
                Ending::Refused(_)
                    | Ending::Panicked {
                        stage: Stage::Sink | Stage::DeadLetters,
                        ..
                    }
            )
        );
        if !mute {
            let entry = self.entry();
            let position = entry.records;
            let finished = contain(|| self.outlet.finish(&entry, end));
            if self.ending.is_none() && end == End::Complete {
                match finished {
                    Ok(Ok(())) => (),
                    Ok(Err(error)) => self.ending = Some(Ending::Sink { position, error }),
                    Err(panic) => {
                        self.stopped(position, Stop::Panicked(Stage::Sink, panic));
                    }
                }
            }
        }
        contain(|| self.outlet.committed()).unwrap_or(None)
    }

    /// Makes the report, after the last record.
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    pub(super) fn finish(
        mut self,
        read: u64,
        bytes: u64,
        peak_rows: usize,
        mut times: Times,
        cause: Option<Cause>,
    ) -> Result<Report<W::Error>, BatchError<W::Error, K::Error, I>> {
        let settled = self.settled();
        if self.ending.is_none()
            && cause.is_none()
            && !self.limit.share_allows(self.entry.skipped, settled)
        {
            self.ending = Some(Ending::Share);
        }
        let complete = self.ending.is_none() && cause.is_none();
        let closing = self.clock.now();
        let committed = self.close(if complete { End::Complete } else { End::Early });
        times.sink += self.clock.now() - closing;
        let elapsed: Duration = self.clock.now() - self.start;
        let report = Report {
            read,
            bytes,
            written: self.entry.written - self.before.written,
            filtered: self.entry.filtered - self.before.filtered,
            skipped: self.entry.skipped - self.before.skipped,
            skips: self.skips,
            chunks: self.entry.chunks - self.before.chunks,
            before: self.before,
            committed,
            peak_rows,
            elapsed,
            times,
        };
        let ending = match (self.ending, cause) {
            (None, None) => return Ok(report),
            (Some(ending), _) => ending,
            (None, Some(cause)) => {
                let (position, report) = (settled, Box::new(report));
                return Err(match cause {
                    Cause::Cancelled => BatchError::Cancelled { position, report },
                    Cause::Late => BatchError::DeadlineExceeded { position, report },
                });
            }
        };
        let report = Box::new(report);
        Err(match ending {
            Ending::Process {
                position,
                failure,
                attempts,
            } => BatchError::Process {
                position,
                failure,
                attempts,
                report,
            },
            Ending::NoThread(error) => BatchError::Thread { error, report },
            Ending::Share => BatchError::SkipShare { report },
            Ending::Refused(refusal) => BatchError::Checkpoint { refusal, report },
            Ending::Sink { position, error } => BatchError::Sink {
                position,
                error,
                report,
            },
            Ending::Letters { position, error } => BatchError::DeadLetters {
                position,
                error,
                report,
            },
            Ending::Source { position, error } => BatchError::Source {
                position,
                error,
                report,
            },
            Ending::Panicked {
                stage,
                position,
                panic,
            } => BatchError::Panicked {
                stage,
                position,
                panic,
                report,
            },
        })
    }
}
