//! The cache that threads share: hashes, reads the clock, and hands to the engine of its policy.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crm_clock::Clock;
use equivalent::Equivalent;

use crate::adaptive::shard::Extras;
use crate::arrival::{Arrival, Declined};
use crate::bound::{Bound, LARGEST};
use crate::builder::{Tagger, Weigher};
use crate::content::{Mark, Marked, Owned, Plain, Present, Standing, Tagged, View, Viewed};
use crate::hash::hash;
use crate::load::{Flights, Pilot, Queue};
use crate::outflow::{Callback, Listener};
use crate::shares::OTHERS;
#[cfg(feature = "serde")]
use crate::snapshot::{Copied, Past, Place, Terms};
use crate::tags::{TagSlots, TagTable};
use crate::tenants::Tenants;
use crate::time::{Lifetimes, Millis};
use crate::{
    BuildError, CacheBuilder, DefaultHashBuilder, NotReplaced, NotReplacedReason, Policy, Refused,
    RemovalCause, Stats, Tag, Tenant, adaptive, lru,
};

/// A bounded map from keys to values that keeps what is worth keeping and loads a missing key once.
///
/// Share it by reference or in an `Arc`: every method takes `&self`. See the [crate docs](crate) for the guide.
pub struct Cache<K, V, S = DefaultHashBuilder> {
    engine: Engine<K, V>,
    pub(crate) flights: Flights<K, V, S>,
    pub(crate) queue: Queue<K, V>,
    pub(crate) max_batch: usize,
    hasher: S,
    weigher: Option<Weigher<K, V>>,
    /// When which tag was invalidated, and the user's function that says which tags an entry has.
    tags: Option<(Box<TagTable>, Tagger<K, V>)>,
    tenants: Option<Tenants<K>>,
    pub(crate) lifetimes: Lifetimes<K, V>,
    pub(crate) listener: Listener<K, V>,
    #[cfg(feature = "serde")]
    pub(crate) snapshots: Terms,
}

/// All that a cache is made of, checked by the builder.
pub(crate) struct Plan<K, V, S> {
    pub(crate) bound: Bound,
    pub(crate) policy: Policy,
    pub(crate) shards: usize,
    pub(crate) weigher: Option<Weigher<K, V>>,
    pub(crate) tagger: Option<Tagger<K, V>>,
    pub(crate) keeps_stale: bool,
    pub(crate) tenants: Option<Tenants<K>>,
    pub(crate) max_batch: usize,
    pub(crate) lifetimes: Lifetimes<K, V>,
    pub(crate) load_clock: Clock,
    pub(crate) on_removal: Option<Callback<K, V>>,
    #[cfg(feature = "serde")]
    pub(crate) snapshots: Terms,
    pub(crate) hasher: S,
}

impl<K, V, S> Plan<K, V, S> {
    /// Says why there is not enough memory to begin with, as far as the allocator tells. A system that promises more
    /// than it has does not tell.
    pub(crate) fn check_memory(&self) -> Result<(), BuildError> {
        let (capacity, shards) = (self.bound.capacity(), self.shards);
        let (weighs, idles) = (
            self.weigher.is_some(),
            self.lifetimes.time_to_idle.is_some(),
        );
        let bytes = match self.policy {
            Policy::Lru => Some(0),
            Policy::Adaptive if self.tenants.is_some() => {
                adaptive::engine::Engine::<K, Owned<V>>::reserved(capacity, shards, weighs, idles)
            }
            Policy::Adaptive if self.tagger.is_some() || self.keeps_stale => {
                adaptive::engine::Engine::<K, Marked<V>>::reserved(capacity, shards, weighs, idles)
            }
            Policy::Adaptive => {
                adaptive::engine::Engine::<K, Plain<V>>::reserved(capacity, shards, weighs, idles)
            }
        };
        let tags = self
            .tagger
            .as_ref()
            .map_or(0, |_| TagTable::bytes(capacity));
        let bytes = bytes.and_then(|bytes| bytes.checked_add(tags));
        let is_there = bytes.is_some_and(|bytes| {
            // Small caches are not worth the question.
            bytes < ASKED_FROM || {
                let mut room = Vec::<u8>::new();
                let is_there = room.try_reserve_exact(bytes).is_ok();
                // Else the compiler may leave out what nobody uses.
                std::hint::black_box(&room);
                is_there
            }
        });
        if is_there {
            Ok(())
        } else {
            Err(BuildError::OutOfMemory {
                capacity,
                bytes: bytes.unwrap_or(usize::MAX),
            })
        }
    }
}

/// From so many bytes on it is asked whether there are as many before a cache is built.
const ASKED_FROM: usize = 64 << 20;

enum Engine<K, V> {
    Adaptive(adaptive::engine::Engine<K, Plain<V>>),
    Lru(lru::engine::Engine<K, Plain<V>>),
    /// What only some caches need to know of their values stands beside the values, so that the others pay nothing for it.
    TaggedAdaptive(adaptive::engine::Engine<K, Tagged<V>>),
    TaggedLru(lru::engine::Engine<K, Tagged<V>>),
    MarkedAdaptive(adaptive::engine::Engine<K, Marked<V>>),
    MarkedLru(lru::engine::Engine<K, Marked<V>>),
    /// Where tenants have shares, it is known of each value whose it is.
    OwnedAdaptive(adaptive::engine::Engine<K, Owned<V>>),
    OwnedLru(lru::engine::Engine<K, Owned<V>>),
}

/// Runs the same call on whichever engine there is.
macro_rules! on_engine {
    ($cache:expr, $engine:ident => $call:expr) => {
        match &$cache.engine {
            Engine::Adaptive($engine) => $call,
            Engine::Lru($engine) => $call,
            Engine::TaggedAdaptive($engine) => $call,
            Engine::TaggedLru($engine) => $call,
            Engine::MarkedAdaptive($engine) => $call,
            Engine::MarkedLru($engine) => $call,
            Engine::OwnedAdaptive($engine) => $call,
            Engine::OwnedLru($engine) => $call,
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

    /// Configures a cache for `capacity` entries. Each of them costs some 33 bytes and the size of key and value,
    /// before anything is held: see [Memory](crate#memory).
    pub fn builder(capacity: usize) -> CacheBuilder<K, V> {
        CacheBuilder::new(capacity)
    }
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Cache<K, V, S> {
    pub(crate) fn from_plan(plan: Plan<K, V, S>) -> Self {
        let time_to_idle = plan.lifetimes.idle_millis();
        // The hash of nothing: random where the hasher is, and no key type's hasher can refuse it.
        let seed = plan.hasher.hash_one(());
        let extras = Extras {
            time_to_idle,
            weighs: plan.weigher.is_some(),
            groups: &[],
        };
        let (bound, shards) = (plan.bound, plan.shards);
        let tags = plan
            .tagger
            .map(|name| (Box::new(TagTable::new(bound.capacity())), name));
        let engine = match plan.policy {
            Policy::Adaptive if plan.tenants.is_some() => {
                Engine::OwnedAdaptive(adaptive::engine::Engine::new(bound, shards, seed, extras))
            }
            Policy::Adaptive if plan.keeps_stale => {
                Engine::MarkedAdaptive(adaptive::engine::Engine::new(bound, shards, seed, extras))
            }
            Policy::Adaptive if tags.is_some() => {
                Engine::TaggedAdaptive(adaptive::engine::Engine::new(bound, shards, seed, extras))
            }
            Policy::Adaptive => {
                Engine::Adaptive(adaptive::engine::Engine::new(bound, shards, seed, extras))
            }
            Policy::Lru if plan.tenants.is_some() => {
                Engine::OwnedLru(lru::engine::Engine::new(bound, shards, time_to_idle))
            }
            Policy::Lru if plan.keeps_stale => {
                Engine::MarkedLru(lru::engine::Engine::new(bound, shards, time_to_idle))
            }
            Policy::Lru if tags.is_some() => {
                Engine::TaggedLru(lru::engine::Engine::new(bound, shards, time_to_idle))
            }
            Policy::Lru => Engine::Lru(lru::engine::Engine::new(bound, shards, time_to_idle)),
        };
        Self {
            engine,
            flights: Flights::new(plan.hasher.clone(), plan.load_clock),
            queue: Queue::new(),
            max_batch: plan.max_batch,
            hasher: plan.hasher,
            weigher: plan.weigher,
            tags,
            tenants: plan.tenants,
            lifetimes: plan.lifetimes,
            listener: Listener::new(plan.on_removal),
            #[cfg(feature = "serde")]
            snapshots: plan.snapshots,
        }
    }

    /// The value of `key`, if it is here and fresh. This is a use of the entry.
    ///
    /// The key may be given in any form that is [`Equivalent`] to it. A `&str` for a `String` is one already; for a
    /// struct say how its parts compare, and hash them as the struct does:
    ///
    /// ```
    /// use crm_cache::{Cache, Equivalent};
    /// use std::hash::{Hash, Hasher};
    ///
    /// #[derive(PartialEq, Eq, Hash)] // hashes its fields one after the other, in this order
    /// struct Key {
    ///     tenant: String,
    ///     customer: u64,
    /// }
    ///
    /// /// A key in parts that belong to somebody else.
    /// #[derive(Hash)] // the same fields in the same order: a `str` hashes as a `String` does
    /// struct Parts<'a> {
    ///     tenant: &'a str,
    ///     customer: u64,
    /// }
    ///
    /// impl Equivalent<Key> for Parts<'_> {
    ///     fn equivalent(&self, key: &Key) -> bool {
    ///         self.tenant == key.tenant && self.customer == key.customer
    ///     }
    /// }
    ///
    /// // A tuple does for a key of your own as well, since it hashes its fields as a struct does.
    /// impl Equivalent<Key> for (&str, u64) {
    ///     fn equivalent(&self, key: &Key) -> bool {
    ///         self.0 == key.tenant && self.1 == key.customer
    ///     }
    /// }
    ///
    /// let cache: Cache<Key, u32> = Cache::new(100);
    /// cache.insert(Key { tenant: "acme".to_owned(), customer: 7 }, 1815);
    /// assert_eq!(cache.get(&Parts { tenant: "acme", customer: 7 }), Some(1815)); // no String was made
    /// assert_eq!(cache.get(&("acme", 7)), Some(1815));
    /// ```
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
    #[inline(always)]
    pub fn read<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        // Nothing but the choice, so that none of the three pays for what another one keeps in registers.
        match &self.engine {
            Engine::Adaptive(engine) => self.read_plain(engine, key, read),
            Engine::TaggedAdaptive(engine) => self.read_tagged(engine, key, read),
            _ => self.read_otherwise(key, read),
        }
    }

    #[inline]
    fn read_plain<Q, R>(
        &self,
        engine: &adaptive::engine::Engine<K, Plain<V>>,
        key: &Q,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (hash, present) = (hash(&self.hasher, key), self.present());
        engine.get(hash, |other| key.equivalent(other), present, read)
    }

    #[inline(never)]
    fn read_tagged<Q, R>(
        &self,
        engine: &adaptive::engine::Engine<K, Tagged<V>>,
        key: &Q,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (hash, present) = (hash(&self.hasher, key), self.present());
        engine.get(hash, |other| key.equivalent(other), present, read)
    }

    /// Apart, since it is rare and large.
    #[inline(never)]
    fn read_otherwise<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (hash, present) = (hash(&self.hasher, key), self.present());
        let is_it = |other: &K| key.equivalent(other);
        match &self.engine {
            Engine::Adaptive(engine) => engine.get(hash, is_it, present, read),
            Engine::TaggedAdaptive(engine) => engine.get(hash, is_it, present, read),
            Engine::MarkedAdaptive(engine) => engine.get(hash, is_it, present, read),
            Engine::OwnedAdaptive(engine) => engine.get(hash, is_it, present, read),
            Engine::OwnedLru(engine) => engine.get(hash, is_it, present, &self.listener, read),
            Engine::Lru(engine) => engine.get(hash, is_it, present, &self.listener, read),
            Engine::TaggedLru(engine) => engine.get(hash, is_it, present, &self.listener, read),
            Engine::MarkedLru(engine) => engine.get(hash, is_it, present, &self.listener, read),
        }
    }

    /// The value of `key`, if it is here and fresh. This is no use of the entry: it counts neither as a hit nor as a
    /// miss, the policy does not learn of it, and it does not extend a [time to idle](CacheBuilder::time_to_idle).
    ///
    /// For a look from outside, by an operator or a test. Who serves a request asks [`get`](Self::get), or the policy
    /// will evict what is in demand.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u32, &str> = crm_cache::Cache::new(10);
    /// cache.insert(7, "Ada");
    /// assert_eq!(cache.peek(&7), Some("Ada"));
    /// assert_eq!(cache.peek(&8), None);
    /// assert_eq!(cache.stats().reads(), 0);
    /// ```
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.glimpse(key, V::clone)
    }

    /// Whether `key` is here and fresh. As [`peek`](Self::peek) this is no use of the entry and not counted; nothing is
    /// cloned.
    ///
    /// The answer may be out of date when it arrives: a `get` after it can still miss, and an `insert` still replace.
    /// What depends on the look is one step in [`get_or_load`](Self::get_or_load), [`replace`](Self::replace) and
    /// [`remove_if`](Self::remove_if).
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.glimpse(key, |_| ()).is_some()
    }

    /// Shows the fresh value of a key to `read`, without a trace.
    pub(crate) fn glimpse<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.glimpse_at(hash(&self.hasher, key), key, read)
    }

    /// As [`peek`](Self::peek), where the hash of the key is known.
    pub(crate) fn peek_at(&self, hash: u64, key: &K) -> Option<V> {
        self.glimpse_at(hash, key, V::clone)
    }

    fn glimpse_at<Q, R>(&self, hash: u64, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let present = self.present();
        on_engine!(self, engine => engine.glimpse(hash, |other| key.equivalent(other), present, read))
    }

    /// Stores `value` under `key`, and returns the fresh value that was there before.
    ///
    /// A load of `key` that is under way will not overwrite it.
    ///
    /// **What is handed in is stored, however old it is.** A value that was read from the database before an
    /// invalidation, be it by key, by tag or of everything, and is inserted by hand after it, is served until it is
    /// invalidated again: the cache cannot know when it was read. Where reads and updates overlap, read in a loader
    /// ([`get_or_load`](Self::get_or_load)), of which the cache knows when it began. This is for what was just written,
    /// and for filling a cache before anybody changes anything.
    ///
    /// Where the cache has a [weigher](CacheBuilder::weigher), an entry heavier than the whole cache may be is refused:
    /// told to the listener, counted in [`Stats::refusals`] and dropped. [`try_insert`](Self::try_insert) hands it
    /// back.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        match self.try_insert(key, value) {
            Ok(previous) => previous,
            Err(refused) => {
                let Refused { key, value, .. } = &refused;
                self.listener.tell(key, value, RemovalCause::Refused);
                refused.previous
            }
        }
    }

    /// Stores `value` under `key` as [`insert`](Self::insert) does, and hands both back if they are too heavy.
    ///
    /// ```
    /// use crm_cache::Cache;
    ///
    /// let cache = Cache::<u32, Vec<u8>>::builder(100).weigher(1_000, |_, value| value.len() as u64).build()?;
    /// let refused = cache.try_insert(7, vec![0; 1_001]).unwrap_err();
    /// assert_eq!((refused.key, refused.weight), (7, 1_001));
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refused`] when the entry is heavier than [`max_weight`](Self::max_weight), or when there is no place for it in
    /// its [tenant's](CacheBuilder::tenants) share and what the others do not use of theirs. What was under the key
    /// before has left, since it is out of date.
    pub fn try_insert(&self, key: K, value: V) -> Result<Option<V>, Refused<K, V>> {
        self.flights.detach(&key);
        let arrival = self.arrival(key, value, self.stamp());
        let weight = arrival.weight;
        match self.store(arrival, |_| true, || ()) {
            Ok(previous) => Ok(previous),
            Err(Declined::TooHeavy { pair, previous }) => Err(Refused {
                key: pair.0,
                value: pair.1,
                weight,
                previous,
            }),
            Err(Declined::Unwanted(_)) => unreachable!("a write is always wanted"),
        }
    }

    /// Stores `value` under `key` only if a fresh value is there, and returns that one. In one step: nothing can come
    /// between the look and the write.
    ///
    /// A load of `key` that is under way will not be stored, whether or not `value` was: it may be older.
    ///
    /// ```
    /// use crm_cache::{Cache, NotReplacedReason};
    ///
    /// let cache: Cache<u32, &str> = Cache::new(10);
    /// let missing = cache.replace(7, "new").unwrap_err(); // nobody has asked for customer 7: no need to keep it
    /// assert_eq!((missing.key, missing.value, missing.reason), (7, "new", NotReplacedReason::Absent));
    /// cache.insert(7, "old");
    /// assert_eq!(cache.replace(7, "new")?, "old");
    /// # Ok::<(), crm_cache::NotReplaced<u32, &str>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotReplaced`] hands both back, with the reason. [`Absent`](NotReplacedReason::Absent): there is no fresh
    /// value, and nothing was changed. [`Refused`](NotReplacedReason::Refused): there was one, and the new entry is
    /// refused as by [`try_insert`](Self::try_insert); what was there has left, since it is out of date, and is
    /// [handed out](NotReplaced::previous).
    pub fn replace(&self, key: K, value: V) -> Result<V, NotReplaced<K, V>> {
        self.flights.detach(&key);
        let arrival = self.arrival(key, value, self.stamp());
        let weight = arrival.weight;
        let ((key, value), reason, previous) = match self.store(arrival, |is_here| is_here, || ()) {
            Ok(previous) => return Ok(previous.expect("stored only where a value is")),
            Err(Declined::Unwanted(pair)) => (pair, NotReplacedReason::Absent, None),
            Err(Declined::TooHeavy { pair, previous }) => {
                (pair, NotReplacedReason::Refused { weight }, previous)
            }
        };
        Err(NotReplaced {
            key,
            value,
            reason,
            previous,
        })
    }

    /// Takes `key` out and returns its value, if it was here and fresh.
    ///
    /// Call it *after* the record has changed in the database. Once it has returned, no [`get`](Self::get) sees an
    /// older value, not even one whose load began before this call and ends after it. What is
    /// [inserted by hand](Self::insert) is not asked for its age.
    ///
    /// It locks one shard, waits for no reader, and costs O(1). The memory comes back when
    /// the last reader of the value has left the shard; see [`forget`](Self::forget).
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.remove_if(key, |_| true)
    }

    /// Takes `key` out if `condition` holds for its fresh value, and returns that value. In one step: nothing can come
    /// between the look and the removal.
    ///
    /// `condition` runs under the lock of a shard and must not use the cache. It is not asked about what is past its
    /// life or invalidated; that leaves. A load of `key` that is under way will not be stored, whatever `condition`
    /// says. It costs what [`remove`](Self::remove) costs, and guarantees the same if `condition` holds.
    ///
    /// ```
    /// let cache: crm_cache::Cache<&str, u64> = crm_cache::Cache::new(10);
    /// cache.insert("ada", 3); // a record of version 3
    /// assert_eq!(cache.remove_if("ada", |version| *version < 3), None);
    /// assert_eq!(cache.remove_if("ada", |version| *version < 4), Some(3));
    /// ```
    pub fn remove_if<Q>(&self, key: &Q, condition: impl FnOnce(&V) -> bool) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (hash, present) = (hash(&self.hasher, key), self.present());
        let is_it = |other: &K| key.equivalent(other);
        self.flights.detach(key);
        on_engine!(self, engine => engine.remove(hash, is_it, present, &self.listener, condition))
    }

    /// Takes out what a load has found to be gone from the source, unless it was written meanwhile.
    pub(crate) fn take_out_absent(&self, pilot: &Pilot<'_, K, V, S>) {
        // Of what is stale the engine does not ask.
        if !pilot.may_store() {
            return;
        }
        let (key, hash, present) = (pilot.key(), pilot.hash(), self.present());
        #[cfg(feature = "serde")]
        self.flights.found_absent(hash);
        let may_leave = |_: &V| pilot.may_store();
        on_engine!(self, engine => engine.remove(hash, |other: &K| other == key, present, &self.listener, may_leave));
    }

    /// Takes `key` out for an erasure request: nothing of it is left in the cache when this returns. Says whether a
    /// fresh value was here.
    ///
    /// Beyond what [`remove`](Self::remove) does, it waits until no reader looks at the value any more and its memory
    /// is given back, that of former values of the key included, and makes the policy forget that the key was ever
    /// here. Copies that callers hold are theirs, and so is what a load under way brings: it is not stored. A
    /// [snapshot](crate#snapshots) that was taken before still has the entry: take a new one or delete the file.
    ///
    /// It costs what [`remove`](Self::remove) costs, and waits for as long as somebody who looks into the same shard
    /// keeps looking: for a slow function in [`read`](Self::read) until that returns. A thread that
    /// reads within a read, of the same cache or another one (`a.read(&1, |_| b.get(&2))`), may be looking anywhere
    /// until the outer read is over: it holds up every `forget` in the process.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u64, String> = crm_cache::Cache::new(10);
    /// cache.insert(7, "Ada".to_owned());
    /// assert!(cache.forget(&7));
    /// assert!(!cache.forget(&7));
    /// ```
    ///
    /// # Panics
    ///
    /// If it is called from within [`read`](Self::read) or a removal listener under [`Policy::Adaptive`], of this cache
    /// or another one: it would wait for its own caller. Where there is a listener, the destructor of a value that
    /// leaves runs within the same visit, and must not call it either.
    pub fn forget<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        assert!(
            !crate::store::is_reading(),
            "forget waits for readers, and this thread is one: call it after the read"
        );
        let (hash, present) = (hash(&self.hasher, key), self.present());
        let is_it = |other: &K| key.equivalent(other);
        self.flights.detach(key);
        on_engine!(self, engine => engine.forget(hash, is_it, present, &self.listener))
    }

    /// Invalidates every entry with this tag: none of them is read again once this has returned. Two atomic writes and
    /// no lock, whatever their number.
    ///
    /// Call it *after* the records have changed in the database. A load that began before this call and ends after it
    /// is not stored if its value has the tag; those who waited for it receive it. The entries leave, with the cause
    /// [`Invalidated`](RemovalCause::Invalidated), as they are met: [`len`](Self::len) counts them until then, and they
    /// take up room. [`remove_expired`](Self::remove_expired) takes them out at once.
    ///
    /// Tags are told apart by 64-bit hashes in a table of at least 65,536 places. Should two share a place, both are
    /// invalidated together.
    ///
    /// ```
    /// use crm_cache::{Cache, Tag};
    ///
    /// // Invoices, tagged with the account that they belong to.
    /// let invoices = Cache::<u32, (u64, &str)>::builder(1_000)
    ///     .tags(|_, (account, _), tags| tags.add(Tag::new("account", *account)))
    ///     .build()?;
    /// invoices.insert(1, (7, "one"));
    /// invoices.insert(2, (7, "two"));
    /// invoices.insert(3, (8, "three"));
    /// invoices.invalidate_tag(Tag::new("account", 7));
    /// assert_eq!((invoices.get(&1), invoices.get(&2)), (None, None));
    /// assert!(invoices.get(&3).is_some());
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the cache was built without [`tags`](CacheBuilder::tags): there would be nothing to invalidate, and somebody
    /// would read stale data for it.
    pub fn invalidate_tag(&self, tag: Tag) {
        let Some((table, _)) = &self.tags else {
            panic!("this cache has no tags: name them with CacheBuilder::tags");
        };
        table.invalidate(tag);
    }

    /// Keeps the entries for which `keep` holds and takes the others out. Loads under way are not stored: what they
    /// will bring was not asked about.
    ///
    /// Once it has returned, nothing is served that was here when it began and that `keep` refused. What others
    /// [insert](Self::insert) meanwhile may not have been asked about.
    ///
    /// `keep` runs under the lock of a shard and must not use the cache. It is asked about each entry that may be
    /// served, and costs a look at each entry and each load under way. No shard is locked for more than a thousand
    /// entries at a time under [`Policy::Adaptive`]; under [`Policy::Lru`] it is locked for all of its own. Where what
    /// has to leave can be named in advance, a [tag](Self::invalidate_tag) costs next to nothing.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u32, &str> = crm_cache::Cache::new(10);
    /// cache.insert(1, "active");
    /// cache.insert(2, "closed");
    /// cache.retain(|_, state| *state != "closed");
    /// assert_eq!(cache.entries(), [(1, "active")]);
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.flights.detach_all();
        let present = self.present();
        on_engine!(self, engine => engine.retain(present, &self.listener, &mut keep));
    }

    /// Takes everything out. Loads under way are not stored.
    ///
    /// Once it has returned, nothing is served that was here when it began. What others insert meanwhile may stay or
    /// leave. One shard after the other is locked for as long as it takes to empty it, and the listener is told of each
    /// entry. Statistics stay, and so does what the policy has learnt; it forgets what it remembers of single keys.
    pub fn clear(&self) {
        self.flights.detach_all();
        on_engine!(self, engine => engine.clear(&self.listener));
    }

    /// Takes out every entry whose life is over or one of whose tags was invalidated, tells the listener, and returns
    /// how many they were.
    ///
    /// Such entries are never served and leave as others come in. This is for a cache that is written so seldom that
    /// their memory matters meanwhile; call it from time to time. It costs a look at each entry, under locks as
    /// [`retain`](Self::retain). Loads under way are stored.
    pub fn remove_expired(&self) -> usize {
        let present = self.present();
        on_engine!(self, engine => engine.remove_expired(present, &self.listener))
    }

    /// The keys of at most `count` fresh entries that the policy would keep longest, the best first. This is no use of
    /// them.
    ///
    /// Under [`Policy::Adaptive`] that is by what the entries are worth, under [`Policy::Lru`] by their last use, with
    /// the shards taking turns. It costs a look at each entry under its shard's lock: a question for an operator, not
    /// for each request.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u32, &str> =
    ///     crm_cache::Cache::builder(10).policy(crm_cache::Policy::Lru).shards(1).build()?;
    /// for key in 1..=3 {
    ///     cache.insert(key, "customer");
    /// }
    /// cache.get(&1);
    /// assert_eq!(cache.hottest(2), [1, 3]);
    /// assert_eq!(cache.coldest(2), [2, 3]);
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    #[must_use]
    pub fn hottest(&self, count: usize) -> Vec<K>
    where
        K: Clone,
    {
        let present = self.present();
        on_engine!(self, engine => engine.hottest(count, present))
    }

    /// The keys of at most `count` fresh entries that the policy would evict first, the first of them first; see
    /// [`hottest`](Self::hottest).
    #[must_use]
    pub fn coldest(&self, count: usize) -> Vec<K>
    where
        K: Clone,
    {
        let present = self.present();
        on_engine!(self, engine => engine.coldest(count, present))
    }

    /// The keys of the fresh entries, in no particular order. This is no use of them.
    ///
    /// For going through a large cache without a copy of it: ask for the keys, then [`read`](Self::read) or
    /// [`peek`](Self::peek) one after the other, and expect that some have left meanwhile. Each shard is read at one
    /// instant, under its lock; it costs a clone of each key.
    ///
    /// ```
    /// let cache: crm_cache::Cache<u32, Vec<u8>> = crm_cache::Cache::new(10);
    /// cache.insert(1, vec![0; 1_000]);
    /// cache.insert(2, vec![0; 2_000]);
    /// let bytes: usize = cache.keys().iter().filter_map(|key| cache.read(key, Vec::len)).sum();
    /// assert_eq!(bytes, 3_000);
    /// ```
    #[must_use]
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        let (present, mut keys) = (self.present(), Vec::new());
        on_engine!(self, engine => engine.for_each(present, |key, _| keys.push(key.clone())));
        keys
    }

    /// The fresh entries, in no particular order. This is no use of them.
    ///
    /// Each shard is copied at one instant, one shard after the other. It costs a clone of each entry.
    #[must_use]
    pub fn entries(&self) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let (present, mut entries) = (self.present(), Vec::new());
        on_engine!(self, engine => engine.for_each(present, |key, value| entries.push((key.clone(), value.clone()))));
        entries
    }

    /// Changes the capacity while the cache is in use. What no longer fits is evicted before this returns.
    ///
    /// Under [`Policy::Adaptive`] what it remembers of evicted entries stays sized for the capacity at building, so a
    /// cache that is to grow many times over is better built anew.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when `capacity` is zero, above 2,147,483,647 or below the number of shards; then nothing is
    /// changed.
    pub fn set_capacity(&self, capacity: usize) -> Result<(), BuildError> {
        if capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        if capacity > LARGEST {
            return Err(BuildError::CapacityTooLarge { capacity });
        }
        let shards = on_engine!(self, engine => engine.shards());
        if shards > capacity {
            return Err(BuildError::MoreShardsThanEntries { shards, capacity });
        }
        self.change_bound(Some(capacity), None);
        Ok(())
    }

    /// Changes how much the entries may weigh together while the cache is in use. What no longer fits is evicted before
    /// this returns; until then more may be held.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when `max_weight` is zero, and when the cache has no [weigher](CacheBuilder::weigher).
    pub fn set_max_weight(&self, max_weight: u64) -> Result<(), BuildError> {
        if self.weigher.is_none() {
            return Err(BuildError::NoWeigher);
        }
        if max_weight == 0 {
            return Err(BuildError::ZeroWeight);
        }
        self.change_bound(None, Some(max_weight));
        Ok(())
    }

    fn change_bound(&self, capacity: Option<usize>, max_weight: Option<u64>) {
        on_engine!(self, engine => engine.change_bound(capacity, max_weight, &self.listener));
    }

    fn bound(&self) -> &Bound {
        on_engine!(self, engine => engine.bound())
    }

    /// Shows the value of a key and how it stands, fresh or stale, to a loading cache. This is a use of the entry, and a
    /// hit if it is fresh.
    #[inline]
    pub(crate) fn view<R>(&self, key: &K, read: impl FnOnce(&V, View<'_>) -> R) -> Option<R> {
        match &self.engine {
            Engine::MarkedAdaptive(engine) => {
                let (hash, present) = (hash(&self.hasher, key), self.present());
                let is_it = |other: &K| other == key;
                engine.view(hash, is_it, present, viewed(present.millis, read))
            }
            _ => self.view_otherwise(key, read),
        }
    }

    /// Apart, since it is rare and large.
    #[inline(never)]
    fn view_otherwise<R>(&self, key: &K, read: impl FnOnce(&V, View<'_>) -> R) -> Option<R> {
        let (hash, present) = (hash(&self.hasher, key), self.present());
        let is_it = |other: &K| other == key;
        let now = present.millis;
        match &self.engine {
            Engine::MarkedAdaptive(engine) => engine.view(hash, is_it, present, viewed(now, read)),
            Engine::MarkedLru(engine) => engine.view(hash, is_it, present, viewed(now, read)),
            Engine::OwnedAdaptive(engine) => engine.view(hash, is_it, present, viewed(now, read)),
            Engine::OwnedLru(engine) => engine.view(hash, is_it, present, viewed(now, read)),
            Engine::Adaptive(_)
            | Engine::Lru(_)
            | Engine::TaggedAdaptive(_)
            | Engine::TaggedLru(_) => {
                unreachable!("a loading cache has marks")
            }
        }
    }

    /// As [`view`](Self::view), but no use of the entry, and not counted.
    pub(crate) fn inspect<R>(&self, key: &K, read: impl FnOnce(&V, View<'_>) -> R) -> Option<R> {
        let (hash, present) = (hash(&self.hasher, key), self.present());
        let is_it = |other: &K| other == key;
        let now = present.millis;
        match &self.engine {
            Engine::MarkedAdaptive(engine) => {
                engine.inspect(hash, is_it, present, viewed(now, read))
            }
            Engine::MarkedLru(engine) => engine.inspect(hash, is_it, present, viewed(now, read)),
            Engine::OwnedAdaptive(engine) => {
                engine.inspect(hash, is_it, present, viewed(now, read))
            }
            Engine::OwnedLru(engine) => engine.inspect(hash, is_it, present, viewed(now, read)),
            Engine::Adaptive(_)
            | Engine::Lru(_)
            | Engine::TaggedAdaptive(_)
            | Engine::TaggedLru(_) => {
                unreachable!("a loading cache has marks")
            }
        }
    }

    /// How long loads take that succeed, on average of late, in milliseconds.
    pub(crate) fn mean_load_millis(&self) -> f64 {
        self.flights.counts.recent_millis()
    }

    /// What decides now what may be served.
    #[inline]
    pub(crate) fn present(&self) -> Present<'_> {
        Present {
            millis: self.lifetimes.now(),
            tags: self.tags.as_ref().map(|(table, _)| &**table),
        }
    }

    /// What is begun to be made after this knows of all invalidations of tags until now.
    pub(crate) fn stamp(&self) -> u64 {
        self.tags.as_ref().map_or(0, |(table, _)| table.stamp())
    }

    /// An entry that comes in now, and was begun to be made at a stamp. It asks the user's functions about it, under no
    /// lock.
    pub(crate) fn arrival(&self, key: K, value: V, stamp: u64) -> Arrival<K, V> {
        let hash = hash(&self.hasher, &key);
        self.arrival_at(hash, key, value, stamp)
    }

    /// As [`arrival`](Self::arrival), where the hash of the key is known.
    pub(crate) fn arrival_at(&self, hash: u64, key: K, value: V, stamp: u64) -> Arrival<K, V> {
        let weight = self.weigher.as_ref().map_or(0, |weigh| weigh(&key, &value));
        let ends = self.lifetimes.ends(&key, &value, hash);
        let tags = match &self.tags {
            None => TagSlots::None,
            Some((table, name)) => table.slots(|tags| name(&key, &value, tags)),
        };
        let stamp = match tags {
            // Newer than all that will ever be invalidated, so that reads see from the stamp alone that nothing was.
            TagSlots::None => u64::MAX,
            _ => stamp,
        };
        let group = match &self.tenants {
            None => OTHERS,
            Some(tenants) => tenants.group(&key),
        };
        Arrival {
            hash,
            weight,
            deadline: ends.deadline,
            idle_until: ends.idle_until,
            mark: Mark {
                stamp,
                tags,
                since: ends.since,
                fresh_until: ends.fresh_until,
                group,
            },
            pair: (key, value),
        }
    }

    /// Whether a value is too old for somebody who asked at one stamp for what was begun to be loaded at another: one
    /// of its tags was invalidated in between, as far as can be told.
    pub(crate) fn is_outdated(&self, key: &K, value: &V, begun: u64, asked: u64) -> bool {
        self.tags.as_ref().is_some_and(|(table, name)| {
            asked > begun
                && table.was_invalidated(&table.slots(|tags| name(key, value, tags)), begun)
        })
    }

    /// Whether one of an entry's tags was invalidated since it was begun to be made. Should that happen after this
    /// look, the entry is stored, and no read shows it.
    pub(crate) fn is_invalidated(&self, arrival: &Arrival<K, V>) -> bool {
        let Mark { tags, stamp, .. } = &arrival.mark;
        self.tags
            .as_ref()
            .is_some_and(|(table, _)| table.was_invalidated(tags, *stamp))
    }

    /// Stores an entry if it may be. `then` runs before anybody is told who had to leave for it.
    pub(crate) fn store(
        &self,
        arrival: Arrival<K, V>,
        may_store: impl Fn(bool) -> bool,
        then: impl FnOnce(),
    ) -> Result<Option<V>, Declined<K, V>> {
        let present = self.present();
        match &self.engine {
            Engine::Adaptive(engine) => {
                engine.insert(arrival, present, &self.listener, may_store, then)
            }
            _ => self.store_otherwise(arrival, present, may_store, then),
        }
    }

    /// Apart, as is [`read_otherwise`](Self::read_otherwise).
    #[inline(never)]
    fn store_otherwise(
        &self,
        arrival: Arrival<K, V>,
        present: Present<'_>,
        may_store: impl Fn(bool) -> bool,
        then: impl FnOnce(),
    ) -> Result<Option<V>, Declined<K, V>> {
        on_engine!(self, engine => engine.insert(arrival, present, &self.listener, may_store, then))
    }

    /// The entries held, expired ones that nobody has asked for since included, and those that are coming in. Never
    /// above [`capacity`](Self::capacity), whatever other threads do.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bound().held()
    }

    /// The entries that a tenant holds; for one without a [share](CacheBuilder::tenants) of its own, those of all such
    /// tenants together. In a cache without tenants these are all entries.
    #[must_use]
    pub fn tenant_len(&self, tenant: impl Into<Tenant>) -> usize {
        match (self.bound().all_shares(), &self.tenants) {
            (Some(shares), Some(tenants)) => shares.entries(tenants.group_of(tenant.into())),
            _ => self.len(),
        }
    }

    /// The entries that a tenant is guaranteed at the present capacity; for one without a
    /// [share](CacheBuilder::tenants) of its own, those of all such tenants together.
    #[must_use]
    pub fn tenant_capacity(&self, tenant: impl Into<Tenant>) -> usize {
        match (self.bound().all_shares(), &self.tenants) {
            (Some(shares), Some(tenants)) => shares.guaranteed(tenants.group_of(tenant.into())),
            _ => self.capacity(),
        }
    }

    /// Whether no entry is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bound().capacity()
    }

    /// What the entries held weigh together; zero without a [weigher](CacheBuilder::weigher). Never above
    /// [`max_weight`](Self::max_weight), except while that is being lowered.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.bound().weight()
    }

    /// The most that the entries may weigh together; none without a [weigher](CacheBuilder::weigher).
    #[must_use]
    pub fn max_weight(&self) -> Option<u64> {
        self.weigher.as_ref().map(|_| self.bound().max_weight())
    }

    /// What the cache has done since it was built.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &self.flights.counts;
        let mut stats = on_engine!(self, engine => engine.stats());
        stats.loads = counts.loads.load(Ordering::Relaxed);
        stats.load_failures = counts.failures.load(Ordering::Relaxed);
        stats.load_waits = counts.waits.load(Ordering::Relaxed);
        stats.load_time = Duration::from_nanos(counts.time.load(Ordering::Relaxed));
        stats.loads_voided = counts.voided.load(Ordering::Relaxed);
        stats.weight = self.weight();
        stats.tags_invalidated = self.tags.as_ref().map_or(0, |(table, _)| table.count());
        stats.listener_panics = self.listener.panics();
        stats
    }

    /// The entries to a shard, by which a policy measures ages.
    #[cfg(feature = "serde")]
    pub(crate) fn share(&self) -> u64 {
        let shards = on_engine!(self, engine => engine.shards());
        self.capacity().div_ceil(shards) as u64
    }

    /// Where the fresh entries are, in no order.
    #[cfg(feature = "serde")]
    pub(crate) fn places(&self) -> Vec<Place> {
        let present = self.present();
        on_engine!(self, engine => engine.places(present))
    }

    /// Gives copies of the entries at some places of one shard, those that are still there and fresh, with the numbers
    /// that the places came with.
    #[cfg(feature = "serde")]
    pub(crate) fn copy(
        &self,
        shard: usize,
        places: &[(usize, Place)],
        take: impl FnMut(usize, Copied<K, V>),
    ) where
        K: Clone,
    {
        let present = self.present();
        on_engine!(self, engine => engine.copy(shard, places, present, take));
    }

    /// Takes an entry in with its past, where there is none and room. Says whether it came in.
    #[cfg(feature = "serde")]
    pub(crate) fn take_back(
        &self,
        arrival: Arrival<K, V>,
        past: Past,
        may_store: impl FnOnce() -> bool,
    ) -> bool {
        on_engine!(self, engine => engine.restore(arrival, past, may_store))
    }
}

/// Shows a content to a loading cache.
#[inline]
fn viewed<C: Viewed, R>(
    now: Millis,
    read: impl FnOnce(&C::Value, View<'_>) -> R,
) -> impl FnOnce(&C, Standing) -> R {
    move |content, standing| read(content.value(), content.view(standing, now))
}

// Said by hand, since functions of the user's and locks are in it, of which the compiler knows nothing. A panic of the
// user's leaves the cache whole, wherever it comes from; what it may leave broken are values that are changed in place.
impl<K, V, S> UnwindSafe for Cache<K, V, S>
where
    K: UnwindSafe + RefUnwindSafe,
    V: UnwindSafe + RefUnwindSafe,
    S: UnwindSafe + RefUnwindSafe,
{
}

impl<K, V, S> RefUnwindSafe for Cache<K, V, S>
where
    K: UnwindSafe + RefUnwindSafe,
    V: UnwindSafe + RefUnwindSafe,
    S: UnwindSafe + RefUnwindSafe,
{
}

impl<K, V, S> fmt::Debug for Cache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match self.engine {
            Engine::Adaptive(_)
            | Engine::TaggedAdaptive(_)
            | Engine::MarkedAdaptive(_)
            | Engine::OwnedAdaptive(_) => Policy::Adaptive,
            Engine::Lru(_) | Engine::TaggedLru(_) | Engine::MarkedLru(_) | Engine::OwnedLru(_) => {
                Policy::Lru
            }
        };
        let bound = on_engine!(self, engine => engine.bound());
        f.debug_struct("Cache")
            .field("capacity", &bound.capacity())
            .field("policy", &policy)
            .field("weigher", &self.weigher.is_some())
            .field("tags", &self.tags.as_ref().map(|(table, _)| table))
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}
