//! Random operations: the cache answers as the obvious one does, and its invariants hold after each.

mod support;

use std::time::Duration;

use crm_cache::{Cache, Clock};
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
        time_to_live in prop::option::of((1..100_u64).prop_map(Duration::from_nanos)),
        ops in prop::collection::vec(op(), 1..400),
    ) {
        let (clock, hand) = Clock::manual();
        let mut builder = Cache::builder(capacity).shards(1).clock(clock);
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
                Op::Advance(nanos) => {
                    hand.advance(Duration::from_nanos(nanos));
                    naive.advance(Duration::from_nanos(nanos));
                }
            }
            check_invariants(&cache);
            prop_assert_eq!(cache.len(), naive.len());
        }
        prop_assert_eq!((cache.stats().hits, cache.stats().misses), (hits, misses));
    }

    #[test]
    fn any_number_of_shards_keeps_the_bound_and_its_own_writes(
        capacity in 1..64_usize,
        shards in 1..64_usize,
        keys in prop::collection::vec(any::<u8>(), 1..400),
    ) {
        let cache: Cache<u8, u32> = Cache::builder(capacity).shards(shards.min(capacity)).build().unwrap();
        for (turn, key) in (0..).zip(keys) {
            cache.insert(key, turn);
            prop_assert_eq!(cache.get(&key), Some(turn));
            check_invariants(&cache);
        }
    }
}

#[test]
fn the_whole_capacity_fits_when_the_shards_do_not_divide_it() {
    for shards in [1, 2, 3, 7, 10] {
        let cache: Cache<u32, u32> = Cache::builder(10).shards(shards).build().unwrap();
        (0..1_000).for_each(|key| assert_eq!(cache.insert(key, key), None));
        assert_eq!(cache.len(), 10, "{shards} shards");
    }
}
