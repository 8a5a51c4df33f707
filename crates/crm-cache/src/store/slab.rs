//! The slab: where entries live, found by index and never moved.
//!
//! This module, its parent and `registry.rs` hold all unsafe code of the crate. The record that shows what it buys is
//! `benches/records/2026-11-21-cache-lookup.md`.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::{MaybeUninit, offset_of};
use std::ptr::NonNull;
use std::sync::OnceLock;

use crate::time::Millis;
#[cfg(feature = "serde")]
use crate::time::NEVER;

use super::prefetch::prefetch;
use super::sync::{AtomicU64, Ordering, UnsafeCell};

/// Bytes in a cache line.
const LINE: usize = 64;

/// Further segments, each as large as all before it together.
const SEGMENTS: usize = 32;

/// A deadline takes 40 bits, 34 years of milliseconds; the last value stands for never.
const NO_DEADLINE: u64 = (1 << DEADLINE_BITS) - 1;
const DEADLINE_BITS: u32 = 40;

/// Set in the deadline word while the slot holds an entry that is in the table.
///
/// It must not be in the recency word: there a reader stores what it has loaded a moment before, and would undo what the
/// writer stored in between.
const OCCUPIED: u64 = 1 << DEADLINE_BITS;

/// An entry and what its policy must know of it.
///
/// The two words carry 32 bits of the hash in what the times leave free, so that an entry costs 16 bytes beyond key and
/// value. Both words are hints to readers and are read and written relaxed; the entry itself is published by the table.
/// Readers write the first word, a load and then a store; the second one is written under the lock only.
#[derive(Debug)]
pub(crate) struct Slot<K, V> {
    /// From the lowest bit: last use (32 bits), class (8), upper 24 bits of the hash.
    recency: AtomicU64,
    /// From the lowest bit: deadline (40 bits), whether occupied (1), 15 unused, lower 8 bits of the hash.
    deadline: AtomicU64,
    pair: UnsafeCell<MaybeUninit<(K, V)>>,
}

impl<K, V> Slot<K, V> {
    fn vacant() -> Self {
        Self {
            recency: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
            pair: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Whether the slot holds an entry that is in the table. Exact for the writer, already past for a reader.
    #[inline]
    pub(crate) fn is_occupied(&self) -> bool {
        self.deadline.load(Ordering::Relaxed) & OCCUPIED != 0
    }

    /// The clock at the last recorded use, and the class.
    #[inline]
    pub(crate) fn recency(&self) -> (u32, u8) {
        let word = self.recency.load(Ordering::Relaxed);
        (word as u32, (word >> 32) as u8)
    }

    /// Records a use. A concurrent record may be lost.
    ///
    /// The caller holds the entry, so the bits of the hash that are put back are those of the entry.
    #[inline]
    pub(crate) fn set_recency(&self, last: u32, class: u8) {
        let hash = self.recency.load(Ordering::Relaxed) & !0xFF_FFFF_FFFF;
        self.recency.store(
            hash | (u64::from(class) << 32) | u64::from(last),
            Ordering::Relaxed,
        );
    }

    #[cfg(feature = "serde")]
    pub(crate) fn deadline(&self) -> Millis {
        match self.deadline.load(Ordering::Relaxed) & NO_DEADLINE {
            NO_DEADLINE => NEVER,
            deadline => deadline,
        }
    }

    /// Whether the deadline has come. One comparison where there is none, which is the usual case.
    #[inline]
    pub(crate) fn is_past(&self, now: Millis) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed) & NO_DEADLINE;
        deadline != NO_DEADLINE && now >= deadline
    }

    pub(crate) fn hash(&self) -> u32 {
        let upper = (self.recency.load(Ordering::Relaxed) >> 40) as u32;
        let lower = (self.deadline.load(Ordering::Relaxed) >> 56) as u32;
        (upper << 8) | lower
    }
}

/// Room for slots, of which the user knows which ones are made. The room itself is never initialised as a whole: the
/// operating system gives memory only to what is touched.
#[derive(Debug)]
struct Segment<K, V> {
    slots: NonNull<Slot<K, V>>,
    len: usize,
}

// SAFETY: a segment owns its slots as a vector would; what may be done with them from several threads is decided by the
// bounds on `Store`.
unsafe impl<K: Send, V: Send> Send for Segment<K, V> {}
// SAFETY: as above; shared access gives out `&Slot` only, and `Slot` guards its pair by the rules of the store.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Segment<K, V> {}

impl<K, V> Segment<K, V> {
    /// The layout of the room: on whole cache lines, so that a slot of half a line lies in one and not across two.
    fn layout(len: usize) -> Layout {
        let slots = Layout::array::<Slot<K, V>>(len).expect("more entries than memory can hold");
        slots
            .align_to(LINE)
            .expect("a cache line is a power of two")
    }

    fn new(len: usize) -> Self {
        let layout = Self::layout(len);
        // SAFETY: the layout is not empty: `len` is above zero and a slot has its two words.
        let room = unsafe { alloc(layout) };
        let Some(slots) = NonNull::new(room.cast()) else {
            handle_alloc_error(layout)
        };
        Self { slots, len }
    }

    fn pointer(&self, offset: usize) -> *mut Slot<K, V> {
        assert!(offset < self.len);
        // SAFETY: within the allocation, as just asserted.
        unsafe { self.slots.as_ptr().add(offset) }
    }
}

impl<K, V> Drop for Segment<K, V> {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout. Pairs are dropped by the store, and the rest of a slot needs no
        // drop.
        unsafe { dealloc(self.slots.as_ptr().cast(), Self::layout(self.len)) }
    }
}

/// The slots, by index: a first segment of planned size and, should it not suffice, further ones.
#[derive(Debug)]
pub(crate) struct Slab<K, V> {
    first: Segment<K, V>,
    more: Box<[OnceLock<Segment<K, V>>; SEGMENTS]>,
}

impl<K, V> Slab<K, V> {
    pub(crate) fn new(planned: usize) -> Self {
        Self {
            first: Segment::new(planned.max(1)),
            more: Box::new([const { OnceLock::new() }; SEGMENTS]),
        }
    }

    #[inline]
    fn pointer(&self, index: u32) -> *mut Slot<K, V> {
        let index = index as usize;
        if index < self.first.len {
            self.first.pointer(index)
        } else {
            self.pointer_beyond_first(index)
        }
    }

    /// Further segments are each as long as all before them together.
    #[cold]
    fn pointer_beyond_first(&self, index: usize) -> *mut Slot<K, V> {
        let first = self.first.len;
        let segment = (index / first).ilog2() as usize;
        let begin = first << segment;
        self.more[segment]
            .get_or_init(|| Segment::new(begin))
            .pointer(index - begin)
    }

    /// Asks the processor for the times of a slot, which need not be made.
    #[inline]
    pub(crate) fn prefetch(&self, index: u32) {
        let slots = self.first.slots.as_ptr();
        let slot = slots.wrapping_add(index as usize);
        prefetch(slot.wrapping_byte_add(offset_of!(Slot<K, V>, recency)));
    }

    /// Makes the slot of an index, vacant.
    ///
    /// # Safety
    ///
    /// The index was not made before, and nobody else touches it during the call.
    pub(crate) unsafe fn make(&self, index: u32) {
        // SAFETY: the pointer is valid for writes, and by the contract nobody else uses what it points to.
        unsafe { self.pointer(index).write(Slot::vacant()) }
    }

    /// The slot of an index.
    ///
    /// # Safety
    ///
    /// The index was [made](Self::make), and that happened before this call.
    #[inline]
    pub(crate) unsafe fn slot(&self, index: u32) -> &Slot<K, V> {
        // SAFETY: made by the contract, never moved, and freed only with the slab. A slot is shared from then on and
        // changes through its atomics and its cell alone.
        unsafe { &*self.pointer(index) }
    }
}

impl<K, V> Slot<K, V> {
    /// Puts an entry into a vacant slot.
    ///
    /// # Safety
    ///
    /// The slot holds no entry, and no reader can find it until the writer publishes it after this call.
    pub(crate) unsafe fn fill(
        &self,
        pair: (K, V),
        hash: u32,
        recency: (u32, u8),
        deadline: Millis,
    ) {
        // SAFETY: by the contract nobody else accesses the pair; what it held before is not dropped, as it is nothing.
        self.pair
            .with_mut(|cell| unsafe { cell.write(MaybeUninit::new(pair)) });
        let (last, class) = recency;
        let upper = u64::from(hash >> 8) << 40;
        self.recency.store(
            upper | (u64::from(class) << 32) | u64::from(last),
            Ordering::Relaxed,
        );
        self.deadline.store(
            (u64::from(hash & 0xFF) << 56) | OCCUPIED | deadline.min(NO_DEADLINE),
            Ordering::Relaxed,
        );
    }

    /// The entry, for as long as the caller can hold it.
    ///
    /// # Safety
    ///
    /// For as long as the reference lives the slot holds an entry: the caller found it during a visit of the shard, or
    /// under the shard's lock, and that visit or lock lasts as long.
    #[inline]
    pub(crate) unsafe fn pair(&self) -> &(K, V) {
        // SAFETY: filled before it was published, and not emptied while somebody may have found it.
        self.pair.with(|cell| unsafe { (*cell).assume_init_ref() })
    }

    /// Writer only: marks the slot as holding no entry of the table; its pair stays for readers that have found it
    /// before.
    ///
    /// # Panics
    ///
    /// If it is marked so already: the slot would be emptied twice.
    pub(crate) fn retire(&self) {
        let word = self.deadline.load(Ordering::Relaxed);
        assert!(word & OCCUPIED != 0, "a slot is retired once");
        self.deadline.store(word & !OCCUPIED, Ordering::Relaxed);
    }

    /// Takes the pair out.
    ///
    /// # Safety
    ///
    /// The slot holds a pair that was not taken yet, and nobody can access it any more.
    pub(crate) unsafe fn empty(&self) -> (K, V) {
        // SAFETY: by the contract; the caller gets the only copy. Mutable, as taking out is a write to who still reads.
        self.pair
            .with_mut(|cell| unsafe { (*cell).assume_init_read() })
    }
}
