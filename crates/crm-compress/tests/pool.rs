//! States are used again, bounded in number, and as good as new. The figures are those of the whole process, so this
//! file has one test for all that reads them.

mod support;

use std::io::Write;
use std::sync::Barrier;
use std::thread;

use crm_compress::{
    Coding, Encoder, Gzip, Level, encode, encode_if_smaller, encode_into, pool_stats,
};
use support::{bodies, decoders};

const CODINGS: [Coding; 2] = [Coding::Gzip, Coding::Deflate];

/// Runs on a thread of its own, whose places in the pool are empty.
fn on_new_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

#[test]
fn the_pool_is_used_and_bounded_and_its_states_are_as_good_as_new() {
    // What a used state has to match comes from new ones: each of these threads is new and ends, and its state with it.
    let body = bodies::json(8_000, 1);
    let mut fresh = Vec::new();
    for coding in CODINGS {
        for level in (0..=9).map(Level::Exact) {
            let built = pool_stats().built;
            let whole = on_new_thread(|| encode(coding, level, &body));
            assert_eq!(pool_stats().built, built + 1);
            let streamed = on_new_thread(|| stream(coding, level, &body));
            assert_eq!(pool_stats().built, built + 3, "a state and a buffer");
            fresh.push(Fresh {
                coding,
                level,
                whole,
                streamed,
            });
        }
    }
    for coding in CODINGS {
        let _ = encode(coding, Level::Balanced, b"");
        // With the feature `libdeflate`, long bodies have a state of their own.
        let _ = encode(coding, Level::Fastest, &[0; 9_000]);
        drop(Encoder::new(coding, Level::Balanced, Vec::new()));
    }

    abandoned_bodies_leave_no_trace(&body, &fresh);
    one_thread_needs_one_state_for_each_coding();
    a_vector_with_room_is_not_moved();
    a_stream_that_changes_threads_is_served_from_the_shared_store();
    many_threads_and_many_streams_stay_within_bounds();
}

/// What new states make of a body.
struct Fresh {
    coding: Coding,
    level: Level,
    whole: Vec<u8>,
    streamed: Vec<u8>,
}

fn stream(coding: Coding, level: Level, body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(coding, level, Vec::new());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Abandons bodies of every kind at every level and stage, and encodes on the same states afterwards.
fn abandoned_bodies_leave_no_trace(body: &[u8], fresh: &[Fresh]) {
    // A long body may have an engine of its own.
    let _ = encode(Coding::Gzip, Level::Balanced, &bodies::json(140_000, 2));
    let built = pool_stats().built;
    let firsts = [
        bodies::json(140_000, 2),
        bodies::noise(140_000, 3),
        vec![b'a'; 140_000],
    ];
    for expected in fresh {
        let (coding, level) = (expected.coding, expected.level);
        assert!(decoders::decode(coding, &expected.streamed).unwrap() == body);
        for other in [0, 1, 3, 5, 9].map(Level::Exact) {
            for first in &firsts {
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
                    assert!(
                        stream(coding, level, body) == expected.streamed,
                        "{coding} {level} after {written} bytes at {other}, flushed: {flush}"
                    );
                }
                // Nor does a whole body, be it abandoned because it would not shrink.
                let shrunk = encode_if_smaller(coding, other, first).is_ok();
                assert_eq!(shrunk, first != &firsts[1] && other != Level::Exact(0));
                assert!(
                    encode(coding, level, body) == expected.whole,
                    "{coding} {level} after a whole body at {other}"
                );
            }
        }
    }
    assert_eq!(pool_stats().built, built, "every abandoned state came back");
}

fn one_thread_needs_one_state_for_each_coding() {
    on_new_thread(|| {
        for coding in CODINGS {
            let _ = encode(coding, Level::Balanced, b"");
            drop(Encoder::new(coding, Level::Balanced, Vec::new()));
        }
        let before = pool_stats();
        for round in 0..50 {
            for coding in CODINGS {
                let body = bodies::json(round * 100, 4);
                let _ = encode(coding, Level::Exact(round as u8 % 10), &body);
                let mut encoder = Encoder::new(coding, Level::Balanced, Vec::new());
                encoder.write_all(&body).unwrap();
                encoder.try_finish().unwrap();
                // The encoder lives on, but its state is back already.
                let _ = encode(coding, Level::Fastest, &body);
            }
        }
        assert_eq!(pool_stats(), before);
    });
}

/// Without a counting allocator, which would need unsafe code, this is what shows that the output does not grow while
/// it is written: the vector stays where it is, with the capacity it had.
fn a_vector_with_room_is_not_moved() {
    let bodies = [
        vec![0; 70_000],
        bodies::json(69_000, 5),
        bodies::noise(70_000, 6),
        Vec::new(),
    ];
    for coding in CODINGS {
        for level in (0..=9).map(Level::Exact) {
            // The first body comes to almost nothing, and yet leaves room for the others.
            let mut output = Vec::new();
            encode_into(coding, level, &bodies[0], &mut output);
            let (place, capacity) = (output.as_ptr(), output.capacity());
            for body in &bodies {
                output.clear();
                encode_into(coding, level, body, &mut output);
                assert_eq!((output.as_ptr(), output.capacity()), (place, capacity));
            }
        }
    }
}

fn a_stream_that_changes_threads_is_served_from_the_shared_store() {
    // States are taken on a thread that ends, and come back on one whose own places are taken: first a gzip state,
    // then a deflate state, which a gzip stream must not get.
    let encoders = on_new_thread(|| {
        [Coding::Gzip, Coding::Deflate]
            .map(|coding| Encoder::new(coding, Level::Balanced, Vec::new()))
    });
    on_new_thread(|| {
        for coding in CODINGS {
            drop(stream(coding, Level::Balanced, b"takes the place"));
        }
        let before = pool_stats();
        for encoder in encoders {
            encoder.finish().unwrap();
        }
        // Both states, and both buffers.
        assert_eq!(pool_stats().shared, before.shared + 4);
        let mut both = [
            Gzip::default().encoder(Vec::new()),
            Gzip::default().encoder(Vec::new()),
        ];
        assert_eq!(pool_stats().shared, before.shared + 2);
        assert_eq!(pool_stats().built, before.built);
        for encoder in &mut both {
            encoder.write_all(b"body").unwrap();
            encoder.try_finish().unwrap();
            assert_eq!(
                decoders::decode(Coding::Gzip, encoder.get_ref()).unwrap(),
                b"body"
            );
        }
    });
}

fn many_threads_and_many_streams_stay_within_bounds() {
    const THREADS: usize = 80;
    // Of gzip states and of buffers 64 places and 32 states, and what this thread and the tests above have left: a state
    // for streams of deflate, and one for whole bodies.
    const DEFLATE: usize = 1;
    const WHOLE: usize = 1;
    // With that feature, long whole bodies have another.
    const LONG: usize = cfg!(feature = "libdeflate") as usize;
    let before = pool_stats().thread_places;
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let encoders = [
                    Gzip::default().encoder(Vec::new()),
                    Gzip::default().encoder(Vec::new()),
                ];
                barrier.wait();
                drop(encoders);
                barrier.wait();
                let stats = pool_stats();
                assert_eq!(stats.thread_places, 2 * 64 + DEFLATE + WHOLE + LONG);
                assert_eq!(stats.shared, 2 * 32 + DEFLATE);
                let kib = 96 * (384 + 16) + (2 * DEFLATE + WHOLE + LONG) * 384;
                assert_eq!(stats.bytes, kib * 1024);
                barrier.wait();
                // Beyond the bounds encoding still works.
                let encoded = Gzip::default().encode(b"body");
                assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), b"body");
            });
        }
    });
    // The places of threads that have ended are free again. A scope waits for the closures, not for the destructors
    // of their thread-local values, so a few may still be on their way.
    for _ in 0..1_000_000 {
        if pool_stats().thread_places == before {
            break;
        }
        thread::yield_now();
    }
    assert_eq!(pool_stats().thread_places, before);
}
