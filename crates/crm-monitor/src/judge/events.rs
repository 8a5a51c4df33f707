//! Good events and all events of a window.

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
    /// For a promise of speed, such as 300 ms, count what was soon enough as good:
    /// `Events::new(snapshot.count_at_most(300_000_000), snapshot.count())`.
    fn from(snapshot: &Snapshot) -> Self {
        let total = snapshot.count();
        // No more can have failed than there were, whatever a stored snapshot says.
        let good = total.saturating_sub(snapshot.failures());
        Self { good, total }
    }
}
