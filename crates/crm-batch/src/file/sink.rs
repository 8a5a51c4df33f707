//! The file sink itself.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crm_clock::Clock;

use super::FileError;
use super::disk::Real;
use super::store::Store;
use crate::{Checkpoint, End, Entry, JobId, Recover, Sink};

/// A file that is there when the job has succeeded, whole, and not before.
///
/// It takes rows of bytes as they are: those that [`Job::encode`](crate::Job::encode) makes, or outputs that are bytes or a
/// text. It adds nothing, no line end either.
///
/// While the job runs the rows lie in `NAME.part`. When it succeeds they are synced to the disk and get their name; a file
/// of that name is replaced at that moment. When it fails they are removed. With a [checkpoint](crate::Ready::checkpoint) they
/// stay, and `NAME.checkpoint` says how many of them count: the next run cuts off the others and goes on, be it that the
/// run before failed, was cancelled, was killed, or that the machine lost its power.
///
/// ```
/// use crm_batch::{Batch, FileSink, Fingerprint, Repeatable};
/// use std::io::Write;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("squares.csv");
/// let numbers = Repeatable::new(0..1_000_u64, Fingerprint::of("all up to 1,000"));
/// let report = Batch::new()
///     .job(numbers)
///     .encode(|n, row| writeln!(row, "{n},{}", n * n))
///     .into(FileSink::create(&path).header("n,square\n"))
///     .checkpoint("squares")?
///     .run()?; // killed in here? run it again
/// assert_eq!(report.written(), 1_000);
/// let file = std::fs::read_to_string(&path)?;
/// assert!(file.starts_with("n,square\n0,0\n") && file.ends_with("\n999,998001\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Costs and limits
///
/// A checkpoint is written once a [second](Self::commit_every) and at the end: the rows are synced, then 4 KiB.
/// After a kill at most that second's rows are worked out again. The buffers take 256 KiB for each file.
///
/// The system holds the files for one run at a time ([`FileError::Busy`]); a file system that has no locks is refused.
/// The three files lie in one folder and must stay together. Rows that somebody else changes in `NAME.part` are not noticed,
/// unless the file becomes shorter than the checkpoint says.
pub struct FileSink {
    store: Store<Real>,
}

impl FileSink {
    /// A file with this path. Nothing is touched before the run begins.
    pub fn create(path: impl Into<PathBuf>) -> Self {
        Self {
            store: Store::new(Real, path.into()),
        }
    }

    /// How much time passes between two checkpoints: one second, unless chosen otherwise. With zero, each chunk is made durable.
    #[must_use]
    pub fn commit_every(mut self, every: Duration) -> Self {
        self.store.commit_every(every);
        self
    }

    /// A second file, for [rejects](Self::reject), that is committed together with the first.
    #[must_use]
    pub fn with_rejects(mut self, path: impl Into<PathBuf>) -> Self {
        self.store.with_rejects(path.into());
        self
    }

    /// What stands at the head of the file, once, however often the job is killed: the names of columns with their line end.
    #[must_use]
    pub fn header(mut self, header: impl Into<Vec<u8>>) -> Self {
        self.store.set_header(header.into());
        self
    }

    /// The same for the file of [rejects](Self::with_rejects).
    #[must_use]
    pub fn rejects_header(mut self, header: impl Into<Vec<u8>>) -> Self {
        self.store.set_rejects_header(header.into());
        self
    }

    /// The clock that says when a checkpoint is due; for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.store.set_clock(clock);
        self
    }

    /// Takes a row for the file of rejects; see [`Ready::rejects`](crate::Ready::rejects).
    ///
    /// ```
    /// use crm_batch::{Batch, FileSink, SkipLimit};
    /// use std::io::Write;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("numbers.txt");
    /// # let rejected = folder.path().join("rejected.txt");
    /// Batch::builder()
    ///     .skip(SkipLimit::ALL)
    ///     .build()?
    ///     .job("12\nx\n7".lines())
    ///     .encode(|line, row| line.parse::<u32>().map(|n| drop(writeln!(row, "{n}"))))
    ///     .keep_records()
    ///     .into(FileSink::create(&path).with_rejects(&rejected).rejects_header("where: what: why\n"))
    ///     .rejects(|sink, skip, line| {
    ///         let line = line.unwrap_or_default();
    ///         sink.reject(format!("{}: {line:?}: {}\n", skip.position(), skip.failure()))
    ///     })
    ///     .run()?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "12\n7\n");
    /// assert_eq!(std::fs::read_to_string(&rejected)?, "where: what: why\n1: \"x\": invalid digit found in string\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FileError::NoRejects`] when there is no such file; else as a write.
    pub fn reject(&mut self, row: impl AsRef<[u8]>) -> Result<(), FileError> {
        self.store.reject(row.as_ref())
    }
}

impl<R: AsRef<[u8]>> Sink<R> for FileSink {
    type Error = FileError;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), FileError> {
        self.store.begin(job, from)
    }

    #[inline]
    fn write(&mut self, row: R) -> Result<(), FileError> {
        self.store.write(row.as_ref())
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), FileError> {
        self.store.commit(entry)
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), FileError> {
        self.store.finish(entry, end)
    }

    fn committed(&self) -> Option<Entry> {
        self.store.committed()
    }
}

impl Recover for FileSink {
    type Error = FileError;

    fn recover(&mut self, _name: &str) -> Result<Option<Checkpoint>, FileError> {
        self.store.recover()
    }
}

impl fmt::Debug for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink")
            .field("path", &self.store.path())
            .field("committed", &self.store.committed())
            .finish_non_exhaustive()
    }
}
