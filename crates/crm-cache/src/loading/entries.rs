//! What a loading cache has in common with a plain one. It shows values only, never a remembered failure.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::Ordering;

use equivalent::Equivalent;

use super::{Loaded, LoadingCache};
#[cfg(doc)]
use crate::Cache;
use crate::{BuildError, NotReplaced, NotReplacedReason, Refused, Stats, Tag, Tenant};

impl<K, V, E, S> LoadingCache<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// The fresh value of `key`, if it is here. Nothing is loaded or refreshed.
    pub fn get_if_present<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.read(key, V::clone)
    }

    /// Shows the fresh value of `key` to `read`, if it is here; see [`Cache::read`]. Nothing is loaded or refreshed.
    pub fn read<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let shown = |loaded: &Loaded<V, E>| loaded.value().map(read);
        self.0.cache.read(key, shown).flatten()
    }

    /// The fresh value of `key`, if it is here, without a trace: no use, not counted, nothing is loaded or refreshed; see
    /// [`Cache::peek`].
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.0.cache.peek(key)?.into_value()
    }

    /// Whether there is a fresh value of `key`, without a trace; see [`Cache::contains_key`].
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let has_value = |loaded: &Loaded<V, E>| loaded.value().is_some();
        self.0.cache.glimpse(key, has_value) == Some(true)
    }

    /// Stores a value; see [`Cache::insert`]. Returns the fresh value that was there.
    ///
    /// It is for a value that was just written to the source. One that was *read* from it may be out of date by now, and
    /// is stored all the same: leave reading to the loader, which an invalidation voids.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.0.cache.insert(key, Loaded::Value(value))?.into_value()
    }

    /// Stores a value as [`insert`](Self::insert) does, and hands both back if they are too heavy; see
    /// [`Cache::try_insert`].
    ///
    /// # Errors
    ///
    /// As [`Cache::try_insert`].
    pub fn try_insert(&self, key: K, value: V) -> Result<Option<V>, Refused<K, V>> {
        match self.0.cache.try_insert(key, Loaded::Value(value)) {
            Ok(previous) => Ok(previous.and_then(Loaded::into_value)),
            Err(refused) => Err(Refused {
                key: refused.key,
                value: refused.value.into_value().expect("what was given"),
                weight: refused.weight,
                previous: refused.previous.and_then(Loaded::into_value),
            }),
        }
    }

    /// Stores a value only where a fresh one is, and returns that one; see [`Cache::replace`].
    ///
    /// In one step, as there; only that if the value has left since the call began and a failure is remembered in its
    /// place, this overwrites the failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::replace`].
    pub fn replace(&self, key: K, value: V) -> Result<V, NotReplaced<K, V>> {
        let cache = &self.0.cache;
        cache.flights.detach(&key);
        let Some(seen) = cache.peek(&key).and_then(Loaded::into_value) else {
            return Err(NotReplaced {
                key,
                value,
                reason: NotReplacedReason::Absent,
                previous: None,
            });
        };
        match cache.replace(key, Loaded::Value(value)) {
            Ok(previous) => Ok(previous.into_value().unwrap_or(seen)),
            Err(refused) => Err(NotReplaced {
                key: refused.key,
                value: refused.value.into_value().expect("what was given"),
                reason: refused.reason,
                previous: refused.previous.and_then(Loaded::into_value),
            }),
        }
    }

    /// Takes `key` out, stale value and remembered failure included; see [`Cache::remove`].
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.0.cache.remove(key)?.into_value()
    }

    /// Takes `key` out if `condition` holds for its fresh value; see [`Cache::remove_if`]. What is stale and what is
    /// remembered of failures leaves without being asked about.
    pub fn remove_if<Q>(&self, key: &Q, condition: impl FnOnce(&V) -> bool) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let condition = |loaded: &Loaded<V, E>| loaded.value().is_none_or(condition);
        self.0.cache.remove_if(key, condition)?.into_value()
    }

    /// Takes `key` out for an erasure request; see [`Cache::forget`]. Says whether anything fresh was here, be it a
    /// remembered failure. It blocks: in a task call it by way of `spawn_blocking`.
    ///
    /// # Panics
    ///
    /// As [`Cache::forget`].
    pub fn forget<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.0.cache.forget(key)
    }

    /// Invalidates all entries with a tag; see [`Cache::invalidate_tag`]. A stale value with the tag is served no more.
    ///
    /// # Panics
    ///
    /// As [`Cache::invalidate_tag`].
    pub fn invalidate_tag(&self, tag: Tag) {
        self.0.cache.invalidate_tag(tag);
    }

    /// Keeps the entries for which `keep` holds; see [`Cache::retain`]. Remembered failures are taken out.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        let keep =
            |key: &K, loaded: &Loaded<V, E>| loaded.value().is_some_and(|value| keep(key, value));
        self.0.cache.retain(keep);
    }

    /// Takes everything out; see [`Cache::clear`].
    pub fn clear(&self) {
        self.0.cache.clear();
    }

    /// Takes out what is neither fresh nor kept as stale any more, and returns how many they were; see
    /// [`Cache::remove_expired`].
    #[expect(
        clippy::must_use_candidate,
        reason = "called for what it does, as the cache's"
    )]
    pub fn remove_expired(&self) -> usize {
        self.0.cache.remove_expired()
    }

    /// The fresh entries, in no particular order; see [`Cache::entries`].
    #[must_use]
    pub fn entries(&self) -> Vec<(K, V)> {
        let entries = self.0.cache.entries().into_iter();
        entries
            .filter_map(|(key, loaded)| Some((key, loaded.into_value()?)))
            .collect()
    }

    /// The keys of the fresh entries, in no particular order; see [`Cache::keys`].
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.entries().into_iter().map(|(key, _)| key).collect()
    }

    /// The keys of at most `count` fresh entries that the policy would keep longest; see [`Cache::hottest`].
    #[must_use]
    pub fn hottest(&self, count: usize) -> Vec<K> {
        self.ranked(count, |count| self.0.cache.hottest(count))
    }

    /// The keys of at most `count` fresh entries that the policy would evict first; see [`Cache::coldest`].
    #[must_use]
    pub fn coldest(&self, count: usize) -> Vec<K> {
        self.ranked(count, |count| self.0.cache.coldest(count))
    }

    /// The first of a ranking that have values.
    fn ranked(&self, count: usize, rank: impl Fn(usize) -> Vec<K>) -> Vec<K> {
        let has_value = |key: &K| {
            let loaded = self.0.cache.peek(key);
            loaded.is_some_and(|loaded| loaded.value().is_some())
        };
        // Failures are few as a rule; where they are not, more are asked for.
        let mut asked = count;
        loop {
            let mut keys = rank(asked);
            let is_all = keys.len() < asked;
            keys.retain(has_value);
            if is_all || keys.len() >= count {
                keys.truncate(count);
                return keys;
            }
            asked = asked.saturating_mul(2);
        }
    }

    /// The entries held, stale values and remembered failures included; see [`Cache::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.cache.len()
    }

    /// The entries that a tenant holds; see [`Cache::tenant_len`].
    #[must_use]
    pub fn tenant_len(&self, tenant: impl Into<Tenant>) -> usize {
        self.0.cache.tenant_len(tenant)
    }

    /// The entries that a tenant is guaranteed; see [`Cache::tenant_capacity`].
    #[must_use]
    pub fn tenant_capacity(&self, tenant: impl Into<Tenant>) -> usize {
        self.0.cache.tenant_capacity(tenant)
    }

    /// Whether no entry is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.cache.is_empty()
    }

    /// The most entries it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.cache.capacity()
    }

    /// Changes the capacity while the cache is in use; see [`Cache::set_capacity`].
    ///
    /// # Errors
    ///
    /// As [`Cache::set_capacity`].
    pub fn set_capacity(&self, capacity: usize) -> Result<(), BuildError> {
        self.0.cache.set_capacity(capacity)
    }

    /// What the values held weigh together, stale ones included; see [`Cache::weight`].
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.0.cache.weight()
    }

    /// The most that the values may weigh together; see [`Cache::max_weight`].
    #[must_use]
    pub fn max_weight(&self) -> Option<u64> {
        self.0.cache.max_weight()
    }

    /// Changes how much the values may weigh together; see [`Cache::set_max_weight`].
    ///
    /// # Errors
    ///
    /// As [`Cache::set_max_weight`].
    pub fn set_max_weight(&self, max_weight: u64) -> Result<(), BuildError> {
        self.0.cache.set_max_weight(max_weight)
    }

    /// What the cache has done since it was built.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &self.0.counts;
        let mut stats = self.0.cache.stats();
        stats.refreshes = counts.refreshes.load(Ordering::Relaxed);
        stats.stale_served = counts.stale.load(Ordering::Relaxed);
        stats.failures_served = counts.failures.load(Ordering::Relaxed);
        stats.load_timeouts = counts.timeouts.load(Ordering::Relaxed);
        stats.executor_panics = counts.executor_panics.load(Ordering::Relaxed);
        stats
    }
}
