//! What happened in a window, and for how long it really looks back.

use std::fmt;
use std::time::Duration;

use crate::Snapshot;
use crate::judge::Events;

/// What happened in a window; see [`Tracked::over`](crate::Tracked::over).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Over<T> {
    /// What was counted or recorded in the window, and nothing else.
    pub value: T,
    /// How long the window really is: about as long as was asked, less while the history is younger than that, more where no
    /// sample was taken for longer than that. It is above zero.
    pub elapsed: Duration,
    /// How long ago the window ended: up to a period of the history.
    pub age: Duration,
}

impl<T: Counted> Over<T> {
    /// How often it happened in this window.
    #[must_use]
    pub fn rate(&self) -> Rate {
        Rate {
            count: self.value.counted(),
            elapsed: self.elapsed,
        }
    }
}

/// What a window can hold: a number of events.
///
/// It is implemented for `u64`, [`Events`] and [`Snapshot`], and cannot be implemented elsewhere.
pub trait Counted: sealed::Sealed {
    /// How many events there were.
    fn counted(&self) -> u64;
}

impl Counted for u64 {
    fn counted(&self) -> u64 {
        *self
    }
}

impl Counted for Events {
    fn counted(&self) -> u64 {
        self.total()
    }
}

impl Counted for Snapshot {
    fn counted(&self) -> u64 {
        self.count()
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for u64 {}
    impl Sealed for super::Events {}
    impl Sealed for super::Snapshot {}
}

/// How often something happened: events in a time.
///
/// ```
/// use crm_monitor::Rate;
/// use std::time::Duration;
///
/// let logins = Rate::new(30, Duration::from_secs(60)).expect("a minute is some time");
/// assert_eq!(logins.per_second(), 0.5);
/// assert_eq!(logins.interval(), Some(Duration::from_secs(2)));
/// assert_eq!(logins.to_string(), "0.5/s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u64,
    elapsed: Duration,
}

impl Rate {
    /// `count` events within `elapsed`; none if that is no time at all.
    #[must_use]
    pub fn new(count: u64, elapsed: Duration) -> Option<Self> {
        (!elapsed.is_zero()).then_some(Self { count, elapsed })
    }

    /// How many events there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// In which time.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Events in a second, on average.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    /// Events in `time`, on average.
    #[must_use]
    pub fn per(&self, time: Duration) -> f64 {
        self.per_second() * time.as_secs_f64()
    }

    /// The time from one event to the next, on average; none without events.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        (self.count > 0)
            .then(|| Duration::try_from_secs_f64(self.elapsed.as_secs_f64() / self.count as f64))
            .and_then(Result::ok)
    }
}

/// Events in a second, with the precision that is asked for: `{:.1}` writes `12.5/s`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.per_second(), f)?;
        f.write_str("/s")
    }
}
