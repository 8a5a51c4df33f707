//! A body in pieces through an encoder, flushed here and there, and through a decoder: it comes out as it went in, and
//! after a flush everything before it can be decoded.
//!
//! The first bytes say which coding, the level, and the pieces.

#![no_main]

use std::io::Write;

use crm_compress::{
    Coding, ContentEncoding, DecodeLimits, Decoder, Encoder, Level, decode, encode,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[coding, level, piece, times, room], body)) = bytes.split_first_chunk() else {
        return;
    };
    let coding = CODINGS[usize::from(coding) % CODINGS.len()];
    let level = match level % 16 {
        0 => Level::Fastest,
        1 => Level::Balanced,
        2 => Level::Smallest,
        // Higher ones of brotli and zstd are slow, and no other code.
        number => Level::Exact((number - 3) % 10),
    };
    let body = body.repeat(1 + usize::from(times));
    let whole = encode(coding, level, &body);
    let limits = DecodeLimits::default().ratio(u64::MAX);
    assert!(decode([coding.name()], &whole, &limits).unwrap() == body);

    let chain = ContentEncoding::from(coding);
    let mut decoder = Decoder::new(&chain, &limits).unwrap();
    let mut decoded = Vec::new();
    let mut encoder = Encoder::new(coding, level, Vec::new());
    let mut sent = 0;
    for (number, written) in body.chunks(1 + usize::from(piece) * 16).enumerate() {
        encoder.write_all(written).unwrap();
        sent += written.len();
        if number % 3 == usize::from(room % 4) {
            encoder.flush().unwrap();
            let arrived = std::mem::take(encoder.get_mut());
            fetch(&mut decoder, &arrived, room, &mut decoded);
            assert!(decoded == body[..sent]);
        }
    }
    let rest = encoder.finish().unwrap();
    fetch(&mut decoder, &rest, room, &mut decoded);
    decoder.finish().unwrap();
    assert!(decoded == body);
});

const CODINGS: [Coding; 5] = [
    Coding::Identity,
    Coding::Gzip,
    Coding::Deflate,
    Coding::Brotli,
    Coding::Zstd,
];

fn fetch(decoder: &mut Decoder, mut arrived: &[u8], room: u8, decoded: &mut Vec<u8>) {
    let mut output = vec![0; 1 + usize::from(room) * 8];
    loop {
        let progress = decoder.decode(arrived, &mut output).unwrap();
        decoded.extend_from_slice(&output[..progress.produced]);
        arrived = &arrived[progress.consumed..];
        if arrived.is_empty() && progress.produced < output.len() {
            return;
        }
    }
}
