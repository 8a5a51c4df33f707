//! One test for each class of bugs that other caches have had, so that this one does not get them too.

use std::cell::Cell;
use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, OnceLock, Weak, mpsc};
use std::thread;
use std::time::Duration;

use crm_cache::{Cache, CacheBuilder, Clock, Policy, RemovalCause};

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

/// Some count, or less of it under the interpreter, which is some hundred times slower.
const fn or_less(count: u32) -> u32 {
    if cfg!(miri) { count / 100 } else { count }
}

/// A seeded source of numbers, by xorshift (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    /// A rank from 0 to `count - 1` that falls off as one over the rank.
    fn skewed(&mut self, count: u64) -> u64 {
        let fraction = self.below(1 << 53) as f64 / (1_u64 << 53) as f64;
        ((count as f64).powf(fraction) - 1.0) as u64
    }
}

/// Runs what may hang in a thread of its own, so that it fails instead.
#[track_caller]
fn ends(run: impl FnOnce() + Send + 'static) {
    let (end, has_ended) = mpsc::channel();
    let running = thread::spawn(move || {
        run();
        // Nobody listens any more if this took too long.
        let _ = end.send(());
    });
    match has_ended.recv_timeout(Duration::from_secs(if cfg!(miri) { 600 } else { 20 })) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        // It has ended, by a panic or not.
        _ => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
    }
}

/// A value that is counted while it lives.
struct Counted {
    number: u32,
    alive: Arc<AtomicI64>,
}

impl Counted {
    fn new(number: u32, alive: &Arc<AtomicI64>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self {
            number,
            alive: Arc::clone(alive),
        }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.number, &self.alive)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Leaks: nodes that were not freed at an eviction or an expiry, values that outlived their cache (moka#64, #176, #329),
/// values of guards that were dropped (quick-cache PR 120).
#[test]
fn a_value_is_gone_when_its_entry_is_whatever_took_it_out() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let second = Duration::from_secs(1);
        let alive = Arc::new(AtomicI64::new(0));
        let value = |number| Counted::new(number, &alive);
        let cache: Cache<u32, Counted> = Cache::builder(4)
            .policy(policy)
            .shards(1)
            .time_to_live(second)
            .weigher(100, |_, value: &Counted| u64::from(value.number))
            .clock(clock)
            .build()
            .unwrap();
        let check = |after: &str| {
            // What was taken out waits while somebody reads, be it another test in a cache of its own, and goes with the
            // next removal after that.
            let is_leaking = || alive.load(Ordering::Relaxed) > cache.len() as i64;
            let mut patience = 1_000;
            while is_leaking() && patience > 0 {
                drop(cache.insert(99, value(1)));
                drop(cache.remove(&99));
                thread::yield_now();
                patience -= 1;
            }
            assert_eq!(
                alive.load(Ordering::Relaxed),
                cache.len() as i64,
                "{after}, {policy:?}"
            );
        };
        drop(cache.insert(1, value(1)));
        drop(cache.insert(1, value(2)));
        check("replaced");
        drop(cache.replace(1, value(3)));
        drop(cache.replace(2, value(3)));
        check("replaced or not");
        drop(cache.remove_if(&1, |value| value.number > 3));
        drop(cache.remove_if(&1, |value| value.number == 3));
        check("removed on a condition");
        for key in 0..50 {
            drop(cache.insert(key, value(1)));
        }
        check("evicted for room");
        for key in 0..50 {
            drop(cache.insert(key, value(60)));
        }
        check("evicted for weight");
        drop(cache.insert(1, value(101)));
        drop(cache.try_insert(1, value(101)));
        check("refused");
        cache.set_max_weight(1_000).unwrap();
        for key in 0..4 {
            drop(cache.insert(key, value(10)));
        }
        cache.set_capacity(2).unwrap();
        check("evicted by a lower capacity");
        cache.set_max_weight(5).unwrap();
        check("evicted by a lower weight");
        cache.set_capacity(4).unwrap();
        drop(cache.insert(1, value(1)));
        hand.advance(second);
        assert!(cache.get(&1).is_none());
        drop(cache.insert(1, value(1)));
        check("expired and overwritten");
        hand.advance(second);
        cache.remove_expired();
        check("expired and swept");
        drop(cache.insert(1, value(1)));
        cache.clear();
        check("cleared");
        drop(cache.get_or_load(&1, |_| Ok::<_, io::Error>(value(1))));
        drop(cache.get_or_load(&2, |_| {
            drop(cache.insert(2, value(1)));
            Ok::<_, io::Error>(value(1))
        }));
        drop(cache.get_or_load(&3, |_| Ok::<_, io::Error>(value(101))));
        let _ = catch_unwind(AssertUnwindSafe(|| {
            cache.get_or_insert_with(&4, |_| {
                let _value = value(1);
                panic!("on purpose")
            })
        }));
        check("loaded, voided, too heavy, given up");
        for key in 0..4 {
            drop(cache.insert(key, value(1)));
        }
        assert!(!cache.is_empty());
        drop(cache);
        assert_eq!(alive.load(Ordering::Relaxed), 0, "the end, {policy:?}");
        let cache: Cache<u32, Counted> = Cache::builder(4).policy(policy).build().unwrap();
        for key in 0..4 {
            drop(cache.insert(key, value(1)));
        }
        drop(cache);
        assert_eq!(alive.load(Ordering::Relaxed), 0, "at once, {policy:?}");
    }
}

/// Use after free: readers in a table while it was rebuilt or evicted from (moka#34, #281, #600), nodes that a timer still
/// pointed to (moka#524, #527, #565). An interpreter or a sanitiser sees more here than the assertions do.
#[test]
fn readers_see_whole_values_while_the_table_grows_and_entries_expire() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, Box<[u32; 4]>> = Cache::builder(8)
            .policy(policy)
            .shards(2)
            .time_to_live(Duration::from_millis(5))
            .clock(clock)
            .build()
            .unwrap();
        let (start, is_over) = (Barrier::new(3), AtomicBool::new(false));
        thread::scope(|scope| {
            for seed in 1..3 {
                let (cache, start, is_over) = (&cache, &start, &is_over);
                scope.spawn(move || {
                    let mut random = Random(seed);
                    start.wait();
                    while !is_over.load(Ordering::Relaxed) {
                        let key = random.below(4_096) as u32;
                        cache.read(&key, |value| assert_eq!(**value, [key; 4]));
                    }
                });
            }
            start.wait();
            for turn in 0..or_less(40_000) {
                let key = turn % 4_096;
                cache.insert(key, Box::new([key; 4]));
                if turn % 64 == 0 {
                    let capacity = 8 + turn as usize / 16;
                    cache.set_capacity(capacity).unwrap();
                    hand.advance(Duration::from_millis(1));
                    cache.remove(&(key / 2));
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }
}

/// Policy and table diverge: an entry that the policy still counts, or no longer knows, stalls evictions until the cache
/// grows without bound (moka#590 and PR 348).
#[test]
fn evictions_go_on_after_every_kind_of_removal_by_several_threads() {
    const CAPACITY: usize = 64;
    for policy in POLICIES {
        ends(move || {
            let (clock, hand) = Clock::manual();
            let cache: Cache<u32, u32> = Cache::builder(CAPACITY)
                .policy(policy)
                .shards(1)
                .time_to_live(Duration::from_millis(50))
                .clock(clock)
                .build()
                .unwrap();
            let start = Barrier::new(3);
            thread::scope(|scope| {
                for seed in 1..4 {
                    let (cache, start, hand) = (&cache, &start, &hand);
                    scope.spawn(move || {
                        let mut random = Random(seed);
                        start.wait();
                        for _ in 0..or_less(20_000) {
                            // The same few keys in all threads, so that they meet.
                            let key = random.below(96) as u32;
                            match random.below(16) {
                                0 => drop(cache.remove(&key)),
                                1 => drop(cache.remove_if(&key, |value| value % 2 == 0)),
                                2 => drop(cache.replace(key, key)),
                                3 => drop(hand.advance(Duration::from_millis(1))),
                                4 if key == 0 => cache.clear(),
                                5 if key < 4 => drop(cache.remove_expired()),
                                _ => drop(cache.insert(key, key)),
                            }
                            assert!(cache.len() <= CAPACITY);
                        }
                    });
                }
            });
            let before = cache.stats();
            let left = cache.len() as u64;
            let gone = before.evictions + before.expirations + before.removals;
            assert_eq!(before.insertions, left + gone, "{policy:?}");
            let new = 1_000..1_000 + 10 * CAPACITY as u32;
            for key in new.clone() {
                cache.insert(key, key);
                assert!(cache.len() <= CAPACITY);
            }
            assert_eq!(cache.len(), CAPACITY, "{policy:?}");
            let after = cache.stats();
            let evicted = after.evictions - before.evictions;
            let expired = after.expirations - before.expirations;
            assert_eq!(left + new.len() as u64, CAPACITY as u64 + evicted + expired);
            let found = (0..96).chain(new).filter(|key| cache.get(key).is_some());
            assert_eq!(found.count(), CAPACITY, "{policy:?}");
        });
    }
}

/// A lost update, or an outcome that does not belong to the write that was made (moka PR 574, PR 593).
#[test]
fn each_value_is_handed_out_by_exactly_one_write() {
    const THREADS: u32 = 3;
    let turns = or_less(20_000);
    for policy in POLICIES {
        let cache: Cache<u32, u32> = Cache::builder(4).policy(policy).shards(1).build().unwrap();
        let start = Barrier::new(THREADS as usize);
        let (mut stored, mut handed_out) = (Vec::new(), Vec::new());
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (cache, start) = (&cache, &start);
                    scope.spawn(move || {
                        let mut random = Random(u64::from(thread) + 1);
                        let (mut stored, mut handed_out) = (Vec::new(), Vec::new());
                        start.wait();
                        for value in thread * turns..(thread + 1) * turns {
                            // One key, and nothing is evicted: what is stored leaves through somebody's hands.
                            match random.below(4) {
                                0 => handed_out.extend(cache.remove(&1)),
                                1 => handed_out.extend(cache.remove_if(&1, |held| held % 2 == 0)),
                                2 => {
                                    if let Ok(previous) = cache.replace(1, value) {
                                        stored.push(value);
                                        handed_out.push(previous);
                                    }
                                }
                                _ => {
                                    stored.push(value);
                                    handed_out.extend(cache.insert(1, value));
                                }
                            }
                        }
                        (stored, handed_out)
                    })
                })
                .collect();
            for thread in threads {
                let (some_stored, some_handed_out) = thread.join().unwrap();
                stored.extend(some_stored);
                handed_out.extend(some_handed_out);
            }
        });
        handed_out.extend(cache.remove(&1));
        stored.sort_unstable();
        handed_out.sort_unstable();
        assert_eq!(stored, handed_out, "{policy:?}");
    }
}

/// Cancellation: a panic after an initialiser was given up (moka#59), those who wait for it stuck (moka#240, quick-cache
/// PR 104), an entry that the policy has never seen (moka PR 307).
#[test]
fn when_loaders_give_up_each_of_those_who_wait_gets_its_turn() {
    const CALLERS: u64 = 6;
    for policy in POLICIES {
        ends(move || {
            let cache: Cache<u32, u32> =
                Cache::builder(2).policy(policy).shards(1).build().unwrap();
            let (start, runs) = (Barrier::new(CALLERS as usize), AtomicU64::new(0));
            let gave_up = AtomicU64::new(0);
            thread::scope(|scope| {
                for _ in 0..CALLERS {
                    scope.spawn(|| {
                        start.wait();
                        let value = catch_unwind(AssertUnwindSafe(|| {
                            cache.get_or_insert_with(&1, |_| {
                                let run = runs.fetch_add(1, Ordering::Relaxed);
                                // All others wait: for the first run, and those that are left for each later one.
                                let waits: u64 = (CALLERS - 1 - run..CALLERS).sum();
                                while cache.stats().load_waits < waits {
                                    thread::yield_now();
                                }
                                assert!(run == CALLERS - 1, "on purpose");
                                10
                            })
                        }));
                        match value {
                            Ok(value) => assert_eq!(value, 10),
                            Err(_) => drop(gave_up.fetch_add(1, Ordering::Relaxed)),
                        }
                    });
                }
            });
            assert_eq!(gave_up.into_inner(), CALLERS - 1);
            assert_eq!(cache.stats().load_failures, CALLERS - 1);
            assert_eq!(cache.get(&1), Some(10));
            // The entry is one like any other: it leaves in its time.
            for key in 2..100 {
                cache.insert(key, key);
            }
            assert_eq!((cache.len(), cache.get(&1)), (2, None));
            assert_eq!(cache.get_or_insert_with(&1, |_| 11), 11);
        });
    }
}

/// A writer that spins for maintenance that cannot be done now (moka#412, caffeine#90): here, to empty what was taken out
/// while a reader stays inside.
#[test]
fn a_writer_gets_on_while_a_reader_holds_everything_up() {
    ends(|| {
        let alive = Arc::new(AtomicI64::new(0));
        let cache: Cache<u32, Counted> = Cache::builder(8).shards(1).build().unwrap();
        drop(cache.insert(0, Counted::new(0, &alive)));
        let (entered, has_entered) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let cache = &cache;
            scope.spawn(move || {
                cache.read(&0, |_| {
                    entered.send(()).unwrap();
                    may_leave.recv().unwrap();
                })
            });
            has_entered.recv().unwrap();
            for key in 1..or_less(50_000) {
                drop(cache.insert(key % 100, Counted::new(key, &alive)));
                assert!(cache.len() <= 8);
            }
            cache.clear();
            assert!(cache.is_empty());
            leave.send(()).unwrap();
        });
        // What was held up goes with a removal after the reader has left; readers of other tests may be in the way once.
        while alive.load(Ordering::Relaxed) > 0 {
            drop(cache.insert(1, Counted::new(1, &alive)));
            drop(cache.remove(&1));
        }
    });
}

/// The same class where the writer is its own obstacle: the room that it has made is not to be waited for by what the
/// removal listener does meanwhile.
#[test]
fn a_listener_may_store_while_room_is_made_in_another_shard() {
    for policy in POLICIES {
        ends(move || {
            let door: Arc<OnceLock<Weak<Cache<u32, u64>>>> = Arc::default();
            let inner = Arc::clone(&door);
            let cache = Cache::<u32, u64>::builder(100)
                .policy(policy)
                .shards(2)
                .weigher(10, |_, weight| *weight)
                .on_removal(move |key, _, cause| {
                    if cause == RemovalCause::Evicted && *key < 1_000 {
                        // A mark in place of what has left.
                        let cache = inner.get().and_then(Weak::upgrade).unwrap();
                        cache.insert(1_000 + key, 1);
                    }
                })
                .build()
                .unwrap();
            let cache = Arc::new(cache);
            door.set(Arc::downgrade(&cache)).unwrap();
            // Each fills the cache, whatever shard it belongs to.
            for key in 0..or_less(1_000).max(100) {
                cache.insert(key, 10);
                assert!(cache.weight() <= 10);
            }
        });
    }
}

/// A clearing that spares what came in within the clock's resolution (moka#155).
#[test]
fn a_clearing_takes_all_out_and_spares_all_that_comes_later_whatever_the_clock() {
    for policy in POLICIES {
        let (stands_still, _hand) = Clock::manual();
        for clock in [stands_still, Clock::coarse(), Clock::system()] {
            let cache: Cache<u32, u32> = Cache::builder(1_000)
                .policy(policy)
                .time_to_live(Duration::from_secs(3_600))
                .clock(clock)
                .build()
                .unwrap();
            for turn in 0..or_less(2_000) {
                for key in 0..4 {
                    cache.insert(key, turn);
                }
                cache.clear();
                assert!(cache.is_empty());
                assert!((0..4).all(|key| cache.get(&key).is_none()));
                cache.insert(0, turn);
                assert_eq!(cache.get(&0), Some(turn));
            }
        }
    }
}

thread_local! {
    /// Whether a key's `Hash` or `Eq` is using the cache, which asks for `Hash` and `Eq` again.
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// A key whose `Hash`, and on demand `Eq`, uses the cache that it is in.
#[derive(Clone)]
struct Nosy {
    number: u32,
    door: Arc<OnceLock<Weak<Cache<Nosy, u32>>>>,
    eq_too: Arc<AtomicBool>,
}

impl Nosy {
    fn use_the_cache(&self) {
        if !IS_INSIDE.replace(true) {
            if let Some(cache) = self.door.get().and_then(Weak::upgrade) {
                let other = Self {
                    number: self.number + 1,
                    ..self.clone()
                };
                cache.get(&other);
                cache.insert(other, 0);
                assert!(cache.len() <= cache.capacity());
            }
            IS_INSIDE.set(false);
        }
    }
}

impl Hash for Nosy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.use_the_cache();
        self.number.hash(state);
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Self) -> bool {
        if self.eq_too.load(Ordering::Relaxed) {
            self.use_the_cache();
        }
        self.number == other.number
    }
}

impl Eq for Nosy {}

/// Callbacks under a lock (caffeine#1065, #537; symbolicator PR 999 found one in moka): a key's `Hash` may use the cache
/// wherever it is asked, and its `Eq` in a read under the adaptive policy, which takes no lock.
#[test]
fn keys_may_use_the_cache_while_they_are_hashed_and_compared() {
    for policy in POLICIES {
        ends(move || {
            let door = Arc::default();
            let eq_too = Arc::new(AtomicBool::new(false));
            let key = |number| Nosy {
                number,
                door: Arc::clone(&door),
                eq_too: Arc::clone(&eq_too),
            };
            let builder = Cache::builder(64).policy(policy).shards(1);
            let cache: Arc<Cache<Nosy, u32>> = Arc::new(builder.build().unwrap());
            door.set(Arc::downgrade(&cache)).unwrap();
            for turn in 0..or_less(1_000) {
                let number = 2 * (turn % 8);
                cache.insert(key(number), number);
                assert_eq!(cache.get(&key(number)), Some(number));
                assert_eq!(cache.remove(&key(number)), Some(number));
                assert_eq!(cache.get_or_insert_with(&key(number), |_| number), number);
                let _ = cache.replace(key(number), number);
            }
            assert!(cache.len() > 1);
            if policy == Policy::Adaptive {
                eq_too.store(true, Ordering::Relaxed);
                for number in 0..16 {
                    cache.read(&key(number), |_| {});
                }
            }
        });
    }
}

/// A value that uses its cache when it is dropped.
#[derive(Clone)]
struct LastWord(u32, Arc<OnceLock<Weak<Cache<u32, LastWord>>>>);

impl Drop for LastWord {
    fn drop(&mut self) {
        if let Some(cache) = self.1.get().and_then(Weak::upgrade) {
            cache.read(&self.0, |_| {});
            cache.remove(&(self.0 + 1_000));
            assert!(cache.len() <= cache.capacity());
        }
    }
}

/// The same class for what leaves: destructors, the listener and loaders may do anything with the cache.
#[test]
fn destructors_listeners_and_loaders_may_use_the_cache() {
    for policy in POLICIES {
        ends(move || {
            let (clock, hand) = Clock::manual();
            let door: Arc<OnceLock<Weak<Cache<u32, LastWord>>>> = Arc::default();
            let (inner, depth) = (Arc::clone(&door), AtomicU32::new(0));
            let value = |key| LastWord(key, Arc::clone(&door));
            let cache = Cache::builder(8)
                .policy(policy)
                .shards(2)
                .time_to_live(Duration::from_secs(1))
                .clock(clock)
                .on_removal(move |key: &u32, value: &LastWord, _| {
                    if depth.fetch_add(1, Ordering::Relaxed) == 0 {
                        let cache = inner.get().and_then(Weak::upgrade).unwrap();
                        drop(cache.get(key));
                        drop(cache.insert(500, value.clone()));
                        drop(cache.get_or_insert_with(&501, |_| value.clone()));
                        drop(cache.replace(500, value.clone()));
                        drop(cache.remove(&500));
                        cache.set_capacity(9).unwrap();
                        cache.set_capacity(8).unwrap();
                        cache.remove_expired();
                        assert!(cache.entries().len() <= 9 && cache.hottest(1).len() <= 1);
                        if key % 8 == 0 {
                            cache.clear();
                        }
                    }
                    depth.fetch_sub(1, Ordering::Relaxed);
                })
                .build()
                .unwrap();
            let cache = Arc::new(cache);
            door.set(Arc::downgrade(&cache)).unwrap();
            for turn in 0..or_less(2_000).max(100) {
                let key = turn % 32;
                drop(cache.insert(key, value(key)));
                drop(cache.insert(key, value(key)));
                drop(cache.get_or_insert_with(&(key + 1), |next| {
                    drop(cache.insert(next + 1, value(next + 1)));
                    cache.clear();
                    cache.get_or_insert_with(&(next + 2), |key| value(*key))
                }));
                hand.advance(Duration::from_millis(300));
                drop(cache.remove(&(key / 2)));
                cache.remove_expired();
            }
            assert_eq!(cache.stats().listener_panics, 0);
            cache.clear();
        });
    }
}

/// The same class while the bound changes: a listener that adjusts the bound, called because the bound is being lowered.
#[test]
fn a_listener_may_change_the_capacity_while_it_is_being_changed() {
    for policy in POLICIES {
        ends(move || {
            let door: Arc<OnceLock<Weak<Cache<u32, u32>>>> = Arc::default();
            let inner = Arc::clone(&door);
            let cache = Cache::<u32, u32>::builder(8)
                .policy(policy)
                .shards(1)
                .weigher(100, |_, _| 1)
                .on_removal(move |key, _, _| {
                    let cache = inner.get().and_then(Weak::upgrade).unwrap();
                    if *key < 8 {
                        cache.set_max_weight(50).unwrap();
                    } else {
                        cache.set_capacity(3).unwrap();
                    }
                });
            let cache = Arc::new(cache.build().unwrap());
            door.set(Arc::downgrade(&cache)).unwrap();
            for key in 0..8 {
                cache.insert(key, key);
            }
            cache.set_capacity(4).unwrap();
            // The other side of the bound has changed meanwhile, and this side has not been lost over it.
            let bound = || (cache.len(), cache.capacity(), cache.max_weight());
            assert_eq!(bound(), (4, 4, Some(50)), "{policy:?}");
            for key in 8..16 {
                cache.insert(key, key);
            }
            cache.set_capacity(4).unwrap();
            cache.set_capacity(2).unwrap();
            assert!(cache.len() <= 3 && cache.capacity() <= 3, "{policy:?}");
        });
    }
}

/// Gives every key the same hash.
#[derive(Default)]
struct Constant;

impl Hasher for Constant {
    fn finish(&self) -> u64 {
        0x5EED
    }

    fn write(&mut self, _: &[u8]) {}
}

/// Identity by hash alone, so that a customer is served another one's record (pingora#406).
#[test]
fn keys_with_one_hash_never_see_each_others_values_on_any_path() {
    const KEYS: u64 = 40;
    for policy in POLICIES {
        let cache = Cache::builder(24)
            .policy(policy)
            .shards(2)
            .hasher(BuildHasherDefault::<Constant>::default())
            .on_removal(|key: &u64, value: &u64, _| assert_eq!(key, value))
            .build()
            .unwrap();
        let start = Barrier::new(2);
        let hits: u64 = thread::scope(|scope| {
            let threads = [1, 2].map(|seed| {
                let (cache, start) = (&cache, &start);
                scope.spawn(move || {
                    let mut random = Random(seed);
                    let mut hits = 0;
                    let mut see = |key, value: Option<u64>| {
                        assert!(value.is_none_or(|value| value == key));
                        hits += u64::from(value.is_some());
                    };
                    start.wait();
                    for _ in 0..or_less(20_000) {
                        let key = random.below(KEYS);
                        match random.below(10) {
                            0 | 1 => see(key, cache.insert(key, key)),
                            2 => see(key, cache.remove(&key)),
                            3 => see(key, cache.remove_if(&key, |value| *value == key)),
                            4 => see(key, cache.replace(key, key).ok()),
                            5 => see(key, cache.try_insert(key, key).unwrap()),
                            6 => see(key, Some(cache.get_or_insert_with(&key, |key| *key))),
                            7 => see(key, cache.read(&key, |value| *value)),
                            _ => see(key, cache.get(&key)),
                        }
                    }
                    hits
                })
            });
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert!(hits > 0, "{policy:?}");
        assert!(cache.entries().iter().all(|(key, value)| key == value));
        assert_eq!(cache.stats().listener_panics, 0, "{policy:?}");
    }
}

/// Stores a key that was missed.
type WayIn = fn(&Cache<u64, u64>, u64);

/// An insert path that tells the policy something else than the others do: quick-cache#93, where whatever came in through
/// `get_or_insert` was taken to be in use.
#[test]
#[cfg_attr(miri, ignore = "hit ratios take some hundred thousand requests")]
fn every_way_in_gives_the_same_hit_ratio() {
    let mut random = Random(7);
    let mut scan = 1_000_000..;
    let trace: Vec<u64> = (0..30_000_u64)
        .map(|turn| match turn % 3 {
            0 => scan.next().unwrap_or(0),
            1 => random.skewed(10_000),
            _ => 2_000_000 + turn / 3 % 600,
        })
        .collect();
    let ways: [WayIn; 4] = [
        |cache, key| {
            cache.insert(key, key);
        },
        |cache, key| drop(cache.try_insert(key, key)),
        |cache, key| drop(cache.get_or_load(&key, |key| Ok::<_, io::Error>(*key))),
        |cache, key| {
            cache.get_or_insert_with(&key, |key| *key);
        },
    ];
    for policy in POLICIES {
        let ratios = ways.map(|way_in| {
            let cache: Cache<u64, u64> = Cache::builder(500)
                .policy(policy)
                .shards(1)
                .build()
                .unwrap();
            let hits = trace.iter().filter(|&&key| {
                let is_hit = cache.get(&key).is_some();
                if !is_hit {
                    way_in(&cache, key);
                }
                is_hit
            });
            let hits = hits.count();
            assert_eq!(cache.stats().hits, hits as u64);
            100.0 * hits as f64 / trace.len() as f64
        });
        let (least, most) = ratios
            .iter()
            .fold((f64::MAX, 0.0_f64), |(least, most), &ratio| {
                (least.min(ratio), most.max(ratio))
            });
        assert!(most > 10.0 && most - least < 1.0, "{policy:?}: {ratios:?}");
    }
}

/// The same class, in one call a request: what is loaded is one miss, and what is there is one hit (quick-cache#93).
#[test]
#[cfg_attr(miri, ignore = "hit ratios take some hundred thousand requests")]
fn asking_and_loading_in_one_call_gives_the_hit_ratio_of_doing_it_in_two() {
    let mut random = Random(8);
    let trace: Vec<u64> = (0..30_000_u64)
        .map(|turn| {
            if turn % 2 == 0 {
                1_000_000 + turn
            } else {
                random.skewed(10_000)
            }
        })
        .collect();
    for policy in POLICIES {
        let build = || -> Cache<u64, u64> {
            Cache::builder(500)
                .policy(policy)
                .shards(1)
                .build()
                .unwrap()
        };
        let (in_one, in_two) = (build(), build());
        for key in &trace {
            in_one.get_or_insert_with(key, |key| *key);
            if in_two.get(key).is_none() {
                in_two.insert(*key, *key);
            }
        }
        let ratio = |cache: &Cache<u64, u64>| {
            assert_eq!(cache.stats().reads(), trace.len() as u64);
            100.0 * cache.stats().hit_ratio().unwrap()
        };
        let (in_one, in_two) = (ratio(&in_one), ratio(&in_two));
        assert!(
            (in_one - in_two).abs() < 1.0,
            "{in_one} and {in_two}, {policy:?}"
        );
    }
}

/// A small cache that silently stores nothing (quick-cache#106).
#[test]
fn the_smallest_caches_store_what_they_are_given() {
    for policy in POLICIES {
        for capacity in 1..=8_u32 {
            for shards in 1..=capacity as usize {
                let builder = || -> CacheBuilder<u32, u32> {
                    Cache::builder(capacity as usize)
                        .policy(policy)
                        .shards(shards)
                };
                let plain = builder().build().unwrap();
                let weighed = builder()
                    .weigher(u64::from(capacity), |_, _| 1)
                    .build()
                    .unwrap();
                for cache in [plain, weighed] {
                    for key in 0..50 {
                        cache.insert(key, key);
                        let told = format!("{policy:?}, {key} of {capacity} in {shards}");
                        assert_eq!(cache.get(&key), Some(key), "{told}");
                        assert!(cache.len() <= capacity as usize, "{told}");
                    }
                    if policy == Policy::Adaptive || shards == 1 {
                        assert_eq!(cache.len(), capacity as usize);
                    }
                }
            }
            // One entry as heavy as the whole cache may be, and another one in its place.
            let cache: Cache<u32, u64> = Cache::builder(capacity as usize)
                .policy(policy)
                .weigher(5, |_, weight| *weight)
                .build()
                .unwrap();
            for key in 0..10 {
                cache.insert(key, 5);
                assert_eq!((cache.get(&key), cache.len()), (Some(5), 1));
            }
        }
    }
}

/// Evictions before the cache is full, because keys do not fall evenly on its shards (quick-cache#55).
#[test]
fn nothing_is_evicted_before_the_cache_is_full_whatever_the_shards() {
    let capacity = or_less(2_000).max(40);
    for shards in [1, 2, 3, 7, 16, 40] {
        let plain: Cache<u32, u32> = Cache::builder(capacity as usize)
            .shards(shards)
            .build()
            .unwrap();
        let weighed: Cache<u32, u32> = Cache::builder(capacity as usize)
            .shards(shards)
            .weigher(3 * u64::from(capacity), |_, _| 3)
            .build()
            .unwrap();
        for cache in [plain, weighed] {
            for key in 0..capacity {
                cache.insert(key, key);
            }
            assert_eq!(cache.stats().evictions, 0, "{shards} shards");
            assert!((0..capacity).all(|key| cache.get(&key) == Some(key)));
            cache.insert(capacity, capacity);
            assert_eq!(cache.stats().evictions, 1, "{shards} shards");
        }
    }
    // Under LRU a shard has its own share; a cache of one shard has all of it.
    let cache: Cache<u32, u32> = Cache::builder(capacity as usize)
        .policy(Policy::Lru)
        .shards(1)
        .build()
        .unwrap();
    for key in 0..capacity {
        cache.insert(key, key);
    }
    assert_eq!(cache.stats().evictions, 0);
}

/// From where on keys are an attacker's, who knows the hasher and has chosen them so that all have one hash.
const CHOSEN: u64 = 1 << 32;

/// The hasher that the attacker knows.
#[derive(Clone, Default)]
struct Known;

impl BuildHasher for Known {
    type Hasher = KnownHasher;

    fn build_hasher(&self) -> KnownHasher {
        KnownHasher(0)
    }
}

struct KnownHasher(u64);

impl Hasher for KnownHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are integers");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key.min(CHOSEN).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// How a working set fares during a flood of keys that come once each, two of them for each of its requests: its share of
/// hits before, during and after.
fn in_a_flood<S: BuildHasher + Clone>(builder: CacheBuilder<u64, u64, S>) -> [f64; 3] {
    const TURNS: u64 = 2_000;
    let cache = builder.build().unwrap();
    let mut random = Random(9);
    let mut working_set = |requests: u32| {
        let hits = (0..requests).filter(|_| {
            let key = random.skewed(2_000);
            let is_hit = cache.get(&key).is_some();
            if !is_hit {
                cache.insert(key, key);
            }
            is_hit
        });
        hits.count() as f64 / f64::from(requests)
    };
    working_set(10_000);
    let before = working_set(4_000);
    let mut during = 0.0;
    for turn in 0..TURNS {
        during += working_set(1) / TURNS as f64;
        for key in [2 * turn, 2 * turn + 1] {
            cache.insert(CHOSEN + key, 0);
        }
    }
    [before, during, working_set(4_000)]
}

/// A flood that passes for popular in what the policy remembers by hash (vimpunk/w-tinylfu#1). With the default hasher an
/// attacker cannot choose keys for that, and a flood is a scan: it costs the working set little. Where the hasher is known,
/// keys can be made to collide, and look popular together; then the policy is as good as LRU, which remembers nothing.
#[test]
#[cfg_attr(miri, ignore = "hit ratios take some hundred thousand requests")]
fn a_flood_does_not_push_out_the_working_set() {
    for shards in [1, 3] {
        let builder = |policy| Cache::builder(400).shards(shards).policy(policy);
        let [before, during, after] = in_a_flood(builder(Policy::Adaptive));
        assert!(
            during > before - 0.05 && after > before - 0.05,
            "{before:.3} before, {during:.3} during, {after:.3} after"
        );
        let [_, of_lru, _] = in_a_flood(builder(Policy::Lru).hasher(Known));
        let [before, during, after] = in_a_flood(builder(Policy::Adaptive).hasher(Known));
        assert!(
            during > of_lru - 0.05 && after > before - 0.15,
            "{before:.3} before, {during:.3} during, {of_lru:.3} by LRU, {after:.3} after"
        );
    }
}

/// Accesses of the cache itself counted as the user's: completed loads that were taken for hits cost Caffeine's adaptive
/// window up to 38 points of its hit ratio.
#[test]
fn only_what_users_ask_for_counts_as_hit_or_miss() {
    for policy in POLICIES {
        let cache: Cache<u32, u32> = Cache::builder(100).policy(policy).build().unwrap();
        let counts = || (cache.stats().hits, cache.stats().misses);
        let _ = cache.get_or_load(&1, |_| Ok::<_, Infallible>(1));
        assert_eq!(counts(), (0, 1), "a load is a miss, {policy:?}");
        let _ = cache.get_or_load(&2, |_| Err::<u32, _>(io::Error::other("no")));
        assert_eq!(counts(), (0, 2), "so is one that fails, {policy:?}");
        // Those who wait for somebody's load have missed.
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    cache.get_or_insert_with(&3, |_| {
                        while cache.stats().load_waits < 3 {
                            thread::yield_now();
                        }
                        3
                    })
                });
            }
        });
        assert_eq!(counts(), (0, 6), "{policy:?}");
        // Nothing of this asks for an entry.
        cache.insert(4, 4);
        cache.insert(4, 5);
        let _ = cache.try_insert(4, 6);
        let _ = cache.replace(4, 7);
        let _ = cache.replace(5, 7);
        cache.remove_if(&4, |_| false);
        cache.remove(&4);
        cache.remove(&5);
        cache.remove_expired();
        let _ = (cache.entries(), cache.hottest(9), cache.coldest(9));
        let _ = (cache.len(), cache.stats(), cache.weight());
        assert_eq!(counts(), (0, 6), "{policy:?}");
        for _ in 0..10 {
            cache.get_or_insert_with(&1, |_| unreachable!());
            cache.get(&1);
            cache.read(&1, |_| {});
        }
        cache.get(&9);
        assert_eq!(counts(), (30, 7), "{policy:?}");
    }
}

/// The same class in the policy: what the cache does for itself, and looks that are no use, leave the order as it is.
#[test]
fn looks_that_are_no_use_do_not_keep_an_entry() {
    let cache: Cache<u32, u32> = Cache::builder(3)
        .policy(Policy::Lru)
        .shards(1)
        .build()
        .unwrap();
    for key in 1..=3 {
        cache.insert(key, key);
    }
    let _ = (cache.entries(), cache.hottest(3), cache.coldest(3));
    cache.remove_if(&1, |_| false);
    cache.insert(4, 4);
    let keys: HashSet<u32> = cache.entries().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [2, 3, 4].into());
}
