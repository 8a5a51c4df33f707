//! The source, and with it the right to pull.

use std::ops::ControlFlow;

use super::part::Stop;
use crate::control::Control;
use crate::panic::contain;
use crate::{Chunk, Fill, Position, Refusal, Room, Source, Stage};

/// The source and how far it has been read.
///
/// There is one for each run, and it is moved, never shared: from the task that has filled its chunk to the task that
/// fills the next, or into the gate while the window is full. So the source needs neither a lock nor `Sync`.
pub(super) struct Baton<S> {
    source: S,
    /// Chunks filled so far in the pool, which is the number of the next one.
    chunks: u64,
    /// Records to be passed over, because an earlier run has settled them.
    past: u64,
}

/// How a fill ended.
pub(super) enum Pull<I> {
    /// The source may have more.
    More,
    /// The source has no more.
    Ended,
    /// The source failed and is not to be asked again.
    Stopped(Stop<I>),
}

impl<S: Source> Baton<S> {
    pub(super) fn new(source: S) -> Self {
        Self {
            source,
            chunks: 0,
            past: 0,
        }
    }

    /// The source itself, before the run.
    pub(super) fn source(&mut self) -> &mut S {
        &mut self.source
    }

    /// Whether there are records to be passed over.
    pub(super) fn passes_over(&self) -> bool {
        self.past > 0
    }

    /// Passes over the first so many records.
    pub(super) fn pass_over(&mut self, records: u64) {
        self.past = records;
    }

    /// The number of the chunk that is to be filled next; it counts it as filled.
    pub(super) fn next_chunk(&mut self) -> u64 {
        let chunk = self.chunks;
        self.chunks += 1;
        chunk
    }

    /// How many records are left, when the source knows it exactly.
    pub(super) fn remaining(&self) -> Option<usize> {
        let left = contain(|| self.source.remaining()).unwrap_or(None)?;
        Some(left.saturating_sub(usize::try_from(self.past).unwrap_or(usize::MAX)))
    }

    /// Where the source would go on.
    pub(super) fn source_position(&self) -> Option<Position> {
        contain(|| self.source.next_position()).unwrap_or(None)
    }

    /// Fills a chunk; returns also the bytes that were read for it.
    ///
    /// What was pulled before an error or a panic stays in the chunk: those records are as good as any.
    pub(super) fn fill(&mut self, chunk: &mut S::Chunk, room: &Room<'_>) -> (Pull<S::Error>, u64) {
        let source = &mut self.source;
        if self.past == 0 {
            return told(contain(|| source.fill(chunk, room)));
        }
        self.fill_past(chunk, room)
    }

    /// Fills a chunk whose first records are to be passed over, and perhaps all of them.
    #[cold]
    fn fill_past(&mut self, chunk: &mut S::Chunk, room: &Room<'_>) -> (Pull<S::Error>, u64) {
        let mut bytes = 0_u64;
        loop {
            let source = &mut self.source;
            let (pull, read) = told(contain(|| source.fill(chunk, room)));
            bytes = bytes.saturating_add(read);
            let passed = contain(|| {
                while self.past > 0 && chunk.next().is_some() {
                    self.past -= 1;
                }
            });
            if let Err(panic) = passed {
                return (Pull::Stopped(Stop::Panicked(Stage::Source, panic)), bytes);
            }
            match pull {
                Pull::More if self.past > 0 && !room.is_over() => chunk.clear(),
                Pull::Ended if self.past > 0 => {
                    return (Pull::Stopped(Stop::Refused(Refusal::ShortInput)), bytes);
                }
                pull => return (pull, bytes),
            }
        }
    }

    /// Takes records through `each` one by one.
    pub(super) fn each<F>(
        &mut self,
        chunk: &mut S::Chunk,
        rows: usize,
        bytes: usize,
        control: &Control,
        each: F,
    ) -> (Pull<S::Error>, u64)
    where
        F: for<'r> FnMut(<S::Chunk as Chunk>::Record<'r>) -> ControlFlow<()>,
    {
        let source = &mut self.source;
        let room = Room::controlled(rows, bytes, control);
        told(contain(|| source.each(chunk, &room, each)))
    }
}

fn told<I>(fill: Result<Result<Fill, I>, crate::Panic>) -> (Pull<I>, u64) {
    match fill {
        Ok(Ok(fill)) if fill.ended => (Pull::Ended, fill.bytes),
        Ok(Ok(fill)) => (Pull::More, fill.bytes),
        Ok(Err(error)) => (Pull::Stopped(Stop::Source(error)), 0),
        Err(panic) => (Pull::Stopped(Stop::Panicked(Stage::Source, panic)), 0),
    }
}
