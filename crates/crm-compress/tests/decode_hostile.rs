//! Streams that are damaged: cut at any byte, any bit turned, bytes of chance. Nothing panics, nothing goes beyond a
//! limit, and nothing depends on how the stream is cut into pieces.

mod support;

use crm_compress::{DecodeLimits, decode};
use proptest::collection::vec;
use proptest::prelude::*;
use support::bodies;
use support::decoding::{Outcome, assert_alike, bytes, drive, in_gzip, in_zlib, word};
use support::streams::{codings, empty_member, encode, encode_chain, skippable};

/// So small that damage meets them.
fn small() -> DecodeLimits {
    DecodeLimits::default()
        .decoded_bytes(3000)
        .encoded_bytes(4000)
        .ratio(20)
        .ratio_grace(2000)
        .members(4)
        .header_bytes(64)
        .window_bytes(1 << 20)
}

/// Streams of a few hundred bytes that use much of their format.
fn rich_streams(coding: &str) -> Vec<Vec<u8>> {
    let text = bodies::json(600, 1);
    let mixed = [bodies::json(300, 2), bodies::noise(60, 3), vec![b'z'; 300]].concat();
    let mut streams = vec![
        encode(coding, b""),
        encode(coding, b"abc"),
        encode(coding, &text),
        encode(coding, &mixed),
    ];
    match coding {
        "gzip" => {
            let mut named = bytes("1f8b081f0000000000ff080041420400616263646e2e7478740063002e6b");
            named.extend(bytes("cb48cdc9c95728cf2fca49e102002d3b08af0c000000"));
            streams.push([named, empty_member(), encode("gzip", b"the end")].concat());
        }
        "zstd" => streams.push([skippable(9), encode("zstd", &text), skippable(0)].concat()),
        _ => {}
    }
    streams
}

/// Decodes whole, and by single bytes on either side; all three must agree.
fn in_every_way(coding: &str, limits: &DecodeLimits, stream: &[u8]) -> Outcome {
    let whole = drive(coding, limits, [stream], 1 << 14);
    let bytewise = drive(coding, limits, stream.chunks(1), 1 << 14);
    let narrow = drive(coding, limits, [stream], 1);
    assert_alike(coding, &bytewise, &whole);
    assert_alike(coding, &narrow, &whole);
    assert!(whole.body.len() <= 3000);
    whole
}

#[test]
fn every_cut() {
    for coding in codings() {
        for stream in rich_streams(coding) {
            assert_eq!(
                in_every_way(coding, &small(), &stream).word,
                "ok",
                "{coding}"
            );
            // Between members and frames, a stream is whole.
            let mut whole = 0;
            for length in 0..stream.len() {
                match in_every_way(coding, &small(), &stream[..length]).word {
                    "truncated" => {}
                    "ok" => whole += 1,
                    other => panic!("{coding} {length}: {other}"),
                }
            }
            assert!(whole <= 2, "{coding}: {whole}");
        }
    }
}

#[test]
fn every_bit() {
    for coding in codings() {
        let (mut refused, mut passed) = (0_u32, 0_u32);
        for stream in rich_streams(coding) {
            let body = decode([coding], &stream, &small()).unwrap();
            for bit in 0..stream.len() * 8 {
                let mut damaged = stream.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let answer = in_every_way(coding, &small(), &damaged);
                if answer.word == "ok" {
                    passed += 1;
                    // What has a checksum cannot pass for another body; brotli has none.
                    assert!(coding == "br" || answer.body == body, "{coding} bit {bit}");
                } else {
                    refused += 1;
                }
            }
        }
        assert!(
            refused > 1000,
            "{coding}: {refused} refused, {passed} passed"
        );
    }
}

#[test]
fn anything_after_the_end() {
    for coding in codings() {
        let stream = encode(coding, b"a body");
        for byte in 0..=255_u8 {
            let followed = [&*stream, &[byte]].concat();
            let expected = match (coding, byte) {
                ("gzip", 0x1f) => "truncated",
                ("zstd", _) => "truncated",
                _ => "trailing",
            };
            let answer = in_every_way(coding, &small(), &followed);
            assert_eq!(
                (answer.word, &*answer.body),
                (expected, &b"a body"[..]),
                "{coding} {byte}"
            );
        }
        let followed = [&*stream, b"garbage!"].concat();
        let answer = in_every_way(coding, &small(), &followed);
        assert_eq!(answer.word, "trailing", "{coding}");
    }
}

/// What an earlier body left in a state must not show: a distance that points before the beginning is refused.
#[test]
fn nothing_of_an_earlier_body_shows() {
    let limits = DecodeLimits::default();
    // A fixed block: the literal "x", then three bytes from as far back as can be written, and the end of the block.
    let secret = bodies::noise(100_000, 7);
    for _ in 0..3 {
        for coding in codings() {
            let encoded = encode(coding, &secret);
            assert_eq!(decode([coding], &encoded, &limits).unwrap(), secret);
            // Also one that was abandoned half-way.
            drive(coding, &limits, [&encoded[..50_000]], 4096);
        }
        for data in ["0cc081000000000090ff6b0400", "4b04c3ff"] {
            let data = bytes(data);
            for (coding, stream) in [
                ("gzip", in_gzip(&data, b"")),
                ("deflate", in_zlib(&data, b"")),
            ] {
                let answer = drive(coding, &limits, [&*stream], 4096);
                assert_eq!(answer.word, "corrupt", "{coding}");
                assert!(answer.body.len() <= 4);
            }
        }
    }
}

#[test]
fn an_error_is_final_and_comes_after_what_was_decoded() {
    use crm_compress::{ContentEncoding, Decoder};

    let mut stream = encode("gzip", b"a body");
    let at = stream.len() - 8;
    stream[at] ^= 1;
    let chain = ContentEncoding::parse(["gzip"]).unwrap();
    let mut decoder = Decoder::new(&chain, &DecodeLimits::default()).unwrap();
    let mut output = [0; 100];
    let progress = decoder.decode(&stream, &mut output).unwrap();
    assert_eq!(&output[..progress.produced], b"a body");
    assert!(format!("{decoder:?}").contains("ChecksumMismatch"));
    assert_eq!(word(&decoder.finish().unwrap_err()), "checksum");
    for _ in 0..3 {
        let error = decoder.decode(b"more", &mut output).unwrap_err();
        assert_eq!(word(&error), "checksum");
        let error = decoder.decode(b"", &mut []).unwrap_err();
        assert_eq!(word(&error), "checksum");
    }
}

#[test]
fn calls_that_bring_nothing_change_nothing() {
    use crm_compress::{ContentEncoding, Decoder, Progress};

    for coding in codings() {
        let stream = encode(coding, &bodies::json(5000, 4));
        let chain = ContentEncoding::parse([coding]).unwrap();
        let mut decoder = Decoder::new(&chain, &DecodeLimits::default()).unwrap();
        let mut body = Vec::new();
        let mut output = [0; 512];
        for mut piece in stream.chunks(100) {
            loop {
                // More of them than any engine puts up with.
                for _ in 0..50 {
                    let nothing = decoder.decode(piece, &mut []).unwrap();
                    assert_eq!(nothing, Progress::default());
                }
                let progress = decoder.decode(piece, &mut output).unwrap();
                body.extend_from_slice(&output[..progress.produced]);
                piece = &piece[progress.consumed..];
                if piece.is_empty() && progress.produced < output.len() {
                    break;
                }
            }
            for _ in 0..50 {
                assert_eq!(
                    decoder.decode(b"", &mut output).unwrap(),
                    Progress::default()
                );
            }
        }
        decoder.finish().unwrap();
        assert_eq!(body, bodies::json(5000, 4));
    }
}

/// Pieces of honest streams, damaged here and there, under one or two codings.
fn damaged() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = codings();
    let chain = vec(proptest::sample::select(names), 1..=2);
    (
        chain,
        0..4_usize,
        vec((any::<u16>(), any::<u8>()), 0..4),
        any::<bool>(),
    )
        .prop_map(|(chain, kind, damage, inside)| {
            let mut stream = rich_streams(chain[0])[kind].clone();
            let strike = |stream: &mut Vec<u8>| {
                for &(at, byte) in &damage {
                    let at = usize::from(at) % stream.len();
                    stream[at] = byte;
                }
            };
            if inside {
                strike(&mut stream);
            }
            for coding in &chain[1..] {
                stream = encode(coding, &stream);
            }
            if !inside {
                strike(&mut stream);
            }
            (chain.join(", "), stream)
        })
}

proptest! {
    #![proptest_config(support::properties(|cases| cases * 4))]

    #[test]
    fn damage_does_not_depend_on_the_pieces((chain, stream) in damaged(), piece in 1..50_usize, room in 1..50_usize) {
        let whole = in_every_way(&chain, &small(), &stream);
        let pieces = drive(&chain, &small(), stream.chunks(piece), room);
        assert_alike(&chain, &pieces, &whole);
    }

    #[test]
    fn bytes_of_chance_are_refused(stream in vec(any::<u8>(), 0..200)) {
        for coding in codings() {
            in_every_way(coding, &small(), &stream);
        }
    }

    #[test]
    fn what_was_encoded_is_decoded(
        body in vec(any::<u8>(), 0..3000),
        repeat in 1..5_usize,
        first in 0..4_usize,
        second in 0..4_usize,
        piece in 1..5000_usize,
        room in 1..5000_usize,
    ) {
        let body = body.repeat(repeat);
        let codings = codings();
        let chain = [codings[first % codings.len()], codings[second % codings.len()]].join(", ");
        let stream = encode_chain(&chain, &body);
        let answer = drive(&chain, &DecodeLimits::default(), stream.chunks(piece), room);
        prop_assert_eq!(answer.word, "ok");
        prop_assert!(answer.body == body);
    }
}

/// Members of gzip with an extra field, as in a file of Go's tests (`issue6550.gz`) on which a decoder once never came back.
/// Neither damage, nor an end at any place, nor a block without codes for distances makes a file that does not end.
#[test]
fn a_damaged_file_of_many_members_ends_soon() {
    let member = |seed| {
        let plain = encode("gzip", &bodies::json(20_000, seed));
        let extra = b"\x06\0BC\x02\0\x1b\0";
        let mut member = plain[..10].to_vec();
        member[3] = 4; // there is an extra field
        member.extend_from_slice(extra);
        member.extend_from_slice(&plain[10..]);
        member
    };
    let file: Vec<u8> = (0..20).flat_map(member).collect();
    let limits = DecodeLimits::default();
    assert!(decode(["gzip"], &file, &limits).is_ok());
    // A block of the dynamic kind without codes for distances, and then zeros.
    let endless = [
        &encode("gzip", b"")[..10],
        &[
            0x04, 0xc0, 0x81, 0x08, 0, 0, 0, 0, 0x20, 0x7f, 0xeb, 0x0b, 0, 0,
        ],
        &[0; 60_000],
    ]
    .concat();
    let (done, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let refuses = |file: &[u8]| decode(["gzip"], file, &limits).is_err();
        let mut refused = u32::from(refuses(&endless));
        for at in (file.len() / 2..file.len()).step_by(file.len() / 40) {
            for damage in [0x01, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[at] ^= damage;
                refused += u32::from(refuses(&damaged));
                damaged.truncate(at + 1);
                refused += u32::from(refuses(&damaged));
            }
        }
        done.send(refused)
    });
    // A second for each of some 120 files.
    let refused = end.recv_timeout(std::time::Duration::from_secs(120));
    assert!(refused.is_ok_and(|refused| refused > 110), "{refused:?}");
}
