//! Jobs that something disturbs and that are run again, and the loop that says what they must come to.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, CancelToken, Checkpoint, Chunk, End, Entry, FileSink, Fill, Fingerprint,
    JobId, Position, Recover, Repeatable, Report, Room, Row, Seek, Sink, Skip, SkipLimit, Source,
};
use crm_clock::Clock;

use super::pool;

pub const RECORDS: u64 = 18;

/// What happens once, and not when the job is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// The process function, at a record.
    Fails(u64),
    Panics(u64),
    /// The source, before a record.
    SourceFails(u64),
    SourcePanics(u64),
    /// The sink, on the output of a record.
    SinkRefuses(u64),
    SinkPanics(u64),
    /// The sink, on the first commit of more than so many records: before it has committed, or after it.
    CommitFails(u64),
    CommitFailsAfterAll(u64),
    CommitPanics(u64),
    /// The run is cancelled by the work on a record, or is late after it.
    Cancelled(u64),
    Late(u64),
    /// The run is cancelled while the source makes a record, be it one that is passed over.
    SourceCancels(u64),
    /// The sink, when all is done.
    FinishFails,
    FinishPanics,
}

/// Records that fail each time: a third of them by a panic.
pub fn is_bad(record: u64) -> bool {
    record % 8 == 1
}

fn is_filtered(record: u64) -> bool {
    record % 5 == 3
}

pub fn row(record: u64) -> String {
    let len = usize::try_from(record * 7 % 31).unwrap();
    format!("{record},{}\n", "x".repeat(len))
}

/// What is done with a record.
pub fn encode(record: u64, row: &mut Row<'_>) -> Result<(), String> {
    if is_bad(record) {
        row.push_str("half a row that is taken back");
        assert!(record % 3 != 0, "record {record} is cursed");
        return Err(format!("record {record} is bad"));
    }
    if !is_filtered(record) {
        row.push_str(&self::row(record));
    }
    Ok(())
}

/// What a loop comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Whole {
    pub rows: String,
    pub rejects: String,
    pub written: u64,
    pub filtered: u64,
    pub skipped: Vec<u64>,
    /// Where the limit ends it.
    pub end: Option<u64>,
}

/// The loop. `allows` says whether one more may be skipped after so many, of so many that are settled.
pub fn plain_loop(records: u64, allows: impl Fn(u64, u64) -> bool) -> Whole {
    let mut whole = Whole::default();
    for record in 0..records {
        if is_bad(record) {
            if !allows(whole.skipped.len() as u64, record) {
                whole.end = Some(record);
                break;
            }
            whole.skipped.push(record);
            whole.rejects += &format!("{record}\n");
        } else if is_filtered(record) {
            whole.filtered += 1;
        } else {
            whole.rows += &row(record);
            whole.written += 1;
        }
    }
    whole
}

/// Records, with or without their number, in their order.
#[derive(Debug, Default)]
pub struct Block<const COUNTED: bool> {
    records: VecDeque<u64>,
    /// Whether it has been used since it was cleared.
    used: bool,
}

impl<const COUNTED: bool> Chunk for Block<COUNTED> {
    type Record<'r> = u64;

    fn next(&mut self) -> Option<u64> {
        self.used = true;
        self.records.pop_front()
    }

    fn only(record: u64) -> Self {
        Self {
            records: VecDeque::from([record]),
            used: false,
        }
    }

    fn rows(&self) -> Option<usize> {
        COUNTED.then_some(self.records.len())
    }

    fn split(&mut self) -> Option<Self> {
        let half = self.records.len() / 2;
        let rest = self.records.len() - half;
        (half > 0).then(|| Self {
            records: self.records.split_off(rest),
            used: false,
        })
    }

    fn clear(&mut self) {
        self.records.clear();
        self.used = false;
    }
}

/// A source with positions in terms of its own.
#[derive(Debug)]
pub struct Numbers<const COUNTED: bool> {
    next: u64,
    end: u64,
    trouble: Trouble,
    token: CancelToken,
    fingerprint: Fingerprint,
}

impl<const COUNTED: bool> Numbers<COUNTED> {
    pub fn new(end: u64, trouble: Trouble, token: &CancelToken, fingerprint: u64) -> Self {
        Self {
            next: 0,
            end,
            trouble,
            token: token.clone(),
            fingerprint: Fingerprint(fingerprint),
        }
    }
}

impl<const COUNTED: bool> Source for Numbers<COUNTED> {
    type Chunk = Block<COUNTED>;
    type Error = String;

    fn fill(&mut self, chunk: &mut Block<COUNTED>, room: &Room<'_>) -> Result<Fill, String> {
        // One that does not count goes by its own blocks.
        let rows = if COUNTED { room.rows() } else { 4 };
        assert!(!chunk.used, "a chunk is cleared before it is filled again");
        while chunk.records.len() < rows {
            if self.trouble == Trouble::SourceFails(self.next) {
                return Err("the source fails".to_owned());
            }
            assert!(
                self.trouble != Trouble::SourcePanics(self.next),
                "the source is broken"
            );
            if self.trouble == Trouble::SourceCancels(self.next) {
                self.token.cancel();
            }
            if self.next >= self.end {
                return Ok(Fill::ended());
            }
            chunk.records.push_back(self.next);
            self.next += 1;
        }
        Ok(Fill::more())
    }

    fn next_position(&self) -> Option<Position> {
        Some(Position(self.next * 10 + 7))
    }
}

impl<const COUNTED: bool> Seek for Numbers<COUNTED> {
    fn fingerprint(&mut self) -> Result<Fingerprint, String> {
        Ok(self.fingerprint)
    }

    fn seek(&mut self, to: Position, _records: u64) -> Result<(), String> {
        assert_eq!(
            self.next, 0,
            "a source is asked once, before the first fill"
        );
        assert_eq!(to.0 % 10, 7, "{to:?} was never given");
        self.next = to.0 / 10;
        Ok(())
    }
}

/// The same numbers from an iterator, which knows no place and cannot fail but by a panic.
pub fn repeatable(
    end: u64,
    trouble: Trouble,
    token: &CancelToken,
    fingerprint: u64,
) -> Repeatable<impl Source<Chunk = crm_batch::Owned<u64>, Error = std::convert::Infallible>> {
    let token = token.clone();
    let numbers = (0..end).inspect(move |record| {
        if trouble == Trouble::SourceCancels(*record) {
            token.cancel();
        }
        assert!(
            trouble != Trouble::SourcePanics(*record),
            "the source is broken"
        );
    });
    Repeatable::new(numbers, Fingerprint(fingerprint))
}

/// A sink that takes rejects.
pub trait Letters {
    fn reject(&mut self, row: &str) -> Result<(), String>;
}

impl Letters for FileSink {
    fn reject(&mut self, row: &str) -> Result<(), String> {
        FileSink::reject(self, row).map_err(|error| error.to_string())
    }
}

/// What a sink of the user keeps when its process is gone.
#[derive(Debug, Default)]
pub struct Kept {
    pub rows: Vec<(u64, Vec<u8>)>,
    pub rejects: String,
    checkpoint: Option<(Checkpoint, usize, usize)>,
    pub finished: bool,
}

/// A sink of the user: it writes at once, and commits every other chunk.
#[derive(Debug)]
pub struct Table {
    kept: Arc<Mutex<Kept>>,
    job: Option<JobId>,
    chunks: u64,
    every: u64,
    committed: Option<Entry>,
}

impl Table {
    pub fn new(kept: &Arc<Mutex<Kept>>, every: u64) -> Self {
        Self {
            kept: Arc::clone(kept),
            job: None,
            chunks: 0,
            every,
            committed: None,
        }
    }

    fn keep(&mut self, entry: &Entry) {
        if let Some(job) = &self.job {
            let mut kept = self.kept.lock().unwrap();
            let checkpoint = Checkpoint::new(job.clone(), *entry, false);
            kept.checkpoint = Some((checkpoint, kept.rows.len(), kept.rejects.len()));
            self.committed = Some(*entry);
        }
    }
}

impl<'b> Sink<&'b [u8]> for Table {
    type Error = String;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), String> {
        self.job = job.cloned();
        self.committed = from.copied();
        let mut kept = self.kept.lock().unwrap();
        let lens = match &kept.checkpoint {
            Some((checkpoint, rows, rejects)) if from.is_some() => {
                assert_eq!(Some(&checkpoint.entry), from);
                (*rows, *rejects)
            }
            _ => (0, 0),
        };
        kept.rows.truncate(lens.0);
        kept.rejects.truncate(lens.1);
        kept.finished = false;
        Ok(())
    }

    fn write(&mut self, _row: &'b [u8]) -> Result<(), String> {
        Err("a row without its position".to_owned())
    }

    fn write_at(&mut self, position: u64, row: &'b [u8]) -> Result<(), String> {
        let mut kept = self.kept.lock().unwrap();
        kept.rows.push((position, row.to_vec()));
        Ok(())
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), String> {
        self.chunks += 1;
        if self.chunks % self.every == 0 {
            self.keep(entry);
        }
        Ok(())
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), String> {
        self.keep(entry);
        if end == End::Complete {
            let mut kept = self.kept.lock().unwrap();
            kept.checkpoint = None;
            kept.finished = true;
        }
        Ok(())
    }

    fn committed(&self) -> Option<Entry> {
        self.committed
    }
}

impl Recover for Table {
    type Error = String;

    fn recover(&mut self, _name: &str) -> Result<Option<Checkpoint>, String> {
        let kept = self.kept.lock().unwrap();
        Ok(kept
            .checkpoint
            .as_ref()
            .map(|(checkpoint, ..)| checkpoint.clone()))
    }
}

impl Letters for Table {
    fn reject(&mut self, row: &str) -> Result<(), String> {
        self.kept.lock().unwrap().rejects += row;
        Ok(())
    }
}

/// A sink with its trouble.
#[derive(Debug)]
pub struct Troubled<K> {
    pub sink: K,
    pub trouble: Trouble,
}

impl<'b, K> Sink<&'b [u8]> for Troubled<K>
where
    K: Sink<&'b [u8]>,
    K::Error: Debug,
{
    type Error = String;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), String> {
        self.sink.begin(job, from).map_err(told)
    }

    fn write(&mut self, row: &'b [u8]) -> Result<(), String> {
        self.sink.write(row).map_err(told)
    }

    fn write_at(&mut self, position: u64, row: &'b [u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(row);
        assert!(
            text.starts_with(&format!("{position},")),
            "{text:?} is not the row of record {position}"
        );
        if self.trouble == Trouble::SinkRefuses(position) {
            return Err("the sink refuses".to_owned());
        }
        assert!(
            self.trouble != Trouble::SinkPanics(position),
            "the sink is broken"
        );
        self.sink.write_at(position, row).map_err(told)
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), String> {
        match self.trouble {
            Trouble::CommitFails(records) if entry.records > records => {
                return Err("the commit fails".to_owned());
            }
            Trouble::CommitPanics(records) => {
                assert!(entry.records <= records, "the commit is broken");
            }
            _ => (),
        }
        self.sink.commit(entry).map_err(told)?;
        match self.trouble {
            Trouble::CommitFailsAfterAll(records) if entry.records > records => {
                Err("the commit fails".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), String> {
        if end == End::Complete {
            if self.trouble == Trouble::FinishFails {
                return Err("the end fails".to_owned());
            }
            assert!(self.trouble != Trouble::FinishPanics, "the end is broken");
        }
        self.sink.finish(entry, end).map_err(told)
    }

    fn committed(&self) -> Option<Entry> {
        self.sink.committed()
    }
}

impl<K> Recover for Troubled<K>
where
    K: Recover,
    K::Error: Debug,
{
    type Error = String;

    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, String> {
        self.sink.recover(name).map_err(told)
    }
}

fn told(error: impl Debug) -> String {
    format!("{error:?}")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// An iterator: records that are done are passed over.
    Iterator,
    /// Chunks that know their number of records.
    Counted,
    /// Chunks that do not.
    Uncounted,
}

/// Where the output goes, and what is there when a process is gone.
#[derive(Clone, Debug)]
pub enum Into {
    File { path: PathBuf, every: Duration },
    Table { kept: Arc<Mutex<Kept>>, every: u64 },
}

/// A job.
#[derive(Clone, Debug)]
pub struct Setup {
    pub from: From,
    pub into: Into,
    pub chunk_rows: Option<usize>,
    pub threads: usize,
    pub inline: bool,
    pub limit: SkipLimit,
    /// Whether the sink takes the rejects.
    pub letters: bool,
    pub records: u64,
    pub fingerprint: u64,
    pub parameters: u64,
    pub name: &'static str,
    pub start_over: bool,
}

impl Setup {
    pub fn new(from: From, into: Into) -> Self {
        Self {
            from,
            into,
            chunk_rows: Some(3),
            threads: 2,
            inline: false,
            limit: SkipLimit::ALL,
            letters: false,
            records: RECORDS,
            fingerprint: 1,
            parameters: 1,
            name: "again",
            start_over: false,
        }
    }
}

/// How a run ended that did not succeed.
#[derive(Debug)]
pub struct Ended {
    pub kind: Kind,
    pub position: u64,
    pub report: Box<Report<String>>,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Process,
    Sink,
    Source,
    Checkpoint,
    Over,
    Panicked,
    Other,
}

fn ended<X: std::fmt::Display, I: std::fmt::Display>(error: BatchError<String, X, I>) -> Ended {
    Ended {
        kind: match error {
            BatchError::Process { .. } => Kind::Process,
            BatchError::Sink { .. } | BatchError::DeadLetters { .. } => Kind::Sink,
            BatchError::Source { .. } => Kind::Source,
            BatchError::Checkpoint { .. } => Kind::Checkpoint,
            BatchError::Cancelled { .. } | BatchError::DeadlineExceeded { .. } => Kind::Over,
            BatchError::Panicked { .. } => Kind::Panicked,
            _ => Kind::Other,
        },
        position: error.position(),
        message: format!("{error:#}"),
        report: Box::new(error.into_report()),
    }
}

/// One run, in which something happens.
pub fn run(setup: &Setup, trouble: Trouble) -> Result<Report<String>, Ended> {
    match &setup.into {
        Into::File { path, every } => {
            let mut sink = FileSink::create(path).commit_every(*every);
            if setup.letters {
                sink = sink.with_rejects(rejects_beside(path));
            }
            run_into(setup, trouble, Troubled { sink, trouble })
        }
        Into::Table { kept, every } => {
            let sink = Table::new(kept, *every);
            run_into(setup, trouble, Troubled { sink, trouble })
        }
    }
}

pub fn rejects_beside(path: &std::path::Path) -> PathBuf {
    path.with_extension("rejected")
}

fn run_into<K>(setup: &Setup, trouble: Trouble, sink: Troubled<K>) -> Result<Report<String>, Ended>
where
    K: Letters + Recover,
    Troubled<K>: for<'b> Sink<&'b [u8], Error = String> + Recover<Error = String>,
{
    let (clock, hand) = Clock::manual();
    let token = CancelToken::new();
    let mut builder = Batch::builder()
        .pool(pool(setup.threads))
        .inline_start(setup.inline)
        .skip(setup.limit)
        .cancel(token.clone())
        .deadline(Duration::from_secs(3_600))
        .clock(clock);
    if let Some(rows) = setup.chunk_rows {
        builder = builder.chunk_rows(rows);
    }
    let batch = builder.build().unwrap();
    let process = |record: u64, row: &mut Row<'_>| {
        // Long enough to close a chunk, if that were all.
        hand.advance(Duration::from_micros(300));
        match trouble {
            Trouble::Cancelled(at) if at == record => token.cancel(),
            Trouble::Late(at) if at == record => drop(hand.advance(Duration::from_secs(7_200))),
            Trouble::Fails(at) if at == record => return Err("trouble".to_owned()),
            Trouble::Panics(at) => assert!(at != record, "trouble: record {at} is cursed"),
            _ => (),
        }
        encode(record, row)
    };
    macro_rules! run {
        ($source:expr) => {{
            let job = batch
                .job($source)
                .encode(process)
                .fatal_when(|failure| {
                    let troubled = |text: &str| text.contains("trouble");
                    failure.error().is_some_and(|error| troubled(error))
                        || failure
                            .panic()
                            .is_some_and(|panic| troubled(&panic.to_string()))
                })
                .into(sink);
            macro_rules! go {
                ($job:expr) => {{
                    let job = $job.checkpoint(setup.name).unwrap();
                    let job = job.parameters(&setup.parameters);
                    let job = if setup.start_over {
                        job.start_over()
                    } else {
                        job
                    };
                    job.run().map_err(ended)
                }};
            }
            if setup.letters {
                go!(job.rejects(|sink: &mut Troubled<K>, skip, _record| {
                    sink.sink.reject(&format!("{}\n", skip.position()))
                }))
            } else {
                go!(job)
            }
        }};
    }
    match setup.from {
        From::Iterator => run!(repeatable(
            setup.records,
            trouble,
            &token,
            setup.fingerprint
        )),
        From::Counted => run!(Numbers::<true>::new(
            setup.records,
            trouble,
            &token,
            setup.fingerprint
        )),
        From::Uncounted => run!(Numbers::<false>::new(
            setup.records,
            trouble,
            &token,
            setup.fingerprint
        )),
    }
}

/// What is there under the names of the output, if anything is.
pub fn output(setup: &Setup) -> (Option<String>, Option<String>) {
    match &setup.into {
        Into::File { path, .. } => {
            let read = |path: PathBuf| fs::read_to_string(path).ok();
            let rejects = setup.letters.then(|| read(rejects_beside(path))).flatten();
            (read(path.clone()), rejects)
        }
        Into::Table { kept, .. } => {
            let kept = kept.lock().unwrap();
            if !kept.finished {
                return (None, None);
            }
            let mut text = Vec::new();
            let mut last = None;
            for (position, row) in &kept.rows {
                assert!(Some(*position) > last, "position {position} is doubled");
                last = Some(*position);
                text.write_all(row).unwrap();
            }
            let rejects = setup.letters.then(|| kept.rejects.clone());
            (Some(String::from_utf8(text).unwrap()), rejects)
        }
    }
}

/// Whether what is there is what the loop comes to.
pub fn assert_done(setup: &Setup) {
    let whole = plain_loop(setup.records, |_, _| true);
    let (rows, rejects) = output(setup);
    assert_eq!(rows, Some(whole.rows));
    assert_eq!(rejects, setup.letters.then_some(whole.rejects));
}

/// Runs a job again and again, with these troubles one after the other and then none, and looks at every report.
pub fn until_done(setup: &Setup, troubles: &[Trouble]) {
    let whole = plain_loop(setup.records, |_, _| true);
    let mut durable = Entry::default();
    for &trouble in troubles {
        match run(setup, trouble) {
            Ok(report) => {
                check_report(setup, &whole, &durable, &report);
                assert_done(setup);
                durable = Entry::default();
            }
            Err(ended) => {
                check_report(setup, &whole, &durable, &ended.report);
                check_end(setup, trouble, &ended);
                durable = ended.report.committed().copied().unwrap_or_default();
            }
        }
    }
    let report = run(setup, Trouble::None).unwrap();
    check_report(setup, &whole, &durable, &report);
    let before = report.before();
    assert_eq!(before.records + report.read(), setup.records);
    assert_eq!(before.written + report.written(), whole.written);
    assert_eq!(before.filtered + report.filtered(), whole.filtered);
    assert_eq!(
        before.skipped + report.skipped(),
        whole.skipped.len() as u64
    );
    assert_eq!(report.not_processed(), 0);
    assert_done(setup);
}

fn check_report(setup: &Setup, whole: &Whole, durable: &Entry, report: &Report<String>) {
    // The run goes on from what the one before has said to be durable.
    let before = report.before();
    assert_eq!(before, durable);
    let settled = report.written() + report.filtered() + report.skipped();
    assert_eq!(report.read(), settled + report.not_processed());
    assert_eq!(
        before.records,
        before.written + before.filtered + before.skipped
    );
    // The positions of skips count from the start of the job.
    let range = before.records..before.records + settled;
    let skipped: Vec<u64> = whole
        .skipped
        .iter()
        .copied()
        .filter(|record| range.contains(record))
        .collect();
    assert_eq!(report.skipped(), skipped.len() as u64);
    let told: Vec<u64> = report.skips().iter().map(Skip::position).collect();
    assert_eq!(told, if setup.letters { vec![] } else { skipped });
    if let Some(committed) = report.committed() {
        assert!(committed.records >= before.records && committed.records <= range.end);
    }
}

/// The run ended where and as it should, and kept all that it had done.
fn check_end(setup: &Setup, trouble: Trouble, ended: &Ended) {
    let (kind, position) = match trouble {
        Trouble::None => panic!("nothing was wrong: {}", ended.message),
        Trouble::Fails(at) | Trouble::Panics(at) => (Kind::Process, Some(at)),
        Trouble::SourceFails(at) => (Kind::Source, Some(at)),
        Trouble::SinkRefuses(at) => (Kind::Sink, Some(at)),
        Trouble::SourcePanics(at) | Trouble::SinkPanics(at) => (Kind::Panicked, Some(at)),
        Trouble::CommitFails(_) | Trouble::CommitFailsAfterAll(_) => (Kind::Sink, None),
        Trouble::CommitPanics(_) => (Kind::Panicked, None),
        Trouble::Cancelled(_) | Trouble::Late(_) | Trouble::SourceCancels(_) => (Kind::Over, None),
        Trouble::FinishFails => (Kind::Sink, Some(setup.records)),
        Trouble::FinishPanics => (Kind::Panicked, Some(setup.records)),
    };
    assert_eq!(ended.kind, kind, "{}", ended.message);
    if let Some(position) = position {
        assert_eq!(ended.position, position);
    }
    let silent = matches!(
        trouble,
        Trouble::SinkPanics(_)
            | Trouble::CommitPanics(_)
            | Trouble::FinishFails
            | Trouble::FinishPanics
    );
    if !silent {
        let committed = ended.report.committed().unwrap();
        assert_eq!(committed.records, ended.position);
    }
    assert_eq!(output(setup).0, None, "a name before its time");
}
