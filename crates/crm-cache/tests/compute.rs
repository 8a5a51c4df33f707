//! A look and the write that depends on it are one step.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crm_cache::{Cache, Clock, NotReplaced, NotReplacedReason, Policy};

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

fn built(policy: Policy) -> Cache<u32, u64> {
    Cache::builder(100).policy(policy).build().unwrap()
}

/// What a replacement hands back that found nothing.
fn absent(replaced: Result<u64, NotReplaced<u32, u64>>) -> (u32, u64) {
    let NotReplaced {
        key,
        value,
        reason,
        previous,
        ..
    } = replaced.unwrap_err();
    assert_eq!((reason, previous), (NotReplacedReason::Absent, None));
    (key, value)
}

#[test]
fn replace_writes_only_where_a_fresh_value_is() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, u64> = Cache::builder(100)
            .policy(policy)
            .time_to_live(Duration::from_millis(5))
            .clock(clock)
            .build()
            .unwrap();
        assert_eq!(absent(cache.replace(1, 10)), (1, 10));
        assert_eq!(cache.len(), 0);
        cache.insert(1, 10);
        assert_eq!(cache.replace(1, 11).unwrap(), 10);
        assert_eq!(cache.get(&1), Some(11));
        hand.advance(Duration::from_millis(5));
        assert_eq!(
            absent(cache.replace(1, 12)),
            (1, 12),
            "what is over is not there"
        );
        assert_eq!(cache.get(&1), None);
        assert_eq!(
            (cache.stats().replacements, cache.stats().insertions),
            (1, 1)
        );
    }
}

#[test]
fn remove_if_asks_about_the_fresh_value_only() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, u64> = Cache::builder(100)
            .policy(policy)
            .time_to_live(Duration::from_millis(5))
            .clock(clock)
            .build()
            .unwrap();
        assert_eq!(
            cache.remove_if(&1, |_| panic!("there is nothing to ask about")),
            None
        );
        cache.insert(1, 10);
        assert_eq!(cache.remove_if(&1, |&value| value > 10), None);
        assert_eq!(cache.get(&1), Some(10));
        assert_eq!(cache.remove_if(&1, |&value| value == 10), Some(10));
        assert_eq!((cache.get(&1), cache.stats().removals), (None, 1));
        cache.insert(1, 10);
        hand.advance(Duration::from_millis(5));
        assert_eq!(
            cache.remove_if(&1, |_| panic!("what is over is not asked about")),
            None
        );
        assert_eq!((cache.len(), cache.stats().expirations), (0, 1));
    }
}

#[test]
fn a_panicking_condition_leaves_the_entry() {
    for policy in POLICIES {
        let cache = built(policy);
        cache.insert(1, 10);
        let ask = || cache.remove_if(&1, |_| panic!("on purpose"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask)).is_err());
        assert_eq!(cache.remove(&1), Some(10));
    }
}

/// Of many who take the value out if it is the one they saw, one gets it.
#[test]
fn each_value_is_removed_once() {
    let rounds = if cfg!(miri) { 5 } else { 300 };
    for policy in POLICIES {
        let (cache, removed, barrier) = (built(policy), AtomicU32::new(0), Barrier::new(3));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 0..rounds {
                        cache.insert(7, round);
                        barrier.wait();
                        if cache.remove_if(&7, |&value| value == round).is_some() {
                            removed.fetch_add(1, Ordering::Relaxed);
                        }
                        barrier.wait();
                    }
                });
            }
        });
        assert_eq!(u64::from(removed.into_inner()), rounds);
    }
}

/// A key that is always there, while others replace its value: nobody may find it missing, and no value is handed out twice.
#[test]
fn a_replaced_value_is_handed_out_once_and_the_key_is_never_missing() {
    let rounds = if cfg!(miri) { 20 } else { 2_000 };
    for policy in POLICIES {
        let cache = built(policy);
        cache.insert(7, 0);
        let replaced: Vec<u64> = thread::scope(|scope| {
            let writers: Vec<_> = (0..3_u64)
                .map(|thread| {
                    let cache = &cache;
                    scope.spawn(move || {
                        (0..rounds)
                            .map(|round| {
                                assert!(cache.get(&7).is_some());
                                cache.replace(7, 1 + 3 * round + thread).unwrap()
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            writers
                .into_iter()
                .flat_map(|writer| writer.join().unwrap())
                .collect()
        });
        let mut all = replaced;
        all.extend(cache.remove(&7));
        all.sort_unstable();
        assert!(all.into_iter().eq(0..=3 * rounds));
    }
}

#[test]
fn one_maker_a_key_runs_and_all_get_what_it_made() {
    for policy in POLICIES {
        let (cache, made, barrier) = (built(policy), AtomicU32::new(0), Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    let value = cache.get_or_insert_with(&7, |&key| {
                        made.fetch_add(1, Ordering::Relaxed);
                        u64::from(key) * 6
                    });
                    assert_eq!(value, 42);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
        assert_eq!(
            cache.get_or_insert_with(&7, |_| unreachable!("it is here")),
            42
        );
    }
}

#[test]
fn what_a_write_has_made_stale_is_not_stored() {
    for policy in POLICIES {
        let cache = built(policy);
        for write in [
            &(|| {
                let _ = cache.remove(&7);
            }) as &dyn Fn(),
            &|| {
                let _ = cache.remove_if(&7, |_| false);
            },
            &|| {
                let _ = cache.replace(7, 2);
            },
        ] {
            assert_eq!(
                cache.get_or_insert_with(&7, |_| {
                    write();
                    1
                }),
                1
            );
            assert_eq!(cache.get(&7), None);
        }
        assert_eq!(cache.stats().loads_voided, 3);
        assert_eq!(
            cache.get_or_insert_with(&7, |_| {
                cache.insert(7, 2);
                1
            }),
            1
        );
        assert_eq!(cache.get(&7), Some(2));
    }
}

#[test]
#[should_panic(expected = "the loader asked for a key that it is loading")]
fn a_maker_that_asks_for_its_own_key_is_told() {
    let cache = built(Policy::Adaptive);
    cache.get_or_insert_with(&7, |key| cache.get_or_insert_with(key, |_| 1));
}
