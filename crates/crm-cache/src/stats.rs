//! What a cache has done so far.

use std::time::Duration;

/// Counts since a cache was built, summed over its shards by [`Cache::stats`](crate::Cache::stats).
///
/// Each count is exact. Counts of different shards are read one after the other, so under traffic they need not belong
/// to one instant. Of entries that came in, each one is still here or has left for one of the counted reasons:
/// `insertions == len + evictions + expirations + invalidations + removals`.
///
/// With the feature `serde` they can be written and read. A count that is missing, because an earlier release did not
/// have it, is read as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct Stats {
    /// Reads that found a fresh entry. In a [`LoadingCache`](crate::LoadingCache) a remembered failure is one too; see
    /// [`failures_served`](Self::failures_served).
    pub hits: u64,
    /// Reads that found none, those that were then served a [stale](Self::stale_served) value included.
    pub misses: u64,
    /// Entries that came in under a key that had none, remembered failures included.
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
    /// Entries taken out by `remove`, `remove_if`, `retain`, `forget` or `clear`, or because a new value of their key
    /// was refused.
    pub removals: u64,
    /// Entries that did not come in because they are heavier than the whole cache may be, or because their tenant had
    /// no place for them.
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
    /// Values served past the end of their life. Each such read is counted as a miss.
    pub stale_served: u64,
    /// Errors and absences served that were remembered from an earlier load. Each such read is counted as a hit.
    pub failures_served: u64,
    /// Callers who did not wait for a load to its end.
    pub load_timeouts: u64,
    /// Panics of the executor, or of what [`loading_by`](crate::CacheBuilder::loading_by) was given, while a load was handed
    /// over that nobody waited for. They were contained, and the load was given up.
    pub executor_panics: u64,
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

    /// What has been counted since `earlier`, an earlier answer of the same cache: for rates by the minute, and for the
    /// hit ratio of the last hour instead of the whole life.
    ///
    /// A count that is below the earlier one, be it that the two are of different caches or were given in the wrong
    /// order, gives zero. The [`weight`](Self::weight) is no count and stays what it is now. As counts are not read at
    /// one instant, sums such as the one above may be off by what happened during the two calls.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u32, u32> = crm_cache::Cache::new(10);
    /// cache.get(&1); // a miss, as all are at the beginning
    /// cache.insert(1, 1);
    ///
    /// let at_noon = cache.stats();
    /// cache.get(&1);
    /// let later = cache.stats();
    /// assert_eq!(later.hit_ratio(), Some(0.5));
    /// assert_eq!(later.since(&at_noon).hit_ratio(), Some(1.0));
    /// assert_eq!(later.since(&at_noon).insertions, 0);
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        // Without `..`, so that a new field has to be thought of here.
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
            insertions: self.insertions.saturating_sub(earlier.insertions),
            replacements: self.replacements.saturating_sub(earlier.replacements),
            evictions: self.evictions.saturating_sub(earlier.evictions),
            expirations: self.expirations.saturating_sub(earlier.expirations),
            invalidations: self.invalidations.saturating_sub(earlier.invalidations),
            tags_invalidated: self
                .tags_invalidated
                .saturating_sub(earlier.tags_invalidated),
            removals: self.removals.saturating_sub(earlier.removals),
            refusals: self.refusals.saturating_sub(earlier.refusals),
            weight: self.weight,
            loads: self.loads.saturating_sub(earlier.loads),
            load_failures: self.load_failures.saturating_sub(earlier.load_failures),
            load_time: self.load_time.saturating_sub(earlier.load_time),
            load_waits: self.load_waits.saturating_sub(earlier.load_waits),
            loads_voided: self.loads_voided.saturating_sub(earlier.loads_voided),
            refreshes: self.refreshes.saturating_sub(earlier.refreshes),
            stale_served: self.stale_served.saturating_sub(earlier.stale_served),
            failures_served: self.failures_served.saturating_sub(earlier.failures_served),
            load_timeouts: self.load_timeouts.saturating_sub(earlier.load_timeouts),
            executor_panics: self.executor_panics.saturating_sub(earlier.executor_panics),
            listener_panics: self.listener_panics.saturating_sub(earlier.listener_panics),
        }
    }

    /// Reads: hits and misses.
    #[must_use]
    pub fn reads(&self) -> u64 {
        // Statistics that were read from a file may have any numbers.
        self.hits.saturating_add(self.misses)
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

    /// The share of reads that the cache itself answered with a value, fresh or stale, from 0 to 1; `None` before the first
    /// read.
    ///
    /// For a [`LoadingCache`](crate::LoadingCache) this says more than the [`hit_ratio`](Self::hit_ratio), for which a
    /// remembered failure is a hit and a stale value a miss. For a plain cache the two are the same.
    ///
    /// ```
    /// let customers = crm_cache::Cache::<u32, u32>::builder(10)
    ///     .loading(|id: &u32| if *id < 5 { Ok(*id) } else { Err("no such customer") })
    ///     .remember_failures(std::time::Duration::from_secs(9))
    ///     .build()?;
    /// for id in [1, 1, 9, 9] {
    ///     let _ = customers.get(&id);
    /// }
    /// assert_eq!(customers.stats().hit_ratio(), Some(0.5));
    /// assert_eq!(customers.stats().served_ratio(), Some(0.25)); // the second read of customer 1
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    #[must_use]
    pub fn served_ratio(&self) -> Option<f64> {
        let fresh = self.hits.saturating_sub(self.failures_served);
        let served = fresh.saturating_add(self.stale_served);
        (self.reads() > 0).then(|| served.min(self.reads()) as f64 / self.reads() as f64)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::Stats;

    /// Each field another multiple of `n`.
    fn multiples(n: u64) -> Stats {
        Stats {
            hits: n,
            misses: 2 * n,
            insertions: 3 * n,
            replacements: 4 * n,
            evictions: 5 * n,
            expirations: 6 * n,
            invalidations: 7 * n,
            tags_invalidated: 8 * n,
            removals: 9 * n,
            refusals: 10 * n,
            weight: 11 * n,
            loads: 12 * n,
            load_failures: 13 * n,
            load_time: Duration::from_nanos(14 * n),
            load_waits: 15 * n,
            loads_voided: 16 * n,
            refreshes: 17 * n,
            stale_served: 18 * n,
            failures_served: 19 * n,
            load_timeouts: 20 * n,
            listener_panics: 21 * n,
            executor_panics: 22 * n,
        }
    }

    #[test]
    fn a_difference_is_taken_field_by_field() {
        let (earlier, later) = (multiples(3), multiples(5));
        let expected = Stats {
            weight: later.weight,
            ..multiples(2)
        };
        assert_eq!(later.since(&earlier), expected);
        assert_eq!(later.since(&Stats::default()), later);
    }

    #[test]
    fn a_difference_is_never_below_zero() {
        let (earlier, later) = (multiples(5), multiples(3));
        let expected = Stats {
            weight: later.weight,
            ..Stats::default()
        };
        assert_eq!(later.since(&earlier), expected);
    }

    #[test]
    fn numbers_of_any_size_can_be_asked() {
        let stats = Stats {
            hits: u64::MAX,
            misses: u64::MAX,
            ..Stats::default()
        };
        assert_eq!(stats.reads(), u64::MAX);
        assert_eq!(stats.hit_ratio(), Some(1.0));
    }

    #[test]
    #[cfg(feature = "serde")]
    fn what_was_written_is_read_again() {
        let stats = multiples(7);
        let text = serde_json::to_string(&stats).unwrap();
        assert!(text.starts_with(r#"{"hits":7,"misses":14,"#), "{text}");
        assert_eq!(serde_json::from_str::<Stats>(&text).unwrap(), stats);
        let old = serde_json::from_str::<Stats>(r#"{"hits":7,"misses":14}"#).unwrap();
        let expected = Stats {
            hits: 7,
            misses: 14,
            ..Stats::default()
        };
        assert_eq!(old, expected);
    }
}
