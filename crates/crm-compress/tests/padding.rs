//! Padding: every decoder skips it, equal bodies have equal lengths, and others have lengths that tell nothing.

mod support;

use crm_compress::{Coding, Level, Padding, encode};
use support::{bodies, decoders};

const KEY: [u8; 16] = *b"not random, here";

fn codings() -> Vec<(Coding, usize)> {
    vec![
        (Coding::Gzip, 6),
        (Coding::Deflate, 9),
        #[cfg(feature = "zstd")]
        (Coding::Zstd, 8),
        #[cfg(feature = "brotli")]
        (Coding::Brotli, 3),
    ]
}

/// What libzstd makes of all frames, and, where asked, the zstd command.
#[cfg(feature = "zstd")]
fn frames(encoded: &[u8], command: bool) -> Result<Vec<u8>, String> {
    let mut body = Vec::with_capacity(100_000);
    zstd_safe::decompress(&mut body, encoded).map_err(|code| format!("error {code}"))?;
    if command {
        let found = decoders::zstd_command(encoded);
        assert!(found.is_none_or(|found| found == body));
    }
    Ok(body)
}

#[test]
fn every_decoder_skips_every_amount() {
    let mut streams = Vec::new();
    let mut expected = Vec::new();
    for (coding, _) in codings() {
        for most in [0, 1, 31, 700, Padding::MOST] {
            let padding = Padding::up_to(most).key(KEY);
            for seed in 0..60 {
                let body = bodies::json(100 + seed * 20, seed as u64 + 1);
                let mut encoded = b"head".to_vec();
                padding.encode_into(coding, Level::Balanced, &body, &mut encoded);
                let encoded = encoded.split_off(4);
                assert_eq!(padding.encode(coding, Level::Balanced, &body), encoded);
                let decoded = match coding {
                    // Two frames, of which one is skipped.
                    #[cfg(feature = "zstd")]
                    Coding::Zstd => frames(&encoded, seed % 20 == 0),
                    _ => decoders::decode(coding, &encoded),
                };
                assert!(decoded.as_ref() == Ok(&body), "{coding} {most} {seed}");
                if matches!(coding, Coding::Gzip | Coding::Deflate) {
                    streams.push((coding, encoded));
                    expected.push(body);
                }
            }
        }
    }
    if let Some(found) = decoders::python(&streams) {
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.as_ref() == Ok(expected));
        }
    }
    for (stream, expected) in streams.iter().zip(&expected).step_by(59) {
        if stream.0 == Coding::Gzip {
            let found = decoders::gzip_command(&stream.1);
            assert!(found.is_none_or(|found| found == *expected));
        }
    }
}

/// By chi-square over 64 amounts and 6 400 bodies, whose plain encodings hardly differ in length. With 63 degrees of
/// freedom 120 is exceeded by chance once in 50 000 times, and the seeds are fixed.
#[test]
fn the_amounts_are_even() {
    let padding = Padding::up_to(63).key(KEY);
    for (coding, frame) in codings() {
        let mut counts = [0_u32; 64];
        for id in 0..6_400 {
            let body = format!("{{\"id\":{id},\"name\":\"Ada\",\"city\":\"London\"}}");
            let level = Level::Exact(5);
            let padded = padding.encode(coding, level, body.as_bytes()).len();
            let plain = encode(coding, level, body.as_bytes()).len();
            // Brotli flushes before its padding.
            let slack = if coding.name() == "br" { 3 } else { 0 };
            assert!((plain + frame..=plain + frame + 63 + slack).contains(&padded));
            if slack == 0 {
                counts[padded - plain - frame] += 1;
            }
        }
        if coding.name() != "br" {
            let square: f64 = counts
                .iter()
                .map(|&count| (f64::from(count) - 100.0).powi(2) / 100.0)
                .sum();
            assert!((20.0..120.0).contains(&square), "{coding}: {square}");
        }
    }
}

#[test]
fn another_key_gives_other_amounts() {
    let one = Padding::up_to(1_000).key(KEY);
    let other = one.key(*b"neither is this.");
    let lengths = |padding: Padding| -> Vec<usize> {
        (1..20)
            .map(|seed| bodies::json(500, seed))
            .map(|body| padding.encode(Coding::Gzip, Level::Balanced, &body).len())
            .collect()
    };
    assert_eq!(lengths(one), lengths(one));
    assert_ne!(lengths(one), lengths(other));
}

#[test]
fn what_has_nothing_to_hide_is_not_padded() {
    let padding = Padding::up_to(100);
    for (coding, _) in codings() {
        let plain = encode(coding, Level::Balanced, b"");
        assert_eq!(padding.encode(coding, Level::Balanced, b""), plain);
    }
    let same = padding.encode(Coding::Identity, Level::Balanced, b"as it is");
    assert_eq!(same, b"as it is");
}

#[test]
fn padding_counts_where_a_body_has_to_shrink() {
    let body = bodies::json(400, 3);
    let padding = Padding::up_to(0);
    assert!(
        padding
            .encode_if_smaller(Coding::Gzip, Level::Balanced, &body)
            .is_ok()
    );
    let short = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert!(encode(Coding::Gzip, Level::Balanced, short).len() < short.len());
    let refused = padding.encode_if_smaller(Coding::Gzip, Level::Balanced, short);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "gzip would not shrink 28 bytes"
    );
}
