//! The hand that turns a manual clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Tick;

/// Moves the [`Clock`](crate::Clock) it was made with; see [`Clock::manual`](crate::Clock::manual).
///
/// Clones move the same clock. Time only goes forward, and stops at [`Tick::MAX`].
#[derive(Clone, Debug)]
pub struct ManualClock {
    nanos: Arc<AtomicU64>,
}

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self {
            nanos: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The time that the clock shows.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Tick {
        // Acquire pairs with the release in `advance`: who sees the new time also sees what was done before the move.
        Tick::from_nanos(self.nanos.load(Ordering::Acquire))
    }

    /// Moves time forward by `by`, and returns the time after the move.
    ///
    /// Moves by several threads add up; the sum saturates at [`Tick::MAX`].
    #[expect(
        clippy::must_use_candidate,
        reason = "one moves the clock for its effect; the new time is a convenience"
    )]
    pub fn advance(&self, by: Duration) -> Tick {
        let step = |nanos| Some((Tick::from_nanos(nanos) + by).as_nanos());
        // Release on success publishes what came before the move; the closure never declines, so both arms are the
        // time from which this move started.
        let (Ok(before) | Err(before)) =
            self.nanos
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, step);
        Tick::from_nanos(before) + by
    }
}
