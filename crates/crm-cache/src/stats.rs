//! What a cache has done so far.

use std::time::Duration;

/// Counts since a cache was built, summed over its shards by [`Cache::stats`](crate::Cache::stats).
///
/// Each count is exact. Counts of different shards are read one after the other, so under traffic they need not belong
/// to one instant. Of entries that came in, each one is still here or has left for one of the counted reasons:
/// `insertions == len + evictions + expirations + invalidations + removals`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Reads that found a fresh entry.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Entries that came in under a key that had none.
    pub insertions: u64,
    /// Values that replaced a fresh value of the same key.
    pub replacements: u64,
    /// Entries that had to leave for a newer one.
    pub evictions: u64,
    /// Entries that were found to be past the end of their life.
    pub expirations: u64,
    /// Entries that were found to have a tag that was invalidated.
    pub invalidations: u64,
    /// Calls of `invalidate_tag`.
    pub tags_invalidated: u64,
    /// Entries taken out by `remove`, `remove_if`, `retain`, `forget` or `clear`, or because a new value of their key was refused.
    pub removals: u64,
    /// Entries that did not come in because they are heavier than the whole cache may be, or because their tenant had no
    /// place for them.
    pub refusals: u64,
    /// The weight of the entries held now; zero without a [weigher](crate::CacheBuilder::weigher).
    pub weight: u64,
    /// Loaders run; one that loads many keys counts once.
    pub loads: u64,
    /// Loaders that returned an error, panicked or were cancelled.
    pub load_failures: u64,
    /// The time spent in loaders, those that failed included.
    pub load_time: Duration,
    /// Callers who waited for somebody else's load instead of running their own.
    pub load_waits: u64,
    /// Loads whose result was not stored, because the key was written or removed or one of its tags invalidated
    /// meanwhile.
    pub loads_voided: u64,
    /// Loads begun in the background by a [`LoadingCache`](crate::LoadingCache) before anybody had to wait for them.
    pub refreshes: u64,
    /// Values served past the end of their life.
    pub stale_served: u64,
    /// Errors served that were remembered from an earlier load.
    pub failures_served: u64,
    /// Callers who did not wait for a load to its end.
    pub load_timeouts: u64,
    /// Panics of the removal listener, which were contained.
    pub listener_panics: u64,
}

impl Stats {
    pub(crate) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.insertions += other.insertions;
        self.replacements += other.replacements;
        self.evictions += other.evictions;
        self.expirations += other.expirations;
        self.invalidations += other.invalidations;
        self.removals += other.removals;
        self.refusals += other.refusals;
    }

    /// Reads: hits and misses.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.hits + self.misses
    }

    /// How long a loader took on average; `None` before the first one.
    #[must_use]
    pub fn mean_load_time(&self) -> Option<Duration> {
        let nanos = self
            .load_time
            .as_nanos()
            .checked_div(u128::from(self.loads))?;
        Some(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }

    /// The share of reads that were hits, from 0 to 1; `None` before the first read.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u32, u32> = crm_cache::Cache::new(10);
    /// assert_eq!(cache.stats().hit_ratio(), None);
    /// cache.insert(1, 1);
    /// cache.get(&1);
    /// cache.get(&2);
    /// assert_eq!(cache.stats().hit_ratio(), Some(0.5));
    /// ```
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.reads() > 0).then(|| self.hits as f64 / self.reads() as f64)
    }
}
