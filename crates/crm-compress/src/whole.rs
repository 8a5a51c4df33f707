//! A whole body in the gzip or the zlib format, by the crate's own deflate.

use crate::deflate::Deflater;
use crate::pool;

/// What stands around the deflate data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// RFC 1952: a head of ten bytes, and a trailer of the checksum and the length modulo 2^32.
    Gzip,
    /// RFC 1950: a head of two bytes, and the checksum behind.
    Zlib,
}

/// The longest head and trailer together.
const AROUND: usize = 18;

/// The most bytes that a body of `length` bytes can come to, frame included: five for each stored block, and some that
/// are written beyond the end and taken back.
pub(crate) fn bound(length: usize) -> usize {
    length
        .saturating_add((length >> 16) * 5 + (length >> 11))
        .saturating_add(AROUND + 32)
}

/// Appends `body` in this frame to `output`, unless that would take more than `limit` bytes; returns whether it did. Of a
/// body that does not fit, `output` may hold a part.
pub(crate) fn encode(
    frame: Frame,
    level: u8,
    body: &[u8],
    output: &mut Vec<u8>,
    limit: usize,
) -> bool {
    let start = output.len();
    let trailer = match frame {
        Frame::Gzip => 8,
        Frame::Zlib => 4,
    };
    match frame {
        Frame::Gzip => output.extend_from_slice(&gzip_head(level)),
        Frame::Zlib => output.extend_from_slice(&zlib_head(level)),
    }
    let Some(end) = start.saturating_add(limit).checked_sub(trailer) else {
        return false;
    };
    if end < output.len() || !pool::take(Deflater::new).encode(level, body, output, end) {
        return false;
    }
    match frame {
        Frame::Gzip => {
            output.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
            // The length modulo 2^32 is what the format asks for.
            output.extend_from_slice(&(body.len() as u32).to_le_bytes());
        }
        Frame::Zlib => output.extend_from_slice(&simd_adler32::adler32(&body).to_be_bytes()),
    }
    true
}

/// The head of a gzip member, without a name, a time or anything else that could tell one server from another.
pub(crate) fn gzip_head(level: u8) -> [u8; 10] {
    // RFC 1952, section 2.3.1: the extra flags say "slowest" or "fastest"; 255 is an unknown operating system.
    let extra_flags = match level {
        9 => 2,
        1 => 4,
        _ => 0,
    };
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra_flags, 255]
}

/// The head of a zlib stream (RFC 1950, section 2.2): deflate with a window of 32 KiB, no dictionary, and how hard the
/// encoder tried; the last five bits make it a multiple of 31.
fn zlib_head(level: u8) -> [u8; 2] {
    let tried: u16 = match level {
        0 | 1 => 0,
        2..=5 => 1,
        6 => 2,
        _ => 3,
    };
    let head = 0x7800 | tried << 6;
    (head + 31 - head % 31).to_be_bytes()
}
