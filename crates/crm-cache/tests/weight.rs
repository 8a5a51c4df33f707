//! A cache with a weigher never holds more than it may, refuses what is too heavy, and loses nothing on the way.

use std::sync::{Arc, Mutex};

use crm_cache::{BuildError, Cache, NotReplacedReason, Policy, RemovalCause};

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

/// An entry weighs what its value says.
fn weighed(policy: Policy, capacity: usize, shards: usize, max_weight: u64) -> Cache<u32, u64> {
    Cache::builder(capacity)
        .policy(policy)
        .shards(shards)
        .weigher(max_weight, |_, weight| *weight)
        .build()
        .unwrap()
}

/// Numbers that look random (Lehmer's generator).
fn random(state: &mut u64, below: u64) -> u64 {
    *state = *state * 48_271 % 0x7FFF_FFFF;
    *state % below
}

#[test]
fn the_weight_is_that_of_the_entries_and_never_above_the_limit() {
    let steps = if cfg!(miri) { 200 } else { 20_000 };
    for policy in POLICIES {
        for (capacity, shards, max_weight) in [
            (1_000, 1, 300),
            (1_000, 4, 300),
            (8, 3, 1_000_000),
            (1, 1, 1),
        ] {
            let cache = weighed(policy, capacity, shards, max_weight);
            let mut state = 42;
            for _ in 0..steps {
                let (key, weight) = (random(&mut state, 60) as u32, random(&mut state, 80));
                match random(&mut state, 6) {
                    0 => {
                        let _ = cache.remove(&key);
                    }
                    1 => {
                        let _ = cache.replace(key, weight);
                    }
                    2 => {
                        let _ = cache.get(&key);
                    }
                    _ => {
                        let _ = cache.insert(key, weight);
                    }
                }
                let held: u64 = cache.entries().iter().map(|(_, weight)| weight).sum();
                assert_eq!(cache.weight(), held);
                assert!(held <= max_weight && cache.len() <= capacity);
            }
            cache.clear();
            assert_eq!((cache.weight(), cache.len()), (0, 0));
            cache.insert(1, max_weight);
            assert_eq!(
                (cache.weight(), cache.get(&1)),
                (max_weight, Some(max_weight)),
                "all of it is usable"
            );
        }
    }
}

#[test]
fn what_is_too_heavy_is_handed_back_and_what_it_would_have_replaced_leaves() {
    for policy in POLICIES {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let cache: Cache<u32, u64> = Cache::builder(10)
            .policy(policy)
            .weigher(100, |_, weight| *weight)
            .on_removal(move |&key, &value, cause| log.lock().unwrap().push((key, value, cause)))
            .build()
            .unwrap();
        cache.insert(1, 60);
        cache.insert(2, 40);
        let refused = cache.try_insert(1, 101).unwrap_err();
        assert_eq!(
            (refused.key, refused.value, refused.weight, refused.previous),
            (1, 101, 101, Some(60))
        );
        assert!(
            cache
                .try_insert(3, u64::MAX)
                .unwrap_err()
                .previous
                .is_none()
        );
        assert_eq!(
            (cache.get(&1), cache.get(&2), cache.weight()),
            (None, Some(40), 40)
        );
        assert_eq!(cache.insert(2, 102), Some(40));
        let absent = cache.replace(4, 103).unwrap_err();
        assert_eq!((absent.key, absent.value, absent.previous), (4, 103, None));
        assert_eq!(absent.reason, NotReplacedReason::Absent);
        assert!(absent.to_string().contains("no value to replace"));
        cache.insert(4, 1);
        let heavy = cache.replace(4, 103).unwrap_err();
        assert_eq!((heavy.key, heavy.value, heavy.previous), (4, 103, Some(1)));
        assert!(matches!(
            heavy.reason,
            NotReplacedReason::Refused { weight: 103, .. }
        ));
        assert!(
            heavy
                .to_string()
                .starts_with("an entry of weight 103 has no place")
        );
        assert_eq!(
            format!("{heavy:?}"),
            "NotReplaced { reason: Refused { weight: 103 }, .. }"
        );
        assert_eq!(
            cache
                .get_or_load(&5, |_| Ok::<_, std::io::Error>(104))
                .unwrap(),
            104
        );
        assert_eq!((cache.len(), cache.weight()), (0, 0));
        let stats = cache.stats();
        assert_eq!(
            (stats.refusals, stats.removals, stats.insertions),
            (5, 3, 3)
        );
        assert_eq!(stats.loads_voided, 0);
        // What `try_insert` and `replace` hand back has not left: nobody is told.
        use RemovalCause::{Refused, Removed};
        assert_eq!(
            *told.lock().unwrap(),
            [
                (1, 60, Removed),
                (2, 40, Removed),
                (2, 102, Refused),
                (4, 1, Removed),
                (5, 104, Refused)
            ]
        );
    }
}

#[test]
fn a_value_that_grows_pushes_others_out_and_not_itself() {
    for policy in POLICIES {
        for shards in [1, 3] {
            let cache = weighed(policy, 10, shards, 100);
            for key in 0..10 {
                cache.insert(key, 10);
            }
            assert_eq!(cache.insert(0, 95), Some(10));
            assert_eq!(
                (cache.get(&0), cache.len(), cache.weight()),
                (Some(95), 1, 95)
            );
            assert_eq!(cache.replace(0, 3).unwrap(), 95);
            assert_eq!(cache.weight(), 3);
        }
    }
}

#[test]
fn a_lowered_limit_holds_when_the_call_returns() {
    for policy in POLICIES {
        let cache = weighed(policy, 100, 4, 1_000);
        (0..100).for_each(|key| {
            let _ = cache.insert(key, 10);
        });
        assert_eq!(cache.weight(), 1_000);
        cache.set_max_weight(333).unwrap();
        assert_eq!((cache.weight(), cache.max_weight()), (330, Some(333)));
        assert_eq!(cache.stats().weight, 330);
        assert_eq!(cache.set_max_weight(0), Err(BuildError::ZeroWeight));
        cache.set_max_weight(500).unwrap();
        (0..100).for_each(|key| {
            let _ = cache.insert(key, 10);
        });
        assert_eq!(cache.weight(), 500);
    }
}

#[test]
fn weights_without_a_weigher_are_nonsense() {
    let cache: Cache<u32, u32> = Cache::new(5);
    assert_eq!((cache.weight(), cache.max_weight()), (0, None));
    let error = cache.set_max_weight(5).unwrap_err();
    assert_eq!(error, BuildError::NoWeigher);
    assert!(error.to_string().contains("give the builder a weigher"));
    let error = Cache::<u32, u32>::builder(5)
        .weigher(0, |_, _| 1)
        .build()
        .unwrap_err();
    assert_eq!(error, BuildError::ZeroWeight);
    assert!(
        error
            .to_string()
            .contains("at least the weight of one entry")
    );
}

#[test]
fn a_panicking_weigher_leaves_the_cache_as_it_was() {
    for policy in POLICIES {
        let cache: Cache<u32, u64> = Cache::builder(5)
            .policy(policy)
            .weigher(10, |_, &weight| {
                if weight == 7 {
                    panic!("on purpose")
                } else {
                    weight
                }
            })
            .build()
            .unwrap();
        cache.insert(1, 5);
        let call = |run: &dyn Fn()| {
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        };
        call(&|| {
            let _ = cache.insert(1, 7);
        });
        call(&|| {
            let _ = cache.replace(1, 7);
        });
        call(&|| {
            let _ = cache.get_or_load(&2, |_| Ok::<_, ()>(7));
        });
        assert_eq!(
            (cache.get(&1), cache.len(), cache.weight()),
            (Some(5), 1, 5)
        );
        assert_eq!(cache.get_or_load(&2, |_| Ok::<_, ()>(4)).unwrap(), 4);
    }
}

/// All keys are asked for alike, and one in ten is twenty times as heavy: keeping those costs more than it earns.
#[test]
#[cfg(not(miri))]
fn of_entries_that_are_asked_for_alike_the_heavy_ones_go_first() {
    let cache = weighed(Policy::Adaptive, 1_000, 1, 1_000);
    let (mut state, mut hits) = (7, 0);
    for turn in 0..100_000 {
        let key = random(&mut state, 1_000) as u32;
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, if key % 10 == 0 { 20 } else { 1 });
        }
        hits += u32::from(turn >= 50_000 && hit);
    }
    // An order that does not look at weights keeps as many heavy ones as their share of the keys: a third of all fits.
    let hit_ratio = f64::from(hits) / 50_000.0;
    assert!(hit_ratio > 0.6, "{hit_ratio}");
}

#[test]
fn threads_that_compete_for_the_last_weight_all_get_on() {
    let rounds = if cfg!(miri) { 20 } else { 5_000 };
    for policy in POLICIES {
        let cache = weighed(policy, 16, 4, 100);
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let cache = &cache;
                scope.spawn(move || {
                    for round in 0..rounds {
                        cache.insert(
                            (round * 7 + thread) % 32,
                            u64::from((round * 13 + thread) % 101),
                        );
                        assert!(cache.weight() <= 100 && cache.len() <= 16);
                    }
                });
            }
        });
        let held: u64 = cache.entries().iter().map(|(_, weight)| weight).sum();
        assert_eq!(cache.weight(), held);
    }
}

/// What weighs nothing brings no weight when it leaves, and takes a place as everything else does.
#[test]
#[cfg(not(miri))]
fn issue_entries_that_weigh_nothing_pushed_out_all_others() {
    let hits_of = |flood: bool| {
        let cache = weighed(Policy::Adaptive, 1_000, 1, 100_000);
        let (mut state, mut hits) = (7, 0);
        for turn in 0..100_000 {
            // Some customers are asked for far more often than others; two hundred of them fit.
            let rank = random(&mut state, 1_000).min(random(&mut state, 1_000));
            let key = rank.min(random(&mut state, 1_000)) as u32;
            let hit = cache.get(&key).is_some();
            if !hit {
                cache.insert(key, 500);
            }
            hits += u32::from(hit);
            if flood {
                cache.insert(1_000_000 + turn, 0);
            }
        }
        f64::from(hits) / 100_000.0
    };
    let (alone, flooded) = (hits_of(false), hits_of(true));
    assert!(alone - flooded < 0.03, "{alone} alone, {flooded} beside");
}
