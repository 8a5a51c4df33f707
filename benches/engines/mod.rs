//! The engines side by side, one file an engine: each appends the encoded body to a vector whose room is kept.
//!
//! Who writes no gzip of his own gets the frame and the checksum here, so that the work is the same.

use std::io::Read;

use crate::support::decoded::{gunzipped, unzstded};

mod brotli;
mod flate2;
mod libdeflate;
mod miniz;
mod ours;
mod zstd;

/// Encodes a body to the end of a vector.
pub(crate) type Encode = Box<dyn FnMut(&[u8], &mut Vec<u8>)>;

/// Makes an encoder of this level.
type Make = fn(u8) -> Encode;

/// An engine at a level.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) level: u8,
    /// What decodes it.
    pub(crate) format: Format,
    pub(crate) encode: Encode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Gzip,
    Brotli,
    Zstd,
}

impl Format {
    /// The body, which has so many bytes.
    pub(crate) fn decoded(self, encoded: &[u8], length: usize) -> Vec<u8> {
        match self {
            Self::Gzip => gunzipped(encoded),
            Self::Zstd => unzstded(encoded, length),
            Self::Brotli => {
                let mut body = Vec::with_capacity(length);
                let read = ::brotli::Decompressor::new(encoded, 4096).read_to_end(&mut body);
                read.expect("what was encoded can be decoded");
                body
            }
        }
    }
}

/// The row with which ours is compared: a deflate state of zlib-rs that is reset for each body.
pub(crate) const RAW: &str = "zlib-rs, reset";
/// What this crate makes of a whole body.
pub(crate) const OURS: &str = "crm-compress gzip";
/// What it makes of a stream: zlib-rs, from the pool.
pub(crate) const STREAM: &str = "crm-compress gzip stream";

/// All engines, at these levels of gzip and at some of the others' own.
pub(crate) fn engines(levels: &[u8]) -> Vec<Engine> {
    let gzip: [(&str, Make); 6] = [
        (OURS, ours::gzip),
        (STREAM, ours::stream),
        (RAW, flate2::reset),
        ("zlib-rs, new", flate2::new),
        ("miniz_oxide, new", miniz::new),
        ("libdeflate", libdeflate::gzip),
    ];
    let mut engines = Vec::new();
    let mut add = |name, level, format, encode| {
        engines.push(Engine {
            name,
            level,
            format,
            encode,
        });
    };
    for (name, make) in gzip {
        for &level in levels {
            add(name, level, Format::Gzip, make(level));
        }
    }
    for level in [1, 3, 6] {
        if let Some(encode) = ours::by_name("zstd", level) {
            add("crm-compress zstd", level, Format::Zstd, encode);
        }
        add("zstd, reused", level, Format::Zstd, zstd::reused(level));
    }
    for level in [1, 4, 5] {
        if let Some(encode) = ours::by_name("br", level) {
            add("crm-compress br", level, Format::Brotli, encode);
        }
        add("brotli, new", level, Format::Brotli, brotli::new(level));
    }
    engines
}

/// Writes the head of a gzip file, what `deflate` appends, and the trailer.
fn framed(body: &[u8], output: &mut Vec<u8>, deflate: impl FnOnce(&mut Vec<u8>)) {
    output.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    deflate(output);
    let mut checksum = ::flate2::Crc::new();
    checksum.update(body);
    output.extend_from_slice(&checksum.sum().to_le_bytes());
    output.extend_from_slice(&checksum.amount().to_le_bytes());
}
