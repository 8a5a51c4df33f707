//! The clock itself: one opaque type over a real and a manual source of time.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::coarse::Ticker;
use crate::{ManualClock, Tick};

/// A source of monotonic time, real or manual.
///
/// It is an opaque type instead of a trait so that whatever takes a clock needs no type parameter for it. Clones read
/// the same time: all system clocks of a process share one origin, and clones of a manual clock follow the same
/// [`ManualClock`]. Ticks of a system clock and of a manual one have different origins; do not mix them.
///
/// ```
/// use crm_clock::Clock;
///
/// let clock = Clock::system();
/// let start = clock.now();
/// let elapsed = clock.now() - start; // a Duration, never negative
/// # let _ = elapsed;
/// ```
#[derive(Clone, Default)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Coarse(Arc<Ticker>),
    Manual(ManualClock),
}

/// The first read of any system clock; every later tick counts from here.
static ORIGIN: OnceLock<Instant> = OnceLock::new();

impl Clock {
    /// The operating system's monotonic clock. Its origin is the first use of a system clock in this process.
    #[must_use]
    pub fn system() -> Self {
        Self {
            source: Source::System,
        }
    }

    /// The operating system's monotonic clock as a thread in the background reads it once a millisecond.
    ///
    /// Reading it is one atomic load, some 25 times cheaper than [`Clock::system`]. It never runs ahead of the system
    /// clock, and lags behind by a millisecond, or by as much more as the operating system keeps the thread waiting. The
    /// origin is that of the system clock. All coarse clocks of a process share the thread; it ends with the last of
    /// them. Where no thread can be started this is the system clock.
    ///
    /// ```
    /// use crm_clock::Clock;
    ///
    /// let (exact, coarse) = (Clock::system(), Clock::coarse());
    /// assert!(coarse.now() <= exact.now());
    /// ```
    #[must_use]
    pub fn coarse() -> Self {
        let source = Ticker::shared().map_or(Source::System, Source::Coarse);
        Self { source }
    }

    /// A clock that stands still until its [`ManualClock`] moves it. It begins at [`Tick::ZERO`].
    #[must_use]
    pub fn manual() -> (Self, ManualClock) {
        let hand = ManualClock::new();
        (
            Self {
                source: Source::Manual(hand.clone()),
            },
            hand,
        )
    }

    /// The present time, in nanoseconds since this clock's origin.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Tick {
        match &self.source {
            Source::System => system_now(),
            Source::Coarse(ticker) => ticker.now(),
            Source::Manual(hand) => hand.now(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the time"
)]
pub(crate) fn system_now() -> Tick {
    let origin = *ORIGIN.get_or_init(Instant::now);
    Tick::ZERO + Instant::now().saturating_duration_since(origin)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.source {
            Source::System => "System",
            Source::Coarse(_) => "Coarse",
            Source::Manual(_) => "Manual",
        };
        f.debug_struct("Clock")
            .field("source", &format_args!("{kind}"))
            .field("now", &self.now())
            .finish()
    }
}
