//! How much memory decoding takes, counted by an allocator: the limit and a constant, whatever comes.

#[path = "support/counting.rs"]
mod counting;
mod support;

use counting::{Counting, most};
use crm_compress::{ContentEncoding, DecodeLimits, Decoder, decode};
use support::streams::{codings, empty_member, encode, encode_chain, named_member, repeats};
use support::{bodies, decoding::word};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The states of a chain: what the documentation promises.
fn states(chain: &str) -> usize {
    chain
        .split(", ")
        .map(|coding| match coding {
            "br" => 32 << 20,
            // The engine of zstd has memory of its own, which is not Rust's: a test beside it counts that.
            _ => 64 << 10,
        })
        .sum::<usize>()
        + 5 * (16 << 10)
}

fn chains() -> Vec<String> {
    let mut chains: Vec<String> = codings().into_iter().map(String::from).collect();
    chains.extend(codings().iter().map(|coding| format!("{coding}, gzip")));
    chains.extend(codings().iter().map(|coding| format!("gzip, {coding}")));
    chains.push(String::from("gzip, gzip, gzip, gzip, gzip"));
    chains
}

#[test]
fn a_whole_body_takes_its_limit_and_a_constant() {
    let bodies = [
        vec![0; 12 << 20],
        bodies::json(2 << 20, 1),
        bodies::noise(2 << 20, 2),
    ];
    for body in &bodies {
        for chain in chains() {
            let encoded = encode_chain(&chain, body);
            for limit in [0, 1000, 100_000, 5 << 20, 16 << 20] {
                let limits = DecodeLimits::default()
                    .codings(5)
                    .encoded_bytes(u64::MAX)
                    .ratio(u64::MAX)
                    .decoded_bytes(limit);
                let (taken, result) = most(|| decode([&chain], &encoded, &limits));
                let bound = limit as usize + (1 << 20) + states(&chain);
                assert!(taken <= bound, "{chain} {limit}: {taken}");
                match result {
                    Ok(decoded) => {
                        assert!(decoded == *body);
                        assert_eq!(decoded.capacity(), decoded.len());
                    }
                    Err(error) => assert_eq!(word(&error), "decoded"),
                }
            }
        }
    }
}

#[test]
fn a_stream_takes_a_constant() {
    let body = vec![7; 12 << 20];
    for chain in chains() {
        let encoded = encode_chain(&chain, &body);
        let limits = DecodeLimits::default()
            .codings(5)
            .encoded_bytes(u64::MAX)
            .decoded_bytes(u64::MAX)
            .ratio(u64::MAX);
        let content_encoding = ContentEncoding::parse([&chain]).unwrap();
        let mut output = [0; 4096];
        let (taken, decoded) = most(|| {
            let mut decoder = Decoder::new(&content_encoding, &limits).unwrap();
            let mut decoded = 0;
            for mut piece in encoded.chunks(1000) {
                loop {
                    let progress = decoder.decode(piece, &mut output).unwrap();
                    decoded += progress.produced;
                    piece = &piece[progress.consumed..];
                    if piece.is_empty() && progress.produced < output.len() {
                        break;
                    }
                }
            }
            decoder.finish().unwrap();
            decoded
        });
        assert_eq!(decoded, body.len());
        assert!(taken <= states(&chain), "{chain}: {taken}");
    }
}

#[test]
fn what_decodes_to_nothing_takes_nothing() {
    let limits = DecodeLimits::default().members(u64::MAX);
    let floods = [
        empty_member().repeat(100_000),
        named_member(10_000_000, b""),
        [&encode("gzip", b"")[..], &[0x1f]].concat(),
    ];
    for flood in floods {
        let (taken, _) = most(|| decode(["gzip"], &flood, &limits).map_err(|_| ()));
        assert!(taken < 1 << 20, "{taken}");
    }
}

#[test]
fn a_length_that_lies_takes_no_more() {
    // The last four bytes announce 4 GiB.
    let mut body = encode("gzip", b"a short body");
    let end = body.len();
    body[end - 4..].fill(0xff);
    let (taken, result) = most(|| decode(["gzip"], &body, &DecodeLimits::default()));
    assert_eq!(word(&result.unwrap_err()), "checksum");
    // What the ratio allows so short a body is its grace.
    assert!(taken <= (1 << 20) + states("gzip"), "{taken}");

    let body = encode("gzip", &vec![0; 3000]);
    let mut short = body.clone();
    let end = short.len();
    short[end - 4..].copy_from_slice(&1_u32.to_le_bytes());
    let (taken, result) = most(|| decode(["gzip"], &short, &DecodeLimits::default()));
    assert_eq!(word(&result.unwrap_err()), "checksum");
    assert!(taken < 100_000, "{taken}");
}

#[test]
fn an_honest_body_takes_what_it_needs() {
    let body = bodies::json(20_000, 3);
    let encoded = encode("gzip", &body);
    let (taken, result) = most(|| decode(["gzip"], &encoded, &DecodeLimits::default()));
    assert!(result.unwrap() == body);
    assert!(taken <= body.len() + states("gzip"), "{taken}");
}

#[test]
fn a_frame_that_repeats_takes_its_window() {
    if codings().contains(&"zstd") {
        let limits = DecodeLimits::default();
        let (taken, result) = most(|| decode(["zstd"], &repeats(100), &limits));
        assert_eq!(word(&result.unwrap_err()), "ratio");
        assert!(taken <= (2 << 20) + states("zstd"), "{taken}");
    }
}
