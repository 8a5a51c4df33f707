//! Good events and all events of a window.

use std::time::Duration;

use super::confidence::Confidence;
use super::error::JudgeError;
use super::quotient::quotient;
use super::wilson::Interval;
use crate::Snapshot;

/// How many events a window saw, and how many of them were good.
///
/// What is good is the caller's to say: answered without a fault of ours, within 300 ms, with fresh data. A window without
/// events is `Events::default()`; a window of which nothing is known is not `Events` at all, but `None`.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Confidence, Events};
///
/// let events = Events::new(997, 1_000)?;
/// assert_eq!(events.bad(), 3);
/// assert_eq!(events.error_ratio(), Some(0.003));
/// assert_eq!(events.availability(), Some(0.997));
/// let rate = events.error_interval(Confidence::P95).unwrap();
/// assert!(rate.low > 0.001 && rate.high < 0.009); // three of a thousand tell no more than that
///
/// assert!(Events::new(4, 3).is_err());
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Events {
    good: u64,
    total: u64,
}

impl Events {
    /// So many good events of so many.
    ///
    /// # Errors
    ///
    /// [`JudgeError::MoreThanAll`] when more are good than there are.
    pub const fn new(good: u64, total: u64) -> Result<Self, JudgeError> {
        if good > total {
            return Err(JudgeError::MoreThanAll { part: good, total });
        }
        Ok(Self { good, total })
    }

    /// So many bad events of so many.
    ///
    /// # Errors
    ///
    /// [`JudgeError::MoreThanAll`] when more are bad than there are.
    pub const fn with_bad(bad: u64, total: u64) -> Result<Self, JudgeError> {
        if bad > total {
            return Err(JudgeError::MoreThanAll { part: bad, total });
        }
        let good = total - bad;
        Ok(Self { good, total })
    }

    /// A promise of speed: all that was timed, and of it as good what took at most `limit` and did not fail, in nanoseconds as timers record.
    ///
    /// A [`Snapshot`] knows how many values failed, but not which. So all failures are taken off the soon ones, as if none of them had been late:
    ///
    /// ```text
    /// good = max(0, count_at_most(limit) - failures)
    /// ```
    ///
    /// It errs to the bad side: never more are good than this should count, and fewer by at most the number of failures that were
    /// late as well, and by that of one bucket of the layout where `limit` does not end one. For exact figures count what is good where it is known, in
    /// two counters with [`History::track_events`](crate::History::track_events).
    ///
    /// ```
    /// use crm_monitor::judge::Events;
    /// use crm_monitor::{Histogram, Layout};
    /// use std::time::Duration;
    ///
    /// let times = Histogram::new(Layout::response_times());
    /// for _ in 0..98 {
    ///     times.start().stop();
    /// }
    /// times.start().fail(); // at once, and yet no good answer
    /// times.record_duration(Duration::from_secs(2));
    /// let soon = Events::within(&times.snapshot(), Duration::from_millis(300));
    /// assert_eq!((soon.good(), soon.total()), (98, 100));
    /// ```
    #[must_use]
    pub fn within(snapshot: &Snapshot, limit: Duration) -> Self {
        let total = snapshot.count();
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let good = snapshot
            .count_at_most(limit)
            .saturating_sub(snapshot.failures());
        Self { good, total }
    }

    /// The good events.
    #[must_use]
    pub const fn good(&self) -> u64 {
        self.good
    }

    /// The bad events.
    #[must_use]
    pub const fn bad(&self) -> u64 {
        self.total - self.good
    }

    /// All events.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// `bad / total`, or none without events.
    #[must_use]
    pub fn error_ratio(&self) -> Option<f64> {
        self.share(self.bad())
    }

    /// `good / total`: the availability as clients see it, or none without events.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        self.share(self.good)
    }

    /// Where the true error ratio lies, as far as so many events can tell (Wilson's interval; see [`Interval`]); none
    /// without events.
    #[must_use]
    pub fn error_interval(&self, confidence: Confidence) -> Option<Interval> {
        (self.total > 0).then(|| Interval::wilson(self.bad(), self.total, confidence))
    }

    /// The same bad events among so many, where that is more.
    pub(super) fn among(self, total: u64) -> Self {
        let total = total.max(self.total);
        let good = total - self.bad();
        Self { good, total }
    }

    fn share(&self, part: u64) -> Option<f64> {
        (self.total > 0).then(|| quotient(part.into(), self.total.into()))
    }
}

impl From<&Snapshot> for Events {
    /// All that was timed, the failures among it as the bad ones.
    ///
    /// For a promise of speed, such as 300 ms, there is [`Events::within`]; `count_at_most` alone would take failures for good that came soon.
    fn from(snapshot: &Snapshot) -> Self {
        let total = snapshot.count();
        // No more can have failed than there were, whatever a stored snapshot says.
        let good = total.saturating_sub(snapshot.failures());
        Self { good, total }
    }
}
