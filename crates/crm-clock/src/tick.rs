//! A point in time that fits into an atomic.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: nanoseconds since a clock's origin.
///
/// All arithmetic saturates: a tick plus any duration is at most [`Tick::MAX`], and the distance to a later tick is
/// zero. A deadline computed from a huge time to live is therefore "never", not a wrapped one in the past.
///
/// ```
/// use crm_clock::Tick;
/// use std::time::Duration;
///
/// let start = Tick::from_nanos(100);
/// assert_eq!((start + Duration::from_nanos(50)).as_nanos(), 150);
/// assert_eq!(start - Tick::from_nanos(300), Duration::ZERO);
/// assert_eq!(start + Duration::MAX, Tick::MAX);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);

    /// The last tick, 584 years after the origin; saturated sums end here.
    pub const MAX: Self = Self(u64::MAX);

    /// The tick that lies `nanos` nanoseconds after the origin.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    #[inline]
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    /// The tick `by` later, at most [`Tick::MAX`].
    #[inline]
    fn add(self, by: Duration) -> Self {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub for Tick {
    type Output = Duration;

    /// The time since `earlier`, zero when `earlier` is in fact later.
    #[inline]
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
