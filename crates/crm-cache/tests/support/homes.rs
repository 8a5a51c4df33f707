//! Which key lives in which shard of an LRU cache, found out from outside.
//!
//! Each shard keeps an order of its own. Who knows the shard of each key can tell whether a victim was the right one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crm_cache::{Cache, Policy};

use super::subject::Hashing;

/// There are never more keys than this.
pub(crate) const KEYS: u8 = 128;

/// A number for each key, which is the same for those that share a shard.
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
        let mut families: Vec<Vec<u8>> = Vec::new();
        for key in 0..KEYS {
            let family = families
                .iter_mut()
                .find(|family| are_together(family[0], key, shards, hashing));
            match family {
                Some(family) => family.push(key),
                None => families.push(vec![key]),
            }
        }
        assert!(families.len() <= shards, "more shards than asked for");
        let mut homes = vec![0; usize::from(KEYS)];
        for (home, family) in families.iter().enumerate() {
            for key in family {
                homes[usize::from(*key)] = home;
            }
        }
        Self(homes)
    }
}

/// Whether two keys share a shard. The keys of one shard turn round from the hottest to the coldest; different shards take
/// turns in an order of their own.
fn are_together(one: u8, other: u8, shards: usize, hashing: Hashing) -> bool {
    let cache = Cache::builder(shards)
        .policy(Policy::Lru)
        .shards(shards)
        .hasher(hashing)
        .build()
        .expect("a valid configuration");
    cache.insert(one, ());
    cache.insert(other, ());
    cache.hottest(2) != cache.coldest(2)
}
