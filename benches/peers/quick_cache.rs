//! `quick_cache`: sharded Clock-PRO.

use quick_cache::sync::Cache;

use super::{Peer, Value};

/// `quick_cache::sync::Cache`.
pub(crate) struct QuickCache(Cache<u64, Value>);

impl Peer for QuickCache {
    const NAME: &'static str = "quick_cache";

    fn with_capacity(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    fn get(&self, key: u64) -> Option<Value> {
        self.0.get(&key)
    }

    fn insert(&self, key: u64, value: Value) {
        self.0.insert(key, value);
    }
}
