//! What a cache writes down another one takes in: entries, their lives and what they are worth, and nothing that was
//! invalidated. What is damaged is refused.

// An hour under the interpreter, for what does nothing with the store that other tests do not do there.
#![cfg(all(feature = "serde", not(miri)))]

use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::io::{self, Cursor, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use crm_cache::{
    Cache, CacheBuilder, Clock, Policy, RemovalCause, RestoreError, SnapshotError, Tag,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

/// Where the head says when the snapshot was taken.
const TAKEN_AT: std::ops::Range<usize> = 10..18;

fn builder<K, V>(policy: Policy, capacity: usize) -> CacheBuilder<K, V>
where
    K: std::hash::Hash + Eq,
    V: Clone,
{
    Cache::builder(capacity).policy(policy).shards(1)
}

fn plain(policy: Policy, capacity: usize) -> Cache<u32, String> {
    builder(policy, capacity).build().unwrap()
}

fn taken<K, V, S>(cache: &Cache<K, V, S>) -> Vec<u8>
where
    K: std::hash::Hash + Eq + Clone + Serialize,
    V: Clone + Serialize,
    S: BuildHasher + Clone,
{
    let mut bytes = Vec::new();
    cache.snapshot(&mut bytes).unwrap();
    bytes
}

fn sorted<T: Ord>(mut entries: Vec<T>) -> Vec<T> {
    entries.sort();
    entries
}

fn entries(cache: &Cache<u32, String>) -> Vec<(u32, String)> {
    sorted(cache.entries())
}

/// The length of the head.
fn head(bytes: &[u8]) -> usize {
    let length = |at| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    30 + length(26) + length(28) + 4
}

/// The same snapshot with something else in its head, and a checksum that is right.
fn with_head(mut bytes: Vec<u8>, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let end = head(&bytes) - 4;
    change(&mut bytes[..end]);
    let sum = crc32fast::hash(&bytes[..end]).to_le_bytes();
    bytes[end..end + 4].copy_from_slice(&sum);
    bytes
}

/// The same snapshot, taken so long ago.
fn aged(bytes: Vec<u8>, age: Duration) -> Vec<u8> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the head holds the system's time"
    )]
    let now = SystemTime::now();
    let at = (now - age).duration_since(SystemTime::UNIX_EPOCH).unwrap();
    with_head(bytes, |head| {
        head[TAKEN_AT].copy_from_slice(&(at.as_nanos() as u64).to_le_bytes());
    })
}

/// The same snapshot, taken in the future: for whoever reads it no time has passed.
fn of_now(bytes: Vec<u8>) -> Vec<u8> {
    with_head(bytes, |head| head[TAKEN_AT].fill(0xFF))
}

/// A block with right checksums.
fn block(entries: u32, bytes: &[u8]) -> Vec<u8> {
    block_that_says(bytes.len() as u64, entries, bytes)
}

fn block_that_says(length: u64, entries: u32, bytes: &[u8]) -> Vec<u8> {
    let mut block = length.to_le_bytes().to_vec();
    block.extend(entries.to_le_bytes());
    block.extend(crc32fast::hash(bytes).to_le_bytes());
    block.extend(crc32fast::hash(&block).to_le_bytes());
    block.extend(bytes);
    block
}

/// An entry as the format has it: class, age, life, idle, key, value.
type Record<K, V> = (u8, u32, Option<u64>, Option<u64>, K, V);

/// Reads a snapshot a second time, plainly.
fn records<K, V>(bytes: &[u8]) -> Vec<Record<K, V>>
where
    K: for<'a> Deserialize<'a>,
    V: for<'a> Deserialize<'a>,
{
    let mut records = Vec::new();
    let mut rest = &bytes[head(bytes)..];
    loop {
        let number = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let (count, body) = (number(8), &rest[20..20 + length]);
        assert_eq!(crc32fast::hash(body), number(12));
        assert_eq!(crc32fast::hash(&rest[..16]), number(16));
        rest = &rest[20 + length..];
        if count == 0 {
            assert_eq!(body, (records.len() as u64).to_le_bytes());
            assert!(rest.is_empty());
            return records;
        }
        let mut body = body;
        for _ in 0..count {
            let (length, entry) = postcard::take_from_bytes::<u64>(body).unwrap();
            let (entry, next) = entry.split_at(length as usize);
            records.push(postcard::from_bytes(entry).unwrap());
            body = next;
        }
        assert!(body.is_empty());
    }
}

/// A cache of `capacity` with some history: keys that were used often, once and never.
fn with_history(policy: Policy, capacity: usize) -> Cache<u32, String> {
    let cache = plain(policy, capacity);
    for round in 0..6_u32 {
        for key in 0..capacity as u32 {
            if key % 6 >= round {
                if cache.get(&key).is_none() {
                    cache.insert(key, format!("customer {key}"));
                }
                cache.get(&(key / 2));
            }
        }
    }
    cache
}

#[test]
fn what_was_written_comes_back() {
    for policy in POLICIES {
        for shards in [1, 5] {
            let capacity = 3_000;
            let build = || {
                let builder = Cache::<u32, String>::builder(capacity);
                builder.policy(policy).shards(shards).build().unwrap()
            };
            let cache = build();
            for key in 0..capacity as u32 / 2 {
                cache.insert(key, format!("customer {key}"));
            }
            let mut bytes = Vec::new();
            let written = cache.snapshot(&mut bytes).unwrap();
            assert_eq!(written, capacity as u64 / 2);
            let restored = build();
            assert_eq!(restored.restore(&bytes[..]).unwrap(), written);
            assert_eq!(entries(&restored), entries(&cache));
            let stats = restored.stats();
            assert_eq!((stats.insertions, stats.reads()), (written, 0));
            // It is a cache like any other from here on.
            for key in 0..capacity as u32 * 2 {
                restored.insert(key, "newer".to_owned());
                assert_eq!(restored.get(&key).as_deref(), Some("newer"));
            }
            let stats = restored.stats();
            assert_eq!(
                stats.insertions,
                restored.len() as u64 + stats.evictions + stats.removals
            );
        }
    }
}

#[test]
fn an_empty_cache_has_a_snapshot_too() {
    for policy in POLICIES {
        let bytes = taken(&plain(policy, 10));
        let cache = plain(policy, 10);
        assert_eq!(cache.restore(&bytes[..]).unwrap(), 0);
        assert!(cache.is_empty());
    }
}

#[test]
fn the_order_of_least_recent_use_comes_back() {
    let cache = with_history(Policy::Lru, 100);
    let restored = plain(Policy::Lru, 100);
    restored.restore(&taken(&cache)[..]).unwrap();
    assert_eq!(restored.hottest(100), cache.hottest(100));
    assert_eq!(restored.coldest(100), cache.coldest(100));
}

#[test]
fn the_past_of_each_entry_comes_back() {
    let cache = with_history(Policy::Adaptive, 200);
    let before = records::<u32, String>(&taken(&cache));
    assert!(before.iter().any(|record| record.0 > 0), "some were reused");
    assert!(before.iter().any(|record| record.1 > 20), "some are old");
    let again = |capacity| {
        let restored = plain(Policy::Adaptive, capacity);
        restored.restore(&taken(&cache)[..]).unwrap();
        let mut again = records::<u32, String>(&taken(&restored));
        again.sort_by_key(|record| record.4);
        again
    };
    let mut expected = before.clone();
    expected.sort_by_key(|record| record.4);
    assert_eq!(again(200), expected);
    // Ages are relative to the capacity, as the classes are.
    expected.iter_mut().for_each(|record| record.1 *= 3);
    assert_eq!(again(600), expected);
}

#[test]
fn the_hottest_come_first_and_a_smaller_cache_keeps_them() {
    for policy in POLICIES {
        let cache = with_history(policy, 200);
        let bytes = taken(&cache);
        let order: Vec<u32> = records::<u32, String>(&bytes).iter().map(|r| r.4).collect();
        if policy == Policy::Lru {
            assert_eq!(order, cache.hottest(200));
        } else {
            // Entries worth the same, and used at the same time, come in any order.
            let hottest = cache.hottest(50);
            let among = |keys: &[u32]| hottest.iter().filter(|key| keys.contains(key)).count();
            assert!(among(&order[..50]) >= 45, "{}", among(&order[..50]));
            assert!(among(&order[100..]) == 0);
        }
        let left = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&left);
        let smaller: Cache<u32, String> = builder(policy, 50)
            .on_removal(move |_, _, _| {
                count.fetch_add(1, Ordering::Relaxed);
            })
            .build()
            .unwrap();
        assert_eq!(smaller.restore(&bytes[..]).unwrap(), 50);
        let mut expected = order[..50].to_vec();
        expected.sort_unstable();
        let kept: Vec<u32> = entries(&smaller).into_iter().map(|(key, _)| key).collect();
        assert_eq!(kept, expected);
        assert_eq!(left.load(Ordering::Relaxed), 0, "nothing left for it");
        assert_eq!(smaller.stats().evictions, 0);
        let larger = plain(policy, 1_000);
        assert_eq!(larger.restore(&bytes[..]).unwrap(), order.len() as u64);
    }
}

#[test]
fn a_cache_of_the_other_policy_takes_it_in() {
    for (from, to) in [(POLICIES[0], POLICIES[1]), (POLICIES[1], POLICIES[0])] {
        let cache = with_history(from, 100);
        let bytes = taken(&cache);
        let order: Vec<u32> = records::<u32, String>(&bytes).iter().map(|r| r.4).collect();
        let restored = plain(to, 100);
        restored.restore(&bytes[..]).unwrap();
        assert_eq!(entries(&restored), entries(&cache));
        if to == Policy::Lru {
            assert_eq!(restored.hottest(100), order);
        } else {
            assert_eq!(restored.hottest(1), order[..1]);
        }
    }
}

#[test]
fn a_restored_cache_hits_at_once_what_a_cold_one_has_to_load() {
    for policy in POLICIES {
        let capacity = 2_000;
        // Customers are asked for as in most shops: the n-th as often as 1/n.
        let mut state = 7_u64;
        let mut ask = |cache: &Cache<u32, String>, times: usize| {
            let before = cache.stats();
            for _ in 0..times {
                state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
                let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
                let key = (capacity as f64 * 10.0).powf(share) as u32;
                cache.get_or_insert_with(&key, |key| format!("customer {key}"));
            }
            let after = cache.stats();
            (after.hits - before.hits) as f64 / times as f64
        };
        let cache = plain(policy, capacity);
        ask(&cache, 20 * capacity);
        let bytes = taken(&cache);
        let (warm, cold) = (plain(policy, capacity), plain(policy, capacity));
        warm.restore(&bytes[..]).unwrap();
        let soon = capacity / 2;
        let (before, warm, cold) = (ask(&cache, soon), ask(&warm, soon), ask(&cold, soon));
        assert!(warm > before - 0.05, "{policy:?}: {warm} after {before}");
        assert!(warm > cold + 0.1, "{policy:?}: {warm} beside {cold}");
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn what_is_left_of_a_life_is_what_it_has_afterwards() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, String> = builder(policy, 10)
            .time_to_live(4 * HOUR)
            .clock(clock)
            .build()
            .unwrap();
        cache.insert(1, "one".to_owned());
        hand.advance(3 * HOUR);
        cache.insert(2, "two".to_owned());
        let bytes = taken(&cache);
        let lives: Vec<_> = records::<u32, String>(&bytes)
            .iter()
            .map(|record| (record.4, record.2, record.3))
            .collect();
        let millis = |hours: u64| Some(hours * 3_600_000);
        assert!(lives.contains(&(1, millis(1), None)), "{lives:?}");
        assert!(lives.contains(&(2, millis(4), None)), "{lives:?}");

        // A clock with another origin.
        let restored = |bytes: &[u8]| {
            let (clock, hand) = Clock::manual();
            hand.advance(77 * HOUR);
            let cache: Cache<u32, String> = builder(policy, 10)
                .time_to_live(8 * HOUR)
                .clock(clock)
                .build()
                .unwrap();
            let count = cache.restore(bytes).unwrap();
            (cache, hand, count)
        };
        let milli = Duration::from_millis(1);
        let (cache, hand, count) = restored(&of_now(bytes.clone()));
        assert_eq!(count, 2);
        hand.advance(HOUR - milli);
        assert!(cache.get(&1).is_some());
        hand.advance(milli);
        assert_eq!(cache.get(&1), None);
        hand.advance(3 * HOUR - milli);
        assert!(cache.get(&2).is_some());
        hand.advance(milli);
        assert_eq!(cache.get(&2), None);

        // Half an hour has passed while the service was down; the test itself takes less than a quarter.
        let (cache, hand, count) = restored(&aged(bytes.clone(), HOUR / 2));
        assert_eq!(count, 2);
        hand.advance(HOUR / 4);
        assert!(cache.get(&1).is_some());
        hand.advance(HOUR / 4);
        assert_eq!(cache.get(&1), None);

        // Two hours: the first one has expired in between, and does not come in.
        let (cache, hand, count) = restored(&aged(bytes.clone(), 2 * HOUR));
        assert_eq!((count, cache.len()), (1, 1));
        hand.advance(2 * HOUR);
        assert_eq!(cache.get(&2), None);
        assert_eq!(restored(&aged(bytes, 4 * HOUR)).2, 0);
    }
}

#[test]
fn an_entry_lives_no_longer_than_one_that_comes_in_now() {
    for policy in POLICIES {
        let cache = plain(policy, 10);
        cache.insert(1, "one".to_owned());
        cache.insert(2, "two".to_owned());
        let bytes = of_now(taken(&cache));
        let (clock, hand) = Clock::manual();
        let restored: Cache<u32, String> = builder(policy, 10)
            .time_to_live(3 * HOUR)
            .expiry(|key, _| (*key == 2).then_some(HOUR))
            .time_to_idle(2 * HOUR)
            .clock(clock)
            .build()
            .unwrap();
        assert_eq!(restored.restore(&bytes[..]).unwrap(), 2);
        hand.advance(HOUR);
        assert_eq!(restored.get(&2), None);
        assert!(restored.get(&1).is_some());
        hand.advance(HOUR);
        assert!(restored.get(&1).is_some());
        hand.advance(HOUR);
        assert_eq!(restored.get(&1), None);
    }
}

#[test]
fn a_cache_without_lives_keeps_what_has_not_expired_yet() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, String> = builder(policy, 10)
            .time_to_live(2 * HOUR)
            .time_to_idle(HOUR)
            .clock(clock)
            .build()
            .unwrap();
        cache.insert(1, "one".to_owned());
        hand.advance(HOUR / 2);
        cache.insert(2, "two".to_owned());
        let bytes = taken(&cache);
        let restored = plain(policy, 10);
        assert_eq!(restored.restore(&aged(bytes, HOUR * 3 / 4)[..]).unwrap(), 1);
        assert_eq!(entries(&restored), [(2, "two".to_owned())]);
        assert_eq!(restored.get(&2).as_deref(), Some("two"));
        let again = records::<u32, String>(&taken(&restored));
        assert_eq!((again[0].2, again[0].3), (None, None), "it has no end");
    }
}

#[test]
fn idleness_goes_on() {
    for policy in POLICIES {
        let build = || {
            let (clock, hand) = Clock::manual();
            let cache: Cache<u32, String> = builder(policy, 10)
                .time_to_idle(4 * HOUR)
                .clock(clock)
                .build()
                .unwrap();
            (cache, hand)
        };
        let (cache, hand) = build();
        cache.insert(1, "one".to_owned());
        cache.insert(2, "two".to_owned());
        hand.advance(2 * HOUR);
        cache.get(&2);
        hand.advance(HOUR);
        let bytes = taken(&cache); // an hour is left for 1, and three for 2
        let (cache, hand) = build();
        assert_eq!(cache.restore(&of_now(bytes.clone())[..]).unwrap(), 2);
        hand.advance(HOUR);
        assert_eq!(cache.get(&1), None);
        assert!(cache.get(&2).is_some());
        hand.advance(3 * HOUR);
        assert!(cache.get(&2).is_some(), "a read begins it anew");
        let (cache, _) = build();
        assert_eq!(
            cache.restore(&aged(bytes.clone(), 2 * HOUR)[..]).unwrap(),
            1
        );
        assert_eq!(cache.get(&1), None);
        // Where nothing ends by idleness, nothing does.
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, String> = builder(policy, 10)
            .time_to_live(8 * HOUR)
            .clock(clock)
            .build()
            .unwrap();
        assert_eq!(cache.restore(&of_now(bytes)[..]).unwrap(), 2);
        hand.advance(7 * HOUR);
        assert!(cache.get(&1).is_some() && cache.get(&2).is_some());
    }
}

#[test]
fn what_cannot_be_served_any_more_is_not_written() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, String> = builder(policy, 10)
            .time_to_live(HOUR)
            .tags(|key, _, tags| tags.add(Tag::new("account", key % 2)))
            .clock(clock)
            .build()
            .unwrap();
        cache.insert(8, "expired".to_owned());
        hand.advance(HOUR);
        cache.insert(1, "invalidated".to_owned());
        cache.insert(2, "fresh".to_owned());
        cache.insert(4, "removed".to_owned());
        cache.remove(&4);
        cache.invalidate_tag(Tag::new("account", 1));
        let written = records::<u32, String>(&taken(&cache));
        assert_eq!(written.iter().map(|r| r.4).collect::<Vec<_>>(), [2]);
    }
}

#[test]
fn weights_are_computed_again_and_bound_what_comes_in() {
    for policy in POLICIES {
        let cache = plain(policy, 100);
        for key in 0..20 {
            cache.insert(key, "x".repeat(key as usize));
        }
        let bytes = taken(&cache);
        let weighed = |max_weight| -> Cache<u32, String> {
            builder(policy, 100)
                .weigher(max_weight, |_, value: &String| value.len() as u64)
                .build()
                .unwrap()
        };
        let all = weighed(1_000);
        assert_eq!(all.restore(&bytes[..]).unwrap(), 20);
        assert_eq!(all.weight(), (0..20).sum());
        all.remove(&19);
        assert_eq!(all.weight(), (0..19).sum());
        // What does not fit stays outside, what still does comes in.
        let some = weighed(10);
        let count = some.restore(&bytes[..]).unwrap();
        let held: usize = some.entries().iter().map(|(_, value)| value.len()).sum();
        assert_eq!((some.weight(), some.len() as u64), (held as u64, count));
        assert!(some.weight() <= 10 && count >= 1);
        assert!(some.get(&0).is_some(), "nothing weighs nothing");
        assert_eq!(some.stats().evictions + some.stats().refusals, 0);
    }
}

fn tagged(policy: Policy) -> Cache<u32, String> {
    builder(policy, 1_000)
        .tags(|key: &u32, _: &String, tags| tags.add(Tag::new("account", key % 10)))
        .build()
        .unwrap()
}

#[test]
fn tags_are_named_again_and_what_they_invalidated_stays_away() {
    for policy in POLICIES {
        let cache = plain(policy, 100);
        for key in 0..100 {
            cache.insert(key, "customer".to_owned());
        }
        let bytes = taken(&cache);
        let restored = tagged(policy);
        restored.invalidate_tag(Tag::new("account", 3));
        assert_eq!(restored.restore(&bytes[..]).unwrap(), 90);
        assert_eq!(restored.get(&33), None);
        assert!(restored.get(&34).is_some());
        restored.invalidate_tag(Tag::new("account", 4));
        assert_eq!(restored.get(&34), None);
        assert_eq!(restored.entries().len(), 80);
        // In the same process: neither the tag that was invalidated after the snapshot, nor the one before.
        let bytes = taken(&restored);
        assert_eq!(records::<u32, String>(&bytes).len(), 80);
        restored.invalidate_tag(Tag::new("account", 5));
        assert_eq!(restored.restore(&bytes[..]).unwrap(), 0);
        assert_eq!(restored.get(&35), None);
        assert_eq!(restored.entries().len(), 70);
    }
}

#[test]
fn a_cache_that_was_written_to_is_left_alone() {
    type Write = fn(&Cache<u32, String>);
    let writes: [(&str, Write); 8] = [
        ("insert", |cache| drop(cache.insert(50, "new".to_owned()))),
        ("try_insert", |cache| {
            drop(cache.try_insert(50, "new".to_owned()));
        }),
        ("replace", |cache| drop(cache.replace(7, "new".to_owned()))),
        ("remove", |cache| drop(cache.remove(&7))),
        ("remove_if", |cache| drop(cache.remove_if(&7, |_| true))),
        ("forget", |cache| assert!(!cache.forget(&7))),
        ("clear", Cache::clear),
        ("retain", |cache| cache.retain(|_, _| true)),
    ];
    for policy in POLICIES {
        let full = plain(policy, 10);
        full.insert(7, "old".to_owned());
        let bytes = taken(&full);
        for (name, write) in writes {
            let cache = plain(policy, 100);
            write(&cache);
            let refused = cache.restore(&bytes[..]);
            assert!(matches!(refused, Err(RestoreError::InUse)), "{name}");
            assert_eq!(cache.get(&7), None, "{name}");
            assert!(cache.restore(&bytes[..]).is_err(), "{name}, again");
        }
        // The one that it was taken of knows best.
        full.remove(&7);
        assert!(matches!(full.restore(&bytes[..]), Err(RestoreError::InUse)));
        assert_eq!(full.get(&7), None);
    }
}

#[test]
fn what_was_only_loaded_is_kept_and_the_rest_restored() {
    for policy in POLICIES {
        let full = plain(policy, 10);
        for key in 0..4 {
            full.insert(key, "old".to_owned());
        }
        let bytes = taken(&full);
        let cache = plain(policy, 10);
        assert_eq!(cache.get(&7), None);
        cache.get_or_insert_with(&1, |_| "new".to_owned());
        cache.remove_expired();
        assert!(cache.restore(&bytes[..40]).is_err());
        assert_eq!(cache.restore(&bytes[..]).unwrap(), 3);
        assert_eq!(cache.get(&1).as_deref(), Some("new"));
        assert_eq!(cache.get(&2).as_deref(), Some("old"));
        assert_eq!(cache.restore(&bytes[..]).unwrap(), 0, "all are here");
    }
}

#[test]
fn a_load_under_way_is_newer() {
    for policy in POLICIES {
        let full = plain(policy, 10);
        full.insert(1, "old".to_owned());
        let bytes = taken(&full);
        let cache = plain(policy, 10);
        let loaded = cache.get_or_load(&1, |_| {
            assert_eq!(cache.restore(&bytes[..]).unwrap(), 1);
            assert_eq!(cache.get(&1).as_deref(), Some("old"));
            Ok::<_, io::Error>("new".to_owned())
        });
        assert_eq!(loaded.unwrap(), "new");
        assert_eq!(cache.get(&1).as_deref(), Some("new"));
    }
}

/// Does something when so many bytes have been read.
struct Interrupted<'a, F> {
    bytes: &'a [u8],
    at: usize,
    when: usize,
    what: Option<F>,
}

impl<F: FnOnce()> Read for Interrupted<'_, F> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.when {
            if let Some(what) = self.what.take() {
                what();
            }
        }
        let mut rest = &self.bytes[self.at..];
        // Never beyond the moment, so that nothing of what comes after it was read.
        if self.at < self.when {
            rest = &rest[..self.when - self.at];
        }
        let count = rest.read(to)?;
        self.at += count;
        Ok(count)
    }
}

/// Restores a snapshot of some blocks, and does something after the first of them. Gives the keys of the first block.
fn restored_with(cache: &Cache<u32, String>, bytes: &[u8], what: impl FnOnce()) -> (Vec<u32>, u64) {
    let order: Vec<u32> = records::<u32, String>(bytes).iter().map(|r| r.4).collect();
    let first = head(bytes);
    let length = u64::from_le_bytes(bytes[first..first + 8].try_into().unwrap()) as usize;
    let count = u32::from_le_bytes(bytes[first + 8..first + 12].try_into().unwrap()) as usize;
    assert!(count < order.len() / 2, "there are more blocks");
    let reader = Interrupted {
        bytes,
        at: 0,
        when: first + 20 + length,
        what: Some(what),
    };
    let restored = cache.restore(reader).unwrap();
    (order[..count].to_vec(), restored)
}

/// Enough for some blocks.
fn large(policy: Policy) -> Vec<u8> {
    let cache = plain(policy, 1_000);
    for key in 0..200 {
        cache.insert(key, format!("{key:1000}"));
    }
    taken(&cache)
}

#[test]
fn keys_that_are_written_while_it_runs_are_left_alone() {
    for policy in POLICIES {
        let bytes = large(policy);
        let order: Vec<u32> = records::<u32, String>(&bytes).iter().map(|r| r.4).collect();
        let (early, late) = (&order[..3], &order[197..]);
        let cache = plain(policy, 1_000);
        let (first, restored) = restored_with(&cache, &bytes, || {
            assert!(cache.get(&early[0]).is_some(), "it can be used meanwhile");
            cache.insert(early[0], "new".to_owned());
            cache.remove(&early[1]);
            cache.insert(late[0], "new".to_owned());
            cache.remove(&late[1]);
            cache.insert(late[2], "new".to_owned());
            cache.remove(&late[2]);
        });
        assert!(early.iter().all(|key| first.contains(key)));
        assert!(!late.iter().any(|key| first.contains(key)));
        assert_eq!(cache.get(&early[0]).as_deref(), Some("new"));
        assert_eq!(cache.get(&early[1]), None);
        assert!(cache.get(&early[2]).is_some());
        assert_eq!(cache.get(&late[0]).as_deref(), Some("new"));
        assert_eq!((cache.get(&late[1]), cache.get(&late[2])), (None, None));
        // Three keys are left alone, and hardly another one shares a bit with one of them.
        assert!((190..=197).contains(&restored), "{restored}");
        assert!(matches!(
            cache.restore(&bytes[..]),
            Err(RestoreError::InUse)
        ));
    }
}

#[test]
fn what_is_cleared_or_invalidated_while_it_runs_stays_away() {
    for policy in POLICIES {
        let bytes = large(policy);
        type Clear = fn(&Cache<u32, String>);
        for clear in [Cache::clear as Clear, |cache| {
            cache.retain(|_, _| false);
        }] {
            let cache = plain(policy, 1_000);
            let (first, restored) = restored_with(&cache, &bytes, || clear(&cache));
            assert_eq!((restored, cache.len()), (first.len() as u64, 0));
        }
        let cache = tagged(policy);
        let tag = Tag::new("account", 3);
        restored_with(&cache, &bytes, || cache.invalidate_tag(tag));
        for key in 0..200 {
            assert_eq!(cache.get(&key).is_some(), key % 10 != 3, "{key}");
        }
    }
}

#[test]
fn two_do_not_restore_at_once() {
    let bytes = large(Policy::Adaptive);
    let cache = plain(Policy::Adaptive, 1_000);
    let (_, restored) = restored_with(&cache, &bytes, || {
        assert!(matches!(
            cache.restore(&bytes[..]),
            Err(RestoreError::InUse)
        ));
    });
    assert_eq!(restored, 200);
    assert_eq!(cache.restore(&bytes[..]).unwrap(), 0);
}

/// What a cache holds after a restore that failed must be of the snapshot, and the cache must work.
fn assert_sound(cache: &Cache<u32, String>, whole: &[(u32, String)], error: &RestoreError) {
    let held = entries(cache);
    assert_eq!(held.len() as u64, error.restored(), "{error}");
    assert!(held.iter().all(|entry| whole.contains(entry)), "{error}");
    cache.insert(1_000_000, "works".to_owned());
    assert_eq!(cache.get(&1_000_000).as_deref(), Some("works"));
}

#[test]
fn damage_in_any_byte_is_refused() {
    for policy in POLICIES {
        let cache = plain(policy, 10);
        for key in 0..3 {
            cache.insert(key, format!("customer {key}"));
        }
        let (bytes, whole) = (taken(&cache), entries(&cache));
        let step = 1;
        for at in (0..bytes.len()).step_by(step) {
            for flip in [1, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let cache = plain(policy, 10);
                let error = cache.restore(&damaged[..]).unwrap_err();
                match at {
                    0..8 => assert!(matches!(error, RestoreError::NotASnapshot)),
                    8..10 => assert!(matches!(error, RestoreError::OtherFormat { .. })),
                    // The lengths of the names and of the version.
                    26..30 => assert!(matches!(
                        error,
                        RestoreError::Damaged { .. } | RestoreError::Truncated { .. }
                    )),
                    _ => assert!(
                        matches!(error, RestoreError::Damaged { .. }),
                        "{at}: {error}"
                    ),
                }
                assert_sound(&cache, &whole, &error);
            }
        }
    }
}

#[test]
fn an_end_at_any_length_is_refused() {
    for policy in POLICIES {
        let cache = plain(policy, 10);
        for key in 0..3 {
            cache.insert(key, format!("customer {key}"));
        }
        let (bytes, whole) = (taken(&cache), entries(&cache));
        for length in 0..bytes.len() {
            let cache = plain(policy, 10);
            let error = cache.restore(&bytes[..length]).unwrap_err();
            assert!(matches!(error, RestoreError::Truncated { .. }), "{length}");
            // All came in where nothing but the end is missing.
            let end = bytes.len() - 28;
            assert_eq!(error.restored(), if length < end { 0 } else { 3 });
            assert_sound(&cache, &whole, &error);
        }
        // Not even a block that is missing as a whole.
        let cache = plain(policy, 10);
        let without = [&bytes[..head(&bytes)], &bytes[bytes.len() - 28..]].concat();
        let error = cache.restore(&without[..]).unwrap_err();
        assert!(matches!(error, RestoreError::Damaged { restored: 0, .. }));
    }
}

#[test]
fn blocks_before_the_damaged_one_stay() {
    for policy in POLICIES {
        let bytes = large(policy);
        let mut damaged = bytes.clone();
        let at = damaged.len() - 100;
        damaged[at] ^= 1;
        let cache = plain(policy, 1_000);
        let error = cache.restore(&damaged[..]).unwrap_err();
        let RestoreError::Damaged { restored, .. } = error else {
            panic!("{error}");
        };
        assert!((60..200).contains(&restored), "{restored}");
        let order: Vec<u32> = records::<u32, String>(&bytes).iter().map(|r| r.4).collect();
        let mut expected: Vec<_> = order[..restored as usize]
            .iter()
            .map(|key| (*key, format!("{key:1000}")))
            .collect();
        expected.sort();
        assert_eq!(entries(&cache), expected);
    }
}

#[test]
fn what_is_something_else_is_refused() {
    let cache = plain(Policy::Adaptive, 10);
    cache.insert(7, "customer".to_owned());
    let bytes = taken(&cache);
    let restore = |bytes: &[u8]| plain(Policy::Adaptive, 10).restore(bytes).unwrap_err();

    assert!(matches!(restore(b"{}"), RestoreError::NotASnapshot));
    assert!(matches!(restore(b"crm"), RestoreError::Truncated { .. }));
    let newer = with_head(bytes.clone(), |head| head[8] = 3);
    assert!(matches!(
        restore(&newer),
        RestoreError::OtherFormat {
            found: 3,
            expected: 2,
            ..
        }
    ));
    // The shortest head of the first format.
    let mut older = bytes[..26].to_vec();
    older[8] = 1;
    assert_eq!(
        restore(&older).to_string(),
        "this is a snapshot in version 1 of the format, and version 2 is read: begin cold, and take a new one"
    );
    let other: Cache<u32, u64> = Cache::new(10);
    let RestoreError::OtherTypes {
        found, expected, ..
    } = other.restore(&bytes[..]).unwrap_err()
    else {
        panic!("other types");
    };
    assert_eq!(
        (&*found, &*expected),
        ("u32 -> alloc::string::String", "u32 -> u64")
    );
    // Names that are not even text.
    let names = with_head(bytes.clone(), |head| head[30] = 0xFF);
    assert!(matches!(restore(&names), RestoreError::OtherTypes { .. }));
    assert!(other.is_empty());
}

/// The head of a snapshot, and some blocks that were not written by a cache.
fn forged<V>(value: V, blocks: &[Vec<u8>]) -> Vec<u8>
where
    V: Clone + Serialize,
{
    let cache: Cache<u32, V> = Cache::new(10);
    cache.insert(1, value);
    let bytes = taken(&cache);
    [&bytes[..head(&bytes)], &blocks.concat()].concat()
}

fn entry(bytes: &[u8]) -> Vec<u8> {
    let mut entry = postcard::to_stdvec(&(bytes.len() as u64)).unwrap();
    entry.extend(bytes);
    entry
}

#[test]
fn no_length_is_believed() {
    let lists = |blocks: &[Vec<u8>]| {
        let cache: Cache<u32, Vec<u64>> = Cache::new(10);
        let error = cache.restore(&forged(vec![1_u64], blocks)[..]).unwrap_err();
        assert!(cache.is_empty());
        error
    };
    let record = |class: u8, rest: &[u8]| {
        let mut bytes =
            postcard::to_stdvec(&(class, 0_u32, None::<u64>, None::<u64>, 1_u32)).unwrap();
        bytes.extend(rest);
        bytes
    };
    let huge = postcard::to_stdvec(&u64::MAX).unwrap();
    for length in [8, 1 << 20, 1 << 40, u64::MAX] {
        let error = lists(&[block_that_says(length, 1, b"short")]);
        assert!(matches!(error, RestoreError::Truncated { .. }), "{length}");
    }
    // An entry longer than its block, a list longer than its entry, an entry that is not all used, or too short.
    let error = lists(&[block(1, &huge)]);
    assert!(matches!(error, RestoreError::Damaged { .. }), "{error}");
    for rest in [&huge[..], &[1, 5, 0], &[3, 1], &[]] {
        let error = lists(&[block(1, &entry(&record(0, rest)))]);
        assert!(matches!(error, RestoreError::Decode { .. }), "{error}");
    }
    // More entries than there are, fewer, none with something in it, and a wrong sum.
    let right = entry(&record(0, &[1, 5]));
    let error = lists(&[block(u32::MAX, &[])]);
    assert!(matches!(error, RestoreError::Decode { .. }), "{error}");
    let error = lists(&[block(1, &[&right[..], &right].concat())]);
    assert!(matches!(error, RestoreError::Damaged { .. }), "{error}");
    for end in [block(0, &[]), block(0, &right), block(0, &[1; 8])] {
        let error = lists(&[end]);
        assert!(matches!(error, RestoreError::Damaged { .. }), "{error}");
    }
    // A class that no policy has.
    let error = lists(&[block(1, &entry(&record(81, &[1, 5])))]);
    assert!(matches!(error, RestoreError::Damaged { .. }), "{error}");
    // Names of types that would never end.
    let bytes = with_head(forged(vec![1_u64], &[]), |_| ());
    let mut endless = bytes[..26].to_vec();
    endless.extend([0xFF; 140_000]);
    let error = Cache::<u32, Vec<u64>>::new(10).restore(&endless[..]);
    assert!(matches!(error, Err(RestoreError::Damaged { .. })));
    // The same parts, put together rightly.
    let cache: Cache<u32, Vec<u64>> = Cache::new(10);
    let bytes = forged(
        vec![1_u64],
        &[block(1, &right), block(0, &1_u64.to_le_bytes())],
    );
    assert_eq!(cache.restore(&bytes[..]).unwrap(), 1);
    assert_eq!(cache.get(&1), Some(vec![5]));
}

#[test]
fn the_most_extreme_times_are_no_trouble() {
    for policy in POLICIES {
        for taken_at in [0, 1, u64::MAX] {
            for share in [0_u64, 1, u64::MAX] {
                for life in [None, Some(0), Some(1), Some(u64::MAX), Some(u64::MAX - 1)] {
                    let mut record =
                        postcard::to_stdvec(&(80_u8, u32::MAX, life, life, 1_u32)).unwrap();
                    record.extend([1, b'x']);
                    let blocks = [block(1, &entry(&record)), block(0, &1_u64.to_le_bytes())];
                    let bytes = with_head(forged("x".to_owned(), &blocks), |head| {
                        head[TAKEN_AT].copy_from_slice(&u64::to_le_bytes(taken_at));
                        head[18..26].copy_from_slice(&share.to_le_bytes());
                    });
                    let (clock, hand) = Clock::manual();
                    hand.advance(HOUR);
                    let cache: Cache<u32, String> = builder(policy, 10)
                        .time_to_live(HOUR)
                        .time_to_idle(HOUR)
                        .clock(clock)
                        .build()
                        .unwrap();
                    let count = cache.restore(&bytes[..]).unwrap();
                    assert_eq!(cache.get(&1).is_some(), count == 1);
                    for key in 0..20 {
                        cache.insert(key, "new".to_owned());
                    }
                    hand.advance(HOUR);
                    assert_eq!(cache.get(&1), None);
                }
            }
        }
    }
}

#[test]
fn it_reads_no_further_than_the_end() {
    let cache = plain(Policy::Adaptive, 10);
    cache.insert(7, "customer".to_owned());
    let mut bytes = taken(&cache);
    bytes.extend(taken(&plain(Policy::Adaptive, 10)));
    bytes.extend(b"more");
    let mut reader = Cursor::new(&bytes);
    assert_eq!(plain(Policy::Lru, 10).restore(&mut reader).unwrap(), 1);
    assert_eq!(plain(Policy::Lru, 10).restore(&mut reader).unwrap(), 0);
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "more");
}

/// Fails after so many bytes, and takes or gives one at a time.
struct Failing<T> {
    inner: T,
    left: usize,
}

impl<T> Failing<T> {
    fn step(&mut self) -> io::Result<()> {
        if self.left == 0 {
            return Err(io::Error::other("the disk is gone"));
        }
        self.left -= 1;
        if self.left % 2 == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}

impl Read for Failing<&[u8]> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.step()?;
        let count = to.len().min(1);
        self.inner.read(&mut to[..count])
    }
}

impl Write for Failing<Vec<u8>> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.step()?;
        self.inner.write(&from[..from.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.step().or_else(|error| match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        })
    }
}

#[test]
fn errors_of_readers_and_writers_are_handed_on() {
    for policy in POLICIES {
        let cache = plain(policy, 10);
        cache.insert(7, "customer".to_owned());
        let bytes = taken(&cache);
        let whole = entries(&cache);
        let step = 1;
        for left in (0..2 * bytes.len()).step_by(step) {
            let failing = Failing {
                inner: Vec::new(),
                left,
            };
            match cache.snapshot(failing) {
                Err(SnapshotError::Write(error)) => {
                    assert_eq!(error.to_string(), "the disk is gone");
                }
                other => panic!("{left}: {other:?}"),
            }
            let failing = Failing {
                inner: &bytes[..],
                left,
            };
            let cache = plain(policy, 10);
            match cache.restore(failing) {
                Err(error @ RestoreError::Read { .. }) => assert_sound(&cache, &whole, &error),
                other => panic!("{left}: {other:?}"),
            }
        }
        // What a writer keeps to itself is not written yet.
        let failing = Failing {
            inner: Vec::new(),
            left: 0,
        };
        let buffered = io::BufWriter::with_capacity(1 << 20, failing);
        assert!(cache.snapshot(buffered).is_err());
        let mut patient = Failing {
            inner: Vec::new(),
            left: 4 * bytes.len(),
        };
        assert_eq!(cache.snapshot(&mut patient).unwrap(), 1);
        let patient = Failing {
            inner: &patient.inner[..],
            left: 4 * bytes.len(),
        };
        assert_eq!(plain(policy, 10).restore(patient).unwrap(), 1);
    }
}

/// Does something when the first block is written.
struct Meanwhile<F> {
    bytes: Vec<u8>,
    writes: usize,
    what: Option<F>,
}

impl<F: FnOnce()> Write for Meanwhile<F> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        if self.writes == 2 {
            self.what.take().expect("once")();
        }
        self.bytes.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_changes_while_it_is_taken_is_written_as_it_is_by_then() {
    for policy in POLICIES {
        let cache = tagged(policy);
        for key in 0..1_000 {
            cache.insert(key, format!("{key:1000}"));
        }
        let order: Vec<u32> = records::<u32, String>(&taken(&cache))
            .iter()
            .map(|record| record.4)
            .collect();
        // The first 256 are copied already when the first block is written.
        let (copied, later) = order.split_at(256);
        let mut writer = Meanwhile {
            bytes: Vec::new(),
            writes: 0,
            what: Some(|| {
                cache.invalidate_tag(Tag::new("account", 3));
                for key in 0..1_000 {
                    match key % 10 {
                        5 => drop(cache.remove(&key)),
                        6 | 7 => drop(cache.insert(key, "newer".to_owned())),
                        _ => {}
                    }
                }
            }),
        };
        let count = cache.snapshot(&mut writer).unwrap();
        let written = records::<u32, String>(&writer.bytes);
        assert_eq!(count, written.len() as u64);
        let of = |key: u32| {
            let mut values = written.iter().filter(|r| r.4 == key).map(|r| &*r.5);
            let value = values.next();
            assert_eq!(values.next(), None, "{key} is there twice");
            value
        };
        for &key in copied {
            assert!(of(key).is_some_and(|value| value.len() == 1_000));
        }
        for &key in later {
            match key % 10 {
                3 | 5 => assert_eq!(of(key), None, "{key}"),
                6 | 7 => assert_eq!(of(key), Some("newer"), "{key}"),
                _ => assert!(of(key).is_some_and(|value| value.len() == 1_000)),
            }
        }
    }
}

/// A value that tells how often it was cloned and written, and that can refuse both ways.
#[derive(Debug, PartialEq)]
struct Watched(u32);

static CLONED: AtomicU64 = AtomicU64::new(0);
static WRITTEN: AtomicU64 = AtomicU64::new(0);
static MOST_AHEAD: AtomicU64 = AtomicU64::new(0);
static WATCHED: Mutex<Option<Arc<Cache<u32, Watched>>>> = Mutex::new(None);

impl Clone for Watched {
    fn clone(&self) -> Self {
        CLONED.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl Serialize for Watched {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ahead = CLONED.load(Ordering::Relaxed) - WRITTEN.fetch_add(1, Ordering::Relaxed);
        MOST_AHEAD.fetch_max(ahead, Ordering::Relaxed);
        // Whoever held a lock here would wait for itself.
        if let Some(cache) = &*WATCHED.lock().unwrap() {
            cache.read(&self.0, |_| ());
            cache.remove(&(self.0 + 1_000_000));
        }
        serializer.serialize_u32(self.0)
    }
}

#[test]
fn no_lock_is_held_while_entries_are_written_and_few_are_copied_at_a_time() {
    for policy in POLICIES {
        CLONED.store(0, Ordering::Relaxed);
        WRITTEN.store(0, Ordering::Relaxed);
        let cache = builder(policy, 2_000).build().unwrap();
        for key in 0..2_000 {
            cache.insert(key, Watched(key));
        }
        let cache = Arc::new(cache);
        *WATCHED.lock().unwrap() = Some(Arc::clone(&cache));
        assert_eq!(cache.snapshot(Vec::new()).unwrap(), 2_000);
        WATCHED.lock().unwrap().take();
        let most = MOST_AHEAD.swap(0, Ordering::Relaxed);
        assert!((1..=256).contains(&most), "{most}");
    }
}

/// A value that cannot be written, or not be read: by its number.
#[derive(Clone, Debug, PartialEq)]
struct Stubborn(u32);

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 1 {
            return Err(serde::ser::Error::custom("not this one"));
        }
        serializer.serialize_u32(self.0)
    }
}

impl<'a> Deserialize<'a> for Stubborn {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            2 => Err(serde::de::Error::custom("not this one")),
            3 => panic!("the user's own"),
            number => Ok(Self(number)),
        }
    }
}

#[test]
fn values_that_refuse_are_told_and_do_no_harm() {
    for policy in POLICIES {
        let cache = || -> Cache<u32, Stubborn> { builder(policy, 10).build().unwrap() };
        let full = cache();
        full.insert(1, Stubborn(1));
        let error = full.snapshot(Vec::new()).unwrap_err();
        assert!(matches!(error, SnapshotError::Encode(_)), "{error}");
        assert!(std::error::Error::source(&error).is_some());
        full.insert(1, Stubborn(2));
        let restored = cache();
        let error = restored.restore(&taken(&full)[..]).unwrap_err();
        assert!(matches!(error, RestoreError::Decode { restored: 0, .. }));
        assert!(std::error::Error::source(&error).is_some());
        // A panic of the user's leaves the window open, as an error does.
        full.insert(1, Stubborn(3));
        let bytes = taken(&full);
        let call = || restored.restore(&bytes[..]);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
        full.insert(1, Stubborn(4));
        assert_eq!(restored.restore(&taken(&full)[..]).unwrap(), 1);
        assert_eq!(restored.get(&1), Some(Stubborn(4)));
    }
}

/// Gives every key one hash.
#[derive(Clone, Default)]
struct Same;

impl Hasher for Same {
    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        7
    }
}

#[test]
fn keys_of_one_hash_are_told_apart() {
    for policy in POLICIES {
        let build = || -> Cache<u32, String, _> {
            builder::<u32, String>(policy, 100)
                .hasher(BuildHasherDefault::<Same>::default())
                .build()
                .unwrap()
        };
        let cache = build();
        for key in 0..20 {
            cache.insert(key, format!("customer {key}"));
        }
        let restored = build();
        assert_eq!(restored.restore(&taken(&cache)[..]).unwrap(), 20);
        assert_eq!(sorted(restored.entries()), sorted(cache.entries()));
        if policy == Policy::Lru {
            assert_eq!(restored.hottest(20), cache.hottest(20));
        }
    }
}

#[test]
fn large_values_travel_too() {
    let bytes = 5_000_000;
    for policy in POLICIES {
        let cache: Cache<u32, Vec<u8>> = builder(policy, 10).build().unwrap();
        for key in 0..3 {
            cache.insert(key, vec![key as u8; bytes]);
        }
        let restored: Cache<u32, Vec<u8>> = builder(policy, 10).build().unwrap();
        assert_eq!(restored.restore(&taken(&cache)[..]).unwrap(), 3);
        assert_eq!(restored.get(&2), Some(vec![2; bytes]));
    }
}

#[test]
fn a_snapshot_under_traffic_holds_what_was_true_during_it() {
    const KEYS: u32 = 500;
    let rounds = 20;
    for policy in POLICIES {
        let builder = Cache::<u32, u64>::builder(10_000).policy(policy);
        let cache = builder.shards(4).build().unwrap();
        // The last version of each key that was written; even ones are there, odd ones removed.
        let versions: Vec<_> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for writer in 0..2 {
                let (cache, versions, done) = (&cache, &versions, &done);
                scope.spawn(move || {
                    let mut state = 7 + u64::from(writer);
                    while !done.load(Ordering::Relaxed) {
                        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
                        // Each writer has keys of its own.
                        let key = ((state >> 33) as u32 % (KEYS / 2)) * 2 + writer;
                        let version = versions[key as usize].load(Ordering::SeqCst) + 1;
                        if version % 2 == 0 {
                            cache.insert(key, version);
                        } else {
                            cache.remove(&key);
                        }
                        versions[key as usize].store(version, Ordering::SeqCst);
                    }
                });
            }
            let look = || -> Vec<u64> {
                let load = |version: &AtomicU64| version.load(Ordering::SeqCst);
                versions.iter().map(load).collect()
            };
            for _ in 0..rounds {
                let before = look();
                let bytes = taken(&cache);
                let after = look();
                for (.., key, version) in records::<u32, u64>(&bytes) {
                    let (first, last) = (before[key as usize], after[key as usize] + 1);
                    assert!(
                        (first..=last).contains(&version),
                        "{key}: {version} of {first}..={last}"
                    );
                }
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn a_restore_under_traffic_loses_to_every_write() {
    let rounds = 30;
    let keys = 2_000;
    for policy in POLICIES {
        let full: Cache<u32, u64> = Cache::builder(10_000).policy(policy).build().unwrap();
        for key in 0..keys {
            full.insert(key, 0);
        }
        let bytes = taken(&full);
        for _ in 0..rounds {
            let builder = Cache::<u32, u64>::builder(10_000).policy(policy);
            let cache = builder.shards(4).build().unwrap();
            let begun = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !begun.load(Ordering::Acquire) {
                        std::hint::spin_loop();
                    }
                    for key in (0..keys).rev() {
                        match key % 3 {
                            0 => drop(cache.insert(key, 1)),
                            1 => drop(cache.remove(&key)),
                            _ => drop(cache.get(&key)),
                        }
                    }
                });
                let reader = Interrupted {
                    bytes: &bytes,
                    at: 0,
                    when: head(&bytes),
                    what: Some(|| begun.store(true, Ordering::Release)),
                };
                cache.restore(reader).unwrap();
            });
            for key in 0..keys {
                match key % 3 {
                    0 => assert_eq!(cache.get(&key), Some(1), "{key}"),
                    1 => assert_eq!(cache.get(&key), None, "{key}"),
                    _ => assert_ne!(cache.get(&key), Some(1), "{key}"),
                }
            }
        }
    }
}

#[test]
fn errors_say_what_to_do() {
    let error = |bytes: &[u8]| {
        let cache = plain(Policy::Adaptive, 10);
        cache.restore(bytes).unwrap_err().to_string()
    };
    assert_eq!(
        error(b"something else"),
        "this is no snapshot of a cache: begin cold, and check the path"
    );
    assert_eq!(
        error(b""),
        "the snapshot ends after 0 entries, before its end: go on without the rest, and write snapshots to a file that is \
         renamed when it is complete"
    );
}

#[test]
fn a_listener_hears_of_what_was_restored_when_it_leaves() {
    for policy in POLICIES {
        let full = plain(policy, 10);
        full.insert(7, "customer".to_owned());
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let cache: Cache<u32, String> = builder(policy, 10)
            .on_removal(move |&key, _, cause| log.lock().unwrap().push((key, cause)))
            .build()
            .unwrap();
        cache.restore(&taken(&full)[..]).unwrap();
        assert!(told.lock().unwrap().is_empty());
        cache.remove(&7);
        assert_eq!(*told.lock().unwrap(), [(7, RemovalCause::Removed)]);
    }
}

#[test]
fn an_error_says_its_cause_once() {
    let failing = || Failing {
        inner: Vec::new(),
        left: 0,
    };
    let error = plain(Policy::Adaptive, 10).snapshot(failing()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the snapshot could not be written: make room for it and take it anew"
    );
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "the disk is gone"
    );
    assert_eq!(format!("{error:#}"), format!("{error}: the disk is gone"));
}

#[test]
fn another_version_is_refused() {
    let build = |version: &str| {
        Cache::<u32, String>::builder(10)
            .snapshot_version(version)
            .build()
            .unwrap()
    };
    let long = |end: &str| format!("{}{end}", "\u{e9}".repeat(2_047));
    let names = ["", "customers 2", "customers 3", &long("aa1"), &long("ab1")];
    for written in names {
        let full = build(written);
        full.insert(7, "customer".to_owned());
        let bytes = taken(&full);
        for read in names {
            let cache = build(read);
            match cache.restore(&bytes[..]) {
                Ok(count) => assert_eq!((count, written), (1, read)),
                Err(RestoreError::OtherVersion {
                    found, expected, ..
                }) => {
                    assert_ne!(written, read);
                    assert!(written.starts_with(&found) && read.starts_with(&expected));
                    assert!(cache.is_empty());
                }
                Err(error) => panic!("{error}"),
            }
        }
        // The version of a loading cache is that of its builder.
        let loading = Cache::<u32, String>::builder(10)
            .snapshot_version(written)
            .loading(|_: &u32| Err::<String, _>("cold"))
            .build()
            .unwrap();
        assert_eq!(loading.restore(&bytes[..]).unwrap(), 1);
    }
    // Beyond the first 4,096 bytes nothing counts.
    let full = build(&long("aaa1"));
    assert_eq!(build(&long("aaa2")).restore(&taken(&full)[..]).unwrap(), 0);
    let error = build("new").restore(&taken(&build("old"))[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this is a snapshot of version \"old\", and the cache is built for \"new\": begin cold, and take a new one"
    );
}

#[test]
fn the_time_of_day_is_the_one_the_builder_was_given() {
    for policy in POLICIES {
        let at = |hours: u32, offset: u32| {
            let (clock, hand) = Clock::manual();
            let cache: Cache<u32, String> = builder(policy, 10)
                .time_to_live(4 * HOUR)
                .time_to_idle(3 * HOUR)
                .clock(clock)
                .wall_clock(move || SystemTime::UNIX_EPOCH + hours * HOUR)
                .build()
                .unwrap();
            hand.advance(offset * HOUR);
            (cache, hand)
        };
        let (full, _) = at(1_000, 5);
        full.insert(1, "one".to_owned());
        let bytes = taken(&full);
        for (down, comes_back) in [(0, 1), (1, 1), (2, 1), (3, 0), (4, 0)] {
            let (cache, hand) = at(1_000 + down, 77);
            assert_eq!(cache.restore(&bytes[..]).unwrap(), comes_back, "{down}");
            let milli = Duration::from_millis(1);
            if comes_back > 0 {
                hand.advance((3 - down) * HOUR - milli);
                assert!(cache.contains_key(&1));
                hand.advance(milli);
            }
            assert!(!cache.contains_key(&1));
        }
        // Set back, nothing has passed.
        let (cache, _) = at(0, 0);
        assert_eq!(cache.restore(&bytes[..]).unwrap(), 1);
    }
}

#[test]
fn what_is_not_wanted_stays_away() {
    for policy in POLICIES {
        let full = plain(policy, 10);
        (0..6).for_each(|key| drop(full.insert(key, format!("customer {key}"))));
        let bytes = taken(&full);
        full.forget(&3);
        let cache = plain(policy, 10);
        let mut asked = Vec::new();
        let restored = cache.restore_if(&bytes[..], |key, value| {
            assert_eq!(*value, format!("customer {key}"));
            assert!(!cache.contains_key(key), "not yet");
            asked.push(*key);
            *key != 3
        });
        assert_eq!((restored.unwrap(), cache.get(&3)), (5, None));
        assert_eq!(sorted(asked), [0, 1, 2, 3, 4, 5]);
        let loading = Cache::<u32, String>::builder(10)
            .policy(policy)
            .loading(|_: &u32| Err::<String, _>("cold"))
            .build()
            .unwrap();
        let restored = loading.restore_if(&bytes[..], |key, value| {
            assert_eq!(*value, format!("customer {key}"));
            *key != 3
        });
        assert_eq!(restored.unwrap(), 5);
        assert_eq!(loading.get_if_present(&3), None);
    }
}
