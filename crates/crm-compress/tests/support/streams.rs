//! Streams of every coding that this build decodes, honest and otherwise.

use std::io::Write;

use super::decoding::in_gzip;

/// The codings of this build.
pub(crate) fn codings() -> Vec<&'static str> {
    let mut codings = vec!["gzip", "deflate"];
    if cfg!(feature = "brotli") {
        codings.push("br");
    }
    if cfg!(feature = "zstd") {
        codings.push("zstd");
    }
    codings
}

/// The body in this coding, by an encoder that is not ours.
pub(crate) fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let level = flate2::Compression::best();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let level = flate2::Compression::best();
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        #[cfg(feature = "brotli")]
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
            encoder.write_all(body).unwrap();
            encoder.into_inner()
        }
        #[cfg(feature = "zstd")]
        "zstd" => {
            let mut context = zstd_safe::CCtx::create();
            for parameter in [
                zstd_safe::CParameter::CompressionLevel(3),
                zstd_safe::CParameter::ChecksumFlag(true),
            ] {
                context.set_parameter(parameter).unwrap();
            }
            let mut encoded = Vec::with_capacity(zstd_safe::compress_bound(body.len()));
            context.compress2(&mut encoded, body).unwrap();
            encoded
        }
        _ => panic!("no encoder for {coding}"),
    }
}

/// The body in these codings, the first one applied first.
pub(crate) fn encode_chain(codings: &str, body: &[u8]) -> Vec<u8> {
    codings
        .split(", ")
        .fold(body.to_vec(), |body, coding| encode(coding, &body))
}

/// A gzip member without content, twenty bytes.
pub(crate) fn empty_member() -> Vec<u8> {
    in_gzip(&[3, 0], b"")
}

/// A gzip member with a name of this many bytes.
pub(crate) fn named_member(name: usize, body: &[u8]) -> Vec<u8> {
    let mut member = in_gzip(&stored(body), body);
    member[3] = 1 << 3;
    member.splice(10..10, [vec![b'n'; name], vec![0]].concat());
    member
}

/// Deflate data of one stored block.
pub(crate) fn stored(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let mut data = vec![1];
    data.extend(length.to_le_bytes());
    data.extend((!length).to_le_bytes());
    data.extend(body);
    data
}

/// A skippable zstd frame of so many bytes.
pub(crate) fn skippable(length: u32) -> Vec<u8> {
    let mut frame = vec![0x50, 0x2a, 0x4d, 0x18];
    frame.extend(length.to_le_bytes());
    frame.resize(8 + length as usize, 0);
    frame
}

/// A zstd frame with a window of 128 KiB, of so many blocks of 128 KiB, each of one byte that is repeated.
pub(crate) fn repeats(blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];
    for block in 1..=blocks {
        let header = (128 << 10 << 3) | 1 << 1 | u32::from(block == blocks);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}
