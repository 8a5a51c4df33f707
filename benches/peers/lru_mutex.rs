//! `lru` behind one mutex: what a service writes before it looks for a cache.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;

use super::{Peer, Value};

/// `lru::LruCache` in a `parking_lot::Mutex`.
pub(crate) struct LruMutex<V = Value>(Mutex<LruCache<u64, V>>);

impl<V: Clone + Send> Peer<V> for LruMutex<V> {
    const NAME: &'static str = "lru_mutex";

    fn with_capacity(capacity: usize) -> Self {
        let capacity = NonZeroUsize::new(capacity).expect("a benchmark's capacity is positive");
        Self(Mutex::new(LruCache::new(capacity)))
    }

    fn get(&self, key: u64) -> Option<V> {
        self.0.lock().get(&key).cloned()
    }

    fn insert(&self, key: u64, value: V) {
        // The guard is gone at the end of the statement, so the value that had to leave is freed outside the lock.
        let evicted = self.0.lock().push(key, value);
        drop(evicted);
    }
}
