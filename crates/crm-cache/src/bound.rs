//! The bound: how many entries the cache may hold, and how much weight, counted for all shards together.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::content::Content;
use crate::shares::{Group, Shares, Want};

/// The most entries that a cache may be built for. It fits every platform's numbers, signs and doublings included.
pub(crate) const LARGEST: usize = (u32::MAX / 2) as usize;

/// What fits and what is held. Space is taken before an entry is published and given back after it is unlinked, so that
/// what is held is never above the bound.
#[derive(Debug)]
pub(crate) struct Bound {
    capacity: AtomicUsize,
    /// Entries that still fit. Below zero for a moment while the capacity is being lowered.
    room: AtomicIsize,
    max_weight: AtomicU64,
    weight: AtomicU64,
    /// What the capacity will be once what does not fit is evicted. Locked while the numbers change, and not while
    /// entries leave: what is the user's runs then, and may change the bound in turn.
    target: Mutex<usize>,
    /// None without tenants.
    shares: Option<Shares>,
}

impl Bound {
    /// Room for so many entries of so much weight together; without a weigher every weight is zero.
    pub(crate) fn new(capacity: usize, max_weight: u64) -> Self {
        Self {
            capacity: AtomicUsize::new(capacity),
            room: AtomicIsize::new(isize::try_from(capacity).unwrap_or(isize::MAX)),
            max_weight: AtomicU64::new(max_weight),
            weight: AtomicU64::new(0),
            target: Mutex::new(capacity),
            shares: None,
        }
    }

    /// The same, divided among tenants.
    pub(crate) fn shared(self, shares: Shares) -> Self {
        shares.divide(self.capacity(), self.max_weight());
        Self {
            shares: Some(shares),
            ..self
        }
    }

    /// The shares of groups, where contents are of some; elsewhere the compiler knows that there are none.
    #[inline]
    pub(crate) fn shares<C: Content>(&self) -> Option<&Shares> {
        if C::HAS_GROUPS {
            self.shares.as_ref()
        } else {
            None
        }
    }

    /// What there is to know of the shares from outside an engine.
    pub(crate) fn all_shares(&self) -> Option<&Shares> {
        self.shares.as_ref()
    }

    /// What there is too much of, while the bound is being lowered.
    pub(crate) fn excess(&self) -> Want {
        if self.room.load(Ordering::Relaxed) < 0 {
            Want::Entry
        } else {
            Want::Weight(0)
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed)
    }

    /// The entries that are held or about to come in: a count of one moment, which a sum over shards is not. Never
    /// above the capacity. What another thread has just evicted for an entry of its own counts until it has given that
    /// up, so for a moment after the capacity was lowered there may be more than it is.
    pub(crate) fn held(&self) -> usize {
        let target = self.target.lock();
        let held = *target as isize - self.room.load(Ordering::Relaxed);
        usize::try_from(held).unwrap_or(0).min(self.capacity())
    }

    pub(crate) fn max_weight(&self) -> u64 {
        self.max_weight.load(Ordering::Relaxed)
    }

    pub(crate) fn weight(&self) -> u64 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Whether an entry of this content, group and weight could come in, were nothing here but what other groups are
    /// guaranteed.
    #[inline]
    pub(crate) fn admits<C: Content>(&self, group: Group, weight: u64) -> bool {
        (weight == 0 || weight <= self.max_weight())
            && self
                .shares::<C>()
                .is_none_or(|shares| shares.admits(group, weight))
    }

    /// Whether more is held than the bound, which has just been lowered, allows.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.room.load(Ordering::Relaxed) < 0 || self.weight() > self.max_weight()
    }

    /// Changes one side of the bound or both, and has `evict` called until what is held fits. It says whether there was
    /// anything to evict.
    ///
    /// What `capacity` says is an upper bound at every moment: raised before there is more, lowered after there is
    /// less. A panic of `evict`, which drops what is the user's, waits until everything fits.
    pub(crate) fn change(
        &self,
        capacity: Option<usize>,
        max_weight: Option<u64>,
        mut evict: impl FnMut() -> bool,
    ) {
        {
            let mut target = self.target.lock();
            let capacity = capacity.unwrap_or(*target);
            self.capacity.fetch_max(capacity, Ordering::Relaxed);
            if let Some(max_weight) = max_weight {
                self.max_weight.store(max_weight, Ordering::Relaxed);
            }
            self.room
                .fetch_add(capacity as isize - *target as isize, Ordering::Relaxed);
            *target = capacity;
            if let Some(shares) = &self.shares {
                shares.divide(capacity, self.max_weight());
            }
        }
        let mut panic = None;
        while self.is_exceeded() {
            match catch_unwind(AssertUnwindSafe(&mut evict)) {
                Ok(true) => {}
                Ok(false) => break,
                Err(payload) => panic = Some(payload),
            }
        }
        // Of changes that overlap, the last one counts.
        let target = self.target.lock();
        self.capacity.store(*target, Ordering::Relaxed);
        drop(target);
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }

    fn take_entry(&self) -> bool {
        // Looked at first, so that a full cache shares the line without writing it.
        self.room.load(Ordering::Relaxed) > 0
            && self
                .room
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| {
                    (room > 0).then(|| room - 1)
                })
                .is_ok()
    }

    fn take_weight(&self, weight: u64) -> bool {
        weight == 0
            || self
                .weight
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                    held.checked_add(weight)
                        .filter(|&sum| sum <= self.max_weight())
                })
                .is_ok()
    }

    /// Takes back what entries had that are unlinked now. To be called before anything of the user's runs again: a
    /// panic must not lose it.
    pub(crate) fn give(&self, entries: usize, weight: u64) {
        if entries > 0 {
            self.room.fetch_add(entries as isize, Ordering::Relaxed);
        }
        self.give_weight(weight);
    }

    pub(crate) fn give_weight(&self, weight: u64) {
        if weight > 0 {
            self.weight.fetch_sub(weight, Ordering::Relaxed);
        }
    }
}

/// Space taken from the bound for an entry on its way in. What is not filled goes back when dropped, on a panic of the
/// user's too.
#[derive(Debug)]
pub(crate) struct Space<'a> {
    bound: &'a Bound,
    entries: usize,
    weight: u64,
}

impl<'a> Space<'a> {
    pub(crate) fn none(bound: &'a Bound) -> Self {
        Self {
            bound,
            entries: 0,
            weight: 0,
        }
    }

    /// Whether this is room for an entry, taken from the bound if need be.
    #[inline]
    pub(crate) fn takes_entry(&mut self) -> bool {
        if self.entries == 0 && self.bound.take_entry() {
            self.entries = 1;
        }
        self.entries > 0
    }

    /// Whether this is enough for a weight, with what is missing taken from the bound. All of it or nothing.
    #[inline]
    pub(crate) fn takes_weight(&mut self, weight: u64) -> bool {
        if weight > self.weight {
            if !self.bound.take_weight(weight - self.weight) {
                return false;
            }
            self.weight = weight;
        }
        true
    }

    /// Takes over what an evicted entry had.
    pub(crate) fn absorb(&mut self, weight: u64) {
        self.entries += 1;
        self.weight += weight;
    }

    /// An entry is in it now.
    pub(crate) fn fill(mut self, entries: usize, weight: u64) {
        self.entries -= entries;
        self.weight -= weight;
    }

    /// An entry of this weight is now in the place of a former one.
    pub(crate) fn fill_in_place_of(self, former: u64, weight: u64) {
        let bound = self.bound;
        self.fill(0, weight.saturating_sub(former));
        bound.give_weight(former.saturating_sub(weight));
    }

    /// Gives everything back, for whoever else may be waiting for it.
    pub(crate) fn release(&mut self) {
        self.bound.give(
            std::mem::take(&mut self.entries),
            std::mem::take(&mut self.weight),
        );
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Space};

    #[test]
    fn space_that_is_not_filled_goes_back() {
        let bound = Bound::new(1, 10);
        let mut space = Space::none(&bound);
        assert!(space.takes_entry() && space.takes_weight(7));
        let mut second = Space::none(&bound);
        assert!(!second.takes_entry() && !second.takes_weight(4) && second.takes_weight(3));
        drop(space);
        assert!(second.takes_entry() && second.takes_weight(10) && !second.takes_weight(11));
        second.fill(1, 4);
        assert_eq!(bound.weight(), 4);
        assert!(!Space::none(&bound).takes_entry());
        bound.give(1, 4);
        assert!(Space::none(&bound).takes_entry());
    }

    #[test]
    fn what_is_held_is_known_while_the_capacity_changes() {
        let bound = Bound::new(4, 0);
        for _ in 0..3 {
            assert!(bound.take_entry());
        }
        assert_eq!(bound.held(), 3);
        bound.change(Some(10), None, || unreachable!("it fits"));
        assert_eq!(bound.held(), 3);
        let mut held = 3;
        bound.change(Some(1), None, || {
            assert_eq!(bound.held(), held);
            bound.give(1, 0);
            held -= 1;
            true
        });
        assert_eq!((bound.held(), held), (1, 1));
    }

    #[test]
    fn weights_do_not_overflow() {
        let bound = Bound::new(2, u64::MAX);
        let mut space = Space::none(&bound);
        assert!(space.takes_weight(u64::MAX));
        assert!(!Space::none(&bound).takes_weight(1));
        assert!(Space::none(&bound).takes_weight(0));
    }

    #[test]
    fn a_lowered_bound_evicts_until_it_holds() {
        let bound = Bound::new(4, 100);
        let mut space = Space::none(&bound);
        for _ in 0..4 {
            assert!(bound.take_entry());
        }
        assert!(space.takes_weight(100));
        space.fill(0, 100);
        let mut evicted = 0;
        bound.change(Some(3), Some(49), || {
            assert_eq!((bound.capacity(), bound.max_weight()), (4, 49));
            evicted += 1;
            bound.give(1, 25);
            true
        });
        assert_eq!((evicted, bound.weight(), bound.capacity()), (3, 25, 3));
    }
}
