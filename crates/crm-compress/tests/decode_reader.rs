//! The reader that decodes what another one reads.

mod support;

use std::error::Error;
use std::io::{self, ErrorKind, Read};

use crm_compress::{ContentEncoding, DecodeError, DecodeLimits, DecodeReader, Decoder, Progress};
use support::bodies;
use support::streams::{codings, encode, encode_chain};

/// Reads at most so many bytes at a time, and is interrupted or not ready every other time.
struct Hesitant<'a> {
    rest: &'a [u8],
    piece: usize,
    kind: Option<ErrorKind>,
    ready: bool,
}

impl<'a> Hesitant<'a> {
    fn new(rest: &'a [u8], piece: usize, kind: Option<ErrorKind>) -> Self {
        let ready = false;
        Self {
            rest,
            piece,
            kind,
            ready,
        }
    }
}

impl Read for Hesitant<'_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        self.ready = !self.ready;
        if let (true, Some(kind)) = (self.ready, self.kind) {
            return Err(kind.into());
        }
        let length = self.piece.min(output.len());
        self.rest.read(&mut output[..length])
    }
}

fn reader<'a>(
    chain: &str,
    source: Hesitant<'a>,
    limits: &DecodeLimits,
) -> DecodeReader<Hesitant<'a>> {
    let chain = ContentEncoding::parse([chain]).unwrap();
    DecodeReader::new(source, &chain, limits).unwrap()
}

#[test]
fn reads_what_was_encoded() {
    let body = bodies::json(100_000, 1);
    for first in codings() {
        for second in codings() {
            let chain = format!("{first}, {second}");
            let encoded = encode_chain(&chain, &body);
            for piece in [1, 100, 20_000] {
                for kind in [None, Some(ErrorKind::Interrupted)] {
                    let source = Hesitant::new(&encoded, piece, kind);
                    let mut reader = reader(&chain, source, &DecodeLimits::default());
                    let mut decoded = Vec::new();
                    reader.read_to_end(&mut decoded).unwrap();
                    assert!(decoded == body, "{chain} {piece}");
                    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
                    assert!(reader.into_inner().rest.is_empty());
                }
            }
        }
    }
    let mut plain = reader(
        "",
        Hesitant::new(&body, 999, None),
        &DecodeLimits::default(),
    );
    let mut decoded = Vec::new();
    plain.read_to_end(&mut decoded).unwrap();
    assert!(decoded == body);
}

#[test]
fn goes_on_after_an_error_of_the_source() {
    let body = bodies::json(10_000, 2);
    let encoded = encode("gzip", &body);
    let source = Hesitant::new(&encoded, 50, Some(ErrorKind::WouldBlock));
    let mut reader = reader("gzip", source, &DecodeLimits::default());
    let mut decoded = Vec::new();
    let mut blocked = 0;
    let mut output = [0; 333];
    loop {
        match reader.read(&mut output) {
            Ok(0) => break,
            Ok(read) => decoded.extend_from_slice(&output[..read]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                blocked += 1;
            }
        }
    }
    assert!(decoded == body);
    assert!(blocked > encoded.len() / 50);
    assert_eq!(reader.read(&mut []).unwrap(), 0);
}

#[test]
fn errors_carry_what_was_wrong() {
    let encoded = encode("gzip", &[b'x'; 5000]);
    let failing = |stream: &[u8], limits: &DecodeLimits| {
        let mut reader = reader("gzip", Hesitant::new(stream, 9, None), limits);
        let mut decoded = Vec::new();
        let error = reader.read_to_end(&mut decoded).unwrap_err();
        // It stays.
        let again = reader.read(&mut [0; 9]).unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
        (error, decoded.len())
    };
    let inside = |error: &io::Error| {
        let inside = error.get_ref().unwrap();
        inside.downcast_ref::<DecodeError>().unwrap().clone()
    };

    let limits = DecodeLimits::default();
    let (error, _) = failing(&encoded[..encoded.len() - 1], &limits);
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(matches!(inside(&error), DecodeError::Truncated { .. }));
    assert_eq!(error.to_string(), "gzip body is cut off; send it whole");

    let (error, decoded) = failing(&encoded, &limits.decoded_bytes(4999));
    assert_eq!((error.kind(), decoded), (ErrorKind::InvalidData, 4999));
    assert_eq!(inside(&error).status(), 413);

    let (error, decoded) = failing(b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x07", &limits);
    assert_eq!((error.kind(), decoded), (ErrorKind::InvalidData, 0));
    let corrupt = inside(&error);
    assert_eq!(corrupt.to_string(), "gzip body is corrupt; encode it again");
    assert_eq!(corrupt.source().unwrap().to_string(), "invalid block type");

    let chain = ContentEncoding::parse(["gzip, gzip, gzip"]).unwrap();
    let error = DecodeReader::new(io::empty(), &chain, &limits).unwrap_err();
    assert_eq!(error.status(), 415);
}

#[test]
fn the_types_cross_threads_and_speak() {
    fn crosses<T: Send + Sync>() {}
    crosses::<ContentEncoding>();
    crosses::<DecodeError>();
    crosses::<DecodeLimits>();
    crosses::<Decoder>();
    crosses::<DecodeReader<&[u8]>>();
    crosses::<Progress>();
    let chain = ContentEncoding::parse(["gzip", "deflate"]).unwrap();
    assert_eq!(format!("{chain:?}"), "[Gzip, Deflate]");
    let mut reader = DecodeReader::new(&b"abc"[..], &chain, &DecodeLimits::default()).unwrap();
    assert!(format!("{reader:?}").contains("Decoder"));
    assert_eq!(*reader.get_ref(), b"abc");
    *reader.get_mut() = b"d";
    assert_eq!(reader.into_inner(), b"d");
}
