//! The table: from hash to slot index, in buckets of one cache line that readers probe without a lock.
//!
//! Entries never move from one bucket to another, so a reader that finds nothing needs no second look. One writer at a
//! time changes it, under the shard's lock.

use std::mem::MaybeUninit;

use super::sync::{AtomicU32, AtomicU64, Life, Ordering};

/// Entries in a bucket: 12 one-byte tags, a counter and 12 indices fill 64 bytes.
const PLACES: usize = 12;
const LOW_PLACES: usize = 8;

/// Entries for each bucket at which the table is as full as planned, three quarters.
const PLANNED: usize = 9;

/// Buckets of a [`Blank`] cleared at once, if that is soon enough: a page of memory.
const CLEARED_AT_ONCE: usize = 64;

/// The part of a key's hash that the table uses: its upper bits for the bucket, its lowest ones for the tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hash {
    pub(crate) home: u32,
}

impl Hash {
    /// Takes the lower half; the highest bits choose the shard.
    #[inline]
    pub(crate) fn new(hash: u64) -> Self {
        Self { home: hash as u32 }
    }

    #[inline]
    fn tag(self) -> u8 {
        self.home as u8 | 0x80
    }
}

/// The tag of a place where nothing is.
const FREE: u8 = 0;

#[derive(Debug)]
#[repr(C, align(64))]
struct Bucket {
    /// The tags of the first eight places, a byte each.
    low_tags: AtomicU64,
    /// The tags of the other four, and above them how many entries passed by because the bucket was full. A search goes
    /// on only where that is not zero.
    high_tags: AtomicU64,
    slots: [AtomicU32; PLACES],
}

/// Counts one entry that passed by.
const ONE_PASSED: u64 = 1 << 32;

/// The part of a word that holds the four high tags.
const HIGH_TAGS: u64 = ONE_PASSED - 1;

impl Bucket {
    fn new() -> Self {
        Self {
            low_tags: AtomicU64::new(0),
            high_tags: AtomicU64::new(0),
            slots: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    /// The first place where nothing is.
    fn free_place(&self) -> Option<usize> {
        let low = matches(self.low_tags.load(Ordering::Relaxed), FREE);
        let high = matches(self.high_tags.load(Ordering::Relaxed), FREE) & HIGH_TAGS;
        match (low, high) {
            (0, 0) => None,
            (0, high) => Some(LOW_PLACES + place_of(high)),
            (low, _) => Some(place_of(low)),
        }
    }

    fn tags_of(&self, place: usize) -> (&AtomicU64, usize) {
        if place < LOW_PLACES {
            (&self.low_tags, place)
        } else {
            (&self.high_tags, place - LOW_PLACES)
        }
    }

    #[cfg(all(test, not(loom)))]
    fn has_passed(&self) -> bool {
        self.high_tags.load(Ordering::Relaxed) >= ONE_PASSED
    }

    /// Writer only. Release: a reader that sees the tag sees the index behind it.
    fn set_tag(&self, place: usize, tag: u8) {
        let (tags, place) = self.tags_of(place);
        let others = tags.load(Ordering::Relaxed) & !(0xFF << (8 * place));
        tags.store(others | (u64::from(tag) << (8 * place)), Ordering::Release);
    }

    /// Writer only. Release, because whoever sees this word instead of an earlier one must see the indices behind its tags.
    fn add_passed(&self) {
        let tags = self.high_tags.load(Ordering::Relaxed);
        self.high_tags.store(tags + ONE_PASSED, Ordering::Release);
    }

    /// Writer only. Release as in [`add_passed`](Self::add_passed).
    fn subtract_passed(&self) {
        let tags = self.high_tags.load(Ordering::Relaxed);
        self.high_tags.store(tags - ONE_PASSED, Ordering::Release);
    }
}

/// The bytes of `tags` that are `tag`, as their highest bits; sometimes also a byte that differs from it in the lowest
/// bit, never one that is zero. (Bytes without a borrow, after Mycroft 1987.)
#[inline]
fn matches(tags: u64, tag: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let differing = tags ^ (ONES * u64::from(tag));
    differing.wrapping_sub(ONES) & !differing & HIGHS
}

/// The first place among those that [`matches`] has found.
#[inline]
fn place_of(matches: u64) -> usize {
    matches.trailing_zeros() as usize / 8
}

/// A place in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    bucket: usize,
    place: usize,
}

#[derive(Debug)]
pub(crate) struct Table {
    buckets: Box<[Bucket]>,
    life: Life,
}

/// A table on its way. Its memory comes as it is, and is cleared a little at a time: to clear a large one, or to have the
/// operating system give clear pages for all of it, would hold up whoever does it.
pub(crate) struct Blank {
    buckets: Box<[MaybeUninit<Bucket>]>,
    at_once: usize,
    /// The buckets that are made, from the first one on.
    cleared: usize,
}

impl Blank {
    /// A table for so many entries, to be cleared in so many steps at most.
    pub(crate) fn new(entries: usize, steps: usize) -> Self {
        let buckets = entries.div_ceil(PLANNED).max(1);
        Self {
            buckets: Box::new_uninit_slice(buckets),
            at_once: buckets.div_ceil(steps.max(1)).max(CLEARED_AT_ONCE),
            cleared: 0,
        }
    }

    /// Makes some of the buckets, and says whether all are made.
    pub(crate) fn clear_some(&mut self) -> bool {
        let uncleared = &mut self.buckets[self.cleared..];
        let some = uncleared.len().min(self.at_once);
        for bucket in &mut uncleared[..some] {
            bucket.write(Bucket::new());
        }
        self.cleared += some;
        self.cleared == self.buckets.len()
    }

    #[cfg(all(test, not(loom)))]
    pub(crate) fn cleared(&self) -> usize {
        self.cleared
    }

    /// The table, empty.
    ///
    /// # Panics
    ///
    /// If not all of it was cleared.
    pub(crate) fn into_table(self) -> Table {
        assert_eq!(self.cleared, self.buckets.len(), "a table is cleared first");
        Table {
            // SAFETY: `clear_some` has made all buckets, as just asserted.
            buckets: unsafe { self.buckets.assume_init() },
            life: Life::new(),
        }
    }
}

impl Table {
    pub(crate) fn new(entries: usize) -> Self {
        let mut blank = Blank::new(entries, 1);
        blank.clear_some();
        blank.into_table()
    }

    /// The entries for which there are places. They are not all to be used.
    pub(crate) fn places(&self) -> usize {
        self.buckets.len() * PLACES
    }

    /// The number of entries at which a larger one must have taken its place.
    pub(crate) fn crowded_at(&self) -> usize {
        let places = self.places();
        if self.buckets.len() == 1 {
            places
        } else {
            places - places / 8
        }
    }

    #[inline]
    fn home(&self, home: u32) -> usize {
        ((u64::from(home) * self.buckets.len() as u64) >> 32) as usize
    }

    /// The first slot under this hash that `is_it` accepts.
    ///
    /// For readers and the writer. `is_it` is asked about every entry with the same tag on the way.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: Hash,
        mut is_it: impl FnMut(u32) -> bool,
    ) -> Option<(u32, Place)> {
        self.life.look();
        let (home, tag) = (self.home(hash.home), hash.tag());
        let mut bucket = home;
        loop {
            let line = &self.buckets[bucket];
            // Acquire on tags and index: what was written before they were stored, the index behind a tag and the
            // entry behind an index, is seen after they are loaded.
            let mut found = matches(line.low_tags.load(Ordering::Acquire), tag);
            while found != 0 {
                let place = place_of(found);
                let slot = line.slots[place].load(Ordering::Acquire);
                if is_it(slot) {
                    return Some((slot, Place { bucket, place }));
                }
                found &= found - 1;
            }
            let high = line.high_tags.load(Ordering::Acquire);
            // Four bytes, by which the compiler sees that there is such a place. Nothing is found above them.
            let mut found = matches(high & HIGH_TAGS, tag) as u32;
            while found != 0 {
                let place = LOW_PLACES + place_of(found.into());
                let slot = line.slots[place].load(Ordering::Acquire);
                if is_it(slot) {
                    return Some((slot, Place { bucket, place }));
                }
                found &= found - 1;
            }
            if high < ONE_PASSED {
                return None;
            }
            bucket = self.after(bucket);
            if bucket == home {
                return None;
            }
        }
    }

    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() {
            0
        } else {
            bucket + 1
        }
    }

    /// Writer only: publishes a slot under a hash.
    ///
    /// # Panics
    ///
    /// If the table is full.
    pub(crate) fn insert(&self, hash: Hash, slot: u32) {
        let home = self.home(hash.home);
        let mut bucket = home;
        loop {
            let line = &self.buckets[bucket];
            if let Some(place) = line.free_place() {
                // Release: the entry was written before. The tag comes last.
                line.slots[place].store(slot, Ordering::Release);
                line.set_tag(place, hash.tag());
                return;
            }
            line.add_passed();
            bucket = self.after(bucket);
            assert_ne!(bucket, home, "a table grows before it is full");
        }
    }

    /// Writer only: puts another slot where one was found, in one step for readers.
    pub(crate) fn replace(&self, place: Place, slot: u32) {
        self.buckets[place.bucket].slots[place.place].store(slot, Ordering::Release);
    }

    /// Writer only: takes away what was found at a place, of an entry at home in `home`.
    pub(crate) fn remove(&self, home: u32, place: Place) {
        self.buckets[place.bucket].set_tag(place.place, FREE);
        let mut bucket = self.home(home);
        while bucket != place.bucket {
            self.buckets[bucket].subtract_passed();
            bucket = self.after(bucket);
        }
    }

    /// Writer only: where the entry of a slot is, of which the hash is known.
    pub(crate) fn find_slot(&self, home: u32, slot: u32) -> Option<Place> {
        self.find(Hash { home }, |found| found == slot)
            .map(|(_, place)| place)
    }

    /// How many entries are in it.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn taken(&self) -> usize {
        let is_taken = |line: &Bucket, place| {
            let (tags, place) = line.tags_of(place);
            tags.load(Ordering::Relaxed) & (0xFF << (8 * place)) != 0
        };
        let taken = |line| (0..PLACES).filter(|&place| is_taken(line, place)).count();
        self.buckets.iter().map(taken).sum()
    }

    /// The entries for which it was made, at least.
    pub(crate) fn planned(&self) -> usize {
        self.buckets.len() * PLANNED
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Hash, Table, matches};

    #[test]
    fn a_match_is_never_an_empty_place() {
        for tag in 0x80..=0xFF_u8 {
            let tags = u64::from_le_bytes([0, tag, tag ^ 1, 0, tag, 0x80, 0xFF, 0]);
            let found = matches(tags, tag);
            assert_eq!(
                found & 0x8000_0080_0000_0080_u64 & 0xFF00_0000_FF00_00FF,
                0,
                "tag {tag:x}"
            );
            for place in [1, 4] {
                assert_ne!(found & (0x80 << (8 * place)), 0, "tag {tag:x} at {place}");
            }
        }
    }

    #[test]
    fn entries_that_pass_full_buckets_are_found_and_leave_no_trace() {
        // Two buckets and one home: everything beyond twelve passes by.
        let table = Table::new(18);
        let hash = |slot: u32| Hash::new(u64::from(slot % 3));
        for slot in 0..20 {
            table.insert(hash(slot), slot);
        }
        for slot in 0..20 {
            assert_eq!(
                table.find(hash(slot), |found| found == slot).unwrap().0,
                slot
            );
            assert!(table.find_slot(hash(slot).home, slot).is_some());
        }
        for slot in 0..20 {
            let (_, place) = table.find(hash(slot), |found| found == slot).unwrap();
            table.remove(0, place);
            assert!(table.find(hash(slot), |found| found == slot).is_none());
        }
        assert!(table.buckets.iter().all(|bucket| !bucket.has_passed()));
    }

    #[test]
    fn a_replaced_slot_is_found_in_place_of_the_old_one() {
        let table = Table::new(1);
        let hash = Hash::new(42);
        table.insert(hash, 7);
        let (_, place) = table.find(hash, |_| true).unwrap();
        table.replace(place, 8);
        assert_eq!(table.find(hash, |_| true).unwrap().0, 8);
    }
}
