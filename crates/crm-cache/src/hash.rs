//! The default hasher, behind a name of our own so that it can change without a breaking release.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

/// Hashes keys with a seed drawn anew for each cache.
///
/// It is fast on the short keys a customer has (integers, identifiers) and seeded, so that which keys collide cannot be
/// computed in advance. Where an attacker chooses the keys *and* can time many look-ups, give the builder a keyed
/// cryptographic hasher instead, such as [`std::hash::RandomState`].
///
/// Which hash function it is may change with any release: two versions of this crate need not agree on a hash, and
/// neither do two processes.
#[derive(Clone, Default)]
pub struct DefaultHashBuilder(foldhash::fast::RandomState);

impl BuildHasher for DefaultHashBuilder {
    type Hasher = DefaultHasher;

    #[inline]
    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher(self.0.build_hasher())
    }
}

// Without the seed, which is nobody's business.
impl fmt::Debug for DefaultHashBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultHashBuilder").finish_non_exhaustive()
    }
}

/// The hasher of the [`DefaultHashBuilder`].
#[derive(Clone)]
pub struct DefaultHasher(foldhash::fast::FoldHasher<'static>);

/// Hands each stable method on, so that none falls back to the byte-wise default.
macro_rules! forward {
    ($($write:ident($number:ty))*) => { $(
        #[inline]
        fn $write(&mut self, number: $number) {
            self.0.$write(number);
        }
    )* };
}

impl Hasher for DefaultHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    forward! {
        write_u8(u8) write_u16(u16) write_u32(u32) write_u64(u64) write_u128(u128) write_usize(usize)
        write_i8(i8) write_i16(i16) write_i32(i32) write_i64(i64) write_i128(i128) write_isize(isize)
    }
}

impl fmt::Debug for DefaultHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultHasher").finish_non_exhaustive()
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::hash::{BuildHasher, Hash};

    use super::DefaultHashBuilder;

    fn agrees(builder: &DefaultHashBuilder, value: impl Hash) {
        assert_eq!(builder.hash_one(&value), builder.0.hash_one(&value));
    }

    /// What is written must reach the hasher inside by the method it came by: a method that is not handed on hashes by
    /// bytes, more slowly and to another value.
    #[test]
    fn every_method_is_handed_on() {
        let builder = DefaultHashBuilder::default();
        agrees(&builder, (1_u8, 2_u16, 3_u32, 4_u64, 5_u128, 6_usize));
        agrees(&builder, (-1_i8, -2_i16, -3_i32, -4_i64, -5_i128, -6_isize));
        agrees(&builder, (1_u8, "a string", [7_u8; 300], ()));
        for number in 0..200_u8 {
            agrees(&builder, number);
            agrees(&builder, i8::from_ne_bytes([number]));
            agrees(&builder, u16::from(number));
            agrees(&builder, i16::from(number));
            agrees(&builder, u32::from(number));
            agrees(&builder, i32::from(number));
            agrees(&builder, u64::from(number));
            agrees(&builder, i64::from(number));
            agrees(&builder, u128::from(number));
            agrees(&builder, i128::from(number));
            agrees(&builder, usize::from(number));
            agrees(&builder, isize::from(i16::from(number)));
            agrees(&builder, vec![number; usize::from(number)]);
        }
    }

    #[test]
    fn a_builder_does_not_tell_its_seed() {
        let builder = DefaultHashBuilder::default();
        assert_eq!(format!("{builder:?}"), "DefaultHashBuilder { .. }");
        assert_eq!(
            format!("{:?}", builder.build_hasher()),
            "DefaultHasher { .. }"
        );
    }

    #[test]
    fn each_cache_has_its_own_seed_and_clones_share_it() {
        let (one, other) = (DefaultHashBuilder::default(), DefaultHashBuilder::default());
        assert_ne!(one.hash_one(7), other.hash_one(7));
        assert_eq!(one.hash_one(7), one.clone().hash_one(7));
    }
}
