//! States that encode, all of one form: they take input, write into room that is given, and can be made as new.
//!
//! - `deflate`: zlib-rs through flate2, for gzip and deflate.
//! - `brotli`: the crate `brotli`.
//! - `zstd`: libzstd, for zstd and dcz.
//! - `libdeflate`: whole bodies for gzip and deflate, in one call.
//! - `buffer`: the output of a stream on its way to the writer.

#[cfg(feature = "brotli")]
pub(crate) mod brotli;
mod buffer;
pub(crate) mod deflate;
#[cfg(feature = "libdeflate")]
pub(crate) mod libdeflate;
#[cfg(feature = "zstd")]
pub(crate) mod zstd;

pub(crate) use buffer::Buffer;

/// What is asked of a state beside taking input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: it may hold back what it likes.
    Gather,
    /// Write out everything taken so far, so that it can be decoded.
    Flush,
    /// Write out everything, and the end of the encoded data.
    Finish,
}

/// What one step achieved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// How many bytes of the input were taken.
    pub(crate) consumed: usize,
    /// Whether what the step asks for is out: all of the input taken, and nothing held back that should not be.
    /// Otherwise the room was too small, and the same call goes on with the rest of the input and more room.
    pub(crate) done: bool,
}

/// One state on its way through a body.
pub(crate) trait Engine {
    /// Encodes from `input` into the spare capacity of `output`, which does not grow. After a [`Step::Finish`] that is
    /// done it must not be called again.
    fn run(&mut self, input: &[u8], output: &mut Vec<u8>, step: Step) -> Progress;
}
