//! A writer that fails, hesitates or panics loses nothing of a stream, and leaves nothing behind in the pool.

mod support;

use std::io::{self, ErrorKind, Write};
use std::panic;
use std::thread;

use crm_compress::{Coding, Encoder, Level, encode};
use proptest::prelude::*;
use support::codings::CODINGS;
use support::{bodies, decoders};

/// Takes a few bytes at a time, and in between is not ready, or interrupted.
struct Reluctant {
    bytes: Vec<u8>,
    turn: usize,
    at_once: usize,
}

impl Write for Reluctant {
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        self.turn += 1;
        match self.turn % 3 {
            0 => Err(ErrorKind::WouldBlock.into()),
            1 => Err(ErrorKind::Interrupted.into()),
            _ => {
                let taken = input.len().min(self.at_once);
                self.bytes.extend_from_slice(&input[..taken]);
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.turn += 1;
        if self.turn % 2 == 0 {
            Err(ErrorKind::WouldBlock.into())
        } else {
            Ok(())
        }
    }
}

/// Calls again for as long as the writer is not ready.
fn patiently<T>(coding: Coding, mut call: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match call() {
            Ok(done) => return done,
            // An interruption is dealt with inside, except for identity, where every call is the writer's own.
            Err(error) => assert!(
                error.kind() == ErrorKind::WouldBlock
                    || (error.kind() == ErrorKind::Interrupted && coding == Coding::Identity),
                "{error}"
            ),
        }
    }
}

#[test]
fn a_reluctant_writer_loses_and_doubles_nothing() {
    for coding in CODINGS.iter().copied().chain([Coding::Identity]) {
        for level in [0, 1, 5].map(Level::Exact) {
            for at_once in [1, 700, 16_384] {
                let body = [bodies::noise(40_000, 6), bodies::json(20_000, 7)].concat();
                let writer = Reluctant {
                    bytes: Vec::new(),
                    turn: 0,
                    at_once,
                };
                let mut encoder = Encoder::new(coding, level, writer);
                for chunk in body.chunks(9_000) {
                    let mut rest = chunk;
                    while !rest.is_empty() {
                        let taken = patiently(coding, || encoder.write(rest));
                        rest = &rest[taken..];
                    }
                    patiently(coding, || encoder.flush());
                }
                patiently(coding, || encoder.try_finish());
                let encoded = &encoder.get_ref().bytes;
                assert!(
                    decoders::decode(coding, encoded).as_ref() == Ok(&body),
                    "{coding} {level}, {at_once} at once"
                );
            }
        }
    }
}

/// Takes nothing.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_writer_is_an_error() {
    for &coding in CODINGS {
        let mut encoder = Encoder::new(coding, Level::Balanced, Full);
        encoder.write_all(b"body").unwrap();
        assert_eq!(encoder.flush().unwrap_err().kind(), ErrorKind::WriteZero);
        let error = encoder.write_all(&bodies::noise(1_000_000, 8)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        assert_eq!(encoder.finish().err().unwrap().kind(), ErrorKind::WriteZero);
    }
}

/// Takes a number of bytes and is then, for good, not ready, or broken.
struct Limited {
    left: usize,
    panics: bool,
}

impl Write for Limited {
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        let taken = input.len().min(self.left);
        self.left -= taken;
        if taken == 0 {
            assert!(!self.panics, "the line is broken");
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

proptest! {
    #![proptest_config(support::properties(|cases| cases / 4))]

    /// Wherever a stream is given up, be it before its first byte, in its trailer or by a panic of its writer, the
    /// state that it leaves behind encodes as one that was never used.
    #[test]
    fn any_abandoned_stream_leaves_a_clean_state(
        steps in prop::collection::vec((0..40_000_usize, any::<bool>()), 0..4),
        (level, next) in (0..=9_u8, 0..=9_u8),
        (left, panics) in (0..50_000_usize, any::<bool>()),
        finishes in any::<bool>(),
    ) {
        let body = bodies::json(3_000, 11);
        for &coding in CODINGS {
            // A new thread has no state of its own, and nothing here leaves one in the shared store.
            let fresh = || thread::scope(|scope| {
                scope.spawn(|| encode(coding, Level::Exact(next), &body)).join().unwrap()
            });
            let abandon = || -> io::Result<()> {
                let mut encoder = Encoder::new(coding, Level::Exact(level), Limited { left, panics });
                for &(length, flush) in &steps {
                    encoder.write_all(&bodies::noise(length, 12))?;
                    if flush {
                        encoder.flush()?;
                    }
                }
                if finishes { encoder.try_finish() } else { Ok(()) }
            };
            let _ = panic::catch_unwind(abandon);
            prop_assert!(encode(coding, Level::Exact(next), &body) == fresh());
        }
    }
}
