//! An instrument whose past is kept, and its windows.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crm_clock::Clock;
use parking_lot::Mutex;

use crate::window::ladder::{Ladder, Spacing};
use crate::window::over::Over;
use crate::window::source::Source;

/// The windows of one instrument; see [`History::track`](crate::History::track).
///
/// Clones share the same past. It is kept as long as one of them lives.
pub struct Tracked<T> {
    windows: Arc<dyn Windows<T>>,
}

impl<T> Tracked<T> {
    pub(super) fn new(windows: Arc<dyn Windows<T>>) -> Self {
        Self { windows }
    }

    /// What happened in the last `length` of time.
    ///
    /// The window ends with the newest sample, of which one is taken now if the last is as old as the history's period: a
    /// window that nobody sampled for is still up to date. It begins at the kept point in time that is nearest to the asked
    /// beginning, and [`Over::elapsed`] says how long it really is; with [`Duration::MAX`] it is all that is kept. None in the
    /// first period after the instrument was tracked.
    ///
    /// Where another thread is just taking a sample of this instrument, the window may end with the sample before;
    /// [`Over::age`] tells.
    ///
    /// # Panics
    ///
    /// Where it takes a sample and the function that is followed panics; the windows stay as they were.
    #[must_use]
    pub fn over(&self, length: Duration) -> Option<Over<T>> {
        self.windows.over(length)
    }

    /// The last `length` of time in adjacent windows, the oldest first: each begins where the one before ended, and together
    /// they are [`Tracked::over`] the same length. The older they are, the longer.
    ///
    /// # Panics
    ///
    /// As [`Tracked::over`].
    #[must_use]
    pub fn timeline(&self, length: Duration) -> Vec<Over<T>> {
        self.windows.timeline(length)
    }

    /// The bytes of memory that its past takes now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.windows.bytes()
    }

    /// The bytes of memory that its past can ever take.
    #[must_use]
    pub fn bytes_at_most(&self) -> usize {
        self.windows.bytes_at_most()
    }
}

impl<T> Clone for Tracked<T> {
    fn clone(&self) -> Self {
        Self {
            windows: Arc::clone(&self.windows),
        }
    }
}

impl<T> fmt::Debug for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked")
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

/// A track as a history sees it.
pub(super) trait Sampled: Send + Sync {
    /// Takes a sample, unless the last is younger than `pause`.
    fn sample(&self, pause: Duration);
}

/// A track as its reader sees it.
pub(super) trait Windows<T>: Send + Sync {
    fn over(&self, length: Duration) -> Option<Over<T>>;
    fn timeline(&self, length: Duration) -> Vec<Over<T>>;
    fn bytes(&self) -> usize;
    fn bytes_at_most(&self) -> usize;
}

/// A source and its past.
pub(super) struct Track<S: Source> {
    source: S,
    clock: Clock,
    spacing: Spacing,
    past: Mutex<Past<S>>,
}

struct Past<S: Source> {
    /// The last reading, up to which the ladder goes.
    last: S::Reading,
    ladder: Ladder<S::Change>,
    /// Whether some thread is reading the source. It does so without the lock, for the source may be a caller's function; and
    /// alone, so that readings are added in the order in which they were taken.
    reading: bool,
}

impl<S: Source> Track<S> {
    pub(super) fn new(source: S, clock: Clock, spacing: Spacing) -> Self {
        let last = source.read();
        let ladder = Ladder::new(spacing, clock.now());
        let past = Mutex::new(Past {
            last,
            ladder,
            reading: false,
        });
        Self {
            source,
            clock,
            spacing,
            past,
        }
    }
}

impl<S: Source> Sampled for Track<S> {
    fn sample(&self, pause: Duration) {
        {
            let mut past = self.past.lock();
            let since = self.clock.now() - past.ladder.end();
            if past.reading || since < pause || since.is_zero() {
                return;
            }
            past.reading = true;
        }
        // Also when the source panics.
        let turn = Turn { past: &self.past };
        let reading = self.source.read();
        let now = self.clock.now();
        let mut past = self.past.lock();
        let change = S::advance(&mut past.last, reading);
        past.ladder.push(now, change);
        drop(past);
        drop(turn);
    }
}

/// The right to read the source, which ends when it is dropped.
struct Turn<'a, S: Source> {
    past: &'a Mutex<Past<S>>,
}

impl<S: Source> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        self.past.lock().reading = false;
    }
}

impl<S: Source> Windows<S::Value> for Track<S> {
    fn over(&self, length: Duration) -> Option<Over<S::Value>> {
        self.sample(self.spacing.period);
        let past = self.past.lock();
        let end = past.ladder.end();
        let (begin, intervals) = past.ladder.window(length);
        let elapsed = end - begin;
        (!elapsed.is_zero()).then(|| Over {
            value: self.source.sum(intervals.map(|interval| &interval.change)),
            elapsed,
            age: self.clock.now() - end,
        })
    }

    fn timeline(&self, length: Duration) -> Vec<Over<S::Value>> {
        self.sample(self.spacing.period);
        let past = self.past.lock();
        let now = self.clock.now();
        let (mut begin, intervals) = past.ladder.window(length);
        intervals
            .map(|interval| {
                let over = Over {
                    value: self.source.sum(std::iter::once(&interval.change)),
                    elapsed: interval.end - begin,
                    age: now - interval.end,
                };
                begin = interval.end;
                over
            })
            .collect()
    }

    fn bytes(&self) -> usize {
        let past = self.past.lock();
        S::bytes(&past.last) + past.ladder.bytes() + size_of::<Self>()
    }

    fn bytes_at_most(&self) -> usize {
        let (reading, changes) = self.source.bytes_at_most(self.spacing.budget);
        Ladder::<S::Change>::bytes_with(&self.spacing, changes)
            .saturating_add(reading + size_of::<Self>())
    }
}
