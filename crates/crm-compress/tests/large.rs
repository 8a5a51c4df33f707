//! An export as long as exports are, whole and as a stream, through decoders that are not ours. `CRM_COMPRESS_LARGE` is its
//! length in bytes; `ci/deep.sh large` asks for 100 MB.

mod support;

use std::io::Write;

use crm_compress::{Coding, Encoder, Level, encode};
use support::codings::CODINGS;
use support::{bodies, decoders};

/// Records and noise in turn, so that every kind of block occurs far from the start.
fn export() -> Vec<u8> {
    let length = std::env::var("CRM_COMPRESS_LARGE").map_or(3_000_000, |bytes| {
        bytes
            .parse()
            .expect("CRM_COMPRESS_LARGE is a number of bytes")
    });
    let records = bodies::json(900_000, 1);
    let noise = bodies::noise(100_000, 2);
    let mut export = Vec::with_capacity(length + records.len() + noise.len());
    while export.len() < length {
        export.extend_from_slice(&records);
        export.extend_from_slice(&noise);
    }
    export.truncate(length);
    export
}

fn streamed(coding: Coding, level: Level, body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(coding, level, Vec::new());
    for chunk in body.chunks(1 << 16) {
        encoder.write_all(chunk).unwrap();
    }
    encoder.finish().unwrap()
}

/// Through each decoder that there is for the coding.
fn assert_decodes(coding: Coding, encoded: Vec<u8>, body: &[u8]) {
    assert!(
        decoders::decode(coding, &encoded).unwrap() == body,
        "{coding}"
    );
    let foreign = match coding {
        Coding::Gzip => decoders::gzip_command(&encoded),
        #[cfg(feature = "zstd")]
        Coding::Zstd => decoders::zstd_command(&encoded),
        #[cfg(feature = "brotli")]
        Coding::Brotli => decoders::brotli_command(&encoded),
        _ => decoders::python(&[(coding, encoded)])
            .map(|bodies| bodies.into_iter().next().unwrap().unwrap()),
    };
    // A decoder that is not installed has been named.
    if let Some(decoded) = foreign {
        assert!(decoded == body, "{coding}");
    }
}

#[test]
fn an_export_comes_back_whole() {
    let body = export();
    for &coding in CODINGS {
        for level in [Level::Fastest, Level::Balanced] {
            let whole = encode(coding, level, &body);
            assert!(whole.len() < body.len() / 3, "{coding} {level}");
            assert_decodes(coding, whole, &body);
            assert_decodes(coding, streamed(coding, level, &body), &body);
        }
    }
}

#[cfg(feature = "rayon")]
#[test]
fn an_export_on_all_threads_comes_back_whole() {
    let body = export();
    assert_decodes(
        Coding::Gzip,
        crm_compress::Gzip::default().encode_parallel(&body),
        &body,
    );
    let mut encoder = crm_compress::Gzip::default().parallel_encoder(Vec::new());
    encoder.write_all(&body).unwrap();
    assert_decodes(Coding::Gzip, encoder.finish().unwrap(), &body);
}
