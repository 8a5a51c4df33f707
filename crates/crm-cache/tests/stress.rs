//! Threads that do everything at once: each value seen is the right one, and each is dropped once, whatever took it out.
//!
//! `CRM_CACHE_STRESS_SECONDS` makes each test last so long; without it a test ends after some thousand operations.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crm_cache::{Cache, Clock, ManualClock, NotReplaced, NotReplacedReason, Policy, RemovalCause};

const THREADS: u32 = 4;
const KEYS: u32 = 48;
const LARGEST: usize = 40;
const HEAVIEST: u64 = 60;
const OPERATIONS: u32 = if cfg!(miri) { 60 } else { 50_000 };

/// What was made and dropped.
#[derive(Default)]
struct Books {
    made: AtomicU64,
    dropped: AtomicU64,
}

/// A value on the heap, so that a sanitiser or an interpreter sees an access too late; its content tells whose it is.
struct Value {
    content: Box<Content>,
    books: Arc<Books>,
}

struct Content {
    key: u32,
    version: u64,
    seal: u64,
}

fn seal(key: u32, version: u64) -> u64 {
    (u64::from(key) << 40 ^ version).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1
}

impl Value {
    fn new(key: u32, version: u64, books: &Arc<Books>) -> Self {
        books.made.fetch_add(1, Ordering::Relaxed);
        Self {
            content: Box::new(Content {
                key,
                version,
                seal: seal(key, version),
            }),
            books: Arc::clone(books),
        }
    }

    /// The version, after a look at everything.
    fn version_for(&self, key: u32) -> u64 {
        assert_eq!(self.content.key, key, "another key's value");
        assert_eq!(
            self.content.seal,
            seal(key, self.content.version),
            "a torn or dropped value"
        );
        self.content.version
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        Self::new(
            self.content.key,
            self.version_for(self.content.key),
            &self.books,
        )
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        assert_ne!(std::mem::take(&mut self.content.seal), 0, "dropped twice");
        self.books.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// How often each cause was heard of, in the order of `Stats`.
#[derive(Default)]
struct Heard([AtomicU64; 5]);

impl Heard {
    fn count(&self, cause: RemovalCause) {
        let place = match cause {
            RemovalCause::Replaced => 0,
            RemovalCause::Removed => 1,
            RemovalCause::Expired => 2,
            RemovalCause::Evicted => 3,
            RemovalCause::Refused => 4,
            other => unreachable!("a new cause: {other:?}"),
        };
        self.0[place].fetch_add(1, Ordering::Relaxed);
    }
}

/// One thread. Only it writes the keys that are its own, so that it knows what it wrote, and so that others see the
/// versions of a key in order.
struct Worker<'a> {
    number: u32,
    cache: &'a Cache<u32, Value>,
    hand: &'a ManualClock,
    books: &'a Arc<Books>,
    may_nest: bool,
    random: u64,
    seen: Vec<u64>,
    written: Vec<u64>,
}

impl Worker<'_> {
    fn random(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (((self.random >> 32) * u64::from(below)) >> 32) as u32
    }

    fn own_key(&mut self) -> u32 {
        self.random(KEYS / THREADS) * THREADS + self.number
    }

    fn see(&mut self, key: u32, version: u64) {
        let last = &mut self.seen[key as usize];
        assert!(version >= *last, "an older value after a newer one");
        *last = version;
        if key % THREADS == self.number {
            assert_eq!(
                version, self.written[key as usize],
                "not what this thread wrote last"
            );
        }
    }

    fn new_value(&mut self, key: u32) -> Value {
        let version = &mut self.written[key as usize];
        *version += 1;
        Value::new(key, *version, self.books)
    }

    fn step(&mut self) {
        let key = self.random(KEYS);
        match self.random(1_000) {
            0..400 => {
                if let Some(value) = self.cache.get(&key) {
                    self.see(key, value.version_for(key));
                }
            }
            400..550 => {
                let cache = self.cache;
                let own = self.own_key();
                let nested = self.may_nest.then(|| self.new_value(own));
                let version = cache.read(&key, |value| {
                    let before = value.version_for(key);
                    if let Some(nested) = nested {
                        drop(cache.insert(own, nested));
                        drop(cache.get(&(KEYS - 1 - key)));
                        drop(cache.remove(&own));
                    }
                    assert_eq!(value.version_for(key), before, "changed while it was read");
                    before
                });
                // Among its own keys the one read may be the one that was written in there.
                if let Some(version) = version.filter(|_| key != own) {
                    self.see(key, version);
                }
                if self.may_nest {
                    drop(cache.remove(&own));
                }
            }
            550..600 => {
                let key = self.own_key();
                let before = self.written[key as usize];
                let value = self.new_value(key);
                match self.cache.replace(key, value) {
                    Ok(previous) => assert_eq!(previous.version_for(key), before),
                    Err(NotReplaced { value, reason, .. }) => {
                        assert_eq!(value.version_for(key), before + 1);
                        if is_too_heavy(key, &value) {
                            assert!(self.cache.get(&key).is_none());
                        } else {
                            assert_eq!(reason, NotReplacedReason::Absent);
                        }
                        // Not stored: what is there, if anything, is still the one before.
                        self.written[key as usize] = before;
                    }
                }
            }
            600..650 => {
                let key = self.own_key();
                let newest = self.written[key as usize];
                let is_newest = |value: &Value| value.version_for(key) == newest;
                assert!(
                    self.cache
                        .remove_if(&key, |value| !is_newest(value))
                        .is_none()
                );
                if let Some(removed) = self.cache.remove_if(&key, is_newest) {
                    self.see(key, removed.version_for(key));
                    assert!(self.cache.get(&key).is_none(), "here after its removal");
                }
            }
            650..800 => {
                let key = self.own_key();
                let before = self.written[key as usize];
                let value = self.new_value(key);
                if let Some(previous) = self.cache.insert(key, value) {
                    assert_eq!(previous.version_for(key), before);
                }
            }
            800..900 => {
                let key = self.own_key();
                if let Some(removed) = self.cache.remove(&key) {
                    self.see(key, removed.version_for(key));
                }
                assert!(self.cache.get(&key).is_none(), "here after its removal");
            }
            900..960 => {
                let key = self.own_key();
                let mut made = None;
                let value = self.cache.get_or_insert_with(&key, |&key| {
                    let value = Value::new(key, self.written[key as usize] + 1, self.books);
                    made = Some(value.content.version);
                    value
                });
                if let Some(made) = made {
                    self.written[key as usize] = made;
                }
                self.see(key, value.version_for(key));
            }
            960..980 => {
                self.hand.advance(Duration::from_millis(1));
            }
            980..992 => {
                let capacity = 3 + self.random(LARGEST as u32 - 2) as usize;
                self.cache.set_capacity(capacity).unwrap();
                let max_weight = HEAVIEST / 2 + u64::from(self.random(HEAVIEST as u32 / 2));
                self.cache.set_max_weight(max_weight).unwrap();
            }
            992..997 => {
                for (key, value) in self.cache.entries() {
                    self.see(key, value.version_for(key));
                }
                assert!(self.cache.len() <= LARGEST && self.cache.weight() <= HEAVIEST);
                assert!(self.cache.hottest(5).len() <= 5);
                self.cache.remove_expired();
            }
            _ => self.cache.clear(),
        }
    }

    fn run(&mut self) {
        match std::env::var("CRM_CACHE_STRESS_SECONDS") {
            Ok(seconds) => {
                let seconds: u64 = seconds.parse().expect("a number of seconds");
                let clock = Clock::system();
                let end = clock.now().as_nanos() + seconds * 1_000_000_000;
                while clock.now().as_nanos() < end {
                    (0..1_000).for_each(|_| self.step());
                }
            }
            Err(_) => (0..OPERATIONS).for_each(|_| self.step()),
        }
    }
}

/// Some weigh more than the rest together, and now and then one weighs more than the whole cache may.
fn weight(key: &u32, value: &Value) -> u64 {
    match value.version_for(*key) % 100 {
        99 => HEAVIEST + 1,
        98 => HEAVIEST / 3,
        small => small % 4,
    }
}

fn is_too_heavy(key: u32, value: &Value) -> bool {
    weight(&key, value) > HEAVIEST
}

fn stress(policy: Policy, listens: bool) {
    let (books, heard) = (Arc::<Books>::default(), Arc::<Heard>::default());
    let (clock, hand) = Clock::manual();
    let mut builder = Cache::builder(LARGEST)
        .policy(policy)
        .shards(3)
        .clock(clock)
        .weigher(HEAVIEST, weight)
        .time_to_idle(Duration::from_millis(20))
        .expiry(|key: &u32, _: &Value| (key % 3 == 0).then_some(Duration::from_millis(3)));
    if listens {
        let heard = Arc::clone(&heard);
        builder = builder.on_removal(move |key, value, cause| {
            value.version_for(*key);
            heard.count(cause);
        });
    }
    let cache: Cache<u32, Value> = builder.build().unwrap();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (cache, hand, books) = (&cache, &hand, &books);
            scope.spawn(move || {
                Worker {
                    number,
                    cache,
                    hand,
                    books,
                    may_nest: policy == Policy::Adaptive,
                    random: 0x9E37_79B9_7F4A_7C15 ^ u64::from(number + 1),
                    seen: vec![0; KEYS as usize],
                    written: vec![0; KEYS as usize],
                }
                .run();
            });
        }
    });
    assert!(cache.len() <= cache.capacity());
    // The room is as before, too.
    cache.set_capacity(LARGEST).unwrap();
    cache.set_max_weight(u64::MAX).unwrap();
    (0..KEYS).for_each(|key| drop(cache.insert(key, Value::new(key, u64::MAX, &books))));
    assert_eq!((cache.len(), cache.entries().len()), (LARGEST, LARGEST));
    cache.clear();
    assert_eq!((cache.len(), cache.weight()), (0, 0));
    assert!(cache.entries().is_empty());
    let stats = cache.stats();
    assert_eq!(
        stats.insertions,
        stats.evictions + stats.expirations + stats.removals,
        "{stats:?}"
    );
    let causes = [
        stats.replacements,
        stats.removals,
        stats.expirations,
        stats.evictions,
        stats.refusals,
    ];
    assert!(
        cfg!(miri) || causes.iter().all(|count| *count > 0),
        "each cause took something out: {stats:?}"
    );
    if listens {
        let heard = heard
            .0
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        // What `replace` hands back is counted, but nobody is told of it.
        assert_eq!(heard[..4], causes[..4]);
        assert!(heard[4] <= causes[4]);
        assert_eq!(stats.listener_panics, 0);
    }
    drop(cache);
    let (made, dropped) = (&books.made, &books.dropped);
    assert_eq!(
        made.load(Ordering::Relaxed),
        dropped.load(Ordering::Relaxed),
        "as many dropped as made"
    );
}

#[test]
fn the_adaptive_cache_under_stress() {
    stress(Policy::Adaptive, false);
}

#[test]
fn the_adaptive_cache_under_stress_with_a_listener() {
    stress(Policy::Adaptive, true);
}

#[test]
fn the_lru_cache_under_stress() {
    stress(Policy::Lru, false);
}

#[test]
fn the_lru_cache_under_stress_with_a_listener() {
    stress(Policy::Lru, true);
}

#[test]
fn there_are_never_more_entries_than_the_capacity_whoever_counts() {
    const LOOKS: u32 = if cfg!(miri) { 20 } else { 20_000 };
    for policy in [Policy::Adaptive, Policy::Lru] {
        for (capacity, shards) in [(16, 8), (1_000, 500)] {
            let cache: Cache<u32, u32> = Cache::builder(capacity)
                .policy(policy)
                .shards(shards)
                .build()
                .unwrap();
            for key in 0..2 * capacity as u32 {
                cache.insert(key, 0);
            }
            let is_over = AtomicU64::new(0);
            let most = thread::scope(|scope| {
                for number in 0..THREADS {
                    let (cache, is_over) = (&cache, &is_over);
                    scope.spawn(move || {
                        // What leaves and what comes in are in different shards.
                        let mut key = number << 20;
                        while is_over.load(Ordering::Relaxed) == 0 {
                            cache.insert(key, number);
                            key = key.wrapping_mul(0x9E37_79B1).wrapping_add(1);
                        }
                    });
                }
                let most = (0..LOOKS).map(|_| cache.len()).max();
                is_over.store(1, Ordering::Relaxed);
                most
            });
            assert_eq!(most, Some(capacity), "{policy:?}");
            assert_eq!(cache.len(), cache.entries().len());
        }
    }
}
