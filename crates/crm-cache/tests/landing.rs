//! What a load brings is stored and told while no code of the user's can come to wait for that very load.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use crm_cache::{Cache, CacheBuilder, Clock, LoadError, Policy};

type Told = Result<u32, LoadError<Infallible>>;
type Slot = OnceLock<Weak<Cache<u32, u32>>>;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

fn ten_times(key: &u32) -> Result<u32, Infallible> {
    Ok(10 * key)
}

fn all_ten_times(keys: &[u32]) -> Result<Vec<(u32, u32)>, Infallible> {
    Ok(keys.iter().map(|&key| (key, 10 * key)).collect())
}

/// A cache whose functions know it.
fn built(
    with: impl FnOnce(CacheBuilder<u32, u32>, Arc<Slot>) -> CacheBuilder<u32, u32>,
    capacity: usize,
) -> Arc<Cache<u32, u32>> {
    let slot: Arc<Slot> = Arc::default();
    let cache = with(Cache::builder(capacity), Arc::clone(&slot)).build();
    let cache = Arc::new(cache.unwrap());
    slot.set(Arc::downgrade(&cache)).unwrap();
    cache
}

/// Loads what has left once more, as far as three deep, and counts.
fn reloads(
    builder: CacheBuilder<u32, u32>,
    slot: Arc<Slot>,
    count: Arc<AtomicU32>,
) -> CacheBuilder<u32, u32> {
    builder.on_removal(move |key, _, _| {
        let cache = slot.get().and_then(Weak::upgrade);
        let depth = DEPTH.get();
        if let Some(cache) = cache.filter(|_| depth < 3) {
            DEPTH.set(depth + 1);
            assert!(cache.get_or_load(key, ten_times).is_ok());
            count.fetch_add(1, Ordering::Relaxed);
            DEPTH.set(depth);
        }
    })
}

#[test]
fn issue_a_listener_that_loaded_what_had_left_waited_for_its_own_caller() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let count = Arc::<AtomicU32>::default();
        let with = |builder: CacheBuilder<_, _>, slot| {
            reloads(builder.policy(policy).shards(1), slot, Arc::clone(&count))
        };
        let cache = built(with, 1);
        for key in [1, 2] {
            assert_eq!(cache.get_or_load(&key, ten_times).unwrap(), 10 * key);
        }
        // Each makes the other one leave.
        assert_eq!(count.swap(0, Ordering::Relaxed), 3, "{policy:?}");
        let page = cache.get_many_or_load(&[3, 4], all_ten_times);
        assert_eq!(page.unwrap(), [Some(30), Some(40)]);
        assert!(count.load(Ordering::Relaxed) >= 3);
        assert_eq!(cache.stats().listener_panics, 0);
    }
}

#[test]
fn issue_a_listener_that_loaded_an_expired_key_waited_for_its_own_caller() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        // The new value comes in, or it is too heavy, and the expired one has left all the same.
        for value in [1, 1_000] {
            let count = Arc::<AtomicU32>::default();
            let (clock, hand) = Clock::manual();
            let with = |builder: CacheBuilder<u32, u32>, slot| {
                let builder = builder
                    .policy(policy)
                    .time_to_live(Duration::from_secs(1))
                    .clock(clock)
                    .weigher(100, |_, &value| value.into());
                reloads(builder, slot, Arc::clone(&count))
            };
            let cache = built(with, 10);
            cache.insert(1, 1);
            hand.advance(Duration::from_secs(2));
            let load = |_: &u32| Ok::<_, Infallible>(value);
            let loaded = cache.get_or_load(&1, load).unwrap();
            // Under an exact order the read takes it out, and the listener comes first.
            assert!(loaded == value || (loaded == 10 && policy == Policy::Lru));
            assert!(count.load(Ordering::Relaxed) > 0);
            assert_eq!(cache.stats().listener_panics, 0);
        }
    }
}

#[test]
fn issue_a_function_asked_about_what_is_loaded_that_asked_for_it_waited_for_ever() {
    for which in 0..4 {
        let told = Arc::<AtomicU32>::default();
        let with = |builder: CacheBuilder<u32, u32>, slot: Arc<Slot>| {
            let told = Arc::clone(&told);
            let ask = move |key: &u32| {
                if let Some(cache) = slot.get().and_then(Weak::upgrade) {
                    let answer: Told = cache.get_or_load(key, ten_times);
                    assert!(matches!(answer, Err(LoadError::Reentrant)));
                    told.fetch_add(1, Ordering::Relaxed);
                }
            };
            match which {
                0 => builder.weigher(100, move |key, _| {
                    ask(key);
                    1
                }),
                1 => builder.tags(move |key, _, _| ask(key)),
                2 => builder.expiry(move |key, _| {
                    ask(key);
                    None
                }),
                _ => builder.tenants(
                    move |key| {
                        ask(key);
                        *key
                    },
                    [(1_u32, 0.5)],
                ),
            }
        };
        let cache = built(with, 10);
        assert_eq!(cache.get_or_load(&1, ten_times).unwrap(), 10);
        assert_eq!(told.swap(0, Ordering::Relaxed), 1, "{which}");
        let page = cache.get_many_or_load(&[2, 3], all_ten_times);
        assert_eq!(page.unwrap(), [Some(20), Some(30)]);
        assert_eq!(told.load(Ordering::Relaxed), 2, "{which}");
    }
}

/// Loads when its thread ends.
struct Last(Arc<Cache<u32, u32>>);

impl Drop for Last {
    fn drop(&mut self) {
        let cache = &self.0;
        for key in [7, 8] {
            let loaded = cache.get_or_load(&key, |key| {
                let inner: Told = cache.get_or_load(key, ten_times);
                assert!(matches!(inner, Err(LoadError::Reentrant)));
                ten_times(key)
            });
            assert_eq!(loaded.unwrap(), 10 * key);
        }
    }
}

#[test]
fn issue_a_loader_in_the_destructor_of_a_thread_local_waited_for_itself() {
    thread_local! {
        static LAST: RefCell<Vec<Last>> = const { RefCell::new(Vec::new()) };
    }
    let cache = Arc::new(Cache::<u32, u32>::new(10));
    // The later a thread-local is first used, the sooner it ends: one before the cache's own, and one after.
    for loads_first in [false, true] {
        cache.clear();
        let last = Last(Arc::clone(&cache));
        let thread = thread::spawn(move || {
            let cache = Arc::clone(&last.0);
            let load = || cache.get_or_load(&1, ten_times).unwrap();
            if loads_first {
                load();
            }
            LAST.with(|lasts| lasts.borrow_mut().push(last));
            load();
        });
        thread.join().unwrap();
        while cache.peek(&8).is_none() {
            thread::yield_now();
        }
        assert_eq!((cache.peek(&7), cache.peek(&8)), (Some(70), Some(80)));
    }
}

/// A key that uses the cache when it is dropped.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Busy(u32);

static BUSY: OnceLock<Cache<Busy, u32>> = OnceLock::new();

thread_local! {
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

impl Drop for Busy {
    fn drop(&mut self) {
        if IS_BUSY.replace(false) {
            if let Some(cache) = BUSY.get() {
                cache.remove(&Busy(99));
                let loaded = cache.get_or_load(&Busy(98), |_| Ok::<_, Infallible>(1));
                assert_eq!(loaded.unwrap(), 1);
            }
            IS_BUSY.set(true);
        }
    }
}

#[test]
fn a_key_may_use_the_cache_when_a_write_voids_its_load() {
    let cache = BUSY.get_or_init(|| Cache::new(10));
    for write in [
        |cache: &Cache<Busy, u32>, _: &Busy| cache.clear(),
        |cache: &Cache<Busy, u32>, key: &Busy| {
            let _ = cache.remove(key);
        },
    ] {
        let loaded = cache.get_or_load(&Busy(1), |key| {
            IS_BUSY.set(true);
            write(cache, key);
            Ok::<_, Infallible>(5)
        });
        IS_BUSY.set(false);
        assert_eq!(loaded.unwrap(), 5);
    }
}
