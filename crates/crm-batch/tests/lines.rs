//! Lines of a file: those of the standard library, whatever the size of blocks and reads, from every place at which it says
//! that one begins.

mod support;

use std::io::{self, BufRead, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crm_batch::{
    Batch, BatchError, CancelToken, Chunk, Csv, InputError, LineBlock, Lines, Order, Position,
    Room, Seek, Source, Verdict,
};
use proptest::prelude::*;
use support::files::{Asked, all, bytes};
use support::pool;

/// The lines as `BufRead::lines` cuts them, as bytes.
fn expected(file: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut rest = file;
    loop {
        let mut line = Vec::new();
        if rest.read_until(b'\n', &mut line).unwrap() == 0 {
            return lines;
        }
        if line.ends_with(b"\n") {
            line.pop();
            if line.ends_with(b"\r") {
                line.pop();
            }
        }
        lines.push(line);
    }
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![&b"\n"[..], b"\r\n", b"\r", b"\0", b"\n\n", b"\xff", b"\xc3\xa4", b""])
            .prop_map(<[u8]>::to_vec),
        3 => prop::collection::vec(b'a'..b'f', 0..12),
        1 => prop::collection::vec(b'a'..b'f', 0..400),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn asked() -> impl Strategy<Value = Asked> {
    let bytes = prop_oneof![1..40_usize, Just(1 << 20)];
    let rows = prop_oneof![1..9_usize, Just(usize::MAX)];
    let split = prop::option::of(1..6_usize);
    (rows, bytes, split).prop_map(|(rows, bytes, split)| Asked { rows, bytes, split })
}

const WHOLE: Asked = Asked {
    rows: usize::MAX,
    bytes: 1 << 20,
    split: None,
};

proptest! {
    #[test]
    fn they_are_those_of_the_standard_library(file in file(), asked in asked(), drop in 1..3_000_usize) {
        let mut lines = Lines::new(bytes(&file, drop));
        let mut number = 0;
        let (records, end) = all(&mut lines, asked, |line| {
            assert_eq!(line.place().record, number);
            number += 1;
            let from = usize::try_from(line.place().offset).unwrap();
            assert!(file[from..].starts_with(&line));
            line.to_vec()
        });
        prop_assert!(end.is_ok());
        prop_assert_eq!(lines.place().record, records.len() as u64);
        prop_assert_eq!(lines.place().offset, file.len() as u64);
        prop_assert_eq!(records, expected(&file));
    }

    #[test]
    fn each_stated_position_is_one_to_go_on_from(
        file in file(), asked in asked(), drop in 1..3_000_usize, fills in 0..30_usize,
    ) {
        let mut lines = Lines::new(bytes(&file, drop));
        let mut chunk = LineBlock::default();
        for _ in 0..fills {
            chunk.clear();
            // A fingerprint on the way leaves the reader where it was.
            lines.fingerprint().unwrap();
            lines.fill(&mut chunk, &Room::new(asked.rows, asked.bytes)).unwrap();
            if chunk.rows() == Some(0) {
                break;
            }
        }
        let place = lines.place();
        let mut again = Lines::new(bytes(&file, drop));
        let (whole, _) = all(&mut again, asked, |line| line.to_vec());
        again.seek(place.record, place.offset).unwrap();
        prop_assert_eq!(again.place(), place);
        // The same place by its byte alone: it counts the lines.
        let mut run = Lines::new(bytes(&file, drop));
        Seek::seek(&mut run, Position(place.offset), place.record).unwrap();
        prop_assert_eq!(run.place(), place);
        let (records, _) = all(&mut again, asked, |line| line.to_vec());
        prop_assert_eq!(&records[..], &whole[usize::try_from(place.record).unwrap()..]);
    }

    /// What waits for a retry is the line as it was.
    #[test]
    fn a_chunk_of_one_line_gives_that_line(file in file(), asked in asked()) {
        let mut lines = Lines::new(&file[..]);
        let (_, end) = all(&mut lines, asked, |line| {
            let mut only = LineBlock::only(line);
            assert_eq!(only.rows(), Some(1));
            let again = only.next().unwrap();
            assert_eq!((again, again.place()), (line, line.place()));
            assert!(only.next().is_none());
        });
        prop_assert!(end.is_ok());
    }

    #[test]
    fn a_job_gives_what_a_loop_gives(file in file(), rows in 1..9_usize, threads in 1..4_usize, as_finished: bool) {
        let order = if as_finished { Order::AsFinished } else { Order::Input };
        let batch = Batch::builder().pool(pool(threads)).chunk_rows(rows).inline_start(false).order(order);
        let mut records = Vec::new();
        let report = batch.build().unwrap()
            .job(Lines::new(bytes(&file, 50)))
            .process(|line| Ok::<_, io::Error>(Verdict::Output((line.place().record, line.to_vec()))))
            .into(|line| {
                records.push(line);
                Ok::<_, io::Error>(())
            })
            .run()
            .unwrap();
        if as_finished {
            records.sort();
        }
        prop_assert!(records.iter().map(|(number, _)| *number).eq(0..records.len() as u64));
        let records: Vec<_> = records.into_iter().map(|(_, line)| line).collect();
        prop_assert_eq!(report.bytes(), file.len() as u64);
        prop_assert_eq!(records, expected(&file));
    }
}

#[test]
fn a_line_as_long_as_the_limit_is_read_whatever_the_blocks() {
    for bytes in [1, 7, 100, 101, 1 << 20] {
        for tail in ["", "\n", "\nb\n"] {
            let file = format!("a\n{}{tail}", "x".repeat(100));
            let mut lines = Lines::new(file.as_bytes()).record_limit(100).unwrap();
            let (records, end) = all(&mut lines, Asked { bytes, ..WHOLE }, |line| line.len());
            assert!(end.is_ok());
            assert_eq!(records[..2], [1, 100], "{bytes} {tail:?}");

            let file = format!("a\n{}{tail}", "x".repeat(101));
            let mut lines = Lines::new(file.as_bytes()).record_limit(100).unwrap();
            let (records, end) = all(&mut lines, Asked { bytes, ..WHOLE }, |line| line.len());
            assert_eq!(records, [1]);
            match end {
                Err(InputError::TooLong { place, limit, .. }) => {
                    assert_eq!((place.record, place.offset, limit), (1, 2, 100));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A file without line ends must not be read into memory.
#[test]
fn an_endless_line_ends_the_run_after_the_limit() {
    struct Endless(usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'x');
            self.0 += buffer.len();
            assert!(self.0 < 20_000, "it reads on");
            Ok(buffer.len())
        }
    }
    let mut lines = Lines::new(Endless(0)).record_limit(5_000).unwrap();
    let (_, end) = all(&mut lines, WHOLE, |_| ());
    assert!(matches!(end, Err(InputError::TooLong { .. })));
}

/// Each read of a line without an end in sight is as large as all before it.
#[test]
fn a_long_line_takes_few_reads() {
    struct Counted(usize, Cursor<String>);
    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            assert!(self.0 <= 12, "too many reads");
            self.1.read(buffer)
        }
    }
    let mut lines = Lines::new(Counted(0, Cursor::new("x".repeat(1 << 20))));
    let (records, end) = all(&mut lines, Asked { rows: 1, ..WHOLE }, |line| line.len());
    assert_eq!((records, end.is_ok()), (vec![1 << 20], true));
}

#[test]
fn a_cancelled_run_reads_no_further() {
    struct Slow(CancelToken, Arc<AtomicUsize>);
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let reads = self.1.fetch_add(1, Ordering::Relaxed);
            if reads == 100 {
                self.0.cancel();
            }
            assert!(reads <= 100, "it reads on");
            (&b"line\n"[..]).read(buffer)
        }
    }
    let token = CancelToken::new();
    let reads = Arc::new(AtomicUsize::new(0));
    let batch = Batch::builder()
        .pool(pool(2))
        .chunk_rows(1_000_000)
        .inline_start(false)
        .cancel(token.clone());
    let error = batch
        .build()
        .unwrap()
        .job(Lines::new(Slow(token, Arc::clone(&reads))))
        .process(|_| Ok::<_, io::Error>(Verdict::Output(())))
        .into(|()| Ok::<_, io::Error>(()))
        .run()
        .unwrap_err();
    assert!(matches!(error, BatchError::Cancelled { .. }), "{error}");
    assert_eq!(reads.load(Ordering::Relaxed), 101);
}

#[test]
fn limits_that_cannot_be_kept_are_refused() {
    for limit in [0, (1 << 30) + 1] {
        let error = Lines::new(io::empty()).record_limit(limit).unwrap_err();
        assert!(matches!(error, InputError::Limit { limit: given, .. } if given == limit));
    }
    assert!(Lines::new(io::empty()).record_limit(1 << 30).is_ok());
}

#[test]
fn text_that_is_none_is_an_error_of_its_line() {
    let mut lines = Lines::new(&b"ab\n\xc3\xa4x\xff\n"[..]);
    let (records, _) = all(&mut lines, WHOLE, |line| line.to_str().map(str::to_owned));
    assert_eq!(records[0].as_deref(), Ok("ab"));
    let error = records[1].as_ref().unwrap_err();
    assert_eq!(
        (
            error.place().record,
            error.place().offset,
            error.valid_up_to()
        ),
        (1, 3, 3)
    );
    assert_eq!(
        error.to_string(),
        "record 1 (byte 3) is not UTF-8 from its byte 3 on: read the line as bytes, or convert the file"
    );
}

#[test]
fn a_reader_that_fails_ends_the_run_after_the_lines_before() {
    struct Torn(&'static [u8]);
    impl Read for Torn {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("torn")),
                read => Ok(read),
            }
        }
    }
    let mut written = Vec::new();
    let error = Batch::new()
        .job(Lines::new(Torn(b"a\nb\nc")))
        .process(|line| Ok::<_, io::Error>(Verdict::Output(line.to_vec())))
        .into(|line| {
            written.push(line);
            Ok::<_, io::Error>(())
        })
        .run()
        .unwrap_err();
    assert_eq!(written, [b"a", b"b"]);
    assert_eq!(
        format!("{error:#}"),
        "the source failed at record 2: what came before it is settled, go on from there: the file could not be read at \
         byte 5: look at the disk or the network and go on from there: torn"
    );
    assert!(matches!(
        error,
        BatchError::Source {
            error: InputError::Read { offset: 5, .. },
            ..
        }
    ));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("absent.txt");
    for error in [
        Lines::open(&path).unwrap_err(),
        Csv::open(&path).unwrap_err(),
    ] {
        let message = format!("{error:#}");
        let start = format!("{} could not be opened: ", path.display());
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            message.starts_with(&start) && message.ends_with(&cause),
            "{message}"
        );
        assert!(matches!(error, InputError::Open { path: named, .. } if named == path));
    }
}

#[test]
fn no_line_begins_within_another() {
    let mut lines = Lines::new(Cursor::new("ab\ncd"));
    for offset in [1, 2, 4, 6, 100] {
        let error = lines.seek(0, offset).unwrap_err();
        assert!(matches!(error, InputError::NoRecordAt { offset: given, .. } if given == offset));
        // And it stands where it stood.
        assert_eq!(lines.place().offset, 0);
    }
    for (offset, rest) in [(3, &[b"cd"][..]), (5, &[])] {
        lines.seek(0, offset).unwrap();
        let (records, _) = all(&mut lines, WHOLE, |line| line.to_vec());
        assert_eq!(records, rest);
    }
    lines.seek(0, 0).unwrap();
    assert!(lines.seek(0, 2).is_err());
    let (records, _) = all(&mut lines, WHOLE, |line| line.to_vec());
    assert_eq!(records, [b"ab", b"cd"]);
}

#[test]
fn a_fingerprint_tells_files_apart_by_length_and_ends() {
    let print = |file: Vec<u8>| Lines::new(Cursor::new(file)).fingerprint().unwrap();
    let file = vec![b'x'; 200_000];
    let with = |at: usize| {
        let mut file = file.clone();
        file[at] = b'y';
        file
    };
    let same = print(file.clone());
    assert_eq!(same, print(file.clone()));
    for at in [0, 65_535, 200_000 - 65_536, 199_999] {
        assert_ne!(print(with(at)), same, "{at}");
    }
    // As the documentation says.
    for at in [65_536, 200_000 - 65_537] {
        assert_eq!(print(with(at)), same, "{at}");
    }
    assert_ne!(print(file[1..].to_vec()), same);
    // The whole of a small file counts.
    let small = vec![b'x'; 100_000];
    for at in [0, 40_000, 65_536, 80_000, 99_999] {
        let mut other = small.clone();
        other[at] = b'y';
        assert_ne!(print(other), print(small.clone()));
    }
    assert_ne!(print(Vec::new()), print(vec![0]));
}
