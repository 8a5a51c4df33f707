//! One block of a stream: bare deflate data that begins and ends at a byte, and refers to the bytes before it.

use flate2::Crc;

use crate::Level;
use crate::engine::{Engine, Step, deflate};

/// How many bytes one block takes; the design notes give the measurements.
pub(super) const BLOCK: usize = 512 * 1024;

/// How far deflate looks back (RFC 1951, section 2), so that a block needs no more of what stands before it.
pub(super) const HISTORY: usize = 32 * 1024;

/// Appends the deflate data of `input`, which may refer to `history`, and returns the checksum of `input`.
///
/// Behind the last block the deflate data ends. Behind every other stands an empty stored block, four or five bytes that
/// bring it to the end of a byte, so that the next can simply follow.
pub(super) fn encode(
    level: Level,
    history: &[u8],
    input: &[u8],
    last: bool,
    output: &mut Vec<u8>,
) -> Crc {
    let mut crc = Crc::new();
    crc.update(input);
    let level = level.deflate();
    output.reserve(deflate::bound(level, input.len()));
    let mut state = deflate::Bare::take(level);
    state.preset(history);
    let step = if last { Step::Finish } else { Step::Flush };
    let mut rest = input;
    loop {
        let progress = state.run(rest, output, step);
        if progress.done {
            return crc;
        }
        // The bound makes this rare: it holds for what the flush adds too, unless the block is tiny.
        rest = &rest[progress.consumed..];
        output.reserve(1024 + rest.len() / 8);
    }
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
    pub(super) crc: Crc,
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
        let (history, input) = self.bytes.split_at(self.history);
        self.crc = encode(level, history, input, self.last, &mut self.output);
    }
}
