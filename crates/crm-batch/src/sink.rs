//! Where outputs go, and where rejected records go.

use std::fmt;

use crate::{Chunk, Position, Skip};

/// Where outputs go. Every `FnMut(R) -> Result<(), E>` is a sink; one that commits implements this trait.
///
/// A sink is used by one thread at a time, though not always the same one.
pub trait Sink<R>: Send {
    /// Why it refuses.
    type Error: Send;

    /// Takes an output.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from taking it; the run ends.
    fn write(&mut self, output: R) -> Result<(), Self::Error>;

    /// Learns that a chunk is settled: its outputs have been written, its rejects reported.
    ///
    /// This is the place to make the outputs and the entry durable together. The default does nothing.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from committing; the run ends.
    fn commit(&mut self, _entry: &Entry) -> Result<(), Self::Error> {
        Ok(())
    }
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

/// What is true once a chunk has been settled: the line that a ledger would hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Records settled: in the order of the input these are the first so many of the source.
    pub records: u64,
    /// Where the source would go on after the chunk. `None` when the source has no [`Position`] of its own, and in
    /// [`Order::AsFinished`](crate::Order::AsFinished), in which no single place says what is done.
    pub position: Option<Position>,
    /// Records whose output was written.
    pub written: u64,
    /// Records without an output.
    pub filtered: u64,
    /// Records that were skipped.
    pub skipped: u64,
    /// Chunks settled, this one included.
    pub chunks: u64,
}

/// A sink with what takes the rejects, as the engine sees it.
pub trait Outlet<R, E, C>: Send {
    /// The error of either.
    type Error: Send;

    /// Takes an output.
    fn write(&mut self, output: R) -> Result<(), Self::Error>;

    /// Learns that a chunk is settled.
    fn commit(&mut self, entry: &Entry) -> Result<(), Self::Error>;

    /// Takes a rejected record, or gives it back for the report.
    fn reject(&mut self, skip: Skip<E>, record: Option<C>) -> Rejected<E, Self::Error>;
}

/// What became of a rejected record.
#[derive(Debug)]
pub enum Rejected<E, S> {
    /// The report keeps it.
    Kept(Skip<E>),
    /// The dead letters have taken it.
    Taken,
    /// They refused it.
    Refused(S),
}

/// A sink alone.
pub struct Bare<K>(pub(crate) K);

impl<R, E, C, K: Sink<R>> Outlet<R, E, C> for Bare<K> {
    type Error = K::Error;

    #[inline]
    fn write(&mut self, output: R) -> Result<(), K::Error> {
        self.0.write(output)
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), K::Error> {
        self.0.commit(entry)
    }

    fn reject(&mut self, skip: Skip<E>, _record: Option<C>) -> Rejected<E, K::Error> {
        Rejected::Kept(skip)
    }
}

/// A sink beside dead letters.
pub struct Lettered<K, D> {
    pub(crate) sink: K,
    pub(crate) letters: D,
}

impl<R, E, C, K, D> Outlet<R, E, C> for Lettered<K, D>
where
    C: Chunk,
    K: Sink<R>,
    D: for<'r> FnMut(Skip<E>, Option<C::Record<'r>>) -> Result<(), K::Error> + Send,
{
    type Error = K::Error;

    #[inline]
    fn write(&mut self, output: R) -> Result<(), K::Error> {
        self.sink.write(output)
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), K::Error> {
        self.sink.commit(entry)
    }

    fn reject(&mut self, skip: Skip<E>, record: Option<C>) -> Rejected<E, K::Error> {
        let mut record = record;
        let record = record.as_mut().and_then(C::next);
        match (self.letters)(skip, record) {
            Ok(()) => Rejected::Taken,
            Err(error) => Rejected::Refused(error),
        }
    }
}

impl<K> fmt::Debug for Bare<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bare").finish_non_exhaustive()
    }
}

impl<K, D> fmt::Debug for Lettered<K, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lettered").finish_non_exhaustive()
    }
}
