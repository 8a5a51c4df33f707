//! What is taken out by hand is gone, and what is forgotten leaves nothing behind.

use std::convert::Infallible;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use crm_cache::{Cache, Policy};

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

/// A value that is counted while it lives.
struct Counted(Arc<AtomicI32>);

impl Counted {
    fn new(alive: &Arc<AtomicI32>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn retain_keeps_what_it_is_told_to_keep() {
    for policy in POLICIES {
        let cache: Cache<u32, u32> = Cache::builder(5_000)
            .policy(policy)
            .shards(3)
            .build()
            .unwrap();
        let keys = if cfg!(miri) { 60 } else { 4_000 };
        (0..keys).for_each(|key| assert!(cache.insert(key, key).is_none()));
        let mut asked = 0;
        cache.retain(|key, value| {
            assert_eq!(key, value);
            asked += 1;
            key % 3 == 0
        });
        assert_eq!(asked, keys);
        assert!((0..keys).all(|key| cache.get(&key).is_some() == (key % 3 == 0)));
        assert_eq!(cache.stats().removals, u64::from(keys) - cache.len() as u64);
        if policy == Policy::Lru {
            continue;
        }
        cache.retain(|_, _| false);
        assert!(cache.is_empty());
    }
}

#[test]
fn retain_keeps_the_order_of_an_lru_and_a_panic_in_it_changes_nothing() {
    let cache: Cache<u32, u32> = Cache::builder(6)
        .policy(Policy::Lru)
        .shards(1)
        .build()
        .unwrap();
    (0..6).for_each(|key| assert!(cache.insert(key, key).is_none()));
    cache.get(&0);
    let panics = || {
        cache.retain(|key, _| {
            if *key == 3 {
                panic!("on purpose")
            } else {
                false
            }
        });
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(cache.hottest(9), [0, 5, 4, 3, 2, 1]);
    cache.retain(|key, _| *key != 4);
    assert_eq!(cache.hottest(9), [0, 5, 3, 2, 1]);
}

#[test]
fn a_load_under_way_is_not_stored_after_retain_and_forget() {
    for policy in POLICIES {
        let cache: Cache<u32, u32> = Cache::builder(10).policy(policy).build().unwrap();
        for (round, meanwhile) in [&(|| cache.retain(|_, _| true)) as &dyn Fn(), &|| {
            assert!(!cache.forget(&1));
        }]
        .into_iter()
        .enumerate()
        {
            let loaded = cache.get_or_load(&1, |_| {
                meanwhile();
                Ok::<_, Infallible>(10)
            });
            assert_eq!((loaded.unwrap(), cache.get(&1)), (10, None));
            assert_eq!(cache.stats().loads_voided, round as u64 + 1);
        }
    }
}

#[test]
fn what_is_forgotten_has_no_memory_left_when_the_call_returns() {
    for policy in POLICIES {
        let (cache, alive): (Cache<u32, Counted>, _) = (
            Cache::builder(10).policy(policy).build().unwrap(),
            Arc::new(AtomicI32::new(0)),
        );
        cache.insert(1, Counted::new(&alive));
        cache.insert(2, Counted::new(&alive));
        let (looking, is_looking) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let cache = &cache;
            scope.spawn(move || {
                cache.read(&1, |value| {
                    looking.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    assert!(
                        value.0.load(Ordering::SeqCst) > 0,
                        "still there for who looks at it"
                    );
                });
            });
            is_looking.recv().unwrap();
            let (forgetting, alive) = (scope.spawn(|| cache.forget(&1)), &alive);
            if policy == Policy::Adaptive {
                while cache.get(&1).is_some() {
                    thread::yield_now();
                }
                assert!(!forgetting.is_finished(), "somebody still looks at it");
            }
            go_on.send(()).unwrap();
            assert!(forgetting.join().unwrap());
            assert_eq!(alive.load(Ordering::SeqCst), 1);
        });
        assert!(cache.get(&2).is_some() && !cache.forget(&1));
    }
}

#[test]
fn issue_a_former_value_of_a_forgotten_key_outlived_the_call() {
    let (cache, alive): (Cache<u32, Counted>, _) = (Cache::new(10), Arc::new(AtomicI32::new(0)));
    cache.insert(1, Counted::new(&alive));
    let (looking, is_looking) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let cache = &cache;
        scope.spawn(move || {
            cache.read(&1, |_| {
                looking.send(()).unwrap();
                may_go_on.recv().unwrap();
            });
        });
        is_looking.recv().unwrap();
        // The value that is looked at leaves before the key is forgotten.
        drop(cache.remove(&1));
        let forgetting = scope.spawn(|| cache.forget(&1));
        go_on.send(()).unwrap();
        assert!(!forgetting.join().unwrap(), "it was not here any more");
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    });
}

#[test]
#[should_panic(expected = "call it after the read")]
fn forgetting_from_within_a_read_is_told_instead_of_waited_for() {
    let cache: Cache<u32, u32> = Cache::new(10);
    cache.insert(1, 1);
    cache.read(&1, |_| cache.forget(&1));
}
