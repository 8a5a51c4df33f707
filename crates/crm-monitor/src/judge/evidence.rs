//! How much must have been seen before anybody is called.

use super::confidence::Confidence;
use super::events::Events;

/// What a window must have seen before a ratio of it is believed.
///
/// At little traffic one failure is a large share: one out of three is 33 %, at an objective of 99.9 % a burn rate of 333. Three
/// things are asked before such a share is taken for the truth:
///
/// - at least so many events (10 at first),
/// - at least so many bad ones (2 at first): a single failure never raises an alert,
/// - a lower end of Wilson's interval above the threshold (one-sided 95 % at first), which fades out as traffic grows: at
///   10,000 events and a threshold of 1.44 %, 164 bad ones are asked for in place of 145.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Confidence, Events, Evidence};
///
/// let evidence = Evidence::default();
/// let threshold = 0.0144;
/// assert!(!evidence.proves(Events::with_bad(1, 3)?, threshold));
/// assert!(!evidence.proves(Events::with_bad(2, 100)?, threshold)); // 2 %, but chance would do that
/// assert!(evidence.proves(Events::with_bad(4, 100)?, threshold));
///
/// let exact = Evidence::none();
/// assert!(exact.proves(Events::with_bad(145, 10_000)?, threshold));
/// assert!(!exact.proves(Events::with_bad(144, 10_000)?, threshold)); // at the threshold is not above it
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    events: u64,
    bad: u64,
    confidence: Confidence,
}

impl Evidence {
    pub(super) const STANDARD: Self = Self {
        events: 10,
        bad: 2,
        confidence: Confidence::ONE_SIDED_95,
    };

    /// Ratios are believed as they are.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            events: 1,
            bad: 1,
            confidence: Confidence::NONE,
        }
    }

    /// The same, but with so many events at least.
    #[must_use]
    pub const fn minimum_events(mut self, events: u64) -> Self {
        self.events = events;
        self
    }

    /// The same, but with so many bad events at least.
    #[must_use]
    pub const fn minimum_bad(mut self, bad: u64) -> Self {
        self.bad = bad;
        self
    }

    /// The same, but this sure.
    #[must_use]
    pub const fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Whether these events prove an error ratio above `threshold`.
    #[must_use]
    pub fn proves(&self, events: Events, threshold: f64) -> bool {
        self.proves_of(events, events, threshold)
    }

    /// The same of events that were `seen`, and are reckoned to be those `of` a longer time.
    pub(super) fn proves_of(&self, seen: Events, of: Events, threshold: f64) -> bool {
        seen.total() >= self.events
            && seen.bad() >= self.bad
            && self.lower_end(of).is_some_and(|low| low > threshold)
    }

    /// The lower end of the error ratio, or none without events.
    pub(super) fn lower_end(&self, events: Events) -> Option<f64> {
        let interval = events.error_interval(self.confidence)?;
        Some(interval.low)
    }
}

impl Default for Evidence {
    /// Ten events, two bad ones, 95 % sure of the lower end.
    fn default() -> Self {
        Self::STANDARD
    }
}
