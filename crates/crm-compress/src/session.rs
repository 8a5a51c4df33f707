//! One body on its way through a state, with the frame that its coding puts around it.

#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(feature = "brotli")]
use crate::engine::brotli;
#[cfg(feature = "zstd")]
use crate::engine::zstd;
use crate::engine::{Engine, Progress, Step, deflate};
use crate::frame::Checksum;
use crate::pool::Lease;
use crate::{Coding, Level, frame};

/// A state taken from the pool for one body; it goes back when the session is dropped, wherever the body stands.
#[derive(Debug)]
pub(crate) enum Session {
    /// RFC 1952: a head of ten bytes, and a trailer of the checksum and the length modulo 2^32.
    Gzip {
        engine: Lease<deflate::Bare>,
        level: u8,
        checksum: Checksum,
    },
    /// RFC 1950, which the state writes whole.
    Deflate(Lease<deflate::Zlib>),
    #[cfg(feature = "brotli")]
    Brotli(Lease<brotli::Brotli>),
    #[cfg(feature = "zstd")]
    Zstd(Lease<zstd::Zstd>),
    /// RFC 9842: a head of 40 bytes, and a zstd frame.
    #[cfg(feature = "dcz")]
    Dcz {
        engine: Lease<zstd::Zstd>,
        dictionary: Dictionary,
        level: u8,
    },
}

/// A build without dcz has no dictionary, and the code that may be given one is the same.
#[cfg(not(feature = "dcz"))]
#[derive(Clone, Debug)]
pub(crate) enum Dictionary {}

impl Session {
    /// The longest trailer in bytes.
    pub(crate) const TRAILER: usize = 8;

    /// A session for a body whose length is known, or for a stream; `None` for identity, which needs no state.
    ///
    /// # Panics
    ///
    /// For dcz without a dictionary.
    pub(crate) fn begin(
        dictionary: Option<&Dictionary>,
        coding: Coding,
        level: Level,
        length: Option<usize>,
    ) -> Option<Self> {
        // Deflate is set the same for every length, has no dictionary, and may be the only engine.
        let _ = (length, dictionary);
        match coding {
            Coding::Identity => None,
            Coding::Gzip => {
                let level = level.deflate();
                Some(Self::Gzip {
                    engine: deflate::Bare::take(level),
                    level,
                    checksum: Checksum::new(),
                })
            }
            Coding::Deflate => Some(Self::Deflate(deflate::Zlib::take(level.deflate()))),
            #[cfg(feature = "brotli")]
            Coding::Brotli => Some(Self::Brotli(brotli::Brotli::take(level.brotli(), length))),
            #[cfg(feature = "zstd")]
            Coding::Zstd => Some(Self::Zstd(zstd::Zstd::take(level.zstd(length)))),
            #[cfg(feature = "dcz")]
            Coding::Dcz => Some(Self::Dcz {
                engine: zstd::Zstd::take_untuned(),
                dictionary: dictionary
                    .expect("dcz needs a dictionary; use the methods of `Dictionary`")
                    .clone(),
                level: level.dcz(),
            }),
        }
    }

    /// The most bytes that a body of `length` bytes can come to, frame included.
    pub(crate) fn bound(coding: Coding, level: Level, length: usize) -> usize {
        match coding {
            Coding::Identity => length,
            Coding::Gzip | Coding::Deflate => deflate::bound(level.deflate(), length),
            #[cfg(feature = "brotli")]
            Coding::Brotli => brotli::bound(length),
            #[cfg(feature = "zstd")]
            Coding::Zstd => zstd::bound(length),
            #[cfg(feature = "dcz")]
            Coding::Dcz => Dictionary::HEAD + zstd::bound(length),
        }
    }

    /// The room in which a body of `length` bytes shows whether it shrinks.
    pub(crate) fn room_to_shrink(coding: Coding, length: usize) -> usize {
        match coding {
            // A context that has the room for the worst case needs no window, and stores what does not shrink without
            // much trying.
            #[cfg(feature = "zstd")]
            Coding::Zstd => zstd::bound(length),
            #[cfg(feature = "dcz")]
            Coding::Dcz => Dictionary::HEAD + zstd::bound(length),
            _ => length,
        }
    }

    /// Writes what comes before the encoded data.
    pub(crate) fn head(&self, output: &mut Vec<u8>) {
        // The other codings are written whole by their state.
        if let Self::Gzip { level, .. } = self {
            output.extend_from_slice(&frame::head(*level));
        }
        #[cfg(feature = "dcz")]
        if let Self::Dcz { dictionary, .. } = self {
            output.extend_from_slice(dictionary.head());
        }
    }

    /// Encodes from `input` into the spare capacity of `output`.
    pub(crate) fn feed(&mut self, input: &[u8], output: &mut Vec<u8>, step: Step) -> Progress {
        match self {
            Self::Gzip {
                engine, checksum, ..
            } => {
                let progress = engine.run(input, output, step);
                checksum.update(&input[..progress.consumed]);
                progress
            }
            Self::Deflate(engine) => engine.run(input, output, step),
            #[cfg(feature = "brotli")]
            Self::Brotli(engine) => engine.run(input, output, step),
            #[cfg(feature = "zstd")]
            Self::Zstd(engine) => engine.run(input, output, step),
            #[cfg(feature = "dcz")]
            Self::Dcz {
                engine,
                dictionary,
                level,
            } => engine.run_with(dictionary, *level, input, output, step),
        }
    }

    /// Writes what comes after the encoded data, at most [`TRAILER`](Self::TRAILER) bytes.
    pub(crate) fn trailer(&self, output: &mut Vec<u8>) {
        if let Self::Gzip { checksum, .. } = self {
            frame::trailer(checksum, output);
        }
    }
}
