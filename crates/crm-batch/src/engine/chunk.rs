//! The buffers of one chunk, and the work on them.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::panic::contain;
use crate::{Failure, Panic};

/// The buffers of a chunk. They are empty between chunks, and used again.
pub(super) struct Buffers<T, R, E> {
    pub(super) records: Vec<T>,
    /// The outputs in order, without gaps: the failures tell where one is missing.
    pub(super) outputs: Vec<R>,
    /// The failed records by their offset in the chunk, in order.
    pub(super) failures: Vec<(usize, Failure<E>)>,
}

/// A chunk that has been worked on.
pub(super) struct Chunk<T, R, E> {
    pub(super) buffers: Buffers<T, R, E>,
    /// The position of its first record.
    pub(super) first: u64,
    /// Records that it was filled with.
    pub(super) rows: usize,
    /// The panic of the source that followed its last record.
    pub(super) panic: Option<Panic>,
}

impl<T, R, E> Default for Buffers<T, R, E> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            outputs: Vec::new(),
            failures: Vec::new(),
        }
    }
}

impl<T, R, E> Buffers<T, R, E> {
    /// Works on every record, and leaves its output or its failure.
    ///
    /// It stops early, and drops the records that are left, when nothing of them can reach the sink any more: when
    /// `stop` is set, or when this chunk alone holds more failures than may be skipped in the whole run.
    pub(super) fn work<P>(&mut self, process: &P, skip_limit: u64, stop: &AtomicBool)
    where
        P: Fn(T) -> Result<R, E>,
    {
        self.outputs.reserve(self.records.len());
        for (offset, record) in self.records.drain(..).enumerate() {
            // Acquire: whoever sees the flag also sees that the gate is closed, and so cannot deposit half a chunk.
            if stop.load(Ordering::Acquire) {
                return;
            }
            match attempt(process, record) {
                Ok(output) => self.outputs.push(output),
                Err(failure) => {
                    self.failures.push((offset, failure));
                    if self.failures.len() as u64 > skip_limit {
                        return;
                    }
                }
            }
        }
    }
}

/// Works on one record; a panic goes no further than that.
#[inline]
pub(super) fn attempt<T, R, E, P>(process: &P, record: T) -> Result<R, Failure<E>>
where
    P: Fn(T) -> Result<R, E>,
{
    match contain(|| process(record)) {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(Failure::Error(error)),
        Err(panic) => Err(Failure::Panicked(panic)),
    }
}
