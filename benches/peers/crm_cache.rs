//! Our own cache, under each of its policies.

use crm_cache::{Cache, Policy};

use super::{Peer, Value};

/// `crm_cache::Cache` as it comes.
pub(crate) struct CrmCache<V = Value>(Cache<u64, V>);

impl<V: Clone + Send + Sync> Peer<V> for CrmCache<V> {
    const NAME: &'static str = "crm_cache";

    fn with_capacity(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    fn get(&self, key: u64) -> Option<V> {
        self.0.get(&key)
    }

    fn insert(&self, key: u64, value: V) {
        self.0.insert(key, value);
    }
}

/// `crm_cache::Cache` under `Policy::Lru`.
pub(crate) struct CrmLru<V = Value>(Cache<u64, V>);

impl<V: Clone + Send + Sync> Peer<V> for CrmLru<V> {
    const NAME: &'static str = "crm_cache_lru";

    fn with_capacity(capacity: usize) -> Self {
        let cache = Cache::builder(capacity).policy(Policy::Lru).build();
        Self(cache.expect("a benchmark's capacity is positive"))
    }

    fn get(&self, key: u64) -> Option<V> {
        self.0.get(&key)
    }

    fn insert(&self, key: u64, value: V) {
        self.0.insert(key, value);
    }
}
