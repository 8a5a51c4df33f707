//! How long something must last before an alert follows it.

use std::time::Duration;

/// How long a figure must stay bad before an alert is raised, and good before it is cleared.
///
/// An alert that comes back soon has been cleared too early. Each time it does, within [`longest`](Self::longest) of its clearing, the time
/// that the figure must stay good doubles, up to that longest one; when it stays away, the time is the first one again. A
/// figure whose good spells are all shorter than the longest hold therefore raises its alert at most five times, and then
/// leaves it raised.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::Hold;
/// use std::time::Duration;
///
/// let minutes = |count: u64| Duration::from_secs(60 * count);
/// let hold = Hold::new().raise_after(minutes(1)).clear_after(minutes(5));
/// assert_eq!(hold.longest(), minutes(80)); // 16 times, unless said otherwise
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    pub(super) raise_after: Duration,
    pub(super) clear_after: Duration,
    longest: Option<Duration>,
}

impl Hold {
    /// Raised and cleared at once.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            raise_after: Duration::ZERO,
            clear_after: Duration::ZERO,
            longest: None,
        }
    }

    /// Raise only what stays bad for so long.
    #[must_use]
    pub const fn raise_after(mut self, time: Duration) -> Self {
        self.raise_after = time;
        self
    }

    /// Clear only what stays good for so long.
    #[must_use]
    pub const fn clear_after(mut self, time: Duration) -> Self {
        self.clear_after = time;
        self
    }

    /// The time to clear at the most, after all doubling. With that of [`clear_after`](Self::clear_after) it never
    /// doubles.
    #[must_use]
    pub const fn at_most(mut self, time: Duration) -> Self {
        self.longest = Some(time);
        self
    }

    /// The time to clear at the most: 16 times the first one unless said otherwise; never less than that one.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let longest = self.longest.unwrap_or(self.clear_after.saturating_mul(16));
        longest.max(self.clear_after)
    }
}
