//! Victims: which slots are considered for eviction, and the cheapest of them.

/// Random slots among which a victim is chosen, beside those that were nearly evicted the last time.
const SAMPLE: usize = 8;

/// Slots remembered as nearly evicted.
const POOL: usize = 4;

/// Candidates that were not drawn for this eviction: what was nearly evicted before, and the newest.
const GIVEN: usize = POOL + 1;

/// Stands for a slot that was not drawn yet. It lies beyond all slots.
const NOT_DRAWN: u32 = u32::MAX;

/// Chooses victims by sampling: the cheapest of a few random slots and of what was nearly chosen before, as Redis does
/// since its version 3.0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Victims {
    /// Slots that were nearly evicted.
    pool: [u32; POOL],
    /// The slot filled last. It must be a candidate: in a loop longer than the cache the newest is the one to evict.
    newest: u32,
    /// The random slots for the next eviction. Drawn ahead, so that they are on their way into the processor's caches
    /// while other work is done.
    sample: [u32; SAMPLE],
    random: u64,
}

/// What a choice of victims must know of slots.
pub(crate) trait Pricing {
    /// What keeping the entry of a slot is worth; [`Priced::NOBODY`] for a vacant one and for one beyond the slots.
    fn price(&self, slot: u32) -> Priced;

    /// Hints that a slot will be priced.
    fn prefetch(&self, slot: u32);
}

impl Victims {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            pool: [0; POOL],
            newest: 0,
            sample: [NOT_DRAWN; SAMPLE],
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
    #[inline]
    pub(crate) fn choose(&mut self, slots: u32, pricing: &impl Pricing) -> u32 {
        if self.sample[0] == NOT_DRAWN {
            self.draw(slots, |slot| slot, |_| ());
        }
        let [one, two, three, four] = self.pool;
        let given = [one, two, three, four, self.newest];
        let (cheapest, next_cheapest) = match cheapest_of(given, self.sample, pricing) {
            (Priced::NOBODY, _) => first_occupied(self.sample[0], slots, pricing),
            found => found,
        };
        self.pool = next_cheapest.map(Priced::slot);
        self.draw(slots, |slot| slot, |slot| pricing.prefetch(slot));
        cheapest.slot()
    }

    /// The cheapest among some of the slots in a list; none if nobody in it has a price.
    ///
    /// What was remembered or drawn ahead may have left the list since: `is_listed` tells.
    pub(crate) fn choose_among(
        &mut self,
        listed: &[u32],
        is_listed: impl Fn(u32) -> bool,
        pricing: &impl Pricing,
    ) -> Option<u32> {
        if listed.is_empty() {
            return None;
        }
        let count = u32::try_from(listed.len()).unwrap_or(u32::MAX);
        let pick = |at: u32| listed[at as usize];
        if !self.sample.iter().all(|&slot| is_listed(slot)) {
            self.draw(count, pick, |_| ());
        }
        let [one, two, three, four] = self.pool;
        let given = [one, two, three, four, self.newest]
            .map(|slot| if is_listed(slot) { slot } else { NOT_DRAWN });
        let (cheapest, next_cheapest) = match cheapest_of(given, self.sample, pricing) {
            (Priced::NOBODY, _) => {
                let mut prices = listed.iter().map(|&slot| pricing.price(slot));
                let found = prices.find(|&priced| priced != Priced::NOBODY)?;
                (found, [Priced::NOBODY; POOL])
            }
            found => found,
        };
        self.pool = next_cheapest.map(Priced::slot);
        self.draw(count, pick, |slot| pricing.prefetch(slot));
        Some(cheapest.slot())
    }

    /// Draws the next random slots, two from each number that xorshift (Marsaglia 2003) gives.
    #[inline]
    fn draw(&mut self, slots: u32, pick: impl Fn(u32) -> u32, drawn: impl Fn(u32)) {
        for pair in self.sample.chunks_exact_mut(2) {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let halves = [self.random >> 32, self.random & u64::from(u32::MAX)];
            for (slot, half) in pair.iter_mut().zip(halves) {
                *slot = pick(((half * u64::from(slots)) >> 32) as u32);
                drawn(*slot);
            }
        }
    }
}

/// The cheapest of the first candidates that have anybody among them, in order from `next` on. Nearly all slots are
/// vacant, as after a removal of many.
#[cold]
fn first_occupied(mut next: u32, slots: u32, pricing: &impl Pricing) -> (Priced, [Priced; POOL]) {
    let mut successor = |_| {
        let slot = next;
        next = if slot + 1 >= slots { 0 } else { slot + 1 };
        slot
    };
    loop {
        let given = std::array::from_fn(&mut successor);
        let found = cheapest_of(given, std::array::from_fn(&mut successor), pricing);
        if found.0 != Priced::NOBODY {
            return found;
        }
    }
}

/// Puts pairs of values in order, one pair after the other.
macro_rules! compare_and_exchange {
    ($values:ident: $($one:literal $other:literal),+) => {
        $(($values[$one], $values[$other]) = (
            $values[$one].min($values[$other]),
            $values[$one].max($values[$other]),
        );)+
    };
}
/// The cheapest of the candidates, and the four that come next in some order.
#[inline(always)]
fn cheapest_of(
    given: [u32; GIVEN],
    sample: [u32; SAMPLE],
    pricing: &impl Pricing,
) -> (Priced, [Priced; POOL]) {
    // All are fetched before any is compared, so that the fetches, each of which may miss the processor's caches, run
    // beside each other. Nothing here branches: which candidates are cheap cannot be predicted.
    let (mut by_worth, mut sampled) = ([Priced::NOBODY; GIVEN], [Priced::NOBODY; SAMPLE]);
    for (priced, slot) in by_worth.iter_mut().zip(given) {
        *priced = pricing.price(slot);
    }
    for (priced, slot) in sampled.iter_mut().zip(sample) {
        *priced = pricing.price(slot);
    }
    sort_five(&mut by_worth);
    sort_eight(&mut sampled);
    // The five cheapest of two sorted lists of at least five: from the one as many as the other lacks.
    for (at, priced) in by_worth.iter_mut().enumerate() {
        *priced = sampled[GIVEN - 1 - at].min(*priced);
    }
    compare_and_exchange!(by_worth: 0 1, 0 2, 0 3, 0 4);
    let [cheapest, next @ ..] = by_worth;
    (cheapest, next)
}

/// By a sorting network, as [`sort_eight`] (Knuth, "The Art of Computer Programming" 3, section 5.3.4).
#[inline(always)]
fn sort_five(values: &mut [Priced; 5]) {
    compare_and_exchange!(values: 0 3, 1 4, 0 2, 1 3, 0 1, 2 4, 1 2, 3 4, 2 3);
}

#[inline(always)]
fn sort_eight(values: &mut [Priced; 8]) {
    compare_and_exchange!(values: 0 2, 1 3, 4 6, 5 7, 0 4, 1 5, 2 6, 3 7, 0 1, 2 3, 4 5, 6 7, 2 4, 3 5, 1 4, 3 6, 1 2,
        3 4, 5 6);
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

    /// By what a unit of weight is worth, where weight is wanted: of two entries that are as likely to be used again, the
    /// heavier goes first. What weighs nothing brings nothing, and goes behind all others.
    ///
    /// A worth is a logarithm already (exponent and ten bits of the mantissa), so that dividing is subtracting.
    #[inline]
    pub(crate) fn per_weight(worth: u16, weight: u64, slot: u32) -> Self {
        let weightless = u32::from(weight == 0) << 17;
        Self::new(
            u32::from(worth) + (1 << 16) - logarithm(weight) + weightless,
            slot,
        )
    }

    /// By worth alone, where a place is wanted: each entry takes one, whatever it weighs. Of two that are worth the same
    /// the heavier goes first.
    #[inline]
    pub(crate) fn per_place(worth: u16, weight: u64, slot: u32) -> Self {
        let lightness = u32::from(u16::MAX) - (logarithm(weight) >> 1);
        Self::new((u32::from(worth) << 16) | lightness, slot)
    }

    #[inline]
    fn slot(self) -> u32 {
        self.0 as u32
    }
}

/// Of a weight, in the unit of worths; up to `1 << 16`. That of nothing is taken for that of one.
#[inline]
fn logarithm(weight: u64) -> u32 {
    const ONE: u32 = 1_f32.to_bits();
    ((weight.max(1) as f32).to_bits() - ONE) >> 13
}

#[cfg(test)]
mod tests {
    use super::{Priced, Pricing, Victims, cheapest_of, sort_eight, sort_five};

    /// Prices slots by a function.
    struct By<F>(F);

    impl<F: Fn(u32) -> Priced> Pricing for By<F> {
        fn price(&self, slot: u32) -> Priced {
            self.0(slot)
        }

        fn prefetch(&self, _: u32) {}
    }

    #[test]
    fn the_networks_sort() {
        // A network sorts everything if it sorts all zeros and ones (Knuth, as above).
        fn sorts<const N: usize>(sort: fn(&mut [Priced; N])) {
            for bits in 0..1_u32 << N {
                let mut values = std::array::from_fn(|at| Priced::new((bits >> at) & 1, 0));
                sort(&mut values);
                assert!(values.is_sorted(), "{bits:b}");
            }
        }
        sorts(sort_five);
        sorts(sort_eight);
    }

    #[test]
    fn the_five_cheapest_are_found_wherever_they_are() {
        let every = if cfg!(miri) { 100 } else { 1 };
        let fives = (0..1_u32 << 13).filter(|bits| bits.count_ones() == 5);
        for cheap in fives.step_by(every) {
            let worth = |slot: u32| if (cheap >> slot) & 1 == 1 { slot } else { 100 };
            let price = |slot: u32| Priced::new(worth(slot), slot);
            let (first, rest) = cheapest_of(
                std::array::from_fn(|at| at as u32),
                std::array::from_fn(|at| 5 + at as u32),
                &By(price),
            );
            assert_eq!(first.slot(), cheap.trailing_zeros());
            let found = rest
                .iter()
                .fold(1 << first.slot(), |bits, next| bits | (1 << next.slot()));
            assert_eq!(found, cheap);
        }
    }

    #[test]
    fn the_cheapest_of_a_few_goes_first_and_the_next_ones_are_remembered() {
        let mut victims = Victims::new(1);
        // Of eight slots a sample of eight, and the pool of the choices before, soon sees all.
        let price = |slot: u32| Priced::new(100 - slot, slot);
        for _ in 0..50 {
            assert!(victims.choose(8, &By(price)) < 8);
        }
        assert_eq!(victims.choose(8, &By(price)), 7);
        assert!(victims.pool.iter().all(|slot| (4..8).contains(slot)));
    }

    #[test]
    fn the_newest_is_a_candidate_and_followed_when_it_moves() {
        let slots = 1_000_000;
        let only = |cheap: u32| move |slot: u32| Priced::new(u32::from(slot != cheap), slot);
        let mut victims = Victims::new(2);
        victims.filled(123_456);
        assert_eq!(victims.choose(slots, &By(only(123_456))), 123_456);
        victims.moved(123_456, 654_321);
        assert_eq!(victims.choose(slots, &By(only(654_321))), 654_321);
    }

    #[test]
    fn worth_is_divided_by_weight() {
        // A worth of 1,024 more is twice the worth.
        let price = |worth, weight| Priced::per_weight(worth, weight, 0);
        for weight in [1, 2, 1_000, 1 << 40, u64::MAX / 2] {
            assert_eq!(price(5_000, weight), price(6_024, 2 * weight));
            assert!(price(5_000, weight) < price(5_001, weight));
        }
        assert!(price(u16::MAX, 1) < price(0, 0), "it would bring nothing");
        assert!(price(0, u64::MAX) < price(0, u64::MAX / 2));
        assert!(price(u16::MAX, 0) < Priced::NOBODY);
    }

    #[test]
    fn a_place_is_a_place_whatever_an_entry_weighs() {
        let price = |worth, weight| Priced::per_place(worth, weight, 0);
        for weight in [0, 1, 1_000, u64::MAX] {
            assert!(price(5_000, weight) < price(5_001, 0));
            assert!(price(5_000, weight) < price(5_001, u64::MAX));
        }
        assert!(price(5_000, u64::MAX) < price(5_000, 2));
        assert!(price(5_000, 2) < price(5_000, 1));
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
        assert_eq!(Victims::new(3).choose(1_000, &By(only)), 999);
        let first = |slot: u32| {
            if slot == 0 {
                Priced::new(0, slot)
            } else {
                Priced::NOBODY
            }
        };
        assert_eq!(Victims::new(3).choose(1, &By(first)), 0);
    }
}
