//! The store: a map that one writer at a time changes under a lock and any number of readers probe without one.
//!
//! | file | what it holds |
//! |---|---|
//! | `table.rs` | hash to slot index, in cache lines |
//! | `growth.rs` | how a larger table takes over |
//! | `slab.rs` | the entries, by index, never moved |
//! | `prefetch.rs` | a hint to the processor |
//! | `registry.rs` | which thread is reading in which shard |
//! | `limbo.rs` | entries unlinked but perhaps still read |
//! | `sync.rs` | the primitives, exchangeable for those of a model checker |
//!
//! **Why a reader never meets freed memory.** A reader announces its visit, then probes. A writer unlinks an entry,
//! then looks who is visiting, and empties the slot only when everyone it saw has left. Between announcement and probe,
//! and between unlinking and looking, stands a sequentially consistent fence. Of the two fences one comes first. If the
//! reader's does, the writer sees the visit and waits for its end. If the writer's does, the reader sees the table
//! without the entry. Either way nobody holds an entry whose slot is emptied.

mod growth;
mod limbo;
#[cfg(all(test, loom))]
mod models;
mod prefetch;
mod registry;
mod slab;
mod sync;
mod table;

use std::sync::atomic::AtomicU64 as StdAtomicU64;

pub(crate) use registry::mine;
pub(crate) use table::Hash;

use crate::time::Millis;

use growth::Growth;
use limbo::{Limbo, Next};
use registry::{ShardName, Visit};
use slab::{Slab, Slot};
use sync::{AtomicPtr, Mutex, MutexGuard, Ordering};
use table::{Place, Table};

/// Whether the calling thread is reading in some shard.
pub(crate) fn is_reading() -> bool {
    mine().is_some_and(registry::Word::is_visiting)
}

/// The bytes of an entry's slot, key and value included.
pub(crate) const fn slot_bytes<K, V>() -> usize {
    size_of::<slab::Slot<K, V>>()
}

/// One shard's entries. `P` is what its policy keeps under the same lock.
pub(crate) struct Store<K, V, P> {
    name: ShardName,
    /// The table in use, the last of `Ledger::tables`.
    table: AtomicPtr<Table>,
    slab: Slab<K, V>,
    ledger: OwnLines<Mutex<Ledger<P>>>,
}

/// The first table is made for so many entries at most. It grows with the number of entries: what is half empty fills a
/// processor's caches with nothing.
const FIRST_TABLE: usize = 256;

/// A table is not doubled beyond this, but made as large as planned: to give back the memory of a large one is work of its
/// own for the operating system, some thirty microseconds for a quarter of a megabyte.
const LAST_DOUBLED: usize = 1 << 15;

/// What a first table is made for: what is planned, halved as often as need be, so that doubling ends there.
fn first_table(planned: usize) -> usize {
    let mut entries = planned;
    while entries > FIRST_TABLE {
        entries = entries.div_ceil(2);
    }
    entries
}

/// What the table after one for so many entries is made for.
fn next_table(entries: usize, planned: usize) -> usize {
    // Halves are rounded up, so doubling may end a little before what is planned.
    let is_last = 2 * entries > LAST_DOUBLED.min(planned - planned / 8);
    if entries < planned && is_last {
        planned
    } else {
        2 * entries
    }
}

/// The number of entries at which another table is begun.
fn grows_at(table: &Table, planned: usize) -> usize {
    let next = next_table(table.planned(), planned);
    table.crowded_at() - Growth::steps(table, next)
}

/// Keeps what writers write off the cache lines that readers read. Two lines, because processors fetch them in pairs.
#[repr(align(128))]
pub(crate) struct OwnLines<T>(pub(crate) T);

// SAFETY: the store owns its keys and values and hands `&K` and `&V` to any thread that reads, and whoever writes may
// drop what another thread has put in.
unsafe impl<K: Send, V: Send, P: Send> Send for Store<K, V, P> {}
// SAFETY: as above, and a shared store also hands out references, hence `Sync`.
unsafe impl<K: Send + Sync, V: Send + Sync, P: Send> Sync for Store<K, V, P> {}

/// What the writer keeps.
struct Ledger<P> {
    /// The table in use, and before it those that readers may still be in. Raw, because readers hold references while
    /// this vector may move. Made by `Box::into_raw`.
    tables: Vec<*mut Table>,
    /// The entries for which the table is made in the end.
    planned: usize,
    /// The table that will take over, and the number of entries at which something is to be done for it: none while
    /// there is one.
    growth: Option<Growth>,
    grows_at: usize,
    /// Slots without an entry, and the first index that was never used.
    free: Vec<u32>,
    fresh: u32,
    len: usize,
    /// Whether the writer has something to do in the end.
    has_work: bool,
    limbo: Limbo,
    policy: P,
}

impl<K, V, P> Store<K, V, P> {
    /// A store with room for about `planned` entries; more are taken in at the price of a larger table.
    pub(crate) fn new(planned: usize, policy: P) -> Self {
        static COUNT: StdAtomicU64 = StdAtomicU64::new(0);
        let name = ShardName::from_count(COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let table = Table::new(first_table(planned));
        let grows_at = grows_at(&table, planned);
        let table = Box::into_raw(Box::new(table));
        let ledger = Ledger {
            tables: vec![table],
            planned,
            growth: None,
            grows_at,
            free: Vec::new(),
            fresh: 0,
            len: 0,
            has_work: false,
            limbo: Limbo::new(name),
            policy,
        };
        Self {
            name,
            table: AtomicPtr::new(table),
            slab: Slab::new(planned),
            ledger: OwnLines(Mutex::new(ledger)),
        }
    }

    /// Begins to read without a lock; none while the calling thread is being taken down.
    #[inline]
    pub(crate) fn read(&self) -> Option<Reader<'_, K, V>> {
        let visit = mine()?.visit(self.name);
        // Acquire pairs with the release when a table is published.
        let table = self.table.load(Ordering::Acquire);
        // SAFETY: a table that was loaded during a visit is not dropped before the visit ends; see `Writer::drop_tables`.
        Some(Reader {
            table: unsafe { &*table },
            slab: &self.slab,
            visit,
        })
    }

    /// Begins to write, when whoever writes now has finished.
    pub(crate) fn write(&self) -> Writer<'_, K, V, P> {
        Writer {
            store: self,
            ledger: self.ledger.0.lock(),
            unlinked: Unlinked::new(),
        }
    }
}

/// A visit of a shard.
pub(crate) struct Reader<'a, K, V> {
    table: &'a Table,
    slab: &'a Slab<K, V>,
    visit: Visit<'a>,
}

impl<K, V> Reader<'_, K, V> {
    /// The entry whose key `is_it` accepts among those with this hash.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: Hash,
        mut is_it: impl FnMut(&K) -> bool,
    ) -> Option<Entry<'_, K, V>> {
        let mut found = None;
        self.table.find(hash, |index| {
            // SAFETY: the index was read from the table during this visit. So its slot was made and filled before it
            // was published, and is not emptied before the visit ends; `Entry` borrows from the reader, which holds it.
            let slot = unsafe { self.slab.slot(index) };
            // SAFETY: as above.
            let pair = unsafe { slot.pair() };
            let is_it = is_it(&pair.0);
            if is_it {
                found = Some(Entry { index, slot, pair });
            }
            is_it
        });
        found
    }

    /// Keeps hold of an entry that the writer is about to take out, until this visit ends.
    ///
    /// # Panics
    ///
    /// If the writer is another shard's.
    pub(crate) fn hold<P>(
        &self,
        writer: &Writer<'_, K, V, P>,
        found: Found,
    ) -> Option<Entry<'_, K, V>> {
        assert!(
            std::ptr::eq(self.slab, &writer.store.slab),
            "reader and writer of one shard"
        );
        writer.slot_in_use(found.index)?;
        // SAFETY: under the lock the slot holds an entry that is in the table, and this visit has begun before the
        // writer takes it out: a writer that does will see the visit and leave the slot as it is until it ends.
        let slot = unsafe { self.slab.slot(found.index) };
        // SAFETY: as above.
        Some(Entry {
            index: found.index,
            slot,
            pair: unsafe { slot.pair() },
        })
    }

    /// The reading thread's number; see [`registry::Word::index`].
    #[inline]
    pub(crate) fn thread(&self) -> usize {
        self.visit.word().index()
    }
}

/// An entry that was found.
pub(crate) struct Entry<'a, K, V> {
    index: u32,
    slot: &'a Slot<K, V>,
    pair: &'a (K, V),
}

impl<'a, K, V> Entry<'a, K, V> {
    /// Its slot. While the entry is held no other entry gets it.
    #[inline]
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    #[inline]
    pub(crate) fn value(&self) -> &'a V {
        &self.pair.1
    }

    pub(crate) fn key(&self) -> &'a K {
        &self.pair.0
    }

    /// The clock at the last recorded use, and the class; none if it was unlinked meanwhile.
    #[inline]
    pub(crate) fn recency(&self) -> Option<(u32, u8)> {
        self.slot.is_occupied().then(|| self.slot.recency())
    }

    /// As [`recency`](Self::recency), for a reader, which need not know whether the entry was unlinked a moment ago: the
    /// slot is not used again before the visit ends, and what is recorded in it until then is lost with it.
    #[inline]
    pub(crate) fn recency_or_past(&self) -> (u32, u8) {
        self.slot.recency()
    }

    #[inline]
    pub(crate) fn set_recency(&self, last: u32, class: u8) {
        self.slot.set_recency(last, class);
    }

    #[cfg(feature = "serde")]
    pub(crate) fn deadline(&self) -> Millis {
        self.slot.deadline()
    }

    /// Whether the deadline has come.
    #[inline]
    pub(crate) fn is_past(&self, now: Millis) -> bool {
        self.slot.is_past(now)
    }

    /// The part of the hash that the table calls home.
    pub(crate) fn hash(&self) -> u32 {
        self.slot.hash()
    }
}

/// Entries that have left the store for good, to be dropped after the lock: destructors are user code.
#[must_use = "drop this only after the writer is gone"]
pub(crate) struct Unlinked<K, V> {
    /// One without a heap allocation, which is the common case.
    first: Option<(K, V)>,
    rest: Vec<(K, V)>,
}

impl<K, V> Unlinked<K, V> {
    fn new() -> Self {
        Self {
            first: None,
            rest: Vec::new(),
        }
    }

    /// Makes room, so that so many pairs can be pushed without an allocation each.
    fn reserve(&mut self, pairs: usize) {
        if pairs > 1 {
            self.rest.reserve(pairs);
        }
    }

    fn push(&mut self, pair: (K, V)) {
        if self.first.is_none() {
            self.first = Some(pair);
        } else {
            self.rest.push(pair);
        }
    }
}

/// What became of an entry that was unlinked.
#[must_use = "drop this only after the writer is gone, or have the writer discard it"]
pub(crate) enum Left<K, V> {
    /// Nobody can hold it: here it is. Its destructors are user code.
    Free((K, V)),
    /// A reader may hold the entry of this slot.
    Held(u32),
}

/// The right to change a shard.
pub(crate) struct Writer<'a, K, V, P> {
    store: &'a Store<K, V, P>,
    ledger: MutexGuard<'a, Ledger<P>>,
    unlinked: Unlinked<K, V>,
}

/// Where a writer has found an entry. It is good until the writer changes something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) index: u32,
    place: Place,
}

/// A new entry: its pair, and the hints that go with it.
pub(crate) struct NewEntry<K, V> {
    pub(crate) pair: (K, V),
    pub(crate) last: u32,
    pub(crate) class: u8,
    pub(crate) deadline: Millis,
}

/// What the policy sees of the slots while it changes its own state.
pub(crate) struct Slots<'a, K, V> {
    slab: &'a Slab<K, V>,
    fresh: u32,
}

impl<K, V> Slots<'_, K, V> {
    /// Slots that were ever used.
    pub(crate) fn count(&self) -> u32 {
        self.fresh
    }

    /// The clock at the last recorded use and the class of the entry in a slot; none for a vacant one, and for an index
    /// beyond the slots.
    #[inline]
    pub(crate) fn recency(&self, index: u32) -> Option<(u32, u8)> {
        if index >= self.fresh {
            return None;
        }
        // SAFETY: every index below `fresh` was made, under the lock that the writer holds.
        let slot = unsafe { self.slab.slot(index) };
        slot.is_occupied().then(|| slot.recency())
    }

    /// Hints that the times of a slot will be asked for.
    #[inline]
    pub(crate) fn prefetch(&self, index: u32) {
        self.slab.prefetch(index);
    }
}

impl<K, V, P> Writer<'_, K, V, P> {
    pub(crate) fn policy(&mut self) -> &mut P {
        &mut self.ledger.policy
    }

    pub(crate) fn len(&self) -> usize {
        self.ledger.len
    }

    /// Slots that were ever used; indices below it may be asked for.
    pub(crate) fn slots(&self) -> u32 {
        self.ledger.fresh
    }

    fn table(&self) -> &Table {
        // Relaxed: only a writer changes it, and this is the writer.
        // SAFETY: the table in use is dropped by nobody but the writer that puts another in its place.
        unsafe { &*self.store.table.load(Ordering::Relaxed) }
    }

    fn slot(&self, index: u32) -> &Slot<K, V> {
        assert!(index < self.ledger.fresh);
        // SAFETY: every index below `fresh` was made under this lock.
        unsafe { self.store.slab.slot(index) }
    }

    /// The slot, if it holds a reachable entry.
    fn slot_in_use(&self, index: u32) -> Option<&Slot<K, V>> {
        let slot = self.slot(index);
        slot.is_occupied().then_some(slot)
    }

    /// The policy, and beside it what it needs to choose a victim.
    #[inline]
    pub(crate) fn policy_and_slots(&mut self) -> (&mut P, Slots<'_, K, V>) {
        let slots = Slots {
            slab: &self.store.slab,
            fresh: self.ledger.fresh,
        };
        (&mut self.ledger.policy, slots)
    }

    /// The entry in a slot, if one is.
    pub(crate) fn entry(&self, index: u32) -> Option<Entry<'_, K, V>> {
        let slot = self.slot_in_use(index)?;
        // SAFETY: an occupied slot holds an entry, and under the lock it goes on holding it while the writer
        // is borrowed.
        Some(Entry {
            index,
            slot,
            pair: unsafe { slot.pair() },
        })
    }

    pub(crate) fn find(&self, hash: Hash, mut is_it: impl FnMut(&K) -> bool) -> Option<Found> {
        let found = self.table().find(hash, |index| {
            self.entry(index).is_some_and(|entry| is_it(entry.key()))
        });
        found.map(|(index, place)| Found { index, place })
    }

    /// Where the entry of a slot is published.
    pub(crate) fn find_slot(&self, index: u32) -> Option<Found> {
        let home = self.entry(index)?.hash();
        self.table()
            .find_slot(home, index)
            .map(|place| Found { index, place })
    }

    /// Publishes an entry under a hash, after `prepare` was told its slot. There must be none with an equal key.
    pub(crate) fn insert(
        &mut self,
        hash: Hash,
        new: NewEntry<K, V>,
        prepare: impl FnOnce(u32),
    ) -> u32 {
        if self.ledger.len >= self.ledger.grows_at {
            self.grow();
        }
        let index = self.fill(hash, new);
        prepare(index);
        self.table().insert(hash, index);
        if let Some(growth) = &self.ledger.growth {
            growth.inserted(hash.home, index);
        }
        self.ledger.len += 1;
        index
    }

    /// Publishes an entry in place of another one with an equal key, in one step for readers, after `prepare` was told
    /// its slot.
    pub(crate) fn replace(
        &mut self,
        hash: Hash,
        found: Found,
        new: NewEntry<K, V>,
        prepare: impl FnOnce(u32),
    ) -> (u32, Left<K, V>) {
        let index = self.fill(hash, new);
        prepare(index);
        self.table().replace(found.place, index);
        if let Some(growth) = &self.ledger.growth {
            growth.removed(self.slot(found.index).hash(), found.index);
            growth.inserted(hash.home, index);
            self.ledger.has_work = true;
        }
        (index, self.retire(found.index))
    }

    pub(crate) fn remove(&mut self, found: Found) -> Left<K, V> {
        let home = self.slot(found.index).hash();
        self.table().remove(home, found.place);
        if let Some(growth) = &self.ledger.growth {
            growth.removed(home, found.index);
        }
        self.ledger.len -= 1;
        self.retire(found.index)
    }

    /// The value that was unlinked last, if a reader may hold it and it is that of this slot.
    pub(crate) fn held(&self, index: u32) -> Option<&V> {
        if !self.ledger.limbo.took_last(index) {
            return None;
        }
        // SAFETY: the slot was unlinked and is still in limbo. So it was made and filled, and it is not emptied while the
        // writer is borrowed.
        let slot = unsafe { self.store.slab.slot(index) };
        // SAFETY: as above.
        Some(&unsafe { slot.pair() }.1)
    }

    /// Keeps what is not wanted until it can be dropped.
    #[inline]
    pub(crate) fn discard(&mut self, left: Left<K, V>) {
        match left {
            Left::Free(pair) if std::mem::needs_drop::<(K, V)>() => self.unlinked.push(pair),
            Left::Free(_) | Left::Held(_) => {}
        }
    }

    /// Has slots of removed entries emptied in the end, as [`reclaim`](Self::reclaim) does.
    pub(crate) fn reclaim_in_the_end(&mut self) {
        self.ledger.has_work = true;
    }

    /// Empties the slots of removed entries now where no reader is in the way, instead of together with later ones.
    pub(crate) fn reclaim(&mut self) {
        let Ledger { limbo, free, .. } = &mut *self.ledger;
        let (slab, unlinked) = (&self.store.slab, &mut self.unlinked);
        if std::mem::needs_drop::<(K, V)>() {
            unlinked.reserve(limbo.len());
        }
        let nobody_holds_anything = limbo.reclaim(|index| {
            // SAFETY: limbo gives an index back once, when nobody who could have found the entry is still there.
            let pair = unsafe { empty(slab, index, free) };
            if std::mem::needs_drop::<(K, V)>() {
                unlinked.push(pair);
            }
        });
        if nobody_holds_anything {
            self.drop_tables();
        }
    }

    /// Whether a slot that was unlinked may still be held by a reader.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn holds(&self, index: u32) -> bool {
        self.ledger.limbo.holds(index)
    }

    /// Names all entries that were unlinked and may still be held by a reader, for [`is_held`](Self::is_held).
    pub(crate) fn unlinked_until_now(&self) -> u64 {
        self.ledger.limbo.round_of_all()
    }

    /// Whether some of the entries that were so named may still be held.
    pub(crate) fn is_held(&self, unlinked: u64) -> bool {
        !self.ledger.limbo.is_over(unlinked)
    }

    #[inline(always)]
    fn retire(&mut self, index: u32) -> Left<K, V> {
        self.slot(index).retire();
        let Ledger {
            limbo,
            free,
            has_work,
            ..
        } = &mut *self.ledger;
        match limbo.push(index) {
            Next::Free => {
                // SAFETY: limbo has found that nobody can hold the entry, and does not take it.
                let pair = unsafe { empty(&self.store.slab, index, free) };
                self.drop_tables();
                return Left::Free(pair);
            }
            Next::Wait => {}
            // Not now: what was unlinked can be asked for until the end.
            Next::Reclaim => *has_work = true,
        }
        Left::Held(index)
    }

    /// Drops the tables that were replaced. Nobody may be left who could have loaded one.
    ///
    /// A replaced table is like an unlinked entry: a reader announces its visit, then loads the table in use; a writer
    /// publishes another one, then looks who is visiting.
    #[inline]
    fn drop_tables(&mut self) {
        while self.ledger.tables.len() > 1 {
            let table = self.ledger.tables.remove(0);
            // SAFETY: made by `Box::into_raw` and just taken from the list. It is not the one in use, which is the last,
            // and by the contract no reader has it.
            drop(unsafe { Box::from_raw(table) });
        }
    }

    #[inline(always)]
    fn fill(&mut self, hash: Hash, new: NewEntry<K, V>) -> u32 {
        let ledger = &mut *self.ledger;
        let index = ledger.free.pop().unwrap_or_else(|| {
            let index = ledger.fresh;
            assert!(index < u32::MAX, "a shard holds at most 2^32 - 1 entries");
            // SAFETY: `fresh` was never made, and only the writer makes slots.
            unsafe { self.store.slab.make(index) };
            ledger.fresh += 1;
            index
        });
        // SAFETY: the index is free or fresh, so the slot was made, holds no entry and is not in the table.
        let slot = unsafe { self.store.slab.slot(index) };
        // SAFETY: as above.
        unsafe { slot.fill(new.pair, hash.home, (new.last, new.class), new.deadline) };
        index
    }

    /// Begins a larger table, or does a step towards it.
    ///
    /// Should the one in use be crowded before the other is ready, the rest is done at once: in a table of a few buckets,
    /// and where there are many more slots than entries because a reader has stayed very long.
    #[cold]
    fn grow(&mut self) {
        let is_crowded = self.ledger.len >= self.table().crowded_at();
        let mut growth = match self.ledger.growth.take() {
            None => {
                let next = next_table(self.table().planned(), self.ledger.planned);
                Growth::new(next, Growth::steps(self.table(), next))
            }
            Some(growth) => growth.step(&self.store.slab, self.ledger.fresh),
        };
        while is_crowded && !matches!(growth, Growth::Complete(_)) {
            growth = growth.step(&self.store.slab, self.ledger.fresh);
        }
        match growth {
            Growth::Complete(table) => self.publish(table),
            incomplete => {
                self.ledger.growth = Some(incomplete);
                self.ledger.grows_at = 0;
            }
        }
    }

    /// Puts a larger table in place of the one in use.
    #[cfg(test)]
    fn grow_at_once(&mut self) {
        self.grow();
        while self.ledger.growth.is_some() {
            self.grow();
        }
    }

    /// Puts a table in place of the one in use. It has every entry.
    fn publish(&mut self, table: Box<Table>) {
        self.ledger.grows_at = grows_at(&table, self.ledger.planned);
        let table = Box::into_raw(table);
        self.ledger.tables.push(table);
        // Release: the table is filled before it is published.
        self.store.table.store(table, Ordering::Release);
        // Mostly nobody is in the old one. It is dropped now, or when the next slot is given back.
        self.reclaim();
    }

    /// Ends the writing and gives out what has left for good.
    #[inline(always)]
    pub(crate) fn finish(mut self) -> Unlinked<K, V> {
        if self.ledger.has_work {
            self.work();
        }
        drop(self.ledger);
        self.unlinked
    }

    /// What is better done now and then than with each change.
    #[cold]
    fn work(&mut self) {
        self.ledger.has_work = false;
        self.reclaim();
        // Insertions do this by themselves. A cache in which values are only replaced must not have two tables for good.
        if self.ledger.growth.is_some() {
            self.grow();
        }
    }
}

/// Takes the pair out of a slot that was unlinked, and gives the slot to be used again.
///
/// # Safety
///
/// The slot holds a pair that was not taken yet, and nobody can access it any more.
#[inline]
unsafe fn empty<K, V>(slab: &Slab<K, V>, index: u32, free: &mut Vec<u32>) -> (K, V) {
    free.push(index);
    // SAFETY: a slot that holds a pair was made.
    let slot = unsafe { slab.slot(index) };
    // SAFETY: by the contract.
    unsafe { slot.empty() }
}

impl<K, V, P> Drop for Store<K, V, P> {
    fn drop(&mut self) {
        let mut ledger = self.ledger.0.lock();
        let mut pairs = Vec::new();
        let mut empty = |index| {
            // SAFETY: nobody else has the store any more, and each index with a pair is met once: it is either in
            // limbo or occupied.
            pairs.push(unsafe { self.slab.slot(index).empty() });
        };
        if std::mem::needs_drop::<(K, V)>() {
            ledger.limbo.take_all(&mut empty);
            for index in 0..ledger.fresh {
                // SAFETY: every index below `fresh` was made.
                if unsafe { self.slab.slot(index) }.is_occupied() {
                    empty(index);
                }
            }
        }
        for table in std::mem::take(&mut ledger.tables) {
            // SAFETY: made by `Box::into_raw`, once in the list, and no reader is left.
            drop(unsafe { Box::from_raw(table) });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::HashMap;

    use super::growth::{Growth, MOVED_AT_ONCE};
    use super::{FIRST_TABLE, Hash, Left, NewEntry, Store, Writer};
    use crate::time::NEVER;

    fn hash(key: u64) -> Hash {
        Hash::new(key.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn store_value(writer: &mut Writer<'_, u64, u64, ()>, key: u64, value: u64) {
        let new = NewEntry {
            pair: (key, value),
            last: 0,
            class: 0,
            deadline: NEVER,
        };
        match writer.find(hash(key), |other| *other == key) {
            Some(found) => {
                let (_, left) = writer.replace(hash(key), found, new, |_| ());
                writer.discard(left);
            }
            None => {
                writer.insert(hash(key), new, |_| ());
            }
        }
    }

    #[test]
    fn what_nobody_holds_is_handed_out_and_what_somebody_may_hold_is_shown() {
        let store: Store<u64, u64, ()> = Store::new(1, ());
        store_value(&mut store.write(), 7, 1);
        let take = |expected: u64, is_free: bool| {
            let mut writer = store.write();
            let found = writer.find(hash(7), |key| *key == 7).unwrap();
            match writer.remove(found) {
                Left::Free(pair) => assert_eq!((pair, is_free), ((7, expected), true)),
                Left::Held(index) => {
                    assert_eq!((writer.held(index), is_free), (Some(&expected), false));
                    assert_eq!(writer.held(index + 1), None);
                    writer.reclaim_in_the_end();
                }
            }
            drop(writer.finish());
        };
        take(1, true);
        let reader = store.read().unwrap();
        store_value(&mut store.write(), 7, 2);
        take(2, false);
        store_value(&mut store.write(), 7, 3);
        drop(reader);
        take(3, false);
        assert_eq!(store.write().ledger.limbo.len(), 0);
        store_value(&mut store.write(), 7, 4);
        take(4, true);
    }

    #[test]
    fn replacing_alone_completes_a_growth() {
        let store: Store<u64, u64, ()> = Store::new(1, ());
        store_value(&mut store.write(), 7, 1);
        store.write().grow();
        for value in 0..4 {
            let mut writer = store.write();
            store_value(&mut writer, 7, value);
            drop(writer.finish());
        }
        assert!(store.write().ledger.growth.is_none());
    }

    fn cleared_and_moved(writer: &Writer<'_, u64, u64, ()>) -> (usize, u32) {
        let growth = writer.ledger.growth.as_ref();
        growth.map_or((0, 0), Growth::cleared_and_moved)
    }

    #[test]
    fn no_insertion_does_more_than_a_step_of_a_growth() {
        let planned = if cfg!(miri) { 4 } else { 4_000 } * FIRST_TABLE;
        let store: Store<u64, u64, ()> = Store::new(planned, ());
        let mut growths = 0;
        for key in 0..planned as u64 / 4 {
            let mut writer = store.write();
            let made = writer.table().planned();
            let (cleared, moved) = cleared_and_moved(&writer);
            store_value(&mut writer, key, key);
            let (cleared_then, mut moved_then) = cleared_and_moved(&writer);
            if writer.table().planned() != made {
                growths += 1;
                // The entry that has just come in was not moved.
                moved_then = writer.slots() - 1;
            }
            assert!(moved_then - moved <= MOVED_AT_ONCE, "at {key}");
            assert!(cleared_then.saturating_sub(cleared) <= 64, "at {key}");
            drop(writer.finish());
        }
        assert_eq!(growths, if cfg!(miri) { 0 } else { 8 });
        assert!(cfg!(miri) || (planned..planned + 9).contains(&store.write().table().planned()));
    }

    #[test]
    fn what_happens_while_a_table_is_filled_is_in_it() {
        let (stores, rounds) = if cfg!(miri) { (2, 200) } else { (50, 1_500) };
        let mut random = 1_u64;
        for _ in 0..stores {
            let store: Store<u64, u64, ()> = Store::new(1, ());
            let mut expected = HashMap::new();
            for round in 0..rounds {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // More and more keys, of which some are removed again.
                let key = random % (2 + round);
                let mut writer = store.write();
                if random >> 62 == 0 {
                    let found = writer.find(hash(key), |other| *other == key);
                    assert_eq!(found.is_some(), expected.remove(&key).is_some());
                    if let Some(found) = found {
                        let left = writer.remove(found);
                        writer.discard(left);
                    }
                } else {
                    store_value(&mut writer, key, round);
                    expected.insert(key, round);
                }
                let (taken, len) = (writer.table().taken(), writer.len());
                drop(writer.finish());
                assert_eq!((taken, len), (expected.len(), expected.len()));
            }
            for (key, value) in expected {
                let reader = store.read().unwrap();
                let entry = reader.find(hash(key), |other| *other == key);
                assert_eq!(entry.map(|entry| *entry.value()), Some(value));
            }
        }
    }

    #[test]
    fn a_table_with_many_vacant_slots_grows_before_it_is_full() {
        let store: Store<u64, u64, ()> = Store::new(1, ());
        let many = if cfg!(miri) { 200 } else { 5_000 };
        let reader = store.read().unwrap();
        for round in 0..many {
            // The reader keeps each slot from being used again.
            store_value(&mut store.write(), round % 10, round);
        }
        for key in 0..many / 4 {
            store_value(&mut store.write(), key, key);
        }
        drop(reader);
        for key in 0..many / 4 {
            let reader = store.read().unwrap();
            assert!(reader.find(hash(key), |other| *other == key).is_some());
        }
    }

    #[test]
    fn the_table_grows_to_what_was_planned_and_leaves_no_old_one_behind() {
        let planned = if cfg!(miri) { 2 } else { 8 } * FIRST_TABLE;
        let store: Store<u64, u64, ()> = Store::new(planned, ());
        for key in 0..planned as u64 {
            let mut writer = store.write();
            store_value(&mut writer, key, key);
            assert_eq!(writer.ledger.tables.len(), 1);
            drop(writer.finish());
        }
        for key in 0..planned as u64 {
            let reader = store.read().unwrap();
            let entry = reader.find(hash(key), |other| *other == key);
            assert_eq!(entry.map(|entry| *entry.value()), Some(key));
        }
        let table = store.write().table().planned();
        assert!((planned..planned + 16).contains(&table), "made for {table}");
    }

    #[test]
    fn a_replaced_table_stays_while_somebody_reads() {
        let store: Store<u64, u64, ()> = Store::new(1, ());
        let reader = store.read().unwrap();
        store.write().grow_at_once();
        assert_eq!(store.write().ledger.tables.len(), 2);
        drop(reader);
        store.write().reclaim();
        assert_eq!(store.write().ledger.tables.len(), 1);
    }
}
