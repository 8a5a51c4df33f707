//! One deflate state that serves one body after another.

use flate2::{Compress, Compression, FlushCompress, Status};

/// What stands around the deflate data, written and checked by the state itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    /// Nothing; gzip's head and trailer are written by [`Session`](crate::session::Session).
    Bare,
    /// The zlib header and the Adler-32 checksum.
    Zlib,
}

/// A deflate state, and the output buffer that a stream needs.
#[derive(Debug)]
pub(crate) struct Engine {
    state: Compress,
    /// Encoded bytes on their way to the writer of a stream. It has no room until a stream first uses this engine.
    pub(crate) buffer: Vec<u8>,
    wrapper: Wrapper,
    level: u8,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// As new.
    Clean,
    /// A body is under way.
    Running,
    /// The end of a body has been written.
    Ended,
}

/// What one step achieved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// How many bytes of the input were taken.
    pub(crate) consumed: usize,
    /// Whether the end of the deflate data has been written.
    pub(crate) ended: bool,
}

impl Engine {
    /// The size of a stream's output buffer in bytes.
    pub(crate) const BUFFER: usize = 16 * 1024;

    pub(crate) fn new(wrapper: Wrapper, level: u8) -> Self {
        Self {
            state: Compress::new(Compression::new(level.into()), wrapper == Wrapper::Zlib),
            buffer: Vec::new(),
            wrapper,
            level,
            phase: Phase::Clean,
        }
    }

    pub(crate) fn wrapper(&self) -> Wrapper {
        self.wrapper
    }

    /// Changes the level of an engine that is clean.
    pub(crate) fn set_level(&mut self, level: u8) {
        debug_assert_eq!(self.phase, Phase::Clean);
        if self.level != level {
            self.state
                .set_level(Compression::new(level.into()))
                .expect("a state without input has nothing to flush");
            self.level = level;
        }
    }

    /// Encodes from `input` into the spare capacity of `output`, which does not grow.
    pub(crate) fn run(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
        flush: FlushCompress,
    ) -> Progress {
        debug_assert_ne!(self.phase, Phase::Ended);
        let before = self.state.total_in();
        let status = self
            .state
            .compress_vec(input, output, flush)
            .expect("deflate only fails on a stream that has ended");
        let ended = status == Status::StreamEnd;
        self.phase = if ended { Phase::Ended } else { Phase::Running };
        Progress {
            // At most `input.len()`, so it fits.
            consumed: (self.state.total_in() - before) as usize,
            ended,
        }
    }

    /// Encodes from `input` into what room the own buffer has left.
    pub(crate) fn run_buffered(&mut self, input: &[u8], flush: FlushCompress) -> Progress {
        let mut buffer = std::mem::take(&mut self.buffer);
        let progress = self.run(input, &mut buffer, flush);
        self.buffer = buffer;
        progress
    }

    /// Makes the engine as good as new, so that nothing of the last body can show in the next; `false` when it cannot.
    ///
    /// A body that was abandoned half-way is first brought to its end, into a sink. A bare reset is not enough: in
    /// zlib-rs 0.6.8 it keeps the mark that a block of level 1 is open, and the next body would begin without a block
    /// header. What is left to encode is at most the state's window and its pending output, some 128 KiB.
    pub(crate) fn recycle(&mut self) -> bool {
        self.buffer.clear();
        if self.phase == Phase::Clean {
            return true;
        }
        let mut sink = [0; 4096];
        while self.phase == Phase::Running {
            match self.state.compress(&[], &mut sink, FlushCompress::Finish) {
                Ok(Status::Ok) => {}
                Ok(Status::StreamEnd) => self.phase = Phase::Ended,
                Ok(Status::BufError) | Err(_) => return false,
            }
        }
        self.state.reset();
        self.phase = Phase::Clean;
        true
    }
}
