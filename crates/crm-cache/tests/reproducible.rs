//! Chance comes from the hasher: with one that has no seed a cache can be reproduced, with the default none is like another.
//!
//! A slot is used again later while other threads read, so the tests of this file run one after the other.

// Some ten thousand requests each, which is hours under the interpreter; what they run, other tests run there too.
#![cfg(not(miri))]

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crm_cache::Cache;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const CAPACITY: usize = 1_000;
const REQUESTS: usize = 100_000;

/// Keys of a skewed load over ten times the capacity, by xorshift (Marsaglia 2003).
fn skewed_keys() -> impl Iterator<Item = u64> {
    let mut random = 1_u64;
    std::iter::repeat_with(move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let fraction = (random >> 11) as f64 / (1_u64 << 53) as f64;
        (10.0 * CAPACITY as f64).powf(fraction) as u64
    })
    .take(REQUESTS)
}

/// Which requests were hits.
fn hits<S: BuildHasher + Clone>(capacity: usize, shards: usize, hasher: S) -> Vec<bool> {
    let builder = Cache::builder(capacity).shards(shards).hasher(hasher);
    let cache: Cache<u64, u64, S> = builder.build().unwrap();
    let is_hit = |key| {
        let is_hit = cache.get(&key).is_some();
        if !is_hit {
            cache.insert(key, key);
        }
        if key % 31 == 0 {
            cache.remove(&(key + 1));
        }
        is_hit
    };
    skewed_keys().map(is_hit).collect()
}

#[test]
fn a_hasher_without_a_seed_makes_a_cache_reproducible() {
    let _alone = alone();
    // A shard of 5,000 entries takes a sample of its uses.
    for (capacity, shards) in [(CAPACITY, 1), (CAPACITY, 4), (5 * CAPACITY, 1)] {
        let of_one = || {
            hits(
                capacity,
                shards,
                BuildHasherDefault::<DefaultHasher>::default(),
            )
        };
        assert!(of_one() == of_one(), "{capacity} entries, {shards} shards");
    }
}

#[test]
fn two_caches_with_clones_of_one_seed_are_alike() {
    let _alone = alone();
    let seeded = crm_cache::DefaultHashBuilder::default();
    assert!(hits(CAPACITY, 1, seeded.clone()) == hits(CAPACITY, 1, seeded));
}

#[test]
fn default_caches_evict_different_entries() {
    let _alone = alone();
    // Entries of which nothing is known and none comes back: their hashes have no part in who is evicted.
    let (all, gone) = (500, 50);
    let evicted = || {
        let cache: Cache<usize, ()> = Cache::builder(all).shards(1).build().unwrap();
        for key in 0..all {
            cache.insert(key, ());
        }
        cache.set_capacity(all - gone).unwrap();
        (0..all).filter(move |key| cache.get(key).is_none())
    };
    let victims: BTreeSet<_> = (0..4).flat_map(|_| evicted()).collect();
    assert!(
        victims.len() > 3 * gone / 2,
        "of four caches, each with {gone} victims, only {} differ",
        victims.len()
    );
}

/// Hashes `u64` and nothing else, as hashers for one type of key do.
#[derive(Clone, Default)]
struct OnlyNumbers(u64);

impl Hasher for OnlyNumbers {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[test]
fn the_hasher_is_asked_to_hash_nothing_but_keys() {
    let _alone = alone();
    assert!(hits(CAPACITY, 1, BuildHasherDefault::<OnlyNumbers>::default()).contains(&true));
}

/// Two caches that differ in nothing but looks from outside keep the same entries, and rank them alike.
#[test]
fn the_policy_does_not_learn_of_a_look() {
    let _alone = alone();
    let ranked = |looks: bool| {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let cache: Cache<u64, u64, _> = Cache::builder(CAPACITY)
            .shards(1)
            .hasher(hasher)
            .build()
            .unwrap();
        for key in skewed_keys().take(REQUESTS / 10) {
            if cache.get(&key).is_none() {
                cache.insert(key, key);
            }
            if looks {
                let _ = (cache.peek(&(key + 1)), cache.contains_key(&(key / 2)));
            }
        }
        (cache.hottest(CAPACITY), cache.stats())
    };
    assert!(ranked(true) == ranked(false));
}
