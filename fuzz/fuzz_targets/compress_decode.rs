//! Bytes as an encoded body: whatever they are, decoding them does not panic, takes no more memory than the limits and
//! a constant, and comes to the same in every way of cutting them.
//!
//! The first bytes say which codings, how much of them is honest, and the limits.

#![no_main]

use crm_compress::{DecodeLimits, decode};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-compress/tests/support/counting.rs"]
mod counting;
#[path = "../../crates/crm-compress/tests/support/decoding.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod decoding;
#[path = "../../crates/crm-compress/tests/support/streams.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod streams;

use decoding::{assert_alike, drive, word};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[codings, limits, piece, room, at, bit], stream)) = bytes.split_first_chunk() else {
        return;
    };
    let names = ["gzip", "deflate", "br", "zstd"];
    let mut chain = String::from(names[usize::from(codings & 3)]);
    let mut stream = stream.to_vec();
    // The outer coding is honest, so that the fuzzer reaches the inner one.
    for outer in [codings >> 2 & 7, codings >> 5 & 7] {
        if let Some(outer) = names.get(usize::from(outer)) {
            chain = format!("{chain}, {outer}");
            stream = streams::encode(outer, &stream);
        }
    }
    if !stream.is_empty() && bit & 8 > 0 {
        let at = usize::from(at) % stream.len();
        stream[at] ^= 1 << (bit & 7);
    }

    let decoded = [0, 100, 5_000, 200_000][usize::from(limits & 3)];
    let allowed = DecodeLimits::default()
        .codings(3)
        .decoded_bytes(decoded)
        .encoded_bytes([500, 100_000][usize::from(limits >> 2 & 1)])
        .ratio([10, 1000][usize::from(limits >> 3 & 1)])
        .ratio_grace([0, 1000, 50_000, u64::MAX][usize::from(limits >> 4 & 3)])
        .members([3, 100][usize::from(limits >> 6 & 1)])
        .header_bytes([20, 1000][usize::from(limits >> 7)])
        .window_bytes(1 << 20);

    let (held, whole) = counting::most(|| decode([&chain], &stream, &allowed));
    // What the documentation promises for the states.
    let states: usize = chain
        .split(", ")
        .map(|coding| match coding {
            "br" => 32 << 20,
            "zstd" => (1 << 20) + (512 << 10),
            _ => 64 << 10,
        })
        .sum();
    let bound = decoded as usize + states + 2 * (16 << 10) + 4096;
    assert!(held <= bound, "{chain}: {held} of {bound}");

    let at_once = drive(&chain, &allowed, [&*stream], 1 << 16);
    match &whole {
        Ok(body) => assert!(at_once.word == "ok" && *body == at_once.body),
        Err(error) => assert_eq!(word(error), at_once.word),
    }
    assert!(at_once.body.len() as u64 <= decoded);
    let pieces = stream.chunks(usize::from(piece) + 1);
    let cut = drive(&chain, &allowed, pieces, usize::from(room) + 1);
    assert_alike(&chain, &cut, &at_once);
    let bytewise = drive(&chain, &allowed, stream.chunks(1), 1 << 16);
    assert_alike(&chain, &bytewise, &at_once);
});
