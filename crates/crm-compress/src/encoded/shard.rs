//! One shard of the default store. It takes no lock; its owner does.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::EncodedForm;

/// Forms up to a limit in bytes, in the order in which they came. What was used since its last turn gets another turn
/// when room is wanted: the second-chance form of first in, first out (Corbató, "A Paging Experiment with the Multics
/// System", 1968). A hit then is a look-up and a mark, and what is asked for once passes through.
#[derive(Debug, Default)]
pub(super) struct Shard {
    slots: HashMap<u64, Slot, RandomState>,
    /// The number of each slot once, the next to leave in front.
    turns: VecDeque<u64>,
    bytes: u64,
    limit: u64,
    evictions: u64,
}

#[derive(Debug)]
struct Slot {
    form: EncodedForm,
    used: bool,
}

/// How many forms get another turn before one leaves though it was used, so that whoever waits for the lock waits for a
/// bounded number of steps.
const CHANCES: usize = 32;

/// Tables of so few places are not worth shrinking.
const SMALL: usize = 64;

impl Shard {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// The form under this number, marked as used.
    pub(super) fn get(&mut self, number: u64) -> Option<EncodedForm> {
        let slot = self.slots.get_mut(&number)?;
        slot.used = true;
        Some(slot.form.clone())
    }

    /// Keeps a form that is no heavier than the limit. If there is one under the number already, that one stays and is
    /// returned. What has to leave is handed out, to be dropped under no lock.
    pub(super) fn keep(
        &mut self,
        number: u64,
        form: EncodedForm,
        leaving: &mut Vec<EncodedForm>,
    ) -> EncodedForm {
        if let Some(kept) = self.get(number) {
            leaving.push(form);
            return kept;
        }
        let weight = form.weight();
        debug_assert!(weight <= self.limit, "the owner refuses what cannot fit");
        let mut chances = CHANCES;
        while self.limit - self.bytes < weight && self.evict(&mut chances, leaving) {}
        if let Entry::Vacant(place) = self.slots.entry(number) {
            place.insert(Slot {
                form: form.clone(),
                used: false,
            });
            self.turns.push_back(number);
            self.bytes += weight;
        }
        form
    }

    /// One step towards more room: the front leaves, or gets another turn. `false` when nothing is left.
    fn evict(&mut self, chances: &mut usize, leaving: &mut Vec<EncodedForm>) -> bool {
        let Some(number) = self.turns.pop_front() else {
            return false;
        };
        if let Entry::Occupied(mut place) = self.slots.entry(number) {
            if place.get().used && *chances > 0 {
                *chances -= 1;
                place.get_mut().used = false;
                self.turns.push_back(number);
                return true;
            }
            let slot = place.remove();
            self.bytes -= slot.form.weight();
            self.evictions += 1;
            leaving.push(slot.form);
        }
        self.give_back();
        true
    }

    /// Gives back tables that are mostly empty, after many small forms have made room for few large ones: the weight of a
    /// form pays for four places.
    fn give_back(&mut self) {
        let len = self.slots.len();
        if self.slots.capacity() > SMALL && self.slots.capacity() / 4 > len {
            self.slots.shrink_to(len * 2);
        }
        if self.turns.capacity() > SMALL && self.turns.capacity() / 4 > len {
            self.turns.shrink_to(len * 2);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn evictions(&self) -> u64 {
        self.evictions
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::Identity;
    use super::super::key::Key;
    use super::*;
    use crate::{Coding, Level};

    /// A form for a body of so many bytes, which would not shrink; it weighs that and `LEAST`.
    fn form(length: usize) -> EncodedForm {
        let body = vec![0; length];
        let key = Key::new(Coding::Gzip, Level::Balanced, Identity::body(), &body);
        EncodedForm::new(&key, None)
    }

    const LIMIT: u64 = 10_000;

    /// The same by the obvious means: a list, the next to leave in front.
    #[derive(Debug, Default)]
    struct Obvious {
        turns: Vec<(u64, u64, bool)>,
        evictions: u64,
    }

    impl Obvious {
        fn bytes(&self) -> u64 {
            self.turns.iter().map(|(_, weight, _)| weight).sum()
        }

        fn get(&mut self, number: u64) -> bool {
            let found = self.turns.iter_mut().find(|(other, ..)| *other == number);
            found.map(|(.., used)| *used = true).is_some()
        }

        fn keep(&mut self, number: u64, weight: u64) {
            if self.get(number) {
                return;
            }
            let mut chances = CHANCES;
            while self.bytes() + weight > LIMIT {
                let (other, weight, used) = self.turns.remove(0);
                if used && chances > 0 {
                    chances -= 1;
                    self.turns.push((other, weight, false));
                } else {
                    self.evictions += 1;
                }
            }
            self.turns.push((number, weight, false));
        }
    }

    fn check(shard: &Shard, obvious: &Obvious) {
        let turns: Vec<_> = shard
            .turns
            .iter()
            .map(|number| {
                let slot = &shard.slots[number];
                (*number, slot.form.weight(), slot.used)
            })
            .collect();
        assert_eq!(turns, obvious.turns);
        assert_eq!(shard.len(), turns.len());
        assert_eq!(shard.bytes(), obvious.bytes());
        assert!(shard.bytes() <= LIMIT);
        assert_eq!(shard.evictions(), obvious.evictions);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Any sequence leaves what the obvious list has, and all that came in is either there or handed out.
        #[test]
        fn a_shard_is_the_obvious_list(
            steps in vec((0..40_u64, prop_oneof![0..50_usize, 0..9_600_usize], any::<bool>()), 0..300)
        ) {
            let (mut shard, mut obvious) = (Shard::new(LIMIT), Obvious::default());
            for (number, length, keeps) in steps {
                if keeps {
                    let (form, mut leaving) = (form(length), Vec::new());
                    let before = (shard.len(), shard.evictions());
                    let was_there = obvious.turns.iter().any(|(other, ..)| *other == number);
                    shard.keep(number, form.clone(), &mut leaving);
                    obvious.keep(number, form.weight());
                    let evicted = (shard.evictions() - before.1) as usize;
                    prop_assert_eq!(leaving.len(), evicted + usize::from(was_there));
                    prop_assert_eq!(shard.len() + evicted, before.0 + usize::from(!was_there));
                } else {
                    prop_assert_eq!(shard.get(number).is_some(), obvious.get(number));
                }
                check(&shard, &obvious);
            }
        }
    }

    #[test]
    fn the_first_form_under_a_number_stays() {
        let (mut shard, mut leaving) = (Shard::new(LIMIT), Vec::new());
        let (first, second) = (form(10), form(20));
        shard.keep(1, first.clone(), &mut leaving);
        let kept = shard.keep(1, second, &mut leaving);
        assert_eq!(kept.weight(), first.weight());
        assert_eq!(shard.get(1).unwrap().weight(), first.weight());
        assert_eq!(leaving.len(), 1);
    }

    /// However many are hot, room is found within a bounded number of steps.
    #[test]
    fn chances_come_to_an_end() {
        let weight = form(0).weight();
        let many = 3 * CHANCES as u64;
        let (mut shard, mut leaving) = (Shard::new(many * weight), Vec::new());
        for number in 0..many {
            shard.keep(number, form(0), &mut leaving);
            shard.get(number);
        }
        assert!(leaving.is_empty());
        shard.keep(many, form(0), &mut leaving);
        assert_eq!(leaving.len(), 1);
        let passed = shard.slots.values().filter(|slot| !slot.used).count();
        assert_eq!(passed, CHANCES + 1); // the new one too
    }

    /// Many small forms have made room for a large one; what their tables took is not part of any weight.
    #[test]
    fn tables_shrink_with_what_is_in_them() {
        let limit = 4_000 * form(0).weight();
        let (mut shard, mut leaving) = (Shard::new(limit), Vec::new());
        for number in 0..4_000 {
            shard.keep(number, form(0), &mut leaving);
        }
        assert!(shard.slots.capacity() >= 4_000);
        let mut number = 4_000;
        while shard.len() > 20 {
            shard.keep(number, form((limit / 16) as usize), &mut leaving);
            number += 1;
            let places = SMALL.max(4 * shard.len());
            assert!(
                shard.slots.capacity() <= 2 * places,
                "{} places",
                shard.slots.capacity()
            );
            assert!(
                shard.turns.capacity() <= 2 * places,
                "{} places",
                shard.turns.capacity()
            );
        }
    }
}
