//! A whole body survives every coding and level, in the eyes of decoders that are not ours.

mod support;

#[cfg(feature = "brotli")]
use crm_compress::Brotli;
#[cfg(feature = "zstd")]
use crm_compress::Zstd;
use crm_compress::{Coding, Deflate, Gzip, Level, Reason, encode, encode_if_smaller, encode_into};
use proptest::prelude::*;
use support::codings::{CODINGS, levels};
use support::{bodies, decoders};

/// Every body in every coding at every level.
fn matrix() -> Vec<(String, Coding, Level, Vec<u8>)> {
    let mut matrix = Vec::new();
    for (name, body) in bodies::all() {
        for &coding in CODINGS {
            for level in levels(coding) {
                matrix.push((
                    format!("{name}, {coding} {level}"),
                    coding,
                    level,
                    body.clone(),
                ));
            }
        }
    }
    matrix
}

#[test]
fn a_decoder_in_process_decodes_it() {
    for (name, coding, level, body) in matrix() {
        let encoded = encode(coding, level, &body);
        assert!(
            decoders::decode(coding, &encoded).as_ref() == Ok(&body),
            "{name}"
        );
    }
}

#[test]
fn python_decodes_it() {
    let mut matrix = matrix();
    matrix.retain(|(_, coding, ..)| matches!(coding, Coding::Gzip | Coding::Deflate));
    let streams: Vec<_> = matrix
        .iter()
        .map(|(_, coding, level, body)| (*coding, encode(*coding, *level, body)))
        .collect();
    let Some(decoded) = decoders::python(&streams) else {
        return;
    };
    for ((name, _, _, body), decoded) in matrix.iter().zip(decoded) {
        assert!(decoded.as_ref() == Ok(body), "{name}");
    }
}

#[test]
fn the_gzip_command_decodes_it() {
    for (name, body) in bodies::all() {
        for level in [0, 1, 5, 9].map(Level::Exact) {
            let encoded = Gzip::default().level(level).encode(&body);
            match decoders::gzip_command(&encoded) {
                Some(decoded) => assert!(decoded == body, "{name}, {level}"),
                None => return,
            }
        }
    }
}

/// All bodies in one stream of frames, since starting a program takes longer than decoding.
#[test]
#[cfg(feature = "zstd")]
fn the_zstd_command_decodes_it() {
    let (mut frames, mut bodies) = (Vec::new(), Vec::new());
    for (_, coding, level, body) in matrix() {
        if coding == Coding::Zstd {
            encode_into(coding, level, &body, &mut frames);
            bodies.extend(body);
        }
    }
    if let Some(decoded) = decoders::zstd_command(&frames) {
        assert!(decoded == bodies);
    }
}

#[test]
#[cfg(feature = "brotli")]
fn the_brotli_command_decodes_it() {
    for (name, coding, level, body) in matrix() {
        if coding == Coding::Brotli {
            match decoders::brotli_command(&encode(coding, level, &body)) {
                Some(decoded) => assert!(decoded == body, "{name}"),
                None => return,
            }
        }
    }
}

#[test]
fn ten_megabytes() {
    let body = bodies::json(10_000_000, 9);
    for &coding in CODINGS {
        let encoded = encode(coding, Level::Balanced, &body);
        assert!(encoded.len() < body.len() / 2);
        assert!(decoders::decode(coding, &encoded).as_ref() == Ok(&body));
    }
}

#[test]
fn the_frames_are_those_of_the_rfcs() {
    let gzip = Gzip::default().encode(b"customer");
    assert_eq!(gzip[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    assert_eq!(gzip[gzip.len() - 4..], 8_u32.to_le_bytes());
    assert_eq!(
        Gzip::default().level(Level::Fastest).encode(b"customer")[8],
        4
    );
    assert_eq!(
        Gzip::default().level(Level::Smallest).encode(b"customer")[8],
        2
    );

    let deflate = Deflate::default().encode(b"customer");
    assert_eq!(deflate[0] & 0x0f, 8);
    assert_eq!(
        (u16::from(deflate[0]) * 256 + u16::from(deflate[1])) % 31,
        0
    );
}

#[test]
fn an_incompressible_body_grows_by_little() {
    for length in [0, 1, 100, 16_384, 100_000] {
        let body = bodies::noise(length, 11);
        for &coding in CODINGS {
            // The fixed code of deflate needs nine bits for half of all bytes.
            let fixed = matches!(coding, Coding::Gzip | Coding::Deflate);
            for level in levels(coding) {
                if fixed && matches!(level, Level::Fastest | Level::Exact(1)) {
                    continue;
                }
                let growth = encode(coding, level, &body).len() - length;
                assert!(
                    growth <= 23 + length / 2_000,
                    "{coding} {level}: {length} + {growth}"
                );
            }
        }
    }
}

#[test]
fn levels_trade_bytes() {
    let body = bodies::json(100_000, 12);
    let length = |level| Gzip::default().level(level).encode(&body).len();
    assert!(length(Level::Fastest) > length(Level::Balanced));
    assert!(length(Level::Balanced) > length(Level::Smallest));
    assert_eq!(length(Level::Balanced), length(Level::Exact(5)));
    assert_eq!(length(Level::Fastest), length(Level::Exact(1)));
    assert_eq!(length(Level::Smallest), length(Level::Exact(9)));
    assert_eq!(length(Level::Exact(200)), length(Level::Exact(9)));
    assert!(length(Level::Exact(0)) > body.len());
    assert_eq!(Gzip::default(), Gzip::default().level(Level::Balanced));
}

#[test]
fn the_three_ways_agree() {
    let body = bodies::json(5_000, 13);
    for &coding in CODINGS {
        for level in levels(coding) {
            let stored = match coding {
                Coding::Gzip | Coding::Deflate => Level::Exact(0),
                _ => Level::Exact(u8::MAX),
            };
            let encoded = encode(coding, level, &body);
            let mut output = b"head".to_vec();
            encode_into(coding, level, &body, &mut output);
            assert_eq!(output.strip_prefix(b"head"), Some(&*encoded));
            if level != stored {
                assert_eq!(encode_if_smaller(coding, level, &body), Ok(encoded.clone()));
            }
            let (one, two, three) = match coding {
                Coding::Gzip => {
                    let gzip = Gzip::default().level(level);
                    let mut output = Vec::new();
                    gzip.encode_into(&body, &mut output);
                    (gzip.encode(&body), output, gzip.encode_if_smaller(&body))
                }
                #[cfg(feature = "brotli")]
                Coding::Brotli => {
                    let brotli = Brotli::default().level(level);
                    let mut output = Vec::new();
                    brotli.encode_into(&body, &mut output);
                    (
                        brotli.encode(&body),
                        output,
                        brotli.encode_if_smaller(&body),
                    )
                }
                #[cfg(feature = "zstd")]
                Coding::Zstd => {
                    let zstd = Zstd::default().level(level);
                    let mut output = Vec::new();
                    zstd.encode_into(&body, &mut output);
                    (zstd.encode(&body), output, zstd.encode_if_smaller(&body))
                }
                _ => {
                    let deflate = Deflate::default().level(level);
                    let mut output = Vec::new();
                    deflate.encode_into(&body, &mut output);
                    (
                        deflate.encode(&body),
                        output,
                        deflate.encode_if_smaller(&body),
                    )
                }
            };
            assert_eq!((&one, &two), (&encoded, &encoded));
            assert_eq!(three.is_ok(), level != stored);
        }
    }
}

#[test]
fn identity_copies() {
    assert_eq!(encode(Coding::Identity, Level::Balanced, b"body"), b"body");
    let mut output = b"head".to_vec();
    encode_into(Coding::Identity, Level::Balanced, b"body", &mut output);
    assert_eq!(output, b"headbody");
    assert!(encode_if_smaller(Coding::Identity, Level::Balanced, b"body").is_err());
}

#[test]
fn what_would_not_shrink_stays_as_it_is() {
    for (name, body) in bodies::all() {
        for &coding in CODINGS {
            for level in levels(coding) {
                let whole = encode(coding, level, &body);
                let kept = encode_if_smaller(coding, level, &body);
                if whole.len() < body.len() {
                    assert!(kept.as_ref() == Ok(&whole), "{name}, {coding} {level}");
                } else {
                    let length = body.len() as u64;
                    assert_eq!(
                        kept,
                        Err(Reason::WouldNotShrink { coding, length }),
                        "{name}"
                    );
                }
            }
        }
    }
}

/// Around the length where it begins to pay, what decides may be the trailer alone.
#[test]
fn the_point_from_which_it_shrinks_is_exact() {
    let long = bodies::json(300, 14);
    for &coding in CODINGS {
        let mut outcomes = Vec::new();
        for length in 0..long.len() {
            let body = &long[..length];
            let whole = encode(coding, Level::Balanced, body);
            let kept = encode_if_smaller(coding, Level::Balanced, body).ok();
            assert_eq!(kept.is_some(), whole.len() < length, "{coding}: {length}");
            outcomes.push(kept.is_some());
        }
        assert!(outcomes.contains(&true) && outcomes.contains(&false));
    }
}

#[test]
fn the_result_has_no_slack() {
    for (name, body) in bodies::all() {
        let encoded = Gzip::default().encode(&body);
        assert_eq!(encoded.capacity(), encoded.len(), "{name}");
        if let Ok(encoded) = Deflate::default().encode_if_smaller(&body) {
            assert_eq!(encoded.capacity(), encoded.len(), "{name}");
        }
    }
}

/// The bodies are made of few different bytes in runs and repetitions, or they would all be noise to the encoder.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let run = (prop::sample::select(b"abc\x00\xff".to_vec()), 1..300_usize)
        .prop_map(|(byte, times)| vec![byte; times]);
    let word = prop::collection::vec(any::<u8>(), 0..40);
    let repeated = (word, 1..40_usize).prop_map(|(word, times)| word.repeat(times));
    prop::collection::vec(prop_oneof![run, repeated], 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(support::properties(|cases| cases))]

    #[test]
    fn any_body_survives(body in body(), level in 0..=19_u8) {
        for &coding in CODINGS {
            // A number beyond the scale counts as the last one.
            let encoded = encode(coding, Level::Exact(level), &body);
            prop_assert!(decoders::decode(coding, &encoded).as_ref() == Ok(&body));
        }
    }
}

/// Only level 0 stores, whichever engine this build has for a body of this length.
#[test]
fn every_level_but_zero_shrinks_a_list() {
    for length in [2_000, 30_000, 300_000] {
        let list = bodies::json(length, 17);
        for coding in [Coding::Gzip, Coding::Deflate] {
            for level in (1..=9).map(Level::Exact) {
                let encoded = encode(coding, level, &list).len();
                assert!(
                    encoded < list.len() / 3,
                    "{coding} {level}: {encoded} of {length}"
                );
            }
        }
    }
}
