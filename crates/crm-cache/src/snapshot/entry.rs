//! What an entry is outside a cache: where it was found, a copy of it, its past.

use crate::adaptive::class::CLASSES;
use crate::time::Millis;

/// Where a fresh entry is. In order, the hottest is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    rank: (u16, u32),
    shard: u32,
    /// What the engine finds it by, and its hash, which tells whether another one is there by now.
    at: usize,
    hash: u64,
}

impl Place {
    pub(crate) fn new(rank: (u16, u32), shard: usize, at: usize, hash: u64) -> Self {
        Self {
            rank,
            shard: shard as u32,
            at,
            hash,
        }
    }

    pub(crate) fn rank(&self) -> (u16, u32) {
        self.rank
    }

    pub(crate) fn shard(&self) -> usize {
        self.shard as usize
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// What a policy knows of an entry: its class, and the ticks since its last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) class: u8,
    pub(crate) age: u32,
}

/// Ages stay far below half the range of the clock, where they would turn into the future.
const OLDEST: u64 = 1 << 30;

impl Past {
    /// Whether a policy could have written it.
    pub(crate) fn is_sound(self) -> bool {
        usize::from(self.class) < CLASSES
    }

    /// As it is in a cache with another number of entries to a shard: both count ages in ticks of a shard.
    pub(crate) fn scaled(self, from: u64, to: u64) -> Self {
        let age = u128::from(self.age) * u128::from(to) / u128::from(from.max(1));
        let age = age.min(u128::from(OLDEST)) as u32;
        Self { age, ..self }
    }
}

/// A copy of an entry.
pub(crate) struct Copied<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) past: Past,
    pub(crate) deadline: Millis,
    pub(crate) idle_until: Millis,
}

#[cfg(test)]
mod tests {
    use super::{CLASSES, Past};

    #[test]
    fn ages_are_relative_to_the_size_of_a_shard() {
        let past = |age| Past { class: 3, age };
        assert_eq!(past(500).scaled(1_000, 200), past(100));
        assert_eq!(past(500).scaled(1_000, 4_000), past(2_000));
        assert_eq!(past(7).scaled(0, 3), past(21));
        assert_eq!(past(u32::MAX).scaled(1, u64::MAX), past(1 << 30));
    }

    #[test]
    fn a_class_that_no_policy_has_is_not_sound() {
        let past = |class| Past { class, age: 0 };
        assert!(past(CLASSES as u8 - 1).is_sound());
        assert!(!past(CLASSES as u8).is_sound());
    }
}
