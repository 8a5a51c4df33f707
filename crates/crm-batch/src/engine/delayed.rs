//! What waits in the gate for its time.

use std::cmp::Ordering;

use crm_clock::Tick;

/// A load that waits for its time.
pub(super) struct Delayed<L> {
    pub(super) due: Tick,
    pub(super) order: u64,
    pub(super) load: L,
}

impl<L> Ord for Delayed<L> {
    /// The one that is due first is the greatest, as a heap gives out the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

impl<L> PartialOrd for Delayed<L> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<L> PartialEq for Delayed<L> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<L> Eq for Delayed<L> {}
