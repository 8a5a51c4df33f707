//! A hash that is the same in every build and on every machine, for what is compared across runs.

use std::fmt;
use std::hash::{Hash, Hasher};

/// What an input or a set of parameters is known by: equal when they are equal, and else different but for a chance of
/// one in 2^64.
///
/// It tells an accident, such as a file that was replaced between two runs, and no forgery.
///
/// ```
/// use crm_batch::Fingerprint;
///
/// assert_eq!(Fingerprint::of(&("scores", 3)), Fingerprint::of(&("scores", 3)));
/// assert_ne!(Fingerprint::of(&("scores", 3)), Fingerprint::of(&("scores", 4)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// That of a value, by what its [`Hash`] tells.
    #[must_use]
    pub fn of<T: Hash + ?Sized>(value: &T) -> Self {
        let mut digest = Digest::default();
        value.hash(&mut digest);
        Self(digest.finish())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:016x})", self.0)
    }
}

/// FNV-1a with 64 bits (Fowler, Noll and Vo), and the finalizer of `SplitMix64` (Steele, Lea and Flood, 2014) so that
/// all bits of the result depend on the last byte.
///
/// The hasher of the standard library may change from one release to the next, and a checkpoint outlives a build. Numbers
/// are taken as little-endian, and `usize` as 64 bits, on every machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u16(&mut self, n: u16) {
        self.write(&n.to_le_bytes());
    }

    fn write_u32(&mut self, n: u32) {
        self.write(&n.to_le_bytes());
    }

    fn write_u64(&mut self, n: u64) {
        self.write(&n.to_le_bytes());
    }

    fn write_u128(&mut self, n: u128) {
        self.write(&n.to_le_bytes());
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn finish(&self) -> u64 {
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkpoint is read by another build, so that these must never change.
    #[test]
    fn the_digest_is_the_same_in_every_build() {
        let mut digest = Digest::default();
        digest.write(b"foobar");
        // The published test vector of FNV-1a with 64 bits.
        assert_eq!(digest.0, 0x8594_4171_f739_67e8);
        assert_eq!(Fingerprint::of(&1_usize), Fingerprint::of(&1_u64));
        assert_eq!(
            format!("{:?}", Fingerprint(255)),
            "Fingerprint(00000000000000ff)"
        );
    }
}
