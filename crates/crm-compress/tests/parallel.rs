//! One gzip stream out of many blocks: whole, in order, the same on any number of threads, and never in the way of its pool.
#![cfg(feature = "rayon")]

mod support;

use std::io::{self, ErrorKind, Write};

use crm_compress::{Coding, Gzip, Level, ParallelEncoder, StreamFinished};
use proptest::prelude::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use support::{bodies, decoders};

/// What one block takes.
const BLOCK: usize = 512 * 1024;

fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap()
}

/// What is written in pieces of this size.
fn in_pieces(gzip: Gzip, body: &[u8], size: usize) -> Vec<u8> {
    let mut encoder = gzip.parallel_encoder(Vec::new());
    for piece in body.chunks(size) {
        encoder.write_all(piece).unwrap();
    }
    encoder.finish().unwrap()
}

fn decode(encoded: &[u8]) -> Result<Vec<u8>, String> {
    decoders::decode(Coding::Gzip, encoded)
}

/// Of several blocks, compressible and not, with what repeats across their joints.
fn mixed(length: usize) -> Vec<u8> {
    let mut body = bodies::json(length / 2, 21);
    body.extend(bodies::noise(length / 8, 22));
    let again = body[..body.len().min(30_000)].to_vec();
    while body.len() < length {
        body.extend_from_slice(&again);
    }
    body.truncate(length);
    body
}

#[test]
fn every_length_and_level_is_one_whole_member() {
    let longest = mixed(2 * BLOCK + 5);
    let mut streams = Vec::new();
    let mut expected = Vec::new();
    for length in [0, 1, BLOCK, BLOCK + 1, longest.len()] {
        for level in [0, 1, 5, 8].map(Level::Exact) {
            let body = &longest[..length];
            let encoded = Gzip::default().level(level).encode_parallel(body);
            assert!(decode(&encoded).as_deref() == Ok(body), "{level}: {length}");
            if matches!(level, Level::Exact(0 | 1 | 5)) {
                streams.push((Coding::Gzip, encoded));
                expected.push(body);
            }
        }
    }
    for body in bodies::all().iter().map(|(_, body)| body) {
        assert!(decode(&Gzip::default().encode_parallel(body)).as_ref() == Ok(body));
    }
    if let Some(found) = decoders::python(&streams) {
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.as_deref() == Ok(expected), "{}", expected.len());
        }
    }
    if let Some(found) = decoders::gzip_command(&streams[streams.len() - 1].1) {
        assert!(found == longest);
    }
}

#[test]
fn an_output_in_use_is_appended_to() {
    let body = mixed(2 * BLOCK);
    let alone = Gzip::default().encode_parallel(&body);
    for capacity in [0, 10, 4 * BLOCK] {
        let mut output = Vec::with_capacity(capacity);
        output.extend_from_slice(b"head");
        Gzip::default().encode_parallel_into(&body, &mut output);
        assert!(output.strip_prefix(b"head") == Some(&*alone));
    }
}

#[test]
fn the_number_of_threads_and_the_size_of_writes_leave_no_trace() {
    let body = mixed(3 * BLOCK + 77);
    let gzip = Gzip::default().level(Level::Fastest);
    let expected = gzip.encode_parallel(&body);
    for threads in [1, 2, 5] {
        let pool = pool(threads);
        assert!(pool.install(|| gzip.encode_parallel(&body)) == expected);
        for size in [70_000, BLOCK, body.len()] {
            let encoded = pool.install(|| in_pieces(gzip, &body, size));
            assert!(encoded == expected, "{threads} threads, {size} at once");
        }
    }
    // Outside of a pool too, and to the very end of a block.
    assert!(in_pieces(gzip, &body, 70_000) == expected);
    let whole_blocks = &body[..2 * BLOCK];
    let mut encoder = gzip.parallel_encoder(Vec::new());
    encoder.write_all(whole_blocks).unwrap();
    assert_eq!(encoder.write(b"").unwrap(), 0);
    let encoded = encoder.finish().unwrap();
    assert!(encoded == gzip.encode_parallel(whole_blocks));
}

#[test]
fn a_cut_stream_is_hardly_larger_than_one_that_is_not() {
    let body = bodies::json(2_000_000, 23);
    let encoded = Gzip::default().encode_parallel(&body).len();
    let serial = Gzip::default().encode(&body).len();
    assert!(
        encoded * 1_000 < serial * 1_005,
        "{encoded} against {serial}"
    );
}

/// Noise that repeats within the reach of deflate: without the history of the block before it, each block would have to
/// spell it out again.
#[test]
fn a_block_refers_to_what_stands_before_it() {
    const PERIOD: usize = 32_000;
    let noise = bodies::noise(PERIOD, 24);
    let body: Vec<u8> = noise.iter().copied().cycle().take(4 * BLOCK).collect();
    let serial = Gzip::default().encode(&body).len();
    for encoded in [
        Gzip::default().encode_parallel(&body),
        in_pieces(Gzip::default(), &body, 50_000),
    ] {
        let length = encoded.len();
        assert!(length < serial + 1_000, "{length} against {serial}");
    }
}

#[test]
fn what_was_flushed_can_be_decoded() {
    let body = mixed(3 * BLOCK);
    let mut encoder = Gzip::default().parallel_encoder(Vec::new());
    let mut written = 0;
    for length in [1, 5, 40_000, BLOCK, 0, BLOCK + 3, 100] {
        encoder.write_all(&body[written..written + length]).unwrap();
        written += length;
        encoder.flush().unwrap();
        let so_far = decoders::decode_so_far(Coding::Gzip, encoder.get_ref());
        assert!(so_far == body[..written], "{written}");
    }
    let length = encoder.get_ref().len();
    encoder.flush().unwrap();
    assert_eq!(encoder.get_ref().len(), length, "nothing was new");
    let encoded = encoder.finish().unwrap();
    assert!(decode(&encoded).as_deref() == Ok(&body[..written]));
}

/// Short blocks have their history from more than one block before them.
#[test]
fn history_reaches_across_short_blocks() {
    let noise = bodies::noise(20_000, 25);
    let mut encoder = Gzip::default().parallel_encoder(Vec::new());
    for part in noise.chunks(1_000) {
        encoder.write_all(part).unwrap();
        encoder.flush().unwrap();
    }
    let before = encoder.get_ref().len();
    encoder.write_all(&noise).unwrap();
    encoder.flush().unwrap();
    let repeated = encoder.get_ref().len() - before;
    assert!(repeated < 1_000, "{repeated} bytes for what was there");
    let encoded = encoder.finish().unwrap();
    assert!(decode(&encoded) == Ok([&*noise, &*noise].concat()));
}

/// Takes `at_once` bytes at every third call, and in between is not ready or interrupted.
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
        match self.turn % 2 {
            0 => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    }
}

fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match call() {
            Ok(done) => return done,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

#[test]
fn a_reluctant_writer_loses_and_doubles_nothing() {
    let body = mixed(6 * BLOCK);
    for at_once in [999, BLOCK] {
        for flushes in [false, true] {
            let mut encoder = Gzip::default().parallel_encoder(Reluctant {
                bytes: Vec::new(),
                turn: 0,
                at_once,
            });
            let mut rest = &*body;
            while !rest.is_empty() {
                let taken = patiently(|| encoder.write(rest));
                rest = &rest[taken..];
                if flushes {
                    patiently(|| encoder.flush());
                }
            }
            patiently(|| encoder.try_finish());
            let encoded = &encoder.get_ref().bytes;
            assert!(
                decode(encoded).as_ref() == Ok(&body),
                "{at_once}, {flushes}"
            );
            assert_eq!(encoder.progress().written(), encoded.len() as u64);
        }
    }
}

/// Is never ready.
struct Stuck;

impl Write for Stuck {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn only_so_many_blocks_are_held() {
    let body = vec![b'x'; 3 * BLOCK];
    for threads in [1, 2, 3] {
        let pool = pool(threads);
        let mut encoder = pool.install(|| ParallelEncoder::new(Level::Fastest, Stuck));
        let progress = encoder.progress();
        let error = pool.install(|| {
            loop {
                if let Err(error) = encoder.write_all(&body) {
                    break error;
                }
                assert!(progress.taken() < 100 * BLOCK as u64, "there is no bound");
            }
        });
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let most = (2 * threads + 2) * BLOCK;
        assert!(
            progress.taken() <= most as u64,
            "{threads} threads: {}",
            progress.taken()
        );
        assert_eq!(progress.written(), 0);
    }
}

#[test]
fn a_full_writer_is_an_error() {
    let mut room = [0; 100];
    let mut encoder = Gzip::default().parallel_encoder(&mut room[..]);
    encoder.write_all(&bodies::noise(1_000, 26)).unwrap();
    for _ in 0..2 {
        let error = encoder.try_finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    }
    assert_eq!(encoder.progress().written(), 100);
}

#[test]
fn a_dropped_encoder_leaves_a_stream_that_is_cut_off() {
    let body = mixed(6 * BLOCK);
    for length in [0, 10, BLOCK, body.len()] {
        let mut output = Vec::new();
        let mut encoder = Gzip::default().parallel_encoder(&mut output);
        encoder.write_all(&body[..length]).unwrap();
        drop(encoder);
        assert!(decode(&output).is_err(), "{length}");
        let so_far = decoders::decode_so_far(Coding::Gzip, &output);
        assert!(body.starts_with(&so_far));
    }
}

#[test]
fn nothing_follows_the_end() {
    let mut encoder = Gzip::default().parallel_encoder(Vec::new());
    encoder.write_all(b"body").unwrap();
    encoder.try_finish().unwrap();
    let length = encoder.get_ref().len();
    let error = encoder.write(b"more").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.get_ref().unwrap().is::<StreamFinished>());
    encoder.try_finish().unwrap();
    encoder.flush().unwrap();
    assert_eq!(encoder.get_ref().len(), length);
    assert_eq!(decode(encoder.get_ref()).as_deref(), Ok(&b"body"[..]));
}

/// More streams than threads, each of which would wait for the pool that all of them are in.
#[test]
fn streams_inside_a_pool_wait_for_nobody() {
    let body = mixed(5 * BLOCK);
    let expected = Gzip::default().encode_parallel(&body);
    for threads in [1, 2] {
        let encoded: Vec<_> = pool(threads).install(|| {
            (0..4)
                .into_par_iter()
                .map(|turn| match turn % 2 {
                    0 => in_pieces(Gzip::default(), &body, 100_000),
                    _ => Gzip::default().encode_parallel(&body),
                })
                .collect()
        });
        assert!(encoded.iter().all(|encoded| *encoded == expected));
    }
}

/// The blocks of a stream may be put in from one pool, and waited for in another or in none.
#[test]
fn a_stream_may_move_between_pools() {
    let body = mixed(6 * BLOCK);
    let (one, other) = (pool(1), pool(2));
    let mut encoder = one.install(|| Gzip::default().parallel_encoder(Vec::new()));
    let (first, rest) = body.split_at(2 * BLOCK + 9);
    let (second, third) = rest.split_at(2 * BLOCK);
    one.install(|| encoder.write_all(first)).unwrap();
    other.install(|| encoder.write_all(second)).unwrap();
    encoder.write_all(third).unwrap();
    let encoded = other.install(|| encoder.finish()).unwrap();
    assert!(encoded == Gzip::default().encode_parallel(&body));
}

#[test]
fn progress_counts_what_goes_in_and_out() {
    let body = mixed(4 * BLOCK);
    let mut encoder = Gzip::default().parallel_encoder(Vec::new());
    let progress = encoder.progress();
    let mut written = 0;
    for piece in body.chunks(300_000) {
        encoder.write_all(piece).unwrap();
        written += piece.len();
        assert_eq!(progress.taken(), written as u64);
        assert_eq!(progress.written(), encoder.get_ref().len() as u64);
    }
    let encoded = encoder.finish().unwrap();
    assert_eq!(progress.taken(), body.len() as u64);
    assert_eq!(progress.written(), encoded.len() as u64);
}

proptest! {
    #![proptest_config(support::properties(|cases| cases / 16))]

    /// Any writes and flushes, on any number of threads.
    #[test]
    fn any_stream_comes_back(
        steps in prop::collection::vec((0..BLOCK, any::<bool>()), 0..4),
        level in 0..=9_u8,
        threads in 1..4_usize,
    ) {
        let total: usize = steps.iter().map(|(length, _)| length).sum();
        let body = mixed(total);
        let gzip = Gzip::default().level(Level::Exact(level));
        let encoded = pool(threads).install(|| {
            let mut encoder = gzip.parallel_encoder(Vec::new());
            let mut rest = &*body;
            for &(length, flushes) in &steps {
                let (now, later) = rest.split_at(length);
                encoder.write_all(now).unwrap();
                rest = later;
                if flushes {
                    encoder.flush().unwrap();
                }
            }
            encoder.finish().unwrap()
        });
        prop_assert!(decode(&encoded).as_ref() == Ok(&body));
    }
}
