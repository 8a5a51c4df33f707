//! `quick_cache`: sharded Clock-PRO.

use quick_cache::sync::Cache;

use super::{Peer, Value};

/// `quick_cache::sync::Cache`.
pub(crate) struct QuickCache<V = Value>(Cache<u64, V>);

impl<V: Clone + Send + Sync> Peer<V> for QuickCache<V> {
    const NAME: &'static str = "quick_cache";

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
