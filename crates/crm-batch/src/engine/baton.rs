//! The source, and with it the right to pull.

use crate::Panic;
use crate::panic::contain;

/// The source and how far it has been read.
///
/// There is one for each run, and it is moved, never shared: from the task that has filled its chunk to the task that
/// fills the next, or into the gate while the window is full. So the source needs neither a lock nor `Sync`.
pub(super) struct Baton<I> {
    /// Boxed, because it changes hands once for each chunk and an iterator may be large.
    source: Box<I>,
    /// Records pulled so far, which is the position of the next one.
    position: u64,
    /// Chunks filled so far in the pool, which is the number of the next one.
    chunks: u64,
}

/// How a fill ended.
pub(super) enum Pull {
    /// The chunk is full, and the source may have more.
    Full,
    /// The source has no more.
    Ended,
    /// The source panicked and is not to be asked again.
    Panicked(Panic),
}

impl<I: Iterator> Baton<I> {
    pub(super) fn new(source: I) -> Self {
        Self {
            source: Box::new(source),
            position: 0,
            chunks: 0,
        }
    }

    /// Records pulled so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The number of the chunk that is to be filled next; it counts it as filled.
    pub(super) fn next_chunk(&mut self) -> u64 {
        let chunk = self.chunks;
        self.chunks += 1;
        chunk
    }

    /// How many records are left, when the source knows it exactly.
    pub(super) fn remaining(&self) -> Option<usize> {
        match contain(|| self.source.size_hint()) {
            Ok((least, Some(most))) if least == most => Some(least),
            _ => None,
        }
    }

    /// Pulls one record.
    #[inline]
    pub(super) fn pull(&mut self) -> Result<Option<I::Item>, Panic> {
        let record = contain(|| self.source.next())?;
        self.position += u64::from(record.is_some());
        Ok(record)
    }

    /// Pulls records into `records` until it holds `rows`.
    ///
    /// What was pulled before a panic stays in `records`: those records are as good as any.
    pub(super) fn fill(&mut self, records: &mut Vec<I::Item>, rows: usize) -> Pull {
        let source = &mut *self.source;
        let pull = contain(|| {
            while records.len() < rows {
                match source.next() {
                    Some(record) => records.push(record),
                    None => return Pull::Ended,
                }
            }
            Pull::Full
        });
        self.position += records.len() as u64;
        pull.unwrap_or_else(Pull::Panicked)
    }
}
