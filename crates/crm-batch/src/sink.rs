//! Where outputs go.

use crate::{Checkpoint, JobId, Position};

/// Where outputs go. Every `FnMut(R) -> Result<(), E>` is a sink, so is `&mut Vec<R>`; one that has something to commit
/// implements this trait.
///
/// A sink is used by one thread at a time, though not always the same one. It is called in this order: [`begin`](Self::begin)
/// once; then for each chunk [`write`](Self::write) for its outputs and [`commit`](Self::commit); in the end
/// [`finish`](Self::finish), unless the sink itself has panicked.
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
/// The counts are those of the whole job, earlier runs that this one goes on from included.
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
