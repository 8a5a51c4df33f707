//! When the pool is worth it, and how large a chunk is.
//!
//! Pure arithmetic on measured times. The constants come from a study of eleven designs on two cores; what they decide
//! is told in the crate's design notes.

use std::mem::{needs_drop, size_of};
use std::time::Duration;

use crm_clock::Tick;

/// Work that a chunk should hold: long enough that handing it over (about a microsecond) costs nothing, short enough
/// to spread the end of a job over the threads and to stop soon.
const TARGET: Duration = Duration::from_millis(1);

/// Rows that an adaptive chunk has at most.
const MOST_ROWS: usize = 8_192;

/// Bytes of records or outputs, without what they own on the heap, that an adaptive chunk has at most: more would fall
/// out of a core's own cache between the fill and the work.
const MOST_BYTES: usize = 1 << 20;

/// Bytes with which the size of a block begins whose records the source does not count.
const FIRST_BYTES: usize = 1 << 16;

/// Bytes below which such a block does not shrink.
const LEAST_BYTES: usize = 1 << 10;

/// Rows with which the size begins when nothing has been measured.
const FIRST_ROWS: usize = 16;

/// A fill may take this many times the target before it shrinks the chunk. A source that blocks must not make chunks
/// so small that the work is handed over record by record.
const SLOW_FILL: u32 = 4;

/// A job that has run this long inline is not tiny.
const QUANTUM: Duration = Duration::from_micros(250);

/// Nor is one that has shown [`DEAR_RECORDS`] records with more than this many nanoseconds of work each.
const DEAR: f64 = 2_000.0;
const DEAR_RECORDS: usize = 4;

/// A single record that takes this long settles the matter alone.
const HEAVY: Duration = Duration::from_millis(10);

/// Nanoseconds of work that are worth a hand-over to a worker that has nothing to do.
const WORTH_SPLITTING: f64 = 50_000.0;

/// The share of one heavy record that the pool may cost if the others prove light, and what it costs to be begun.
const STAKE: f64 = 32.0;
const POOL_START: f64 = 10_000.0;

/// Time and rows of one step of the inline start, at most. The clock is read once a step.
const STEP_NANOS: f64 = 100_000.0;
const STEP_ROWS: usize = 256;

/// A measured step shorter than this says more about the clock than about the work.
const RESOLVED: Duration = Duration::from_micros(2);

/// Steps from one that is measured stage by stage to the next, once the job has proved light.
const MEASURE_EVERY: u32 = 64;

/// What buffers and hand-over cost for each record in nanoseconds.
const HANDOVER: f64 = 3.0;

/// The same for records or outputs that own memory: a chunk of them is alive at once, which is more than an allocator
/// keeps at hand for a thread, and with a second thread it takes its lock.
const HANDOVER_OWNED: f64 = 20.0;

/// The pool must promise to end in less than this share of the serial time.
const GAIN: f64 = 0.9;

/// The number of rows of the next chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkSize {
    rows: usize,
    most: usize,
    fixed: bool,
    /// Bytes of a block whose records the source does not count, and at most.
    bytes: usize,
    most_bytes: usize,
    /// Nanoseconds of work for each record in the last chunk; 0 when none has been measured.
    pace: f64,
    /// Nanoseconds that each record costs more in chunks than alone.
    handover: f64,
}

impl ChunkSize {
    /// The size that the user fixed, or one that adapts to the work on records of type `T` with outputs of type `R`.
    ///
    /// `most_bytes` is the bound that the user has set.
    pub(super) fn new<T, R>(fixed: Option<usize>, most_bytes: Option<usize>) -> Self {
        let each = size_of::<T>().max(size_of::<R>()).max(1);
        let bytes = most_bytes.unwrap_or(MOST_BYTES);
        let fits = (bytes / each).max(1);
        let most = match fixed {
            Some(rows) if most_bytes.is_some() => rows.min(fits),
            Some(rows) => rows,
            None => fits.min(MOST_ROWS),
        };
        Self {
            rows: if fixed.is_some() {
                most
            } else {
                FIRST_ROWS.min(most)
            },
            most,
            fixed: fixed.is_some(),
            bytes: FIRST_BYTES.min(bytes),
            most_bytes: bytes,
            pace: 0.0,
            handover: if needs_drop::<T>() || needs_drop::<R>() {
                HANDOVER_OWNED
            } else {
                HANDOVER
            },
        }
    }

    pub(super) fn rows(self) -> usize {
        self.rows
    }

    pub(super) fn most(self) -> usize {
        self.most
    }

    /// Bytes of the next chunk.
    pub(super) fn bytes(self, counted: bool) -> usize {
        if counted { self.most_bytes } else { self.bytes }
    }

    /// Whether so many records are worth a hand-over to another worker, as far as the last chunk tells. The first records of a
    /// job are: they may be few and heavy, and while one of them is worked on it is too late.
    pub(super) fn is_worth_splitting(self, rows: usize) -> bool {
        self.pace == 0.0 || self.pace * rows as f64 >= WORTH_SPLITTING
    }

    /// The rows of a chunk when `remaining` records are left: smaller towards the end, so that no thread is left alone
    /// with a large last chunk, but never less than a sixteenth of the normal size.
    pub(super) fn towards_the_end(self, remaining: usize, threads: usize) -> usize {
        if self.fixed {
            return self.rows;
        }
        let share = remaining / (2 * threads);
        share.clamp((self.rows / 16).max(1), self.rows)
    }

    /// Whether a record that took `work` should send the run to the pool at once: if so few are left that all of them can
    /// be handed over for a small share of what it cost. Should the others prove light, no more than that is lost.
    fn is_cheap_to_be_wrong(
        self,
        work: Duration,
        remaining: impl FnOnce() -> Option<usize>,
    ) -> bool {
        let stake = nanos(work) / STAKE;
        stake > POOL_START
            && remaining().is_some_and(|left| POOL_START + left as f64 * self.handover <= stake)
    }

    /// Begins at a quarter of the target, from the inline measurement of `work` nanoseconds for each record.
    fn begin(&mut self, work: f64) {
        if !self.fixed {
            self.rows = rows_for(nanos(TARGET) / 4.0, work, self.most);
        }
        self.pace = work;
    }

    /// Learns from a chunk: at most twice or half as large from now on.
    ///
    /// Chunks of another size than the present one say nothing, be it that they were begun at that size or that the
    /// source had no more: else several that end together would each double it.
    pub(super) fn adapt(&mut self, timing: &Timing) {
        let work = per_record(timing.work, timing.worked);
        if timing.worked > 0 {
            self.pace = work;
        }
        let time = timing.work.max(timing.fill / SLOW_FILL);
        let Some(rows) = timing.rows else {
            if timing.room == self.bytes && timing.full {
                if time < TARGET / 2 {
                    self.bytes = (self.bytes * 2).min(self.most_bytes);
                } else if time > TARGET * 2 {
                    self.bytes = (self.bytes / 2).max(LEAST_BYTES).min(self.most_bytes);
                }
            }
            return;
        };
        if self.fixed || rows != self.rows {
            return;
        }
        // Others may have worked on a part of it.
        let time = time.max(Duration::from_nanos((work * rows as f64) as u64));
        if time < TARGET / 2 {
            self.rows = (self.rows * 2).min(self.most);
        } else if time > TARGET * 2 {
            self.rows = (self.rows / 2).max(1);
        }
    }

    /// Whether an inline chunk that has run for `time` should be closed before it has all its rows.
    pub(super) fn is_long(self, time: Duration) -> bool {
        !self.fixed && time >= TARGET
    }
}

/// How long a chunk took, for the size of later ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timing {
    /// Rows that it was filled with, when the source counts.
    pub(super) rows: Option<usize>,
    /// Bytes that it might have been filled with, and whether the source had more.
    pub(super) room: usize,
    pub(super) full: bool,
    /// Rows that this worker has worked on.
    pub(super) worked: usize,
    pub(super) fill: Duration,
    pub(super) work: Duration,
}

/// One step of the inline start, measured stage by stage.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub(super) rows: usize,
    pub(super) fill: Duration,
    pub(super) work: Duration,
    pub(super) sink: Duration,
}

/// Watches the inline start, and says when to go to the pool.
#[derive(Debug)]
pub(super) struct Trial {
    start: Tick,
    step: usize,
    /// Steps to go until the next that is measured.
    unmeasured: u32,
    /// Nanoseconds for each record in the last measured step.
    pace: f64,
    /// Measured steps in a row that promised a gain.
    promises: u32,
    /// Dear records seen.
    dear: usize,
    /// Asked once, because asking may start a pool.
    threads: Option<usize>,
}

impl Trial {
    pub(super) fn new(start: Tick) -> Self {
        Self {
            start,
            step: 1,
            unmeasured: 0,
            pace: 0.0,
            promises: 0,
            dear: 0,
            threads: None,
        }
    }

    /// Rows of the next step.
    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// Whether the next step is to be measured stage by stage, which costs a buffer, or run record by record.
    pub(super) fn measures(&self) -> bool {
        self.unmeasured == 0 && self.threads != Some(1)
    }

    /// Learns from a step that ran record by record in `time`.
    pub(super) fn ran(&mut self, rows: usize, time: Duration) {
        self.unmeasured = self.unmeasured.saturating_sub(1);
        let pace = per_record(time, rows);
        if pace > 2.0 * self.pace {
            self.unmeasured = 0; // The work has become heavier: look again at once.
        }
        self.resize(pace, true);
    }

    /// Learns from a measured step. True when the pool is worth it; `size` is then set for the work.
    pub(super) fn measured(
        &mut self,
        sample: &Sample,
        now: Tick,
        size: &mut ChunkSize,
        remaining: impl FnOnce() -> Option<usize>,
        threads: impl FnOnce() -> usize,
    ) -> bool {
        let time = sample.fill + sample.work + sample.sink;
        let work = per_record(sample.work, sample.rows);
        self.pace = per_record(time, sample.rows);
        let resolved = time >= RESOLVED;
        self.resize(self.pace, resolved);
        if work > DEAR {
            self.dear += sample.rows;
        }
        let heavy = sample.rows == 1
            && (time >= HEAVY || size.is_cheap_to_be_wrong(sample.work, remaining));
        let tiny = now - self.start < QUANTUM && self.dear < DEAR_RECORDS && !heavy;
        if tiny {
            return false;
        }
        if !resolved && sample.rows < STEP_ROWS.min(size.most) {
            return false; // The next step is longer.
        }
        // The pool is asked for its threads, and so perhaps started, only when any number of them could gain.
        let gains = resolved && sample.gains(f64::INFINITY, size.handover) && {
            let threads = *self.threads.get_or_insert_with(threads);
            threads > 1 && sample.gains(threads as f64, size.handover)
        };
        if !gains {
            self.promises = 0;
            self.unmeasured = MEASURE_EVERY;
            return false;
        }
        self.promises += 1;
        // One step may have been interrupted, or have set something up for all later ones. A record so heavy that a
        // second look would cost much is believed at once.
        let sure = self.promises > 1 || heavy;
        if sure {
            size.begin(work);
        }
        sure
    }

    /// At most twice the last step, or four times the first if that was next to nothing, so that one light record does not let in
    /// a hundred heavy ones.
    fn resize(&mut self, pace: f64, resolved: bool) {
        let growth = if resolved || self.step > 1 { 2 } else { 4 };
        self.step = rows_for(STEP_NANOS, pace, STEP_ROWS).min(self.step * growth);
    }
}

impl Sample {
    /// Whether `threads` would end clearly sooner than one.
    ///
    /// Source and sink are run by one thread at a time, so that neither can be divided.
    fn gains(&self, threads: f64, handover: f64) -> bool {
        let fill = per_record(self.fill, self.rows);
        let sink = per_record(self.sink, self.rows);
        let serial = fill + per_record(self.work, self.rows) + sink;
        let parallel = (serial / threads).max(fill).max(sink) + handover;
        parallel < GAIN * serial
    }
}

/// Nanoseconds for each record.
fn per_record(time: Duration, rows: usize) -> f64 {
    nanos(time) / rows.max(1) as f64
}

/// Nanoseconds, without the detour of `as_nanos` through 128 bits.
fn nanos(time: Duration) -> f64 {
    time.as_secs() as f64 * 1e9 + f64::from(time.subsec_nanos())
}

/// Records that fit into `nanos` at `pace` nanoseconds each, from 1 to `most`; as many as possible when they cost nothing.
fn rows_for(nanos: f64, pace: f64, most: usize) -> usize {
    // The cast saturates, and division by zero gives infinity.
    ((nanos / pace) as usize).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_was_begun_at_another_size_changes_nothing() {
        let mut size = ChunkSize::new::<u64, u64>(None, None);
        let timing = Timing {
            rows: Some(FIRST_ROWS),
            worked: FIRST_ROWS,
            work: Duration::from_micros(1),
            ..Timing::default()
        };
        // Four chunks of the first size end one after the other: they double it once.
        for _ in 0..4 {
            size.adapt(&timing);
        }
        assert_eq!(size.rows(), 2 * FIRST_ROWS);
    }
}
