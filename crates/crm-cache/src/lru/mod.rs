//! The LRU policy: exact least recently used order in each of some locked shards.

pub(crate) mod engine;
mod lookup;
mod orders;
mod shard;
