//! Rows of CSV files: those of the `csv` crate, whatever the size of blocks and reads, from every place at which the source
//! says that one begins.

mod support;

use std::io::{self, Cursor, Read};
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, Chunk, Csv, CsvBlock, CsvError, CsvErrorKind, CsvOptions, FileSink,
    Fingerprint, InputError, Order, Position, Room, Seek, SkipLimit, Source, Verdict,
};
use proptest::prelude::*;
use support::files::{Asked, Bytes, all, bytes};
use support::pool;
use support::tables::{Record, Way, agree, record};

fn way() -> impl Strategy<Value = Way> {
    let delimiter = prop::sample::select(vec![b',', b';', b'\t', 0xb6]);
    let quote = prop::sample::select(vec![Some(b'"'), Some(b'"'), Some(b'\''), None]);
    (delimiter, quote, any::<bool>()).prop_map(|(delimiter, quote, header)| Way {
        delimiter,
        quote,
        header,
    })
}

/// Anything, of what matters: delimiters, quotes, line ends, bytes.
fn wild(way: Way) -> impl Strategy<Value = Vec<u8>> {
    let quote = way.quote.unwrap_or(b'"');
    let piece = prop_oneof![
        3 => Just(vec![way.delimiter]),
        3 => Just(vec![quote]),
        1 => Just(vec![quote, quote]),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => prop::sample::select(vec![b'"', b'\'', b',', b';', 0, 0xff, b' ']).prop_map(|byte| vec![byte]),
        3 => prop::collection::vec(b'a'..b'f', 1..12),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A table as a program writes it: some fields quoted, quotes doubled, line ends within; and now and then a stray quote.
fn tidy(way: Way) -> impl Strategy<Value = Vec<u8>> {
    let quote = way.quote.unwrap_or(b'"');
    let plain = prop::collection::vec(b'a'..=b'z', 0..30);
    let stray = ("[a-z]{1,5}", "[a-z]{0,5}")
        .prop_map(move |(left, right)| [left.as_bytes(), &[quote], right.as_bytes()].concat());
    let text = prop::collection::vec(
        prop_oneof![
            8 => (b'a'..=b'z').prop_map(|byte| vec![byte]),
            1 => Just(vec![quote, quote]),
            1 => Just(vec![way.delimiter]),
            1 => Just(b"\r\n".to_vec()),
            1 => Just(b"\n".to_vec()),
        ],
        0..30,
    );
    let quoted = text.prop_map(move |pieces| [&[quote][..], &pieces.concat(), &[quote]].concat());
    let field = prop_oneof![6 => plain, 2 => quoted, 1 => stray];
    let ends = prop::sample::select(vec![&b"\n"[..], b"\r\n"]);
    let row = (prop::collection::vec(field, 1..7), ends)
        .prop_map(move |(fields, end)| [fields.join(&way.delimiter), end.to_vec()].concat());
    prop::collection::vec(row, 0..60).prop_map(|rows| rows.concat())
}

fn file() -> impl Strategy<Value = (Way, Vec<u8>)> {
    way().prop_flat_map(|way| {
        let mark = prop::sample::select(vec![&b""[..], b"", b"", b"\xef\xbb\xbf", b"\xef\xbb"]);
        let bytes = prop_oneof![wild(way), tidy(way)];
        (Just(way), mark, bytes).prop_map(|(way, mark, bytes)| (way, [mark, &bytes].concat()))
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    let bytes = prop_oneof![1..40_usize, 1..600_usize, Just(1 << 20)];
    let rows = prop_oneof![1..9_usize, Just(usize::MAX)];
    let split = prop::option::of(1..6_usize);
    (rows, bytes, split).prop_map(|(rows, bytes, split)| Asked { rows, bytes, split })
}

const WHOLE: Asked = Asked {
    rows: usize::MAX,
    bytes: 1 << 20,
    split: None,
};

/// Every record; and whether the file ended within quotes.
fn ours(source: &mut Csv<Bytes>, asked: Asked) -> (Vec<Record>, bool) {
    let (records, end) = all(source, asked, record);
    match end {
        Ok(()) => (records, false),
        Err(InputError::OpenQuote { .. }) => (records, true),
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #[test]
    fn they_are_those_of_the_csv_crate((way, file) in file(), asked in asked(), drop in 1..5_000_usize) {
        agree(way, &file, asked, drop);
    }

    #[test]
    fn each_stated_position_is_one_to_go_on_from(
        (way, file) in file(), asked in asked(), drop in 1..5_000_usize, fills in 0..30_usize,
    ) {
        let Ok(mut source) = way.ours().read(bytes(&file, drop)) else { return Ok(()) };
        let mut chunk = CsvBlock::default();
        let mut open = false;
        for _ in 0..fills {
            chunk.clear();
            // A fingerprint on the way leaves the reader where it was.
            source.fingerprint().unwrap();
            open = source.fill(&mut chunk, &Room::new(asked.rows, asked.bytes)).is_err();
            if open || chunk.rows() == Some(0) {
                break;
            }
        }
        let place = source.place();
        let mut again = way.ours().read(bytes(&file, drop)).unwrap();
        let (whole, _) = ours(&mut again, asked);
        again.seek(place.record, place.offset).unwrap();
        prop_assert_eq!(again.place(), place);
        // The same place as a run goes there.
        let mut run = way.ours().read(bytes(&file, drop)).unwrap();
        Seek::seek(&mut run, Position(place.offset), place.record).unwrap();
        prop_assert_eq!(run.place(), place);
        let (records, still_open) = ours(&mut again, asked);
        prop_assert!(still_open || !open);
        prop_assert_eq!(&records[..], &whole[usize::try_from(place.record).unwrap()..]);
    }

    /// What waits for a retry is the row as it was.
    #[test]
    fn a_chunk_of_one_row_gives_that_row((way, file) in file(), asked in asked()) {
        let Ok(mut source) = way.ours().read(bytes(&file, 4_000)) else { return Ok(()) };
        let _ = all(&mut source, asked, |row| {
            let mut only = CsvBlock::only(row);
            assert_eq!(only.rows(), Some(1));
            let again = only.next().unwrap();
            assert_eq!((record(again), again.raw(), again.place()), (record(row), row.raw(), row.place()));
            assert!(only.next().is_none());
        });
    }

    #[test]
    fn a_row_of_another_length_is_one_for_the_csv_crate_too((way, file) in file(), asked in asked()) {
        let theirs = way.theirs(&file);
        let Ok(mut source) = way.ours().flexible(false).read(bytes(&file, 4_000)) else { return Ok(()) };
        let all_rows = Way { header: false, ..way }.theirs(&file);
        let width = all_rows.first().map_or(0, Vec::len);
        let (records, _) = all(&mut source, asked, |row| (row.check(), row.bytes(0).is_ok(), row.fields().is_ok(), row.len()));
        for ((check, first, fields, found), expected) in records.into_iter().zip(theirs) {
            prop_assert_eq!(found, expected.len());
            prop_assert_eq!((check.is_ok(), first, fields), (found == width, found == width, found == width));
            if let Err(error) = check {
                let CsvErrorKind::Ragged { expected, found: had, .. } = error.kind() else { panic!("{error}") };
                prop_assert_eq!((*expected, *had), (width, found));
            }
        }
    }

    #[test]
    fn a_job_gives_what_a_loop_gives((way, file) in file(), rows in 1..9_usize, threads in 1..4_usize, as_finished: bool) {
        let order = if as_finished { Order::AsFinished } else { Order::Input };
        let Ok(source) = way.ours().read(bytes(&file, 100)) else { return Ok(()) };
        let batch = Batch::builder().pool(pool(threads)).chunk_rows(rows).inline_start(false).order(order);
        let mut records = Vec::new();
        let ended = batch.build().unwrap()
            .job(source)
            .process(|row| Ok::<_, io::Error>(Verdict::Output((row.place().record, record(row)))))
            .into(|row| {
                records.push(row);
                Ok::<_, io::Error>(())
            })
            .run();
        if as_finished {
            records.sort();
        }
        let mut expected = way.theirs(&file);
        if way.is_open(&file) {
            expected.pop();
            let is_open = matches!(ended, Err(BatchError::Source { error: InputError::OpenQuote { .. }, .. }));
            prop_assert!(is_open);
        } else {
            prop_assert!(ended.is_ok());
        }
        prop_assert!(records.iter().map(|(number, _)| *number).eq(0..records.len() as u64));
        let records: Vec<_> = records.into_iter().map(|(_, row)| row).collect();
        prop_assert_eq!(records, expected);
    }
}

/// A table of many blocks, in which every block size meets every kind of field.
#[test]
fn a_large_file_is_the_same_at_every_block_size() {
    let mut file = b"id,name,note\r\n".to_vec();
    for id in 0..20_000_u32 {
        let note = match id % 7 {
            0 => "\"two\nlines\"".to_owned(),
            1 => "\"a \"\"word\"\", or two\"".to_owned(),
            2 => "5\" wide".to_owned(),
            3 => "\"\"".to_owned(),
            4 => format!("\"{}\"", "x,\r\n".repeat(id as usize % 97)),
            _ => "plain".to_owned(),
        };
        let end = if id % 3 == 0 { "\n\n" } else { "\r\n" };
        file.extend(format!("{id},Customer {id},{note}{end}").bytes());
    }
    let way = Way {
        delimiter: b',',
        quote: Some(b'"'),
        header: true,
    };
    let expected = way.theirs(&file);
    for (rows, block, drop) in [
        (1, 1, 4_096),
        (7, 1 << 20, 1 << 20),
        (256, 1_000, 5_000),
        (8_192, 1 << 16, 1 << 14),
        (8_192, 1 << 20, 1 << 20),
        (usize::MAX, 333, 70_000),
        (usize::MAX, usize::MAX, usize::MAX),
    ] {
        let mut source = Csv::new(bytes(&file, drop)).unwrap();
        let asked = Asked {
            rows,
            bytes: block,
            split: Some(3),
        };
        let (records, open) = ours(&mut source, asked);
        assert!(records == expected && !open, "{rows} {block} {drop}");
    }
}

#[test]
fn fields_are_asked_for_by_number_and_by_name() {
    let file = b"\xef\xbb\xbfname,\"the \"\"value\"\"\",name\nAda,\" 7 \",x\n\xff,8,\n";
    let mut source = Csv::new(&file[..]).unwrap();
    assert!(source.names().eq([&b"name"[..], b"the \"value\"", b"name"]));
    assert_eq!(source.column("the \"value\"").unwrap(), 1);
    assert_eq!(source.column("name").unwrap(), 0);
    let error = source.column("Name").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the header has no column \"Name\": ask for one that it has"
    );
    assert_eq!((source.place().record, source.place().offset), (0, 29));

    let (rows, _) = all(&mut source, WHOLE, |row| {
        (
            row.str("name").map(str::to_owned),
            row.bytes("the \"value\"").map(<[u8]>::to_vec),
            row.parse::<u8>(1),
            row.str(2).map(str::to_owned),
            row.str(3).unwrap_err(),
            row.bytes("nome").unwrap_err(),
        )
    });
    let (name, value, number, third, no_field, no_column) = &rows[0];
    assert_eq!((name.as_deref(), third.as_deref()), (Ok("Ada"), Ok("x")));
    assert_eq!(value.as_deref(), Ok(&b" 7 "[..]));
    assert_eq!(
        number.as_ref().unwrap_err().to_string(),
        "record 0 (byte 29), field 1: \" 7 \" is no value (invalid digit found in string): repair or skip the row"
    );
    assert_eq!(
        no_field.to_string(),
        "record 0 (byte 29) has 3 fields, so no field 3: repair or skip the row"
    );
    assert_eq!(
        no_column.to_string(),
        "record 0 (byte 29) has no column \"nome\": ask for one that the header has"
    );
    let (name, _, number, third, ..) = &rows[1];
    let error = name.as_ref().unwrap_err();
    assert_eq!((error.place().record, error.place().offset), (1, 41));
    assert!(matches!(
        error.kind(),
        CsvErrorKind::NotUtf8 {
            field: 0,
            valid_up_to: 0,
            ..
        }
    ));
    assert_eq!((number.as_ref(), third.as_deref()), (Ok(&8), Ok("")));
}

#[test]
fn without_a_header_the_first_row_is_one() {
    let mut source = Csv::options()
        .header(false)
        .read(&b"a,b\nc\nd,e\n"[..])
        .unwrap();
    assert_eq!(source.names().len(), 0);
    let (rows, _) = all(&mut source, WHOLE, |row| {
        (row.check().is_ok(), row.raw().to_vec())
    });
    assert_eq!(
        rows,
        [
            (true, b"a,b".to_vec()),
            (false, b"c".to_vec()),
            (true, b"d,e".to_vec())
        ]
    );
}

#[test]
fn a_file_without_rows_has_none() {
    for file in ["", "\n\r\n", "\u{feff}", "a,b", "a,b\n", "\n\na,b\r\n\r\n"] {
        let mut source = Csv::new(file.as_bytes()).unwrap();
        let (rows, end) = all(&mut source, WHOLE, |_| ());
        assert!(rows.is_empty() && end.is_ok(), "{file:?}");
    }
}

#[test]
fn a_ragged_row_is_skipped_with_its_place_and_its_text() {
    let file = "id,value\n1,5\n2\n3,\"7\"\n4,5,6\n";
    let mut letters = Vec::new();
    let mut sum = 0;
    let report = Batch::builder()
        .skip(SkipLimit::ALL)
        .build()
        .unwrap()
        .job(Csv::new(file.as_bytes()).unwrap())
        .process(|row| row.parse::<u32>("value").map(Verdict::Output))
        .keep_records()
        .dead_letters(|skip, row| {
            let text = row.map(|row| String::from_utf8_lossy(row.raw()).into_owned());
            letters.push((skip.failure().to_string(), text.unwrap_or_default()));
            Ok::<_, io::Error>(())
        })
        .into(|value| {
            sum += value;
            Ok(())
        })
        .run()
        .unwrap();
    assert_eq!((report.written(), report.skipped(), sum), (2, 2, 12));
    let remedy = "repair or skip it, or read the file as flexible";
    assert_eq!(
        letters,
        [
            (
                format!("record 1 (byte 13) has 1 fields and not 2: {remedy}"),
                "2".to_owned()
            ),
            (
                format!("record 3 (byte 21) has 3 fields and not 2: {remedy}"),
                "4,5,6".to_owned()
            ),
        ]
    );
}

#[test]
fn a_record_as_long_as_the_limit_is_read_whatever_the_blocks() {
    for block in [1, 7, 50, 100, 101, 1 << 20] {
        for blank in ["", "\n\n", &"\r\n".repeat(500)] {
            for tail in ["", "\n", "\r\nb\n"] {
                for (length, fits) in [(100, true), (101, false)] {
                    let file = format!("a\n{blank}\"{}\"{tail}", "\n".repeat(length - 2));
                    let options = Csv::options().header(false).record_limit(100);
                    let mut source = options.read(bytes(file.as_bytes(), 30)).unwrap();
                    let asked = Asked {
                        bytes: block,
                        ..WHOLE
                    };
                    let (rows, end) = all(&mut source, asked, |row| row.raw().len());
                    if fits {
                        assert!(end.is_ok());
                        assert_eq!(rows[..2], [1, 100], "{block} {tail:?}");
                        continue;
                    }
                    assert_eq!(rows, [1]);
                    match end {
                        Err(InputError::TooLong { place, limit, .. }) => {
                            assert_eq!((place.record, limit), (1, 100));
                            assert_eq!(place.offset, 2 + blank.len() as u64);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    }
}

/// A stray quote must not bring the rest of the file into memory.
#[test]
fn an_endless_quote_ends_the_run_after_the_limit() {
    struct Endless(usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // The first bytes are asked for alone, to see whether they are a mark.
            let begin = b"a\nb\n\"";
            let read = begin.get(self.0..).unwrap_or_default().read(buffer)?;
            buffer[read..].fill(b'\n');
            self.0 += buffer.len();
            assert!(self.0 < 20_000, "it reads on");
            Ok(buffer.len())
        }
    }
    let mut source = Csv::options().record_limit(5_000).read(Endless(0)).unwrap();
    let (rows, end) = all(&mut source, WHOLE, |row| row.raw().to_vec());
    assert_eq!(rows, [b"b"]);
    let Err(InputError::TooLong { place, .. }) = end else {
        panic!("{end:?}")
    };
    assert_eq!((place.record, place.offset), (1, 4));
}

#[test]
fn an_open_quote_ends_the_run_after_the_rows_before() {
    let mut rows = Vec::new();
    let error = Batch::new()
        .job(Csv::new(&b"a,b\n1,2\n3,\"4\n5,6\n"[..]).unwrap())
        .process(|row| row.str(0).map(|text| Verdict::Output(text.to_owned())))
        .into(|text| {
            rows.push(text);
            Ok::<_, io::Error>(())
        })
        .run()
        .unwrap_err();
    assert_eq!(rows, ["1"]);
    assert_eq!(
        format!("{error:#}"),
        "the source failed at record 1: what came before it is settled, go on from there: the quote in record 1 (byte 10) \
         never closes: close it, or read the file without quotes"
    );
    let error = Csv::new(&b"\"a,b\n1,2\n"[..]).unwrap_err();
    assert!(matches!(error, InputError::OpenQuote { .. }));
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let refused = [
        Csv::options().delimiter(b'\n'),
        Csv::options().delimiter(b'\r'),
        Csv::options().quote(b'\n'),
        Csv::options().quote(b','),
        Csv::options().delimiter(b'"'),
    ];
    for options in refused {
        let error = options.read(io::empty()).unwrap_err();
        assert!(matches!(error, InputError::Dialect { .. }), "{error}");
    }
    assert!(
        Csv::options()
            .delimiter(b'"')
            .quote(None)
            .read(io::empty())
            .is_ok()
    );
    let error = Csv::options()
        .record_limit(0)
        .read(io::empty())
        .unwrap_err();
    assert!(matches!(error, InputError::Limit { limit: 0, .. }));
}

#[test]
fn no_row_begins_before_the_header_or_within_a_line() {
    let mut source = Csv::new(Cursor::new("id\n1\n2\n")).unwrap();
    for offset in [0, 1, 2, 4, 8] {
        let error = source.seek(0, offset).unwrap_err();
        assert!(matches!(error, InputError::NoRecordAt { offset: given, .. } if given == offset));
    }
    source.seek(1, 5).unwrap();
    let (rows, _) = all(&mut source, WHOLE, |row| {
        (row.place().record, row.raw().to_vec())
    });
    assert_eq!(rows, [(1, b"2".to_vec())]);
}

/// Every row carries its number and its byte, so that one that is lost, doubled or counted wrongly shows.
#[test]
fn a_run_that_was_broken_off_goes_on_within_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("customers.csv");
    let rows = (0..5_000).map(|id| format!("{id},\"note\n{id}\"\r\n"));
    std::fs::write(&input, "id,note\n".to_owned() + &rows.collect::<String>()).unwrap();
    let output = folder.path().join("places.csv");
    let run = |threads: usize, ends: u64| {
        let batch = Batch::builder().pool(pool(threads)).chunk_rows(100);
        let sink = FileSink::create(&output).commit_every(Duration::ZERO);
        let job = batch.build().unwrap().job(Csv::open(&input).unwrap());
        job.encode(move |row, out| {
            let id: u64 = row.parse("id")?;
            if id == ends {
                // What ends the run: a field that is not there.
                row.bytes(9)?;
            }
            let place = row.place();
            out.push_str(&format!("{id},{},{}\n", place.record, place.offset));
            Ok::<_, CsvError>(())
        })
        .into(sink)
        .checkpoint("places")
        .unwrap()
        .run()
    };
    for ends in [0, 1_234, 1_250, 3_999] {
        let error = run(2, ends).unwrap_err();
        assert!(matches!(error, BatchError::Process { position, .. } if position == ends));
    }
    let report = run(1, u64::MAX).unwrap();
    assert_eq!(report.written(), 5_000 - 3_999);
    let parts = std::fs::read_to_string(&output).unwrap();
    let file = std::fs::read(&input).unwrap();
    let mut lines = 0;
    for (number, line) in parts.lines().enumerate() {
        let [id, record, offset] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        assert_eq!((id, record), (&*number.to_string(), id));
        let begin = format!("{id},\"note");
        assert!(file[offset.parse::<usize>().unwrap()..].starts_with(begin.as_bytes()));
        lines += 1;
    }
    assert_eq!(lines, 5_000);

    // Another input is refused.
    run(1, 7).unwrap_err();
    std::fs::write(&input, "id,note\n1,\n").unwrap();
    let error = run(1, u64::MAX).unwrap_err();
    assert!(
        error.to_string().contains("the input is not what it was"),
        "{error}"
    );
}

#[test]
fn a_fingerprint_is_of_the_file_and_of_the_way_it_is_read() {
    let file = "a,b\n1,2\n";
    let print = |options: CsvOptions| {
        let mut source = options.read(Cursor::new(file)).unwrap();
        source.fingerprint().unwrap()
    };
    let same = print(Csv::options());
    // Stated in checkpoints, so it must never change.
    assert_eq!(same, Fingerprint(0x4bec_c585_c8d7_1452));
    assert_eq!(print(Csv::options().flexible(true).record_limit(100)), same);
    for other in [
        Csv::options().delimiter(b';'),
        Csv::options().quote(b'\''),
        Csv::options().quote(None),
        Csv::options().header(false),
    ] {
        assert_ne!(print(other), same);
    }
}

#[test]
fn errors_are_those_of_a_thread() {
    fn is_error<T: std::error::Error + Send + Sync + 'static>() {}
    is_error::<CsvError>();
    is_error::<InputError>();
    is_error::<crm_batch::LineError>();
}
