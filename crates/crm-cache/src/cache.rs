//! The cache that threads share: hashes, reads the clock, and hands to the engine of its policy.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use equivalent::Equivalent;
use parking_lot::Mutex;

use crate::flight::{Flights, Outcome, Ticket, Voided};
use crate::hash::hash;
use crate::outflow::{Callback, Listener};
use crate::time::Lifetimes;
use crate::{
    BuildError, CacheBuilder, DefaultHashBuilder, LoadError, Policy, Stats, adaptive, lru,
};

/// A bounded map from keys to values that keeps what is worth keeping and loads a missing key once.
///
/// Share it by reference or in an `Arc`: every method takes `&self`. See the [crate docs](crate) for the guide.
pub struct Cache<K, V, S = DefaultHashBuilder> {
    engine: Engine<K, V>,
    flights: Flights<K, V, S>,
    hasher: S,
    capacity: AtomicUsize,
    /// Held while the capacity changes, so that two changes do not mix.
    resizing: Mutex<()>,
    lifetimes: Lifetimes<K, V>,
    listener: Listener<K, V>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one a cache, and a box would cost the fast path a pointer"
)]
enum Engine<K, V> {
    Adaptive(adaptive::engine::Engine<K, V>),
    Lru(lru::engine::Engine<K, V>),
}

/// Runs the same call on whichever engine there is.
macro_rules! on_engine {
    ($cache:expr, $engine:ident => $call:expr) => {
        match &$cache.engine {
            Engine::Adaptive($engine) => $call,
            Engine::Lru($engine) => $call,
        }
    };
}

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
        policy: Policy,
        shards: usize,
        lifetimes: Lifetimes<K, V>,
        on_removal: Option<Callback<K, V>>,
        hasher: S,
    ) -> Self {
        let engine = match policy {
            Policy::Adaptive => {
                let seed = DefaultHashBuilder::default().hash_one(capacity);
                Engine::Adaptive(adaptive::engine::Engine::new(capacity, shards, seed))
            }
            Policy::Lru => Engine::Lru(lru::engine::Engine::new(capacity, shards)),
        };
        Self {
            engine,
            flights: Flights::new(hasher.clone()),
            hasher,
            capacity: AtomicUsize::new(capacity),
            resizing: Mutex::new(()),
            lifetimes,
            listener: Listener::new(on_removal),
        }
    }

    /// The value of `key`, if it is here and fresh. This is a use of the entry.
    ///
    /// The key may be given in any form that is [`Equivalent`] to it: a `&str` for a `String`, a tuple of parts for a
    /// struct.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.read(key, V::clone)
    }

    /// Shows the value of `key` to `read`, if it is here and fresh, and returns what that returns. Nothing is cloned.
    ///
    /// Under [`Policy::Adaptive`] `read` runs under no lock and may use the cache; while it runs, values that other
    /// threads remove from the same shard are not dropped. Under [`Policy::Lru`] it runs under the lock of a shard and
    /// must not use the cache.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u32, Vec<u8>> = crm_cache::Cache::new(10);
    /// cache.insert(1, vec![0; 1_000_000]);
    /// assert_eq!(cache.read(&1, Vec::len), Some(1_000_000)); // a million bytes stay where they are
    /// ```
    #[inline]
    pub fn read<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (hash, now) = (hash(&self.hasher, key), self.lifetimes.now());
        let is_it = |other: &K| key.equivalent(other);
        match &self.engine {
            Engine::Adaptive(engine) => engine.get(hash, is_it, now, read),
            Engine::Lru(engine) => engine.get(hash, is_it, now, &self.listener, read),
        }
    }

    /// Stores `value` under `key`, and returns the fresh value that was there before.
    ///
    /// A load of `key` that is under way will not overwrite it.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.flights.detach(&key);
        // Nothing voids a write.
        self.store(key, value, || true).unwrap_or(None)
    }

    /// Takes `key` out and returns its value, if it was here and fresh.
    ///
    /// Call it *after* the record has changed in the database. Once it has returned, no [`get`](Self::get) sees an
    /// older value, not even one whose load began before this call and ends after it.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (hash, now) = (hash(&self.hasher, key), self.lifetimes.now());
        self.flights.detach_equivalent(key);
        on_engine!(self, engine => engine.remove(hash, |other| key.equivalent(other), now, &self.listener))
    }

    /// Takes everything out. Loads under way are not stored.
    pub fn clear(&self) {
        self.flights.detach_all();
        on_engine!(self, engine => engine.clear(&self.listener));
    }

    /// The fresh entries, in no particular order. This is no use of them.
    ///
    /// Each shard is copied at one instant, one shard after the other. It costs a clone of each entry.
    #[must_use]
    pub fn entries(&self) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let (now, mut entries) = (self.lifetimes.now(), Vec::new());
        on_engine!(self, engine => engine.for_each(now, |key, value| entries.push((key.clone(), value.clone()))));
        entries
    }

    /// Changes the capacity while the cache is in use. What no longer fits is evicted before this returns.
    ///
    /// Under [`Policy::Adaptive`] what it remembers of evicted entries stays sized for the capacity at building, so a
    /// cache that is to grow many times over is better built anew.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when `capacity` is zero or below the number of shards; then nothing is changed.
    pub fn set_capacity(&self, capacity: usize) -> Result<(), BuildError> {
        if capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        let shards = on_engine!(self, engine => engine.shards());
        if shards > capacity {
            return Err(BuildError::MoreShardsThanEntries { shards, capacity });
        }
        let _resizing = self.resizing.lock();
        let before = self.capacity.load(Ordering::Relaxed);
        // What `capacity` says is an upper bound at every moment: raised before there is more, lowered after there is
        // less.
        self.capacity.fetch_max(capacity, Ordering::Relaxed);
        let changed = catch_unwind(AssertUnwindSafe(|| match &self.engine {
            Engine::Adaptive(engine) => {
                engine.change_capacity(capacity as isize - before as isize, &self.listener);
            }
            Engine::Lru(engine) => engine.set_capacity(capacity, &self.listener),
        }));
        // The engine has changed even if the destructor of an evicted value has panicked; the next change starts here.
        self.capacity.store(capacity, Ordering::Relaxed);
        changed.unwrap_or_else(|payload| resume_unwind(payload));
        Ok(())
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
        let (hash, now) = (hash(&self.hasher, key), self.lifetimes.now());
        let landed_before =
            on_engine!(self, engine => engine.peek(hash, |other| other == key, now));
        if let Some(value) = landed_before {
            pilot.turn_back(value.clone());
            return Ok(value);
        }
        counts.loads.fetch_add(1, Ordering::Relaxed);
        match load(key) {
            Ok(value) => {
                let stored = self.store(key.clone(), value.clone(), || pilot.may_store());
                pilot.land_loaded(value.clone(), stored.is_ok());
                Ok(value)
            }
            Err(error) => {
                let error = Arc::new(error);
                pilot.land_failed(Arc::clone(&error) as Arc<dyn Any + Send + Sync>);
                Err(LoadError::Failed(error))
            }
        }
    }

    fn store(&self, key: K, value: V, may_store: impl Fn() -> bool) -> Result<Option<V>, Voided> {
        let hash = hash(&self.hasher, &key);
        let (now, deadline) = (
            self.lifetimes.now(),
            self.lifetimes.deadline(&key, &value, hash),
        );
        on_engine!(self, engine => engine.insert(hash, (key, value), deadline, now, &self.listener, may_store))
    }

    /// The entries held, expired ones that nobody has asked for since included. Never above [`capacity`](Self::capacity).
    #[must_use]
    pub fn len(&self) -> usize {
        on_engine!(self, engine => engine.len())
    }

    /// Whether no entry is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed)
    }

    /// What the cache has done since it was built.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &self.flights.counts;
        let mut stats = on_engine!(self, engine => engine.stats());
        stats.loads = counts.loads.load(Ordering::Relaxed);
        stats.load_failures = counts.failures.load(Ordering::Relaxed);
        stats.load_waits = counts.waits.load(Ordering::Relaxed);
        stats.loads_voided = counts.voided.load(Ordering::Relaxed);
        stats.listener_panics = self.listener.panics();
        stats
    }
}

impl<K, V, S> fmt::Debug for Cache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match self.engine {
            Engine::Adaptive(_) => Policy::Adaptive,
            Engine::Lru(_) => Policy::Lru,
        };
        f.debug_struct("Cache")
            .field("capacity", &self.capacity)
            .field("policy", &policy)
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}
