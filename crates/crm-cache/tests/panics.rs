//! A panic in the user's code goes to its caller and leaves a cache that works: nothing is lost but what left.

use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::hash::{Hash, Hasher};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;

use crm_cache::{Cache, Policy, RemovalCause};

/// What the user's code does wrong, and what it has made and not yet dropped.
#[derive(Default)]
struct World {
    panics_in_hash: AtomicBool,
    panics_in_eq: AtomicBool,
    panics_in_clone: AtomicBool,
    panics_in_drop: AtomicBool,
    alive: AtomicI64,
}

fn maybe_panic(switch: &AtomicBool) {
    assert!(!switch.load(Ordering::Relaxed), "on purpose");
}

struct Key(u32, Arc<World>);

impl Key {
    fn new(key: u32, world: &Arc<World>) -> Self {
        world.alive.fetch_add(1, Ordering::Relaxed);
        Self(key, Arc::clone(world))
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        maybe_panic(&self.1.panics_in_clone);
        Self::new(self.0, &self.1)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.1.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        maybe_panic(&self.1.panics_in_eq);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        maybe_panic(&self.1.panics_in_hash);
        self.0.hash(state);
    }
}

struct Value(u32, Arc<World>);

impl Value {
    fn new(value: u32, world: &Arc<World>) -> Self {
        world.alive.fetch_add(1, Ordering::Relaxed);
        Self(value, Arc::clone(world))
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        maybe_panic(&self.1.panics_in_clone);
        Self::new(self.0, &self.1)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.1.alive.fetch_sub(1, Ordering::Relaxed);
        if !thread::panicking() {
            maybe_panic(&self.1.panics_in_drop);
        }
    }
}

type Fixture = Cache<Key, Value>;

const CAPACITY: u32 = 4;

fn full_cache(policy: Policy, shards: usize, world: &Arc<World>) -> Fixture {
    let cache = Cache::builder(CAPACITY as usize)
        .policy(policy)
        .shards(shards)
        .build()
        .unwrap();
    for key in 0..CAPACITY {
        drop(cache.insert(Key::new(key, world), Value::new(key, world)));
    }
    cache
}

fn panics(run: impl FnOnce()) {
    assert!(
        catch_unwind(AssertUnwindSafe(run)).is_err(),
        "the panic reaches its caller"
    );
}

fn while_panicking(switch: &AtomicBool, run: impl FnOnce()) {
    switch.store(true, Ordering::Relaxed);
    panics(run);
    switch.store(false, Ordering::Relaxed);
}

/// Destructors of what was evicted or replaced may run in a later call.
fn while_perhaps_panicking(switch: &AtomicBool, run: impl FnOnce()) {
    switch.store(true, Ordering::Relaxed);
    let _ = catch_unwind(AssertUnwindSafe(run));
    switch.store(false, Ordering::Relaxed);
}

fn number(cache: &Fixture, key: u32, world: &Arc<World>) -> Option<u32> {
    cache.get(&Key::new(key, world)).map(|value| value.0)
}

/// The cache takes in as many as it is for, serves them, and in the end leaks nothing.
fn works(cache: Fixture, world: &Arc<World>) {
    let capacity = cache.capacity() as u32;
    let rounds = if cfg!(miri) { 2 } else { 10 };
    for key in 0..rounds * capacity {
        drop(cache.insert(Key::new(key, world), Value::new(100 + key, world)));
        assert_eq!(number(&cache, key, world), Some(100 + key));
        assert!(cache.len() <= cache.capacity());
    }
    assert_eq!(cache.len(), cache.capacity());
    let stats = cache.stats();
    assert_eq!(
        stats.insertions,
        cache.len() as u64 + stats.evictions + stats.expirations + stats.removals,
        "{stats:?}"
    );
    cache.clear();
    assert!(cache.is_empty());
    drop(cache.insert(Key::new(7, world), Value::new(7, world)));
    assert_eq!(number(&cache, 7, world), Some(7));
    drop(cache);
    assert_eq!(
        world.alive.load(Ordering::Relaxed),
        0,
        "leaked, or dropped twice"
    );
}

fn for_each_fixture(check: impl Fn(Fixture, Arc<World>)) {
    for policy in [Policy::Adaptive, Policy::Lru] {
        // The interpreter takes seconds to build a cache.
        for shards in if cfg!(miri) { 2..3 } else { 1..3 } {
            let world = Arc::default();
            check(full_cache(policy, shards, &world), world);
        }
    }
}

#[test]
fn a_panic_in_hash_or_eq_changes_nothing() {
    for_each_fixture(|cache, world| {
        let held: Vec<u32> = (0..CAPACITY)
            .filter(|key| number(&cache, *key, &world).is_some())
            .collect();
        for switch in [&world.panics_in_hash, &world.panics_in_eq] {
            let key = || Key::new(held[0], &world);
            while_panicking(switch, || drop(cache.get(&key())));
            while_panicking(switch, || drop(cache.remove(&key())));
            while_panicking(switch, || {
                drop(cache.insert(key(), Value::new(9, &world)));
            });
            while_panicking(switch, || {
                drop(cache.get_or_load(&key(), |_| Err::<Value, _>(io::Error::other("down"))));
            });
        }
        for key in held {
            assert_eq!(number(&cache, key, &world), Some(key));
        }
        works(cache, &world);
    });
}

#[test]
fn a_panic_in_clone_leaves_the_entry() {
    for_each_fixture(|cache, world| {
        let held = (0..CAPACITY)
            .find(|key| number(&cache, *key, &world).is_some())
            .unwrap();
        let key = || Key::new(held, &world);
        let (len, switch) = (cache.len(), &world.panics_in_clone);
        while_panicking(switch, || drop(cache.get(&key())));
        while_panicking(switch, || drop(cache.entries()));
        assert_eq!(cache.len(), len);
        assert_eq!(number(&cache, held, &world), Some(held));
        let absent = Key::new(77, &world);
        while_panicking(switch, || {
            drop(cache.get_or_load(&absent, |_| Ok::<_, io::Error>(Value::new(1, &world))));
        });
        drop(absent);
        works(cache, &world);
    });
}

#[test]
fn what_was_there_before_is_handed_out_as_it_is() {
    let world: Arc<World> = Arc::default();
    let cache = full_cache(Policy::Adaptive, 1, &world);
    let key = || Key::new(0, &world);
    world.panics_in_clone.store(true, Ordering::Relaxed);
    let before = cache.insert(key(), Value::new(9, &world));
    assert_eq!(before.map(|value| value.0), Some(0), "nothing was cloned");
    let before = cache.remove(&key());
    assert_eq!(before.map(|value| value.0), Some(9), "nothing was cloned");
    world.panics_in_clone.store(false, Ordering::Relaxed);
    works(cache, &world);
}

#[test]
fn a_panic_in_clone_of_what_was_there_before_comes_after_the_write() {
    let causes: Arc<Mutex<Vec<RemovalCause>>> = Arc::default();
    for listens in [false, true] {
        let world: Arc<World> = Arc::default();
        let builder = Cache::builder(CAPACITY as usize).shards(1);
        let told = Arc::clone(&causes);
        let cache: Fixture = if listens {
            builder.on_removal(move |_, _, cause| told.lock().unwrap().push(cause))
        } else {
            builder
        }
        .build()
        .unwrap();
        let key = || Key::new(0, &world);
        drop(cache.insert(key(), Value::new(0, &world)));
        let switch = &world.panics_in_clone;
        // A reader holds what is taken out, so that the caller gets a clone.
        cache.read(&key(), |value| {
            while_panicking(switch, || {
                drop(cache.insert(key(), Value::new(9, &world)));
            });
            assert_eq!(number(&cache, 0, &world), Some(9), "the write is done");
            while_panicking(switch, || drop(cache.remove(&key())));
            assert_eq!(number(&cache, 0, &world), None, "the write is done");
            assert_eq!(value.0, 0);
        });
        assert_eq!((cache.len(), cache.stats().replacements), (0, 1));
        works(cache, &world);
    }
    let causes = &causes.lock().unwrap()[..2];
    assert_eq!(causes, [RemovalCause::Replaced, RemovalCause::Removed]);
}

#[test]
fn a_panic_in_clone_leaves_a_locked_shard_as_it_was() {
    let world: Arc<World> = Arc::default();
    let cache = full_cache(Policy::Lru, 1, &world);
    let key = || Key::new(0, &world);
    let switch = &world.panics_in_clone;
    while_panicking(switch, || drop(cache.remove(&key())));
    while_panicking(switch, || {
        drop(cache.insert(key(), Value::new(9, &world)));
    });
    assert_eq!(number(&cache, 0, &world), Some(0));
    works(cache, &world);
}

#[test]
fn issue_a_panic_in_drop_lost_room_for_good() {
    for_each_fixture(|cache, world| {
        let switch = &world.panics_in_drop;
        while_panicking(switch, || cache.clear());
        cache.clear();
        for key in 0..3 {
            drop(cache.insert(Key::new(key, &world), Value::new(key, &world)));
            while_panicking(switch, || drop(cache.remove(&Key::new(key, &world))));
            assert_eq!(number(&cache, key, &world), None);
        }
        works(cache, &world);
    });
}

#[test]
fn a_panic_in_drop_at_an_eviction_or_a_replacement_loses_nothing_else() {
    for_each_fixture(|cache, world| {
        for key in 10..20 {
            for _ in 0..2 {
                while_perhaps_panicking(&world.panics_in_drop, || {
                    drop(cache.insert(Key::new(key, &world), Value::new(key, &world)));
                });
                // Absent if what panicked had to make room in another shard first.
                let number = number(&cache, key, &world);
                assert!(number.is_none_or(|number| number == key));
            }
        }
        works(cache, &world);
    });
}

#[test]
fn issue_a_panic_in_drop_while_the_capacity_was_lowered_set_it_off_for_good() {
    for_each_fixture(|cache, world| {
        for capacity in [3, 2] {
            while_perhaps_panicking(&world.panics_in_drop, || {
                cache.set_capacity(capacity).unwrap();
            });
            assert_eq!(cache.capacity(), capacity);
            assert!(cache.len() <= capacity);
        }
        cache.set_capacity(4).unwrap();
        works(cache, &world);
    });
}

#[test]
fn a_panic_in_drop_at_the_end_of_the_cache_leaks_nothing() {
    // Under the LRU policy a panic in there leaks what the map had not yet dropped.
    let world = Arc::default();
    let cache = full_cache(Policy::Adaptive, 1, &world);
    while_panicking(&world.panics_in_drop, || drop(cache));
    assert_eq!(world.alive.load(Ordering::Relaxed), 0);
}

#[test]
fn a_panic_while_a_value_is_read_ends_the_visit() {
    for_each_fixture(|cache, world| {
        for key in 0..CAPACITY {
            if cache.read(&Key::new(key, &world), |_| ()).is_some() {
                panics(|| {
                    cache.read(&Key::new(key, &world), |_| panic!("on purpose"));
                });
                let before = world.alive.load(Ordering::Relaxed);
                drop(cache.remove(&Key::new(key, &world)));
                assert_eq!(
                    world.alive.load(Ordering::Relaxed),
                    before - 2,
                    "key and value are gone: nobody is visiting"
                );
            }
        }
        works(cache, &world);
    });
}

#[test]
fn issue_those_who_wait_for_a_load_are_woken_though_the_key_panics() {
    for_each_fixture(|cache, world| {
        thread::scope(|scope| {
            let (begun, has_begun) = mpsc::channel();
            let (cache, world) = (&cache, &world);
            scope.spawn(move || {
                let loaded = cache.get_or_load(&Key::new(77, world), |_| {
                    begun.send(()).unwrap();
                    while cache.stats().load_waits == 0 {
                        thread::yield_now();
                    }
                    world.panics_in_hash.store(true, Ordering::Relaxed);
                    Err::<Value, _>(io::Error::other("down"))
                });
                assert!(loaded.is_err());
            });
            has_begun.recv().unwrap();
            let waited = cache.get_or_load(&Key::new(77, world), |_| -> io::Result<Value> {
                unreachable!("somebody else loads")
            });
            assert!(waited.is_err());
        });
        world.panics_in_hash.store(false, Ordering::Relaxed);
        let value = cache.get_or_load(&Key::new(77, &world), |_| {
            Ok::<_, io::Error>(Value::new(5, &world))
        });
        assert_eq!(value.unwrap().0, 5);
        works(cache, &world);
    });
}

/// A key of which one drop panics, the one that is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Fragile(u32);

thread_local! {
    static DROPS_LEFT: Cell<u32> = const { Cell::new(0) };
}

impl Drop for Fragile {
    fn drop(&mut self) {
        let left = DROPS_LEFT.get();
        DROPS_LEFT.set(left.saturating_sub(1));
        assert!(left != 1 || thread::panicking(), "on purpose");
    }
}

/// Whichever drop of a key panics.
#[test]
fn issue_a_panic_in_drop_of_a_key_lost_its_load_or_the_lead_of_the_queue() {
    let keys = |keys: &[u32]| keys.iter().map(|&key| Fragile(key)).collect::<Vec<_>>();
    let load = |keys: &[Fragile]| {
        let pairs = keys.iter().rev().map(|key| (key.clone(), key.0));
        Ok::<_, io::Error>(pairs.collect::<Vec<_>>())
    };
    let mut panics = 0;
    for nth in 1..40 {
        for is_queued in [false, true] {
            let cache: Cache<Fragile, u32> = Cache::builder(100).max_batch(2).build().unwrap();
            let mut context = Context::from_waker(Waker::noop());
            let (first, pages) = (keys(&[9]), [keys(&[1, 2, 3]), keys(&[3, 4])]);
            let never = |_| pending::<io::Result<Vec<(Fragile, u32)>>>();
            let mut leads =
                is_queued.then(|| Box::pin(cache.get_many_or_load_async(&first, never)));
            if let Some(call) = &mut leads {
                assert!(call.as_mut().poll(&mut context).is_pending());
            }
            let waits = |page| cache.get_many_or_load_async(page, |keys| ready(load(&keys)));
            let mut calls: Vec<_> = pages
                .iter()
                .map(|page| Some(Box::pin(waits(page))))
                .collect();
            DROPS_LEFT.set(nth);
            let mut failed = [false; 2];
            for round in 0..2 {
                for (call, failed) in calls.iter_mut().zip(&mut failed) {
                    let run = || {
                        let call = call.as_mut()?;
                        let is_over = call.as_mut().poll(&mut context).is_ready();
                        Some(is_over)
                    };
                    let result = catch_unwind(AssertUnwindSafe(run));
                    *failed |= result.is_err();
                    // A call that is dropped in the queue, and one that has panicked.
                    if result.is_err()
                        || (round == 0 && nth % 2 == 0)
                        || result.unwrap() == Some(true)
                    {
                        let call = call.take();
                        *failed |= catch_unwind(AssertUnwindSafe(|| drop(call))).is_err();
                    }
                }
                let lead = leads.take();
                failed[0] |= catch_unwind(AssertUnwindSafe(|| drop(lead))).is_err();
            }
            calls.clear();
            DROPS_LEFT.set(0);
            panics += failed.iter().filter(|&&failed| failed).count();
            // Nobody else is there: whoever waits now waits for ever.
            let all = keys(&[1, 2, 3, 4, 9]);
            let page = cache.get_many_or_load(&all, load).unwrap();
            assert_eq!(page, [1, 2, 3, 4, 9].map(Some), "{nth} {is_queued}");
        }
    }
    assert!(panics > 15, "{panics}");
}

#[test]
fn a_panicking_listener_loses_nothing() {
    for policy in [Policy::Adaptive, Policy::Lru] {
        let world: Arc<World> = Arc::default();
        let cache: Fixture = Cache::builder(CAPACITY as usize)
            .policy(policy)
            .shards(1)
            .on_removal(|_, _, _| panic!("on purpose"))
            .build()
            .unwrap();
        for key in 0..10 {
            drop(cache.insert(Key::new(key, &world), Value::new(key, &world)));
        }
        drop(cache.remove(&Key::new(9, &world)));
        cache.set_capacity(2).unwrap();
        assert!(cache.stats().listener_panics >= 7);
        works(cache, &world);
    }
}
