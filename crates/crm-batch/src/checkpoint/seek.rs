//! Sources that can go on from a place, which a job with a checkpoint needs.

use std::fmt;
use std::ops::ControlFlow;

use super::Fingerprint;
use crate::{Chunk, Fill, Position, Room, Source};

/// A source that can go on from where an earlier run of the same job has got to.
///
/// It gives the same records in the same order each time, as long as its fingerprint is the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot go on where an earlier run has ended",
    note = "put an iterator that gives the same records each time into `Repeatable`, with a `Fingerprint` of its input"
)]
pub trait Seek: Source {
    /// What the input is known by. A run refuses to go on from a checkpoint whose input had another.
    ///
    /// # Errors
    ///
    /// Whatever keeps the source from looking at its input.
    fn fingerprint(&mut self) -> Result<Fingerprint, Self::Error>;

    /// Goes to a place that [`next_position`](Source::next_position) gave in an earlier run, with `records` records before it; it is called
    /// before the first fill.
    ///
    /// A source that has no position even then has no places: the run passes over as many records as are done.
    ///
    /// # Errors
    ///
    /// Whatever keeps the source from going there.
    fn seek(&mut self, to: Position, records: u64) -> Result<(), Self::Error>;
}

/// A source that gives the same records each time it is made, as its owner promises.
///
/// This makes any iterator fit for a checkpoint: a run that goes on takes the records that are done from it once more, and
/// drops them.
///
/// ```
/// use crm_batch::{Fingerprint, Repeatable};
///
/// let customers = ["Ada", "Grace", "Edsger"];
/// let source = Repeatable::new(customers.iter(), Fingerprint::of(&customers));
/// # let _ = source;
/// ```
pub struct Repeatable<S> {
    source: S,
    fingerprint: Fingerprint,
}

impl<S: Source> Repeatable<S> {
    /// A source with what its input is known by: a version, a date, a hash.
    pub fn new(source: S, fingerprint: Fingerprint) -> Self {
        Self {
            source,
            fingerprint,
        }
    }
}

impl<S: Source> Source for Repeatable<S> {
    type Chunk = S::Chunk;
    type Error = S::Error;

    fn fill(&mut self, chunk: &mut S::Chunk, room: &Room<'_>) -> Result<Fill, S::Error> {
        self.source.fill(chunk, room)
    }

    fn remaining(&self) -> Option<usize> {
        self.source.remaining()
    }

    fn each<F>(&mut self, chunk: &mut S::Chunk, room: &Room<'_>, each: F) -> Result<Fill, S::Error>
    where
        F: for<'r> FnMut(<S::Chunk as Chunk>::Record<'r>) -> ControlFlow<()>,
    {
        self.source.each(chunk, room, each)
    }
}

impl<S: Source> Seek for Repeatable<S> {
    fn fingerprint(&mut self) -> Result<Fingerprint, S::Error> {
        Ok(self.fingerprint)
    }

    fn seek(&mut self, _to: Position, _records: u64) -> Result<(), S::Error> {
        Ok(())
    }
}

impl<S> fmt::Debug for Repeatable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeatable")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
