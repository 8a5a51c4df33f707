//! The default hasher, behind a name of our own so that it can change without a breaking release.

use std::hash::{BuildHasher, Hash};

/// Hashes keys with a seed drawn anew for each cache.
///
/// It is fast on the short keys a customer has (integers, identifiers) and seeded, so that which keys collide cannot be
/// computed in advance. Where an attacker chooses the keys *and* can time many look-ups, give the builder a keyed
/// cryptographic hasher instead, such as [`std::hash::RandomState`].
#[derive(Clone, Debug, Default)]
pub struct DefaultHashBuilder(foldhash::fast::RandomState);

impl BuildHasher for DefaultHashBuilder {
    type Hasher = foldhash::fast::FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

/// Hashes a key, and mixes the result: which shard, which bucket and which tag are different bits of it, and hashers made
/// for one table leave patterns in some. Consecutive numbers, for one, may all miss a shard.
///
/// The mixing is the second half of the finaliser of `MurmurHash3` (Appleby).
#[inline]
pub(crate) fn hash<S: BuildHasher, Q: Hash + ?Sized>(hasher: &S, key: &Q) -> u64 {
    let mut hash = hasher.hash_one(key);
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^ (hash >> 33)
}

/// The shard of a hash: its upper half, scaled to the number of shards by a multiplication, so that any number serves
/// and the maps inside have the other bits.
#[inline]
pub(crate) fn shard(hash: u64, shards: usize) -> usize {
    (((hash >> 32) * shards as u64) >> 32) as usize
}
