//! All shards of a cache under the LRU policy, each behind its lock.

use parking_lot::{Mutex, MutexGuard};

use super::lookup::{Hashed, Query};
use super::shard::Shard;
use crate::Stats;
use crate::flight::Voided;
use crate::outflow::{Listener, Outflow};
use crate::time::Millis;

pub(crate) struct Engine<K, V> {
    shards: Box<[LockedShard<K, V>]>,
}

/// A shard and its lock, on cache lines of their own so that threads in different shards do not slow each other. Two
/// lines, because processors fetch them in pairs.
#[repr(align(128))]
struct LockedShard<K, V>(Mutex<Shard<K, V>>);

impl<K: Eq, V: Clone> Engine<K, V> {
    pub(crate) fn new(capacity: usize, shards: usize) -> Self {
        let shard = |index| LockedShard(Mutex::new(Shard::new(share(capacity, shards, index))));
        Self {
            shards: (0..shards).map(shard).collect(),
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<K, V>> {
        self.shards[crate::hash::shard(hash, self.shards.len())]
            .0
            .lock()
    }

    pub(crate) fn get<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        now: Millis,
        listener: &Listener<K, V>,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let mut outflow = Outflow::new();
        let found = self
            .shard(hash)
            .get(&Query { hash, is_it }, now, read, &mut outflow);
        outflow.settle(listener);
        found
    }

    pub(crate) fn peek(&self, hash: u64, is_it: impl Fn(&K) -> bool, now: Millis) -> Option<V> {
        self.shard(hash).peek(&Query { hash, is_it }, now).cloned()
    }

    pub(crate) fn insert(
        &self,
        hash: u64,
        pair: (K, V),
        deadline: Millis,
        now: Millis,
        listener: &Listener<K, V>,
        may_store: impl Fn() -> bool,
    ) -> Result<Option<V>, Voided> {
        let mut outflow = Outflow::new();
        let key = Hashed { hash, key: pair.0 };
        let mut shard = self.shard(hash);
        if !may_store() {
            return Err(Voided);
        }
        let previous = shard.insert(key, pair.1, deadline, now, &mut outflow);
        drop(shard);
        outflow.settle(listener);
        Ok(previous)
    }

    pub(crate) fn remove(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        now: Millis,
        listener: &Listener<K, V>,
    ) -> Option<V> {
        let mut outflow = Outflow::new();
        let previous = self
            .shard(hash)
            .remove(&Query { hash, is_it }, now, &mut outflow);
        outflow.settle(listener);
        previous
    }

    pub(crate) fn clear(&self, listener: &Listener<K, V>) {
        for shard in &self.shards {
            let cleared = shard.0.lock().clear();
            let mut outflow = Outflow::new();
            cleared.drain(&mut outflow);
            outflow.settle(listener);
        }
    }

    pub(crate) fn for_each(&self, now: Millis, mut visit: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            let shard = shard.0.lock();
            shard
                .iter()
                .filter(|entry| now < entry.2)
                .for_each(|(key, value, _)| visit(key, value));
        }
    }

    pub(crate) fn set_capacity(&self, capacity: usize, listener: &Listener<K, V>) {
        // Settled at the end: a panic in a destructor must not leave some shards with the former share.
        let mut outflow = Outflow::new();
        for (index, shard) in self.shards.iter().enumerate() {
            shard
                .0
                .lock()
                .set_capacity(share(capacity, self.shards.len(), index), &mut outflow);
        }
        outflow.settle(listener);
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.lock().len()).sum()
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.shards
            .iter()
            .for_each(|shard| stats.add(&shard.0.lock().stats()));
        stats
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }
}

/// The first `capacity % shards` shards hold one entry more, so that the shares add up to the capacity.
fn share(capacity: usize, shards: usize, index: usize) -> usize {
    capacity / shards + usize::from(index < capacity % shards)
}
