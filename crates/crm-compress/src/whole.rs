//! A whole body in the gzip or the zlib format, by the crate's own deflate.

use crate::deflate::Deflater;
use crate::{frame, pool};

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
        Frame::Gzip => frame::TRAILER,
        Frame::Zlib => 4,
    };
    match frame {
        Frame::Gzip => output.extend_from_slice(&frame::head(level)),
        Frame::Zlib => output.extend_from_slice(&frame::zlib_head(level)),
    }
    let Some(end) = start.saturating_add(limit).checked_sub(trailer) else {
        return false;
    };
    if end < output.len() || !pool::take(Deflater::new).encode(level, body, output, end) {
        return false;
    }
    match frame {
        Frame::Gzip => {
            let mut checksum = frame::Checksum::new();
            checksum.update(body);
            frame::trailer(&checksum, output);
        }
        Frame::Zlib => output.extend_from_slice(&simd_adler32::adler32(&body).to_be_bytes()),
    }
    true
}
