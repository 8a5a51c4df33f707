//! Configures a cache before it is built.

use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::time::Duration;
use std::{fmt, thread};

use crm_clock::Clock;

use crate::{BuildError, Cache, DefaultHashBuilder};

/// Configures a [`Cache`]; made by [`Cache::builder`].
///
/// Setters take any value; [`build`](Self::build) says what is wrong with them.
#[must_use = "a builder makes a cache only when built"]
pub struct CacheBuilder<K, V, S = DefaultHashBuilder> {
    capacity: usize,
    shards: Option<usize>,
    time_to_live: Option<Duration>,
    clock: Clock,
    hasher: S,
    _entries: PhantomData<fn(K, V)>,
}

impl<K, V> CacheBuilder<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            shards: None,
            time_to_live: None,
            clock: Clock::system(),
            hasher: DefaultHashBuilder::default(),
            _entries: PhantomData,
        }
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Spreads the entries over this many separately locked shards, each with its share of the capacity.
    ///
    /// More shards let more threads in at once; one shard gives one exact LRU order over the whole cache. The default
    /// is four for each core, but at least 64 entries to a shard.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Serves an entry only while it is younger than this. Without it entries stay until evicted.
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = Some(time_to_live);
        self
    }

    /// Reads the time from this clock, so that a test can turn it by hand. A cache without a time to live reads none.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Hashes keys with `hasher` instead of the [`DefaultHashBuilder`].
    pub fn hasher<H>(self, hasher: H) -> CacheBuilder<K, V, H> {
        CacheBuilder {
            capacity: self.capacity,
            shards: self.shards,
            time_to_live: self.time_to_live,
            clock: self.clock,
            hasher,
            _entries: PhantomData,
        }
    }

    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the capacity, the shards or the time to live is zero, or when there are more shards than
    /// entries.
    pub fn build(self) -> Result<Cache<K, V, S>, BuildError>
    where
        K: Eq + Hash,
        V: Clone,
        S: BuildHasher + Clone,
    {
        let capacity = self.capacity;
        if capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        let shards = self.shards.unwrap_or_else(|| default_shards(capacity));
        if shards == 0 {
            return Err(BuildError::ZeroShards);
        }
        if shards > capacity {
            return Err(BuildError::MoreShardsThanEntries { shards, capacity });
        }
        if self.time_to_live == Some(Duration::ZERO) {
            return Err(BuildError::ZeroTimeToLive);
        }
        Ok(Cache::with_parts(
            capacity,
            shards,
            self.time_to_live,
            self.clock,
            self.hasher,
        ))
    }
}

fn default_shards(capacity: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (4 * cores).min(capacity / 64).max(1)
}

impl<K, V, S> fmt::Debug for CacheBuilder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("capacity", &self.capacity)
            .field("shards", &self.shards)
            .field("time_to_live", &self.time_to_live)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
