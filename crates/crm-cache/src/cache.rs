//! The cache that threads share: picks the shard, takes its lock, reads the clock.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crm_clock::{Clock, Tick};
use parking_lot::Mutex;

use crate::flight::{Flights, Outcome, Ticket};
use crate::shard::Shard;
use crate::{CacheBuilder, DefaultHashBuilder, LoadError, Stats};

/// A bounded map from keys to values that keeps what was used last and loads a missing key once.
///
/// Share it by reference or in an `Arc`: every method takes `&self`. See the [crate docs](crate) for the guide.
pub struct Cache<K, V, S = DefaultHashBuilder> {
    shards: Box<[LockedShard<K, V, S>]>,
    flights: Flights<K, V, S>,
    hasher: S,
    capacity: usize,
    expiry: Option<Expiry>,
}

struct Expiry {
    time_to_live: Duration,
    clock: Clock,
}

/// A shard and its lock, on cache lines of their own so that threads in different shards do not slow each other. Two
/// lines, because processors fetch them in pairs.
#[repr(align(128))]
struct LockedShard<K, V, S>(Mutex<Shard<K, V, S>>);

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// A cache for `capacity` entries that keeps each until it is evicted.
    ///
    /// ```
    /// let cache: crm_cache::Cache<String, u32> = crm_cache::Cache::new(1_000);
    /// cache.insert("ada".to_owned(), 1815);
    /// assert_eq!(cache.get("ada"), Some(1815)); // a String key is found by &str
    /// ```
    ///
    /// # Panics
    ///
    /// If `capacity` is zero. [`Cache::builder`] returns an error instead.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        match Self::builder(capacity).build() {
            Ok(cache) => cache,
            Err(error) => panic!("{error}"),
        }
    }

    /// Configures a cache for `capacity` entries.
    pub fn builder(capacity: usize) -> CacheBuilder<K, V> {
        CacheBuilder::new(capacity)
    }
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Cache<K, V, S> {
    pub(crate) fn with_parts(
        capacity: usize,
        shards: usize,
        time_to_live: Option<Duration>,
        clock: Clock,
        hasher: S,
    ) -> Self {
        // The first `capacity % shards` shards hold one entry more, so that the shares add up to the capacity.
        let share = |index| capacity / shards + usize::from(index < capacity % shards);
        Self {
            shards: (0..shards)
                .map(|index| LockedShard(Mutex::new(Shard::new(share(index), hasher.clone()))))
                .collect(),
            flights: Flights::new(hasher.clone()),
            hasher,
            capacity,
            expiry: time_to_live.map(|time_to_live| Expiry {
                time_to_live,
                clock,
            }),
        }
    }

    /// The value of `key`, if it is here and fresh. It becomes the most recently used.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = self.now();
        // The guard is gone at the end of the statement: what had expired is dropped after it.
        let found = self.shard(key).lock().get(key, now, V::clone);
        found.ok()
    }

    /// Stores `value` under `key` as the most recently used, and returns the fresh value that was there before.
    ///
    /// A load of `key` that is under way will not overwrite it.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.flights.detach(&key);
        let removed = self.store(key, value);
        removed.previous
    }

    /// Takes `key` out and returns its value, if it was here and fresh.
    ///
    /// Call it *after* the record has changed in the database. Once it has returned, no [`get`](Self::get) sees an
    /// older value, not even one whose load began before this call and ends after it.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.flights.detach(key);
        let now = self.now();
        let removed = self.shard(key).lock().remove(key, now);
        removed.previous
    }

    /// Takes everything out. Loads under way are not stored.
    pub fn clear(&self) {
        self.flights.detach_all();
        for shard in &self.shards {
            let contents = shard.0.lock().clear();
            drop(contents);
        }
    }

    /// The value of `key`; if it is not here, `load` makes it and it is stored.
    ///
    /// Concurrent calls for the same key run one loader; the others wait for its result. The loader runs under no lock
    /// and may use the cache for other keys. Two loaders that wait for each other's keys wait for ever, as any two
    /// threads do that take two locks in opposite order.
    ///
    /// ```
    /// use crm_cache::{Cache, LoadError};
    ///
    /// let cache: Cache<u64, String> = Cache::new(100);
    /// let name = cache.get_or_load(&7, |id| Ok::<_, std::io::Error>(format!("customer {id}")))?;
    /// assert_eq!(name, "customer 7");
    ///
    /// let missing = cache.get_or_load(&8, |id| Err::<String, _>(std::io::Error::other(format!("no customer {id}"))));
    /// assert_eq!(missing.unwrap_err().to_string(), "the loader failed: no customer 8");
    /// # Ok::<(), LoadError<std::io::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's error, for everyone who waited for it; nothing is cached then.
    /// [`LoadError::Reentrant`] when a loader asks for the key that it is itself loading.
    ///
    /// # Panics
    ///
    /// A panic of `load` goes through to its caller. One of the waiters, if any, then runs its own loader.
    pub fn get_or_load<E>(
        &self,
        key: &K,
        load: impl FnOnce(&K) -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        K: Clone,
        E: Any + Send + Sync,
    {
        match self.get(key) {
            Some(value) => Ok(value),
            None => self.load(key, load),
        }
    }

    #[cold]
    fn load<E>(&self, key: &K, load: impl FnOnce(&K) -> Result<V, E>) -> Result<V, LoadError<E>>
    where
        K: Clone,
        E: Any + Send + Sync,
    {
        let counts = &self.flights.counts;
        let pilot = loop {
            match self.flights.board(key) {
                Ticket::Load(pilot) => break pilot,
                Ticket::Wait(flight) if flight.is_mine() => return Err(LoadError::Reentrant),
                Ticket::Wait(flight) => {
                    counts.waits.fetch_add(1, Ordering::Relaxed);
                    match flight.wait() {
                        Outcome::Loaded(value) => return Ok(value),
                        Outcome::Failed(error) => {
                            // A waiter whose loader has another error type cannot be told this one: it loads itself.
                            if let Ok(error) = error.downcast::<E>() {
                                return Err(LoadError::Failed(error));
                            }
                        }
                        Outcome::Abandoned => {}
                    }
                }
            }
        };
        // Another load may have landed between our miss and our boarding.
        let now = self.now();
        let landed_before = self.shard(key).lock().peek(key, now).cloned();
        if let Some(value) = landed_before {
            pilot.turn_back(value.clone());
            return Ok(value);
        }
        counts.loads.fetch_add(1, Ordering::Relaxed);
        match load(key) {
            Ok(value) => {
                let (key, stored) = (key.clone(), value.clone());
                drop(pilot.land_loaded(value.clone(), || self.store(key, stored)));
                Ok(value)
            }
            Err(error) => {
                let error = Arc::new(error);
                pilot.land_failed(Arc::clone(&error) as Arc<dyn Any + Send + Sync>);
                Err(LoadError::Failed(error))
            }
        }
    }

    fn store(&self, key: K, value: V) -> crate::shard::Removed<K, V> {
        let now = self.now();
        let expires = self
            .expiry
            .as_ref()
            .map_or(Tick::MAX, |expiry| now + expiry.time_to_live);
        self.shard(&key).lock().insert(key, value, expires, now)
    }

    /// The entries held, expired ones that nobody has asked for since included. Never above [`capacity`](Self::capacity).
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.lock().len()).sum()
    }

    /// Whether no entry is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What the cache has done since it was built.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &self.flights.counts;
        let mut stats = Stats {
            loads: counts.loads.load(Ordering::Relaxed),
            load_failures: counts.failures.load(Ordering::Relaxed),
            load_waits: counts.waits.load(Ordering::Relaxed),
            loads_voided: counts.voided.load(Ordering::Relaxed),
            ..Stats::default()
        };
        for shard in &self.shards {
            let part = shard.0.lock().stats();
            stats.hits += part.hits;
            stats.misses += part.misses;
            stats.insertions += part.insertions;
            stats.replacements += part.replacements;
            stats.evictions += part.evictions;
            stats.expirations += part.expirations;
            stats.removals += part.removals;
        }
        stats
    }

    /// The present time where entries expire; the clock is not read where they do not.
    fn now(&self) -> Tick {
        self.expiry
            .as_ref()
            .map_or(Tick::ZERO, |expiry| expiry.clock.now())
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &Mutex<Shard<K, V, S>> {
        // The upper half of the hash, scaled to the number of shards by a multiplication: any number of shards serves,
        // and the maps inside use the other bits.
        let upper = self.hasher.hash_one(key) >> 32;
        let index = (upper * self.shards.len() as u64) >> 32;
        &self.shards[index as usize].0
    }
}

impl<K, V, S> fmt::Debug for Cache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("capacity", &self.capacity)
            .field("shards", &self.shards.len())
            .field(
                "time_to_live",
                &self.expiry.as_ref().map(|expiry| expiry.time_to_live),
            )
            .finish_non_exhaustive()
    }
}
