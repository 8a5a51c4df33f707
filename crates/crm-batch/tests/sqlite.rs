//! Jobs over SQLite: whatever fails when, the tables hold what an undisturbed run leaves, and the checkpoint tells the truth.

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
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

    fn next_position(&self) -> Option<Position> {
        self.seeks.then_some(Position(self.next))
    }
}

impl Seek for Numbers {
    fn fingerprint(&mut self) -> Result<Fingerprint, Self::Error> {
        Ok(self.input)
    }

    fn seek(&mut self, to: Position, _records: u64) -> Result<(), Self::Error> {
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

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_no_effect() {
    // The third commit fails, the last one, which removes the row, or the first one, which makes it.
    for (trigger, records) in [
        ("BEFORE UPDATE ON crm_batch_ledger WHEN new.records > 9", 9),
        ("BEFORE DELETE ON crm_batch_ledger", 12),
        ("BEFORE INSERT ON crm_batch_ledger", 0),
    ] {
        for chunk in [1, 3] {
            let setting = Setting {
                every: 1,
                ..Setting::new(12, chunk)
            };
            let mut connection = memory();
            setting.run(&mut connection, Fault::Work(0)).unwrap_err();
            connection
                .execute_batch(&format!(
                    "DELETE FROM crm_batch_ledger;
                     CREATE TRIGGER full {trigger} BEGIN SELECT RAISE(ABORT, 'ledger is full'); END"
                ))
                .unwrap();
            let error = setting.run(&mut connection, Fault::None).unwrap_err();
            assert!(
                format!("{error:#}").ends_with("ledger is full"),
                "{error:#}"
            );
            let committed = committed(&error);
            // A chunk without an output in it is not worth a commit, as the clock has not moved.
            assert!(committed.records <= records && records - committed.records <= 3);
            assert_truth(&connection, &committed, trigger);
            assert!(connection.is_autocommit());
            connection.execute_batch("DROP TRIGGER full").unwrap();
            setting.run(&mut connection, Fault::None).unwrap();
            assert_eq!(content(&connection), plain(12));
        }
    }
}

/// A database in a file, which several connections share.
fn shared() -> (tempfile::TempDir, impl Fn() -> Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let open = move || {
        let connection = Connection::open(&path).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        connection
            .execute_batch(&format!("PRAGMA journal_mode = WAL; {NO_SYNC}"))
            .unwrap();
        connection
    };
    open().execute_batch(TABLES).unwrap();
    (folder, open)
}

fn insert(connection: &Connection, id: u64) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO scores VALUES (?1, 0)", [id as i64])?;
    Ok(())
}

fn id(input: u64) -> JobId {
    JobId::new(JOB, Fingerprint(1), Fingerprint(input)).unwrap()
}

fn entry(records: u64) -> Entry {
    let mut entry = Entry::default();
    (entry.records, entry.written, entry.past) = (records, records, records);
    entry
}

#[test]
fn a_run_that_was_overtaken_commits_nothing_more() {
    // The later run takes over, takes over and completes, or takes over, completes and is followed by a new one.
    for later in 1..=3 {
        let (_folder, open) = shared();
        let mut stale = SqliteSink::new(open(), insert).commit_every(Duration::ZERO);
        assert_eq!(stale.recover(JOB).unwrap(), None);
        stale.begin(Some(&id(1)), None).unwrap();
        stale.write(0).unwrap();
        stale.commit(&entry(1)).unwrap();

        let mut fresh = SqliteSink::new(open(), insert);
        let found = fresh.recover(JOB).unwrap().unwrap();
        assert_eq!(found, Checkpoint::new(id(1), entry(1), false));
        fresh.begin(Some(&id(1)), Some(&found.entry)).unwrap();
        if later >= 2 {
            fresh.finish(&entry(1), End::Complete).unwrap();
            assert_eq!(unfinished(&open()), 0);
        }
        if later == 3 {
            let mut anew = SqliteSink::new(open(), insert).commit_every(Duration::ZERO);
            assert_eq!(anew.recover(JOB).unwrap(), None);
            anew.begin(Some(&id(1)), None).unwrap();
            anew.write(7).unwrap();
            anew.commit(&entry(1)).unwrap();
        }

        let scores = number(&open(), "SELECT count(*) FROM scores");
        stale.write(1).unwrap();
        assert!(matches!(
            stale.commit(&entry(2)),
            Err(SqliteError::Overtaken)
        ));
        assert_eq!(stale.committed(), Some(entry(1)));
        // Not at the end either, and the lock is free.
        stale.finish(&entry(2), End::Early).unwrap();
        assert_eq!(number(&open(), "SELECT count(*) FROM scores"), scores);
        open().execute_batch("BEGIN IMMEDIATE").unwrap();

        if later == 1 {
            fresh.write(1).unwrap();
            fresh.finish(&entry(2), End::Complete).unwrap();
            let ids = content(&open()).scores;
            assert_eq!(ids, [(0, 0), (1, 0)]);
        }
    }
}

#[test]
fn a_run_that_was_overtaken_cannot_complete() {
    let (_folder, open) = shared();
    let mut stale = SqliteSink::new(open(), insert);
    stale.recover(JOB).unwrap();
    stale.begin(Some(&id(1)), None).unwrap();
    let mut fresh = SqliteSink::new(open(), insert);
    let found = fresh.recover(JOB).unwrap().unwrap();
    Sink::<u64>::begin(&mut fresh, Some(&id(1)), Some(&found.entry)).unwrap();
    stale.write(0).unwrap();
    let end = stale.finish(&entry(1), End::Complete);
    assert!(matches!(end, Err(SqliteError::Overtaken)));
    assert_eq!(content(&open()).scores, []);
    assert_eq!(unfinished(&open()), 1);
}

#[test]
fn of_two_runs_that_found_the_same_checkpoint_one_begins_and_the_other_is_told() {
    let (_folder, open) = shared();
    let begin = |sink: &mut SqliteSink<Connection, fn(&Connection, u64) -> _>,
                 from: Option<&Entry>| {
        Sink::<u64>::begin(sink, Some(&id(1)), from)
    };
    let sink = || SqliteSink::new(open(), insert as fn(&Connection, u64) -> _);

    // Both have found none.
    let (mut one, mut two) = (sink(), sink());
    assert_eq!(one.recover(JOB).unwrap(), None);
    assert_eq!(two.recover(JOB).unwrap(), None);
    begin(&mut one, None).unwrap();
    assert!(matches!(begin(&mut two, None), Err(SqliteError::Overtaken)));
    // The one who was told does not do any harm.
    Sink::<u64>::finish(&mut two, &entry(0), End::Early).unwrap();
    one.write(0).unwrap();
    one.finish(&entry(1), End::Early).unwrap();

    // Both have found the same one, and the first has gone on.
    let (mut one, mut two) = (sink(), sink());
    let found = one.recover(JOB).unwrap().unwrap();
    assert_eq!(two.recover(JOB).unwrap().as_ref(), Some(&found));
    begin(&mut one, Some(&found.entry)).unwrap();
    one.write(1).unwrap();
    one.finish(&entry(2), End::Early).unwrap();
    let told = begin(&mut two, Some(&found.entry));
    assert!(matches!(told, Err(SqliteError::Overtaken)));
    assert_eq!(two.committed().map(|entry| entry.records), None);

    // The second has finished meanwhile, and the row is gone, or another input has taken its place.
    for meanwhile in [
        "DELETE FROM crm_batch_ledger",
        "UPDATE crm_batch_ledger SET input = '0000000000000009'",
    ] {
        let mut late = sink();
        let found = late.recover(JOB).unwrap().unwrap();
        let other = open();
        other.execute_batch("SAVEPOINT test").unwrap();
        other.execute_batch(meanwhile).unwrap();
        other.execute_batch("RELEASE test").unwrap();
        let told = begin(&mut late, Some(&found.entry));
        assert!(matches!(told, Err(SqliteError::Overtaken)));
        if unfinished(&other) == 0 {
            let mut again = sink();
            begin(&mut again, None).unwrap();
            again.write(0).unwrap();
            again.finish(&entry(1), End::Early).unwrap();
        }
    }
}

#[test]
fn a_run_overtaken_in_the_middle_ends_with_an_error_and_the_other_has_each_effect_once() {
    let (_folder, open) = shared();
    let setting = Setting {
        every: 1,
        ..Setting::new(30, 5)
    };
    let (clock, hand) = Clock::manual();
    let mut other = Some(open());
    let inner = setting.clone();
    let batch = setting.builder().build().unwrap();
    let mut connection = open();
    let numbers = (0..30_u64).inspect(move |&id| {
        // Between two chunks, where the lock is free.
        if id == 15 {
            let mut other = other.take().unwrap();
            let report = inner.run(&mut other, Fault::None).unwrap();
            assert_eq!(report.before().records, 15);
        }
    });
    let error = batch
        .job(Repeatable::new(numbers, Fingerprint(1)))
        .process(fate)
        .into(setting.sink(&mut connection, Fault::None, hand, clock))
        .rejects(|sink, skip, _| {
            let id = skip.position() as i64;
            let why = skip.failure().to_string();
            let connection = sink.connection()?;
            connection.execute("INSERT INTO rejects VALUES (?1, ?2)", (id, why))?;
            connection.execute("INSERT INTO rejected VALUES (?1)", [id])?;
            Ok(())
        })
        .checkpoint(JOB)
        .unwrap()
        .parameters(&setting.parameters)
        .run()
        .unwrap_err();
    let BatchError::Sink { error: why, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(matches!(why, SqliteError::Overtaken));
    assert_eq!(committed(&error).records, 15);
    assert_eq!(content(&connection), plain(30));
    assert_eq!(unfinished(&connection), 0);
}

#[test]
fn a_checkpoint_is_for_the_same_input_parameters_and_name() {
    let setting = Setting::new(17, 4);
    let mut connection = memory();
    setting.run(&mut connection, Fault::Work(9)).unwrap_err();
    let before = content(&connection);
    let refused = |setting: &Setting, connection: &mut Connection| {
        let error = setting.run(connection, Fault::None).unwrap_err();
        let BatchError::Checkpoint { refusal, .. } = error else {
            panic!("{error:?}")
        };
        refusal
    };
    let input = Setting {
        input: 2,
        ..setting.clone()
    };
    assert_eq!(refused(&input, &mut connection), Refusal::ChangedInput);
    let parameters = Setting {
        parameters: 2,
        ..setting.clone()
    };
    assert_eq!(
        refused(&parameters, &mut connection),
        Refusal::ChangedParameters
    );
    let short = Setting {
        records: 5,
        seeks: false,
        ..setting.clone()
    };
    // This one goes by the place, which has been given by a source that seeks.
    let mut other = memory();
    let counted = Setting {
        seeks: false,
        ..setting.clone()
    };
    counted.run(&mut other, Fault::Work(9)).unwrap_err();
    assert_eq!(refused(&short, &mut other), Refusal::ShortInput);

    // None of them has touched anything, and a job of another name has a checkpoint of its own.
    assert_eq!(content(&connection), before);
    let sink = SqliteSink::new(&mut connection, insert);
    Batch::new()
        .job(Repeatable::new(0..1_u64, Fingerprint(7)))
        .process(|_| Err::<Verdict<u64>, _>("fatal"))
        .into(sink)
        .checkpoint("others")
        .unwrap()
        .run()
        .unwrap_err();
    assert_eq!(unfinished(&connection), 2);
    setting.run(&mut connection, Fault::None).unwrap();
    assert_eq!(content(&connection), plain(17));
    assert_eq!(unfinished(&connection), 1);
}

#[test]
fn a_job_that_has_succeeded_runs_anew_or_not_at_all() {
    let setting = Setting::new(17, 4);
    let mut connection = memory();
    for times in 1..=2 {
        let report = setting.run(&mut connection, Fault::None).unwrap();
        assert_eq!(report.read(), 17);
        assert_eq!(
            content(&connection).scores.len(),
            times * plain(17).scores.len()
        );
    }

    let once = Setting {
        keep: true,
        ..setting.clone()
    };
    let mut connection = memory();
    once.run(&mut connection, Fault::Work(9)).unwrap_err();
    let first = once.run(&mut connection, Fault::None).unwrap();
    for _ in 0..2 {
        let report = once.run(&mut connection, Fault::None).unwrap();
        assert_eq!((report.read(), report.written()), (0, 0));
        assert_eq!(report.before(), first.committed().unwrap());
        assert_eq!(report.committed(), first.committed());
        assert_eq!(content(&connection), plain(17));
        assert_eq!(unfinished(&connection), 1);
    }
    let other = Setting {
        input: 2,
        ..once.clone()
    };
    let error = other.run(&mut connection, Fault::None).unwrap_err();
    assert!(matches!(error, BatchError::Checkpoint { .. }));
    // A sink that does not keep it finishes what there is to finish.
    let report = setting.run(&mut connection, Fault::None).unwrap();
    assert_eq!(report.read(), 0);
    assert_eq!(unfinished(&connection), 0);
}

#[test]
fn start_with_runs_once_for_a_job_and_not_when_it_goes_on() {
    let mut connection = memory();
    let run = |connection: &mut Connection, fail: Option<u64>, over: bool| {
        let sink = SqliteSink::new(connection, insert);
        let sink = sink.start_with("DELETE FROM scores; INSERT INTO marks VALUES (1)");
        let job = Batch::builder()
            .chunk_rows(3)
            .build()
            .unwrap()
            .job(Repeatable::new(0..9_u64, Fingerprint(1)))
            .process(move |id| match fail {
                Some(at) if at == id => Err("fatal"),
                _ => Ok(Verdict::Output(id)),
            })
            .into(sink)
            .checkpoint(JOB)
            .unwrap();
        let job = if over { job.start_over() } else { job };
        job.run()
    };
    let ids = |connection: &Connection| -> Vec<i64> {
        content(connection).scores.iter().map(|row| row.0).collect()
    };
    connection
        .execute_batch("INSERT INTO scores VALUES (99, 99)")
        .unwrap();
    run(&mut connection, Some(0), false).unwrap_err();
    assert_eq!(ids(&connection), []);
    run(&mut connection, Some(5), false).unwrap_err();
    assert_eq!(ids(&connection), [0, 1, 2, 3, 4]);
    assert_eq!(content(&connection).marks, [1]);
    run(&mut connection, Some(7), true).unwrap_err();
    assert_eq!(ids(&connection), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(content(&connection).marks, [1, 1]);
    run(&mut connection, None, false).unwrap();
    assert_eq!(ids(&connection), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(content(&connection).marks, [1, 1]);
    // A job of the night after.
    run(&mut connection, None, false).unwrap();
    assert_eq!(ids(&connection).len(), 9);
    assert_eq!(content(&connection).marks, [1, 1, 1]);

    // Statements that fail leave neither a checkpoint nor half of what they do.
    let mut connection = memory();
    let sink = SqliteSink::new(&mut connection, insert);
    let sink = sink.start_with("INSERT INTO marks VALUES (1); INSERT INTO nowhere VALUES (1)");
    let job = Batch::new().job(Repeatable::new(0..9, Fingerprint(1)));
    let job = job
        .process(|id| Ok::<_, ()>(Verdict::Output(id)))
        .into(sink);
    let error = job.checkpoint(JOB).unwrap().run().unwrap_err();
    assert!(matches!(error, BatchError::Sink { position: 0, .. }));
    assert_eq!(content(&connection), Content::default());
    assert!(connection.is_autocommit());
}

/// Rows that a second connection sees after each row of a run, and the outcome.
fn seen_while_running(
    open: impl Fn() -> Connection,
    every: Option<Duration>,
    named: bool,
    fail: Option<u64>,
) -> (Vec<i64>, bool) {
    let (clock, hand) = Clock::manual();
    let witness = open();
    let (sender, seen) = mpsc::channel();
    let look = move || {
        sender
            .send(number(&witness, "SELECT count(*) FROM scores"))
            .unwrap();
    };
    let sink = SqliteSink::new(open(), |connection: &Connection, id| {
        hand.advance(Duration::from_millis(100));
        insert(connection, id)
    });
    let sink = sink.clock(clock);
    let sink = match every {
        Some(every) => sink.commit_every(every),
        None => sink,
    };
    let job = Batch::builder()
        .chunk_rows(1)
        .threads(1)
        .build()
        .unwrap()
        .job(Repeatable::new(0..25_u64, Fingerprint(1)))
        .process(|id| match fail {
            Some(at) if at == id => Err("fatal"),
            _ => Ok(Verdict::Output(id)),
        })
        .into(Witnessed { sink, look });
    let ok = if named {
        job.checkpoint(JOB).unwrap().run().is_ok()
    } else {
        job.run().is_ok()
    };
    let mut seen: Vec<i64> = seen.into_iter().collect();
    seen.push(number(&open(), "SELECT count(*) FROM scores"));
    seen.dedup();
    (seen, ok)
}

#[test]
fn commits_come_at_their_interval() {
    let run = |every, named, fail| {
        let (_folder, open) = shared();
        seen_while_running(open, every, named, fail)
    };
    let half = Some(Duration::from_millis(500));
    // A second of ten rows is the default of a job with a checkpoint.
    assert_eq!(run(None, true, None), (vec![0, 10, 20, 25], true));
    assert_eq!(run(None, true, Some(17)), (vec![0, 10, 17], false));
    assert_eq!(run(half, true, None), (vec![0, 5, 10, 15, 20, 25], true));
    let zero = run(Some(Duration::ZERO), true, None);
    assert_eq!(zero, ((0..=25).collect(), true));
    // Without one it is all or nothing, unless an interval is given.
    assert_eq!(run(None, false, None), (vec![0, 25], true));
    assert_eq!(run(None, false, Some(17)), (vec![0], false));
    assert_eq!(run(half, false, None), (vec![0, 5, 10, 15, 20, 25], true));
    assert_eq!(run(half, false, Some(17)), (vec![0, 5, 10, 15, 17], false));
}

#[test]
fn without_a_checkpoint_a_run_is_all_or_nothing() {
    for at in 0..9_u64 {
        for panics in [false, true] {
            let mut connection = memory();
            let sink = SqliteSink::new(&mut connection, |connection, id| {
                insert(connection, id)?;
                match id == at {
                    true if panics => blow_up(),
                    true => Err(refused()),
                    false => Ok(()),
                }
            });
            let batch = Batch::builder().chunk_rows(2).build().unwrap();
            let error = batch
                .job(0..9_u64)
                .process(|id| Ok::<_, ()>(Verdict::Output(id)))
                .into(sink.start_with("INSERT INTO marks VALUES (1)"))
                .run()
                .unwrap_err();
            assert_eq!(error.report().committed(), None);
            assert_eq!(content(&connection), Content::default());
            assert!(connection.is_autocommit());
            assert_eq!(
                number(
                    &connection,
                    "SELECT count(*) FROM sqlite_master WHERE name LIKE 'crm%'"
                ),
                0
            );
        }
    }
}

#[test]
fn what_no_run_has_written_is_no_checkpoint() {
    let setting = Setting::new(17, 4);
    let damaged = [
        ("position = '-1'", "position"),
        ("position = '+1'", "position"),
        ("position = '18446744073709551616'", "position"),
        ("position = 1.5", "position"),
        ("position = x'31'", "position"),
        ("position = NULL", "past"),
        ("past = -1", "past"),
        ("past = 100", "past"),
        ("records = records + 1", "records"),
        ("written = -1", "written"),
        ("written = 'seven'", "written"),
        ("filtered = 0.5", "filtered"),
        ("skipped = -9223372036854775808", "skipped"),
        ("chunks = -1", "chunks"),
        ("complete = 2", "complete"),
        ("parameters = '1'", "parameters"),
        ("parameters = upper(parameters) || 'A'", "parameters"),
        ("input = 'ABCDEFABCDEFABCD'", "input"),
        ("input = ''", "input"),
        ("format = 'one'", "format"),
    ];
    for (change, column) in damaged {
        let mut connection = memory();
        setting.run(&mut connection, Fault::Work(9)).unwrap_err();
        let before = content(&connection);
        connection
            .execute_batch(&format!("UPDATE crm_batch_ledger SET {change}"))
            .unwrap();
        let error = setting.run(&mut connection, Fault::None).unwrap_err();
        let BatchError::Sink { error: why, .. } = &error else {
            panic!("{change}: {error:?}")
        };
        assert!(
            matches!(why, SqliteError::Damaged(found) if *found == column),
            "{change}: {why:?}"
        );
        assert_eq!(content(&connection), before);
        assert_eq!(unfinished(&connection), 1);
    }

    let mut connection = memory();
    setting.run(&mut connection, Fault::Work(9)).unwrap_err();
    let mut fails = |change: &str| {
        connection.execute_batch(change).unwrap();
        let error = setting.run(&mut connection, Fault::None).unwrap_err();
        let BatchError::Sink { error, .. } = error else {
            panic!("{change}: {error:?}")
        };
        error
    };
    let format = fails("UPDATE crm_batch_ledger SET format = 2");
    assert!(matches!(format, SqliteError::UnknownFormat(2)));
    // The format comes first, because it says which columns there are.
    let format = fails("ALTER TABLE crm_batch_ledger DROP COLUMN skipped");
    assert!(matches!(format, SqliteError::UnknownFormat(2)));
    let missing = fails("UPDATE crm_batch_ledger SET format = 1");
    assert!(matches!(missing, SqliteError::MissingColumn("skipped")));
    let missing = fails("DROP TABLE crm_batch_ledger; CREATE TABLE crm_batch_ledger (job TEXT)");
    assert!(matches!(missing, SqliteError::MissingColumn("format")));
}

#[test]
fn a_damaged_checkpoint_can_be_started_over() {
    let mut connection = memory();
    let setting = Setting::new(17, 4);
    setting.run(&mut connection, Fault::Work(9)).unwrap_err();
    connection
        .execute_batch("UPDATE crm_batch_ledger SET format = 2, written = -1, run = 'x'")
        .unwrap();
    let sink = SqliteSink::new(&mut connection, insert);
    let report = Batch::new()
        .job(Repeatable::new(0..5_u64, Fingerprint(3)))
        .process(|id| Ok::<_, ()>(Verdict::Output(id)))
        .into(sink.start_with("DELETE FROM scores"))
        .checkpoint(JOB)
        .unwrap()
        .start_over()
        .run()
        .unwrap();
    assert_eq!(report.written(), 5);
    assert_eq!(content(&connection).scores.len(), 5);
    assert_eq!(unfinished(&connection), 0);
}

#[test]
fn to_look_for_a_checkpoint_changes_nothing() {
    let (_folder, open) = shared();
    let reader = open();
    reader.execute_batch("PRAGMA query_only = ON").unwrap();
    let mut sink = SqliteSink::new(reader, insert as fn(&Connection, u64) -> _);
    assert_eq!(sink.recover(JOB).unwrap(), None);
    assert_eq!(
        number(
            &open(),
            "SELECT count(*) FROM sqlite_master WHERE name LIKE 'crm%'"
        ),
        0
    );
    // A temporary table of that name is not the ledger.
    let mut connection = memory();
    connection
        .execute_batch("CREATE TEMP TABLE crm_batch_ledger (job TEXT)")
        .unwrap();
    Setting::new(17, 4)
        .run(&mut connection, Fault::None)
        .unwrap();
}

#[test]
fn numbers_that_fill_their_type_are_kept_or_refused() {
    let mut large = entry(i64::MAX as u64);
    large.position = Some(Position(u64::MAX));
    let mut connection = memory();
    let mut sink = SqliteSink::new(&mut connection, insert).commit_every(Duration::ZERO);
    let job = JobId::new(JOB, Fingerprint(u64::MAX), Fingerprint(0)).unwrap();
    Sink::<u64>::begin(&mut sink, Some(&job), None).unwrap();
    Sink::<u64>::commit(&mut sink, &large).unwrap();
    let found = sink.recover(JOB).unwrap().unwrap();
    assert_eq!(found, Checkpoint::new(job, large, false));
    let error = Sink::<u64>::commit(&mut sink, &entry(1 << 63)).unwrap_err();
    assert!(matches!(error, SqliteError::TooLarge(_)));
    assert_eq!(Sink::<u64>::committed(&sink), Some(large));
}

#[test]
fn a_function_that_ends_the_transaction_ends_the_run() {
    for statement in [
        "COMMIT",
        "ROLLBACK",
        "INSERT OR ROLLBACK INTO only VALUES (1)",
    ] {
        for at in 0..6_u64 {
            let mut connection = memory();
            connection
                .execute_batch("CREATE TABLE only (n INTEGER UNIQUE); INSERT INTO only VALUES (1)")
                .unwrap();
            let sink = SqliteSink::new(&mut connection, |connection, id| {
                insert(connection, id)?;
                if id == at {
                    _ = connection.execute_batch(statement);
                }
                Ok(())
            });
            let error = Batch::builder()
                .chunk_rows(3)
                .build()
                .unwrap()
                .job(Repeatable::new(0..6_u64, Fingerprint(1)))
                .process(|id| Ok::<_, ()>(Verdict::Output(id)))
                .into(sink)
                .checkpoint(JOB)
                .unwrap()
                .run()
                .unwrap_err();
            let BatchError::Sink { error: why, .. } = &error else {
                panic!("{error:?}")
            };
            assert!(matches!(why, SqliteError::NoTransaction), "{why:?}");
            assert_eq!(error.report().committed(), None);
            // Nothing has been executed outside of a transaction.
            let rows = if statement == "COMMIT" {
                at as usize + 1
            } else {
                0
            };
            assert_eq!(content(&connection).scores.len(), rows);
        }
    }
}

#[test]
fn a_connection_must_be_free_and_is_lent_in_a_run_only() {
    let mut connection = memory();
    connection.execute_batch("BEGIN").unwrap();
    let error = Setting::new(17, 4)
        .run(&mut connection, Fault::None)
        .unwrap_err();
    let BatchError::Sink { error, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(matches!(error, SqliteError::InTransaction));
    // It is left as it was.
    assert!(!connection.is_autocommit());
    connection.execute_batch("ROLLBACK").unwrap();
    let mut sink = SqliteSink::new(&mut connection, insert);
    assert!(matches!(sink.connection(), Err(SqliteError::NoTransaction)));
}

#[test]
fn a_database_that_is_held_by_another_is_busy() {
    let (_folder, open) = shared();
    let setting = Setting::new(17, 4);
    setting.run(&mut open(), Fault::Work(9)).unwrap_err();
    let other = open();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = setting.run(&mut open(), Fault::None).unwrap_err();
    let BatchError::Sink { error, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(error.is_busy());
    assert!(error.to_string().contains("busy_timeout"));
    let SqliteError::Sqlite(cause) = error else {
        panic!("{error:?}")
    };
    assert_eq!(cause.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    assert!(std::error::Error::source(error).is_some());
    assert_eq!(format!("{error:#}"), format!("{error}: {cause}"));
    assert!(!SqliteError::from(refused()).is_busy());
    other.execute_batch("ROLLBACK").unwrap();
    setting.run(&mut open(), Fault::None).unwrap();
    assert_eq!(content(&open()), plain(17));
}

#[test]
fn from_its_first_statement_on_a_transaction_is_that_of_a_writer() {
    let (_folder, open) = shared();
    let other = open();
    let (sender, refusals) = mpsc::channel();
    let sink = SqliteSink::new(open(), move |connection: &Connection, id| {
        // One that reads first would see what it may then not write upon.
        number(connection, "SELECT count(*) FROM scores");
        sender.send(insert(&other, 99).is_err()).unwrap();
        insert(connection, id)
    });
    Batch::new()
        .job(0..3_u64)
        .process(|id| Ok::<_, ()>(Verdict::Output(id)))
        .into(sink)
        .run()
        .unwrap();
    assert!(refusals.into_iter().eq([true; 3]));
    assert_eq!(content(&open()).scores, [(0, 0), (1, 0), (2, 0)]);
}

#[test]
fn a_job_that_owns_its_connections_runs_as_a_future() {
    fn sendable<F: Future + Send + 'static>(_: &F) {}
    let (_folder, open) = shared();
    let rows = SqliteRows::new(open(), "SELECT id FROM scores", "id", |row| {
        row.get::<_, i64>(0)
    });
    let sink = SqliteSink::new(open(), |connection, id: i64| insert(connection, id as u64));
    let future = Batch::new()
        .job(rows.unwrap())
        .process(|id| Ok::<_, ()>(Verdict::Output(id)))
        .into(sink)
        .checkpoint(JOB)
        .unwrap()
        .run_async();
    sendable(&future);
}

const CUSTOMERS: &str = "SELECT id, name FROM customers";

fn customers(connection: &Connection, ids: impl IntoIterator<Item = i64>) {
    connection
        .execute_batch("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
        .unwrap();
    for id in ids {
        connection
            .execute(
                "INSERT INTO customers VALUES (?1, ?2)",
                (id, format!("c{id}")),
            )
            .unwrap();
    }
}

fn named(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn all<C, F>(rows: SqliteRows<C, F>, chunk: usize, threads: usize) -> Vec<(i64, String)>
where
    C: std::borrow::Borrow<Connection> + Send,
    F: FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<(i64, String)> + Send,
{
    let mut read = Vec::new();
    Batch::builder()
        .chunk_rows(chunk)
        .threads(threads)
        .inline_start(threads == 1)
        .build()
        .unwrap()
        .job(rows)
        .process(|record| Ok::<_, ()>(Verdict::Output(record)))
        .into(&mut read)
        .run()
        .unwrap();
    read
}

#[test]
fn the_pages_of_a_query_are_its_rows() {
    let ids = [i64::MIN, -7, -1, 0, 1, 2, 40, 41, 1_000, i64::MAX];
    for taken in 0..=ids.len() {
        let mut connection = Connection::open_in_memory().unwrap();
        customers(&connection, ids.into_iter().take(taken).rev());
        let expected: Vec<_> = ids[..taken]
            .iter()
            .map(|&id| (id, format!("c{id}")))
            .collect();
        for select in [
            CUSTOMERS,
            "SELECT id, name FROM customers ORDER BY name DESC; ",
            "SELECT max(id) AS Id, name FROM customers GROUP BY name -- by name",
        ] {
            for chunk in [1, 2, 3, 10, 64] {
                for threads in [1, 2] {
                    let rows = SqliteRows::new(&mut connection, select, "id", named).unwrap();
                    assert_eq!(all(rows, chunk, threads), expected, "{select}");
                }
            }
        }
    }
}

#[test]
fn a_page_begins_where_its_key_is_found_and_not_at_the_start() {
    let mut connection = Connection::open_in_memory().unwrap();
    customers(&connection, []);
    connection
        .execute_batch(
            "CREATE TABLE orders (customer INTEGER REFERENCES customers, amount INTEGER)",
        )
        .unwrap();
    for select in [
        CUSTOMERS,
        "SELECT id, name FROM customers WHERE name > 'b'",
        "SELECT c.id, c.name, o.amount FROM customers c JOIN orders o ON o.rowid = c.id",
    ] {
        let rows = SqliteRows::new(&mut connection, select, "id", named).unwrap();
        let text = format!("{rows:?}");
        let page = text.split("next: \"").nth(1).unwrap();
        let page = page.split("\", ").next().unwrap();
        let page = page.replace("\\\"", "\"").replace("\\n", "\n");
        drop(rows);
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {page}"))
            .unwrap();
        let plan: Vec<String> = statement
            .query_map((1, 1), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            plan[0].contains("INTEGER PRIMARY KEY (rowid>?)"),
            "{plan:?}"
        );
        assert!(
            !plan
                .iter()
                .any(|step| step.contains("TEMP") || step.contains("SCAN")),
            "{plan:?}"
        );
    }
}

#[test]
fn a_key_that_is_there_twice_or_is_none_ends_the_run() {
    for chunk in 1..=5 {
        let run = |values: &str| {
            let connection = Connection::open_in_memory().unwrap();
            connection
                .execute_batch(&format!(
                    "CREATE TABLE customers (id, name TEXT DEFAULT 'c'); INSERT INTO customers (id) VALUES {values}"
                ))
                .unwrap();
            let rows = SqliteRows::new(connection, CUSTOMERS, "id", named).unwrap();
            let mut written = Vec::new();
            let error = Batch::builder()
                .chunk_rows(chunk)
                .build()
                .unwrap()
                .job(rows)
                .process(|(id, _)| Ok::<_, ()>(Verdict::Output(id)))
                .into(&mut written)
                .run()
                .unwrap_err();
            let BatchError::Source { error, .. } = error else {
                panic!("{error:?}")
            };
            (written, error)
        };
        let (written, error) = run("(1), (2), (3), (3), (4)");
        assert_eq!(written, [1, 2, 3]);
        assert!(matches!(error, SqliteError::RepeatedKey(3)));
        let (written, error) = run("(1), (2), (NULL)");
        assert_eq!(written, []);
        assert!(matches!(error, SqliteError::Sqlite(_)));
        for last in ["'3'", "x'33'", "3.5"] {
            let (written, error) = run(&format!("(1), (2), ({last})"));
            assert_eq!(written, [1, 2], "{last}");
            assert!(matches!(error, SqliteError::Sqlite(_)));
        }
    }
}

#[test]
fn a_row_that_cannot_be_read_ends_the_run_after_the_rows_before() {
    let mut connection = Connection::open_in_memory().unwrap();
    customers(&connection, 1..=5);
    connection
        .execute_batch("UPDATE customers SET name = x'00' WHERE id = 4")
        .unwrap();
    let rows = SqliteRows::new(&mut connection, CUSTOMERS, "id", named).unwrap();
    let mut written = Vec::new();
    let error = Batch::new()
        .job(rows)
        .process(|(id, _)| Ok::<_, ()>(Verdict::Output(id)))
        .into(&mut written)
        .run()
        .unwrap_err();
    assert_eq!(written, [1, 2, 3]);
    assert!(matches!(error, BatchError::Source { position: 3, .. }));
}

#[test]
fn a_query_without_its_key_is_refused_at_once() {
    let mut connection = Connection::open_in_memory().unwrap();
    customers(&connection, 1..=5);
    let mut refusal =
        |sql: &str, key: &str| SqliteRows::new(&mut connection, sql, key, named).unwrap_err();
    // SQLite takes a name that it does not know for a text.
    for key in ["number", "", "na\"me"] {
        let error = refusal(CUSTOMERS, key);
        assert!(matches!(&error, SqliteError::NoKey(name) if name == key));
        assert!(error.to_string().contains("select it"));
    }
    assert!(matches!(refusal("SELEC id", "id"), SqliteError::Sqlite(_)));
}

#[test]
fn the_fingerprint_of_rows_tells_what_it_says() {
    let mut connection = Connection::open_in_memory().unwrap();
    customers(&connection, 1..=5);
    let count = |connection: &mut Connection, sql: &str| {
        let mut rows = SqliteRows::new(connection, sql, "id", named).unwrap();
        rows.fingerprint().map(|found| found.0).unwrap()
    };
    let query = |connection: &mut Connection| {
        let rows = SqliteRows::new(connection, CUSTOMERS, "id", named).unwrap();
        let rows = rows.known_by_query("SELECT id, name, NULL, 0.5 FROM customers");
        Seek::fingerprint(&mut { rows }).unwrap()
    };
    let (counted, queried) = (count(&mut connection, CUSTOMERS), query(&mut connection));
    assert_eq!(count(&mut connection, CUSTOMERS), counted);
    assert_eq!(query(&mut connection), queried);
    let spaced = format!("{CUSTOMERS} ;  ");
    assert_ne!(count(&mut connection, &spaced), counted);
    let commented = format!("{CUSTOMERS} -- by key");
    assert_ne!(count(&mut connection, &commented), counted);

    // By default a changed value is not seen, by a query it is.
    connection
        .execute_batch("UPDATE customers SET name = 'Ada' WHERE id = 3")
        .unwrap();
    assert_eq!(count(&mut connection, CUSTOMERS), counted);
    let changed = query(&mut connection);
    assert_ne!(changed, queried);
    connection
        .execute_batch("UPDATE customers SET name = CAST(name AS BLOB) WHERE id = 3")
        .unwrap();
    assert_ne!(query(&mut connection), changed);
    connection
        .execute_batch("DELETE FROM customers WHERE id = 3")
        .unwrap();
    assert_ne!(count(&mut connection, CUSTOMERS), counted);

    let rows = SqliteRows::new(&mut connection, CUSTOMERS, "id", named).unwrap();
    let given = rows.known_by(Fingerprint(42));
    assert_eq!(Seek::fingerprint(&mut { given }).unwrap(), Fingerprint(42));
}

#[test]
fn a_job_from_rows_to_rows_goes_on_behind_its_last_key() {
    let (_folder, open) = shared();
    let ids: Vec<i64> = (-9..30).collect();
    customers(&open(), ids.iter().copied());
    let read = AtomicUsize::new(0);
    let run = |fail: Option<i64>, chunk| {
        let rows = SqliteRows::new(open(), CUSTOMERS, "id", |row| {
            read.fetch_add(1, Ordering::Relaxed);
            named(row)
        });
        let sink = SqliteSink::new(open(), |connection, id: i64| {
            connection.execute("INSERT INTO scores VALUES (?1, 0)", [id])?;
            Ok(())
        });
        Batch::builder()
            .chunk_rows(chunk)
            .threads(1)
            .build()
            .unwrap()
            .job(rows.unwrap())
            .process(|(id, _)| match fail {
                Some(at) if at == id => Err("fatal"),
                _ => Ok(Verdict::Output(id)),
            })
            .into(sink)
            .checkpoint(JOB)
            .unwrap()
            .run()
    };
    let mut settled = 0;
    for (step, &at) in ids.iter().enumerate().step_by(5) {
        read.store(0, Ordering::Relaxed);
        let error = run(Some(at), 4).unwrap_err();
        assert_eq!(committed(&error).records, step as u64);
        // What was done is not read once more, but for the rest of a chunk.
        assert!(
            read.load(Ordering::Relaxed) <= step - settled + 2 * 4,
            "{step}: {}",
            read.load(Ordering::Relaxed)
        );
        settled = step;
    }
    run(None, 7).unwrap();
    let written: Vec<i64> = content(&open()).scores.iter().map(|row| row.0).collect();
    assert_eq!(written, ids);
}
