//! States of brotli and zstd are used again, and are as good as new, as `tests/pool.rs` has it for deflate. The figures
//! are those of the whole process, so this file has one test for all that reads them.
#![cfg(any(feature = "brotli", feature = "zstd"))]

mod support;

use std::io::Write;
use std::thread;

use crm_compress::{Coding, Encoder, Level, encode, encode_if_smaller, pool_stats};
use support::codings::{CODINGS, levels};
use support::{bodies, decoders};

const BY_INTENT: [Level; 3] = [Level::Fastest, Level::Balanced, Level::Smallest];

/// Runs on a thread of its own, whose places in the pool are empty.
fn on_new_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn codings() -> impl Iterator<Item = Coding> {
    let deflate = |coding: &Coding| matches!(coding, Coding::Gzip | Coding::Deflate);
    CODINGS
        .iter()
        .copied()
        .filter(move |coding| !deflate(coding))
}

fn stream(coding: Coding, level: Level, body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(coding, level, Vec::new());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn states_are_used_again_and_as_good_as_new() {
    abandoned_bodies_leave_no_trace();
    the_levels_by_intent_build_nothing_new();
    a_state_that_has_grown_is_freed();
}

/// Abandons bodies of every kind at the levels by intent and every stage, and encodes on the same state afterwards.
fn abandoned_bodies_leave_no_trace() {
    let body = bodies::json(8_000, 1);
    let firsts = [
        bodies::json(140_000, 2),
        bodies::noise(140_000, 3),
        vec![b'a'; 140_000],
    ];
    for coding in codings() {
        for level in levels(coding) {
            let whole = on_new_thread(|| encode(coding, level, &body));
            let streamed = on_new_thread(|| stream(coding, level, &body));
            assert!(decoders::decode(coding, &whole).unwrap() == body);
            assert!(decoders::decode(coding, &streamed).unwrap() == body);
            // What comes after is the same search whatever came before, so a few are enough.
            if !BY_INTENT.contains(&level) && !matches!(level, Level::Exact(1 | 7 | 11 | 15)) {
                continue;
            }
            for (other, first) in BY_INTENT
                .iter()
                .flat_map(|&other| firsts.iter().map(move |first| (other, first)))
            {
                for (written, flush) in [
                    (0, false),
                    (1, false),
                    (700, true),
                    (30_000, false),
                    (140_000, false),
                ] {
                    let mut encoder = Encoder::new(coding, other, Vec::new());
                    encoder.write_all(&first[..written]).unwrap();
                    if flush {
                        encoder.flush().unwrap();
                    }
                    drop(encoder);
                    // A stream takes up where the last one stopped, if that is not forgotten; a whole body begins anew.
                    assert!(
                        stream(coding, level, &body) == streamed,
                        "{coding} {level}, a stream after {written} bytes at {other}, flushed: {flush}"
                    );
                    assert!(
                        encode(coding, level, &body) == whole,
                        "{coding} {level} after {written} bytes at {other}, flushed: {flush}"
                    );
                }
                let _ = encode_if_smaller(coding, other, first);
                assert!(
                    stream(coding, level, &body) == streamed,
                    "{coding} {level} after {other}"
                );
            }
        }
    }
}

/// A state that is kept is used again, for bodies and streams of the sizes that it is meant for.
fn the_levels_by_intent_build_nothing_new() {
    on_new_thread(|| {
        let body = bodies::json(100_000, 7);
        let all = || {
            for coding in codings() {
                for level in BY_INTENT {
                    for length in [0, 300, 5_000, 40_000, body.len()] {
                        let _ = encode(coding, level, &body[..length]);
                        let mut encoder = Encoder::new(coding, level, Vec::new());
                        encoder.write_all(&body[..length]).unwrap();
                        drop(encoder);
                    }
                }
            }
        };
        all();
        let before = pool_stats();
        all();
        assert_eq!(pool_stats(), before);
    });
}

/// What a large body at a high level takes is not kept for the small ones that follow.
fn a_state_that_has_grown_is_freed() {
    on_new_thread(|| {
        let body = bodies::json(700_000, 8);
        for coding in codings() {
            let _ = encode(coding, Level::Balanced, b"warm");
            let before = pool_stats();
            let _ = encode(coding, Level::Exact(9), &body);
            let _ = encode(coding, Level::Balanced, b"after");
            assert_eq!(pool_stats().built, before.built + 1, "{coding}");
        }
    });
}
