//! Counts of hits and misses that threads keep apart, so that counting a hit writes nothing that another thread reads.

use std::sync::atomic::{AtomicU64, Ordering};

/// Threads with a line of their own. Those beyond share, and then pay for an atomic addition.
const LINES: usize = 32;

#[derive(Debug)]
pub(crate) struct Tallies {
    lines: Box<[Line; LINES]>,
    shared: Line,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Tallies {
    pub(crate) fn new() -> Self {
        Self {
            lines: Box::new(std::array::from_fn(|_| Line::default())),
            shared: Line::default(),
        }
    }

    /// Counts a hit of the thread with this number, which no other living thread has.
    #[inline]
    pub(crate) fn hit(&self, thread: usize) {
        self.add(thread, |line| &line.hits);
    }

    #[inline]
    pub(crate) fn miss(&self, thread: usize) {
        self.add(thread, |line| &line.misses);
    }

    #[inline]
    fn add(&self, thread: usize, count: impl FnOnce(&Line) -> &AtomicU64) {
        match self.lines.get(thread) {
            // Only this thread writes the line, so that load and store lose nothing. A thread that takes the number
            // over from one that has ended sees its counts: the hand-over is an acquire of what that one released.
            Some(line) => {
                let count = count(line);
                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            None => {
                count(&self.shared).fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Counts a read of a thread that has no number.
    pub(crate) fn count_shared(&self, is_hit: bool) {
        let count = if is_hit {
            &self.shared.hits
        } else {
            &self.shared.misses
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// All hits and misses.
    pub(crate) fn sum(&self) -> (u64, u64) {
        self.lines
            .iter()
            .chain([&self.shared])
            .fold((0, 0), |(hits, misses), line| {
                (
                    hits + line.hits.load(Ordering::Relaxed),
                    misses + line.misses.load(Ordering::Relaxed),
                )
            })
    }
}
