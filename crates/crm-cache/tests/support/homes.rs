//! Which key lives in which shard of an LRU cache, found out from outside.
//!
//! Each shard keeps an order and a share of the capacity of its own. Who knows the shard of each key can predict every
//! eviction.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crm_cache::{Cache, Policy};

use super::subject::Hashing;

/// There are never more keys than this.
pub(crate) const KEYS: u8 = 128;

/// The shard of each key.
#[derive(Debug)]
pub(crate) struct Homes(Vec<usize>);

type Known = HashMap<(usize, bool), Arc<Homes>>;

impl Homes {
    pub(crate) fn of(shards: usize, hashing: Hashing) -> Arc<Self> {
        static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        let homes = known
            .entry((shards, hashing.collides))
            .or_insert_with(|| Arc::new(Self::find(shards, hashing)));
        Arc::clone(homes)
    }

    pub(crate) fn home(&self, key: u8) -> usize {
        self.0[usize::from(key)]
    }

    fn find(shards: usize, hashing: Hashing) -> Self {
        if shards == 1 {
            return Self(vec![0; usize::from(KEYS)]);
        }
        // Keys that push each other out of a cache with one entry a shard share a shard.
        let mut families: Vec<Vec<u8>> = Vec::new();
        for key in 0..KEYS {
            let family = families
                .iter_mut()
                .find(|family| !both_fit(family[0], key, shards, shards, hashing));
            match family {
                Some(family) => family.push(key),
                None => families.push(vec![key]),
            }
        }
        assert!(families.len() <= shards, "more shards than asked for");
        // The first shards hold one entry more. A family of one never needs it, and takes what shard is left.
        let mut homes = vec![usize::MAX; usize::from(KEYS)];
        let mut left: Vec<usize> = (0..shards).collect();
        families.sort_by_key(|family| std::cmp::Reverse(family.len()));
        for family in families {
            let home = match family[..] {
                [one, other, ..] => (0..shards)
                    .find(|extra| both_fit(one, other, shards, shards + extra + 1, hashing))
                    .expect("with two entries a shard any two fit"),
                _ => left[0],
            };
            assert!(left.contains(&home), "two families share a shard");
            left.retain(|shard| *shard != home);
            family
                .iter()
                .for_each(|key| homes[usize::from(*key)] = home);
        }
        Self(homes)
    }
}

fn both_fit(one: u8, other: u8, shards: usize, capacity: usize, hashing: Hashing) -> bool {
    let cache = Cache::builder(capacity)
        .policy(Policy::Lru)
        .shards(shards)
        .hasher(hashing)
        .build()
        .expect("a valid configuration");
    cache.insert(one, ());
    cache.insert(other, ());
    cache.len() == 2
}
