//! What others have got wrong: failures that users of well-known systems have reported, each with the test that it may not
//! happen here. SB is spring-projects/spring-batch.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, CancelToken, Checkpoint, Chunk, End, Entry, FileError, FileSink, Fill,
    Fingerprint, JobId, Position, Recover, Refusal, Repeatable, Report, Retry, Room, Seek, Sink,
    SkipLimit, Source, Verdict,
};
use crm_clock::Clock;
use support::again::{Numbers, Trouble};
use support::fate::quiet_panics;
use support::pool;
use support::watchdog::within;

const RECORDS: u64 = 40;

/// A database in small: what has been committed, and by which entry.
#[derive(Clone, Debug, Default)]
struct Database {
    rows: Vec<u64>,
    checkpoint: Option<Checkpoint>,
    commits: u64,
    finished: u64,
}

/// Which commit goes wrong, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The rows are refused.
    Rows(u64),
    /// The rows are taken, the ledger is not.
    Ledger(u64),
}

/// A sink that commits rows and ledger in one transaction, which is rolled back when anything in it fails.
struct Transaction {
    database: Arc<Mutex<Database>>,
    job: Option<JobId>,
    pending: Vec<u64>,
    fault: Fault,
    rolled_back: bool,
    committed: Option<Entry>,
}

impl Transaction {
    fn new(database: &Arc<Mutex<Database>>, fault: Fault) -> Self {
        Self {
            database: Arc::clone(database),
            job: None,
            pending: Vec::new(),
            fault,
            rolled_back: false,
            committed: None,
        }
    }

    fn transact(&mut self, entry: &Entry, complete: bool) -> Result<(), String> {
        if self.rolled_back {
            return Err("the connection is lost".to_owned());
        }
        let mut database = self.database.lock().unwrap();
        let mut next = database.clone();
        next.commits += 1;
        let number = next.commits;
        next.rows.append(&mut self.pending);
        if let Some(job) = &self.job {
            next.checkpoint = Some(Checkpoint::new(job.clone(), *entry, complete));
        }
        if self.fault == Fault::Rows(number) || self.fault == Fault::Ledger(number) {
            self.rolled_back = true;
            database.commits += 1;
            return Err(format!("commit {number} fails"));
        }
        *database = next;
        self.committed = Some(*entry);
        Ok(())
    }
}

impl Sink<u64> for Transaction {
    type Error = String;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), String> {
        self.job = job.cloned();
        self.committed = from.copied();
        Ok(())
    }

    fn write(&mut self, output: u64) -> Result<(), String> {
        self.pending.push(output);
        Ok(())
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), String> {
        self.transact(entry, false)
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), String> {
        self.transact(entry, end == End::Complete)?;
        if end == End::Complete {
            self.database.lock().unwrap().finished += 1;
        }
        Ok(())
    }

    fn committed(&self) -> Option<Entry> {
        self.committed
    }
}

impl Recover for Transaction {
    type Error = String;

    fn recover(&mut self, _name: &str) -> Result<Option<Checkpoint>, String> {
        Ok(self.database.lock().unwrap().checkpoint.clone())
    }
}

/// Runs the numbers into the database; the function sees each record that is worked on.
fn into_database(
    database: &Arc<Mutex<Database>>,
    fault: Fault,
    threads: usize,
    see: impl Fn(u64) -> Result<(), String> + Sync,
) -> Result<Report<String>, BatchError<String, String, String>> {
    Batch::builder()
        .pool(pool(threads))
        .inline_start(false)
        .chunk_rows(5)
        .build()
        .unwrap()
        .job(Numbers::<true>::new(
            RECORDS,
            Trouble::None,
            &CancelToken::new(),
            1,
        ))
        .process(|n| see(n).map(|()| Verdict::Output(n)))
        .into(Transaction::new(database, fault))
        .checkpoint("accounts")
        .unwrap()
        .run()
}

fn fine(_record: u64) -> Result<(), String> {
    Ok(())
}

/// Guards against SB#5182 and SB#1145: the position was kept although the chunk had been rolled back, and the restart
/// passed over its records.
#[test]
fn case_01_a_failed_chunk_is_processed_again_after_a_restart() {
    for commit in 1..=8 {
        for threads in [1, 2] {
            let database = Arc::default();
            let error = into_database(&database, Fault::Rows(commit), threads, fine).unwrap_err();
            let chunk = (commit - 1) * 5..commit * 5;
            assert_eq!(error.position(), chunk.end);
            let seen = Mutex::new(BTreeSet::new());
            let report = into_database(&database, Fault::None, threads, |n| {
                seen.lock().unwrap().insert(n);
                Ok(())
            });
            assert_eq!(report.unwrap().before().records, chunk.start);
            assert!(
                seen.into_inner()
                    .unwrap()
                    .into_iter()
                    .eq(chunk.start..RECORDS)
            );
            assert!(database.lock().unwrap().rows.iter().copied().eq(0..RECORDS));
        }
    }
}

/// Guards against SB#5199: what says how far the job is was updated outside of the transaction of the chunk.
#[test]
fn case_02_effect_and_ledger_are_committed_together_or_not_at_all() {
    for commit in 1..=9 {
        let database: Arc<Mutex<Database>> = Arc::default();
        into_database(&database, Fault::Ledger(commit), 2, fine).unwrap_err();
        let agree = || {
            let database = database.lock().unwrap();
            let checkpoint = database.checkpoint.as_ref();
            let told = checkpoint.map_or(0, |checkpoint| checkpoint.entry.written);
            assert_eq!(database.rows.len() as u64, told);
        };
        agree();
        into_database(&database, Fault::None, 2, fine).unwrap();
        agree();
        assert!(database.lock().unwrap().rows.iter().copied().eq(0..RECORDS));
    }
}

/// Guards against SB#5509: a chunk that had been rolled back was counted as written, and the job called complete.
#[test]
fn case_03_counts_are_those_of_what_the_sink_really_has() {
    for commit in 1..=9 {
        let database: Arc<Mutex<Database>> = Arc::default();
        let error = into_database(&database, Fault::Rows(commit), 2, fine).unwrap_err();
        let has = |database: &Mutex<Database>| database.lock().unwrap().rows.len() as u64;
        let committed = error.report().committed().map_or(0, |entry| entry.written);
        assert_eq!(committed, has(&database));
        assert_eq!(database.lock().unwrap().finished, 0, "it is not complete");
        let report = into_database(&database, Fault::None, 2, fine).unwrap();
        assert_eq!(report.before().written, committed);
        assert_eq!(committed + report.written(), has(&database));
        assert_eq!(database.lock().unwrap().finished, 1);
    }
    // The other half of it: a retry within the transaction that it had doomed. Here nothing of a record comes to the sink
    // before its last attempt.
    let tried = Mutex::new(BTreeMap::<u64, u32>::new());
    let mut rows = Vec::new();
    let retry = Retry::exponential(4).first_delay(Duration::from_micros(10));
    let report = Batch::builder()
        .retry(retry)
        .chunk_rows(5)
        .build()
        .unwrap()
        .job(0..RECORDS)
        .process(|n| {
            let mut tried = tried.lock().unwrap();
            let attempt = tried.entry(n).or_insert(0);
            *attempt += 1;
            if u64::from(*attempt) <= n % 4 {
                return Err("busy");
            }
            Ok(Verdict::Output(n))
        })
        .retry_when(|_| true)
        .into(&mut rows)
        .run()
        .unwrap();
    assert!(rows.iter().copied().eq(0..RECORDS));
    assert_eq!(
        (report.written(), report.retries()),
        (RECORDS, 10 * (1 + 2 + 3))
    );
}

/// Guards against SB#5210: the items of a failing chunk were written one by one without a rollback of the first try.
#[test]
fn case_04_a_poisonous_record_is_isolated_without_doubling_its_neighbours() {
    quiet_panics();
    for threads in [1, 2, 4] {
        for poison in 0..10 {
            let calls = Mutex::new(BTreeMap::<u64, u32>::new());
            let mut rows = Vec::new();
            let report = Batch::builder()
                .pool(pool(threads))
                .inline_start(poison % 2 == 0)
                .chunk_rows(10)
                .skip_limit(4)
                .build()
                .unwrap()
                .job(0..RECORDS)
                .process(|n| {
                    *calls.lock().unwrap().entry(n).or_default() += 1;
                    assert!(n % 10 != poison || n % 20 < 10, "record {n} is cursed");
                    if n % 10 == poison {
                        return Err("poison");
                    }
                    Ok(Verdict::Output(n))
                })
                .into(&mut rows)
                .run()
                .unwrap();
            assert!(
                rows.into_iter()
                    .eq((0..RECORDS).filter(|n| n % 10 != poison))
            );
            let skips = report.skips().iter().map(crm_batch::Skip::position);
            assert!(skips.eq((0..4).map(|chunk| chunk * 10 + poison)));
            // No chunk is tried again for the sake of one of its records.
            assert!(
                calls
                    .into_inner()
                    .unwrap()
                    .values()
                    .all(|calls| *calls == 1)
            );
        }
    }
}

/// Guards against SB#2650 and SB#860: each thread counted its skips against the limit, which was then exceeded.
#[test]
fn case_05_there_is_one_budget_for_skips_and_it_ends_the_run_at_the_same_record() {
    for threads in [1, 2, 4] {
        for chunk_rows in [1, 3, 100] {
            for limit in [0, 1, 5, 12, 13] {
                let bad = |n: u64| n % 3 == 1;
                let result = Batch::builder()
                    .pool(pool(threads))
                    .inline_start(false)
                    .chunk_rows(chunk_rows)
                    .skip_limit(limit)
                    .build()
                    .unwrap()
                    .run(
                        0..RECORDS,
                        |n| if bad(n) { Err(n) } else { Ok(n) },
                        |_| Ok::<_, ()>(()),
                    );
                match (0..RECORDS)
                    .filter(|n| bad(*n))
                    .nth(usize::try_from(limit).unwrap())
                {
                    None => assert_eq!(result.unwrap().skipped(), 13),
                    Some(end) => {
                        let error = result.unwrap_err();
                        assert_eq!(error.position(), end);
                        assert_eq!(error.report().skipped(), limit);
                        assert_eq!(error.report().written(), end - limit);
                    }
                }
            }
        }
    }
}

/// Guards against SB#1401 and SB#1860: with several threads, a chunk was processed again that was not to be.
#[test]
fn case_06_only_what_may_be_tried_again_is_and_only_that_record() {
    for threads in [1, 2, 4] {
        let calls = Mutex::new(BTreeMap::<u64, u32>::new());
        let retry = Retry::exponential(3).first_delay(Duration::from_micros(10));
        let report = Batch::builder()
            .pool(pool(threads))
            .chunk_rows(4)
            .retry(retry)
            .skip(SkipLimit::ALL)
            .build()
            .unwrap()
            .job(0..RECORDS)
            .process(|n| {
                *calls.lock().unwrap().entry(n).or_default() += 1;
                match n % 8 {
                    3 => Err("busy"),
                    6 => Err("invalid"),
                    _ => Ok(Verdict::Output(n)),
                }
            })
            .retry_when(|failure| failure.error() == Some(&"busy"))
            .into(|_| Ok::<_, ()>(()))
            .run()
            .unwrap();
        for (n, calls) in calls.into_inner().unwrap() {
            assert_eq!(calls, if n % 8 == 3 { 3 } else { 1 }, "record {n}");
        }
        for skip in report.skips() {
            let attempts = if skip.position() % 8 == 3 { 3 } else { 1 };
            assert_eq!(skip.attempts(), attempts);
        }
        assert_eq!(report.skipped(), 10);
    }
}

/// Guards against SB#3882: with several threads, the position of a restart was that of whoever had come furthest.
#[test]
fn case_07_a_restart_begins_at_the_first_record_that_is_not_settled() {
    within(|| {
        for hole in [0, 5, 17] {
            let database: Arc<Mutex<Database>> = Arc::default();
            let ahead = AtomicBool::new(false);
            let error = into_database(&database, Fault::None, 2, |n| {
                if n == hole {
                    // The other worker overtakes this one.
                    while !ahead.load(Ordering::Relaxed) {
                        thread::yield_now();
                    }
                    return Err("the record fails".to_owned());
                }
                if n / 5 > hole / 5 {
                    ahead.store(true, Ordering::Relaxed);
                }
                Ok(())
            })
            .unwrap_err();
            assert_eq!(error.position(), hole);
            assert!(database.lock().unwrap().rows.iter().copied().eq(0..hole));
            let report = into_database(&database, Fault::None, 2, fine).unwrap();
            assert_eq!(report.before().records, hole);
            assert!(database.lock().unwrap().rows.iter().copied().eq(0..RECORDS));
        }
    });
}

/// Lines, in blocks that are cut without a look at what they hold.
struct Blocks {
    text: &'static [u8],
    filled: u64,
}

/// A block, which is cut into lines by the worker that has it.
#[derive(Default)]
struct Block {
    bytes: &'static [u8],
    number: u64,
    begun: bool,
}

/// Where the workers that parse the first two blocks meet.
static BOTH_PARSE: Barrier = Barrier::new(2);

impl Chunk for Block {
    type Record<'r> = &'r [u8];

    fn next(&mut self) -> Option<&[u8]> {
        if !self.begun && self.number < 2 {
            BOTH_PARSE.wait();
        }
        self.begun = true;
        let end = (0..self.bytes.len()).find(|at| self.bytes[*at] == b'\n')?;
        let (line, rest) = self.bytes.split_at(end);
        self.bytes = &rest[1..];
        Some(line)
    }

    fn only(_line: &[u8]) -> Self {
        unreachable!("nothing is kept")
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Source for Blocks {
    type Chunk = Block;
    type Error = String;

    fn fill(&mut self, block: &mut Block, room: &Room<'_>) -> Result<Fill, String> {
        let about = room.bytes().min(self.text.len());
        let end = self.text[..about].iter().rposition(|byte| *byte == b'\n');
        let (bytes, rest) = self.text.split_at(end.map_or(0, |end| end + 1));
        (block.bytes, self.text) = (bytes, rest);
        (block.number, block.begun) = (self.filled, false);
        self.filled += 1;
        Ok(if rest.is_empty() {
            Fill::ended()
        } else {
            Fill::more()
        })
    }
}

/// Guards against SB#3632: a lock around the reader, within which records were parsed, took three quarters of the time.
#[test]
fn case_08_blocks_are_parsed_by_several_workers_at_the_same_time() {
    within(|| {
        let text: String = (0..500).map(|n| format!("{n}\n")).collect();
        let mut rows = Vec::new();
        let blocks = Blocks {
            text: text.clone().leak().as_bytes(),
            filled: 0,
        };
        // The first two blocks wait for each other: they would for ever if one could only be parsed after the other.
        let report = Batch::builder()
            .pool(pool(2))
            .inline_start(false)
            .chunk_bytes(100)
            .build()
            .unwrap()
            .job(blocks)
            .encode(|line, row| {
                row.extend_from_slice(line);
                row.push(b'\n');
                Ok::<_, String>(())
            })
            .into(|row: &[u8]| rows.write_all(row))
            .run()
            .unwrap();
        assert_eq!(report.written(), 500);
        assert_eq!(String::from_utf8(rows).unwrap(), text);
    });
}

/// Runs numbers into a file, with a sink around it that panics on one of them, so that it cannot clean up.
fn into_file(path: &Path, every: Duration, end: u64) -> Result<Report<()>, Option<FileError>> {
    struct Ends(FileSink, u64);
    impl<'b> Sink<&'b [u8]> for Ends {
        type Error = FileError;
        fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), FileError> {
            Sink::<&[u8]>::begin(&mut self.0, job, from)
        }
        fn write(&mut self, row: &'b [u8]) -> Result<(), FileError> {
            self.0.write(row)
        }
        fn write_at(&mut self, position: u64, row: &'b [u8]) -> Result<(), FileError> {
            assert!(position != self.1, "the sink is broken");
            self.0.write(row)
        }
        fn commit(&mut self, entry: &Entry) -> Result<(), FileError> {
            Sink::<&[u8]>::commit(&mut self.0, entry)
        }
        fn finish(&mut self, entry: &Entry, end: End) -> Result<(), FileError> {
            Sink::<&[u8]>::finish(&mut self.0, entry, end)
        }
        fn committed(&self) -> Option<Entry> {
            Sink::<&[u8]>::committed(&self.0)
        }
    }
    impl Recover for Ends {
        type Error = FileError;
        fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, FileError> {
            self.0.recover(name)
        }
    }
    // On the caller's thread a slow chunk would end before its fifth record.
    let result = Batch::builder()
        .pool(pool(2))
        .inline_start(false)
        .chunk_rows(5)
        .build()
        .unwrap()
        .job(Repeatable::new(0..RECORDS, Fingerprint(1)))
        .encode(|n, row| {
            row.push_str(&format!("{n}\n"));
            Ok::<_, ()>(())
        })
        .into(Ends(FileSink::create(path).commit_every(every), end))
        .checkpoint("numbers")
        .unwrap()
        .run();
    result.map_err(|error| match error {
        BatchError::Sink { error, .. } => Some(error),
        error => {
            let committed = error.report().committed().unwrap();
            let expected = if every.is_zero() { end / 5 * 5 } else { 0 };
            assert_eq!(committed.records, expected);
            None
        }
    })
}

fn lines() -> String {
    (0..RECORDS).map(|n| format!("{n}\n")).collect()
}

/// Guards against Eventual-Inc/Daft#7373: a checkpoint was final before what comes after it had finished.
#[test]
fn case_09_the_watermark_moves_when_the_sink_has_committed_and_not_before() {
    quiet_panics();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("numbers.txt");
    // One that commits every chunk, and one that has taken many and committed none.
    for every in [Duration::ZERO, Duration::from_secs(3_600)] {
        for end in [0, 3, 5, 22, 39] {
            assert!(into_file(&path, every, end).unwrap_err().is_none());
            let report = into_file(&path, every, u64::MAX).unwrap();
            let expected = if every.is_zero() { end / 5 * 5 } else { 0 };
            assert_eq!(report.before().records, expected);
            assert_eq!(fs::read_to_string(&path).unwrap(), lines());
        }
    }
}

/// Guards against nats-server#4786: what a stale worker said was accepted after its work had been given to another.
#[test]
fn case_10_nobody_else_gets_the_work_while_its_owner_may_still_speak() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("numbers.txt");
    let refused = AtomicU64::new(0);
    let report = Batch::builder()
        .chunk_rows(5)
        .build()
        .unwrap()
        .job(Repeatable::new(0..RECORDS, Fingerprint(1)))
        .encode(|n, row| {
            // However long this worker takes, another run of the job does not begin.
            if n % 7 == 0 {
                let error = into_file(&path, Duration::ZERO, u64::MAX).unwrap_err();
                assert!(matches!(error, Some(FileError::Busy(_))), "{error:?}");
                refused.fetch_add(1, Ordering::Relaxed);
            }
            row.push_str(&format!("{n}\n"));
            Ok::<_, String>(())
        })
        .into(FileSink::create(&path).commit_every(Duration::ZERO))
        .checkpoint("numbers")
        .unwrap()
        .run()
        .unwrap();
    assert_eq!((report.written(), refused.into_inner()), (RECORDS, 6));
    assert_eq!(fs::read_to_string(&path).unwrap(), lines());
}

/// Guards against apalis#507 and openzeppelin-relayer#891: a worker came back under the name of the dead one, and the work of
/// the dead one was held to be its own for ever.
#[test]
fn case_11_what_a_dead_run_has_held_is_free_at_once_for_a_run_of_the_same_name() {
    quiet_panics();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("numbers.txt");
    // Each of these dies without a word, in the same process, under the same name.
    for end in [3, 11, 11, 26] {
        assert!(into_file(&path, Duration::ZERO, end).unwrap_err().is_none());
    }
    let report = into_file(&path, Duration::ZERO, u64::MAX).unwrap();
    assert_eq!(report.before().records, 25);
    assert_eq!(fs::read_to_string(&path).unwrap(), lines());
}

/// Guards against oban#954 and sidekiq#5802, #6250: the event that said that a batch was complete was lost, and the batch
/// stayed open.
#[test]
fn case_12_completion_is_what_the_ledger_says() {
    // The ledger is complete, but whoever was to say so is gone.
    let database: Arc<Mutex<Database>> = Arc::default();
    into_database(&database, Fault::None, 2, fine).unwrap();
    database.lock().unwrap().finished = 0;
    let report = into_database(&database, Fault::None, 2, |n| panic!("{n} is done")).unwrap();
    assert_eq!((report.read(), report.before().records), (0, RECORDS));
    assert_eq!(database.lock().unwrap().finished, 1);
    assert!(database.lock().unwrap().rows.iter().copied().eq(0..RECORDS));
    // All chunks are committed, but not the last word: the job is not complete, and says so.
    let database: Arc<Mutex<Database>> = Arc::default();
    let error = into_database(&database, Fault::Ledger(9), 2, fine).unwrap_err();
    assert!(matches!(
        error,
        BatchError::Sink {
            position: RECORDS,
            ..
        }
    ));
    assert_eq!(database.lock().unwrap().finished, 0);
    let report = into_database(&database, Fault::None, 2, |n| panic!("{n} is done")).unwrap();
    assert_eq!((report.read(), report.before().records), (0, RECORDS));
    assert_eq!(database.lock().unwrap().finished, 1);
}

/// A source that gives some records and then none, and does not end.
struct Silent<'h> {
    next: u64,
    hand: &'h crm_clock::ManualClock,
}

impl Source for Silent<'_> {
    type Chunk = crm_batch::Owned<u64>;
    type Error = String;

    fn fill(&mut self, chunk: &mut Self::Chunk, room: &Room<'_>) -> Result<Fill, String> {
        while chunk.len() < room.rows() {
            if self.next < 12 {
                chunk.push(self.next);
                self.next += 1;
                continue;
            }
            while !room.is_over() {
                self.hand.advance(Duration::from_millis(1));
            }
            break;
        }
        Ok(Fill::more())
    }

    fn next_position(&self) -> Option<Position> {
        Some(Position(self.next))
    }
}

impl Seek for Silent<'_> {
    fn fingerprint(&mut self) -> Result<Fingerprint, String> {
        Ok(Fingerprint(1))
    }

    fn seek(&mut self, to: Position, _records: u64) -> Result<(), String> {
        self.next = to.0;
        Ok(())
    }
}

/// Guards against ballista PR #2212: when all who worked were gone, the client waited for ever.
#[test]
fn case_13_a_run_in_which_nothing_moves_ends_at_its_deadline() {
    within(|| {
        for (threads, inline) in [(1, false), (1, true), (2, false), (2, true)] {
            let database: Arc<Mutex<Database>> = Arc::default();
            for _ in 0..2 {
                let (clock, hand) = Clock::manual();
                let error = Batch::builder()
                    .pool(pool(threads))
                    .inline_start(inline)
                    .chunk_rows(4)
                    .deadline(Duration::from_secs(60))
                    .clock(clock)
                    .build()
                    .unwrap()
                    .job(Silent {
                        next: 0,
                        hand: &hand,
                    })
                    .process(|n| Ok::<_, String>(Verdict::Output(n)))
                    .into(Transaction::new(&database, Fault::None))
                    .checkpoint("silent")
                    .unwrap()
                    .run()
                    .unwrap_err();
                assert!(matches!(error, BatchError::DeadlineExceeded { .. }));
                // What had been done is kept, and not done twice.
                let rows = &database.lock().unwrap().rows;
                assert!(rows.iter().copied().eq(0..error.position()));
            }
        }
    });
}

/// Guards against what the manual of GNU parallel warns of: a resumed run over another input goes wrong without a word.
#[test]
fn case_14_a_changed_input_is_refused_before_anything_is_touched() {
    let place = tempfile::tempdir().unwrap();
    let (input, output) = (place.path().join("in.txt"), place.path().join("out.txt"));
    let run = |end: Option<&str>| {
        let text = fs::read_to_string(&input).unwrap();
        Batch::builder()
            .chunk_rows(2)
            .build()
            .unwrap()
            .job(Repeatable::new(text.lines(), Fingerprint::of(&text)))
            .encode(|line, row| {
                if Some(line) == end {
                    return Err("trouble");
                }
                row.push_str(&format!("{line}!\n"));
                Ok(())
            })
            .into(FileSink::create(&output).commit_every(Duration::ZERO))
            .checkpoint("lines")
            .unwrap()
            .run()
    };
    let kept = || {
        ["part", "checkpoint"].map(|extension| {
            let path = format!("{}.{extension}", output.display());
            fs::read(path).unwrap()
        })
    };
    fs::write(&input, "a\nb\nc\nd\ne\n").unwrap();
    run(Some("d")).unwrap_err();
    let left = kept();
    for other in [
        "a\nb\nc\nD\ne\n",
        "a\nb\nc\nd\ne\nf\n",
        "x\na\nb\nc\nd\ne\n",
        "",
    ] {
        fs::write(&input, other).unwrap();
        let error = run(None).unwrap_err();
        assert!(matches!(
            error,
            BatchError::Checkpoint {
                refusal: Refusal::ChangedInput,
                ..
            }
        ));
        assert!(error.to_string().contains("input is not what it was"));
        assert_eq!(kept(), left);
    }
    fs::write(&input, "a\nb\nc\nd\ne\n").unwrap();
    assert_eq!(run(None).unwrap().before().records, 3);
    assert_eq!(fs::read_to_string(&output).unwrap(), "a!\nb!\nc!\nd!\ne!\n");
}

/// Guards against SB#1108 and SB#4421: chunks of one record were scanned once more for nothing, or their skips were wrong.
#[test]
fn case_15_chunks_of_one_record_are_tried_and_skipped_like_any_others() {
    for threads in [1, 2, 4] {
        for chunk_rows in [1, 2, 7] {
            let calls = Mutex::new(BTreeMap::<u64, u32>::new());
            let mut rows = Vec::new();
            let retry = Retry::exponential(2).first_delay(Duration::from_micros(10));
            let report = Batch::builder()
                .pool(pool(threads))
                .chunk_rows(chunk_rows)
                .retry(retry)
                .skip_limit(5)
                .build()
                .unwrap()
                .job(0..20_u64)
                .process(|n| {
                    let calls = {
                        let mut calls = calls.lock().unwrap();
                        let calls = calls.entry(n).or_default();
                        *calls += 1;
                        *calls
                    };
                    match n % 4 {
                        1 => Err("never"),
                        2 if calls == 1 => Err("not yet"),
                        _ => Ok(Verdict::Output(n)),
                    }
                })
                .retry_when(|failure| failure.error() == Some(&"not yet"))
                .into(&mut rows)
                .run()
                .unwrap();
            assert!(rows.into_iter().eq((0..20).filter(|n| n % 4 != 1)));
            let skips = report.skips().iter();
            let skips = skips.map(|skip| (skip.position(), skip.attempts()));
            assert!(skips.eq((0..5).map(|n| (n * 4 + 1, 1))));
            for (n, calls) in calls.into_inner().unwrap() {
                assert_eq!(calls, if n % 4 == 2 { 2 } else { 1 }, "record {n}");
            }
        }
    }
}
