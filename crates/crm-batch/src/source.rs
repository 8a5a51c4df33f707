//! Where records come from: a trait of one method that fills chunks.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use crate::Chunk;
use crate::control::Control;
use crate::panic::contain;
use crate::sync::{AtomicU8, statics};

/// Where records come from. Every iterator is a source; a source that makes its records in place, or leaves their parsing
/// to the workers, implements this trait.
///
/// A source is used by one thread at a time, though not always the same one.
///
/// ```
/// use crm_batch::{Batch, Chunk, Fill, Owned, Position, Room, Source, Verdict};
///
/// /// Customer numbers, page by page.
/// struct Pages {
///     next: u64,
/// }
///
/// impl Source for Pages {
///     type Chunk = Owned<u64>;
///     type Error = std::io::Error;
///
///     fn fill(&mut self, chunk: &mut Owned<u64>, room: &Room<'_>) -> Result<Fill, Self::Error> {
///         while chunk.len() < room.rows() {
///             if self.next == 10_000 {
///                 return Ok(Fill::ended());
///             }
///             chunk.push(self.next);
///             self.next += 1;
///         }
///         Ok(Fill::more())
///     }
///
///     fn next_position(&self) -> Option<Position> {
///         Some(Position(self.next))
///     }
/// }
///
/// let mut sum = 0;
/// let report = Batch::new()
///     .job(Pages { next: 0 })
///     .process(|number| Ok::<_, std::io::Error>(Verdict::Output(number)))
///     .into(|number| {
///         sum += number;
///         Ok::<_, std::io::Error>(())
///     })
///     .run()?;
/// assert_eq!((report.written(), sum), (10_000, 49_995_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of records",
    note = "a collection is given as its iterator: `.iter()` or `.into_iter()`, which must be `Send`"
)]
pub trait Source: Send {
    /// What it fills.
    type Chunk: Chunk;

    /// Why it cannot go on.
    type Error: Send;

    /// Adds records to an empty chunk, at most as many as there is [`Room`] for, and at least one unless the source or the
    /// run has ended.
    ///
    /// What it has added before it fails, or panics, is as good as any, and is worked on before the run ends. A source that
    /// has ended is not asked again. A source that waits for its records asks [`Room::is_over`] now and then.
    ///
    /// # Errors
    ///
    /// Whatever keeps the source from going on. It ends the run after the records that it has added.
    fn fill(&mut self, chunk: &mut Self::Chunk, room: &Room<'_>) -> Result<Fill, Self::Error>;

    /// Where the next record lies, in the terms of the source: what a checkpoint would keep. `None` when the number of
    /// records says it all.
    fn next_position(&self) -> Option<Position> {
        None
    }

    /// How many records are left, when the source knows it exactly.
    fn remaining(&self) -> Option<usize> {
        None
    }

    /// Gives records to `each` one after the other, at most as many as there is [`Room`] for, or until it breaks.
    ///
    /// This is how a run on the caller's thread reads. A source that can make a record without a chunk does so here.
    ///
    /// # Errors
    ///
    /// As [`fill`](Self::fill).
    fn each<F>(
        &mut self,
        chunk: &mut Self::Chunk,
        room: &Room<'_>,
        mut each: F,
    ) -> Result<Fill, Self::Error>
    where
        F: for<'r> FnMut(<Self::Chunk as Chunk>::Record<'r>) -> ControlFlow<()>,
    {
        chunk.clear();
        let fill = contain(|| self.fill(chunk, room));
        while let Some(record) = chunk.next() {
            if each(record).is_break() {
                break;
            }
        }
        fill.unwrap_or_else(|panic| panic.resume())
    }
}

/// A place in a source, in the source's own terms: bytes, a row's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// How much a source may add to a chunk.
#[derive(Debug)]
pub struct Room<'run> {
    rows: usize,
    bytes: usize,
    signals: &'run AtomicU8,
    control: Option<&'run Control>,
    asked: Cell<u32>,
}

statics! {
    /// The signals of no run.
    static QUIET: AtomicU8 = AtomicU8::new(0);
}

/// Calls of [`Room::is_over`] from one look at the clock to the next.
const LOOK_EVERY: u32 = 16;

impl Room<'static> {
    /// Room for so many rows and bytes, for the tests of a source.
    #[must_use]
    pub fn new(rows: usize, bytes: usize) -> Self {
        Self {
            rows,
            bytes,
            signals: &QUIET,
            control: None,
            asked: Cell::new(0),
        }
    }
}

impl<'run> Room<'run> {
    pub(crate) fn controlled(rows: usize, bytes: usize, control: &'run Control) -> Self {
        Self {
            rows,
            bytes,
            signals: control.signals(),
            control: Some(control),
            asked: Cell::new(0),
        }
    }

    /// Rows that the chunk may hold; at least 1. A source that does not count its records goes by the bytes alone.
    #[inline]
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that the chunk may hold, at least 1. A source that knows the size of its records ends the chunk with the
    /// record that reaches it.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the run has ended, be it cancelled, late or failed: the chunk is then not worth filling.
    #[inline]
    #[must_use]
    pub fn is_over(&self) -> bool {
        // Relaxed: a hint, see `Control`.
        self.signals.load(Ordering::Relaxed) != 0 && self.look()
    }

    /// Rows, and [`is_over`](Self::is_over) as a function, for a loop that is short enough to feel that a room might change.
    #[inline]
    pub(crate) fn parts(&self) -> (usize, impl Fn() -> bool + use<'_, 'run>) {
        let signals = self.signals;
        let is_over = move || signals.load(Ordering::Relaxed) != 0 && self.look();
        (self.rows, is_over)
    }

    #[cold]
    fn look(&self) -> bool {
        let Some(control) = self.control else {
            return false;
        };
        let asked = self.asked.get();
        self.asked.set(asked.wrapping_add(1));
        if asked % LOOK_EVERY == 0 {
            control.look();
        }
        control.is_over()
    }
}

/// How a fill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    pub(crate) ended: bool,
    pub(crate) bytes: u64,
}

impl Fill {
    /// The source may have more.
    #[must_use]
    pub fn more() -> Self {
        Self {
            ended: false,
            bytes: 0,
        }
    }

    /// The source has no more.
    #[must_use]
    pub fn ended() -> Self {
        Self {
            ended: true,
            bytes: 0,
        }
    }

    /// The same, with the bytes that were read for it, which the progress and the report then count.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }
}
