//! A number that only grows.

use crate::cells::Cells;

/// Counts events. It only grows, and wraps around after 2^64.
///
/// A clone counts into the same number. Counting is wait-free and allocates nothing: each thread adds to a cell of its own
/// by a load and a store, and a reader adds the cells up ([all but the first record of a thread](crate#guarantees)). Make one with [`Monitor::counter`](crate::Monitor::counter) to
/// have it exposed, or with [`Counter::new`] to keep it.
///
/// ```
/// use crm_monitor::Counter;
///
/// let logins = Counter::new();
/// logins.increment();
/// logins.add(2);
/// assert_eq!(logins.value(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Counter {
    cells: Cells,
}

impl Counter {
    /// A counter at zero that belongs to no monitor.
    #[must_use]
    pub fn new() -> Self {
        Self {
            cells: Cells::new(),
        }
    }

    /// Counts one event.
    #[inline]
    pub fn increment(&self) {
        self.cells.add(1);
    }

    /// Counts `n` events.
    #[inline]
    pub fn add(&self, n: u64) {
        self.cells.add(n);
    }

    /// How many events were counted.
    ///
    /// It never goes backwards for one reader, and holds whatever happened before the call in the order of the caller.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.cells.sum()
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}
