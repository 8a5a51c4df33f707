//! Where outputs go.

use crate::{Checkpoint, JobId, Position};

/// Where outputs go. Every `FnMut(R) -> Result<(), E>` is a sink, so is `&mut Vec<R>`; one that has something to commit
/// implements this trait.
///
/// A sink is used by one thread at a time, though not always the same one. It is called in this order: [`begin`](Self::begin)
/// once; then for each chunk [`write`](Self::write) for its outputs and [`commit`](Self::commit); in the end
/// [`finish`](Self::finish), unless the sink itself has panicked. It is called after an error of the sink's own as well, so
/// that one that is in doubt about what it has must remember that. [`Recover`] shows a sink in full.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sink of `{R}`",
    note = "a closure returns a `Result<(), E>`, and is `Send`",
    note = "after `encode` the outputs are `&[u8]`: use a closure `|row: &[u8]|`, a `Writer` or a `FileSink`"
)]
pub trait Sink<R>: Send {
    /// Why it refuses.
    type Error: Send;

    /// The run begins. `job` is there when it has a [checkpoint](crate::Ready::checkpoint), and `from` when it goes on from
    /// one: what the sink has taken after that entry it must forget.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from beginning; nothing is read then.
    fn begin(&mut self, _job: Option<&JobId>, _from: Option<&Entry>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Takes an output.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from taking it; the run ends.
    fn write(&mut self, output: R) -> Result<(), Self::Error>;

    /// Takes the output of the record at `position`.
    ///
    /// A record has the same position in each run over the same input, so that the job's name and the position are an
    /// idempotency key for an effect that cannot be committed together with a checkpoint. The default drops it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    fn write_at(&mut self, _position: u64, output: R) -> Result<(), Self::Error> {
        self.write(output)
    }

    /// Learns that a chunk is settled: its outputs have been written, its rejects reported.
    ///
    /// This is the place to make the outputs and the entry durable together, or to note the entry until enough has come
    /// together. The default does nothing.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from committing; the run ends.
    fn commit(&mut self, _entry: &Entry) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The run has ended, as `end` says; everything that it has written belongs to `entry`.
    ///
    /// # Errors
    ///
    /// Whatever keeps the sink from making it durable. It is the run's error if that would else have succeeded.
    fn finish(&mut self, _entry: &Entry, _end: End) -> Result<(), Self::Error> {
        Ok(())
    }

    /// What is durable: the entry from which a run would go on if this one were killed now. `None` when nothing is, or
    /// when the sink does not know.
    fn committed(&self) -> Option<Entry> {
        None
    }
}

/// A sink that keeps checkpoints: it makes an entry durable together with the outputs that belong to it.
///
/// Where the two cannot be made durable together, the outputs go first. A job that is killed in between sends them again, and
/// the receiver drops them by their key: the name of the job and the position. A sink may gather outputs over many
/// chunks, as long as it does not tell an entry before it has sent all that belongs to it.
///
/// ```
/// use crm_batch::{Batch, Checkpoint, End, Entry, Fingerprint, JobId, Recover, Repeatable, Sink, Verdict};
/// use std::collections::BTreeMap;
/// use std::io;
/// use std::sync::{Mutex, PoisonError};
///
/// /// A service somewhere else, which keeps each key once; and a row beside it for the checkpoint.
/// #[derive(Default)]
/// struct Service {
///     points: BTreeMap<(String, u64), u64>,
///     checkpoint: Option<Checkpoint>,
/// }
///
/// struct Posts<'s> {
///     service: &'s Mutex<Service>,
///     job: Option<JobId>,
///     batch: Vec<(u64, u64)>,
///     sent: Option<Entry>,
/// }
///
/// impl Posts<'_> {
///     fn send(&mut self, entry: &Entry) -> io::Result<()> {
///         let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
///         let Some(job) = &self.job else { return Err(io::Error::other("posts need a checkpoint")) };
///         for &(position, points) in &self.batch {
///             service.points.entry((job.name.clone(), position)).or_insert(points);
///         }
///         self.batch.clear(); // not before all are sent: `finish` is called even if a post has failed
///         service.checkpoint = Some(Checkpoint::new(job.clone(), *entry, false)); // after the outputs
///         self.sent = Some(*entry);
///         Ok(())
///     }
/// }
///
/// impl Sink<u64> for Posts<'_> {
///     type Error = io::Error;
///
///     fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> io::Result<()> {
///         (self.job, self.sent) = (job.cloned(), from.copied());
///         Ok(())
///     }
///
///     fn write(&mut self, _points: u64) -> io::Result<()> {
///         Err(io::Error::other("a post needs its position")) // the run calls write_at alone
///     }
///
///     fn write_at(&mut self, position: u64, points: u64) -> io::Result<()> {
///         self.batch.push((position, points));
///         Ok(())
///     }
///
///     fn commit(&mut self, entry: &Entry) -> io::Result<()> {
///         if self.batch.len() < 500 { Ok(()) } else { self.send(entry) }
///     }
///
///     fn finish(&mut self, entry: &Entry, end: End) -> io::Result<()> {
///         self.send(entry)?; // of a run that ended early as well: it is settled
///         if end == End::Complete {
///             self.service.lock().unwrap_or_else(PoisonError::into_inner).checkpoint = None; // the next job begins at the start
///         }
///         Ok(())
///     }
///
///     fn committed(&self) -> Option<Entry> {
///         self.sent
///     }
/// }
///
/// impl Recover for Posts<'_> {
///     type Error = io::Error;
///
///     fn recover(&mut self, _name: &str) -> io::Result<Option<Checkpoint>> {
///         Ok(self.service.lock().unwrap_or_else(PoisonError::into_inner).checkpoint.clone())
///     }
/// }
///
/// let service = Mutex::new(Service::default());
/// for trouble in [Some(1_234), None] {
///     let outcome = Batch::new()
///         .job(Repeatable::new(0..2_000_u64, Fingerprint::of("customers of today")))
///         .process(|id| match trouble {
///             Some(bad) if bad == id => Err(io::Error::other("trouble")),
///             _ => Ok(Verdict::Output(id * 3)),
///         })
///         .into(Posts { service: &service, job: None, batch: Vec::new(), sent: None })
///         .checkpoint("points.today")?
///         .run();
///     assert_eq!(outcome.is_ok(), trouble.is_none());
///     if let Ok(report) = outcome {
///         assert_eq!((report.before().records, report.written()), (1_234, 766));
///     }
/// }
/// assert_eq!(service.into_inner()?.points.len(), 2_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no place for a checkpoint",
    note = "use a `FileSink` or a `SqliteSink`, or implement `Sink` and `Recover` for a type of your own"
)]
pub trait Recover {
    /// Why it cannot; the same as that of the [`Sink`].
    type Error;

    /// The checkpoint that a run of the job `name` has left here, if there is one. It changes nothing.
    ///
    /// # Errors
    ///
    /// When what is there cannot be read or trusted. A checkpoint is never guessed.
    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, Self::Error>;
}

/// How a run has ended, for its sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The source has ended and everything is settled.
    Complete,
    /// It failed, was cancelled, or had no time left. A later run may go on.
    Early,
}

impl<R, E, F> Sink<R> for F
where
    E: Send,
    F: FnMut(R) -> Result<(), E> + Send,
{
    type Error = E;

    #[inline]
    fn write(&mut self, output: R) -> Result<(), E> {
        self(output)
    }
}

/// Collects the outputs.
///
/// ```
/// use crm_batch::{Batch, Verdict};
///
/// let mut squares = Vec::new();
/// Batch::new()
///     .job(0..4_u64)
///     .process(|n| Ok::<_, std::fmt::Error>(Verdict::Output(n * n)))
///     .into(&mut squares)
///     .run()?;
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<R: Send> Sink<R> for &mut Vec<R> {
    type Error = std::convert::Infallible;

    #[inline]
    fn write(&mut self, output: R) -> Result<(), Self::Error> {
        self.push(output);
        Ok(())
    }
}

/// What is true once a chunk has been settled: the line that a ledger would hold.
///
/// The counts are those of the whole job, earlier runs that this one goes on from included. A sink that reads one back starts
/// from [`Entry::default`] and sets all fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Records settled: in the order of the input these are the first so many of the source.
    pub records: u64,
    /// Where the source would go on after the last whole chunk. `None` when the source has no [`Position`] of its own, and
    /// in [`Order::AsFinished`](crate::Order::AsFinished), in which no single place says what is done.
    pub position: Option<Position>,
    /// Records that are settled after `position`; all of them when there is no position.
    pub past: u64,
    /// Records whose output was written.
    pub written: u64,
    /// Records without an output.
    pub filtered: u64,
    /// Records that were skipped.
    pub skipped: u64,
    /// Chunks settled, this one included.
    pub chunks: u64,
}
