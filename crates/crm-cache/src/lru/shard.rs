//! One shard: an exact LRU with expiry. It takes no lock and reads no clock; its owner does both.

use lru::LruCache;

use super::lookup::{CarryHash, Hashed, Lookup};
use crate::outflow::Outflow;
use crate::time::Millis;
use crate::{RemovalCause, Stats};

struct Entry<V> {
    value: V,
    deadline: Millis,
}

pub(crate) struct Shard<K, V> {
    entries: LruCache<Hashed<K>, Entry<V>, CarryHash>,
    capacity: usize,
    stats: Stats,
}

impl<K: Eq, V> Shard<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: empty(),
            capacity,
            stats: Stats::default(),
        }
    }

    /// Shows the fresh value of a key to `read` and makes it the most recently used.
    pub(crate) fn get<R>(
        &mut self,
        query: &dyn Lookup<K>,
        now: Millis,
        read: impl FnOnce(&V) -> R,
        outflow: &mut Outflow<K, V>,
    ) -> Option<R> {
        match self.entries.get(query) {
            Some(entry) if now < entry.deadline => {
                self.stats.hits += 1;
                return Some(read(&entry.value));
            }
            Some(_) => self.take(query, RemovalCause::Expired, outflow),
            None => {}
        }
        self.stats.misses += 1;
        None
    }

    /// The fresh value of a key; changes neither order nor statistics.
    pub(crate) fn peek(&self, query: &dyn Lookup<K>, now: Millis) -> Option<&V> {
        self.entries
            .peek(query)
            .filter(|entry| now < entry.deadline)
            .map(|entry| &entry.value)
    }

    pub(crate) fn insert(
        &mut self,
        key: Hashed<K>,
        value: V,
        deadline: Millis,
        now: Millis,
        outflow: &mut Outflow<K, V>,
    ) -> Option<V>
    where
        V: Clone,
    {
        let mut previous = None;
        // Cloned before anything is changed: a panic in `clone` leaves the shard as it was.
        let stands = self.entries.peek(&key as &dyn Lookup<K>).map(|entry| {
            let is_fresh = now < entry.deadline;
            if is_fresh {
                previous = Some(entry.value.clone());
            }
            is_fresh
        });
        match stands {
            Some(true) => {
                let old = self.entries.pop_entry(&key as &dyn Lookup<K>);
                self.stats.replacements += 1;
                self.give(old, RemovalCause::Replaced, outflow);
            }
            Some(false) => {
                self.take(&key as &dyn Lookup<K>, RemovalCause::Expired, outflow);
                self.stats.insertions += 1;
            }
            None => {
                self.evict_down_to(self.capacity.saturating_sub(1), outflow);
                self.stats.insertions += 1;
            }
        }
        self.entries.put(key, Entry { value, deadline });
        previous
    }

    /// Takes a key out and returns its value, if that was fresh.
    pub(crate) fn remove(
        &mut self,
        query: &dyn Lookup<K>,
        now: Millis,
        outflow: &mut Outflow<K, V>,
    ) -> Option<V>
    where
        V: Clone,
    {
        let value = self.peek(query, now).cloned();
        if self.entries.contains(query) {
            let cause = if value.is_some() {
                RemovalCause::Removed
            } else {
                RemovalCause::Expired
            };
            self.take(query, cause, outflow);
        }
        value
    }

    /// Takes everything out. What has left is to be drained after the lock is gone.
    pub(crate) fn clear(&mut self) -> Cleared<K, V> {
        self.stats.removals += self.entries.len() as u64;
        Cleared(std::mem::replace(&mut self.entries, empty()))
    }

    /// The entries with their keys, most recently used first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V, Millis)> {
        self.entries
            .iter()
            .map(|(key, entry)| (&key.key, &entry.value, entry.deadline))
    }

    /// Changes the capacity; what no longer fits is evicted.
    pub(crate) fn set_capacity(&mut self, capacity: usize, outflow: &mut Outflow<K, V>) {
        self.capacity = capacity;
        self.evict_down_to(capacity, outflow);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    fn evict_down_to(&mut self, len: usize, outflow: &mut Outflow<K, V>) {
        while self.entries.len() > len {
            let evicted = self.entries.pop_lru();
            self.stats.evictions += 1;
            self.give(evicted, RemovalCause::Evicted, outflow);
        }
    }

    fn take(&mut self, query: &dyn Lookup<K>, cause: RemovalCause, outflow: &mut Outflow<K, V>) {
        match cause {
            RemovalCause::Expired => self.stats.expirations += 1,
            _ => self.stats.removals += 1,
        }
        let taken = self.entries.pop_entry(query);
        self.give(taken, cause, outflow);
    }

    fn give(
        &self,
        taken: Option<(Hashed<K>, Entry<V>)>,
        cause: RemovalCause,
        outflow: &mut Outflow<K, V>,
    ) {
        if let Some((key, entry)) = taken {
            outflow.push(key.key, entry.value, cause);
        }
    }
}

/// The former contents of a shard.
pub(crate) struct Cleared<K, V>(LruCache<Hashed<K>, Entry<V>, CarryHash>);

impl<K: Eq, V> Cleared<K, V> {
    pub(crate) fn drain(mut self, outflow: &mut Outflow<K, V>) {
        while let Some((key, entry)) = self.0.pop_lru() {
            outflow.push(key.key, entry.value, RemovalCause::Removed);
        }
    }
}

/// Unbounded, since the shard keeps the bound itself: the map then grows with its contents instead of reserving all.
fn empty<K: Eq, V>() -> LruCache<Hashed<K>, Entry<V>, CarryHash> {
    LruCache::unbounded_with_hasher(CarryHash::default())
}
