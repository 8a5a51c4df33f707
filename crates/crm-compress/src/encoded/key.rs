//! All that an encoded form depends on.

use std::hash::BuildHasher;

use super::Identity;
use crate::{Coding, Level};

/// All that an encoded form depends on, borrowed from a caller or from what is kept.
///
/// Equality and hash are derived, so that a field cannot be forgotten in either. The order of the fields is that in which
/// they are compared: the bytes of a body come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key<'a> {
    by: By,
    coding: Coding,
    level: Level,
    /// Of the body, also where a tag stands for it: a tag that was given to two bodies is caught if their lengths differ.
    length: usize,
    variant: Option<&'a [u8]>,
    /// The resource of the tag, if there is one.
    resource: Option<&'a [u8]>,
    /// The tag, or else the body.
    bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum By {
    Body,
    Tag,
}

/// The bytes, if there are any. An empty slice may point anywhere, and a `memcmp` that masks its loads, as that of glibc on
/// recent processors, takes a tenth of a microsecond to find out that it need not read there.
fn unless_empty(bytes: &[u8]) -> Option<&[u8]> {
    (!bytes.is_empty()).then_some(bytes)
}

impl<'a> Key<'a> {
    pub(super) fn new(
        coding: Coding,
        level: Level,
        identity: Identity<'a>,
        body: &'a [u8],
    ) -> Self {
        let (by, resource, bytes) = match identity.tag {
            None => (By::Body, &[][..], body),
            Some(tag) => (By::Tag, tag.resource, tag.etag),
        };
        Self {
            by,
            coding,
            level,
            length: body.len(),
            variant: unless_empty(identity.variant),
            resource: unless_empty(resource),
            bytes,
        }
    }

    /// The number under which a store keeps the form. Nobody without the seed can make two keys that share one.
    pub(super) fn number(&self, seed: &impl BuildHasher) -> u64 {
        seed.hash_one(self)
    }

    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    /// The length of the body.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// How many bytes a copy takes.
    pub(super) fn size(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    fn parts(&self) -> [&'a [u8]; 3] {
        let (variant, resource) = (self.variant, self.resource);
        [
            variant.unwrap_or_default(),
            resource.unwrap_or_default(),
            self.bytes,
        ]
    }

    pub(super) fn keep(&self) -> Kept {
        let parts = self.parts();
        Kept {
            by: self.by,
            coding: self.coding,
            level: self.level,
            length: self.length,
            variant: parts[0].len(),
            resource: parts[1].len(),
            bytes: parts.concat().into(),
        }
    }
}

/// A key that owns its bytes, all in one allocation of just their size.
pub(super) struct Kept {
    by: By,
    coding: Coding,
    level: Level,
    length: usize,
    /// Lengths of the first two parts of `bytes`.
    variant: usize,
    resource: usize,
    bytes: Box<[u8]>,
}

impl Kept {
    pub(super) fn key(&self) -> Key<'_> {
        let (variant, rest) = self.bytes.split_at(self.variant);
        let (resource, bytes) = rest.split_at(self.resource);
        Key {
            by: self.by,
            coding: self.coding,
            level: self.level,
            length: self.length,
            variant: unless_empty(variant),
            resource: unless_empty(resource),
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use foldhash::quality::RandomState;

    use super::*;

    /// Whatever a form depends on tells keys apart, and so does where one part ends and the next begins.
    #[test]
    fn every_part_counts() {
        let (gzip, level) = (Coding::Gzip, Level::Balanced);
        let keys = [
            Key::new(gzip, level, Identity::body(), b"ab"),
            Key::new(gzip, level, Identity::body(), b"ac"),
            Key::new(gzip, level, Identity::body(), b"abc"),
            Key::new(gzip, level, Identity::body().variant(b"a"), b"b"),
            Key::new(gzip, level, Identity::body().variant(b"ab"), b""),
            Key::new(gzip, level, Identity::body(), b"1"),
            Key::new(Coding::Deflate, level, Identity::body(), b"ab"),
            Key::new(gzip, Level::Smallest, Identity::body(), b"ab"),
            Key::new(gzip, Level::Exact(7), Identity::body(), b"ab"),
            Key::new(gzip, level, Identity::tag("r", "\"1\""), b"ab"),
            Key::new(gzip, level, Identity::tag("s", "\"1\""), b"ab"),
            Key::new(gzip, level, Identity::tag("r", "\"2\""), b"ab"),
            Key::new(gzip, level, Identity::tag("r", "\"1\""), b"abc"),
            Key::new(gzip, level, Identity::tag("", "\"1\""), b"1"),
            Key::new(gzip, level, Identity::tag("", "\"1\"").variant(b"r"), b"ab"),
            Key::new(gzip, level, Identity::tag("r1", "\"1\""), b"ab"),
            Key::new(gzip, level, Identity::tag("r", "\"11\""), b"ab"),
        ];
        let seed = RandomState::default();
        for (at, key) in keys.iter().enumerate() {
            let kept = key.keep();
            assert_eq!(kept.key(), *key);
            assert_eq!(kept.bytes.len(), key.size());
            assert_eq!(kept.key().number(&seed), key.number(&seed));
            for other in &keys[..at] {
                assert_ne!(kept.key(), *other);
                assert_ne!(key.number(&seed), other.number(&seed), "{key:?} {other:?}");
            }
        }
    }

    #[test]
    fn each_cache_numbers_by_a_seed_of_its_own() {
        let key = Key::new(Coding::Gzip, Level::Balanced, Identity::body(), b"ab");
        let (one, other) = (RandomState::default(), RandomState::default());
        assert_ne!(key.number(&one), key.number(&other));
    }
}
