//! One body on its way through an engine, with the frame that its coding puts around it.

use flate2::{Crc, FlushCompress};

use crate::engine::{Engine, Progress, Wrapper};
use crate::{Coding, Level, pool};

/// An engine taken from the pool for one body; it goes back when the session is dropped, wherever the body stands.
#[derive(Debug)]
pub(crate) struct Session {
    /// Always there until the drop.
    engine: Option<Engine>,
    frame: Frame,
}

#[derive(Debug)]
enum Frame {
    /// RFC 1952: a head of ten bytes, and a trailer of the checksum and the length modulo 2^32.
    Gzip { level: u8, crc: Crc },
    /// RFC 1950, which the engine writes itself.
    Zlib,
}

impl Session {
    /// The longest trailer in bytes.
    pub(crate) const TRAILER: usize = 8;

    /// `None` for identity, which needs no engine.
    pub(crate) fn begin(coding: Coding, level: Level) -> Option<Self> {
        let level = level.deflate();
        let (wrapper, frame) = match coding {
            Coding::Identity => return None,
            Coding::Gzip => (
                Wrapper::Bare,
                Frame::Gzip {
                    level,
                    crc: Crc::new(),
                },
            ),
            Coding::Deflate => (Wrapper::Zlib, Frame::Zlib),
        };
        Some(Self {
            engine: Some(pool::take(wrapper, level)),
            frame,
        })
    }

    /// The most bytes that a body of `length` bytes can come to, frame included.
    ///
    /// From level 2 on, the worst case is stored blocks: five bytes for each full symbol buffer of 16 Ki literals,
    /// as in zlib's `deflateBound`. At level 1 zlib-rs uses the fixed code alone, with at most nine bits a byte; at
    /// level 0 its stored blocks may be short when input comes in small pieces, which whole bodies do not.
    pub(crate) fn bound(length: usize, level: Level) -> usize {
        let expansion = match level.deflate() {
            1 => length / 8,
            _ => (length >> 11) + (length >> 14),
        };
        length.saturating_add(expansion).saturating_add(64)
    }

    /// Writes what comes before the deflate data.
    pub(crate) fn head(&self, output: &mut Vec<u8>) {
        self.frame.head(output);
    }

    /// Gives the engine's buffer its room, and writes to it what comes before the deflate data.
    pub(crate) fn head_to_buffer(&mut self) {
        let engine = engine(&mut self.engine);
        engine.buffer.reserve_exact(Engine::BUFFER);
        self.frame.head(&mut engine.buffer);
    }

    /// Encodes from `input` into the spare capacity of `output`.
    pub(crate) fn feed(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
        flush: FlushCompress,
    ) -> Progress {
        let progress = engine(&mut self.engine).run(input, output, flush);
        self.frame.count(&input[..progress.consumed]);
        progress
    }

    /// Encodes from `input` into what room the engine's buffer has left.
    pub(crate) fn feed_buffer(&mut self, input: &[u8], flush: FlushCompress) -> Progress {
        let progress = engine(&mut self.engine).run_buffered(input, flush);
        self.frame.count(&input[..progress.consumed]);
        progress
    }

    /// Writes what comes after the deflate data, at most [`TRAILER`](Self::TRAILER) bytes.
    pub(crate) fn trailer(&self, output: &mut Vec<u8>) {
        self.frame.trailer(output);
    }

    /// Writes the trailer to the engine's buffer, which has room for it.
    pub(crate) fn trailer_to_buffer(&mut self) {
        debug_assert!(self.room() >= Self::TRAILER, "the buffer would grow");
        self.frame.trailer(&mut engine(&mut self.engine).buffer);
    }

    /// The engine's buffer.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut engine(&mut self.engine).buffer
    }

    /// The room that is left in the engine's buffer.
    pub(crate) fn room(&mut self) -> usize {
        let buffer = self.buffer();
        buffer.capacity() - buffer.len()
    }
}

fn engine(slot: &mut Option<Engine>) -> &mut Engine {
    slot.as_mut().expect("taken only by the drop")
}

impl Frame {
    fn head(&self, output: &mut Vec<u8>) {
        if let Self::Gzip { level, .. } = self {
            // The head has no name, no time and nothing else that could tell one server from another. RFC 1952,
            // section 2.3.1: the extra flags say "slowest" or "fastest"; 255 is an unknown operating system.
            let extra_flags = match level {
                9 => 2,
                1 => 4,
                _ => 0,
            };
            output.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra_flags, 255]);
        }
    }

    fn count(&mut self, consumed: &[u8]) {
        if let Self::Gzip { crc, .. } = self {
            crc.update(consumed);
        }
    }

    fn trailer(&self, output: &mut Vec<u8>) {
        if let Self::Gzip { crc, .. } = self {
            output.extend_from_slice(&crc.sum().to_le_bytes());
            output.extend_from_slice(&crc.amount().to_le_bytes());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            pool::give_back(engine);
        }
    }
}
