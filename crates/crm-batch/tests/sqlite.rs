//! Jobs over SQLite: whatever fails when, the tables hold what an undisturbed run leaves, and the checkpoint tells the truth.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, Builder, CancelToken, Checkpoint, End, Entry, Fill, Fingerprint, JobId,
    Owned, Position, Recover, Refusal, Repeatable, Report, Room, Seek, Sink, SkipLimit, Source,
    SqliteError, SqliteRows, SqliteSink, Stage, Verdict,
};
use crm_clock::{Clock, ManualClock};
use rayon::{ThreadPool, ThreadPoolBuilder};
use rusqlite::{Connection, ErrorCode};

const JOB: &str = "scores";

/// What goes wrong, at which record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The first of two statements for a row is executed, then the function fails.
    Row(u64),
    RowPanics(u64),
    /// The same for a rejected record.
    Reject(u64),
    RejectPanics(u64),
    Work(u64),
    Source(u64),
    Cancel(u64),
}

/// What happens to a record, by its number.
fn fate(id: u64) -> Result<Verdict<(u64, u64)>, String> {
    match id % 6 {
        2 => Ok(Verdict::Filtered),
        4 => Err(format!("bad {id}")),
        _ => Ok(Verdict::Output((id, id * 3))),
    }
}

const TABLES: &str = "
    CREATE TABLE scores (id INTEGER, score INTEGER);
    CREATE TABLE marks (id INTEGER);
    CREATE TABLE rejects (record INTEGER, why TEXT);
    CREATE TABLE rejected (record INTEGER);
";

/// A sync is against a power cut, and these tests only kill.
const NO_SYNC: &str = "PRAGMA synchronous = OFF";

/// Rows in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    scores: Vec<(i64, i64)>,
    marks: Vec<i64>,
    rejects: Vec<(i64, String)>,
    rejected: Vec<i64>,
}

/// The oracle: a plain loop over the first records.
fn plain(records: u64) -> Content {
    let mut content = Content::default();
    for id in 0..records {
        match fate(id) {
            Ok(Verdict::Output((id, score))) => {
                content.scores.push((id as i64, score as i64));
                content.marks.push(id as i64);
            }
            Ok(Verdict::Filtered) => (),
            Err(why) => {
                content.rejects.push((id as i64, why));
                content.rejected.push(id as i64);
            }
        }
    }
    content
}

fn content(connection: &Connection) -> Content {
    fn list<T>(
        connection: &Connection,
        sql: &str,
        map: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], map).unwrap();
        rows.map(Result::unwrap).collect()
    }
    Content {
        scores: list(
            connection,
            "SELECT id, score FROM scores ORDER BY rowid",
            |row| Ok((row.get(0)?, row.get(1)?)),
        ),
        marks: list(connection, "SELECT id FROM marks ORDER BY rowid", |row| {
            row.get(0)
        }),
        rejects: list(
            connection,
            "SELECT record, why FROM rejects ORDER BY rowid",
            |row| Ok((row.get(0)?, row.get(1)?)),
        ),
        rejected: list(
            connection,
            "SELECT record FROM rejected ORDER BY rowid",
            |row| row.get(0),
        ),
    }
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Jobs that have left a checkpoint.
fn unfinished(connection: &Connection) -> i64 {
    number(connection, "SELECT count(*) FROM crm_batch_ledger")
}

fn memory() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(TABLES).unwrap();
    connection
}

/// An error as a statement would give it.
fn refused() -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure("refused".into())
}

fn blow_up() -> ! {
    panic::resume_unwind(Box::new("boom"))
}

/// Numbers, or an error in their place.
struct Numbers {
    next: u64,
    end: u64,
    fault: Fault,
    token: CancelToken,
    input: Fingerprint,
    /// Whether it goes to a place by itself, or lets the engine pass over what is done.
    seeks: bool,
}

impl Source for Numbers {
    type Chunk = Owned<u64>;
    type Error = &'static str;

    fn fill(&mut self, chunk: &mut Owned<u64>, room: &Room<'_>) -> Result<Fill, Self::Error> {
        while chunk.len() < room.rows() {
            if self.next == self.end {
                return Ok(Fill::ended());
            }
            if self.fault == Fault::Source(self.next) {
                return Err("unplugged");
            }
            if self.fault == Fault::Cancel(self.next) {
                self.token.cancel();
            }
            chunk.push(self.next);
            self.next += 1;
        }
        Ok(Fill::more())
    }

    fn position(&self) -> Option<Position> {
        self.seeks.then_some(Position(self.next))
    }
}

impl Seek for Numbers {
    fn fingerprint(&mut self) -> Result<Fingerprint, Self::Error> {
        Ok(self.input)
    }

    fn seek(&mut self, to: Position) -> Result<(), Self::Error> {
        assert!(self.seeks);
        self.next = to.0;
        Ok(())
    }
}

/// One way to run the job.
#[derive(Clone)]
struct Setting {
    records: u64,
    chunk: usize,
    pool: Option<Arc<ThreadPool>>,
    /// Rows from one commit to the next; 0 for one at the end alone.
    every: u64,
    seeks: bool,
    keep: bool,
    input: u64,
    parameters: u64,
}

impl Setting {
    fn new(records: u64, chunk: usize) -> Self {
        Self {
            records,
            chunk,
            pool: None,
            every: 0,
            seeks: true,
            keep: false,
            input: 1,
            parameters: 1,
        }
    }

    fn builder(&self) -> Builder {
        let builder = Batch::builder().chunk_rows(self.chunk).skip(SkipLimit::ALL);
        match &self.pool {
            Some(pool) => builder.pool(Arc::clone(pool)).inline_start(false),
            None => builder.threads(1),
        }
    }

    fn numbers(&self, fault: Fault, token: &CancelToken) -> Numbers {
        Numbers {
            next: 0,
            end: self.records,
            fault,
            token: token.clone(),
            input: Fingerprint(self.input),
            seeks: self.seeks,
        }
    }

    /// A sink whose clock moves by a second with each row.
    fn sink<'c>(
        &self,
        connection: &'c mut Connection,
        fault: Fault,
        hand: ManualClock,
        clock: Clock,
    ) -> SqliteSink<
        &'c mut Connection,
        impl FnMut(&Connection, (u64, u64)) -> rusqlite::Result<()> + use<'c>,
    > {
        let sink = SqliteSink::new(connection, move |connection: &Connection, (id, score)| {
            hand.advance(Duration::from_secs(1));
            connection
                .prepare_cached("INSERT INTO scores VALUES (?1, ?2)")?
                .execute([id as i64, score as i64])?;
            if fault == Fault::Row(id) {
                return Err(refused());
            }
            if fault == Fault::RowPanics(id) {
                blow_up();
            }
            connection
                .prepare_cached("INSERT INTO marks VALUES (?1)")?
                .execute([id as i64])?;
            Ok(())
        });
        let every = match self.every {
            0 => Duration::MAX,
            rows => Duration::from_secs(rows),
        };
        let sink = sink.commit_every(every).clock(clock);
        if self.keep {
            sink.keep_completed()
        } else {
            sink
        }
    }

    #[expect(clippy::type_complexity, reason = "the error of a run")]
    fn run(
        &self,
        connection: &mut Connection,
        fault: Fault,
    ) -> Result<Report<String>, BatchError<String, SqliteError, &'static str>> {
        let (clock, hand) = Clock::manual();
        let token = CancelToken::new();
        let batch = self.builder().cancel(token.clone()).build().unwrap();
        batch
            .job(self.numbers(fault, &token))
            .process(|id| match fault {
                Fault::Work(at) if at == id => Err("fatal".to_owned()),
                _ => fate(id),
            })
            .fatal_when(|failure| failure.error().is_some_and(|error| error == "fatal"))
            .into(self.sink(connection, fault, hand, clock))
            .rejects(|sink, skip, _| {
                let id = skip.position() as i64;
                let connection = sink.connection()?;
                let why = skip.failure().to_string();
                connection.execute("INSERT INTO rejects VALUES (?1, ?2)", (id, why))?;
                if fault == Fault::Reject(id as u64) {
                    return Err(refused().into());
                }
                if fault == Fault::RejectPanics(id as u64) {
                    blow_up();
                }
                connection.execute("INSERT INTO rejected VALUES (?1)", [id])?;
                Ok(())
            })
            .checkpoint(JOB)
            .unwrap()
            .parameters(&self.parameters)
            .run()
    }
}

fn committed<E, S, I>(error: &BatchError<E, S, I>) -> Entry {
    error.report().committed().copied().unwrap_or_default()
}

/// What is committed is what the tables hold, row for row.
fn assert_truth(connection: &Connection, committed: &Entry, what: &str) {
    let content = content(connection);
    assert_eq!(content, plain(committed.records), "{what}");
    assert_eq!(content.scores.len() as u64, committed.written, "{what}");
    assert_eq!(content.rejects.len() as u64, committed.skipped, "{what}");
    let filtered = committed.records - committed.written - committed.skipped;
    assert_eq!(filtered, committed.filtered, "{what}");
}

fn faults(id: u64) -> Vec<Fault> {
    let mut faults = vec![Fault::Work(id), Fault::Source(id), Fault::Cancel(id)];
    match fate(id) {
        Ok(Verdict::Output(_)) => faults.extend([Fault::Row(id), Fault::RowPanics(id)]),
        Ok(Verdict::Filtered) => (),
        Err(_) => faults.extend([Fault::Reject(id), Fault::RejectPanics(id)]),
    }
    faults
}

fn settings(records: u64) -> Vec<Setting> {
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    let mut settings = Vec::new();
    for chunk in [1, 3, 8, 64] {
        for pool in [None, Some(&pool)] {
            for (every, seeks) in [(0, true), (0, false), (1, true), (5, false)] {
                settings.push(Setting {
                    pool: pool.map(Arc::clone),
                    every,
                    seeks,
                    ..Setting::new(records, chunk)
                });
            }
        }
    }
    settings
}

#[test]
fn after_any_fault_at_any_record_a_restart_leaves_what_an_undisturbed_run_leaves() {
    let records = 17;
    for setting in settings(records) {
        for fault in (0..records).flat_map(faults) {
            let what = format!(
                "{fault:?}, chunks of {}, pool {}, every {}",
                setting.chunk,
                setting.pool.is_some(),
                setting.every
            );
            let mut connection = memory();
            // A cancelled run may have settled everything before it looked.
            match setting.run(&mut connection, fault) {
                Ok(_) => assert!(matches!(fault, Fault::Cancel(_)), "{what}"),
                Err(error) => {
                    assert!(connection.is_autocommit(), "{what}");
                    let committed = committed(&error);
                    assert_truth(&connection, &committed, &what);
                    assert_eq!(unfinished(&connection), 1, "{what}");
                    let report = setting.run(&mut connection, Fault::None).unwrap();
                    assert_eq!(report.before(), &committed, "{what}");
                    assert_eq!(report.committed().unwrap().records, records, "{what}");
                }
            }
            assert_eq!(content(&connection), plain(records), "{what}");
            assert_eq!(unfinished(&connection), 0, "{what}");
        }
    }
}

#[test]
fn a_run_that_fails_commits_the_whole_chunks_before_the_half_row() {
    // Records 0 to 5 make two chunks; 7 is the second of the third chunk.
    for (fault, records) in [
        (Fault::Row(7), 6),
        (Fault::Reject(10), 9),
        // The function has done nothing by halves.
        (Fault::Work(7), 7),
        (Fault::Source(7), 7),
        // A panic leaves no time to do anything.
        (Fault::RowPanics(7), 0),
        (Fault::RejectPanics(10), 0),
    ] {
        let mut connection = memory();
        let error = Setting::new(12, 3).run(&mut connection, fault).unwrap_err();
        assert_eq!(committed(&error).records, records, "{fault:?}");
        match (&error, fault) {
            (BatchError::Sink { error, .. }, Fault::Row(_))
            | (BatchError::DeadLetters { error, .. }, Fault::Reject(_)) => {
                assert!(matches!(error, SqliteError::Sqlite(_)));
            }
            (BatchError::Panicked { stage, .. }, Fault::RowPanics(_)) => {
                assert_eq!(*stage, Stage::Sink);
            }
            (BatchError::Panicked { stage, .. }, Fault::RejectPanics(_)) => {
                assert_eq!(*stage, Stage::DeadLetters);
            }
            (BatchError::Process { .. }, Fault::Work(_))
            | (BatchError::Source { .. }, Fault::Source(_)) => (),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_job_that_fails_at_each_record_once_still_has_each_effect_once() {
    for setting in settings(14) {
        let mut connection = memory();
        for fault in (0..14).flat_map(faults) {
            if let Err(error) = setting.run(&mut connection, fault) {
                assert_truth(&connection, &committed(&error), &format!("{fault:?}"));
            } else {
                break;
            }
        }
        // The last faults may have let it through, and then the row is gone.
        if unfinished(&connection) == 1 {
            setting.run(&mut connection, Fault::None).unwrap();
        }
        assert_eq!(content(&connection), plain(14));
    }
}

/// The files of a database as a process that is killed now would leave them.
fn copy_as_killed(from: &Path, to: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let name = format!("shop.db{suffix}");
        match fs::copy(from.join(&name), to.join(&name)) {
            Ok(_) => (),
            Err(_) => _ = fs::remove_file(to.join(&name)),
        }
    }
}

#[test]
fn a_run_killed_at_any_row_goes_on_to_the_same_tables() {
    let records = 40;
    for (journal, every, chunk) in [
        ("WAL", 4, 3),
        ("WAL", 0, 1),
        ("DELETE", 4, 3),
        ("TRUNCATE", 1, 1),
        ("DELETE", 0, 7),
    ] {
        let alive = tempfile::tempdir().unwrap();
        let mut killed = Vec::new();
        let setting = Setting {
            every,
            ..Setting::new(records, chunk)
        };
        let mut connection = Connection::open(alive.path().join("shop.db")).unwrap();
        // A cache of few pages, so that the database's file changes before the commit.
        connection
            .execute_batch(&format!(
                "PRAGMA page_size = 512; PRAGMA journal_mode = {journal}; PRAGMA cache_size = 5; {NO_SYNC}; {TABLES}"
            ))
            .unwrap();
        let (clock, hand) = Clock::manual();
        let batch = setting.builder().build().unwrap();
        batch
            .job(setting.numbers(Fault::None, &CancelToken::new()))
            .process(fate)
            .into(Witnessed {
                sink: setting.sink(&mut connection, Fault::None, hand, clock),
                look: || {
                    let copy = tempfile::tempdir().unwrap();
                    copy_as_killed(alive.path(), copy.path());
                    killed.push(copy);
                },
            })
            .rejects(|witnessed, skip, _| {
                let id = skip.position() as i64;
                let connection = witnessed.sink.connection()?;
                let why = skip.failure().to_string();
                connection.execute("INSERT INTO rejects VALUES (?1, ?2)", (id, why))?;
                (witnessed.look)();
                connection.execute("INSERT INTO rejected VALUES (?1)", [id])?;
                Ok(())
            })
            .checkpoint(JOB)
            .unwrap()
            .parameters(&setting.parameters)
            .run()
            .unwrap();
        assert_eq!(content(&connection), plain(records));

        let mut places = BTreeSet::new();
        for copy in &killed {
            let mut connection = Connection::open(copy.path().join("shop.db")).unwrap();
            connection.execute_batch(NO_SYNC).unwrap();
            let found = content(&connection);
            let what = format!("{journal}, every {every}, chunks of {chunk}");
            let report = setting.run(&mut connection, Fault::None).unwrap();
            let before = report.before();
            places.insert(before.records);
            assert_eq!(found, plain(before.records), "{what}");
            assert_eq!(content(&connection), plain(records), "{what}");
        }
        assert!(killed.len() as u64 > records / 2);
        if every > 0 {
            assert!(places.len() > 3, "{places:?}");
        }
    }
}

/// A sink that lets somebody look before and after each step.
struct Witnessed<K, L> {
    sink: K,
    look: L,
}

impl<R, K: Sink<R>, L: FnMut() + Send> Sink<R> for Witnessed<K, L> {
    type Error = K::Error;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), K::Error> {
        (self.look)();
        self.sink.begin(job, from)
    }

    fn write(&mut self, output: R) -> Result<(), K::Error> {
        self.sink.write(output)?;
        (self.look)();
        Ok(())
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), K::Error> {
        self.sink.commit(entry)?;
        (self.look)();
        Ok(())
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), K::Error> {
        (self.look)();
        self.sink.finish(entry, end)
    }

    fn committed(&self) -> Option<Entry> {
        self.sink.committed()
    }
}

impl<K: Recover, L> Recover for Witnessed<K, L> {
    type Error = K::Error;

    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, K::Error> {
        self.sink.recover(name)
    }
}
