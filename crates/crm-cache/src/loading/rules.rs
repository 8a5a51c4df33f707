//! When an entry is refreshed, and how long a stale one may be served.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::time::{Millis, fraction, millis};

/// How long no load of an entry is attempted after one has failed, unless the user says otherwise.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The rules of a loading cache. Times are in milliseconds of the cache's clock, except the limits, which are real time:
/// a load takes as long as it takes, whatever a test makes of the clock.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The share of its life after which an entry is refreshed.
    pub(super) refresh_ahead: Option<f64>,
    /// How early an entry may be refreshed by chance, in mean load times.
    pub(super) early_expiry: Option<f64>,
    pub(super) while_revalidating: Duration,
    pub(super) on_error: Duration,
    /// How long no load of an entry is attempted after one has failed, as `stale_on_error` has it.
    pub(super) on_error_pause: Option<Duration>,
    /// The same where that says nothing.
    pub(super) retry_pause: Option<Duration>,
    /// How long failures are remembered.
    pub(super) failures: Option<Duration>,
    /// The same for absences, where that differs.
    pub(super) absences: Option<Duration>,
    pub(super) soft_limit: Option<Duration>,
    pub(super) hard_limit: Option<Duration>,
    /// Counts the draws of chance.
    pub(super) draws: AtomicU64,
}

impl Rules {
    /// How long stale values are kept. As long as one is here it may stand in for one that cannot be loaded.
    pub(super) fn stale_for(&self) -> Duration {
        self.while_revalidating.max(self.on_error)
    }

    /// How long absences are remembered.
    pub(super) fn absences(&self) -> Option<Duration> {
        self.absences.or(self.failures)
    }

    /// How long no load of an entry is attempted after one has failed.
    pub(super) fn pause(&self) -> Millis {
        let pause = self.on_error_pause.or(self.retry_pause);
        millis(pause.unwrap_or(RETRY_PAUSE))
    }

    /// Whether an entry that is fresh, and will end, should be loaded anew. The mean load time is asked for only where chance
    /// decides.
    #[inline]
    pub(super) fn is_refresh_due(
        &self,
        since: Millis,
        fresh_until: Millis,
        now: Millis,
        mean_load: impl FnOnce() -> f64,
    ) -> bool {
        let by_age = |share: f64| {
            let life = fresh_until.saturating_sub(since) as f64;
            now.saturating_sub(since) as f64 >= life * share
        };
        // XFetch (Vattani, Chierichetti and Lowenstein, "Optimal probabilistic cache stampede prevention", 2015).
        let by_chance = |beta: f64| {
            let draw = fraction(self.draws.fetch_add(1, Ordering::Relaxed));
            let early = -mean_load() * beta * draw.max(f64::MIN_POSITIVE).ln();
            now as f64 + early >= fresh_until as f64
        };
        self.refresh_ahead.is_some_and(by_age) || self.early_expiry.is_some_and(by_chance)
    }

    /// Whether an entry that is stale for so long is served at once while it is loaded anew.
    pub(super) fn may_revalidate(&self, stale_for: Millis) -> bool {
        stale_for < millis(self.while_revalidating)
    }

    /// How long a caller waits for a load, depending on whether there is something to fall back to.
    pub(super) fn first_limit(&self, has_stale: bool) -> Option<Duration> {
        match (self.soft_limit, self.hard_limit) {
            (Some(soft), _) if has_stale => Some(soft),
            (_, hard) => hard,
        }
    }

    pub(super) fn has_limits(&self) -> bool {
        self.soft_limit.is_some() || self.hard_limit.is_some()
    }

    pub(super) fn needs_background(&self) -> bool {
        self.refresh_ahead.is_some()
            || self.early_expiry.is_some()
            || !self.while_revalidating.is_zero()
            || self.has_limits()
    }
}
