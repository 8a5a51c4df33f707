//! One shard: an exact LRU with expiry. It takes no lock and reads no clock; its owner does both.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use crm_clock::Tick;
use lru::LruCache;

use crate::Stats;

struct Entry<V> {
    value: V,
    expires: Tick,
}

pub(crate) struct Shard<K, V, S> {
    entries: LruCache<K, Entry<V>, S>,
    hasher: S,
    capacity: usize,
    stats: Stats,
}

/// What an operation took out of the shard. The owner drops it after unlocking, since a destructor is user code.
#[must_use = "drop this only after the shard is unlocked"]
pub(crate) struct Removed<K, V> {
    /// The fresh value that the key had before.
    pub(crate) previous: Option<V>,
    _key: Option<K>,
    _stale: Option<V>,
    _entry: Option<(K, Entry<V>)>,
}

impl<K, V> Removed<K, V> {
    fn nothing() -> Self {
        Self {
            previous: None,
            _key: None,
            _stale: None,
            _entry: None,
        }
    }

    fn entry(entry: Option<(K, Entry<V>)>) -> Self {
        Self {
            _entry: entry,
            ..Self::nothing()
        }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher + Clone> Shard<K, V, S> {
    pub(crate) fn new(capacity: usize, hasher: S) -> Self {
        Self {
            entries: empty(&hasher),
            hasher,
            capacity,
            stats: Stats::default(),
        }
    }

    /// Shows the fresh value of `key` to `read` and makes it the most recently used; or gives back what had expired.
    pub(crate) fn get<Q, R>(
        &mut self,
        key: &Q,
        now: Tick,
        read: impl FnOnce(&V) -> R,
    ) -> Result<R, Removed<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let expired = match self.entries.get(key) {
            Some(entry) if entry.expires > now => {
                self.stats.hits += 1;
                return Ok(read(&entry.value));
            }
            Some(_) => self.expire(key),
            None => None,
        };
        self.stats.misses += 1;
        Err(Removed::entry(expired))
    }

    /// Whether `key` has a fresh value; changes neither order nor statistics.
    pub(crate) fn peek<Q>(&self, key: &Q, now: Tick) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries
            .peek(key)
            .filter(|entry| entry.expires > now)
            .map(|entry| &entry.value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V, expires: Tick, now: Tick) -> Removed<K, V> {
        if let Some(entry) = self.entries.get_mut(&key) {
            let old = std::mem::replace(entry, Entry { value, expires });
            let (mut previous, mut stale) = (None, None);
            if old.expires > now {
                self.stats.replacements += 1;
                previous = Some(old.value);
            } else {
                self.stats.expirations += 1;
                self.stats.insertions += 1;
                stale = Some(old.value);
            }
            // The old key stays in the map; the new one, equal to it, leaves with the rest.
            return Removed {
                previous,
                _key: Some(key),
                _stale: stale,
                _entry: None,
            };
        }
        let mut evicted = None;
        if self.entries.len() == self.capacity {
            evicted = self.entries.pop_lru();
            self.stats.evictions += 1;
        }
        self.stats.insertions += 1;
        self.entries.put(key, Entry { value, expires });
        Removed::entry(evicted)
    }

    pub(crate) fn remove<Q>(&mut self, key: &Q, now: Tick) -> Removed<K, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.entries.peek(key).map(|entry| entry.expires > now) {
            Some(true) => {
                self.stats.removals += 1;
                let (key, value) = self
                    .entries
                    .pop_entry(key)
                    .map(|(key, entry)| (key, entry.value))
                    .unzip();
                Removed {
                    previous: value,
                    _key: key,
                    _stale: None,
                    _entry: None,
                }
            }
            Some(false) => Removed::entry(self.expire(key)),
            None => Removed::nothing(),
        }
    }

    /// Takes everything out. The caller drops it after unlocking.
    #[must_use = "drop this only after the shard is unlocked"]
    pub(crate) fn clear(&mut self) -> impl Sized + use<K, V, S> {
        self.stats.removals += self.entries.len() as u64;
        std::mem::replace(&mut self.entries, empty(&self.hasher))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    fn expire<Q>(&mut self, key: &Q) -> Option<(K, Entry<V>)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.stats.expirations += 1;
        self.entries.pop_entry(key)
    }
}

/// Unbounded, since the shard keeps the bound itself: the map then grows with its contents instead of reserving all.
fn empty<K: Hash + Eq, V, S: BuildHasher + Clone>(hasher: &S) -> LruCache<K, V, S> {
    LruCache::unbounded_with_hasher(hasher.clone())
}
