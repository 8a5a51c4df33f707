//! The sink, the counts and the reason for the end.

use crm_clock::{Clock, Tick};

use super::chunk::Chunk;
use crate::panic::contain;
use crate::settings::{Observer, Settings};
use crate::{BatchError, Failure, Panic, Progress, Report, Skip, Stage};

/// Where records are settled, in the order of the source: written, skipped, or the end of the run.
///
/// There is one for each run, and it is moved, never shared: out of the gate by the worker whose chunk is the next in
/// order, and back when the chunk after that is not ready.
pub(super) struct Desk<'run, E, S, K> {
    sink: K,
    skip_limit: u64,
    written: u64,
    skips: Vec<Skip<E>>,
    chunks: u64,
    ending: Option<Ending<E, S>>,
    observer: Option<&'run Observer>,
    clock: &'run Clock,
    start: Tick,
}

/// Why a run ended before the end of its source.
enum Ending<E, S> {
    Process {
        position: u64,
        failure: Failure<E>,
    },
    Sink {
        position: u64,
        error: S,
    },
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

impl<'run, E, S, K> Desk<'run, E, S, K> {
    pub(super) fn new(sink: K, skip_limit: u64, settings: &'run Settings) -> Self {
        Self {
            sink,
            skip_limit,
            written: 0,
            skips: Vec::new(),
            chunks: 0,
            ending: None,
            observer: settings.observer.as_deref(),
            clock: &settings.clock,
            start: settings.clock.now(),
        }
    }

    pub(super) fn skip_limit(&self) -> u64 {
        self.skip_limit
    }

    pub(super) fn start(&self) -> Tick {
        self.start
    }

    /// Whether the run has ended before the end of its source.
    pub(super) fn has_failed(&self) -> bool {
        self.ending.is_some()
    }

    /// Gives one output to the sink.
    #[inline]
    pub(super) fn write<R>(&mut self, position: u64, output: R) -> Flow
    where
        K: FnMut(R) -> Result<(), S>,
    {
        match contain(|| (self.sink)(output)) {
            Ok(Ok(())) => {
                self.written += 1;
                Flow::Going
            }
            Ok(Err(error)) => self.end(Ending::Sink { position, error }),
            Err(panic) => self.end(Ending::Panicked {
                stage: Stage::Sink,
                position,
                panic,
            }),
        }
    }

    /// Passes over one failed record, or ends the run when the limit is used up.
    ///
    /// Records are settled in order, by one thread at a time, so the limit is exact without any further care.
    pub(super) fn skip(&mut self, position: u64, failure: Failure<E>) -> Flow {
        if self.skips.len() as u64 >= self.skip_limit {
            return self.end(Ending::Process { position, failure });
        }
        self.skips.push(Skip { position, failure });
        Flow::Going
    }

    /// Ends the run because the source panicked before it had made the record at `position`.
    pub(super) fn source_panicked(&mut self, position: u64, panic: Panic) -> Flow {
        self.end(Ending::Panicked {
            stage: Stage::Source,
            position,
            panic,
        })
    }

    /// Settles every record of a chunk.
    pub(super) fn settle<T, R>(&mut self, chunk: &mut Chunk<T, R, E>) -> Flow
    where
        K: FnMut(R) -> Result<(), S>,
    {
        let mut outputs = chunk.buffers.outputs.drain(..);
        let mut position = chunk.first;
        for (offset, failure) in chunk.buffers.failures.drain(..) {
            let failed = chunk.first + offset as u64;
            while position < failed {
                let Some(output) = outputs.next() else { break };
                if let Flow::Ended = self.write(position, output) {
                    return Flow::Ended;
                }
                position += 1;
            }
            if let Flow::Ended = self.skip(position, failure) {
                return Flow::Ended;
            }
            position += 1;
        }
        for output in outputs {
            if let Flow::Ended = self.write(position, output) {
                return Flow::Ended;
            }
            position += 1;
        }
        match chunk.panic.take() {
            None => Flow::Going,
            Some(panic) => self.source_panicked(position, panic),
        }
    }

    /// Counts a chunk that is settled, and tells the observer.
    pub(super) fn close_chunk(&mut self, read: u64) -> Flow {
        self.chunks += 1;
        let Some(observer) = self.observer else {
            return Flow::Going;
        };
        let skipped = self.skips.len() as u64;
        let progress = Progress {
            read,
            written: self.written,
            skipped,
            chunks: self.chunks,
            elapsed: self.clock.now() - self.start,
        };
        match contain(|| observer(&progress)) {
            Ok(()) => Flow::Going,
            Err(panic) => self.end(Ending::Panicked {
                stage: Stage::Observer,
                position: self.written + skipped,
                panic,
            }),
        }
    }

    /// Ends the run.
    fn end(&mut self, ending: Ending<E, S>) -> Flow {
        self.ending = Some(ending);
        Flow::Ended
    }

    /// Makes the report, after the last record.
    pub(super) fn finish(self, read: u64, peak_rows: usize) -> Result<Report<E>, BatchError<E, S>> {
        let report = Report {
            read,
            written: self.written,
            skips: self.skips,
            chunks: self.chunks,
            peak_rows,
            elapsed: self.clock.now() - self.start,
        };
        let Some(ending) = self.ending else {
            return Ok(report);
        };
        let report = Box::new(report);
        Err(match ending {
            Ending::Process { position, failure } => BatchError::Process {
                position,
                failure,
                report,
            },
            Ending::Sink { position, error } => BatchError::Sink {
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
