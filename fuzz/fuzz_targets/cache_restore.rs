//! Bytes as a snapshot: whatever they are, a restore ends, the cache is as good as before, and what came in can be written
//! and read again.
//!
//! The first byte says how much of the format is given: nothing, a head, or also right checksums for each block. Without
//! these a fuzzer would hardly ever come as far as an entry.

#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use crm_cache::{Cache, Clock, Policy, Tag};
use libfuzzer_sys::fuzz_target;

type Value = (String, Vec<Option<u16>>, BTreeMap<i32, char>, f64);

fn build(policy: Policy, capacity: usize, with_lives: bool) -> Cache<u16, Value> {
    let mut builder = Cache::builder(capacity)
        .policy(policy)
        .shards(2)
        // The coarse clock would start a thread for each input.
        .clock(Clock::manual().0)
        .weigher(100, |_, value: &Value| value.0.len() as u64);
    if with_lives {
        builder = builder
            .time_to_live(Duration::from_secs(3_600))
            .time_to_idle(Duration::from_secs(1_800))
            .tags(|key, _, tags| tags.add(Tag::new("account", key % 3)));
    }
    builder.build().expect("a sound configuration")
}

fn taken(cache: &Cache<u16, Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    cache.snapshot(&mut bytes).expect("a vector takes all");
    bytes
}

fn with_sum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// A block of these bytes with right checksums.
fn block(entries: u32, bytes: &[u8]) -> Vec<u8> {
    let mut head = (bytes.len() as u64).to_le_bytes().to_vec();
    head.extend(entries.to_le_bytes());
    head.extend(crc32fast::hash(bytes).to_le_bytes());
    [with_sum(head), bytes.to_vec()].concat()
}

/// Blocks, each from its number of entries, its length and its bytes, and an end that adds up.
fn blocks(mut rest: &[u8]) -> Vec<u8> {
    let (mut blocks, mut entries) = (Vec::new(), 0);
    while let [count, length, bytes @ ..] = rest {
        let (body, next) = bytes.split_at(bytes.len().min(usize::from(*length)));
        blocks.extend(block(u32::from(*count), body));
        entries += u64::from(*count);
        rest = next;
    }
    blocks.extend(block(0, &entries.to_le_bytes()));
    blocks
}

/// A head with this time and number of entries to a shard.
fn head(numbers: &[u8; 16]) -> Vec<u8> {
    let mut head = taken(&build(Policy::Lru, 8, false));
    head.truncate(head.len() - 28 - 4);
    head[10..26].copy_from_slice(numbers);
    with_sum(head)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else {
        return;
    };
    let snapshot = match (choice >> 6, bytes.split_first_chunk()) {
        (0, _) | (_, None) => bytes.to_vec(),
        (1, Some((numbers, rest))) => [head(numbers), rest.to_vec()].concat(),
        (_, Some((numbers, rest))) => [head(numbers), blocks(rest)].concat(),
    };
    let policy = [Policy::Adaptive, Policy::Lru][usize::from(choice & 1)];
    let cache = build(policy, 2 + usize::from(choice >> 3 & 7), choice & 2 > 0);
    let restored = cache.restore(&snapshot[..]);
    let count = restored.unwrap_or_else(|error| {
        assert!(!error.to_string().is_empty());
        error.restored()
    });
    assert_eq!(cache.len() as u64, count);
    assert!(cache.len() <= cache.capacity() && cache.weight() <= 100);

    let again = build(policy, 100, choice & 2 > 0);
    let bytes = taken(&cache);
    let held = cache.entries();
    assert!(again.restore(&bytes[..]).expect("a whole snapshot") <= count);
    for (key, _) in again.entries() {
        assert!(held.iter().any(|(other, _)| *other == key));
    }

    for key in 0..20 {
        cache.insert(key, (String::new(), Vec::new(), BTreeMap::new(), 0.5));
        assert_eq!(cache.read(&key, |value| value.3), Some(0.5));
    }
    assert!(cache.len() <= cache.capacity());
});
