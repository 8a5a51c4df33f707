//! One coding taken off. A layer knows its format; what it may produce in all is the business of the decoder above.

mod adler;
#[cfg(feature = "brotli")]
mod brotli;
#[cfg(feature = "dcz")]
mod dcz;
mod deflate;
mod gzip;
mod inflate;
#[cfg(feature = "zstd")]
mod zstd;

#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{Coding, DecodeError, DecodeLimits, EngineError};

use deflate::Deflate;
use gzip::Gzip;

/// What one step achieved.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// How many bytes of the input were taken.
    pub(super) consumed: usize,
    /// How many bytes of the output were written.
    pub(super) produced: usize,
    /// What went wrong after them. The layer is not asked again then.
    pub(super) failure: Option<DecodeError>,
}

impl Step {
    fn failed(mut self, failure: DecodeError) -> Self {
        self.failure = Some(failure);
        self
    }
}

/// A coding with the state of one body.
#[derive(Debug)]
pub(super) enum Layer {
    /// Nothing to take off.
    Identity,
    Gzip(Gzip),
    Deflate(Deflate),
    #[cfg(feature = "brotli")]
    Brotli(brotli::Brotli),
    #[cfg(feature = "zstd")]
    Zstd(Box<zstd::Zstd>),
    #[cfg(feature = "dcz")]
    Dcz(Box<dcz::Dcz>),
}

impl Layer {
    pub(super) fn new(coding: Coding, limits: &DecodeLimits, dictionaries: &[Dictionary]) -> Self {
        // Only dcz has any.
        let _ = dictionaries;
        match coding {
            Coding::Identity => Self::Identity,
            Coding::Gzip => Self::Gzip(Gzip::new(limits)),
            Coding::Deflate => Self::Deflate(Deflate::new()),
            #[cfg(feature = "brotli")]
            Coding::Brotli => Self::Brotli(brotli::Brotli::new()),
            #[cfg(feature = "zstd")]
            Coding::Zstd => Self::Zstd(Box::new(zstd::Zstd::new(limits))),
            #[cfg(feature = "dcz")]
            Coding::Dcz => Self::Dcz(Box::new(dcz::Dcz::new(limits, dictionaries))),
        }
    }

    /// Decodes from `input` to `output`, which has room for at least a byte.
    ///
    /// The step ends when the output is full, when something fails, or else when the layer wants more input; then all
    /// of `input` has been consumed, and all that can be decoded of it has been produced.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self {
            Self::Identity => {
                let copied = input.len().min(output.len());
                output[..copied].copy_from_slice(&input[..copied]);
                Step {
                    consumed: copied,
                    produced: copied,
                    failure: None,
                }
            }
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate(deflate) => deflate.step(input, output),
            #[cfg(feature = "brotli")]
            Self::Brotli(brotli) => brotli.step(input, output),
            #[cfg(feature = "zstd")]
            Self::Zstd(zstd) => zstd.step(input, output),
            #[cfg(feature = "dcz")]
            Self::Dcz(dcz) => dcz.step(input, output),
        }
    }

    /// Whether the input may end here.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] when it may not.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        let whole = match self {
            Self::Identity => true,
            Self::Gzip(gzip) => gzip.is_whole(),
            Self::Deflate(deflate) => deflate.is_whole(),
            #[cfg(feature = "brotli")]
            Self::Brotli(brotli) => brotli.is_whole(),
            #[cfg(feature = "zstd")]
            Self::Zstd(zstd) => zstd.is_whole(),
            #[cfg(feature = "dcz")]
            Self::Dcz(dcz) => dcz.is_whole(),
        };
        if whole {
            Ok(())
        } else {
            let coding = self.coding();
            Err(DecodeError::Truncated { coding })
        }
    }

    /// The error for a layer that neither takes what it is given nor produces anything, which would be a defect of the
    /// decoder behind it. An endless loop would be worse.
    pub(super) fn stalled(&self) -> DecodeError {
        DecodeError::Corrupt {
            coding: self.coding(),
            source: EngineError::stalled(),
        }
    }

    fn coding(&self) -> Coding {
        match self {
            Self::Identity => Coding::Identity,
            Self::Gzip(_) => Coding::Gzip,
            Self::Deflate(_) => Coding::Deflate,
            #[cfg(feature = "brotli")]
            Self::Brotli(_) => Coding::Brotli,
            #[cfg(feature = "zstd")]
            Self::Zstd(_) => Coding::Zstd,
            #[cfg(feature = "dcz")]
            Self::Dcz(_) => Coding::Dcz,
        }
    }
}

/// A field of `N` bytes that may come in pieces.
#[derive(Debug)]
struct Field<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Field<N> {
    const fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    /// Takes what is missing from `input` beyond what the step has consumed; the field, once it is whole.
    fn take(&mut self, input: &[u8], step: &mut Step) -> Option<[u8; N]> {
        let (taken, field) = self.fill(&input[step.consumed..]);
        step.consumed += taken;
        field
    }

    /// Takes what is missing: how many bytes, and the field, once it is whole.
    fn fill(&mut self, input: &[u8]) -> (usize, Option<[u8; N]>) {
        let taken = input.len().min(N - self.length);
        self.bytes[self.length..self.length + taken].copy_from_slice(&input[..taken]);
        self.length += taken;
        (taken, (self.length == N).then_some(self.bytes))
    }
}
