//! A bad configuration is refused with the remedy; a good one is what it says.

use std::hash::RandomState;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crm_cache::{BuildError, Cache, Clock};

fn refused(builder: crm_cache::CacheBuilder<u32, u32>) -> BuildError {
    builder.build().unwrap_err()
}

#[test]
fn nonsense_is_refused_and_the_message_names_the_remedy() {
    assert_eq!(refused(Cache::builder(0)), BuildError::ZeroCapacity);
    assert_eq!(refused(Cache::builder(9).shards(0)), BuildError::ZeroShards);
    assert_eq!(
        refused(Cache::builder(9).time_to_live(Duration::ZERO)),
        BuildError::ZeroTimeToLive
    );
    let error = refused(Cache::builder(9).shards(10));
    assert_eq!(
        error,
        BuildError::MoreShardsThanEntries {
            shards: 10,
            capacity: 9
        }
    );
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
fn debug_says_what_was_configured() {
    let builder = Cache::<u32, u32>::builder(8)
        .shards(2)
        .time_to_live(Duration::from_secs(5));
    assert!(format!("{builder:?}").contains("capacity: 8"));
    let cache = builder.build().unwrap();
    assert_eq!(
        format!("{cache:?}"),
        "Cache { capacity: 8, shards: 2, time_to_live: Some(5s), .. }"
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
    let (clock, hand) = Clock::manual();
    let second = Duration::from_secs(1);
    let cache: Arc<Cache<u32, Reentering>> = Arc::new(
        Cache::builder(1)
            .time_to_live(second)
            .clock(clock)
            .build()
            .unwrap(),
    );
    let drops = Arc::new(AtomicU32::new(0));
    let value = || Reentering(Arc::clone(&cache), Arc::clone(&drops));
    cache.insert(1, value());
    cache.insert(1, value()); // replaced
    cache.insert(2, value()); // evicted
    cache.remove(&2); // removed
    cache.insert(3, value());
    cache.clear(); // cleared
    cache.insert(4, value());
    hand.advance(second);
    assert!(cache.get(&4).is_none()); // expired
    cache.insert(5, value());
    hand.advance(second);
    cache.insert(5, value()); // expired and overwritten
    hand.advance(second);
    assert!(cache.remove(&5).is_none()); // expired and removed
    assert_eq!(drops.load(Ordering::Relaxed), 7);
    cache.clear();
}
