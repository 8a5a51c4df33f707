//! What stands around deflate data in the gzip and in the zlib format.

use crc32fast::Hasher;

/// The length of a gzip member's head in bytes.
pub(crate) const HEAD: usize = 10;
/// The length of a gzip member's trailer in bytes.
pub(crate) const TRAILER: usize = 8;

/// The head of a gzip member. It has no name, no time and nothing else that could tell one server from another. RFC 1952,
/// section 2.3.1: the extra flags say "slowest" or "fastest"; 255 is an unknown operating system.
pub(crate) fn head(level: u8) -> [u8; HEAD] {
    let extra_flags = match level {
        9 => 2,
        1 => 4,
        _ => 0,
    };
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra_flags, 255]
}

/// Appends the trailer of a gzip member.
pub(crate) fn trailer(checksum: &Checksum, output: &mut Vec<u8>) {
    output.extend_from_slice(&checksum.sum().to_le_bytes());
    output.extend_from_slice(&checksum.length().to_le_bytes());
}

/// What the trailer of a gzip member says of its body: the CRC-32, and the length modulo 2^32.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checksum {
    hasher: Hasher,
    length: u32,
}

impl Checksum {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.length = self.length.wrapping_add(bytes.len() as u32);
    }

    /// Goes on with what `behind` has seen.
    #[cfg(feature = "rayon")]
    pub(crate) fn combine(&mut self, behind: &Self) {
        self.hasher.combine(&behind.hasher);
        self.length = self.length.wrapping_add(behind.length);
    }

    pub(crate) fn sum(&self) -> u32 {
        self.hasher.clone().finalize()
    }

    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }
}

/// The head of a zlib stream (RFC 1950, section 2.2): deflate with a window of 32 KiB, no dictionary, and how hard the
/// encoder tried; the last five bits make it a multiple of 31.
pub(crate) fn zlib_head(level: u8) -> [u8; 2] {
    let tried: u16 = match level {
        0 | 1 => 0,
        2..=5 => 1,
        6 => 2,
        _ => 3,
    };
    let head = 0x7800 | tried << 6;
    (head + 31 - head % 31).to_be_bytes()
}
