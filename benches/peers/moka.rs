//! `moka`: concurrent `TinyLFU` with deferred housekeeping. Its default hasher is the standard library's `SipHash`.

use moka::sync::Cache;

use super::{Peer, Value};

/// `moka::sync::Cache`.
pub(crate) struct Moka<V = Value>(Cache<u64, V>);

impl<V: Clone + Send + Sync + 'static> Peer<V> for Moka<V> {
    const NAME: &'static str = "moka";

    fn with_capacity(capacity: usize) -> Self {
        Self(Cache::new(capacity as u64))
    }

    fn get(&self, key: u64) -> Option<V> {
        self.0.get(&key)
    }

    fn insert(&self, key: u64, value: V) {
        self.0.insert(key, value);
    }

    fn settle(&self) {
        self.0.run_pending_tasks();
    }
}
