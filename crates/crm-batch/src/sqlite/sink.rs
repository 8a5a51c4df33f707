//! A sink that commits the rows of a job together with its checkpoint.

use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use crm_clock::{Clock, Tick};
use rusqlite::Connection;

use super::SqliteError;
use super::ledger::{self, Claim};
use crate::{Checkpoint, End, Entry, JobId, Recover, Sink};

/// From one commit to the next, unless the user says otherwise.
const EVERY: Duration = Duration::from_secs(1);

/// Writes outputs into a SQLite database, with exactly-once effect: rows and checkpoint are committed in one transaction.
///
/// ```
/// use crm_batch::{Batch, Fingerprint, Repeatable, SqliteSink, Verdict};
/// use rusqlite::Connection;
///
/// let mut shop = Connection::open_in_memory()?; // a file, in earnest
/// shop.execute_batch("CREATE TABLE scores (id INTEGER PRIMARY KEY, score INTEGER NOT NULL)")?;
///
/// let sink = SqliteSink::new(&mut shop, |shop, (id, score): (u64, u64)| {
///     shop.prepare_cached("INSERT INTO scores VALUES (?1, ?2)")?.execute((id as i64, score as i64))?;
///     Ok(())
/// });
/// let report = Batch::new()
///     .job(Repeatable::new(0..10_000_u64, Fingerprint::of("the numbers below ten thousand")))
///     .process(|id| Ok::<_, std::io::Error>(Verdict::Output((id, id % 100))))
///     .into(sink)
///     .checkpoint("nightly.scores")? // killed here or there, the next run goes on
///     .run()?;
///
/// assert_eq!(report.written(), 10_000);
/// let rows: i64 = shop.query_row("SELECT count(*) FROM scores", [], |row| row.get(0))?;
/// assert_eq!(rows, 10_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The connection is one's own or lent by `&mut`. The function may execute several statements for an output; rows that a
/// failure or a panic has left half done are never committed. What it must not do is end the transaction, by `COMMIT`,
/// `ROLLBACK` or `ON CONFLICT ROLLBACK`: the run then ends with [`SqliteError::NoTransaction`].
///
/// # With a checkpoint
///
/// A transaction stays open over many chunks and is committed [every second](Self::commit_every), and when the run ends, be it
/// early. It holds the outputs, what [rejects](crate::Ready::rejects) have written through
/// [`connection`](Self::connection), and the job's row in the table `crm_batch_ledger`, which the sink creates. So they are
/// all there or none of them, whatever is killed when, and [`committed`](Sink::committed) is what the tables hold.
///
/// Each run has an identity of its own. A run that goes on after another has begun under the same name, because it was
/// thought dead, commits nothing more and ends with [`SqliteError::Overtaken`].
///
/// The transaction that writes the last rows also removes the job's row. A run after that starts anew and writes its rows
/// again, as a nightly job should; see [`start_with`](Self::start_with) for one that replaces those of the night before. Killed
/// between that transaction and the moment at which its caller has noted the success, a job looks like one that was never
/// run. [`keep_completed`](Self::keep_completed) closes this gap for jobs whose name is used for one input only.
///
/// # Without a checkpoint
///
/// All or nothing: one transaction for the whole run, which is rolled back unless the run succeeds. With
/// [`commit_every`](Self::commit_every) instead, what has been committed stays, and a run that ends early commits what it has
/// settled.
///
/// # What is left to the user
///
/// - **Waiting.** While the sink's transaction is open, nobody else can write to the database, not even during a pause. Other
///   writers need a `busy_timeout` above the commit interval, and so does the sink's connection if they write for long.
/// - **Durability.** Rows and checkpoint stay together whatever `synchronous` says. With `FULL`, or with `EXTRA` where the
///   journal is no WAL, a commit survives a power cut. With `NORMAL` in WAL mode, a power cut may take back the last commits,
///   rows and checkpoint alike, so that a later run does them again; but one who has read them in between has seen more than
///   is there. A killed process takes back nothing. With `OFF`, or with `journal_mode = OFF` or `MEMORY`, a power cut can
///   damage the database, and with the latter two a killed process can.
/// - **One file.** Outputs that go into an attached database are committed together with the checkpoint, but in WAL mode not
///   if the power fails in the middle of the commit.
/// - **Readers.** A source over the same file, such as [`SqliteRows`](crate::SqliteRows), needs a connection of its own, and
///   `journal_mode = WAL`, in which readers and the writer do not wait for one another.
pub struct SqliteSink<C: Borrow<Connection>, F> {
    connection: C,
    row: F,
    every: Option<Duration>,
    clock: Clock,
    start: Option<String>,
    keep: bool,
    /// Whether `recover` was asked.
    looked: bool,
    claim: Option<Claim>,
    state: State,
    /// The entry of the last whole chunk, while it is not committed.
    noted: Option<Entry>,
    committed: Option<Entry>,
    last: Tick,
}

/// Where the sink is between its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The run has not begun, or nothing more is to be committed.
    Closed,
    /// No transaction is open.
    Between,
    /// A transaction is open. `saved`: a savepoint marks the end of the last whole chunk; without one, the transaction holds
    /// no whole chunk. `partial`: the end of what is written may be half a row.
    Within { saved: bool, partial: bool },
}

impl<C: Borrow<Connection>, F> SqliteSink<C, F> {
    /// A sink that executes `row` for each output. Statements are best prepared by
    /// [`prepare_cached`](Connection::prepare_cached).
    pub fn new<R>(connection: C, row: F) -> Self
    where
        F: FnMut(&Connection, R) -> rusqlite::Result<()>,
    {
        Self {
            connection,
            row,
            every: None,
            clock: Clock::system(),
            start: None,
            keep: false,
            looked: false,
            claim: None,
            state: State::Closed,
            noted: None,
            committed: None,
            last: Tick::ZERO,
        }
    }

    /// Commits at the end of the first chunk after so long a time; one second if it is left out, and at the end of each chunk
    /// if it is zero.
    ///
    /// A killed run does again what it has done since. A job without a checkpoint commits at its end only, unless this is set.
    #[must_use]
    pub fn commit_every(mut self, interval: Duration) -> Self {
        self.every = Some(interval);
        self
    }

    /// Executes statements in the first transaction of a job that begins at the start, and not when it goes on from a
    /// checkpoint. With `DELETE`, a job replaces the rows of the one before it.
    ///
    /// ```
    /// use crm_batch::{Batch, SqliteSink, Verdict};
    /// use rusqlite::Connection;
    ///
    /// let mut shop = Connection::open_in_memory()?;
    /// for night in [3_i64, 2] {
    ///     let sink = SqliteSink::new(&mut shop, |shop, id: i64| {
    ///         shop.prepare_cached("INSERT INTO scores VALUES (?1)")?.execute([id])?;
    ///         Ok(())
    ///     });
    ///     let sink = sink.start_with("CREATE TABLE IF NOT EXISTS scores (id INTEGER); DELETE FROM scores");
    ///     Batch::new()
    ///         .job(0..night)
    ///         .process(|id| Ok::<_, std::io::Error>(Verdict::Output(id)))
    ///         .into(sink)
    ///         .run()?;
    ///     let rows: i64 = shop.query_row("SELECT count(*) FROM scores", [], |row| row.get(0))?;
    ///     assert_eq!(rows, night);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Without a checkpoint and `commit_every`, others see the old rows until all new ones are there. With either they see a
    /// table that is being filled.
    #[must_use]
    pub fn start_with(mut self, statements: impl Into<String>) -> Self {
        self.start = Some(statements.into());
        self
    }

    /// Keeps the checkpoint of a job that has succeeded, so that a further run under its name finds nothing left to do.
    ///
    /// This is for a job whose name is used for one input only, such as `import.2026-11-21`: it can be started again
    /// whenever it is not known whether it had ended. A run with another input or other parameters is refused. The row of an old
    /// job may be deleted from `crm_batch_ledger` by hand.
    #[must_use]
    pub fn keep_completed(mut self) -> Self {
        self.keep = true;
        self
    }

    /// The clock that tells the time for a commit, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The connection, in the sink's transaction: for dead letters in a table of the same database.
    ///
    /// ```
    /// use crm_batch::{Batch, SkipLimit, SqliteSink, Verdict};
    /// use rusqlite::Connection;
    ///
    /// let mut shop = Connection::open_in_memory()?;
    /// shop.execute_batch("CREATE TABLE amounts (amount INTEGER); CREATE TABLE rejects (record INTEGER, why TEXT)")?;
    /// let sink = SqliteSink::new(&mut shop, |shop, amount: i64| {
    ///     shop.prepare_cached("INSERT INTO amounts VALUES (?1)")?.execute([amount])?;
    ///     Ok(())
    /// });
    /// Batch::builder()
    ///     .skip(SkipLimit::ALL)
    ///     .build()?
    ///     .job("12,x,7".split(','))
    ///     .process(|field| field.parse::<i64>().map(Verdict::Output))
    ///     .into(sink)
    ///     .rejects(|sink, skip, _| {
    ///         sink.connection()?
    ///             .prepare_cached("INSERT INTO rejects VALUES (?1, ?2)")?
    ///             .execute((skip.position() as i64, skip.failure().to_string()))?;
    ///         Ok(())
    ///     })
    ///     .run()?;
    /// let why: String = shop.query_row("SELECT why FROM rejects WHERE record = 1", [], |row| row.get(0))?;
    /// assert_eq!(why, "invalid digit found in string");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SqliteError::Sqlite`] when a transaction cannot begin, [`SqliteError::NoTransaction`] outside of a run.
    pub fn connection(&mut self) -> Result<&Connection, SqliteError> {
        self.enter()?;
        // Only the next row or commit shows that what is done with it has been done to its end.
        self.mark(true);
        Ok(self.connection.borrow())
    }

    /// Sees to it that a transaction is open, and that it is the one that the sink has begun.
    #[inline]
    fn enter(&mut self) -> Result<(), SqliteError> {
        match self.state {
            State::Within { .. } if !self.connection.borrow().is_autocommit() => Ok(()),
            State::Between => {
                self.execute("BEGIN IMMEDIATE")?;
                self.state = State::Within {
                    saved: false,
                    partial: false,
                };
                Ok(())
            }
            State::Within { .. } | State::Closed => {
                self.state = State::Closed;
                Err(SqliteError::NoTransaction)
            }
        }
    }

    #[inline]
    fn mark(&mut self, half: bool) {
        if let State::Within { partial, .. } = &mut self.state {
            *partial = half;
        }
    }

    fn execute(&self, statement: &str) -> Result<(), SqliteError> {
        self.connection
            .borrow()
            .prepare_cached(statement)?
            .execute([])?;
        Ok(())
    }

    /// Whether there are commits before the end of the run.
    fn in_parts(&self) -> bool {
        self.claim.is_some() || self.every.is_some()
    }

    /// Commits what is written, with the entry to which it belongs. When that fails, nothing since the last commit is left,
    /// and nothing more is to come.
    fn settle(&mut self, entry: &Entry, complete: bool) -> Result<(), SqliteError> {
        self.enter()?;
        let connection = self.connection.borrow();
        let settled = match &self.claim {
            None => Ok(()),
            Some(claim) if complete && !self.keep => claim.remove(connection),
            Some(claim) => claim.advance(connection, entry, complete),
        }
        .and_then(|()| self.execute("COMMIT"));
        if settled.is_err() {
            self.undo();
            self.state = State::Closed;
            return settled;
        }
        self.state = State::Between;
        self.noted = None;
        self.committed = Some(*entry);
        self.last = self.clock.now();
        Ok(())
    }

    /// Marks the end of a whole chunk, so that a row that fails later takes back no more than its own chunk.
    fn note(&mut self, entry: &Entry) -> Result<(), SqliteError> {
        if let State::Within { saved, .. } = self.state {
            self.enter()?;
            // Savepoints of one name would lie one upon the other.
            if saved {
                self.execute("RELEASE crm_batch_chunk")?;
            }
            self.execute("SAVEPOINT crm_batch_chunk")?;
            self.state = State::Within {
                saved: true,
                partial: false,
            };
        }
        self.noted = Some(*entry);
        Ok(())
    }

    /// Takes back what came after the last whole chunk.
    fn undo_chunk(&mut self) -> Result<(), SqliteError> {
        self.enter()?;
        if let State::Within { saved: true, .. } = self.state {
            self.execute("ROLLBACK TO crm_batch_chunk")?;
            self.mark(false);
        } else {
            self.undo();
        }
        Ok(())
    }

    /// Takes back what is not committed.
    fn undo(&mut self) {
        if let State::Within { .. } = self.state {
            self.state = State::Between;
            if !self.connection.borrow().is_autocommit() {
                // It fails only when there is no transaction any more.
                let _ = self.execute("ROLLBACK");
            }
        }
    }

    /// Begins a job with a checkpoint, and makes sure that nobody else has gone on with it since this run has looked.
    fn claim(&mut self, job: &JobId, from: Option<&Entry>) -> Result<(), SqliteError> {
        let connection = self.connection.borrow();
        ledger::create(connection)?;
        // A run that was told to start over has not looked, and is not interested.
        if self.looked || from.is_some() {
            let unchanged = match (ledger::read(connection, &job.name)?, from) {
                (None, None) => true,
                (Some(there), Some(from)) => there.job == *job && there.entry == *from,
                _ => false,
            };
            if !unchanged {
                return Err(SqliteError::Overtaken);
            }
        }
        self.claim = Some(ledger::claim(connection, job, from)?);
        Ok(())
    }

    fn start(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), SqliteError> {
        if let Some(job) = job {
            self.enter()?;
            self.claim(job, from)?;
        }
        if let (Some(statements), None) = (self.start.take(), from) {
            self.enter()?;
            self.connection.borrow().execute_batch(&statements)?;
        }
        if job.is_some() {
            self.enter()?;
            self.execute("COMMIT")?;
            self.state = State::Between;
        }
        Ok(())
    }
}

impl<R, C, F> Sink<R> for SqliteSink<C, F>
where
    C: Borrow<Connection> + Send,
    F: FnMut(&Connection, R) -> rusqlite::Result<()> + Send,
{
    type Error = SqliteError;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), SqliteError> {
        if !self.connection.borrow().is_autocommit() {
            return Err(SqliteError::InTransaction);
        }
        self.state = State::Between;
        self.last = self.clock.now();
        let begun = self.start(job, from);
        match begun {
            Ok(()) => self.committed = from.copied(),
            Err(_) => {
                self.undo();
                self.state = State::Closed;
            }
        }
        begun
    }

    #[inline]
    fn write(&mut self, output: R) -> Result<(), SqliteError> {
        self.enter()?;
        self.mark(true);
        (self.row)(self.connection.borrow(), output)?;
        self.mark(false);
        Ok(())
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), SqliteError> {
        self.mark(false);
        if !self.in_parts() {
            return Ok(());
        }
        if self.clock.now() - self.last >= self.every.unwrap_or(EVERY) {
            self.settle(entry, false)
        } else {
            self.note(entry)
        }
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), SqliteError> {
        if self.state == State::Closed {
            return Ok(());
        }
        let settled = if end == End::Complete {
            self.settle(entry, true)
        } else if !self.in_parts() {
            Ok(())
        } else {
            self.finish_early(entry)
        };
        self.undo();
        self.state = State::Closed;
        settled
    }

    fn committed(&self) -> Option<Entry> {
        self.committed
    }
}

impl<C: Borrow<Connection>, F> SqliteSink<C, F> {
    fn finish_early(&mut self, entry: &Entry) -> Result<(), SqliteError> {
        let half = matches!(self.state, State::Within { partial: true, .. });
        let whole = if half {
            self.undo_chunk()?;
            self.noted
        } else {
            Some(*entry)
        };
        match whole {
            Some(whole) if whole != self.committed.unwrap_or_default() => {
                self.settle(&whole, false)
            }
            _ => Ok(()),
        }
    }
}

impl<C: Borrow<Connection>, F> Recover for SqliteSink<C, F> {
    type Error = SqliteError;

    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, SqliteError> {
        self.looked = true;
        ledger::read(self.connection.borrow(), name)
    }
}

impl<C: Borrow<Connection>, F> Drop for SqliteSink<C, F> {
    /// Takes back what a panic has left uncommitted: a connection that was lent lives on.
    fn drop(&mut self) {
        self.undo();
    }
}

impl<C: Borrow<Connection>, F> fmt::Debug for SqliteSink<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSink")
            .field("every", &self.every)
            .field("keep_completed", &self.keep)
            .field("state", &self.state)
            .field("noted", &self.noted)
            .field("committed", &self.committed)
            .finish_non_exhaustive()
    }
}
