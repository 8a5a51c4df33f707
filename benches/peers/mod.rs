//! The caches side by side, each behind the same small trait, one file a cache.
//!
//! Each is made by its plain constructor, so each brings the policy, the hasher and the sharding that a user gets who
//! asks for nothing else. The figures therefore compare caches as they come, not the parts they are made of. Ours comes a
//! second time, under its other policy.

use std::sync::Arc;

mod crm_cache;
mod lru_mutex;
mod moka;
mod quick_cache;

pub(crate) use crm_cache::{CrmCache, CrmLru};
pub(crate) use lru_mutex::LruMutex;
pub(crate) use moka::Moka;
pub(crate) use quick_cache::QuickCache;

/// What is kept for a key: a customer's record of 64 bytes, shared with its readers.
pub(crate) type Value = Arc<[u8; 64]>;

/// What a benchmark asks of a cache.
pub(crate) trait Peer<V = Value>: Sync {
    /// The name in the benchmark's identifier.
    const NAME: &'static str;

    /// An empty cache that holds at most `capacity` entries.
    fn with_capacity(capacity: usize) -> Self;

    /// The value of `key`, if it is there.
    fn get(&self, key: u64) -> Option<V>;

    /// Keeps `value` for `key`, at another entry's cost when the cache is full.
    fn insert(&self, key: u64, value: V);

    /// Does the work that the cache has put off, before a measurement begins. Most put off none.
    fn settle(&self) {}
}
