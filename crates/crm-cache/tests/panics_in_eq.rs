//! One panic in the `Eq` of a key, wherever it strikes, leaves a cache that takes in as much as before.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crm_cache::{Cache, Clock, ManualClock, Policy};

thread_local! {
    /// After how many comparisons the next one panics, on this thread.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// All keys share two hashes, so that there is much to compare.
#[derive(Clone, Debug)]
struct Key(u32);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let left = FUSE.get();
        FUSE.set(left.and_then(|left| left.checked_sub(1)));
        if left == Some(0) {
            // Without the message of a panic, which would be printed some hundred times.
            resume_unwind(Box::new("on purpose"));
        }
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 % 2).hash(state);
    }
}

/// For what only its effect is wanted of.
fn ignore<T>(_: T) {}

const CAPACITY: usize = 8;

type Subject = Cache<Key, u32>;

/// A full cache. The life of every third entry ends.
fn full(policy: Policy, has_tenants: bool) -> (Subject, ManualClock) {
    let (clock, hand) = Clock::manual();
    let mut builder = Cache::<Key, u32>::builder(CAPACITY)
        .shards(1)
        .policy(policy)
        .clock(clock)
        .expiry(|key, _| (key.0 % 3 == 0).then_some(Duration::from_secs(1)));
    if has_tenants {
        builder = builder.tenants(|key| key.0 % 2, [(0_u32, 0.5), (1, 0.5)]);
    }
    let cache = builder.build().unwrap();
    (0..CAPACITY as u32).for_each(|key| assert_eq!(cache.insert(Key(key), key), None));
    (cache, hand)
}

type Operation = fn(&Subject, &ManualClock);

const OPERATIONS: [(&str, Operation); 12] = [
    ("insert a new key", |cache, _| {
        ignore(cache.insert(Key(100), 1));
    }),
    ("insert a key that is here", |cache, _| {
        ignore(cache.insert(Key(2), 1));
    }),
    ("replace", |cache, _| {
        ignore(cache.replace(Key(4), 9));
    }),
    ("remove", |cache, _| {
        ignore(cache.remove(&Key(5)));
    }),
    ("remove_if", |cache, _| {
        ignore(cache.remove_if(&Key(5), |_| true));
    }),
    ("retain", |cache, _| cache.retain(|key, _| key.0 % 4 != 1)),
    ("remove_expired", |cache, hand| {
        hand.advance(Duration::from_secs(2));
        cache.remove_expired();
    }),
    ("get", |cache, _| {
        ignore(cache.get(&Key(6)));
    }),
    ("get_or_load", |cache, _| {
        ignore(cache.get_or_load(&Key(100), |_| Ok::<_, ()>(1)));
    }),
    ("set_capacity", |cache, _| cache.set_capacity(3).unwrap()),
    ("clear", |cache, _| cache.clear()),
    ("forget", |cache, _| {
        ignore(cache.forget(&Key(5)));
    }),
];

/// Whether the cache takes in as much as before, and keeps its books. Never coming to an end is an answer, too.
fn works(cache: Subject, has_tenants: bool) -> Result<(), String> {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            cache.set_capacity(CAPACITY).unwrap();
            if cache.len() != cache.entries().len() {
                return Err(format!("{} held of {}", cache.entries().len(), cache.len()));
            }
            (200..240).for_each(|key| ignore(cache.insert(Key(key), 1)));
            let tenants = [0_u32, 1].map(|tenant| cache.tenant_len(tenant));
            let books = (cache.len(), cache.entries().len(), tenants);
            let shares = if has_tenants { [4, 4] } else { [8, 8] };
            (books == (8, 8, shares))
                .then_some(())
                .ok_or(format!("{books:?}"))
        }));
        let _ = done.send(outcome.unwrap_or_else(|_| Err("it panics again".to_owned())));
    });
    ended
        .recv_timeout(Duration::from_secs(if cfg!(miri) { 600 } else { 20 }))
        .unwrap_or_else(|_| Err("it does not end".to_owned()))
}

#[test]
fn issue_a_panic_in_eq_left_the_list_and_the_books_half_changed() {
    let mut panics = 0;
    for policy in [Policy::Adaptive, Policy::Lru] {
        for has_tenants in [false, true] {
            for (name, operation) in OPERATIONS {
                for comparisons in 0..if cfg!(miri) { 3 } else { 40 } {
                    let (cache, hand) = full(policy, has_tenants);
                    FUSE.set(Some(comparisons));
                    let run = catch_unwind(AssertUnwindSafe(|| operation(&cache, &hand)));
                    FUSE.set(None);
                    if run.is_ok() {
                        break;
                    }
                    panics += 1;
                    if let Err(trouble) = works(cache, has_tenants) {
                        panic!(
                            "{policy:?}, tenants: {has_tenants}, {name}, {comparisons}: {trouble}"
                        );
                    }
                }
            }
        }
    }
    assert!(panics > if cfg!(miri) { 20 } else { 60 }, "{panics} panics");
}
