//! Whole bodies through libdeflate, for gzip and deflate.
//!
//! It takes a body in one call and knows no streams, and is the faster for it: it writes no window, and looks ahead as far as
//! the body goes.

use std::fmt;

use libdeflater::{CompressionLvl, Compressor};

use crate::pool::{self, State};
use crate::whole::Frame;

/// What a thread needs of libdeflate from one body to the next.
pub(crate) struct Libdeflate {
    /// Of level 1, which takes 198 KiB.
    compressor: Compressor,
    /// Where bodies are encoded before they are copied to a place of just their size. What it holds beyond an encoded
    /// body is never read.
    scratch: Vec<u8>,
}

/// The size of the scratch in bytes. A body that may come to more is encoded in place.
const SCRATCH: usize = 160 * 1024;

pool::kind!(Libdeflate, bytes: 384 * 1024);

impl State for Libdeflate {
    /// libdeflate clears its tables at the beginning of each call, and nothing is read of the scratch but what the call
    /// has written.
    fn recycle(&mut self) -> bool {
        true
    }
}

impl Libdeflate {
    fn new() -> Self {
        Self {
            compressor: Compressor::new(CompressionLvl::new(1).expect("a level of libdeflate")),
            scratch: Vec::new(),
        }
    }
}

/// Whether libdeflate is the better engine for a body of this length at this level.
///
/// A shorter body is better off with the crate's own deflate: libdeflate clears 128 KiB for each, and that takes longer than
/// what it gains. From level 2 on the own one gives fewer bytes in the same time.
pub(crate) const fn suits(level: u8, length: usize) -> bool {
    level == 1 && length >= 8 * 1024
}

/// Appends the encoded body to `output`, if it comes to at most `room` bytes; otherwise `output` stays as it is. Returns
/// whether it did.
pub(crate) fn encode(frame: Frame, body: &[u8], output: &mut Vec<u8>, room: usize) -> bool {
    let call = match frame {
        Frame::Gzip => Compressor::gzip_compress,
        Frame::Zlib => Compressor::zlib_compress,
    };
    let room = room.min(bound(body.len()));
    let mut lease = pool::take(Libdeflate::new);
    let Libdeflate {
        compressor,
        scratch,
    } = &mut *lease;
    if room <= SCRATCH {
        scratch.resize(SCRATCH, 0);
        let Ok(length) = call(compressor, body, &mut scratch[..room]) else {
            return false;
        };
        output.extend_from_slice(&scratch[..length]);
        return true;
    }
    let start = output.len();
    output.resize(start + room, 0);
    let length = call(compressor, body, &mut output[start..]);
    output.truncate(start + *length.as_ref().unwrap_or(&0));
    length.is_ok()
}

/// The most bytes that a body of `length` bytes can come to, a frame included: stored blocks of at least 5 000 bytes.
pub(crate) fn bound(length: usize) -> usize {
    length
        .saturating_add(5 * (length / 5_000 + 1))
        .saturating_add(18)
}

impl fmt::Debug for Libdeflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Libdeflate").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: [Frame; 2] = [Frame::Gzip, Frame::Zlib];

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let next = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        next.take(length).collect()
    }

    #[test]
    fn the_bound_holds() {
        let noise = noise(200_001);
        for frame in FRAMES {
            for length in [0, 1, 30, 4_999, 5_000, 5_001, 163_000, 200_001] {
                let mut output = Vec::new();
                let room = bound(length);
                let fits = encode(frame, &noise[..length], &mut output, room);
                assert!(fits, "{frame:?}: {length}");
                assert!(output.len() <= room);
            }
        }
    }

    /// Both in the scratch and in place, what does not fit leaves no trace, and what just fits is whole.
    #[test]
    fn the_room_is_kept_to_the_byte() {
        for length in [2_000, 400_000] {
            let body = [noise(length / 2), vec![b' '; length]].concat();
            for frame in FRAMES {
                let mut whole = Vec::new();
                assert!(encode(frame, &body, &mut whole, usize::MAX));
                let mut output = b"head".to_vec();
                // libdeflate may want some bytes more than it fills.
                for room in [0, 1, 18, 100, whole.len() - 1] {
                    let fits = encode(frame, &body, &mut output, room);
                    assert_eq!((fits, &*output), (false, &b"head"[..]), "{room}");
                }
                let room = whole.len() + 8;
                let fits = encode(frame, &body, &mut output, room);
                assert!(fits);
                assert!(output.strip_prefix(b"head") == Some(&*whole));
            }
        }
    }
}
