//! The store: a map that one writer at a time changes under a lock and any number of readers probe without one.
//!
//! | file | what it holds |
//! |---|---|
//! | `table.rs` | hash to slot index, in cache lines |
//! | `slab.rs` | the entries, by index, never moved |
//! | `registry.rs` | which thread is reading in which shard |
//! | `limbo.rs` | entries unlinked but perhaps still read |
//! | `sync.rs` | the primitives, exchangeable for those of a model checker |
//!
//! **Why a reader never meets freed memory.** A reader announces its visit, then probes. A writer unlinks an entry,
//! then looks who is visiting, and empties the slot only when everyone it saw has left. Between announcement and probe,
//! and between unlinking and looking, stands a sequentially consistent fence. Of the two fences one comes first. If the
//! reader's does, the writer sees the visit and waits for its end. If the writer's does, the reader sees the table
//! without the entry. Either way nobody holds an entry whose slot is emptied.

mod limbo;
#[cfg(all(test, loom))]
mod models;
mod registry;
mod slab;
mod sync;
mod table;

use std::sync::atomic::AtomicU64 as StdAtomicU64;

pub(crate) use registry::mine;
pub(crate) use table::Hash;

use crate::time::Millis;

use limbo::Limbo;
use registry::{ShardName, Visit};
use slab::{Slab, Slot};
use sync::{AtomicPtr, Mutex, MutexGuard, Ordering};
use table::{Place, Table};

/// One shard's entries. `P` is what its policy keeps under the same lock.
pub(crate) struct Store<K, V, P> {
    name: ShardName,
    /// The table in use. It points into `Ledger::tables`, where tables stay until the store is dropped.
    table: AtomicPtr<Table>,
    slab: Slab<K, V>,
    ledger: OwnLines<Mutex<Ledger<P>>>,
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
    /// Raw, because readers hold references to the last one while this vector may move. Made by `Box::into_raw`.
    tables: Vec<*mut Table>,
    /// Slots without an entry, and the first index that was never used.
    free: Vec<u32>,
    fresh: u32,
    len: usize,
    limbo: Limbo,
    policy: P,
}

impl<K, V, P> Store<K, V, P> {
    /// A store with room for about `planned` entries; more are taken in at the price of a larger table.
    pub(crate) fn new(planned: usize, policy: P) -> Self {
        static COUNT: StdAtomicU64 = StdAtomicU64::new(0);
        let name = ShardName::from_count(COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let table = Box::into_raw(Box::new(Table::new(planned)));
        let ledger = Ledger {
            tables: vec![table],
            free: Vec::new(),
            fresh: 0,
            len: 0,
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
        // SAFETY: a table, once published, lives as long as the store, which this reader borrows.
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

    /// A number that counts the visits of this thread.
    #[inline]
    pub(crate) fn turn(&self) -> u64 {
        self.visit.number()
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

    #[inline]
    pub(crate) fn set_recency(&self, last: u32, class: u8) {
        self.slot.set_recency(last, class);
    }

    #[inline]
    pub(crate) fn deadline(&self) -> Millis {
        self.slot.deadline()
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

    fn push(&mut self, pair: (K, V)) {
        if self.first.is_none() {
            self.first = Some(pair);
        } else {
            self.rest.push(pair);
        }
    }
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
        // SAFETY: a table, once published, lives as long as the store.
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

    /// The clock at the last recorded use and the class of the entry in a slot; none for a vacant one, and for an index
    /// beyond the slots.
    #[inline]
    pub(crate) fn recency(&self, index: u32) -> Option<(u32, u8)> {
        if index >= self.ledger.fresh {
            return None;
        }
        let slot = self.slot(index);
        slot.is_occupied().then(|| slot.recency())
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
        if self.table().is_crowded(self.ledger.len) {
            self.grow();
        }
        let index = self.fill(hash, new);
        prepare(index);
        self.table().insert(hash, index);
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
    ) -> u32 {
        let index = self.fill(hash, new);
        prepare(index);
        self.table().replace(found.place, index);
        self.retire(found.index);
        index
    }

    pub(crate) fn remove(&mut self, found: Found) {
        let home = self.slot(found.index).hash();
        self.table().remove(home, found.place);
        self.ledger.len -= 1;
        self.retire(found.index);
    }

    /// Empties the slots of removed entries now where no reader is in the way, instead of together with later ones.
    pub(crate) fn reclaim(&mut self) {
        let Ledger { limbo, free, .. } = &mut *self.ledger;
        limbo.reclaim(&mut |index| {
            free.push(index);
            // SAFETY: limbo gives an index back once, when nobody who could have found the entry is still there.
            let pair = unsafe { self.store.slab.slot(index).empty() };
            if std::mem::needs_drop::<(K, V)>() {
                self.unlinked.push(pair);
            }
        });
    }

    fn retire(&mut self, index: u32) {
        self.slot(index).retire();
        if self.ledger.limbo.push(index) {
            self.reclaim();
        }
    }

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

    /// Doubles the table. The old one stays until the store is dropped, since readers may be in it; all old ones
    /// together are smaller than the one in use.
    #[cold]
    fn grow(&mut self) {
        let larger = Table::new(2 * self.table().planned());
        for index in 0..self.ledger.fresh {
            if let Some(found) = self.find_slot(index) {
                larger.insert(
                    self.table().hash_at(found.place, self.slot(index).hash()),
                    index,
                );
            }
        }
        let larger = Box::into_raw(Box::new(larger));
        self.ledger.tables.push(larger);
        // Release: the table is filled before it is published.
        self.store.table.store(larger, Ordering::Release);
    }

    /// Ends the writing and gives out what has left for good.
    pub(crate) fn finish(self) -> Unlinked<K, V> {
        drop(self.ledger);
        self.unlinked
    }
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
