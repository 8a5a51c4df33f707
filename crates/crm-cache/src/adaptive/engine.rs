//! All shards of a cache under the adaptive policy, with what they share: the learner, the bound, the counts.

use std::hash::Hash as StdHash;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::learner::Learners;
use super::shard::{Aftermath, Extras, Order, Shard, ShardWriter, Taken};
use crate::arrival::{Arrival, Declined};
use crate::bound::{Bound, Space};
use crate::content::{Content, Present, Standing};
use crate::outflow::Listener;
use crate::shares::{Claim, Shares, Want};
#[cfg(feature = "serde")]
use crate::snapshot::{Copied, Past, Place};
use crate::store::{Hash, Left, Reader};
use crate::sync::thread;
use crate::tags::TagSlots;
use crate::tally::Tallies;
use crate::time::NEVER;
use crate::{RemovalCause, Stats};

/// Slots looked at under one hold of a shard's lock by what goes through a whole cache.
const SLOTS_AT_ONCE: u32 = 1024;

pub(crate) struct Engine<K, C> {
    shards: Box<[Shard<K, C>]>,
    learners: Learners,
    bound: Bound,
    tallies: Tallies,
    /// The shard that gives way next when one that has nothing to evict needs room.
    next: AtomicUsize,
}

impl<K, C> Engine<K, C> {
    /// The bytes that are reserved before anything is held, about; none if they cannot be counted.
    pub(crate) fn reserved(
        capacity: usize,
        shards: usize,
        weighs: bool,
        is_idle: bool,
    ) -> Option<usize> {
        let entry = crate::store::slot_bytes::<K, C>()
            + super::ghosts::BYTES
            + 8 * (usize::from(weighs) + usize::from(is_idle));
        let share = capacity.div_ceil(shards);
        let planned = share + 4 * share.isqrt() + 8;
        planned
            .checked_mul(entry)?
            .checked_add(size_of::<Shard<K, C>>())?
            .checked_mul(shards)
    }

    pub(crate) fn bound(&self) -> &Bound {
        &self.bound
    }
}

impl<K: Eq + StdHash, C: Content<Value: Clone>> Engine<K, C> {
    pub(crate) fn new(bound: Bound, shards: usize, seed: u64, extras: Extras<'_>) -> Self {
        let capacity = bound.capacity();
        let share = capacity.div_ceil(shards);
        let groups = bound.all_shares().map_or_else(Vec::new, Shares::planned);
        let in_a_shard: Vec<usize> = groups
            .iter()
            .map(|planned| planned.div_ceil(shards))
            .collect();
        let extras = Extras {
            groups: &in_a_shard,
            ..extras
        };
        let mut sizes = groups.into_iter().zip(in_a_shard.iter().copied());
        let learners = Learners::new(sizes.next().unwrap_or((capacity, share)), sizes);
        let shard = |index: usize| {
            Shard::new(
                share,
                seed ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
                extras,
            )
        };
        Self {
            shards: (0..shards).map(shard).collect(),
            learners,
            bound,
            tallies: Tallies::new(),
            next: AtomicUsize::new(0),
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard<K, C> {
        &self.shards[crate::hash::shard(hash, self.shards.len())]
    }

    /// Begins to change a shard that nothing will be taken out of.
    fn look<'a>(&'a self, shard: &'a Shard<K, C>) -> ShardWriter<'a, K, C> {
        self.write(shard, None)
    }

    fn write<'a>(
        &'a self,
        shard: &'a Shard<K, C>,
        watcher: Option<&'a Reader<'a, K, C>>,
    ) -> ShardWriter<'a, K, C> {
        shard.write(&self.learners, &self.bound, watcher)
    }

    /// Shows the fresh value of a key to `read`. Takes no lock.
    #[inline]
    pub(crate) fn get<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C::Value) -> R,
    ) -> Option<R> {
        let shard = self.shard(hash);
        let Some(reader) = shard.read() else {
            return self.get_without_visit(hash, is_it, present, read);
        };
        match reader.find(Hash::new(hash), is_it) {
            Some(entry) if shard.standing(&entry, present) == Some(Standing::Fresh) => {
                shard.touch(&entry, present.millis, &self.learners);
                self.tallies.hit(reader.thread());
                Some(read(entry.value().value()))
            }
            _ => {
                self.tallies.miss(reader.thread());
                None
            }
        }
    }

    /// Shows what is kept under a key and how it stands, fresh or stale, to `read`. A hit if it is fresh.
    #[inline]
    pub(crate) fn view<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C, Standing) -> R,
    ) -> Option<R> {
        let shard = self.shard(hash);
        let reader = shard.read()?;
        let found = reader.find(Hash::new(hash), is_it);
        let standing = found
            .as_ref()
            .and_then(|entry| shard.standing(entry, present));
        match (found, standing) {
            (Some(entry), Some(standing @ (Standing::Fresh | Standing::Stale))) => {
                shard.touch(&entry, present.millis, &self.learners);
                if standing == Standing::Fresh {
                    self.tallies.hit(reader.thread());
                } else {
                    self.tallies.miss(reader.thread());
                }
                Some(read(entry.value(), standing))
            }
            _ => {
                self.tallies.miss(reader.thread());
                None
            }
        }
    }

    /// As [`view`](Self::view), without a trace in policy or statistics.
    pub(crate) fn inspect<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C, Standing) -> R,
    ) -> Option<R> {
        let writer = self.look(self.shard(hash));
        let found = writer.find(Hash::new(hash), is_it)?;
        let entry = writer.entry(found.index)?;
        let standing = writer.standing(&entry, present)?;
        (standing != Standing::Invalidated).then(|| read(entry.value(), standing))
    }

    /// For a thread that is being taken down and has no word any more to announce its visit with.
    #[cold]
    fn get_without_visit<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C::Value) -> R,
    ) -> Option<R> {
        let value = self.peek(hash, is_it, present);
        self.tallies.count_shared(value.is_some());
        value.map(|value| read(&value))
    }

    /// As [`get`](Self::get), without a trace in policy or statistics.
    pub(crate) fn glimpse<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        read: impl FnOnce(&C::Value) -> R,
    ) -> Option<R> {
        let shard = self.shard(hash);
        let Some(reader) = shard.read() else {
            return self.peek(hash, is_it, present).map(|value| read(&value));
        };
        let entry = reader.find(Hash::new(hash), is_it)?;
        (shard.standing(&entry, present) == Some(Standing::Fresh))
            .then(|| read(entry.value().value()))
    }

    /// The fresh value of a key, without a trace in policy or statistics. Under the lock of its shard.
    fn peek(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
    ) -> Option<C::Value> {
        let writer = self.look(self.shard(hash));
        let found = writer.find(Hash::new(hash), is_it)?;
        fresh_value(&writer, found.index, present).cloned()
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
        let shard = self.shard(arrival.hash);
        let watcher = watcher(shard, listener);
        let mut space = Space::none(&self.bound);
        let group = arrival.mark.group;
        loop {
            let mut writer = self.write(shard, watcher.as_ref());
            let found = writer.find(Hash::new(arrival.hash), |key| *key == arrival.pair.0);
            let is_fresh =
                found.is_some_and(|found| fresh_value(&writer, found.index, present).is_some());
            if !may_store(is_fresh) {
                settle(&writer.finish(), listener);
                return Err(Declined::Unwanted(arrival.pair));
            }
            if !self.bound.admits::<C>(group, arrival.weight) {
                let taken = found.map(|found| writer.take(found, present));
                writer.refuse();
                let previous = hand_out(writer, taken, listener, then);
                return Err(Declined::TooHeavy {
                    pair: arrival.pair,
                    previous,
                });
            }
            let mut want = Want::Weight(arrival.weight);
            if let Some(found) = found {
                let more = arrival.weight.saturating_sub(writer.weight(found.index));
                want = Want::Weight(more);
                if writer.makes_space(&mut space, more, group, Some(found.index)) {
                    let taken = writer.replace(found, arrival, present, space);
                    return Ok(hand_out(writer, Some(taken), listener, then));
                }
            } else if writer.makes_space(&mut space, arrival.weight, group, None) {
                want = Want::Entry;
                if writer.has_room(&mut space, group) {
                    let ends = arrival.deadline != NEVER
                        || arrival.idle_until != NEVER
                        || arrival.mark.tags != TagSlots::None;
                    writer.insert(arrival, space);
                    if ends {
                        writer.sweep(present);
                    }
                    let aftermath = writer.finish();
                    then();
                    settle(&aftermath, listener);
                    return Ok(None);
                }
            }
            // The cache is full and this shard has nothing more to give: another one must, under its own lock. Meanwhile
            // listeners and destructors run, which may store something: they would wait for ever for what is held here.
            space.release();
            settle(&writer.finish(), listener);
            if !self.evict_elsewhere(shard, Claim::Arrival { group, want }, listener) {
                // Others hold the rest for entries on their way in.
                thread::yield_now();
            }
        }
    }

    /// Evicts an entry from another shard that has one for this claim.
    fn evict_elsewhere(
        &self,
        than: &Shard<K, C>,
        claim: Claim,
        listener: &Listener<K, C::Value>,
    ) -> bool {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.shards.len();
        (0..count).any(|step| {
            let shard = &self.shards[(first.wrapping_add(step)) % count];
            !std::ptr::eq(shard, than) && self.evict_from(shard, claim, listener)
        })
    }

    fn evict_from(
        &self,
        shard: &Shard<K, C>,
        claim: Claim,
        listener: &Listener<K, C::Value>,
    ) -> bool {
        let watcher = watcher(shard, listener);
        let mut writer = self.write(shard, watcher.as_ref());
        let evicted = writer.evict(None, claim);
        if let Some(weight) = evicted {
            self.bound.give(1, weight);
        }
        settle(&writer.finish(), listener);
        evicted.is_some()
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
        let shard = self.shard(hash);
        let watcher = watcher(shard, listener);
        let mut writer = self.write(shard, watcher.as_ref());
        let found = writer.find(Hash::new(hash), is_it)?;
        let fresh = fresh_value(&writer, found.index, present);
        if fresh.is_some_and(|value| !condition(value)) {
            return None;
        }
        let taken = writer.take(found, present);
        hand_out(writer, Some(taken), listener, || ())
    }

    /// Takes an entry out with all that the policy remembers of it, and waits until nobody holds it. Says whether it was
    /// here.
    pub(crate) fn forget(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
    ) -> bool {
        let (shard, hash) = (self.shard(hash), Hash::new(hash));
        let watcher = watcher(shard, listener);
        let mut writer = self.write(shard, watcher.as_ref());
        writer.forget_ghost(hash);
        let found = writer.find(hash, is_it);
        let was_here =
            found.is_some_and(|found| fresh_value(&writer, found.index, present).is_some());
        if let Some(found) = found {
            writer.remove(found, present, RemovalCause::Removed);
        }
        // A former value of the key, replaced or removed before, may be among those that wait too.
        let taken_out = writer.taken_out_until_now();
        settle(&writer.finish(), listener);
        drop(watcher);
        loop {
            let mut writer = self.look(shard);
            writer.reclaim();
            let is_held = writer.is_held(taken_out);
            settle(&writer.finish(), listener);
            if !is_held {
                return was_here;
            }
            thread::yield_now();
        }
    }

    pub(crate) fn clear(&self, listener: &Listener<K, C::Value>) {
        // However they stand, they are removed now.
        let present = Present {
            millis: 0,
            tags: None,
        };
        for shard in &self.shards {
            let watcher = watcher(shard, listener);
            let mut writer = self.write(shard, watcher.as_ref());
            for index in 0..writer.slots() {
                if let Some(found) = writer.find_slot(index) {
                    writer.remove(found, present, RemovalCause::Removed);
                }
            }
            writer.forget_ghosts();
            writer.reclaim();
            settle(&writer.finish(), listener);
        }
    }

    /// Takes out the entries, fresh or stale, that are not to be kept. No shard is locked for long.
    pub(crate) fn retain(
        &self,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
        keep: &mut impl FnMut(&K, &C::Value) -> bool,
    ) {
        self.sweep_all(listener, |writer, index| {
            let is_kept = writer.entry(index).is_none_or(|entry| {
                // What is stale may still be served.
                let standing = writer.standing(&entry, present);
                !matches!(standing, Some(Standing::Fresh | Standing::Stale))
                    || keep(entry.key(), entry.value().value())
            });
            if !is_kept {
                if let Some(found) = writer.find_slot(index) {
                    writer.remove(found, present, RemovalCause::Removed);
                }
            }
        });
    }

    /// Takes out every entry whose life is over, and says how many they were. No shard is locked for long.
    pub(crate) fn remove_expired(
        &self,
        present: Present<'_>,
        listener: &Listener<K, C::Value>,
    ) -> usize {
        let mut removed = 0;
        self.sweep_all(listener, |writer, index| {
            removed += usize::from(writer.remove_if_over(index, present));
        });
        removed
    }

    /// Looks at every slot, some of a shard under one hold of its lock.
    fn sweep_all(
        &self,
        listener: &Listener<K, C::Value>,
        mut look: impl FnMut(&mut ShardWriter<'_, K, C>, u32),
    ) {
        for shard in &self.shards {
            let mut next = 0;
            loop {
                let watcher = watcher(shard, listener);
                let mut writer = self.write(shard, watcher.as_ref());
                let end = writer.slots().min(next + SLOTS_AT_ONCE);
                (next..end).for_each(|index| look(&mut writer, index));
                let is_last = end == writer.slots();
                writer.reclaim();
                settle(&writer.finish(), listener);
                if is_last {
                    break;
                }
                next = end;
            }
        }
    }

    /// Shows every fresh entry, shard by shard.
    pub(crate) fn for_each(&self, present: Present<'_>, mut visit: impl FnMut(&K, &C::Value)) {
        for shard in &self.shards {
            let writer = self.look(shard);
            for entry in (0..writer.slots()).filter_map(|index| writer.entry(index)) {
                if writer.is_fresh(&entry, present) {
                    visit(entry.key(), entry.value().value());
                }
            }
        }
    }

    /// The keys of the `count` fresh entries that are worth most, the best first.
    pub(crate) fn hottest(&self, count: usize, present: Present<'_>) -> Vec<K>
    where
        K: Clone,
    {
        self.ranked(count, Order::HottestFirst, present)
    }

    /// The keys of the `count` fresh entries that are worth least, the worst first.
    pub(crate) fn coldest(&self, count: usize, present: Present<'_>) -> Vec<K>
    where
        K: Clone,
    {
        self.ranked(count, Order::ColdestFirst, present)
    }

    fn ranked(&self, count: usize, order: Order, present: Present<'_>) -> Vec<K>
    where
        K: Clone,
    {
        let mut ranked: Vec<_> = self
            .shards
            .iter()
            .flat_map(|shard| self.look(shard).ranked(count, order, present))
            .collect();
        ranked.sort_by_key(|&(rank, _)| rank);
        ranked.truncate(count);
        ranked.into_iter().map(|(_, key)| key).collect()
    }

    /// Changes what the cache may hold, and evicts until it holds no more. Every shard gives its part in turn.
    pub(crate) fn change_bound(
        &self,
        capacity: Option<usize>,
        max_weight: Option<u64>,
        listener: &Listener<K, C::Value>,
    ) {
        self.bound.change(capacity, max_weight, || {
            let first = self.next.fetch_add(1, Ordering::Relaxed);
            let count = self.shards.len();
            [Claim::Excess(self.bound.excess()), Claim::Anyone]
                .into_iter()
                .any(|claim| {
                    (0..count).any(|step| {
                        let shard = &self.shards[(first.wrapping_add(step)) % count];
                        self.evict_from(shard, claim, listener)
                    })
                })
        });
    }

    pub(crate) fn stats(&self) -> Stats {
        let (hits, misses) = self.tallies.sum();
        let mut stats = Stats {
            hits,
            misses,
            ..Stats::default()
        };
        self.shards
            .iter()
            .for_each(|shard| stats.add(&self.look(shard).stats()));
        stats
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Where the fresh entries are, in no order. No shard is locked for long.
    #[cfg(feature = "serde")]
    pub(crate) fn places(&self, present: Present<'_>) -> Vec<Place> {
        let mut places = Vec::new();
        for (number, shard) in self.shards.iter().enumerate() {
            let mut next = 0;
            loop {
                let writer = self.look(shard);
                let end = writer.slots().min(next + SLOTS_AT_ONCE);
                places.extend((next..end).filter_map(|slot| {
                    let (rank, hash) = writer.rank(slot, present)?;
                    Some(Place::new(rank, number, slot as usize, u64::from(hash)))
                }));
                next = end;
                if end == writer.slots() {
                    break;
                }
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
        let writer = self.look(&self.shards[shard]);
        for (at, place) in places {
            if let Some(copied) = writer.copy(place.at() as u32, place.hash() as u32, present) {
                take(*at, copied);
            }
        }
    }

    /// Takes an entry in with its past if there is none under its key and room for it; nothing is evicted. `may_store` is
    /// asked under the lock. Says whether it came in.
    #[cfg(feature = "serde")]
    pub(crate) fn restore(
        &self,
        arrival: Arrival<K, C::Value>,
        past: Past,
        may_store: impl FnOnce() -> bool,
    ) -> bool {
        let shard = self.shard(arrival.hash);
        let mut space = Space::none(&self.bound);
        let mut writer = self.look(shard);
        let found = writer.find(Hash::new(arrival.hash), |key| *key == arrival.pair.0);
        let comes_in = found.is_none()
            && may_store()
            && space.takes_weight(arrival.weight)
            && space.takes_entry();
        if comes_in {
            writer.restore(arrival, past, space);
        }
        comes_in
    }
}

/// A visit of the shard, if there is a listener: what is taken out is kept for it to see.
fn watcher<'a, K: Eq + StdHash, C: Content>(
    shard: &'a Shard<K, C>,
    listener: &Listener<K, C::Value>,
) -> Option<Reader<'a, K, C>> {
    if listener.is_listening() {
        shard.read()
    } else {
        None
    }
}

fn fresh_value<'a, K: Eq + StdHash, C: Content>(
    writer: &'a ShardWriter<'_, K, C>,
    index: u32,
    present: Present<'_>,
) -> Option<&'a C::Value> {
    writer
        .entry(index)
        .filter(|entry| writer.is_fresh(entry, present))
        .map(|entry| entry.value().value())
}

/// Ends a write that has taken an entry out in the end, and returns its value if it may be seen.
///
/// The value itself, if nobody else holds it. Otherwise a clone, made when all is done that the write has to do, the
/// listener included: a panic in `clone` costs its caller the value and nothing else.
#[inline(always)]
fn hand_out<K: Eq + StdHash, C: Content<Value: Clone>>(
    writer: ShardWriter<'_, K, C>,
    taken: Option<Taken<K, C>>,
    listener: &Listener<K, C::Value>,
    then: impl FnOnce(),
) -> Option<C::Value> {
    let (left, is_fresh) = match taken {
        Some(Taken { left, is_fresh }) => (left, is_fresh),
        None => {
            let aftermath = writer.finish();
            then();
            settle(&aftermath, listener);
            return None;
        }
    };
    match left {
        Left::Free((_key, content)) => {
            let aftermath = writer.finish();
            then();
            settle(&aftermath, listener);
            // Before the value is on its way out: a destructor that panics would leak it.
            drop(aftermath);
            is_fresh.then(|| content.into_value())
        }
        Left::Held(index) if is_fresh && !writer.is_watched() => {
            // Under the lock, as nobody else empties the slot then.
            let value = writer.held(index).map(|content| content.value().clone());
            let aftermath = writer.finish();
            then();
            settle(&aftermath, listener);
            drop(aftermath);
            value
        }
        Left::Held(_) => {
            let aftermath = writer.finish();
            then();
            settle(&aftermath, listener);
            let last = aftermath.departed().last().filter(|_| is_fresh);
            last.map(|(entry, _)| entry.value().value().clone())
        }
    }
}

/// Tells the listener who has left. The lock is gone by now.
#[inline(always)]
fn settle<K, C: Content>(aftermath: &Aftermath<'_, K, C>, listener: &Listener<K, C::Value>) {
    for (entry, cause) in aftermath.departed() {
        listener.tell(entry.key(), entry.value().value(), *cause);
    }
}
