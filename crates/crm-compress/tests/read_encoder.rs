//! A reader that encodes hands out all that its source has yielded before it lets the source wait, and nothing is lost
//! or doubled whatever the source answers.

mod support;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use crm_compress::{Coding, Deflate, Encoder, Gzip, Level, ReadEncoder, encode, pool_stats};
use proptest::prelude::*;
use support::codings::{CODINGS, some_levels};
use support::{bodies, decoders};

fn all() -> impl Iterator<Item = Coding> {
    CODINGS.iter().copied().chain([Coding::Identity])
}

/// What a source says when it is asked.
#[derive(Clone, Debug)]
enum Answer {
    Bytes(Vec<u8>),
    Error(ErrorKind),
}

/// A source that says what it was told to, in pieces no longer than asked for, and then that it has ended.
#[derive(Clone, Debug, Default)]
struct Source {
    answers: VecDeque<Answer>,
    /// How often it was asked, and how many bytes it has yielded.
    asked: usize,
    yielded: usize,
}

impl Source {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Read for Source {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        self.asked += 1;
        match self.answers.pop_front() {
            None => Ok(0),
            Some(Answer::Error(kind)) => Err(kind.into()),
            Some(Answer::Bytes(mut bytes)) => {
                let length = bytes.len().min(output.len());
                output[..length].copy_from_slice(&bytes[..length]);
                self.yielded += length;
                let rest = bytes.split_off(length);
                if !rest.is_empty() {
                    self.answers.push_front(Answer::Bytes(rest));
                }
                Ok(length)
            }
        }
    }
}

fn bytes(bytes: &[u8]) -> Answer {
    Answer::Bytes(bytes.to_vec())
}

const WAIT: Answer = Answer::Error(ErrorKind::WouldBlock);

#[test]
fn every_body_and_size_of_output_decodes() {
    for (name, body) in bodies::all() {
        for coding in all() {
            for output in [1_000_000, 16_384, 700, 7] {
                let mut reader = ReadEncoder::new(coding, Level::Balanced, &*body);
                let (mut encoded, mut part) = (Vec::new(), vec![0; output]);
                loop {
                    match reader.read(&mut part).unwrap() {
                        0 => break,
                        length => encoded.extend_from_slice(&part[..length]),
                    }
                }
                assert_eq!(reader.read(&mut part).unwrap(), 0);
                assert!(
                    decoders::decode(coding, &encoded).as_ref() == Ok(&body),
                    "{name}, {coding}, {output} at once"
                );
            }
        }
    }
}

#[test]
fn every_level_decodes() {
    let body = [bodies::json(30_000, 1), bodies::noise(40_000, 2)].concat();
    for &coding in CODINGS {
        for level in some_levels(coding) {
            let mut encoded = Vec::new();
            let mut reader = ReadEncoder::new(coding, level, &*body);
            reader.read_to_end(&mut encoded).unwrap();
            assert!(
                decoders::decode(coding, &encoded).as_ref() == Ok(&body),
                "{coding} {level}"
            );
        }
    }
    let read = |mut reader: ReadEncoder<&[u8]>| {
        let mut encoded = Vec::new();
        reader.read_to_end(&mut encoded).unwrap();
        (reader.coding(), encoded)
    };
    let (coding, encoded) = read(Gzip::default().read_encoder(&*body));
    assert_eq!(coding, Coding::Gzip);
    assert!(decoders::decode(coding, &encoded).as_ref() == Ok(&body));
    let (coding, encoded) = read(Deflate::default().read_encoder(&*body));
    assert_eq!(coding, Coding::Deflate);
    assert!(decoders::decode(coding, &encoded).as_ref() == Ok(&body));
}

/// A source that fills whatever it is given is a file, and is not flushed.
#[test]
fn a_file_is_as_small_as_one_that_is_written() {
    let body = bodies::json(200_000, 3);
    for coding in all() {
        let mut encoded = Vec::new();
        let mut reader = ReadEncoder::new(coding, Level::Balanced, &*body);
        reader.read_to_end(&mut encoded).unwrap();
        let mut encoder = Encoder::new(coding, Level::Balanced, Vec::new());
        io::copy(&mut &*body, &mut encoder).unwrap();
        let written = encoder.finish().unwrap();
        // The last piece is short, and might have been the last for the time being.
        assert!(encoded.len() <= written.len() + 20, "{coding}");
    }
}

/// The promise: when the source is asked, everything that it has yielded has been handed out, and can be decoded.
#[test]
fn nothing_is_held_back_while_the_source_waits() {
    let body = bodies::json(100_000, 4);
    for &coding in CODINGS {
        for level in some_levels(coding) {
            // A trickle, each answer short of what was asked for.
            let lengths = [1, 1, 10, 500, 16_383, 5_000];
            let mut at = 0;
            let answers: Vec<_> = lengths
                .iter()
                .map(|length| {
                    at += length;
                    bytes(&body[at - length..at])
                })
                .collect();
            let mut reader = ReadEncoder::new(coding, level, Source::new(answers));
            let (mut encoded, mut part) = (Vec::new(), [0; 1_000]);
            let mut asked = 0;
            while reader.get_ref().asked <= lengths.len() {
                let length = reader.read(&mut part).unwrap();
                if reader.get_ref().asked > asked + 1 {
                    panic!("{coding} {level}: asked again before anything came out");
                }
                if reader.get_ref().asked > asked {
                    // It was asked just now, so all that came before must have been out already.
                    let before: usize = lengths[..asked].iter().sum();
                    let so_far = decoders::decode_so_far(coding, &encoded);
                    assert!(so_far == body[..before], "{coding} {level}: {before}");
                    asked = reader.get_ref().asked;
                }
                encoded.extend_from_slice(&part[..length]);
            }
            reader.read_to_end(&mut encoded).unwrap();
            let whole: usize = lengths.iter().sum();
            assert!(decoders::decode(coding, &encoded).unwrap() == body[..whole]);
        }
    }
}

#[test]
fn a_source_that_is_not_ready_has_what_it_gave_handed_out() {
    let body = bodies::json(16_384, 5);
    for &coding in CODINGS {
        // A full answer is held back in hope of more; the source then says that there is none.
        let source = Source::new([WAIT, bytes(&body[..16_384]), WAIT, WAIT, bytes(b"end")]);
        let mut reader = ReadEncoder::new(coding, Level::Balanced, source);
        let mut part = vec![0; 100_000];
        let kind = |result: io::Result<usize>| result.unwrap_err().kind();
        // Not even the head of the stream comes before the first byte.
        assert_eq!(kind(reader.read(&mut part)), ErrorKind::WouldBlock);
        let mut encoded = Vec::new();
        loop {
            match reader.read(&mut part) {
                Ok(length) => encoded.extend_from_slice(&part[..length]),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        assert!(
            decoders::decode_so_far(coding, &encoded) == body[..16_384],
            "{coding}"
        );
        let asked = reader.get_ref().asked;
        assert!(asked == 3 || asked == 4, "{coding}: {asked}");
        while let Ok(length @ 1..) | Err(LengthOr::Waits(length)) = waits(reader.read(&mut part)) {
            encoded.extend_from_slice(&part[..length]);
        }
        let expected = [&body[..16_384], b"end"].concat();
        assert!(decoders::decode(coding, &encoded).unwrap() == expected);
    }
}

/// Nothing to hand out, but not the end either.
enum LengthOr {
    Waits(usize),
}

fn waits(result: io::Result<usize>) -> Result<usize, LengthOr> {
    result.map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        LengthOr::Waits(0)
    })
}

#[test]
fn errors_pass_and_lose_nothing() {
    for coding in all() {
        let source = Source::new([
            bytes(b"the first "),
            Answer::Error(ErrorKind::Interrupted),
            Answer::Error(ErrorKind::ConnectionReset),
            bytes(b"and the second half"),
            Answer::Error(ErrorKind::BrokenPipe),
        ]);
        let mut reader = ReadEncoder::new(coding, Level::Balanced, source);
        let (mut encoded, mut part) = (Vec::new(), [0; 300]);
        let mut errors = Vec::new();
        loop {
            match reader.read(&mut part) {
                Ok(0) => break,
                Ok(length) => encoded.extend_from_slice(&part[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    assert_eq!(coding, Coding::Identity, "dealt with inside");
                }
                Err(error) => {
                    errors.push(error.kind());
                    // What came before the error is not whole, and looks so.
                    if coding != Coding::Identity {
                        assert!(decoders::decode(coding, &encoded).is_err());
                    }
                }
            }
        }
        assert_eq!(errors, [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe]);
        let expected = b"the first and the second half";
        assert_eq!(decoders::decode(coding, &encoded).unwrap(), expected);
    }
}

#[test]
fn the_source_is_not_asked_after_its_end_nor_for_nothing() {
    for &coding in CODINGS {
        let mut reader = ReadEncoder::new(coding, Level::Balanced, Source::new([bytes(b"body")]));
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        assert_eq!(reader.get_mut().asked, 0);
        let mut encoded = Vec::new();
        reader.read_to_end(&mut encoded).unwrap();
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        assert_eq!(decoders::decode(coding, &encoded).unwrap(), b"body");
        assert_eq!(reader.into_inner().asked, 2);

        let mut encoded = Vec::new();
        let mut empty = ReadEncoder::new(coding, Level::Balanced, io::empty());
        empty.read_to_end(&mut encoded).unwrap();
        assert_eq!(decoders::decode(coding, &encoded), Ok(Vec::new()));
    }
}

#[test]
fn debug_says_where_a_stream_stands() {
    let mut reader = Gzip::default().read_encoder(&b"body"[..]);
    assert!(format!("{reader:?}").contains("Fresh"));
    io::copy(&mut reader, &mut io::sink()).unwrap();
    assert!(format!("{reader:?}").contains("Finished"));
}

#[test]
fn states_come_back_clean() {
    let body = bodies::json(50_000, 6);
    for &coding in CODINGS {
        let fresh = std::thread::scope(|scope| {
            let work = || encode(coding, Level::Balanced, &body);
            scope.spawn(work).join().unwrap()
        });
        let read = |limit: usize| {
            let mut reader = ReadEncoder::new(coding, Level::Balanced, &*body);
            let mut part = vec![0; limit];
            let _ = reader.read(&mut part).unwrap();
        };
        read(100_000);
        let built = pool_stats().built;
        for limit in [1, 100, 20_000] {
            read(limit);
            assert!(encode(coding, Level::Balanced, &body) == fresh, "{coding}");
        }
        // Other tests run beside this one, and build states of their own at their start.
        assert!(pool_stats().built <= built + 100);
    }
}

proptest! {
    #![proptest_config(support::properties(|cases| cases / 4))]

    #[test]
    fn any_answers_decode(
        answers in prop::collection::vec(
            prop_oneof![
                (0..40_000_usize, any::<u64>()).prop_map(|(length, seed)| Some(bodies::noise(length, seed))),
                (1..40_000_usize, any::<u64>()).prop_map(|(length, seed)| Some(bodies::json(length, seed))),
                Just(None),
            ],
            0..10,
        ),
        output in 1..60_000_usize,
    ) {
        // An empty answer would be the end.
        let answers: Vec<_> = answers.into_iter().filter(|answer| answer.as_ref().is_none_or(|bytes| !bytes.is_empty())).collect();
        let body: Vec<u8> = answers.iter().flatten().flatten().copied().collect();
        for coding in all() {
            let source = Source::new(answers.iter().map(|answer| match answer {
                Some(bytes) => Answer::Bytes(bytes.clone()),
                None => WAIT,
            }));
            let mut reader = ReadEncoder::new(coding, Level::Balanced, source);
            let (mut encoded, mut part) = (Vec::new(), vec![0; output]);
            loop {
                match reader.read(&mut part) {
                    Ok(0) => break,
                    Ok(length) => encoded.extend_from_slice(&part[..length]),
                    Err(error) => {
                        prop_assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        let yielded = reader.get_ref().yielded;
                        prop_assert!(decoders::decode_so_far(coding, &encoded) == body[..yielded]);
                    }
                }
            }
            prop_assert!(decoders::decode(coding, &encoded).as_ref() == Ok(&body));
        }
    }
}
