//! One shard: an exact LRU with expiry and weights. It takes no lock and reads no clock; its owner does both.

use lru::LruCache;

use super::lookup::{CarryHash, Hashed, Lookup};
use crate::bound::{Bound, Space};
use crate::outflow::Outflow;
use crate::time::{Millis, NEVER};
use crate::{RemovalCause, Stats};

pub(crate) struct Entry<V> {
    pub(crate) value: V,
    pub(crate) weight: u64,
    pub(crate) deadline: Millis,
    pub(crate) idle_until: Millis,
}

impl<V> Entry<V> {
    pub(crate) fn is_over(&self, now: Millis) -> bool {
        now >= self.deadline || now >= self.idle_until
    }
}

pub(crate) struct Shard<K, V> {
    entries: LruCache<Hashed<K>, Entry<V>, CarryHash>,
    time_to_idle: Millis,
    stats: Stats,
}

impl<K: Eq, V> Shard<K, V> {
    pub(crate) fn new(time_to_idle: Option<Millis>) -> Self {
        Self {
            entries: empty(),
            time_to_idle: time_to_idle.unwrap_or(NEVER),
            stats: Stats::default(),
        }
    }

    /// Shows the fresh value of a key to `read` and makes it the most recently used.
    pub(crate) fn get<R>(
        &mut self,
        query: &dyn Lookup<K>,
        now: Millis,
        read: impl FnOnce(&V) -> R,
        bound: &Bound,
        outflow: &mut Outflow<K, V>,
    ) -> Option<R> {
        match self.entries.get_mut(query) {
            Some(entry) if !entry.is_over(now) => {
                entry.idle_until = now.saturating_add(self.time_to_idle);
                self.stats.hits += 1;
                return Some(read(&entry.value));
            }
            Some(_) => self.take(query, RemovalCause::Expired, bound, outflow),
            None => {}
        }
        self.stats.misses += 1;
        None
    }

    /// The fresh value of a key; changes neither order nor statistics.
    pub(crate) fn peek(&self, query: &dyn Lookup<K>, now: Millis) -> Option<&V> {
        self.entries
            .peek(query)
            .filter(|entry| !entry.is_over(now))
            .map(|entry| &entry.value)
    }

    /// Has `space` take in what an entry of this key and weight needs beyond what the key has, by evicting others if the
    /// cache is full. Says whether that was enough.
    pub(crate) fn makes_space(
        &mut self,
        space: &mut Space<'_>,
        key: &Hashed<K>,
        weight: u64,
        outflow: &mut Outflow<K, V>,
    ) -> bool {
        let former = self
            .entries
            .peek(key as &dyn Lookup<K>)
            .map(|entry| entry.weight);
        let more = weight.saturating_sub(former.unwrap_or(0));
        let spared = usize::from(former.is_some());
        while !(space.takes_weight(more) && (former.is_some() || space.takes_entry())) {
            if self.entries.len() <= spared {
                return false;
            }
            if former.is_some() {
                // It is used now, and so it is not the one that has to leave.
                self.entries.promote(key as &dyn Lookup<K>);
            }
            self.evict(space, outflow);
        }
        true
    }

    /// Takes an entry in, in place of the one with the same key if there is one. `space` has what it needs beyond that.
    pub(crate) fn put(
        &mut self,
        key: Hashed<K>,
        entry: Entry<V>,
        now: Millis,
        space: Space<'_>,
        outflow: &mut Outflow<K, V>,
    ) {
        let weight = entry.weight;
        match self.entries.pop_entry(&key as &dyn Lookup<K>) {
            Some((key, former)) => {
                let cause = if former.is_over(now) {
                    self.stats.expirations += 1;
                    self.stats.insertions += 1;
                    RemovalCause::Expired
                } else {
                    self.stats.replacements += 1;
                    RemovalCause::Replaced
                };
                space.fill_in_place_of(former.weight, weight);
                outflow.push(key.key, former.value, cause);
            }
            None => {
                self.stats.insertions += 1;
                space.fill(1, weight);
            }
        }
        self.entries.put(key, entry);
    }

    /// Takes a key out.
    pub(crate) fn remove(
        &mut self,
        query: &dyn Lookup<K>,
        now: Millis,
        bound: &Bound,
        outflow: &mut Outflow<K, V>,
    ) {
        if let Some(entry) = self.entries.peek(query) {
            let cause = if entry.is_over(now) {
                RemovalCause::Expired
            } else {
                RemovalCause::Removed
            };
            self.take(query, cause, bound, outflow);
        }
    }

    /// Counts an entry that may not come in.
    pub(crate) fn refuse(&mut self) {
        self.stats.refusals += 1;
    }

    /// Takes everything out. What has left is to be drained after the lock is gone.
    pub(crate) fn clear(&mut self, bound: &Bound) -> Cleared<K, V> {
        self.stats.removals += self.entries.len() as u64;
        let weight = self.entries.iter().map(|(_, entry)| entry.weight).sum();
        bound.give(self.entries.len(), weight);
        Cleared(std::mem::replace(&mut self.entries, empty()))
    }

    /// Takes out every entry whose life is over, and says how many they were.
    pub(crate) fn remove_expired(
        &mut self,
        now: Millis,
        bound: &Bound,
        outflow: &mut Outflow<K, V>,
    ) -> usize {
        if self.entries.iter().all(|(_, entry)| !entry.is_over(now)) {
            return 0;
        }
        // Everything moves to a new list in its old order: the list of `lru` gives no way to take one out of the middle
        // while going through it.
        let (mut former, mut removed) = (std::mem::replace(&mut self.entries, empty()), 0);
        while let Some((key, entry)) = former.pop_lru() {
            if entry.is_over(now) {
                removed += 1;
                self.give(key, entry, RemovalCause::Expired, bound, outflow);
            } else {
                self.entries.put(key, entry);
            }
        }
        removed
    }

    /// The entries with their keys, most recently used first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &Entry<V>)> {
        self.entries.iter().map(|(key, entry)| (&key.key, entry))
    }

    /// The keys of the first `count` fresh entries, most recently used first.
    pub(crate) fn keys(&self, count: usize, now: Millis) -> Vec<K>
    where
        K: Clone,
    {
        fresh_keys(self.iter(), count, now)
    }

    /// The keys of the last `count` fresh entries, least recently used first.
    pub(crate) fn keys_from_last(&self, count: usize, now: Millis) -> Vec<K>
    where
        K: Clone,
    {
        fresh_keys(self.iter().rev(), count, now)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    /// Evicts the entry that was used least recently, into `space`. Says whether there was one.
    pub(crate) fn evict(&mut self, space: &mut Space<'_>, outflow: &mut Outflow<K, V>) -> bool {
        let Some((key, entry)) = self.entries.pop_lru() else {
            return false;
        };
        self.stats.evictions += 1;
        space.absorb(entry.weight);
        outflow.push(key.key, entry.value, RemovalCause::Evicted);
        true
    }

    fn take(
        &mut self,
        query: &dyn Lookup<K>,
        cause: RemovalCause,
        bound: &Bound,
        outflow: &mut Outflow<K, V>,
    ) {
        if let Some((key, entry)) = self.entries.pop_entry(query) {
            self.give(key, entry, cause, bound, outflow);
        }
    }

    fn give(
        &mut self,
        key: Hashed<K>,
        entry: Entry<V>,
        cause: RemovalCause,
        bound: &Bound,
        outflow: &mut Outflow<K, V>,
    ) {
        match cause {
            RemovalCause::Expired => self.stats.expirations += 1,
            _ => self.stats.removals += 1,
        }
        bound.give(1, entry.weight);
        outflow.push(key.key, entry.value, cause);
    }
}

fn fresh_keys<'a, K: Clone + 'a, V: 'a>(
    entries: impl Iterator<Item = (&'a K, &'a Entry<V>)>,
    count: usize,
    now: Millis,
) -> Vec<K> {
    entries
        .filter(|(_, entry)| !entry.is_over(now))
        .take(count)
        .map(|(key, _)| key.clone())
        .collect()
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

/// Unbounded, since the bound is kept for all shards together: the map then grows with its contents instead of reserving
/// all.
fn empty<K: Eq, V>() -> LruCache<Hashed<K>, Entry<V>, CarryHash> {
    LruCache::unbounded_with_hasher(CarryHash::default())
}
