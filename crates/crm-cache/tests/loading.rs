//! One load per key, whoever asks; and nothing stale comes back with it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

use crm_cache::{Cache, LoadError};

type Loaded = Result<u32, LoadError<io::Error>>;

/// Spins until `count` callers wait for somebody else's load.
fn until_waiting(cache: &Cache<u32, u32>, count: u64) {
    while cache.stats().load_waits < count {
        thread::yield_now();
    }
}

/// Starts a load of key 1 in a thread, runs `meanwhile` while it is under way, lets it end with 10.
fn during_a_load(cache: &Cache<u32, u32>, meanwhile: impl FnOnce()) -> Loaded {
    let (begun, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let loader = scope.spawn(move || {
            cache.get_or_load(&1, |_| {
                begun.send(()).unwrap();
                may_end.recv().unwrap();
                Ok(10)
            })
        });
        has_begun.recv().unwrap();
        meanwhile();
        end.send(()).unwrap();
        loader.join().unwrap()
    })
}

#[test]
fn a_stampede_makes_one_load() {
    const CALLERS: usize = 64;
    let cache: Cache<u32, u32> = Cache::new(10);
    let loads = AtomicU32::new(0);
    let start = Barrier::new(CALLERS);
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                start.wait();
                let value: Loaded = cache.get_or_load(&1, |_| {
                    loads.fetch_add(1, Ordering::Relaxed);
                    until_waiting(&cache, CALLERS as u64 / 2);
                    Ok(10)
                });
                assert_eq!(value.unwrap(), 10);
            });
        }
    });
    assert_eq!(loads.into_inner(), 1);
    assert_eq!(cache.stats().loads, 1);
}

#[test]
fn an_error_reaches_every_waiter_and_is_not_cached() {
    let cache: Cache<u32, u32> = Cache::new(10);
    thread::scope(|scope| {
        let (begun, has_begun) = mpsc::channel();
        let cache = &cache;
        let loader = scope.spawn(move || {
            cache.get_or_load(&1, |_| {
                begun.send(()).unwrap();
                until_waiting(cache, 3);
                Err::<u32, _>(io::Error::other("database is down"))
            })
        });
        has_begun.recv().unwrap();
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                scope
                    .spawn(move || cache.get_or_load(&1, |_| -> io::Result<u32> { unreachable!() }))
            })
            .collect();
        for waiter in waiters.into_iter().chain([loader]) {
            let error = waiter.join().unwrap().unwrap_err();
            assert_eq!(
                error.loader_error().unwrap().to_string(),
                "database is down"
            );
            assert_eq!(
                std::error::Error::source(&error).unwrap().to_string(),
                "database is down"
            );
        }
    });
    assert_eq!(cache.stats().load_failures, 1);
    assert_eq!(
        cache.get_or_load(&1, |_| Ok::<_, io::Error>(11)).unwrap(),
        11
    );
}

#[test]
fn a_panicking_loader_hands_over_to_a_waiter() {
    let cache: Cache<u32, u32> = Cache::new(10);
    thread::scope(|scope| {
        let (begun, has_begun) = mpsc::channel();
        let cache = &cache;
        let loader = scope.spawn(move || {
            let load = |_: &u32| -> io::Result<u32> {
                begun.send(()).unwrap();
                until_waiting(cache, 1);
                panic!("on purpose")
            };
            catch_unwind(AssertUnwindSafe(|| cache.get_or_load(&1, load)))
        });
        has_begun.recv().unwrap();
        let waiter = scope.spawn(|| cache.get_or_load(&1, |_| Ok::<_, io::Error>(12)));
        assert_eq!(waiter.join().unwrap().unwrap(), 12);
        assert!(loader.join().unwrap().is_err());
    });
    assert_eq!(cache.get(&1), Some(12));
    assert_eq!((cache.stats().loads, cache.stats().load_failures), (2, 1));
}

#[test]
fn a_waiter_with_another_error_type_loads_itself() {
    let cache: Cache<u32, u32> = Cache::new(10);
    thread::scope(|scope| {
        let (begun, has_begun) = mpsc::channel();
        let cache = &cache;
        scope.spawn(move || {
            let failed = cache.get_or_load(&1, |_| {
                begun.send(()).unwrap();
                until_waiting(cache, 1);
                Err::<u32, _>(io::Error::other("down"))
            });
            assert!(failed.is_err());
        });
        has_begun.recv().unwrap();
        assert_eq!(cache.get_or_load(&1, |_| Ok::<_, u8>(13)).unwrap(), 13);
    });
}

#[test]
fn a_loader_may_use_the_cache_for_other_keys_but_not_for_its_own() {
    let cache: Cache<u32, u32> = Cache::builder(10).shards(1).build().unwrap();
    let outer: Loaded = cache.get_or_load(&1, |_| {
        let own: Loaded = cache.get_or_load(&1, |_| unreachable!());
        assert!(matches!(own, Err(LoadError::Reentrant)));
        assert!(own.unwrap_err().loader_error().is_none());
        let other: Loaded = cache.get_or_load(&2, |_| Ok(20));
        cache.insert(3, 30);
        Ok(other.unwrap() + 1)
    });
    assert_eq!(outer.unwrap(), 21);
    assert_eq!(
        [cache.get(&1), cache.get(&2), cache.get(&3)],
        [Some(21), Some(20), Some(30)]
    );
}

#[test]
fn a_removal_during_a_load_voids_it() {
    let cache: Cache<u32, u32> = Cache::new(10);
    assert_eq!(
        during_a_load(&cache, || assert_eq!(cache.remove(&1), None)).unwrap(),
        10
    );
    assert_eq!(cache.get(&1), None);
    assert_eq!(cache.stats().loads_voided, 1);
}

#[test]
fn a_clear_during_a_load_voids_it() {
    let cache: Cache<u32, u32> = Cache::new(10);
    assert_eq!(during_a_load(&cache, || cache.clear()).unwrap(), 10);
    assert_eq!(cache.get(&1), None);
}

#[test]
fn a_write_during_a_load_wins_over_it() {
    let cache: Cache<u32, u32> = Cache::new(10);
    assert_eq!(
        during_a_load(&cache, || assert_eq!(cache.insert(1, 99), None)).unwrap(),
        10
    );
    assert_eq!(cache.get(&1), Some(99));
}

#[test]
fn a_removal_of_another_key_voids_nothing() {
    let cache: Cache<u32, u32> = Cache::new(10);
    assert_eq!(
        during_a_load(&cache, || assert_eq!(cache.remove(&2), None)).unwrap(),
        10
    );
    assert_eq!(cache.get(&1), Some(10));
    assert_eq!(cache.stats().loads_voided, 0);
}

#[test]
fn who_asks_after_a_removal_starts_a_new_load() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let old = during_a_load(&cache, || {
        cache.remove(&1);
        assert_eq!(
            cache.get_or_load(&1, |_| Ok::<_, io::Error>(77)).unwrap(),
            77
        );
    });
    assert_eq!(old.unwrap(), 10);
    assert_eq!(
        cache.get(&1),
        Some(77),
        "the older load must not overwrite the newer"
    );
}

#[test]
fn no_reader_sees_a_value_older_than_the_last_invalidation() {
    const TURNS: u32 = if cfg!(miri) { 60 } else { 20_000 };
    // The database is an atomic version; each writer raises it and then invalidates. A read that begins after an
    // invalidation has returned must see at least that version.
    let cache: Cache<u32, u32> = Cache::new(4);
    let database = AtomicU32::new(0);
    let invalidated = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..TURNS {
                    let version = database.fetch_add(1, Ordering::SeqCst) + 1;
                    cache.remove(&1);
                    invalidated.fetch_max(version, Ordering::SeqCst);
                }
            });
            scope.spawn(|| {
                for _ in 0..TURNS {
                    let floor = invalidated.load(Ordering::SeqCst);
                    let read: Loaded = cache.get_or_load(&1, |_| {
                        let version = database.load(Ordering::SeqCst);
                        thread::yield_now();
                        Ok(version)
                    });
                    let read = read.unwrap();
                    assert!(read >= floor, "read {read} after {floor} was invalidated");
                }
            });
        }
    });
}

#[test]
fn an_error_says_its_cause_once() {
    use std::error::Error;

    let cache: Cache<u32, u32> = Cache::new(10);
    let error = cache
        .get_or_load(&1, |_| Err::<u32, _>(std::io::Error::other("no database")))
        .unwrap_err();
    assert_eq!(error.to_string(), "the loader failed");
    assert_eq!(error.source().unwrap().to_string(), "no database");
    assert_eq!(format!("{error:#}"), "the loader failed: no database");
    // An error type that is no `Error` has no source, and is printed all the same by whoever asks for it.
    let error = cache
        .get_or_load(&1, |_| Err::<u32, _>("down"))
        .unwrap_err();
    assert_eq!(format!("{error:#}"), "the loader failed: down");
}
