//! One deflate state that serves one body after another: zlib-rs through flate2.

use flate2::{Compress, Compression, FlushCompress, Status};

use super::{Engine, Progress, Step};
use crate::pool::{self, Lease, State};

/// A state that writes deflate data alone; gzip's head and trailer are written by
/// [`Session`](crate::session::Session).
pub(crate) type Bare = Deflate<false>;
/// A state that writes the zlib header and the Adler-32 checksum too.
pub(crate) type Zlib = Deflate<true>;

/// A deflate state.
#[derive(Debug)]
pub(crate) struct Deflate<const ZLIB: bool> {
    state: Compress,
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

// zlib-rs 0.6.8 takes one block of 373 to 380 KB, whatever the level.
pool::kind!(Bare, bytes: 384 * 1024);
pool::kind!(Zlib, bytes: 384 * 1024);

impl Bare {
    /// A clean state of this level.
    pub(crate) fn take(level: u8) -> Lease<Self> {
        at_level(pool::take(|| Self::new(level)), level)
    }

    /// Lets the body refer to these bytes as if they stood before it; at most the last 32 KiB count. The state is clean.
    #[cfg(feature = "rayon")]
    pub(crate) fn preset(&mut self, history: &[u8]) {
        debug_assert_eq!(self.phase, Phase::Clean);
        if !history.is_empty() {
            self.phase = Phase::Running;
            self.state
                .set_dictionary(history)
                .expect("bare deflate takes a dictionary before its input");
        }
    }
}

impl Zlib {
    /// A clean state of this level.
    pub(crate) fn take(level: u8) -> Lease<Self> {
        at_level(pool::take(|| Self::new(level)), level)
    }
}

/// The most bytes that a body of `length` bytes can come to, a frame included.
///
/// From level 2 on, the worst case is stored blocks: five bytes for each full symbol buffer of 16 Ki literals, as in
/// zlib's `deflateBound`. At level 1 zlib-rs uses the fixed code alone, with at most nine bits a byte; at level 0 its
/// stored blocks may be short when input comes in small pieces, which whole bodies do not.
pub(crate) fn bound(level: u8, length: usize) -> usize {
    let expansion = match level {
        1 => length / 8,
        _ => (length >> 11) + (length >> 14),
    };
    length.saturating_add(expansion).saturating_add(64)
}

fn at_level<const ZLIB: bool>(mut lease: Lease<Deflate<ZLIB>>, level: u8) -> Lease<Deflate<ZLIB>>
where
    Deflate<ZLIB>: pool::Kind,
{
    lease.set_level(level);
    lease
}

impl<const ZLIB: bool> Deflate<ZLIB> {
    fn new(level: u8) -> Self {
        Self {
            state: Compress::new(Compression::new(level.into()), ZLIB),
            level,
            phase: Phase::Clean,
        }
    }

    /// Changes the level of a state that is clean.
    fn set_level(&mut self, level: u8) {
        debug_assert_eq!(self.phase, Phase::Clean);
        if self.level != level {
            self.state
                .set_level(Compression::new(level.into()))
                .expect("a state without input has nothing to flush");
            self.level = level;
        }
    }
}

impl<const ZLIB: bool> Engine for Deflate<ZLIB> {
    fn run(&mut self, input: &[u8], output: &mut Vec<u8>, step: Step) -> Progress {
        debug_assert_ne!(self.phase, Phase::Ended);
        let before = self.state.total_in();
        let flush = match step {
            Step::Gather => FlushCompress::None,
            Step::Flush => FlushCompress::Sync,
            Step::Finish => FlushCompress::Finish,
        };
        let status = self
            .state
            .compress_vec(input, output, flush)
            .expect("deflate only fails on a stream that has ended");
        let ended = status == Status::StreamEnd;
        self.phase = if ended { Phase::Ended } else { Phase::Running };
        // At most `input.len()`, so it fits.
        let consumed = (self.state.total_in() - before) as usize;
        let done = match step {
            Step::Gather => consumed == input.len(),
            // A state that leaves room holds nothing back.
            Step::Flush => output.len() < output.capacity(),
            Step::Finish => ended,
        };
        Progress { consumed, done }
    }
}

impl<const ZLIB: bool> State for Deflate<ZLIB> {
    /// A body that was abandoned half-way is first brought to its end, into a sink. A bare reset is not enough: in
    /// zlib-rs 0.6.8 it keeps the mark that a block of level 1 is open, and the next body would begin without a block
    /// header. What is left to encode is at most the state's window and its pending output, some 128 KiB.
    fn recycle(&mut self) -> bool {
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
