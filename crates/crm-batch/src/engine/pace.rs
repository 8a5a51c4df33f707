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
    /// Nanoseconds that each record costs more in chunks than alone.
    handover: f64,
}

impl ChunkSize {
    /// The size that the user fixed, or one that adapts to the work on records of type `T` with outputs of type `R`.
    pub(super) fn new<T, R>(fixed: Option<usize>) -> Self {
        let bytes = size_of::<T>().max(size_of::<R>()).max(1);
        let most = fixed.unwrap_or((MOST_BYTES / bytes).clamp(1, MOST_ROWS));
        Self {
            rows: fixed.unwrap_or(FIRST_ROWS.min(most)),
            most,
            fixed: fixed.is_some(),
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

    /// The rows of a chunk when `remaining` records are left: smaller towards the end, so that no thread is left alone
    /// with a large last chunk, but never less than a sixteenth of the normal size.
    pub(super) fn towards_the_end(self, remaining: usize, threads: usize) -> usize {
        if self.fixed {
            return self.rows;
        }
        let share = remaining / (2 * threads);
        share.clamp((self.rows / 16).max(1), self.rows)
    }

    /// Begins at a quarter of the target, from the inline measurement of `work` nanoseconds for each record.
    fn begin(&mut self, work: f64) {
        if !self.fixed {
            self.rows = rows_for(TARGET.as_nanos() as f64 / 4.0, work, self.most);
        }
    }

    /// Learns from a chunk of `rows`: at most twice or half as many from now on.
    ///
    /// Chunks of another size than the present one say nothing, be it that they were begun at that size or that the
    /// source had no more: else several that end together would each double it.
    pub(super) fn adapt(&mut self, rows: usize, fill: Duration, work: Duration) {
        if self.fixed || rows != self.rows {
            return;
        }
        let time = work.max(fill / SLOW_FILL);
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
        self.resize(pace);
    }

    /// Learns from a measured step. True when the pool is worth it; `size` is then set for the work.
    pub(super) fn measured(
        &mut self,
        sample: &Sample,
        now: Tick,
        size: &mut ChunkSize,
        threads: impl FnOnce() -> usize,
    ) -> bool {
        let time = sample.fill + sample.work + sample.sink;
        let work = per_record(sample.work, sample.rows);
        self.pace = per_record(time, sample.rows);
        self.resize(self.pace);
        if work > DEAR {
            self.dear += sample.rows;
        }
        let tiny = now - self.start < QUANTUM && self.dear < DEAR_RECORDS;
        if tiny {
            return false;
        }
        let resolved = time >= RESOLVED;
        if !resolved && sample.rows < STEP_ROWS.min(size.most) {
            return false; // The next step is twice as long.
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
        let sure = self.promises > 1 || (sample.rows == 1 && time >= HEAVY);
        if sure {
            size.begin(work);
        }
        sure
    }

    /// At most twice the last step, so that one light record does not let in a hundred heavy ones.
    fn resize(&mut self, pace: f64) {
        self.step = rows_for(STEP_NANOS, pace, STEP_ROWS).min(self.step * 2);
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
    time.as_nanos() as f64 / rows.max(1) as f64
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
        let mut size = ChunkSize::new::<u64, u64>(None);
        let short = Duration::from_micros(1);
        // Four chunks of the first size end one after the other: they double it once.
        for _ in 0..4 {
            size.adapt(FIRST_ROWS, Duration::ZERO, short);
        }
        assert_eq!(size.rows(), 2 * FIRST_ROWS);
    }
}
