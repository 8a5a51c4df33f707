//! A guard that measures how long something takes, and whether it came to an end.

use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use crm_clock::Tick;

use crate::histogram::Histogram;

/// Measures one response time; see [`Histogram::start`].
///
/// [`Timer::stop`] records the time. A timer that is dropped without it, because the request was given up or its handler panicked,
/// records the time as well, and counts a failure.
///
/// ```
/// use crm_monitor::{Histogram, Layout};
///
/// let times = Histogram::new(Layout::response_times());
/// let timer = times.start();
/// // the work
/// timer.stop();
/// drop(times.start()); // given up
/// let figures = times.snapshot();
/// assert_eq!((figures.count(), figures.failures()), (2, 1));
/// ```
#[must_use = "a timer that is dropped counts as a failure"]
pub struct Timer<H: Borrow<Histogram>> {
    histogram: H,
    start: Tick,
    /// Whether nothing is left to be recorded.
    done: bool,
}

impl<H: Borrow<Histogram>> Timer<H> {
    #[inline]
    pub(crate) fn start(histogram: H) -> Self {
        let start = histogram.borrow().clock().now();
        Self {
            histogram,
            start,
            done: false,
        }
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds())
    }

    /// The time since the start in nanoseconds: recording needs no `Duration`, which costs a division.
    #[inline]
    fn nanoseconds(&self) -> u64 {
        let now = self.histogram.borrow().clock().now();
        now.as_nanos().saturating_sub(self.start.as_nanos())
    }

    /// Records the time, and returns it.
    #[inline]
    pub fn stop(mut self) -> Duration {
        let nanoseconds = self.nanoseconds();
        self.done = true;
        self.histogram.borrow().record(nanoseconds);
        Duration::from_nanos(nanoseconds)
    }

    /// Records the time as that of a failure, and returns it.
    pub fn fail(mut self) -> Duration {
        self.done = true;
        self.record_failure()
    }

    /// Forgets the time: nothing is recorded.
    pub fn cancel(mut self) {
        self.done = true;
    }

    fn record_failure(&self) -> Duration {
        let nanoseconds = self.nanoseconds();
        self.histogram.borrow().record_failure(nanoseconds);
        Duration::from_nanos(nanoseconds)
    }
}

impl<H: Borrow<Histogram>> Drop for Timer<H> {
    #[inline]
    fn drop(&mut self) {
        if !self.done {
            self.record_failure();
        }
    }
}

impl<H: Borrow<Histogram>> fmt::Debug for Timer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer")
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}
