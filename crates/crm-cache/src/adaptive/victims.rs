//! Victims: which slots are considered for eviction, and the cheapest of them.

/// Random slots among which a victim is chosen, beside those that were nearly evicted the last time.
const SAMPLE: usize = 8;

/// Slots remembered as nearly evicted.
const POOL: usize = 4;

const CANDIDATES: usize = POOL + 1 + SAMPLE;

/// Chooses victims by sampling: the cheapest of a few random slots and of what was nearly chosen before, as Redis does
/// since its version 3.0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Victims {
    /// Slots that were nearly evicted, cheapest first.
    pool: [u32; POOL],
    /// The slot filled last. It must be a candidate: in a loop longer than the cache the newest is the one to evict.
    newest: u32,
    random: u64,
}

impl Victims {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            pool: [0; POOL],
            newest: 0,
            random: seed | 1,
        }
    }

    /// Tells that a slot was filled with a new entry.
    pub(crate) fn filled(&mut self, slot: u32) {
        self.newest = slot;
    }

    /// Tells that an entry has moved to another slot.
    pub(crate) fn moved(&mut self, from: u32, to: u32) {
        if self.newest == from {
            self.newest = to;
        }
    }

    /// The cheapest slot among some of the first `slots`, at least one of which must be occupied.
    ///
    /// `price` gives what keeping the entry of a slot is worth, and [`Priced::NOBODY`] for a vacant one and for one
    /// beyond the slots.
    pub(crate) fn choose(&mut self, slots: u32, price: impl Fn(u32) -> Priced) -> u32 {
        let mut candidates = [0; CANDIDATES];
        candidates[..POOL].copy_from_slice(&self.pool);
        candidates[POOL] = self.newest;
        for candidate in &mut candidates[POOL + 1..] {
            *candidate = self.draw(slots);
        }
        let mut cheapest = cheapest_of(candidates, &price);
        let mut next = self.draw(slots);
        while cheapest[0] == Priced::NOBODY {
            // Nearly all slots are vacant, as after a removal of many: go through all in order.
            for candidate in &mut candidates {
                *candidate = next;
                next = if next + 1 >= slots { 0 } else { next + 1 };
            }
            cheapest = cheapest_of(candidates, &price);
        }
        for (slot, priced) in self.pool.iter_mut().zip(&cheapest[1..]) {
            *slot = priced.slot();
        }
        cheapest[0].slot()
    }

    /// A random slot, by xorshift (Marsaglia 2003).
    #[inline]
    fn draw(&mut self, slots: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (((self.random >> 32) * u64::from(slots)) >> 32) as u32
    }
}

/// The cheapest of the candidates, cheapest first.
fn cheapest_of(
    candidates: [u32; CANDIDATES],
    price: &impl Fn(u32) -> Priced,
) -> [Priced; POOL + 1] {
    // One loop to fetch and one to sort, so that the fetches, each of which may miss the processor's caches, run beside
    // each other and not one behind the other.
    let priced = candidates.map(price);
    let mut cheapest = [Priced::NOBODY; POOL + 1];
    for mut next in priced {
        // Insertion without a branch: which candidates are cheap cannot be predicted.
        for kept in &mut cheapest {
            (*kept, next) = (next.min(*kept), next.max(*kept));
        }
    }
    cheapest
}

/// A slot and what keeping its entry is worth, in one number that sorts by worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priced(u64);

impl Priced {
    /// Sorts behind every entry. As a slot it lies beyond all.
    pub(crate) const NOBODY: Self = Self(u64::MAX);

    #[inline]
    pub(crate) fn new(worth: u32, slot: u32) -> Self {
        Self((u64::from(worth) << 32) | u64::from(slot))
    }

    /// By what a unit of weight is worth: of two entries that are as likely to be used again, the heavier goes first.
    ///
    /// A worth is a logarithm already (exponent and ten bits of the mantissa), so that dividing is subtracting.
    #[inline]
    pub(crate) fn per_weight(worth: u16, weight: u64, slot: u32) -> Self {
        const ONE: u32 = 1_f32.to_bits();
        let weight = ((weight.max(1) as f32).to_bits() - ONE) >> 13;
        Self::new(u32::from(worth) + (1 << 16) - weight, slot)
    }

    #[inline]
    fn slot(self) -> u32 {
        self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::{Priced, Victims};

    #[test]
    fn the_cheapest_of_a_few_goes_first_and_the_next_ones_are_remembered() {
        let mut victims = Victims::new(1);
        // Of eight slots a sample of eight, and the pool of the choices before, soon sees all.
        let price = |slot: u32| Priced::new(100 - slot, slot);
        for _ in 0..50 {
            assert!(victims.choose(8, price) < 8);
        }
        assert_eq!(victims.choose(8, price), 7);
        assert!(victims.pool.iter().all(|slot| (4..8).contains(slot)));
    }

    #[test]
    fn the_newest_is_a_candidate_and_followed_when_it_moves() {
        let slots = 1_000_000;
        let only = |cheap: u32| move |slot: u32| Priced::new(u32::from(slot != cheap), slot);
        let mut victims = Victims::new(2);
        victims.filled(123_456);
        assert_eq!(victims.choose(slots, only(123_456)), 123_456);
        victims.moved(123_456, 654_321);
        assert_eq!(victims.choose(slots, only(654_321)), 654_321);
    }

    #[test]
    fn worth_is_divided_by_weight() {
        // A worth of 1,024 more is twice the worth.
        let price = |worth, weight| Priced::per_weight(worth, weight, 0);
        for weight in [1, 2, 1_000, 1 << 40, u64::MAX / 2] {
            assert_eq!(price(5_000, weight), price(6_024, 2 * weight));
            assert!(price(5_000, weight) < price(5_001, weight));
        }
        assert_eq!(price(7, 0), price(7, 1));
        assert!(price(0, u64::MAX) < price(0, u64::MAX / 2));
        assert!(price(u16::MAX, 0) < Priced::NOBODY);
    }

    #[test]
    fn the_only_occupied_slot_is_found() {
        let only = |slot: u32| {
            if slot == 999 {
                Priced::new(0, slot)
            } else {
                Priced::NOBODY
            }
        };
        assert_eq!(Victims::new(3).choose(1_000, only), 999);
        let first = |slot: u32| {
            if slot == 0 {
                Priced::new(0, slot)
            } else {
                Priced::NOBODY
            }
        };
        assert_eq!(Victims::new(3).choose(1, first), 0);
    }
}
