//! How long entries live: from the configuration and the clock to deadlines in milliseconds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crm_clock::{Clock, Tick};

/// A point in time on the cache's clock, in whole milliseconds.
pub(crate) type Millis = u64;

/// Never; also the deadline of entries that do not expire.
pub(crate) const NEVER: Millis = Millis::MAX;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// Computes the life of an entry from its key and value; `None` for one that does not expire.
pub(crate) type Expiry<K, V> = Arc<dyn Fn(&K, &V) -> Option<Duration> + Send + Sync>;

/// The rule by which entries get their deadlines. Without any rule the clock is never read.
pub(crate) struct Lifetimes<K, V> {
    pub(crate) time_to_live: Option<Duration>,
    pub(crate) time_to_idle: Option<Duration>,
    pub(crate) expiry: Option<Expiry<K, V>>,
    pub(crate) jitter: f64,
    /// How long what is past its life is kept.
    pub(crate) stale: Duration,
    /// None where nothing ends.
    pub(crate) clock: Option<Clock>,
}

impl<K, V> Lifetimes<K, V> {
    /// The present; zero where nothing ends.
    #[inline]
    pub(crate) fn now(&self) -> Millis {
        match &self.clock {
            Some(clock) => present(clock),
            None => 0,
        }
    }

    /// The time to idle in milliseconds, rounded down as everything else is.
    pub(crate) fn idle_millis(&self) -> Option<Millis> {
        self.time_to_idle.map(millis)
    }

    /// When the life of an entry that comes in now ends: at the latest, and if nobody reads it.
    pub(crate) fn ends(&self, key: &K, value: &V, hash: u64) -> Ends {
        let Some(clock) = &self.clock else {
            return Ends {
                since: 0,
                fresh_until: NEVER,
                deadline: NEVER,
                idle_until: NEVER,
            };
        };
        let computed = self.expiry.as_ref().and_then(|expiry| expiry(key, value));
        let now = clock.now();
        let idle_until = self.idle_millis().map_or(NEVER, |life| {
            (now.as_nanos() / NANOS_PER_MILLI).saturating_add(life)
        });
        // Both limits hold where both are set.
        let fresh_until = match (computed, self.time_to_live) {
            (None, None) => NEVER,
            (Some(life), None) | (None, Some(life)) => self.deadline(now, life, hash),
            (Some(life), Some(limit)) => self.deadline(now, life.min(limit), hash),
        };
        let deadline = match fresh_until {
            NEVER => NEVER,
            fresh_until => fresh_until.saturating_add(millis(self.stale)),
        };
        Ends {
            since: now.as_nanos() / NANOS_PER_MILLI,
            fresh_until,
            deadline,
            idle_until,
        }
    }

    fn deadline(&self, now: Tick, life: Duration, hash: u64) -> Millis {
        let life = if self.jitter == 0.0 {
            life
        } else {
            let left = 1.0 - self.jitter * fraction(hash ^ now.as_nanos());
            Duration::try_from_secs_f64(life.as_secs_f64() * left).unwrap_or(life)
        };
        // Rounded down, as the present is: an entry may end up to a millisecond early, never late.
        (now + life).as_nanos() / NANOS_PER_MILLI
    }
}

/// When an entry came in, and when its life ends.
pub(crate) struct Ends {
    pub(crate) since: Millis,
    pub(crate) fresh_until: Millis,
    /// When it leaves at the latest; later than it is fresh where stale values are kept.
    pub(crate) deadline: Millis,
    pub(crate) idle_until: Millis,
}

/// A duration in whole milliseconds, rounded down.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(NEVER)
}

/// Apart, as it is much code for those who never come here.
#[inline(never)]
fn present(clock: &Clock) -> Millis {
    clock.now().as_nanos() / NANOS_PER_MILLI
}

/// A number from 0 to 1 that looks random, by the finaliser of `SplitMix64` (Steele, Lea and Flood 2014).
pub(crate) fn fraction(seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

impl<K, V> fmt::Debug for Lifetimes<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifetimes")
            .field("time_to_live", &self.time_to_live)
            .field("time_to_idle", &self.time_to_idle)
            .field("expiry", &self.expiry.is_some())
            .field("jitter", &self.jitter)
            .field("clock", &self.clock)
            .finish()
    }
}
