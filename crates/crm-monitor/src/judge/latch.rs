//! From a figure that wavers to an alert that does not.

use std::time::Duration;

use crm_clock::Tick;

use super::hold::Hold;

/// Where a figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Beyond the limit at which the alert is raised.
    Bad,
    /// Between the limits, or too little is known to move it: neither raises nor clears.
    Between,
    /// On the good side of the limit at which the alert clears.
    Good,
    /// There are no data: neither raises nor clears, and is not counted as good time.
    Unknown,
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// It was raised.
    Raised,
    /// It was cleared.
    Cleared,
}

/// Hysteresis: raised once, cleared once, whatever the figure does between.
///
/// # How it moves
///
/// - Off, it is raised when the level has been [`Level::Bad`] at every update for [`Hold::raise_after`].
/// - On, it is cleared when the level has been [`Level::Good`] at every update for the hold: [`Hold::clear_after`], doubled for each
///   early return as told there.
/// - Any other level between starts the count again. Nothing moves while the level is [`Level::Unknown`].
/// - When the time steps back, the counts begin anew at the earlier time; nothing waits for the old one to come again.
///
/// # Example
///
/// ```
/// use crm_monitor::clock::Tick;
/// use crm_monitor::judge::{Edge, Hold, Latch, Level};
/// use std::time::Duration;
///
/// let minute = |count: u64| Tick::ZERO + Duration::from_secs(60 * count);
/// let mut latch = Latch::new(Hold::new().clear_after(Duration::from_secs(300)));
/// assert_eq!(latch.update(minute(0), Level::Bad), Some(Edge::Raised));
/// assert_eq!(latch.update(minute(1), Level::Bad), None);
/// assert_eq!(latch.update(minute(2), Level::Good), None);
/// assert_eq!(latch.update(minute(3), Level::Between), None); // not good enough: the five minutes start again
/// assert_eq!(latch.update(minute(4), Level::Good), None);
/// assert_eq!(latch.update(minute(9), Level::Good), Some(Edge::Cleared));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latch {
    hold: Hold,
    raised: bool,
    /// Since when every update asked for the other state.
    turning: Option<Tick>,
    /// When it was cleared last.
    cleared: Option<Tick>,
    /// The present time to clear.
    clear_after: Duration,
}

impl Latch {
    /// A latch that is not raised.
    #[must_use]
    pub const fn new(hold: Hold) -> Self {
        Self {
            hold,
            raised: false,
            turning: None,
            cleared: None,
            clear_after: hold.clear_after,
        }
    }

    /// Whether it is raised.
    #[must_use]
    pub const fn is_raised(&self) -> bool {
        self.raised
    }

    /// Takes the level of `now`, and tells what that changed.
    #[must_use = "a change is told once"]
    pub fn update(&mut self, now: Tick, level: Level) -> Option<Edge> {
        let (turn, wait) = match self.raised {
            false => (Level::Bad, self.hold.raise_after),
            true => (Level::Good, self.clear_after),
        };
        if level != turn {
            self.turning = None;
            return None;
        }
        let since = match self.turning {
            Some(since) if since <= now => since,
            _ => now,
        };
        self.turning = Some(since);
        if now - since < wait {
            return None;
        }
        self.turning = None;
        self.raised = !self.raised;
        Some(if self.raised {
            self.adapt(now);
            Edge::Raised
        } else {
            self.cleared = Some(now);
            Edge::Cleared
        })
    }

    /// The time to clear, after it was raised at `now`.
    fn adapt(&mut self, now: Tick) {
        let Some(cleared) = self.cleared else { return };
        // A step back of the time counts as soon: nothing is known of how long it was good.
        let longest = self.hold.longest();
        self.clear_after = if now - cleared <= longest {
            self.clear_after.saturating_mul(2).min(longest)
        } else {
            self.hold.clear_after
        };
    }
}
