//! How many are inside at this moment.

use std::borrow::Borrow;

use crate::cells::Cells;

/// How many requests, jobs or connections are in progress.
///
/// Entering and leaving are wait-free and may happen on different threads: each adds to the cell of the thread it happens
/// on. A reader adds the cells up while they change, so that a value can be off by those who entered or left during the
/// reading; when nobody does, it is exact.
///
/// ```
/// use crm_monitor::InFlight;
///
/// let requests = InFlight::new();
/// let one = requests.enter();
/// assert_eq!(requests.value(), 1);
/// drop(one);
/// assert_eq!(requests.value(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct InFlight {
    cells: Cells,
}

impl InFlight {
    /// A gauge at zero that belongs to no monitor.
    #[must_use]
    pub fn new() -> Self {
        Self {
            cells: Cells::new(),
        }
    }

    /// Counts one in, until the guard is dropped.
    #[inline]
    pub fn enter(&self) -> InFlightGuard<&Self> {
        self.cells.add(1);
        InFlightGuard { gauge: self }
    }

    /// Counts one in, until the guard is dropped, which keeps a clone of the gauge and so may go anywhere.
    pub fn enter_owned(&self) -> InFlightGuard<Self> {
        self.cells.add(1);
        InFlightGuard {
            gauge: self.clone(),
        }
    }

    /// How many are inside.
    #[must_use]
    pub fn value(&self) -> u64 {
        // Who leaves by a cell that is read after his own was read without him makes the sum negative for a moment, which is
        // the upper half of the range.
        let sum = self.cells.sum();
        if sum > u64::MAX / 2 { 0 } else { sum }
    }
}

impl Default for InFlight {
    fn default() -> Self {
        Self::new()
    }
}

/// One that is inside; dropping it counts it out.
#[derive(Debug)]
#[must_use = "it counts itself out as soon as it is dropped"]
pub struct InFlightGuard<G: Borrow<InFlight>> {
    gauge: G,
}

impl<G: Borrow<InFlight>> Drop for InFlightGuard<G> {
    #[inline]
    fn drop(&mut self) {
        self.gauge.borrow().cells.add(u64::MAX); // minus one, wrapping around
    }
}
