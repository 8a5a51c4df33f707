//! What a run did, in counts that add up.

use std::fmt;
use std::time::Duration;

use crate::engine::Times;
use crate::{Entry, Failure};

/// What a run did.
///
/// Every record that was read is accounted for: `read = written + filtered + skipped + not processed`. After a
/// run that succeeded the last is 0. One that failed carries its report in the [`BatchError`](crate::BatchError); there, not
/// processed are the record that ended it and those that were read ahead of it.
///
/// ```
/// use crm_batch::Batch;
///
/// let batch = Batch::builder().skip_limit(1).build()?;
/// let report = batch.run(["7", "x", "9"], |text| text.parse::<u32>(), |_| Ok::<(), std::io::Error>(()))?;
/// assert_eq!((report.read(), report.written(), report.skipped()), (3, 2, 1));
/// assert_eq!(report.skips()[0].position(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Report<E> {
    pub(crate) read: u64,
    pub(crate) bytes: u64,
    pub(crate) written: u64,
    pub(crate) filtered: u64,
    pub(crate) skipped: u64,
    pub(crate) skips: Vec<Skip<E>>,
    pub(crate) chunks: u64,
    pub(crate) before: Entry,
    pub(crate) committed: Option<Entry>,
    pub(crate) peak_rows: usize,
    pub(crate) elapsed: Duration,
    pub(crate) times: Times,
}

impl<E> Report<E> {
    /// The report of a run that has not begun.
    pub(crate) fn empty() -> Self {
        Self {
            read: 0,
            bytes: 0,
            written: 0,
            filtered: 0,
            skipped: 0,
            skips: Vec::new(),
            chunks: 0,
            before: Entry::default(),
            committed: None,
            peak_rows: 0,
            elapsed: Duration::ZERO,
            times: Times::default(),
        }
    }

    /// Records taken from the source.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Records whose output the sink accepted.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Records that failed and were passed over; at most the skip limit.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Records that were worked on and rightly have no output.
    #[must_use]
    pub fn filtered(&self) -> u64 {
        self.filtered
    }

    /// Records that were read, but neither written, filtered nor skipped, because the run ended before; 0 after a success.
    ///
    /// The records of a block that the source does not count are read when a worker takes them from it.
    #[must_use]
    pub fn not_processed(&self) -> u64 {
        self.read - self.written - self.filtered - self.skipped
    }

    /// Bytes that the source has read, if it tells.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Attempts that were made, or waited for, after a first one had failed.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.times.retries
    }

    /// Time spent in the source: filling chunks.
    ///
    /// While a run is on the caller's thread, stages are measured in one step of many, and the others are taken to be alike.
    #[must_use]
    pub fn source_time(&self) -> Duration {
        self.times.source
    }

    /// Time spent in the process function, summed over the workers.
    #[must_use]
    pub fn work_time(&self) -> Duration {
        self.times.work
    }

    /// Time spent in the sink, the dead letters and the observer.
    #[must_use]
    pub fn sink_time(&self) -> Duration {
        self.times.sink
    }

    /// The share of the run's time that each thread spent on it: the caller's first, if it took part as such, then those of
    /// the pool. A stage that has a thread of its own is not among them. Empty when no time has passed.
    ///
    /// When they are far from 1, the source or the sink is the bottleneck: see which of the two times is near
    /// [`elapsed`](Self::elapsed).
    pub fn utilisation(&self) -> impl Iterator<Item = f64> + '_ {
        let total = self.elapsed.as_secs_f64();
        let caller = Some(self.times.caller).filter(|time| !time.is_zero());
        caller
            .into_iter()
            .chain(self.times.workers.iter().copied())
            .filter(move |_| total > 0.0)
            .map(move |time| time.as_secs_f64() / total)
    }

    /// The records that were passed over, in the order in which they were settled, with the reason of each; none when a
    /// dead-letter sink has taken them.
    #[must_use]
    pub fn skips(&self) -> &[Skip<E>] {
        &self.skips
    }

    /// The same by value, to keep the errors or to go on with what they carry.
    #[must_use]
    pub fn into_skips(self) -> Vec<Skip<E>> {
        self.skips
    }

    /// What the earlier runs of the job have done that this one went on from; nothing when it began at the start. All other
    /// figures are of this run alone.
    #[must_use]
    pub fn before(&self) -> &Entry {
        &self.before
    }

    /// What is durable in a sink that keeps checkpoints, earlier runs included. After a failure this may be less than
    /// what was written: the sink has taken back, or will take back, what came after it.
    #[must_use]
    pub fn committed(&self) -> Option<&Entry> {
        self.committed.as_ref()
    }

    /// Chunks committed to the sink.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// The most records that were between source and sink at one time, as record or as output.
    ///
    /// It never exceeds the memory bound of the [crate guide](crate#memory).
    #[must_use]
    pub fn peak_rows(&self) -> usize {
        self.peak_rows
    }

    /// Time from the call of [`run`](crate::Batch::run) to its end, by the batch's clock.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl<E> fmt::Display for Report<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} read, {} written, {} skipped",
            self.read, self.written, self.skipped
        )?;
        for (count, name) in [
            (self.filtered, "filtered"),
            (self.not_processed(), "not processed"),
        ] {
            if count > 0 {
                write!(f, ", {count} {name}")?;
            }
        }
        write!(f, " in {} chunks and {:?}", self.chunks, self.elapsed)
    }
}

/// A record that failed and was passed over.
#[derive(Debug)]
pub struct Skip<E> {
    pub(crate) position: u64,
    pub(crate) failure: Failure<E>,
    pub(crate) attempts: u32,
}

impl<E> Skip<E> {
    /// The record's position in the source, counted from 0.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How often it was tried.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why it failed.
    #[must_use]
    pub fn failure(&self) -> &Failure<E> {
        &self.failure
    }

    /// The same by value.
    #[must_use]
    pub fn into_failure(self) -> Failure<E> {
        self.failure
    }
}
