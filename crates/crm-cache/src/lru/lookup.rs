//! Finds a key in an `LruCache` by anything equivalent to it, with a hash that is computed once.

use std::borrow::Borrow;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A key with its hash.
#[derive(Debug)]
pub(crate) struct Hashed<K> {
    pub(crate) hash: u64,
    pub(crate) key: K,
}

impl<K> Hash for Hashed<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Whether they are one and the same. By this the map finds the place of a key that it holds, or that it is about to take
/// in and does not hold: so none of what changes the map runs the user's `Eq`, which may panic and would leave the map
/// half changed. Keys are compared by `Eq` where they are asked for, by a [`Lookup`].
impl<K> PartialEq for Hashed<K> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl<K> Eq for Hashed<K> {}

/// What a map of hashed keys is asked for. `LruCache` wants to borrow the query from the key; a stored key and a query
/// of another type have only this view in common.
pub(crate) trait Lookup<K> {
    fn hash(&self) -> u64;
    /// The key itself, on the side of the map.
    fn stored(&self) -> Option<&K>;
    /// Whether this is the key, on the side of the query.
    fn is(&self, key: &K) -> bool;
}

impl<K: Eq> Lookup<K> for Hashed<K> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn stored(&self) -> Option<&K> {
        Some(&self.key)
    }

    fn is(&self, key: &K) -> bool {
        self.key == *key
    }
}

/// A query: a hash, and a test of keys.
pub(crate) struct Query<F> {
    pub(crate) hash: u64,
    pub(crate) is_it: F,
}

impl<K, F: Fn(&K) -> bool> Lookup<K> for Query<F> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn stored(&self) -> Option<&K> {
        None
    }

    fn is(&self, key: &K) -> bool {
        (self.is_it)(key)
    }
}

impl<'a, K: Eq + 'a> Borrow<dyn Lookup<K> + 'a> for Hashed<K> {
    fn borrow(&self) -> &(dyn Lookup<K> + 'a) {
        self
    }
}

impl<K> Hash for dyn Lookup<K> + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Lookup::hash(self));
    }
}

impl<K> PartialEq for dyn Lookup<K> + '_ {
    fn eq(&self, other: &Self) -> bool {
        Lookup::hash(self) == Lookup::hash(other)
            && match (self.stored(), other.stored()) {
                (_, Some(key)) => self.is(key),
                (Some(key), None) => other.is(key),
                (None, None) => false,
            }
    }
}

impl<K> Eq for dyn Lookup<K> + '_ {}

/// Hands on the hash that a key was stored with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carried(u64);

pub(crate) type CarryHash = BuildHasherDefault<Carried>;

impl Hasher for Carried {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes that were computed before are hashed here");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
