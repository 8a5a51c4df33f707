//! Decoding agrees with the RFCs and with the vectors of others, however a stream is cut.

mod support;

use crm_compress::{DecodeLimits, decode};
use support::decoding::{Answer, Case, cases, drive, in_gzip, in_zlib, is_built, word};

const DECIDED: &str = include_str!("cases/decoding_decided.txt");
const DISPUTED: &str = include_str!("cases/decoding_disputed.txt");

fn all_cases() -> Vec<Case> {
    let mut all = cases(DECIDED);
    assert_eq!(all.len(), 108);
    all.extend(cases(DISPUTED));
    assert_eq!(all.len(), 111);
    all
}

/// The row's streams, each with the coding to name.
fn streams(case: &Case) -> Vec<(&'static str, Vec<u8>)> {
    if case.coding == "bare" {
        let body = match &case.answer {
            Answer::Body(body) => &**body,
            Answer::Refused(_) => b"",
        };
        vec![
            ("gzip", in_gzip(&case.bytes, body)),
            ("deflate", in_zlib(&case.bytes, body)),
        ]
    } else {
        vec![(case.coding, case.bytes.clone())]
    }
}

#[test]
fn every_case_has_its_answer() {
    let limits = DecodeLimits::default();
    let mut asked = 0;
    for case in all_cases() {
        for (coding, stream) in streams(&case) {
            if !is_built(coding) {
                continue;
            }
            asked += 1;
            let answer = match decode([coding], &stream, &limits) {
                Ok(body) => Answer::Body(body),
                Err(error) => Answer::Refused(word(&error)),
            };
            assert!(answer == case.answer, "{}: {answer:?}", case.name);
        }
    }
    assert!(asked > 70);
}

#[test]
fn it_does_not_matter_how_a_stream_is_cut() {
    let limits = DecodeLimits::default();
    for case in all_cases() {
        for (coding, stream) in streams(&case) {
            if !is_built(coding) {
                continue;
            }
            let whole = drive(coding, &limits, [&*stream], 1 << 20);
            for (piece, room) in [(1, 1 << 20), (1, 1), (stream.len().max(1), 1), (7, 3)] {
                let cut = drive(coding, &limits, stream.chunks(piece), room);
                assert!(cut == whole, "{} {piece} {room}: {cut:?}", case.name);
            }
        }
    }
}

#[test]
fn what_is_cut_off_is_truncated() {
    let limits = DecodeLimits::default();
    let mut parts = 0;
    for case in all_cases().iter().filter(|case| case.cut) {
        for length in 0..case.bytes.len() {
            if is_built(case.coding) {
                let error = decode([case.coding], &case.bytes[..length], &limits).unwrap_err();
                assert_eq!(word(&error), "truncated", "{} {length}", case.name);
                assert_eq!(error.status(), 400);
                parts += 1;
            }
        }
    }
    assert!(parts > 200);
}
