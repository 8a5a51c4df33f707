//! The frame of a gzip member, for data that no session encodes.

use flate2::Crc;

/// The length of the head in bytes.
pub(crate) const HEAD: usize = 10;
/// The length of the trailer in bytes.
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

/// Appends the trailer of a gzip member: the checksum, and the length modulo 2^32.
pub(crate) fn trailer(crc: &Crc, output: &mut Vec<u8>) {
    output.extend_from_slice(&crc.sum().to_le_bytes());
    output.extend_from_slice(&crc.amount().to_le_bytes());
}
