//! A stream survives every chunking and flush pattern, delivers what was flushed, and ends as it should.

mod support;

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::rc::Rc;

use crm_compress::{Coding, Deflate, Encoder, Gzip, Level, StreamFinished, encode};
use proptest::prelude::*;
use support::codings::{CODINGS, levels, some_levels};
use support::{bodies, decoders};

/// The codings, and identity, of which the same is asked.
fn all() -> impl Iterator<Item = Coding> {
    CODINGS.iter().copied().chain([Coding::Identity])
}

fn levels_of(coding: Coding) -> Vec<Level> {
    match coding {
        Coding::Identity => vec![Level::Balanced],
        _ => levels(coding).collect(),
    }
}

/// The encoded form of a body written in chunks, flushed after every `flush`th of them.
fn stream(
    coding: Coding,
    level: Level,
    body: &[u8],
    chunk: usize,
    flush: Option<usize>,
) -> Vec<u8> {
    let mut encoder = Encoder::new(coding, level, Vec::new());
    for (index, chunk) in body.chunks(chunk).enumerate() {
        encoder.write_all(chunk).unwrap();
        if flush.is_some_and(|every| index % every == 0) {
            encoder.flush().unwrap();
        }
    }
    encoder.finish().unwrap()
}

#[test]
fn every_chunking_and_flush_pattern_decodes() {
    for (name, body) in bodies::all() {
        for coding in all() {
            let levels = match coding {
                Coding::Identity => vec![Level::Balanced],
                _ => some_levels(coding),
            };
            for level in levels {
                for (chunk, flush) in [
                    (100_000_000, None),
                    (100_000_000, Some(1)),
                    (997, Some(7)),
                    (40_000, Some(1)),
                ] {
                    let encoded = stream(coding, level, &body, chunk, flush);
                    assert!(
                        decoders::decode(coding, &encoded).as_ref() == Ok(&body),
                        "{name}, {coding} {level}, chunks of {chunk}, flush {flush:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn python_decodes_flushed_streams() {
    let body = [bodies::json(30_000, 1), bodies::noise(80_000, 2)].concat();
    let mut streams = Vec::new();
    for coding in [Coding::Gzip, Coding::Deflate] {
        for level in (0..=9).map(Level::Exact) {
            for (chunk, flush) in [
                (1_000, Some(1)),
                (1_000, Some(10)),
                (65_536, Some(1)),
                (333, None),
            ] {
                streams.push((coding, stream(coding, level, &body, chunk, flush)));
            }
        }
    }
    for decoded in decoders::python(&streams).into_iter().flatten() {
        assert!(decoded.as_ref() == Ok(&body));
    }
}

#[test]
fn a_flush_delivers_everything_so_far() {
    for coding in all() {
        for level in levels_of(coding) {
            for body in [bodies::json(100_000, 3), bodies::noise(100_000, 4)] {
                let mut encoder = Encoder::new(coding, level, Vec::new());
                let mut written = 0;
                for length in [1, 10, 1_000, 16_384, 40_000, 42_000] {
                    encoder.write_all(&body[written..written + length]).unwrap();
                    written += length;
                    encoder.flush().unwrap();
                    let so_far = decoders::decode_so_far(coding, encoder.get_ref());
                    assert!(
                        so_far == body[..written],
                        "{coding} {level}: {} of {written}",
                        so_far.len()
                    );
                }
            }
        }
    }
}

#[test]
fn a_second_flush_adds_nothing() {
    for coding in all() {
        let mut encoder = Encoder::new(coding, Level::Balanced, Vec::new());
        encoder.flush().unwrap();
        let head = encoder.get_ref().len();
        encoder.flush().unwrap();
        assert_eq!(encoder.get_ref().len(), head);
        encoder.write_all(b"event").unwrap();
        encoder.flush().unwrap();
        let length = encoder.get_ref().len();
        encoder.flush().unwrap();
        assert_eq!(encoder.get_ref().len(), length);
        let encoded = encoder.finish().unwrap();
        assert_eq!(decoders::decode(coding, &encoded).unwrap(), b"event");
    }
}

#[test]
fn without_a_flush_a_stream_is_nearly_as_small_as_the_whole_body() {
    let body = bodies::json(100_000, 5);
    for coding in all() {
        for level in levels_of(coding) {
            let streamed = stream(coding, level, &body, 10_000, None).len();
            let whole = encode(coding, level, &body).len();
            // Streams of gzip and deflate have an engine of their own, whose lowest levels give more away; and what is
            // tuned to the length of a whole body does not know that of a stream.
            let share = match (coding, level) {
                (Coding::Identity, _) => 0,
                (Coding::Gzip | Coding::Deflate, Level::Fastest | Level::Exact(1)) => 75,
                (Coding::Gzip | Coding::Deflate, _) => 35,
                _ => 7,
            };
            assert!(
                streamed * 100 <= (whole + 60) * (100 + share),
                "{coding} {level}: {streamed}, {whole}"
            );
        }
    }
}

#[test]
fn the_trailer_fits_wherever_the_data_ends_in_the_buffer() {
    let noise = bodies::noise(17_000, 10);
    for length in 16_330..16_400 {
        let body = &noise[..length];
        let encoded = stream(Coding::Gzip, Level::Balanced, body, length, None);
        assert!(
            decoders::decode(Coding::Gzip, &encoded).unwrap() == body,
            "{length}"
        );
    }
}

#[test]
fn an_empty_stream_is_a_whole_stream() {
    for coding in all() {
        let encoded = Encoder::new(coding, Level::Balanced, Vec::new())
            .finish()
            .unwrap();
        assert_eq!(
            decoders::decode(coding, &encoded),
            Ok(Vec::new()),
            "{coding}"
        );
    }
    assert_eq!(Gzip::default().encoder(Vec::new()).coding(), Coding::Gzip);
    assert_eq!(
        Deflate::default().encoder(Vec::new()).coding(),
        Coding::Deflate
    );
}

/// A writer whose bytes outlive it, and which counts its flushes.
#[derive(Clone, Default)]
struct Shared {
    bytes: Rc<Cell<Vec<u8>>>,
    flushes: Rc<Cell<usize>>,
}

impl Shared {
    fn bytes(&self) -> Vec<u8> {
        let bytes = self.bytes.take();
        self.bytes.set(bytes.clone());
        bytes
    }
}

impl Write for Shared {
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        let mut bytes = self.bytes.take();
        bytes.extend_from_slice(input);
        self.bytes.set(bytes);
        Ok(input.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes.set(self.flushes.get() + 1);
        Ok(())
    }
}

#[test]
fn a_flush_reaches_the_writer() {
    for coding in all() {
        let shared = Shared::default();
        let mut encoder = Encoder::new(coding, Level::Balanced, shared.clone());
        encoder.write_all(b"event").unwrap();
        assert_eq!(shared.flushes.get(), 0);
        encoder.flush().unwrap();
        assert_eq!(shared.flushes.get(), 1);
        encoder.finish().unwrap();
        assert_eq!(shared.flushes.get(), 1);
    }
}

#[test]
fn a_dropped_stream_is_cut_off() {
    for &coding in CODINGS {
        let shared = Shared::default();
        let mut encoder = Encoder::new(coding, Level::Balanced, shared.clone());
        encoder.write_all(b"the first half").unwrap();
        encoder.flush().unwrap();
        let before = shared.bytes();
        encoder.write_all(b"the second half").unwrap();
        drop(encoder);
        assert_eq!(shared.bytes(), before);
        assert!(decoders::decode(coding, &before).is_err());
        assert_eq!(decoders::decode_so_far(coding, &before), b"the first half");
    }
}

#[test]
fn nothing_follows_the_end() {
    for coding in all() {
        let mut encoder = Encoder::new(coding, Level::Balanced, Vec::new());
        encoder.write_all(b"body").unwrap();
        encoder.try_finish().unwrap();
        let length = encoder.get_ref().len();
        let error = encoder.write(b"more").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.get_ref().unwrap().is::<StreamFinished>());
        encoder.flush().unwrap();
        encoder.try_finish().unwrap();
        assert_eq!(encoder.get_mut().len(), length);
        let encoded = encoder.finish().unwrap();
        assert_eq!(decoders::decode(coding, &encoded).unwrap(), b"body");
    }
}

#[test]
fn small_writes_are_gathered() {
    struct Counting(usize);
    impl Write for Counting {
        fn write(&mut self, input: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            Ok(input.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut encoder = Gzip::default().encoder(Counting(0));
    for chunk in bodies::json(50_000, 9).chunks(10) {
        encoder.write_all(chunk).unwrap();
    }
    assert_eq!(
        encoder.get_ref().0,
        0,
        "what fits into the buffer waits there"
    );
    assert_eq!(encoder.finish().unwrap().0, 1);
}

proptest! {
    #![proptest_config(support::properties(|cases| cases / 4))]

    #[test]
    fn any_writes_and_flushes_decode(
        steps in prop::collection::vec((0..4_u8, 0..30_000_usize, any::<bool>()), 0..12),
        level in 0..=14_u8,
        seed in any::<u64>(),
    ) {
        for &coding in CODINGS {
            let mut body = Vec::new();
            let mut encoder = Encoder::new(coding, Level::Exact(level), Vec::new());
            for &(kind, length, flush) in &steps {
                let chunk = match kind {
                    0 => bodies::noise(length, seed),
                    1 => bodies::json(length, seed),
                    2 => vec![kind; length],
                    _ => bodies::noise(length % 20, seed),
                };
                encoder.write_all(&chunk).unwrap();
                body.extend(chunk);
                if flush {
                    encoder.flush().unwrap();
                    prop_assert!(decoders::decode_so_far(coding, encoder.get_ref()) == body);
                }
            }
            prop_assert!(decoders::decode(coding, &encoder.finish().unwrap()).as_ref() == Ok(&body));
        }
    }
}
