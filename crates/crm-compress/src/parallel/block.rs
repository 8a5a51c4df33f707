//! One block of a stream: bare deflate data that begins and ends at a byte, and refers to the bytes before it.

use crate::deflate::Deflater;
use crate::frame::Checksum;
use crate::{Level, pool};

/// How many bytes one block takes; the design notes give the measurements.
pub(super) const BLOCK: usize = 512 * 1024;

/// How far deflate looks back (RFC 1951, section 2), so that a block needs no more of what stands before it.
pub(super) const HISTORY: usize = 32 * 1024;

/// Appends the deflate data of `bytes` from `from` on, which may refer to what stands before, and returns the checksum of
/// what was encoded.
///
/// Behind the last block the deflate data ends. Behind every other stands an empty stored block, four or five bytes that
/// bring it to the end of a byte, so that the next can simply follow.
pub(super) fn encode(
    level: Level,
    bytes: &[u8],
    from: usize,
    last: bool,
    output: &mut Vec<u8>,
) -> Checksum {
    let mut checksum = Checksum::new();
    checksum.update(&bytes[from..]);
    pool::take(Deflater::new).encode_part(level.deflate(), bytes, from, last, output);
    checksum
}

/// A block of a writer's stream, with the memory that it takes along.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Its place in the stream, from 0.
    pub(super) number: u64,
    /// The history, and behind it what is to be encoded.
    bytes: Vec<u8>,
    history: usize,
    /// Whether the deflate data ends with it.
    pub(super) last: bool,
    /// What has been encoded.
    pub(super) output: Vec<u8>,
    pub(super) checksum: Checksum,
}

impl Block {
    /// How many bytes it has taken.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.history
    }

    /// Takes as much of `input` as it has room for, and says how much.
    pub(super) fn fill(&mut self, input: &[u8]) -> usize {
        let taken = input.len().min(BLOCK - self.len());
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(HISTORY + BLOCK);
        }
        self.bytes.extend_from_slice(&input[..taken]);
        taken
    }

    /// Empties it, and makes it the successor of `before`.
    pub(super) fn follow(&mut self, before: &Self) {
        self.output.clear();
        self.bytes.clear();
        self.bytes.reserve_exact(HISTORY + BLOCK);
        let from = before.bytes.len().saturating_sub(HISTORY);
        self.bytes.extend_from_slice(&before.bytes[from..]);
        self.history = self.bytes.len();
        self.number = before.number + 1;
        self.last = false;
    }

    pub(super) fn encode(&mut self, level: Level) {
        let Self { bytes, history, .. } = self;
        self.checksum = encode(level, bytes, *history, self.last, &mut self.output);
    }
}
