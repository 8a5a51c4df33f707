//! A number in cells, one for each thread that adds to it: nobody waits, and no line of memory passes between processors.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::slot;
use crate::sync::{AtomicU64, Ordering};

/// Cells of one thread that fit the two lines of memory which processors fetch together.
const PER_LINE: usize = 16;

/// The cells of one thread, or those that all threads without cells of their own share.
#[repr(align(128))]
struct Line {
    cells: [AtomicU64; PER_LINE],
}

impl Line {
    fn new() -> Self {
        Self {
            cells: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

/// A sum that many threads add to. Additions wrap around.
///
/// Sixteen numbers share a block, so that each takes eight bytes a thread and yet no two threads share a line.
#[derive(Clone)]
pub(crate) struct Cells {
    /// One line a stripe, and the shared one last.
    block: Arc<[Line]>,
    place: usize,
}

/// The block that is being filled, and how far it is.
static OPEN: Mutex<Option<(Arc<[Line]>, usize)>> = Mutex::new(None);

impl Cells {
    pub(crate) fn new() -> Self {
        let mut open = OPEN.lock();
        let (block, place) = match open.take() {
            Some(open) => open,
            None => ((0..=slot::stripes()).map(|_| Line::new()).collect(), 0),
        };
        if place + 1 < PER_LINE {
            *open = Some((Arc::clone(&block), place + 1));
        }
        Self { block, place }
    }

    /// Adds `n`, wrapping around.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        let slot = slot::current();
        if slot < self.block.len() - 1 {
            add_alone(&self.block[slot].cells[self.place], n);
        } else {
            self.add_slowly(n);
        }
    }

    #[cold]
    fn add_slowly(&self, n: u64) {
        let slot = slot::assign();
        let shared = self.block.len() - 1;
        if slot < shared {
            add_alone(&self.block[slot].cells[self.place], n);
        } else {
            // Relaxed: the number orders nothing but itself.
            self.block[shared].cells[self.place].fetch_add(n, Ordering::Relaxed);
        }
    }

    /// The sum over all cells, wrapping around. What was added before, in the order of the caller, is in it.
    pub(crate) fn sum(&self) -> u64 {
        self.block
            .iter()
            .map(|line| line.cells[self.place].load(Ordering::Relaxed))
            .fold(0, u64::wrapping_add)
    }
}

/// Adds to a cell that no other thread writes: two plain instructions in place of a locked one.
#[inline]
fn add_alone(cell: &AtomicU64, n: u64) {
    // Relaxed: only this thread writes here, so it reads its own last store, and the sum orders nothing but itself.
    cell.store(
        cell.load(Ordering::Relaxed).wrapping_add(n),
        Ordering::Relaxed,
    );
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cells").field(&self.sum()).finish()
    }
}
