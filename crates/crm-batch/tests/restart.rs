//! A job that was disturbed and is run again comes to what a plain loop comes to.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, BuildError, Checkpoint, End, Entry, FileError, FileSink, Fingerprint, JobId,
    Lines, Order, Position, Recover, Refusal, Repeatable, Retry, Sink, SkipLimit,
};
use support::again::{
    From, Into, Kept, Kind, RECORDS, Setup, Trouble, assert_done, is_bad, output, plain_loop, run,
    until_done,
};
use support::fate::quiet_panics;
use support::pool;
use support::watchdog::within;

const FROM: [From; 3] = [From::Iterator, From::Counted, From::Uncounted];

fn table(every: u64) -> Into {
    let kept = Arc::new(Mutex::new(Kept::default()));
    Into::Table { kept, every }
}

fn file(folder: &Path, every: Duration) -> Into {
    let path = folder.join("rows.csv");
    Into::File { path, every }
}

/// Each kind of trouble, at a record.
fn troubles(at: u64) -> [Trouble; 12] {
    [
        Trouble::Fails(at),
        Trouble::Panics(at),
        Trouble::SourceFails(at),
        Trouble::SourcePanics(at),
        Trouble::SinkRefuses(at),
        Trouble::SinkPanics(at),
        Trouble::CommitFails(at),
        Trouble::CommitFailsAfterAll(at),
        Trouble::CommitPanics(at),
        Trouble::Cancelled(at),
        Trouble::Late(at),
        Trouble::SourceCancels(at),
    ]
}

/// Every way to run a job: chunks of one record, of a few, of all, and of a size that adapts; in a pool or not.
fn setups(mut then: impl FnMut(Setup)) {
    for from in FROM {
        for chunk_rows in [Some(1), Some(3), Some(5), Some(100), None] {
            for (threads, inline) in [(1, false), (1, true), (2, false), (2, true)] {
                let mut setup = Setup::new(from, table(1));
                (setup.chunk_rows, setup.threads) = (chunk_rows, threads);
                setup.inline = inline;
                then(setup);
            }
        }
    }
}

#[test]
fn trouble_at_any_record_is_made_good_by_the_next_run() {
    quiet_panics();
    within(|| {
        setups(|mut setup| {
            for at in 0..=RECORDS {
                for trouble in troubles(at) {
                    setup.into = table(1 + at % 2);
                    setup.letters = at % 3 == 1;
                    until_done(&setup, &[trouble]);
                }
            }
        });
    });
}

/// The same records in the same order are the same input, however they are read.
#[test]
fn a_job_may_go_on_in_another_way_than_it_began() {
    quiet_panics();
    let ways = |from, way: usize| {
        let mut setup = Setup::new(from, table(1));
        setup.chunk_rows = [Some(1), Some(4), None][way % 3];
        (setup.threads, setup.inline) = (1 + way % 2, way % 5 < 2);
        setup
    };
    for at in 0..RECORDS {
        for (one, first) in FROM.into_iter().enumerate() {
            for (two, second) in FROM.into_iter().enumerate() {
                let way = usize::try_from(at).unwrap() + 3 * one + two;
                let mut setup = ways(first, way);
                let into = setup.into.clone();
                drop(run(&setup, Trouble::Cancelled(at)));
                setup = ways(second, way * 7 + 1);
                setup.into = into;
                drop(run(&setup, Trouble::SinkPanics(at + 4)));
                let into = setup.into.clone();
                setup = ways(FROM[(one + two) % 3], way + 2);
                setup.into = into;
                run(&setup, Trouble::None).unwrap();
                assert_done(&setup);
            }
        }
    }
}

#[test]
fn trouble_at_the_end_is_made_good_by_the_next_run() {
    quiet_panics();
    let folder = tempfile::tempdir().unwrap();
    setups(|mut setup| {
        for trouble in [Trouble::FinishFails, Trouble::FinishPanics] {
            setup.into = table(1);
            until_done(&setup, &[trouble]);
        }
    });
    for from in FROM {
        for trouble in [Trouble::FinishFails, Trouble::FinishPanics] {
            let setup = Setup::new(from, file(folder.path(), Duration::ZERO));
            let Into::File { path, .. } = &setup.into else {
                unreachable!()
            };
            drop(fs::remove_file(path));
            until_done(&setup, &[trouble]);
        }
    }
}

#[test]
fn a_run_that_is_cancelled_while_it_passes_over_what_is_done_loses_nothing() {
    quiet_panics();
    within(|| {
        setups(|mut setup| {
            for first in [2, 9, 16] {
                for second in 0..RECORDS {
                    setup.into = table(1 + second % 3);
                    let first = match second % 2 {
                        0 => Trouble::Fails(first),
                        _ => Trouble::SinkPanics(first),
                    };
                    until_done(&setup, &[first, Trouble::SourceCancels(second)]);
                }
            }
        });
    });
}

#[test]
fn a_job_gets_there_however_often_it_is_disturbed() {
    quiet_panics();
    within(|| {
        let mut seed = 1_u64;
        let mut luck = |most: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % most
        };
        for _ in 0..5 {
            setups(|mut setup| {
                setup.into = table(1 + luck(3));
                setup.letters = luck(2) == 0;
                let mut series = Vec::new();
                for _ in 0..6 {
                    let kinds = troubles(luck(RECORDS));
                    series.push(kinds[usize::try_from(luck(12)).unwrap()]);
                }
                // After a success the next run is that of another night.
                until_done_from_scratch(&setup, &series);
            });
        }
    });
}

/// Runs the job until it succeeds, be it before all the troubles have been met.
fn until_done_from_scratch(setup: &Setup, series: &[Trouble]) {
    for &trouble in series {
        if run(setup, trouble).is_ok() {
            assert_done(setup);
            return;
        }
    }
    run(setup, Trouble::None).unwrap();
    assert_done(setup);
}

#[test]
fn a_file_is_made_good_as_well() {
    quiet_panics();
    within(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut number = 0_u64;
        for from in FROM {
            for at in 0..=RECORDS {
                for trouble in troubles(at) {
                    number += 1;
                    // A file is synced often, which takes its time: each trouble meets another setup.
                    if number % 3 != 0 {
                        continue;
                    }
                    let every = [Duration::ZERO, Duration::from_secs(3_600)];
                    let every = every[usize::try_from(number / 3 % 2).unwrap()];
                    let mut setup = Setup::new(from, file(folder.path(), every));
                    setup.chunk_rows =
                        [Some(1), Some(4), None][usize::try_from(number % 7).unwrap() % 3];
                    setup.threads = 1 + usize::try_from(number % 2).unwrap();
                    setup.inline = number % 5 < 2;
                    setup.letters = number % 11 < 5;
                    let Into::File { path, .. } = &setup.into else {
                        unreachable!()
                    };
                    drop(fs::remove_file(path));
                    until_done(&setup, &[trouble]);
                    let left = fs::read_dir(folder.path()).unwrap().count();
                    assert!(left <= 2, "only the files themselves are left");
                }
            }
        }
    });
}

/// The names and contents of a folder.
fn folder(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(path).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect()
}

/// A file job that was disturbed at a record.
fn disturbed(path: &Path, from: From, at: u64) -> Setup {
    let setup = Setup::new(from, file(path, Duration::ZERO));
    run(&setup, Trouble::Fails(at)).unwrap_err();
    setup
}

#[test]
fn the_skip_limit_is_one_for_the_whole_job() {
    quiet_panics();
    // Records 1, 9 and 17 are bad.
    for from in FROM {
        for limit in 0..=3 {
            for at in 0..RECORDS {
                let mut setup = Setup::new(from, table(1));
                setup.limit = SkipLimit::records(limit);
                setup.inline = at % 2 == 0;
                let whole = plain_loop(RECORDS, |skipped, _| skipped < limit);
                let first = run(&setup, Trouble::Fails(at)).unwrap_err();
                assert_eq!(first.kind, Kind::Process);
                assert_eq!(first.position, whole.end.map_or(at, |end| end.min(at)));
                for _ in 0..2 {
                    let again = run(&setup, Trouble::None);
                    match whole.end {
                        // It ends there however often it is run, and keeps what it has done.
                        Some(end) => {
                            let ended = again.unwrap_err();
                            assert_eq!((ended.kind, ended.position), (Kind::Process, end));
                            assert_eq!(ended.report.committed().unwrap().records, end);
                        }
                        None => {
                            again.unwrap();
                            assert_done(&setup);
                            break;
                        }
                    }
                }
                // A higher limit lets the job go on.
                setup.limit = SkipLimit::ALL;
                run(&setup, Trouble::None).unwrap();
                assert_done(&setup);
            }
        }
    }
}

#[test]
fn the_share_of_skips_is_that_of_the_whole_job() {
    quiet_panics();
    for share in [0.05, 0.1, 0.12, 0.15, 0.5] {
        for after in [1, 5, 12, 1_000] {
            let limit = SkipLimit::ALL.share(share).after(after);
            let allows = |skipped: u64, settled: u64| {
                settled + 1 < after || (skipped + 1) as f64 <= share * (settled + 1) as f64
            };
            let whole = plain_loop(RECORDS, allows);
            for at in 0..RECORDS {
                let mut setup = Setup::new(From::Counted, table(1));
                setup.limit = limit;
                run(&setup, Trouble::Fails(at)).unwrap_err();
                let ended = run(&setup, Trouble::None);
                let too_many = whole.skipped.len() as f64 > share * RECORDS as f64;
                match (ended, whole.end) {
                    (Err(ended), Some(end)) => assert_eq!(ended.position, end),
                    (Err(ended), None) => {
                        assert!(too_many);
                        assert_eq!(ended.kind, Kind::Other);
                        assert_eq!(output(&setup).0, None);
                    }
                    (Ok(_), end) => {
                        assert!(end.is_none() && !too_many);
                        assert_done(&setup);
                    }
                }
            }
        }
    }
}

#[test]
fn retries_go_on_in_the_next_run() {
    quiet_panics();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("rows.csv");
    for threads in [1, 2] {
        for at in 0..20_u64 {
            let tried = Mutex::new(BTreeMap::<u64, u32>::new());
            for end in [Some(at), None] {
                let retry = Retry::exponential(3).first_delay(Duration::from_micros(10));
                let batch = Batch::builder()
                    .pool(pool(threads))
                    .chunk_rows(3)
                    .retry(retry)
                    .skip(SkipLimit::ALL)
                    .build()
                    .unwrap();
                let result = batch
                    .job(Repeatable::new(0..20_u64, Fingerprint(1)))
                    .encode(|n, row| {
                        let attempt = {
                            let mut tried = tried.lock().unwrap();
                            let attempt = tried.entry(n).or_default();
                            *attempt += 1;
                            *attempt
                        };
                        if end == Some(n) {
                            return Err("trouble");
                        }
                        if n % 4 == 1 && attempt % 3 != 0 {
                            return Err("busy");
                        }
                        if n % 7 == 2 {
                            return Err("never");
                        }
                        writeln!(row, "{n}").map_err(|_| "full")
                    })
                    .retry_when(|failure| failure.error() != Some(&"trouble"))
                    .fatal_when(|failure| failure.error() == Some(&"trouble"))
                    .into(FileSink::create(&path).commit_every(Duration::ZERO))
                    .checkpoint("retries")
                    .unwrap()
                    .run();
                if end.is_some() {
                    assert_eq!(result.unwrap_err().position(), at);
                    // What was tried by a worker that was ahead counts for the process function alone.
                    for attempts in tried.lock().unwrap().values_mut() {
                        *attempts = 0;
                    }
                } else {
                    let report = result.unwrap();
                    let skipped: Vec<_> = report
                        .skips()
                        .iter()
                        .map(|skip| (skip.position(), skip.attempts()))
                        .collect();
                    let expected: Vec<_> = [(2, 3), (9, 3), (16, 3)]
                        .into_iter()
                        .filter(|(position, _)| *position >= report.before().records)
                        .collect();
                    assert_eq!(skipped, expected);
                }
            }
            let rows: String = (0..20_u64)
                .filter(|n| n % 7 != 2)
                .map(|n| format!("{n}\n"))
                .collect();
            assert_eq!(fs::read_to_string(&path).unwrap(), rows);
        }
    }
}

#[test]
fn another_input_other_parameters_and_another_name_are_refused_and_nothing_is_touched() {
    let place = tempfile::tempdir().unwrap();
    let before = |setup: &Setup| match &setup.into {
        Into::File { .. } => format!("{:?}", folder(place.path())),
        Into::Table { kept, .. } => format!("{:?}", kept.lock().unwrap()),
    };
    for into in [file(place.path(), Duration::ZERO), table(1)] {
        for from in FROM {
            let setup = Setup::new(from, into.clone());
            run(&setup, Trouble::Fails(14)).unwrap_err();
            let left = before(&setup);
            let mut others = [setup.clone(), setup.clone(), setup.clone()];
            others[0].fingerprint = 2;
            others[1].parameters = 2;
            others[2].name = "another";
            let told = ["input is not what", "parameters are not", "another name"];
            for (other, told) in others.iter().zip(told) {
                let refused = run(other, Trouble::None).unwrap_err();
                assert_eq!(refused.kind, Kind::Checkpoint);
                assert!(refused.message.contains(told), "{}", refused.message);
                assert_eq!((refused.report.read(), refused.report.chunks()), (0, 0));
                assert!(refused.report.committed().is_none());
                assert_eq!(before(&setup), left);
            }
            run(&setup, Trouble::None).unwrap();
            assert_done(&setup);
        }
    }
}

#[test]
fn an_input_that_ends_too_soon_is_refused_and_what_was_done_stays() {
    let place = tempfile::tempdir().unwrap();
    for inline in [false, true] {
        for records in [0, 1, 5, 13] {
            let mut setup = disturbed(place.path(), From::Iterator, 14);
            (setup.records, setup.inline) = (records, inline);
            let refused = run(&setup, Trouble::None).unwrap_err();
            assert_eq!(refused.kind, Kind::Checkpoint);
            assert!(
                refused.message.contains("ends before"),
                "{}",
                refused.message
            );
            setup.records = RECORDS;
            let report = run(&setup, Trouble::None).unwrap();
            assert_eq!(report.before().records, 14);
            assert_done(&setup);
        }
    }
    // One that ends just there is not too short.
    let mut setup = disturbed(place.path(), From::Iterator, 14);
    setup.records = 14;
    run(&setup, Trouble::None).unwrap();
    assert_done(&setup);
}

#[test]
fn a_job_that_starts_over_forgets_what_was_there() {
    let place = tempfile::tempdir().unwrap();
    for from in FROM {
        let mut setup = disturbed(place.path(), from, 14);
        // Whatever it was: also what would be refused.
        (setup.start_over, setup.parameters) = (true, 2);
        let report = run(&setup, Trouble::None).unwrap();
        assert_eq!(
            (report.before(), report.read()),
            (&Entry::default(), RECORDS)
        );
        assert_done(&setup);
        // Disturbed itself, it is gone on from like any other.
        run(&setup, Trouble::Fails(7)).unwrap_err();
        setup.start_over = false;
        assert_eq!(run(&setup, Trouble::None).unwrap().before().records, 7);
        assert_done(&setup);
    }
}

#[test]
fn a_source_with_places_is_not_read_again_from_the_start() {
    quiet_panics();
    for from in [From::Counted, From::Uncounted] {
        let rows = if from == From::Counted { 3 } else { 4 };
        for at in 0..14 / rows * rows {
            let setup = Setup::new(from, table(1));
            run(&setup, Trouble::Fails(14)).unwrap_err();
            let report = run(&setup, Trouble::SourcePanics(at)).unwrap();
            assert_eq!(report.before().chunks, 14 / rows);
            assert_eq!(report.chunks(), RECORDS.div_ceil(rows) - 14 / rows);
            assert_done(&setup);
        }
    }
}

#[test]
fn a_success_leaves_nothing_so_that_the_next_night_begins_at_the_start() {
    let place = tempfile::tempdir().unwrap();
    let setup = disturbed(place.path(), From::Counted, 14);
    assert_eq!(folder(place.path()).len(), 2);
    run(&setup, Trouble::None).unwrap();
    assert_eq!(folder(place.path()).len(), 1);
    let report = run(&setup, Trouble::None).unwrap();
    assert_eq!((report.before().records, report.read()), (0, RECORDS));
    assert_done(&setup);
}

#[test]
fn a_checkpoint_needs_the_order_of_the_input_and_a_name() {
    let checkpoint = |order, name: &str| {
        Batch::builder()
            .order(order)
            .build()
            .unwrap()
            .job(Repeatable::new(0..9_u64, Fingerprint(1)))
            .encode(|n, row| writeln!(row, "{n}"))
            .into(FileSink::create("never made"))
            .checkpoint(name)
            .map(drop)
    };
    let refused = checkpoint(Order::AsFinished, "name").unwrap_err();
    assert!(matches!(refused, BuildError::CheckpointOutOfOrder));
    let refused = checkpoint(Order::Input, "").unwrap_err();
    assert!(matches!(refused, BuildError::CheckpointWithoutName));
    let refused = checkpoint(Order::Input, &"n".repeat(256)).unwrap_err();
    assert!(matches!(refused, BuildError::LongName(256)));
    assert!(checkpoint(Order::Input, &"n".repeat(255)).is_ok());
}

#[test]
fn a_job_that_is_complete_but_for_the_names_is_not_worked_on_again() {
    let place = tempfile::tempdir().unwrap();
    for (from, letters) in FROM.into_iter().zip([true, false, true]) {
        let mut setup = Setup::new(from, file(place.path(), Duration::ZERO));
        setup.letters = letters;
        drop(fs::remove_file(place.path().join("rows.rejected")));
        let Into::File { path, .. } = &setup.into else {
            unreachable!()
        };
        drop(fs::remove_file(path));
        // A folder of that name, with something in it, cannot be replaced.
        fs::create_dir(path).unwrap();
        fs::write(path.join("something"), "").unwrap();
        let ended = run(&setup, Trouble::None).unwrap_err();
        assert_eq!((ended.kind, ended.position), (Kind::Sink, RECORDS));
        assert_eq!(ended.report.committed().unwrap().records, RECORDS);
        fs::remove_dir_all(path).unwrap();
        // Nothing is read, so that nothing can go wrong there.
        let report = run(&setup, Trouble::SourcePanics(0)).unwrap();
        assert_eq!((report.read(), report.before().records), (0, RECORDS));
        assert_done(&setup);
        let left = folder(place.path()).len();
        assert_eq!(left, 1 + usize::from(letters));
    }
}

/// Without a checkpoint the work would be lost.
#[test]
fn a_name_that_a_folder_has_is_refused_before_the_first_record() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("rows");
    fs::create_dir(&path).unwrap();
    let result = Batch::new()
        .job(0..9_u64)
        .encode(|n, row| writeln!(row, "{n}"))
        .into(FileSink::create(&path))
        .run();
    let error = result.unwrap_err();
    assert_eq!(error.report().read(), 0);
    assert!(format!("{error:#}").contains("rows cannot be replaced by a file"));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

/// Runs numbers into a file, without a checkpoint or with one.
fn numbers_into(path: &Path, named: bool) -> Result<(), FileError> {
    let job = Batch::new()
        .job(Repeatable::new(0..9_u64, Fingerprint(1)))
        .encode(|n, row| writeln!(row, "{n}"))
        .into(FileSink::create(path));
    let result = if named {
        job.checkpoint("numbers").unwrap().run()
    } else {
        job.run()
    };
    match result {
        Ok(_) => Ok(()),
        Err(BatchError::Sink { error, .. }) => Err(error),
        Err(error) => panic!("another error: {error:?}"),
    }
}

#[test]
fn a_run_without_a_checkpoint_does_not_destroy_an_unfinished_one() {
    let place = tempfile::tempdir().unwrap();
    let setup = disturbed(place.path(), From::Counted, 14);
    let left = folder(place.path());
    let path = place.path().join("rows.csv");
    let refused = numbers_into(&path, false).unwrap_err();
    assert!(matches!(refused, FileError::Unfinished(_)));
    assert_eq!(folder(place.path()), left);
    run(&setup, Trouble::None).unwrap();
    assert_done(&setup);
}

#[test]
fn a_file_is_written_by_one_run_at_a_time() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("rows.csv");
    for named in [false, true] {
        let asked = Mutex::new(Vec::new());
        let job = Batch::new()
            .job(Repeatable::new(0..9_u64, Fingerprint(1)))
            .encode(|n, row| {
                // In the middle of the run, another one begins.
                if n == 4 {
                    let refused = numbers_into(&path, true).unwrap_err();
                    asked.lock().unwrap().push(refused);
                    let refused = numbers_into(&path, false).unwrap_err();
                    asked.lock().unwrap().push(refused);
                }
                writeln!(row, "{n}!")
            })
            .into(FileSink::create(&path));
        let result = if named {
            job.checkpoint("numbers").unwrap().run()
        } else {
            job.run()
        };
        assert_eq!(result.unwrap().written(), 9);
        let asked = asked.into_inner().unwrap();
        assert!(matches!(asked[0], FileError::Busy(_)), "{:?}", asked[0]);
        assert!(
            matches!(asked[1], FileError::Busy(_) | FileError::Unfinished(_)),
            "{:?}",
            asked[1]
        );
        let rows: String = (0..9).map(|n| format!("{n}!\n")).collect();
        assert_eq!(fs::read_to_string(&path).unwrap(), rows);
        assert_eq!(folder(place.path()).len(), 1);
    }
}

/// A sink of the user that finds this checkpoint.
struct Finds {
    found: Checkpoint,
    begun: Option<Entry>,
    written: Vec<u64>,
    ended: Option<End>,
}

impl Sink<u64> for &mut Finds {
    type Error = String;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), String> {
        assert_eq!(job, Some(&self.found.job));
        self.begun = from.copied();
        Ok(())
    }

    fn write(&mut self, output: u64) -> Result<(), String> {
        self.written.push(output);
        Ok(())
    }

    fn finish(&mut self, _entry: &Entry, end: End) -> Result<(), String> {
        self.ended = Some(end);
        Ok(())
    }
}

impl Recover for &mut Finds {
    type Error = String;

    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, String> {
        assert_eq!(name, "found");
        Ok(Some(self.found.clone()))
    }
}

#[test]
fn what_a_sink_finds_is_where_the_run_begins() {
    for (records, complete) in [(0, false), (1, false), (7, false), (10, false), (10, true)] {
        for inline in [false, true] {
            let job = JobId::new("found", Fingerprint::of(&3), Fingerprint(1)).unwrap();
            let mut entry = Entry::default();
            (entry.records, entry.past, entry.written) = (records, records, records);
            let mut sink = Finds {
                found: Checkpoint::new(job, entry, complete),
                begun: None,
                written: Vec::new(),
                ended: None,
            };
            let report = Batch::builder()
                .inline_start(inline)
                .chunk_rows(4)
                .build()
                .unwrap()
                .job(Repeatable::new(0..10_u64, Fingerprint(1)))
                .process(|n| Ok::<_, String>(crm_batch::Verdict::Output(n)))
                .into(&mut sink)
                .checkpoint("found")
                .unwrap()
                .parameters(&3)
                .run()
                .unwrap();
            assert_eq!(report.before(), &entry);
            assert_eq!(sink.begun, Some(entry));
            assert!(sink.written.into_iter().eq(records..10));
            assert_eq!(sink.ended, Some(End::Complete));
        }
    }
}

#[test]
fn a_checkpoint_whose_counts_do_not_add_up_is_refused() {
    let whole = {
        let mut entry = Entry::default();
        (entry.records, entry.past) = (6, 6);
        (entry.written, entry.filtered, entry.skipped) = (3, 2, 1);
        entry
    };
    let changes: [fn(&mut Entry); 7] = [
        |_| (),
        // Of a source without a place of its own, all that is done is passed over.
        |entry| entry.past = 5,
        |entry| entry.past = 7,
        |entry| (entry.position, entry.past) = (Some(Position(3)), 7),
        |entry| entry.records = 7,
        |entry| entry.written -= 1,
        |entry| entry.skipped = u64::MAX,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let job = JobId::new("found", Fingerprint::of(&()), Fingerprint(1)).unwrap();
        let mut entry = whole;
        change(&mut entry);
        let mut sink = Finds {
            found: Checkpoint::new(job, entry, false),
            begun: None,
            written: Vec::new(),
            ended: None,
        };
        let result = Batch::new()
            .job(Repeatable::new(0..10_u64, Fingerprint(1)))
            .process(|n| Ok::<_, String>(crm_batch::Verdict::Output(n)))
            .into(&mut sink)
            .checkpoint("found")
            .unwrap()
            .run();
        if index == 0 {
            assert!(result.is_ok());
            continue;
        }
        let error = result.unwrap_err();
        assert!(
            matches!(
                error,
                BatchError::Checkpoint {
                    refusal: Refusal::WrongCounts,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(sink.begun.is_none() && sink.written.is_empty() && sink.ended.is_none());
    }
}

#[test]
fn refusals_say_what_is_not_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let setup = disturbed(place.path(), From::Counted, 14);
    let Into::File { path, .. } = &setup.into else {
        unreachable!()
    };
    let job = |input: u64| {
        Batch::new()
            .job(Repeatable::new(0..9_u64, Fingerprint(input)))
            .encode(|n, row| writeln!(row, "{n}"))
            .into(FileSink::create(path))
            .checkpoint("again")
            .unwrap()
            .run()
            .unwrap_err()
    };
    for (input, refused) in [(1, Refusal::ChangedParameters), (2, Refusal::ChangedInput)] {
        let error = job(input);
        assert!(
            matches!(error, BatchError::Checkpoint { refusal, .. } if refusal == refused),
            "{error:?}"
        );
        assert!(
            error.to_string().ends_with("or forget it by start_over"),
            "{error}"
        );
    }
}

#[test]
fn a_sink_that_cannot_begin_blames_no_record() {
    let place = tempfile::tempdir().unwrap();
    let error = Batch::new()
        .job(Repeatable::new(0..9_u64, Fingerprint(1)))
        .encode(|n, row| writeln!(row, "{n}"))
        .into(FileSink::create(
            place.path().join("no folder").join("rows.csv"),
        ))
        .checkpoint("nowhere")
        .unwrap()
        .run()
        .unwrap_err();
    assert!(matches!(error, BatchError::Sink { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with("the sink refused before any record"),
        "{error}"
    );
}

#[test]
fn progress_tells_what_earlier_runs_have_done() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("rows.csv");
    let seen = Arc::new(Mutex::new(Vec::new()));
    for end in [Some(13), None] {
        let seen = Arc::clone(&seen);
        let result = Batch::builder()
            .chunk_rows(5)
            .pool(pool(1))
            .inline_start(false)
            .progress(move |progress| {
                let figures = (progress.before(), progress.settled(), progress.read());
                seen.lock().unwrap().push(figures);
            })
            .build()
            .unwrap()
            .job(Repeatable::new(0..20_u64, Fingerprint(1)))
            .encode(|n, row| match end {
                Some(end) if end == n => Err("trouble"),
                _ => writeln!(row, "{n}").map_err(|_| "full"),
            })
            .into(FileSink::create(&path))
            .checkpoint("progress")
            .unwrap()
            .run();
        assert_eq!(result.is_ok(), end.is_none());
    }
    let seen = seen.lock().unwrap();
    let first: Vec<_> = seen.iter().filter(|seen| seen.0 == 0).collect();
    assert_eq!(first, [&(0, 5, 5), &(0, 10, 10)]);
    let second: Vec<_> = seen.iter().filter(|seen| seen.0 != 0).collect();
    assert_eq!(second.last(), Some(&&(13, 7, 7)));
}

/// What a bar that counts bytes needs: the place at which a run began, and what it has read since.
#[test]
fn progress_tells_where_in_a_file_a_run_went_on() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("rows.txt");
    let input: String = (0..100).map(|n| format!("{n}\n")).collect();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for end in [Some(53), None] {
        let log = Arc::clone(&seen);
        let result = Batch::builder()
            .chunk_bytes(16)
            .pool(pool(1))
            .inline_start(false)
            .progress(move |progress| {
                log.lock()
                    .unwrap()
                    .push((progress.start(), progress.bytes()));
            })
            .build()
            .unwrap()
            .job(Lines::new(std::io::Cursor::new(input.clone())))
            .encode(|line, row| match line.to_str() {
                Ok(text) if end != text.parse().ok() => writeln!(row, "{text}").map_err(|_| "full"),
                _ => Err("trouble"),
            })
            .into(FileSink::create(&path))
            .checkpoint("bytes")
            .unwrap()
            .run();
        let last = seen.lock().unwrap().pop().unwrap();
        if end.is_some() {
            assert!(result.is_err());
            assert_eq!(last.0, None);
        } else {
            let committed = result.unwrap().before().position.unwrap();
            assert!((1..=150).contains(&committed.0), "{committed:?}");
            assert_eq!(last.0, Some(committed));
            assert_eq!(committed.0 + last.1, input.len() as u64);
        }
        seen.lock().unwrap().clear();
    }
}

#[test]
fn what_is_bad_is_bad_in_each_run() {
    let bad: Vec<u64> = (0..RECORDS).filter(|record| is_bad(*record)).collect();
    assert_eq!(bad, [1, 9, 17]);
}
