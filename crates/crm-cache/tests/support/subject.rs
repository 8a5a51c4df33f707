//! The keys and values that the cache is tested with: each can tell what it is, and whether it was dropped.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crm_cache::Equivalent;

/// How many keys and values there are, clones included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alive(Arc<AtomicI64>);

impl Alive {
    fn born(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }

    fn dies(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) number: u8,
    alive: Alive,
}

impl Key {
    pub(crate) fn new(number: u8, alive: &Alive) -> Self {
        Self {
            number,
            alive: alive.born(),
        }
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        Self::new(self.number, &self.alive)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.alive.dies();
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.number);
    }
}

/// Another form of a key, to look it up by.
pub(crate) struct Query(pub(crate) u8);

impl Hash for Query {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.0);
    }
}

impl Equivalent<Key> for Query {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.number
    }
}

/// What a value says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// How long it lives, where the cache asks for that.
    pub(crate) life: Option<Duration>,
    /// What it weighs, where the cache asks for that.
    pub(crate) weight: u64,
}

impl Content {
    pub(crate) fn decode(a: u8, b: u8) -> Self {
        let life = match b {
            0..64 => None,
            64..72 => Some(Duration::MAX),
            72..80 => Some(Duration::ZERO),
            80..100 => Some(Duration::from_micros(100 * u64::from(b - 80))),
            100.. => Some(Duration::from_millis(u64::from(b - 99))),
        };
        let weight = match a {
            0..224 => u64::from(a % 16),
            224..252 => u64::from(a),
            252.. => u64::MAX - u64::from(255 - a),
        };
        Self { life, weight }
    }
}

/// A value with a number that no other has, on the heap, so that a sanitiser sees an access that comes too late.
#[derive(Debug)]
pub(crate) struct Value {
    inner: Box<Inner>,
    alive: Alive,
}

#[derive(Clone, Debug)]
struct Inner {
    key: u8,
    id: u32,
    content: Content,
    /// The number again, turned round; zero when dropped.
    seal: u32,
}

fn seal(id: u32) -> u32 {
    id.rotate_left(16) ^ 0x5EA1_5EA1
}

impl Value {
    pub(crate) fn new(key: u8, id: u32, content: Content, alive: &Alive) -> Self {
        let inner = Inner {
            key,
            id,
            content,
            seal: seal(id),
        };
        Self {
            inner: Box::new(inner),
            alive: alive.born(),
        }
    }

    /// The number, after a look at the rest.
    pub(crate) fn id_for(&self, key: u8) -> u32 {
        assert_eq!(self.inner.key, key, "another key's value");
        assert_eq!(self.inner.seal, seal(self.inner.id), "a dropped value");
        self.inner.id
    }

    pub(crate) fn content(&self) -> Content {
        self.inner.content
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        let Inner { key, content, .. } = *self.inner;
        Self::new(key, self.id_for(key), content, &self.alive)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.inner.seal = 0;
        self.alive.dies();
    }
}

/// A hasher without a seed, so that a plan does the same in each run as far as the policy allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hashing {
    /// Whether all keys have one of four hashes.
    pub(crate) collides: bool,
}

impl BuildHasher for Hashing {
    type Hasher = Plain;

    fn build_hasher(&self) -> Plain {
        let mask = if self.collides { 3 } else { u64::MAX };
        Plain { mask, hash: 0 }
    }
}

pub(crate) struct Plain {
    mask: u64,
    hash: u64,
}

impl Hasher for Plain {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.hash = self.hash << 8 | u64::from(byte);
        }
    }

    fn finish(&self) -> u64 {
        self.hash & self.mask
    }
}
