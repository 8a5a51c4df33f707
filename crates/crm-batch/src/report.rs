//! What a run did, in counts that add up.

use std::fmt;
use std::time::Duration;

use crate::Failure;

/// What a run did.
///
/// Every record that was read is accounted for: `read = written + skipped + abandoned`. A run that succeeded has
/// abandoned nothing. One that failed carries its report in the [`BatchError`](crate::BatchError); there, abandoned
/// are the record that ended it and those that were read ahead of it.
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
    pub(crate) written: u64,
    pub(crate) skips: Vec<Skip<E>>,
    pub(crate) chunks: u64,
    pub(crate) peak_rows: usize,
    pub(crate) elapsed: Duration,
}

impl<E> Report<E> {
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
        self.skips.len() as u64
    }

    /// Records that were read, but neither written nor skipped, because the run ended before; 0 after a success.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.read - self.written - self.skipped()
    }

    /// The records that were passed over, by position, with the reason of each.
    #[must_use]
    pub fn skips(&self) -> &[Skip<E>] {
        &self.skips
    }

    /// The same by value, to keep the errors or to go on with what they carry.
    #[must_use]
    pub fn into_skips(self) -> Vec<Skip<E>> {
        self.skips
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
            self.read,
            self.written,
            self.skipped()
        )?;
        if self.abandoned() > 0 {
            write!(f, ", {} abandoned", self.abandoned())?;
        }
        write!(f, " in {} chunks and {:?}", self.chunks, self.elapsed)
    }
}

/// A record that failed and was passed over.
#[derive(Debug)]
pub struct Skip<E> {
    pub(crate) position: u64,
    pub(crate) failure: Failure<E>,
}

impl<E> Skip<E> {
    /// The record's position in the source, counted from 0.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
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
