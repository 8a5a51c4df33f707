//! Distributions of values, recorded without waiting.
//!
//! `layout` says which values share a bucket, `stripe` holds the words of one thread, `base` what no longer fits them, `core` all
//! of them together.

mod base;
mod core;
mod layout;
mod stripe;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crm_clock::Clock;

pub use self::layout::Layout;
use crate::exemplar::{Exemplar, Exemplars};
use crate::slot;
use crate::snapshot::Snapshot;
use crate::timer::Timer;

/// The distribution of a value: response times in nanoseconds, sizes in bytes, any `u64`.
///
/// A clone records into the same distribution. Recording is wait-free: each thread has words of its own, which it writes by a load
/// and a store, and allocates nothing after its first value; what happens the first time, and when a word is full, is told among the
/// [guarantees](crate#guarantees). Memory is bounded; the [`Layout`] says by how much.
///
/// ```
/// use crm_monitor::{Histogram, Layout};
/// use std::time::Duration;
///
/// let times = Histogram::new(Layout::response_times());
/// for milliseconds in [3, 5, 8, 900] {
///     times.record_duration(Duration::from_millis(milliseconds));
/// }
/// let figures = times.snapshot();
/// assert_eq!((figures.count(), figures.sum()), (4, 916_000_000));
/// let median = figures.quantile(0.5).unwrap().value() as f64;
/// assert!((median / 5e6 - 1.0).abs() < 0.01); // 5 ms, to one percent
/// ```
#[derive(Clone)]
pub struct Histogram {
    core: Arc<Shared>,
}

/// What the clones of a histogram share.
struct Shared {
    core: self::core::Core,
    clock: Clock,
    exemplars: OnceLock<Exemplars>,
}

impl Histogram {
    /// An empty histogram that belongs to no monitor. Its timers read the system's clock.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self::with_clock(layout, Clock::system())
    }

    /// An empty histogram whose timers read `clock`.
    #[must_use]
    pub fn with_clock(layout: Layout, clock: Clock) -> Self {
        Self {
            core: Arc::new(Shared {
                core: self::core::Core::new(layout, slot::stripes()),
                clock,
                exemplars: OnceLock::new(),
            }),
        }
    }

    /// Records a value.
    #[inline]
    pub fn record(&self, value: u64) {
        self.core.core.record(value);
    }

    /// Records a duration in nanoseconds; 584 years and more are recorded as 584 years.
    #[inline]
    pub fn record_duration(&self, duration: Duration) {
        self.record(nanoseconds(duration));
    }

    /// Records a value of something that failed: it counts as any other, and as a failure. Of the [formats](crate::expose), those of
    /// Prometheus do not tell failures.
    #[inline]
    pub fn record_failure(&self, value: u64) {
        self.core.core.record_failure(value);
    }

    /// Records a value, and offers it as an example with labels such as the trace it belongs to. The answer says whether it is kept.
    ///
    /// It is recorded in any case. As an example it is kept when none of its size was within the last second; sizes are halves of
    /// octaves, 128 in all, so that examples with a label or two take at most some 40 KiB (and with ninety, which is as many as can have
    /// names, some 700). It is not kept where the labels have more than 128 characters in all, names included, or a name that is not made
    /// of letters, digits and underscores, or one name twice, which no exposition could carry; nor while another thread is leaving one.
    /// Nothing waits. It costs a reading of the clock more than [`Histogram::record`], and allocates where the example is kept, and once
    /// for the places.
    ///
    /// ```
    /// use crm_monitor::{Histogram, Layout};
    ///
    /// let times = Histogram::new(Layout::response_times());
    /// assert!(times.record_with_exemplar(12_000_000, &[("trace_id", "4bf92f3577b34da6")]));
    /// assert!(!times.record_with_exemplar(12_500_000, &[("trace_id", "00f067aa0ba902b7")])); // much like the last
    /// assert_eq!(times.snapshot().count(), 2);
    /// assert_eq!(times.exemplars()[0].value(), 12_000_000);
    /// ```
    pub fn record_with_exemplar(&self, value: u64, labels: &[(&str, &str)]) -> bool {
        self.record(value);
        self.core
            .exemplars
            .get_or_init(Exemplars::new)
            .offer(value, labels, self.clock())
    }

    /// The examples that are kept, in ascending order of their values.
    #[must_use]
    pub fn exemplars(&self) -> Vec<Exemplar> {
        self.core
            .exemplars
            .get()
            .map_or_else(Vec::new, Exemplars::all)
    }

    /// Starts the time of something that this histogram measures. The timer borrows the histogram.
    #[inline]
    pub fn start(&self) -> Timer<&Self> {
        Timer::start(self)
    }

    /// Starts a timer that keeps a clone of the histogram, and so may go anywhere.
    pub fn start_owned(&self) -> Timer<Self> {
        Timer::start(self.clone())
    }

    /// What was recorded so far.
    ///
    /// The count is the sum of the buckets, and the sum is the sum of exactly the counted values, whatever is recorded meanwhile.
    /// Writers do not wait for it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.core.core.snapshot()
    }

    /// How the range is divided.
    #[must_use]
    pub fn layout(&self) -> Layout {
        *self.core.core.layout()
    }

    #[inline]
    pub(crate) fn clock(&self) -> &Clock {
        &self.core.clock
    }
}

/// A duration in whole nanoseconds, at most `u64::MAX` of them.
#[inline]
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("layout", &self.layout())
            .field("count", &self.snapshot().count())
            .finish_non_exhaustive()
    }
}
