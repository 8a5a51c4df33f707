//! Random operations: the cache answers as the obvious one does, and its invariants hold after each.

mod support;

use std::time::Duration;

use crm_cache::{Cache, Clock, Policy};
use proptest::prelude::*;
use support::NaiveCache;

#[derive(Clone, Debug)]
enum Op {
    Get(u8),
    Insert(u8, u32),
    Load(u8, Result<u32, u32>),
    Remove(u8),
    Clear,
    Advance(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..24_u8;
    prop_oneof![
        8 => key.clone().prop_map(Op::Get),
        6 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Op::Insert(key, value)),
        4 => (key.clone(), any::<Result<u32, u32>>()).prop_map(|(key, result)| Op::Load(key, result)),
        2 => key.prop_map(Op::Remove),
        1 => Just(Op::Clear),
        3 => (0..40_u64).prop_map(Op::Advance),
    ]
}

/// Fewer under the interpreter, which is some hundred times slower.
const OPERATIONS: usize = if cfg!(miri) { 60 } else { 400 };

fn check_invariants(cache: &Cache<u8, u32>) {
    let (stats, len) = (cache.stats(), cache.len());
    assert!(len <= cache.capacity());
    assert_eq!(
        stats.insertions,
        len as u64 + stats.evictions + stats.expirations + stats.removals,
        "{stats:?}"
    );
}

proptest! {
    #[test]
    fn one_shard_is_an_exact_lru(
        capacity in 1..20_usize,
        time_to_live in prop::option::of((1..100_u64).prop_map(Duration::from_millis)),
        ops in prop::collection::vec(op(), 1..OPERATIONS),
    ) {
        let (clock, hand) = Clock::manual();
        let mut builder = Cache::builder(capacity).policy(Policy::Lru).shards(1).clock(clock);
        if let Some(time_to_live) = time_to_live {
            builder = builder.time_to_live(time_to_live);
        }
        let cache: Cache<u8, u32> = builder.build().unwrap();
        let mut naive = NaiveCache::new(capacity, time_to_live);
        let (mut hits, mut misses) = (0, 0);
        for op in ops {
            match op {
                Op::Get(key) => {
                    let expected = naive.get(key);
                    *if expected.is_some() { &mut hits } else { &mut misses } += 1;
                    prop_assert_eq!(cache.get(&key), expected);
                }
                Op::Insert(key, value) => prop_assert_eq!(cache.insert(key, value), naive.insert(key, value)),
                Op::Load(key, result) => {
                    let expected = match naive.get(key) {
                        Some(value) => {
                            hits += 1;
                            Ok(value)
                        }
                        None => {
                            misses += 1;
                            result.inspect(|&value| assert_eq!(naive.insert(key, value), None))
                        }
                    };
                    let got = cache.get_or_load(&key, |_| result);
                    prop_assert_eq!(got.map_err(|error| *error.loader_error().unwrap()), expected);
                }
                Op::Remove(key) => prop_assert_eq!(cache.remove(&key), naive.remove(key)),
                Op::Clear => {
                    cache.clear();
                    naive.clear();
                }
                Op::Advance(millis) => {
                    hand.advance(Duration::from_millis(millis));
                    naive.advance(Duration::from_millis(millis));
                }
            }
            check_invariants(&cache);
            prop_assert_eq!(cache.len(), naive.len());
        }
        prop_assert_eq!((cache.stats().hits, cache.stats().misses), (hits, misses));
    }

    #[test]
    fn any_policy_serves_what_was_written_and_evicts_only_when_full(
        policy in prop_oneof![Just(Policy::Adaptive), Just(Policy::Lru)],
        capacity in 1..40_usize,
        shards in 1..6_usize,
        time_to_live in prop::option::of((1..100_u64).prop_map(Duration::from_millis)),
        ops in prop::collection::vec(op(), 1..OPERATIONS),
    ) {
        let (clock, hand) = Clock::manual();
        // Under LRU a shard evicts when its own share is full, so that only one shard makes the promise testable.
        let shards = if policy == Policy::Lru { 1 } else { shards.min(capacity) };
        let mut builder = Cache::builder(capacity).policy(policy).shards(shards).clock(clock);
        if let Some(time_to_live) = time_to_live {
            builder = builder.time_to_live(time_to_live);
        }
        let cache: Cache<u8, u32> = builder.build().unwrap();
        let mut naive = NaiveCache::new(usize::MAX, time_to_live);
        // From the first moment on when more was written than fits, anything may be missing.
        let mut overflowed = false;
        for op in ops {
            let len = cache.len();
            overflowed |= naive.len() > capacity;
            let may_miss = overflowed;
            let agrees = |got: Option<u32>, written: Option<u32>| got == written || (got.is_none() && may_miss);
            match op {
                Op::Get(key) => prop_assert!(agrees(cache.get(&key), naive.peek(key))),
                Op::Insert(key, value) => {
                    prop_assert!(agrees(cache.insert(key, value), naive.insert(key, value)));
                    prop_assert_eq!(cache.get(&key), naive.peek(key));
                }
                Op::Load(key, result) => match (cache.get_or_load(&key, |_| result), naive.peek(key)) {
                    (Ok(got), Some(written)) if got == written => {}
                    (got, written) => {
                        prop_assert!(agrees(None, written));
                        prop_assert_eq!(got.map_err(|error| *error.loader_error().unwrap()), result);
                        if let Ok(value) = result {
                            naive.insert(key, value);
                        }
                    }
                },
                Op::Remove(key) => {
                    prop_assert!(agrees(cache.remove(&key), naive.remove(key)));
                    prop_assert_eq!(cache.get(&key), None);
                }
                Op::Clear => {
                    cache.clear();
                    naive.clear();
                    overflowed = false;
                    prop_assert_eq!(cache.len(), 0);
                }
                Op::Advance(millis) => {
                    hand.advance(Duration::from_millis(millis));
                    naive.advance(Duration::from_millis(millis));
                    prop_assert_eq!(cache.len(), len);
                }
            }
            check_invariants(&cache);
            for (key, value) in cache.entries() {
                prop_assert_eq!(Some(value), naive.peek(key));
            }
        }
    }

    #[test]
    fn a_changed_capacity_holds_at_once(
        policy in prop_oneof![Just(Policy::Adaptive), Just(Policy::Lru)],
        capacities in prop::collection::vec(3..50_usize, 1..if cfg!(miri) { 3 } else { 10 }),
        keys in prop::collection::vec(any::<u8>(), if cfg!(miri) { 20 } else { 100 }),
    ) {
        let cache: Cache<u8, u32> = Cache::builder(20).policy(policy).shards(3).build().unwrap();
        for capacity in capacities {
            cache.set_capacity(capacity).unwrap();
            prop_assert_eq!(cache.capacity(), capacity);
            check_invariants(&cache);
            for &key in &keys {
                cache.insert(key, u32::from(key));
                check_invariants(&cache);
            }
        }
    }
}

#[test]
fn the_whole_capacity_is_usable_whatever_the_shards() {
    for shards in [1, 2, 3, 7, 10] {
        for policy in [Policy::Adaptive, Policy::Lru] {
            let cache: Cache<u32, u32> = Cache::builder(10)
                .policy(policy)
                .shards(shards)
                .build()
                .unwrap();
            let keys = if cfg!(miri) { 60 } else { 1_000 };
            (0..keys).for_each(|key| assert_eq!(cache.insert(key, key), None));
            assert_eq!(cache.len(), 10, "{shards} shards, {policy:?}");
        }
        let cache: Cache<u32, u32> = Cache::builder(10).shards(shards).build().unwrap();
        (0..10).for_each(|key| assert_eq!(cache.insert(key, key), None));
        assert!(
            (0..10).all(|key| cache.get(&key) == Some(key)),
            "evicted before it was full, {shards} shards"
        );
    }
}
