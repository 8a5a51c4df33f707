//! How long the stages took, and each thread.

use std::time::Duration;

use super::pace::Sample;
use crate::sync::pool;

/// How long the stages took in all, and each worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    pub(crate) source: Duration,
    pub(crate) work: Duration,
    pub(crate) sink: Duration,
    /// By the index of the thread in its pool.
    pub(crate) workers: Vec<Duration>,
    /// The caller's thread.
    pub(crate) caller: Duration,
    pub(crate) retries: u64,
}

impl Times {
    /// Adds the times of a step that was measured.
    pub(super) fn add(&mut self, sample: &Sample) {
        self.source += sample.fill;
        self.work += sample.work;
        self.sink += sample.sink;
    }

    /// Shares out the time of steps that were not measured, as those were that were, and books all of it on this thread.
    pub(super) fn close(&mut self, unmeasured: Duration) {
        let measured = self.source + self.work + self.sink;
        if !measured.is_zero() && !unmeasured.is_zero() {
            let scale = 1.0 + unmeasured.as_secs_f64() / measured.as_secs_f64();
            for stage in [&mut self.source, &mut self.work, &mut self.sink] {
                *stage = stage.mul_f64(scale);
            }
        }
        self.spend(measured + unmeasured);
    }

    /// Adds the time that this thread has spent on a stage or several.
    pub(super) fn spend(&mut self, time: Duration) {
        let Some(index) = pool::current_thread_index() else {
            self.caller += time;
            return;
        };
        if self.workers.len() <= index {
            self.workers.resize(index + 1, Duration::ZERO);
        }
        self.workers[index] += time;
    }
}
