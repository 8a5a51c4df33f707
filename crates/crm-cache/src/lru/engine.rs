//! All shards of a cache under the LRU policy, each behind its lock, and the bound that they share.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::lookup::{Hashed, Query};
use super::shard::{Entry, Shard};
use crate::arrival::{Arrival, Declined};
use crate::bound::{Bound, Space};
use crate::content::{Content, Present, Standing};
use crate::outflow::{Listener, Outflow};
use crate::shares::{Claim, Shares};
#[cfg(feature = "serde")]
use crate::snapshot::{Copied, Past, Place};
use crate::sync::{Mutex, MutexGuard, thread};
use crate::time::Millis;
use crate::{RemovalCause, Stats};

pub(crate) struct Engine<K, C> {
    shards: Box<[LockedShard<K, C>]>,
    bound: Bound,
    /// The shard that gives way next when one that has nothing to evict needs room.
    next: AtomicUsize,
}

/// A shard and its lock, on cache lines of their own so that threads in different shards do not slow each other. Two
/// lines, because processors fetch them in pairs.
#[repr(align(128))]
struct LockedShard<K, C>(Mutex<Shard<K, C>>);

impl<K, C> Engine<K, C> {
    pub(crate) fn bound(&self) -> &Bound {
        &self.bound
    }
}

impl<K: Eq, C: Content<Value: Clone>> Engine<K, C> {
    pub(crate) fn new(bound: Bound, shards: usize, time_to_idle: Option<Millis>) -> Self {
        let groups = bound.shares::<C>().map_or(0, Shares::groups);
        let shard = |_| LockedShard(Mutex::new(Shard::new(time_to_idle, groups)));
        Self {
            shards: (0..shards).map(shard).collect(),
            bound,
            next: AtomicUsize::new(0),
        }
    }

    fn index(&self, hash: u64) -> usize {
        crate::hash::shard(hash, self.shards.len())
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<K, C>> {
        self.shards[self.index(hash)].0.lock()
    }

    pub(crate) fn get<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
        read: impl FnOnce(&C::Value) -> R,
    ) -> Option<R> {
        let mut outflow = Outflow::new();
        let found = self.shard(hash).get(
            &Query { hash, is_it },
            present,
            read,
            &self.bound,
            &mut outflow,
        );
        outflow.settle(listener);
        found
    }

    /// Shows what is kept under a key and how it stands, fresh or stale, to `read`. A hit if it is fresh.
    pub(crate) fn view<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C, Standing) -> R,
    ) -> Option<R> {
        self.shard(hash).view(&Query { hash, is_it }, present, read)
    }

    /// As [`view`](Self::view), without a trace in order or statistics.
    pub(crate) fn inspect<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C, Standing) -> R,
    ) -> Option<R> {
        self.shard(hash)
            .inspect(&Query { hash, is_it }, present, read)
    }

    /// As [`get`](Self::get), without a trace in order or statistics.
    pub(crate) fn glimpse<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C::Value) -> R,
    ) -> Option<R> {
        self.shard(hash)
            .peek(&Query { hash, is_it }, present)
            .map(read)
    }

    /// Takes an entry in, and returns the fresh value that it replaces. `may_store` is asked under the lock, once it is
    /// known whether there is one; `then` runs once that is over and the lock gone, before anybody is told who has left.
    pub(crate) fn insert(
        &self,
        arrival: Arrival<K, C::Value>,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
        may_store: impl Fn(bool) -> bool,
        then: impl FnOnce(),
    ) -> Result<Option<C::Value>, Declined<K, C::Value>> {
        let (hash, group) = (arrival.hash, arrival.mark.group);
        let key = Hashed {
            hash,
            key: arrival.pair.0,
        };
        let entry = Entry {
            content: C::new(arrival.pair.1, arrival.mark),
            weight: arrival.weight,
            deadline: arrival.deadline,
            idle_until: arrival.idle_until,
        };
        let mut space = Space::none(&self.bound);
        loop {
            // Dropped after the lock, being declared before it.
            let mut outflow = Outflow::new();
            let mut shard = self.shard(hash);
            // Cloned before anything is changed: a panic in `clone` leaves the shard as it was.
            let previous = shard.peek(&key, present).cloned();
            if !may_store(previous.is_some()) {
                return Err(Declined::Unwanted((key.key, entry.content.into_value())));
            }
            if !self.bound.admits::<C>(group, entry.weight) {
                shard.remove(&key, present, &self.bound, &mut outflow);
                shard.refuse();
                drop(shard);
                then();
                outflow.settle(listener);
                return Err(Declined::TooHeavy {
                    pair: (key.key, entry.content.into_value()),
                    previous,
                });
            }
            let bound = &self.bound;
            let made =
                shard.makes_space(&mut space, &key, group, entry.weight, bound, &mut outflow);
            let Err(want) = made else {
                shard.put(key, entry, present, space, bound, &mut outflow);
                drop(shard);
                then();
                outflow.settle(listener);
                return Ok(previous);
            };
            // The cache is full and this shard has nothing more to give: another one must, under its own lock. Meanwhile
            // listeners and destructors run, which may store something: they would wait for ever for what is held here.
            space.release();
            drop(shard);
            outflow.settle(listener);
            let claim = Claim::Arrival { group, want };
            if !self.evict_elsewhere(self.index(hash), claim, listener) {
                // Others hold the rest for entries on their way in.
                thread::yield_now();
            }
        }
    }

    /// Evicts an entry from another shard that has one for this claim.
    fn evict_elsewhere(&self, than: usize, claim: Claim, listener: &Listener<K, C::Value>) -> bool {
        self.in_turn()
            .any(|index| index != than && self.evict_from(index, claim, listener))
    }

    /// All shards, beginning with another one each time.
    fn in_turn(&self) -> impl Iterator<Item = usize> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.shards.len();
        (0..count).map(move |step| first.wrapping_add(step) % count)
    }

    fn evict_from(&self, index: usize, claim: Claim, listener: &Listener<K, C::Value>) -> bool {
        let mut outflow = Outflow::new();
        let evicted = {
            let mut space = Space::none(&self.bound);
            let mut shard = self.shards[index].0.lock();
            shard.evict(claim, None, &mut space, &self.bound, &mut outflow)
        };
        outflow.settle(listener);
        evicted
    }

    /// Takes an entry out if `condition` holds for its fresh value, and returns that. The condition is asked under the lock.
    pub(crate) fn remove(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
        condition: impl FnOnce(&C::Value) -> bool,
    ) -> Option<C::Value> {
        let mut outflow = Outflow::new();
        let query = Query { hash, is_it };
        let mut shard = self.shard(hash);
        let fresh = shard.peek(&query, present);
        if fresh.is_some_and(|value| !condition(value)) {
            return None;
        }
        let previous = fresh.cloned();
        shard.remove(&query, present, &self.bound, &mut outflow);
        drop(shard);
        outflow.settle(listener);
        previous
    }

    /// Takes an entry out, and says whether it was here.
    pub(crate) fn forget(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
    ) -> bool {
        let mut outflow = Outflow::new();
        let query = Query { hash, is_it };
        let mut shard = self.shard(hash);
        let was_here = shard.peek(&query, present).is_some();
        shard.remove(&query, present, &self.bound, &mut outflow);
        drop(shard);
        outflow.settle(listener);
        was_here
    }

    pub(crate) fn clear(&self, listener: &Listener<K, C::Value>) {
        for shard in &self.shards {
            let cleared = shard.0.lock().clear(&self.bound);
            let mut outflow = Outflow::new();
            cleared.drain(&mut outflow);
            outflow.settle(listener);
        }
    }

    /// Takes out the entries, fresh or stale, that are not to be kept.
    pub(crate) fn retain(
        &self,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
        keep: &mut impl FnMut(&K, &C::Value) -> bool,
    ) {
        for shard in &self.shards {
            let mut outflow = Outflow::new();
            let mut shard = shard.0.lock();
            shard.retain(&self.bound, &mut outflow, |key, entry| {
                // What is stale may still be served.
                let standing = entry.standing(present);
                let is_kept = !matches!(standing, Some(Standing::Fresh | Standing::Stale))
                    || keep(key, entry.content.value());
                (!is_kept).then_some(RemovalCause::Removed)
            });
            drop(shard);
            outflow.settle(listener);
        }
    }

    /// Takes out every entry whose life is over, and says how many they were.
    pub(crate) fn remove_expired(
        &self,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
    ) -> usize {
        let mut removed = 0;
        for shard in &self.shards {
            let mut outflow = Outflow::new();
            removed += shard
                .0
                .lock()
                .remove_expired(present, &self.bound, &mut outflow);
            outflow.settle(listener);
        }
        removed
    }

    pub(crate) fn for_each(&self, present: Present<'_>, mut visit: impl FnMut(&K, &C::Value)) {
        for shard in &self.shards {
            let shard = shard.0.lock();
            shard
                .iter()
                .filter(|(_, entry)| entry.is_fresh(present))
                .for_each(|(key, entry)| visit(key, entry.content.value()));
        }
    }

    /// The keys of the `count` fresh entries that were used last, the latest first.
    pub(crate) fn hottest(&self, count: usize, present: Present<'_>) -> Vec<K>
    where
        K: Clone,
    {
        let of_shard = |shard: &LockedShard<K, C>| shard.0.lock().keys(count, present);
        interleave(self.shards.iter().flat_map(of_shard).collect(), count)
    }

    /// The keys of the `count` fresh entries that were not used for the longest time, the coldest first.
    pub(crate) fn coldest(&self, count: usize, present: Present<'_>) -> Vec<K>
    where
        K: Clone,
    {
        let of_shard = |shard: &LockedShard<K, C>| shard.0.lock().keys_from_last(count, present);
        interleave(self.shards.iter().flat_map(of_shard).collect(), count)
    }

    /// Changes what the cache may hold, and evicts until it holds no more. Every shard gives its part in turn.
    pub(crate) fn change_bound(
        &self,
        capacity: Option<usize>,
        max_weight: Option<u64>,
        listener: &Listener<K, C::Value>,
    ) {
        self.bound.change(capacity, max_weight, || {
            [Claim::Excess(self.bound.excess()), Claim::Anyone]
                .into_iter()
                .any(|claim| {
                    self.in_turn()
                        .any(|index| self.evict_from(index, claim, listener))
                })
        });
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

    /// Where the fresh entries are, in no order.
    #[cfg(feature = "serde")]
    pub(crate) fn places(&self, present: Present<'_>) -> Vec<Place> {
        let mut places = Vec::new();
        for (number, shard) in self.shards.iter().enumerate() {
            let shard = shard.0.lock();
            for of_group in shard.places(present) {
                places.extend(of_group.zip(0..).map(|((at, hash), used)| {
                    // The later used, the hotter; shards and groups take turns.
                    Place::new((0, used), number, at, hash)
                }));
            }
        }
        places
    }

    /// Copies of the entries at some places of one shard, if they are still there and fresh.
    #[cfg(feature = "serde")]
    pub(crate) fn copy(
        &self,
        shard: usize,
        places: &[(usize, Place)],
        present: Present<'_>,
        mut take: impl FnMut(usize, Copied<K, C::Value>),
    ) where
        K: Clone,
    {
        let shard = self.shards[shard].0.lock();
        for (at, place) in places {
            // As many others were used since.
            let age = place.rank().1;
            if let Some(copied) = shard.copy(place.at(), place.hash(), age, present) {
                take(*at, copied);
            }
        }
    }

    /// Takes an entry in as the least recently used one if there is none under its key and room for it; nothing is
    /// evicted. `may_store` is asked under the lock. Says whether it came in.
    #[cfg(feature = "serde")]
    pub(crate) fn restore(
        &self,
        arrival: Arrival<K, C::Value>,
        _: Past,
        may_store: impl FnOnce() -> bool,
    ) -> bool {
        let hash = arrival.hash;
        let key = Hashed {
            hash,
            key: arrival.pair.0,
        };
        let entry = Entry {
            content: C::new(arrival.pair.1, arrival.mark),
            weight: arrival.weight,
            deadline: arrival.deadline,
            idle_until: arrival.idle_until,
        };
        let mut space = Space::none(&self.bound);
        let mut shard = self.shard(hash);
        let comes_in = !shard.contains(&key)
            && may_store()
            && space.takes_weight(entry.weight)
            && space.takes_entry();
        if comes_in {
            shard.restore(key, entry, space, &self.bound);
        }
        comes_in
    }
}

/// The first of each list, then the second of each, until there are `count`. The shards' orders have no common clock.
fn interleave<K>(lists: Vec<Vec<K>>, count: usize) -> Vec<K> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut keys = Vec::new();
    while keys.len() < count {
        let before = keys.len();
        keys.extend(lists.iter_mut().filter_map(Iterator::next));
        if keys.len() == before {
            break;
        }
    }
    keys.truncate(count);
    keys
}
