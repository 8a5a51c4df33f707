//! Our own cache.

use crm_cache::Cache;

use super::{Peer, Value};

/// `crm_cache::Cache`.
pub(crate) struct CrmCache(Cache<u64, Value>);

impl Peer for CrmCache {
    const NAME: &'static str = "crm_cache";

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
