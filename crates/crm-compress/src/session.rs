//! One body on its way through a state, with the frame that its coding puts around it.

use flate2::Crc;

use crate::engine::{Engine, Progress, Step, deflate};
use crate::pool::Lease;
use crate::{Coding, Level, frame};

/// A state taken from the pool for one body; it goes back when the session is dropped, wherever the body stands.
#[derive(Debug)]
pub(crate) enum Session {
    /// RFC 1952: a head of ten bytes, and a trailer of the checksum and the length modulo 2^32.
    Gzip {
        engine: Lease<deflate::Bare>,
        level: u8,
        crc: Crc,
    },
    /// RFC 1950, which the state writes whole.
    Deflate(Lease<deflate::Zlib>),
}

impl Session {
    /// The longest trailer in bytes.
    pub(crate) const TRAILER: usize = 8;

    /// `None` for identity, which needs no state.
    pub(crate) fn begin(coding: Coding, level: Level) -> Option<Self> {
        match coding {
            Coding::Identity => None,
            Coding::Gzip => {
                let level = level.deflate();
                Some(Self::Gzip {
                    engine: deflate::Bare::take(level),
                    level,
                    crc: Crc::new(),
                })
            }
            Coding::Deflate => Some(Self::Deflate(deflate::Zlib::take(level.deflate()))),
        }
    }

    /// The most bytes that a body of `length` bytes can come to, frame included.
    pub(crate) fn bound(coding: Coding, level: Level, length: usize) -> usize {
        match coding {
            Coding::Identity => length,
            Coding::Gzip | Coding::Deflate => deflate::bound(level.deflate(), length),
        }
    }

    /// Writes what comes before the encoded data.
    pub(crate) fn head(&self, output: &mut Vec<u8>) {
        match self {
            Self::Gzip { level, .. } => {
                output.extend_from_slice(&frame::head(*level));
            }
            Self::Deflate(_) => {}
        }
    }

    /// Encodes from `input` into the spare capacity of `output`.
    pub(crate) fn feed(&mut self, input: &[u8], output: &mut Vec<u8>, step: Step) -> Progress {
        match self {
            Self::Gzip { engine, crc, .. } => {
                let progress = engine.run(input, output, step);
                crc.update(&input[..progress.consumed]);
                progress
            }
            Self::Deflate(engine) => engine.run(input, output, step),
        }
    }

    /// Writes what comes after the encoded data, at most [`TRAILER`](Self::TRAILER) bytes.
    pub(crate) fn trailer(&self, output: &mut Vec<u8>) {
        match self {
            Self::Gzip { crc, .. } => {
                output.extend_from_slice(&crc.sum().to_le_bytes());
                output.extend_from_slice(&crc.amount().to_le_bytes());
            }
            Self::Deflate(_) => {}
        }
    }
}
