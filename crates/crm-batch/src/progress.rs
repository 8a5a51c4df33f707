//! How far a run has come.

use std::time::Duration;

use crate::Position;

/// How far a run has come, as told to the observer after each chunk.
///
/// The counts only grow, and the observer sees them in order. `read` is ahead of `written + filtered + skipped` by
/// what is in flight.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub(crate) before: u64,
    pub(crate) start: Option<Position>,
    pub(crate) read: u64,
    pub(crate) bytes: u64,
    pub(crate) written: u64,
    pub(crate) filtered: u64,
    pub(crate) skipped: u64,
    pub(crate) chunks: u64,
    pub(crate) elapsed: Duration,
    pub(crate) total: Option<u64>,
}

impl Progress {
    /// Records that were done by the earlier runs that this one goes on from; the other counts are of this run alone.
    #[must_use]
    pub fn before(&self) -> u64 {
        self.before
    }

    /// Where in the source this run went on, in the source's own terms; `None` when it began at the start, or when the source
    /// has no places. Of a file it is the byte, so that a bar that counts bytes stands at `start + bytes`, less the header of a CSV
    /// file that is read from its start: it is read before the run.
    ///
    /// ```
    /// use crm_batch::Progress;
    ///
    /// fn byte(progress: &Progress) -> u64 {
    ///     progress.start().map_or(0, |start| start.0) + progress.bytes()
    /// }
    /// # let _ = byte;
    /// ```
    #[must_use]
    pub fn start(&self) -> Option<Position> {
        self.start
    }

    /// Records taken from the source so far.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Records whose output the sink has accepted so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Records without an output so far.
    #[must_use]
    pub fn filtered(&self) -> u64 {
        self.filtered
    }

    /// Records that are done: written, filtered or skipped.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.written + self.filtered + self.skipped
    }

    /// Bytes that the source has read in this run, if it tells.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Records in all, when the source knows how many it has left.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Settled records a second since the run began; `None` when no time has passed.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let seconds = self.elapsed.as_secs_f64();
        (seconds > 0.0).then(|| self.settled() as f64 / seconds)
    }

    /// The time that is left at this rate, when the source knows how many records it has.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.total?.saturating_sub(self.settled());
        let rate = self.rate().filter(|rate| *rate > 0.0)?;
        Duration::try_from_secs_f64(left as f64 / rate).ok()
    }

    /// Records passed over so far.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Chunks committed so far, this one included.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Time since the run began, by the batch's clock.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}
