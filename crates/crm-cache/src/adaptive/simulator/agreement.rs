//! The engine and the cache agree with the simulator in every answer.
//!
//! With `CRM_CACHE_DEEP` set every load meets every capacity, and loads are longer.

use std::convert::Infallible;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::process::Command;
use std::{env, iter};

use super::super::engine::Engine;
use super::super::shard::Extras;
use super::Simulator;
use crate::Cache;
use crate::arrival::Arrival;
use crate::bound::Bound;
use crate::content::{Mark, Plain, Present};
use crate::outflow::Listener;
use crate::time::NEVER;

#[derive(Clone, Copy, Debug)]
enum Request {
    /// A read, and where it misses a write.
    Use(u64),
    Write(u64),
    Remove(u64),
    Clear,
    /// Changes the capacity to so many halves of it.
    Resize(usize),
}

/// What answers requests: whether the key was there.
trait Client {
    fn request(&mut self, request: Request) -> bool;

    /// In any order.
    fn keys(&self) -> Vec<u64>;
}

struct Simulated<H> {
    simulator: Simulator,
    hash: H,
    sizes: Sizes,
}

impl<H: Fn(u64) -> u64> Client for Simulated<H> {
    fn request(&mut self, request: Request) -> bool {
        let simulator = &mut self.simulator;
        match request {
            Request::Use(key) => {
                let hash = (self.hash)(key);
                let is_hit = simulator.get(key, hash);
                if !is_hit {
                    simulator.insert(key, hash);
                }
                is_hit
            }
            Request::Write(key) => simulator.insert(key, (self.hash)(key)),
            Request::Remove(key) => simulator.remove(key, (self.hash)(key)),
            Request::Clear => {
                simulator.clear();
                false
            }
            Request::Resize(halves) => {
                simulator.resize(self.sizes.change(halves));
                false
            }
        }
    }

    fn keys(&self) -> Vec<u64> {
        self.simulator.keys()
    }
}

/// The capacities that a cache of one size is given.
struct Sizes {
    first: usize,
    least: usize,
    now: usize,
}

impl Sizes {
    fn new(capacity: usize, shards: usize) -> Self {
        Self {
            first: capacity,
            least: shards,
            now: capacity,
        }
    }

    /// Says by how much the capacity changes.
    fn change(&mut self, halves: usize) -> isize {
        let before = self.now;
        self.now = (self.first * halves).div_ceil(2).max(self.least);
        self.now as isize - before as isize
    }
}

/// Nothing ends.
const PRESENT: Present<'_> = Present {
    millis: 0,
    tags: None,
};

/// The policy without the shell: keys are their own hashes, mixed.
struct Core {
    engine: Engine<u64, Plain<u64>>,
    listener: Listener<u64, u64>,
    sizes: Sizes,
}

/// A number mixed well, by the finaliser of `SplitMix64` (Steele, Lea and Flood 2014).
fn mixed(mut key: u64) -> u64 {
    key = (key ^ (key >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    key = (key ^ (key >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    key ^ (key >> 31)
}

impl Core {
    fn write(&self, key: u64) -> bool {
        let arrival = Arrival {
            hash: mixed(key),
            pair: (key, key),
            weight: 0,
            deadline: NEVER,
            idle_until: NEVER,
            mark: Mark::NONE,
        };
        let stored = self
            .engine
            .insert(arrival, PRESENT, &self.listener, |_| true, || ());
        stored.is_ok_and(|previous| previous.is_some())
    }
}

impl Client for Core {
    fn request(&mut self, request: Request) -> bool {
        match request {
            Request::Use(key) => {
                let is_it = |other: &u64| *other == key;
                let is_hit = self
                    .engine
                    .get(mixed(key), is_it, PRESENT, |_| ())
                    .is_some();
                if !is_hit {
                    self.write(key);
                }
                is_hit
            }
            Request::Write(key) => self.write(key),
            Request::Remove(key) => {
                let is_it = |other: &u64| *other == key;
                let removed =
                    self.engine
                        .remove(mixed(key), is_it, PRESENT, &self.listener, |_| true);
                removed.is_some()
            }
            Request::Clear => {
                self.engine.clear(&self.listener);
                false
            }
            Request::Resize(halves) => {
                self.sizes.change(halves);
                self.engine
                    .change_bound(Some(self.sizes.now), None, &self.listener);
                false
            }
        }
    }

    fn keys(&self) -> Vec<u64> {
        let mut keys = Vec::new();
        self.engine.for_each(PRESENT, |&key, _| keys.push(key));
        keys
    }
}

/// The cache as its users have it.
struct Whole<S> {
    cache: Cache<u64, u64, S>,
    sizes: Sizes,
}

impl<S: BuildHasher + Clone> Client for Whole<S> {
    fn request(&mut self, request: Request) -> bool {
        let cache = &self.cache;
        match request {
            Request::Use(key) => {
                let mut is_hit = true;
                let loaded = cache.get_or_load(&key, |&key| {
                    is_hit = false;
                    Ok::<_, Infallible>(key)
                });
                assert_eq!(loaded.ok(), Some(key));
                is_hit
            }
            Request::Write(key) => cache.insert(key, key).is_some(),
            Request::Remove(key) => cache.remove(&key).is_some(),
            Request::Clear => {
                cache.clear();
                false
            }
            Request::Resize(halves) => {
                self.sizes.change(halves);
                let resized = cache.set_capacity(self.sizes.now);
                resized.expect("no fewer entries than shards");
                false
            }
        }
    }

    fn keys(&self) -> Vec<u64> {
        self.cache
            .entries()
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    }
}

/// A seeded source of numbers, by xorshift (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A rank from 0 to `count - 1` that falls off as one over the rank.
    fn skewed(&mut self, count: u64) -> u64 {
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((count as f64).powf(fraction) - 1.0) as u64
    }
}

fn zipf(capacity: u64) -> impl Iterator<Item = u64> {
    let mut random = Random(11);
    iter::repeat_with(move || random.skewed(20 * capacity + 10))
}

/// A loop a third longer than the cache.
fn looped(capacity: u64) -> impl Iterator<Item = u64> {
    (0..capacity + capacity / 3 + 1).cycle()
}

/// Each key twice in short order, and never again.
fn bursts(capacity: u64) -> impl Iterator<Item = u64> {
    (0..).flat_map(move |key: u64| [key, key.saturating_sub(capacity / 4)])
}

/// A working set, and now and then a scan of keys that never come back.
fn scans(capacity: u64) -> impl Iterator<Item = u64> {
    let (mut random, mut scanned) = (Random(12), 1_u64 << 32);
    (0_u64..).map(move |turn| {
        if turn % (5 * capacity) < capacity {
            scanned += 1;
            scanned
        } else {
            random.next() % (capacity + 1)
        }
    })
}

/// Bursts, then a loop, then skew, over other keys each time.
fn phases(capacity: u64, requests: usize) -> impl Iterator<Item = u64> {
    let of = |phase: u64, keys: Box<dyn Iterator<Item = u64>>| {
        keys.take(requests / 3).map(move |key| key + (phase << 40))
    };
    of(1, Box::new(bursts(capacity)))
        .chain(of(2, Box::new(looped(capacity))))
        .chain(of(3, Box::new(zipf(capacity))))
}

/// Reads of these keys; in between some are written or removed, and twice the whole cache is changed.
fn requests(keys: impl Iterator<Item = u64>, count: usize) -> impl Iterator<Item = Request> {
    let mut random = Random(13);
    keys.take(count)
        .enumerate()
        .map(move |(turn, key)| match random.next() % 100 {
            _ if turn == count / 5 => Request::Resize(1),
            _ if turn == count / 4 => Request::Resize(3),
            _ if turn == count / 3 => Request::Resize(2),
            _ if turn == count / 2 => Request::Clear,
            0 => Request::Remove(key),
            1 => Request::Write(key),
            _ => Request::Use(key),
        })
}

const LOADS: [&str; 4] = ["skew", "loop", "scans", "phases"];

fn load(name: &str, capacity: u64, count: usize) -> Box<dyn Iterator<Item = Request>> {
    match name {
        "skew" => Box::new(requests(zipf(capacity), count)),
        "loop" => Box::new(requests(looped(capacity), count)),
        "scans" => Box::new(requests(scans(capacity), count)),
        _ => Box::new(requests(phases(capacity, count), count)),
    }
}

/// Plays loads to both: all where there is time; else to each capacity one, begun with another one for another `turn`.
fn compare<R: Client, H: Fn(u64) -> u64 + Copy>(
    turn: usize,
    seed: u64,
    hash: H,
    real: impl Fn(usize, usize) -> R,
) {
    let is_deep = env::var_os("CRM_CACHE_DEEP").is_some();
    let (capacities, requests): (&[usize], _) = if is_deep {
        (&[1, 2, 7, 100, 1_000, 5_000, 20_000], 1_000_000)
    } else {
        (&[1, 2, 7, 100, 1_000, 5_000], 200_000)
    };
    for (place, &capacity) in capacities.iter().enumerate() {
        for (few_or_many, shards) in [1, 4.min(capacity)].into_iter().enumerate() {
            for (number, name) in LOADS.into_iter().enumerate() {
                let is_due = few_or_many == (place + turn) % 2 && number == (place + 2 * turn) % 4;
                if is_deep || is_due {
                    let simulated = Simulated {
                        simulator: Simulator::new(capacity, shards, seed),
                        hash,
                        sizes: Sizes::new(capacity, shards),
                    };
                    let load = load(name, capacity as u64, requests);
                    let case = format!("{name}, capacity {capacity}, {shards} shards");
                    compare_one(real(capacity, shards), simulated, load, &case);
                }
            }
        }
    }
}

fn compare_one(
    mut real: impl Client,
    mut simulated: impl Client,
    load: impl Iterator<Item = Request>,
    case: &str,
) {
    for (turn, request) in load.enumerate() {
        let (is_hit, expected) = (real.request(request), simulated.request(request));
        assert_eq!(is_hit, expected, "request {turn}, {request:?}: {case}");
    }
    let (mut kept, mut expected) = (real.keys(), simulated.keys());
    kept.sort_unstable();
    expected.sort_unstable();
    assert_eq!(kept, expected, "kept at the end: {case}");
}

/// Runs a test of this file in a process of its own: a slot is used again later while other threads read, so that other
/// tests beside it would change which entry chance picks.
fn alone(test: &str, run: impl Fn()) {
    const ALONE: &str = "CRM_CACHE_TEST_IS_ALONE";
    if env::var_os(ALONE).is_some() {
        return run();
    }
    let (_, module) = module_path!()
        .split_once("::")
        .expect("a crate and a module");
    let output = Command::new(env::current_exe().expect("a test has a program"))
        .args([&format!("{module}::{test}"), "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("the test's program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{failed}"
    );
}

#[test]
fn the_policy_alone_agrees_with_the_simulator() {
    alone("the_policy_alone_agrees_with_the_simulator", || {
        let seed = 42;
        compare(0, seed, mixed, |capacity, shards| Core {
            engine: Engine::new(Bound::new(capacity, 0), shards, seed, Extras::default()),
            listener: Listener::new(None),
            sizes: Sizes::new(capacity, shards),
        });
    });
}

#[test]
fn the_cache_agrees_with_the_simulator() {
    alone("the_cache_agrees_with_the_simulator", || {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let hash = |key: u64| crate::hash::hash(&hasher, &key);
        compare(1, hasher.hash_one(()), hash, |capacity, shards| Whole {
            cache: Cache::builder(capacity)
                .shards(shards)
                .hasher(hasher.clone())
                .build()
                .unwrap(),
            sizes: Sizes::new(capacity, shards),
        });
    });
}
