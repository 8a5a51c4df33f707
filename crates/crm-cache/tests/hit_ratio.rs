//! One configuration serves every kind of load: loops, scans, skew, bursts and a change from one to the other.

// Hit ratios take some hundred thousand requests each, which is hours under the interpreter; what they run, other tests
// run there too.
#![cfg(not(miri))]

use crm_cache::{Cache, Policy};

/// A seeded source of numbers, by xorshift (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to 1, without 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A rank from 0 to `count - 1` that falls off as one over the rank.
    fn skewed(&mut self, count: u64) -> u64 {
        ((count as f64).powf(self.fraction()) - 1.0) as u64
    }
}

/// The share of hits, in per cent, of one client that inserts what it misses.
fn hit_ratio(policy: Policy, capacity: usize, trace: &[u64]) -> f64 {
    let cache: Cache<u64, u64> = Cache::builder(capacity)
        .policy(policy)
        .shards(1)
        .build()
        .unwrap();
    for &key in trace {
        if cache.get(&key).is_none() {
            cache.insert(key, key);
        }
    }
    assert!(cache.len() <= capacity);
    let stats = cache.stats();
    assert_eq!(stats.reads(), trace.len() as u64);
    100.0 * stats.hit_ratio().unwrap()
}

fn both(capacity: usize, trace: &[u64]) -> (f64, f64) {
    let of = |policy| hit_ratio(policy, capacity, trace);
    (of(Policy::Adaptive), of(Policy::Lru))
}

fn looped(keys: u64, times: u64) -> Vec<u64> {
    (0..times).flat_map(|_| 0..keys).collect()
}

/// Each key twice in short order, and never again.
fn bursts(count: u64) -> Vec<u64> {
    (0..count)
        .flat_map(|key| [key, key.saturating_sub(100)])
        .collect()
}

#[test]
fn a_loop_keeps_what_fits() {
    // The optimum keeps 499 of 1,000 keys: 49.9 % but for the first round.
    let (adaptive, lru) = both(500, &looped(1_000, 40));
    assert_eq!(lru, 0.0);
    assert!(adaptive > 45.0, "{adaptive}");
}

#[test]
fn bursts_are_served_as_by_lru() {
    let (adaptive, lru) = both(400, &bursts(40_000));
    assert!(lru > 49.0 && adaptive > lru - 2.0, "{adaptive} for {lru}");
}

#[test]
fn skew_is_served_better_than_by_lru() {
    let mut random = Random(1);
    let trace: Vec<u64> = (0..200_000).map(|_| random.skewed(100_000)).collect();
    let (adaptive, lru) = both(1_000, &trace);
    assert!(adaptive > lru + 2.0, "{adaptive} for {lru}");
}

#[test]
fn a_scan_does_not_push_out_the_working_set() {
    let mut random = Random(2);
    let mut scan = 1_000_000..;
    let trace: Vec<u64> = (0..100_000)
        .flat_map(|turn| match turn % 1_000 {
            0 => (&mut scan).take(1_000).collect(),
            _ => vec![random.next() % 600],
        })
        .collect();
    let (adaptive, lru) = both(700, &trace);
    assert!(adaptive > lru + 5.0, "{adaptive} for {lru}");
}

#[test]
fn a_change_of_the_load_is_noticed() {
    let mut trace = bursts(20_000);
    trace.extend(looped(1_000, 40).iter().map(|key| key + 1_000_000));
    trace.extend(bursts(20_000).iter().map(|key| key + 2_000_000));
    // 40,000 requests each: half of the bursts can hit, and half of the loop.
    let (adaptive, lru) = both(500, &trace);
    assert!((32.0..35.0).contains(&lru), "{lru}");
    assert!(adaptive > 45.0, "{adaptive}");
}

#[test]
fn the_smallest_caches_work() {
    let mut random = Random(3);
    let trace: Vec<u64> = (0..20_000).map(|_| random.skewed(50)).collect();
    for capacity in 1..=8 {
        let (adaptive, lru) = both(capacity, &trace);
        assert!(adaptive > lru - 3.0, "{adaptive} for {lru} at {capacity}");
    }
}
