//! How far a run has come.

use std::time::Duration;

/// How far a run has come, as told to the observer after each chunk.
///
/// The counts only grow, and the observer sees them in order. `read` is ahead of `written + skipped` by what is in
/// flight.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub(crate) read: u64,
    pub(crate) written: u64,
    pub(crate) skipped: u64,
    pub(crate) chunks: u64,
    pub(crate) elapsed: Duration,
}

impl Progress {
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
