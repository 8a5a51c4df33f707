//! Rows of the tables of streams, and ways to drive a decoder.

use crm_compress::{ContentEncoding, DecodeError, DecodeLimits, Decoder};

/// One row of the tables.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) coding: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// Whether every part that is cut off at its end is truncated.
    pub(crate) cut: bool,
    pub(crate) answer: Answer,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Body(Vec<u8>),
    Refused(&'static str),
}

pub(crate) fn cases(table: &'static str) -> Vec<Case> {
    table
        .lines()
        .filter(|row| !row.starts_with('#'))
        .map(|row| {
            let fields: Vec<&str> = row.split(" | ").collect();
            let (cut, answer) = match fields[3].strip_prefix("cut ") {
                Some(answer) => (true, answer),
                None => (false, fields[3]),
            };
            Case {
                name: fields[0],
                coding: fields[1],
                bytes: bytes(fields[2]),
                cut,
                answer: match answer.strip_prefix("ok ") {
                    Some(body) => Answer::Body(bytes(body)),
                    None => Answer::Refused(answer),
                },
            }
        })
        .collect()
}

/// What pieces such as `1f8b 00*512` stand for.
pub(crate) fn bytes(pieces: &str) -> Vec<u8> {
    if pieces == "-" {
        return Vec::new();
    }
    let mut all = Vec::new();
    for piece in pieces.split(' ') {
        let (hex, times) = piece.split_once('*').unwrap_or((piece, "1"));
        let piece: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        all.extend(piece.repeat(times.parse().unwrap()));
    }
    all
}

/// The word of the tables for an error.
pub(crate) fn word(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::UnsupportedCoding => "unsupported",
        DecodeError::ChainTooLong { .. } => "chain",
        DecodeError::DecodedTooLarge { .. } => "decoded",
        DecodeError::EncodedTooLarge { .. } => "encoded",
        DecodeError::RatioTooHigh { .. } => "ratio",
        DecodeError::TooManyMembers { .. } => "members",
        DecodeError::HeaderTooLarge { .. } => "header size",
        DecodeError::WindowTooLarge { .. } => "window",
        DecodeError::Truncated { .. } => "truncated",
        DecodeError::TrailingData { .. } => "trailing",
        DecodeError::ChecksumMismatch { .. } => "checksum",
        DecodeError::InvalidHeader { .. } => "header",
        DecodeError::DictionaryNeeded { .. } => "dictionary",
        DecodeError::Corrupt { .. } => "corrupt",
        other => panic!("no word for {other}"),
    }
}

/// What a decoder made of a stream: all that it produced, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) body: Vec<u8>,
    /// The error in its own words. What the engine says of corrupt data depends on the pieces in zlib-rs 0.6.8, which
    /// at times reports only that it has failed.
    pub(crate) error: Option<String>,
    pub(crate) word: &'static str,
}

/// Drives a decoder with input in pieces and an output of this many bytes.
pub(crate) fn drive<'a>(
    codings: &str,
    limits: &DecodeLimits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    room: usize,
) -> Outcome {
    let mut body = Vec::new();
    let result = try_drive(codings, limits, pieces, room, &mut body);
    Outcome {
        body,
        error: result.as_ref().err().map(ToString::to_string),
        word: result.as_ref().err().map_or("ok", word),
    }
}

fn try_drive<'a>(
    codings: &str,
    limits: &DecodeLimits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    room: usize,
    body: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let chain = ContentEncoding::parse([codings])?;
    let mut decoder = Decoder::new(&chain, limits)?;
    let mut output = vec![0; room];
    for mut piece in pieces {
        loop {
            let progress = decoder.decode(piece, &mut output)?;
            body.extend_from_slice(&output[..progress.produced]);
            piece = &piece[progress.consumed..];
            if piece.is_empty() && progress.produced < room {
                break;
            }
        }
    }
    decoder.finish()
}

/// The same bytes and the same error; of a corrupt brotli stream, some bytes more or less.
#[track_caller]
pub(crate) fn assert_alike(chain: &str, one: &Outcome, other: &Outcome) {
    if one == other {
        return;
    }
    assert!(chain.contains("br"), "{chain}: {one:?}, {other:?}");
    assert!(one.word != "ok" && other.word != "ok", "{one:?}, {other:?}");
    // What a second layer makes of the last few bytes may be another error.
    if chain == "br" {
        assert_eq!((one.word, other.word), ("corrupt", "corrupt"));
    }
    assert!(one.body.starts_with(&other.body) || other.body.starts_with(&one.body));
}

/// Whether this build decodes the coding.
pub(crate) fn is_built(coding: &str) -> bool {
    (coding != "br" || cfg!(feature = "brotli")) && (coding != "zstd" || cfg!(feature = "zstd"))
}

/// Deflate data in gzip's frame, the checksum and length of this body behind it.
pub(crate) fn in_gzip(data: &[u8], body: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(body);
    [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255],
        data,
        &crc.sum().to_le_bytes(),
        &crc.amount().to_le_bytes(),
    ]
    .concat()
}

/// Deflate data in zlib's frame, the checksum of this body behind it.
pub(crate) fn in_zlib(data: &[u8], body: &[u8]) -> Vec<u8> {
    let (mut plain, mut weighted) = (1_u32, 0_u32);
    for &byte in body {
        plain = (plain + u32::from(byte)) % 65_521;
        weighted = (weighted + plain) % 65_521;
    }
    let sum = weighted << 16 | plain;
    [&[0x78, 0x9c], data, &sum.to_be_bytes()].concat()
}
