//! The hottest and the coldest keys are those that the policy keeps longest and evicts first.

use std::time::Duration;

use crm_cache::{Cache, Clock, Policy};

#[test]
fn under_lru_it_is_the_order_of_use() {
    let cache: Cache<u32, u32> = Cache::builder(10)
        .policy(Policy::Lru)
        .shards(1)
        .build()
        .unwrap();
    (0..5).for_each(|key| {
        let _ = cache.insert(key, key);
    });
    cache.get(&1);
    cache.get(&0);
    assert_eq!(cache.hottest(3), [0, 1, 4]);
    assert_eq!(cache.coldest(3), [2, 3, 4]);
    assert_eq!(cache.hottest(usize::MAX), [0, 1, 4, 3, 2]);
    assert_eq!(cache.stats().hits, 2, "asking is no use");
    (5..12).for_each(|key| {
        let _ = cache.insert(key, key);
    });
    assert!(
        cache.get(&2).is_none() && cache.get(&3).is_none(),
        "the coldest were evicted"
    );
}

#[test]
#[cfg(not(miri))]
fn under_the_adaptive_policy_what_is_used_often_is_hot_and_what_is_not_is_cold() {
    let cache: Cache<u32, u32> = Cache::builder(1_000).build().unwrap();
    for round in 0..400 {
        for key in 0..100 {
            cache.get_or_insert_with(&key, |&key| key);
        }
        for key in 0..50 {
            cache.get_or_insert_with(&(100 + round * 50 + key), |&key| key);
        }
    }
    let (hottest, coldest) = (cache.hottest(50), cache.coldest(500));
    assert_eq!((hottest.len(), coldest.len()), (50, 500));
    assert!(hottest.iter().all(|&key| key < 100), "{hottest:?}");
    assert!(coldest.iter().all(|&key| key >= 100));
    assert!(cache.hottest(0).is_empty());
    assert_eq!(cache.hottest(usize::MAX).len(), cache.len());
}

#[test]
fn every_fresh_key_is_named_once_and_no_other() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, u64> = Cache::builder(100)
            .policy(policy)
            .shards(4)
            .expiry(|_, &life| Some(Duration::from_millis(life)))
            .clock(clock)
            .build()
            .unwrap();
        (0..60).for_each(|key| {
            let _ = cache.insert(key, if key < 20 { 5 } else { 50 });
        });
        hand.advance(Duration::from_millis(5));
        for mut keys in [cache.hottest(100), cache.coldest(40)] {
            keys.sort_unstable();
            assert!(keys.into_iter().eq(20..60));
        }
        assert_eq!(cache.coldest(7).len(), 7);
    }
}
