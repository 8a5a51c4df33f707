//! The past of instruments: who is followed, how far back, and how closely.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crm_clock::Clock;
use parking_lot::Mutex;

use crate::judge::Events;
use crate::window::error::HistoryError;
use crate::window::ladder::Spacing;
use crate::window::over::Counted;
use crate::window::source::{Pair, Source, Total};
use crate::window::tracked::{Sampled, Track, Tracked};
use crate::{Counter, Histogram, Snapshot};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Follows instruments, so that what happened in the last second, hour or month can be asked at any time.
///
/// The instruments know nothing of it: it reads their totals once a period, by [`History::sample`] in a loop of the caller's
/// or by a [`Sampler`](crate::Sampler), and a window is the difference of two readings. Readings are kept the farther apart
/// the older they are.
///
/// ```
/// use crm_monitor::clock::Clock;
/// use crm_monitor::{Counter, History};
/// use std::time::Duration;
///
/// let (clock, hand) = Clock::manual(); // in production `History::new()` reads the system's clock
/// let history = History::builder().clock(clock).build()?;
/// let logins = Counter::new();
/// let tracked = history.track(&logins);
///
/// for _ in 0..120 {
///     logins.add(5);
///     hand.advance(Duration::from_secs(1));
///     history.sample();
/// }
/// let minute = tracked.over(Duration::from_secs(60)).unwrap();
/// assert_eq!(minute.elapsed, Duration::from_secs(60));
/// assert_eq!(minute.value, 300);
/// assert_eq!(minute.rate().per_second(), 5.0);
/// let hour = tracked.over(Duration::from_secs(3_600)).unwrap();
/// assert_eq!(hour.elapsed, Duration::from_secs(120)); // it has not lasted longer
/// # Ok::<(), crm_monitor::HistoryError>(())
/// ```
///
/// # What a window covers
///
/// A window of up to [`longest`](HistoryBuilder::longest) that is asked for is answered by one whose length differs from it by
/// at most the part [`error`](HistoryBuilder::error), 5 % unless said otherwise, or by half the time between two samples where that
/// is more. [`Over::elapsed`](crate::Over::elapsed) says what it really covers, also while the history is younger and where samples
/// failed to come; rates are by that time. The value belongs to exactly that time.
///
/// # What is never lost or doubled
///
/// Each event lies between two neighbouring readings, and readings are dropped by joining the intervals around them. So adjacent
/// windows add up to the whole, whatever the clock does: after an hour without samples, the window over that hour holds all its
/// events. A second sample at the same time changes nothing, and what happened since the first is in the interval that follows.
///
/// # One clock
///
/// A history reads a clock of its own, that of the system unless it is given one. Give it the monitor's, as
/// [`Monitor::history`](crate::Monitor::history) does: then timers and windows are of one time, in a test as well.
///
/// # Memory
///
/// It is fixed for each tracked instrument by the three settings, and [`Tracked::bytes_at_most`](crate::Tracked::bytes_at_most)
/// tells it.
#[derive(Clone)]
pub struct History {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    spacing: Spacing,
    /// A track lives as long as somebody can ask for its windows.
    tracks: Mutex<Vec<Weak<dyn Sampled>>>,
}

impl History {
    /// A history of 30 days with a sample each second, and windows that are wrong by 5 % of their length at most.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Clock::system(), HistoryBuilder::default().spacing)
    }

    /// A history with other settings or another clock.
    pub fn builder() -> HistoryBuilder {
        HistoryBuilder::default()
    }

    fn with(clock: Clock, spacing: Spacing) -> Self {
        let tracks = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                clock,
                spacing,
                tracks,
            }),
        }
    }

    /// Follows a counter or a histogram from now on. What it holds already belongs to no window.
    ///
    /// It is followed until the last clone of what is returned is dropped.
    #[must_use = "an instrument is followed only as long as its windows can be asked for"]
    pub fn track<I: Trackable>(&self, instrument: &I) -> Tracked<I::Value> {
        instrument.follow(self)
    }

    /// Follows good events among all events by their counters: what an [`Objective`](crate::judge::Objective) is judged by.
    ///
    /// Count an event as good after it has been counted at all. One that is counted in one window and found good in the next belongs
    /// to both by its halves, as it does with every pair of counters; in no window more events are good than there are.
    #[must_use = "an instrument is followed only as long as its windows can be asked for"]
    pub fn track_events(&self, good: &Counter, total: &Counter) -> Tracked<Events> {
        let (good, total) = (good.clone(), total.clone());
        self.track_events_with(move || good.value(), move || total.value())
    }

    /// Follows good events among all events by totals that are kept elsewhere, such as the hits and the lookups of a cache; see
    /// [`History::track_with`]. Those that are good are read first.
    ///
    /// ```
    /// use crm_monitor::{Counter, History};
    ///
    /// let (answered, failed) = (Counter::new(), Counter::new());
    /// let all = (answered.clone(), failed.clone());
    /// let tracked = History::new().track_events_with(
    ///     move || answered.value(),
    ///     move || all.0.value() + all.1.value(),
    /// );
    /// # let _ = tracked;
    /// ```
    #[must_use = "an instrument is followed only as long as its windows can be asked for"]
    pub fn track_events_with(
        &self,
        good: impl Fn() -> u64 + Send + Sync + 'static,
        total: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Tracked<Events> {
        self.follow(Pair { good, total })
    }

    /// Follows a total that is kept elsewhere and only grows, such as the lookups of a cache.
    ///
    /// Where it falls, because it was reset or its parts are not read at the same moment, nothing is counted until it is higher than
    /// it ever was: no window is negative and no event is counted twice.
    #[must_use = "an instrument is followed only as long as its windows can be asked for"]
    pub fn track_with(&self, read: impl Fn() -> u64 + Send + Sync + 'static) -> Tracked<u64> {
        self.follow(Total(read))
    }

    fn follow<S: Source>(&self, source: S) -> Tracked<S::Value>
    where
        S::Value: 'static,
    {
        let track = Arc::new(Track::new(
            source,
            self.shared.clock.clone(),
            self.shared.spacing,
        ));
        let weak = Arc::downgrade(&track);
        let mut tracks = self.shared.tracks.lock();
        // Where nobody samples, nobody else clears out what is gone. Room for as many again makes this rare.
        if tracks.len() == tracks.capacity() {
            tracks.retain(|track| track.strong_count() > 0);
            let followed = tracks.len();
            tracks.reserve(followed);
        }
        tracks.push(weak);
        drop(tracks);
        Tracked::new(track)
    }

    /// Reads all instruments whose last sample is at least half a period old.
    ///
    /// Call it once a [period](History::period). Where calls come late or not at all, the windows become coarser for that time and
    /// nothing else: see [What a window covers](History#what-a-window-covers).
    ///
    /// # Panics
    ///
    /// Where a function behind [`History::track_with`] does, after all others have been read.
    pub fn sample(&self) {
        let (mut failed, pause) = (None, self.pause());
        for track in self.tracks() {
            // It is dropped in there as well: this may be the last to hold it.
            let sampled = panic::catch_unwind(AssertUnwindSafe(move || track.sample(pause)));
            failed = failed.or(sampled.err());
        }
        if let Some(payload) = failed {
            panic::resume_unwind(payload);
        }
    }

    /// What is followed, cleared of what nobody can ask for any more.
    pub(super) fn tracks(&self) -> Vec<Arc<dyn Sampled>> {
        let mut followed = Vec::new();
        self.shared.tracks.lock().retain(|track| {
            let track = track.upgrade();
            let lives = track.is_some();
            followed.extend(track);
            lives
        });
        followed
    }

    /// How old the last sample must be for another one: a loop that is a little early now and then still takes all.
    pub(super) fn pause(&self) -> Duration {
        self.period() / 2
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// How often it should be sampled.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.shared.spacing.period
    }

    /// The longest window that it keeps the past for.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.shared.spacing.longest
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("period", &self.period())
            .field("longest", &self.longest())
            .field("error", &self.shared.spacing.error)
            .field("tracks", &self.shared.tracks.lock().len())
            .finish_non_exhaustive()
    }
}

/// An instrument that a [`History`] can follow: a [`Counter`] or a [`Histogram`].
///
/// It cannot be implemented elsewhere; [`History::track_with`] follows whatever a function can read.
pub trait Trackable: sealed::Sealed {
    /// What a window of it holds.
    type Value: Counted;

    #[doc(hidden)]
    fn follow(&self, history: &History) -> Tracked<Self::Value>;
}

impl Trackable for Counter {
    type Value = u64;

    fn follow(&self, history: &History) -> Tracked<u64> {
        history.follow(self.clone())
    }
}

impl Trackable for Histogram {
    type Value = Snapshot;

    fn follow(&self, history: &History) -> Tracked<Snapshot> {
        history.follow(self.clone())
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for crate::Counter {}
    impl Sealed for crate::Histogram {}
}

/// Settings of a [`History`]; made by [`History::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing before `build`"]
pub struct HistoryBuilder {
    clock: Clock,
    spacing: Spacing,
}

impl Default for HistoryBuilder {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            spacing: Spacing {
                period: Duration::from_secs(1),
                longest: 30 * DAY,
                error: 0.05,
                budget: 512 * 1024,
            },
        }
    }
}

impl HistoryBuilder {
    /// Which clock says when a sample was taken; the system's unless said otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How often samples will be taken, which is also the shortest window: once a second unless said otherwise.
    pub fn period(mut self, period: Duration) -> Self {
        self.spacing.period = period;
        self
    }

    /// The longest window that will be asked for: 30 days unless said otherwise.
    pub fn longest(mut self, longest: Duration) -> Self {
        self.spacing.longest = longest;
        self
    }

    /// By which part of its length a window may be longer or shorter than asked: 0.05 unless said otherwise. Memory grows as it falls.
    pub fn error(mut self, error: f64) -> Self {
        self.spacing.error = error;
        self
    }

    /// The bytes that the past of one histogram may take beside its last snapshot: 524,288 unless said otherwise.
    ///
    /// A histogram whose values spread over so many buckets that they would take more has coarser windows instead;
    /// [`Over::elapsed`](crate::Over::elapsed) remains true. Counters always fit.
    pub fn histogram_bytes(mut self, bytes: usize) -> Self {
        self.spacing.budget = bytes;
        self
    }

    /// The history, which follows nothing yet.
    ///
    /// # Errors
    ///
    /// Where the period is below a millisecond, the longest window below two periods or above ten years, or the error not from
    /// 0.005 to 0.25.
    pub fn build(self) -> Result<History, HistoryError> {
        let Spacing {
            period,
            longest,
            error,
            ..
        } = self.spacing;
        if period < Duration::from_millis(1) {
            return Err(HistoryError::PeriodTooShort { period });
        }
        if longest > 3_660 * DAY || longest / 2 < period {
            return Err(HistoryError::LongestOutOfRange { longest });
        }
        if !(0.005..=0.25).contains(&error) {
            return Err(HistoryError::ErrorOutOfRange { error });
        }
        Ok(History::with(self.clock, self.spacing))
    }
}
