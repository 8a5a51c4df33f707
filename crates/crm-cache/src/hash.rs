//! The default hasher, behind a name of our own so that it can change without a breaking release.

use std::hash::BuildHasher;

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
