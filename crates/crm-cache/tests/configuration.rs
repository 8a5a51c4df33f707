//! A bad configuration is refused with the remedy; a good one is what it says.

use std::hash::{BuildHasherDefault, Hash, Hasher, RandomState};
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crm_cache::{BuildError, Cache, Clock, Policy, RemovalCause};

fn refused(builder: crm_cache::CacheBuilder<u32, u32>) -> BuildError {
    builder.build().unwrap_err()
}

#[test]
fn nonsense_is_refused_and_the_message_names_the_remedy() {
    assert_eq!(refused(Cache::builder(0)), BuildError::ZeroCapacity);
    assert_eq!(refused(Cache::builder(9).shards(0)), BuildError::ZeroShards);
    for capacity in [1 << 31, usize::MAX] {
        assert!(matches!(
            refused(Cache::builder(capacity)),
            BuildError::CapacityTooLarge { capacity: told, .. } if told == capacity
        ));
        let cache: Cache<u32, u32> = Cache::new(9);
        let error = cache.set_capacity(capacity).unwrap_err();
        assert!(matches!(
            error,
            BuildError::CapacityTooLarge { capacity: told, .. } if told == capacity
        ));
        assert!(error.to_string().contains("give an estimate"));
        assert_eq!((cache.insert(1, 1), cache.len()), (None, 1));
    }
    for time_to_live in [Duration::ZERO, Duration::from_nanos(999_999)] {
        let error = refused(Cache::builder(9).time_to_live(time_to_live));
        assert!(matches!(
            error,
            BuildError::TimeToLiveTooShort { time_to_live: told, .. } if told == time_to_live
        ));
    }
    for jitter in [-0.1, 1.1, f64::INFINITY] {
        assert!(matches!(
            refused(Cache::builder(9).jitter(jitter)),
            BuildError::JitterOutOfRange { jitter: told, .. } if told == jitter
        ));
    }
    assert!(matches!(
        refused(Cache::builder(9).jitter(f64::NAN)),
        BuildError::JitterOutOfRange { .. }
    ));
    let error = refused(Cache::builder(9).shards(10));
    assert!(matches!(
        error,
        BuildError::MoreShardsThanEntries {
            shards: 10,
            capacity: 9,
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        "10 shards cannot share a capacity of 9: use at most 9 shards"
    );
}

#[test]
#[should_panic(expected = "the capacity is zero")]
fn new_panics_without_room() {
    drop(Cache::<u32, u32>::new(0));
}

#[test]
fn a_life_without_end_does_not_wrap_into_the_past() {
    let (clock, hand) = Clock::manual();
    hand.advance(Duration::from_secs(1));
    let cache: Cache<u32, u32> = Cache::builder(4)
        .time_to_live(Duration::MAX)
        .clock(clock)
        .build()
        .unwrap();
    cache.insert(1, 1);
    hand.advance(Duration::from_secs(1_000_000));
    assert_eq!(cache.get(&1), Some(1));
}

#[test]
fn a_cache_without_a_life_reads_no_clock() {
    let (clock, hand) = Clock::manual();
    let cache: Cache<u32, u32> = Cache::builder(4).clock(clock).build().unwrap();
    cache.insert(1, 1);
    hand.advance(Duration::MAX);
    assert_eq!(cache.get(&1), Some(1));
}

#[test]
fn keys_are_found_by_their_borrowed_form_and_with_any_hasher() {
    let cache: Cache<String, u32, RandomState> = Cache::builder(4)
        .hasher(RandomState::new())
        .build()
        .unwrap();
    cache.insert("ada".to_owned(), 1);
    assert_eq!(cache.get("ada"), Some(1));
    assert_eq!(cache.remove("ada"), Some(1));
    assert!(cache.is_empty());
}

#[test]
fn threads_share_a_cache_only_when_keys_and_values_may_cross_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Cache::<String, Arc<str>>::new(1));
    let local: Cache<u32, Rc<u32>> = Cache::new(1); // builds, but is neither Send nor Sync
    local.insert(1, Rc::new(2));
    assert_eq!(*local.get(&1).unwrap(), 2);
}

#[test]
fn a_cache_may_be_used_across_a_caught_panic_if_its_keys_and_values_may() {
    fn crosses<T: UnwindSafe + RefUnwindSafe>(_: &T) {}
    let cache = Cache::<String, Arc<str>>::builder(1)
        .on_removal(|_, _, _| ())
        .build()
        .unwrap();
    crosses(&cache);
    // Without `AssertUnwindSafe`.
    let ada = "ada".to_owned();
    let load = || cache.get_or_load(&ada, |_| -> Result<_, ()> { panic!("on purpose") });
    assert!(catch_unwind(load).is_err());
    assert_eq!(cache.insert("ada".to_owned(), Arc::from("Ada")), None);
    assert_eq!(cache.keys(), ["ada"]);
}

#[test]
fn keys_are_those_of_the_fresh_entries() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, u32> = Cache::builder(100)
            .policy(policy)
            .shards(3)
            .expiry(|_, life| Some(Duration::from_millis(u64::from(*life))))
            .clock(clock)
            .build()
            .unwrap();
        for key in 0..20 {
            cache.insert(key, 1 + key % 2);
        }
        hand.advance(Duration::from_millis(1));
        let before = cache.stats();
        let mut keys = cache.keys();
        keys.sort_unstable();
        assert!(keys.into_iter().eq((1..20).step_by(2)));
        assert_eq!(cache.stats(), before);
    }
}

#[test]
fn debug_says_what_was_configured() {
    let builder = Cache::<u32, u32>::builder(8)
        .shards(2)
        .time_to_live(Duration::from_secs(5));
    assert!(format!("{builder:?}").contains("capacity: 8"));
    let cache = builder.build().unwrap();
    let debug = format!("{cache:?}");
    assert!(
        debug.contains("capacity: 8") && debug.contains("Adaptive") && debug.contains("5s"),
        "{debug}"
    );
    assert_eq!((cache.capacity(), cache.len()), (8, 0));
}

/// A value that uses the cache when it is dropped: it would deadlock if that happened under a lock.
#[derive(Clone)]
struct Reentering(Arc<Cache<u32, Reentering>>, Arc<AtomicU32>);

impl Drop for Reentering {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
        assert!(self.0.len() <= 1);
    }
}

#[test]
fn values_are_dropped_under_no_lock() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let (clock, hand) = Clock::manual();
        let second = Duration::from_secs(1);
        let builder = Cache::builder(1)
            .policy(policy)
            .time_to_live(second)
            .clock(clock);
        let cache: Arc<Cache<u32, Reentering>> = Arc::new(builder.build().unwrap());
        let drops = Arc::new(AtomicU32::new(0));
        let value = || Reentering(Arc::clone(&cache), Arc::clone(&drops));
        drop(cache.insert(1, value()));
        drop(cache.insert(1, value())); // replaced
        drop(cache.insert(2, value())); // evicted
        drop(cache.remove(&2)); // removed
        drop(cache.insert(3, value()));
        cache.clear(); // cleared
        drop(cache.insert(4, value()));
        hand.advance(second);
        assert!(cache.get(&4).is_none()); // expired
        drop(cache.insert(5, value()));
        hand.advance(second);
        drop(cache.insert(5, value())); // expired and overwritten
        hand.advance(second);
        assert!(cache.remove(&5).is_none()); // expired and removed
        cache.clear();
        assert!(drops.load(Ordering::Relaxed) >= 7, "{policy:?}");
        assert_eq!(
            Arc::strong_count(&drops),
            1,
            "every value is gone, {policy:?}"
        );
    }
}

#[test]
fn a_listener_hears_each_cause_once_and_may_use_the_cache() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let (clock, hand) = Clock::manual();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        let door = Arc::new(Mutex::new(Weak::<Cache<u32, u32>>::new()));
        let inner = Arc::clone(&door);
        let builder = Cache::builder(2).policy(policy).shards(1).clock(clock);
        let cache: Cache<u32, u32> = builder
            .expiry(|_, value| (*value >= 100).then(|| Duration::from_millis(u64::from(*value))))
            .on_removal(move |key, value, cause| {
                log.lock().unwrap().push((*key, *value, cause));
                let cache = inner.lock().unwrap().upgrade().unwrap();
                assert!(cache.len() <= 2 && cache.get(key) != Some(*value));
            })
            .build()
            .unwrap();
        let cache = Arc::new(cache);
        *door.lock().unwrap() = Arc::downgrade(&cache);
        let expect = |expected: &[(u32, u32, RemovalCause)]| {
            let mut heard = heard.lock().unwrap();
            heard.sort_by_key(|(key, ..)| *key);
            assert_eq!(*heard, expected, "{policy:?}");
            heard.clear();
        };
        cache.insert(1, 10);
        cache.insert(1, 11);
        expect(&[(1, 10, RemovalCause::Replaced)]);
        cache.remove(&1);
        expect(&[(1, 11, RemovalCause::Removed)]);
        cache.insert(2, 20);
        cache.insert(3, 30);
        cache.clear();
        expect(&[
            (2, 20, RemovalCause::Removed),
            (3, 30, RemovalCause::Removed),
        ]);
        cache.insert(4, 100);
        hand.advance(Duration::from_millis(100));
        cache.insert(4, 40);
        expect(&[(4, 100, RemovalCause::Expired)]);
        cache.set_capacity(1).unwrap();
        cache.insert(5, 50);
        expect(&[(4, 40, RemovalCause::Evicted)]);
        assert_eq!(cache.stats().listener_panics, 0);
    }
}

#[test]
fn a_panicking_listener_is_contained_and_counted() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let builder = Cache::builder(2)
            .policy(policy)
            .on_removal(|_, _, _| panic!("on purpose"));
        let cache: Cache<u32, u32> = builder.build().unwrap();
        cache.insert(1, 1);
        assert_eq!(cache.insert(1, 2), Some(1));
        assert_eq!(cache.get(&1), Some(2));
        assert_eq!(cache.stats().listener_panics, 1);
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "many entries and nothing new to the interpreter; `cargo test` runs it"
)]
fn expired_entries_make_room_though_nobody_asks_for_them() {
    let (clock, hand) = Clock::manual();
    let builder = Cache::builder(1_000)
        .time_to_live(Duration::from_millis(10))
        .clock(clock);
    let cache: Cache<u32, u32> = builder.build().unwrap();
    (0..100).for_each(|key| assert_eq!(cache.insert(key, key), None));
    hand.advance(Duration::from_millis(10));
    (1_000..1_100).for_each(|key| assert_eq!(cache.insert(key, key), None));
    assert_eq!(cache.len(), 100);
    assert_eq!(cache.stats().expirations, 100);
}

#[test]
#[cfg_attr(
    miri,
    ignore = "many entries and nothing new to the interpreter; `cargo test` runs it"
)]
fn jitter_spreads_the_ends_over_its_share_of_the_life() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let (clock, hand) = Clock::manual();
        let life = Duration::from_secs(1_000);
        let builder = Cache::builder(10_000)
            .policy(policy)
            .time_to_live(life)
            .jitter(0.2)
            .clock(clock);
        let cache: Cache<u32, u32> = builder.shards(1).build().unwrap();
        (0..10_000).for_each(|key| assert_eq!(cache.insert(key, key), None));
        let fresh = |seconds| {
            hand.advance(Duration::from_secs(seconds));
            cache.entries().len()
        };
        assert_eq!(fresh(799), 10_000);
        assert!((4_500..5_500).contains(&fresh(101)));
        assert_eq!(fresh(100), 0);
    }
}

#[test]
fn read_shows_the_value_where_it_is() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let cache: Cache<u32, Arc<u32>> = Cache::builder(4).policy(policy).build().unwrap();
        cache.insert(1, Arc::new(7));
        assert_eq!(
            cache.read(&1, |value| (**value, Arc::strong_count(value))),
            Some((7, 1))
        );
        assert_eq!(cache.read(&2, |_| ()), None);
    }
}

#[test]
fn a_value_may_be_replaced_and_the_cache_used_while_it_is_read() {
    let cache: Cache<u32, String> = Cache::builder(1).build().unwrap();
    cache.insert(1, "first".to_owned());
    let seen = cache.read(&1, |value| {
        for turn in 0..100 {
            cache.insert(1, format!("{turn}"));
            cache.insert(2, format!("{turn}"));
            cache.remove(&2);
            assert_eq!(cache.get(&1), None);
        }
        value.clone()
    });
    assert_eq!(
        seen.as_deref(),
        Some("first"),
        "what is being read stays as it was"
    );
    assert!(cache.is_empty());
}

/// Hashes a number to itself: what patterns the keys have, the hashes have too.
#[derive(Clone, Copy, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only u64 is hashed here");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "many entries and nothing new to the interpreter; `cargo test` runs it"
)]
fn issue_consecutive_keys_missed_a_shard() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let hasher = BuildHasherDefault::<Identity>::default();
        let builder = Cache::builder(100).policy(policy).shards(10).hasher(hasher);
        let cache: Cache<u64, u64, _> = builder.build().unwrap();
        (0..1_000).for_each(|key| assert_eq!(cache.insert(key, key), None));
        assert_eq!(cache.len(), 100, "{policy:?}");
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "many entries and nothing new to the interpreter; `cargo test` runs it"
)]
fn keys_with_one_hash_are_still_told_apart() {
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Colliding(u32);
    impl Hash for Colliding {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u8(0);
        }
    }
    for policy in [Policy::Adaptive, Policy::Lru] {
        let cache: Cache<Colliding, u32> = Cache::builder(100)
            .policy(policy)
            .shards(1)
            .build()
            .unwrap();
        (0..100).for_each(|key| assert_eq!(cache.insert(Colliding(key), key), None));
        assert!((0..100).all(|key| cache.get(&Colliding(key)) == Some(key)));
        assert_eq!(cache.remove(&Colliding(7)), Some(7));
        assert!((0..100).all(|key| cache.get(&Colliding(key)).is_some() == (key != 7)));
    }
}

#[test]
fn a_capacity_that_no_memory_is_there_for_is_an_error() {
    // More than an address space: no system can promise it.
    type Page = [u8; 1 << 17];
    let builder = || Cache::<u64, Page>::builder(i32::MAX as usize);
    let plain = builder().build();
    let tagged = builder().tags(|_, _, _| ()).build();
    let tenants = builder().tenants(|_| 1, [(1, 0.5)]).build();
    let loading = builder().loading(|_: &u64| Err::<Page, _>("down")).build();
    for error in [plain.err(), tagged.err(), tenants.err(), loading.err()] {
        let Some(BuildError::OutOfMemory {
            capacity, bytes, ..
        }) = error
        else {
            panic!("{error:?}");
        };
        assert!(capacity == i32::MAX as usize && bytes > capacity << 17);
        assert!(error.unwrap().to_string().contains("Policy::Lru"));
    }
    // Nothing is reserved where there is a node for each entry.
    let lru = builder().policy(crm_cache::Policy::Lru).build();
    assert!(lru.unwrap().is_empty());
}
