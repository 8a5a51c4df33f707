//! Records that count themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how many values were made, how many live, and how many have ever lived at one time.
#[derive(Clone, Default)]
pub struct Tally {
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    live: AtomicUsize,
    peak: AtomicUsize,
}

/// A value that its tally counts. It owns memory, so that a second drop would be found by the allocator too.
pub struct Tracked {
    pub id: u64,
    _heap: Box<u64>,
    counts: Arc<Counts>,
}

impl Tally {
    pub fn item(&self, id: u64) -> Tracked {
        let live = 1 + self.counts.live.fetch_add(1, Ordering::SeqCst);
        self.counts.made.fetch_add(1, Ordering::SeqCst);
        self.counts.peak.fetch_max(live, Ordering::SeqCst);
        Tracked {
            id,
            _heap: Box::new(id),
            counts: Arc::clone(&self.counts),
        }
    }

    pub fn made(&self) -> usize {
        self.counts.made.load(Ordering::SeqCst)
    }

    pub fn live(&self) -> usize {
        self.counts.live.load(Ordering::SeqCst)
    }

    pub fn peak(&self) -> usize {
        self.counts.peak.load(Ordering::SeqCst)
    }
}

impl Tracked {
    /// The same value under another number: still one, as when a record becomes its output.
    pub fn becomes(mut self, id: u64) -> Self {
        self.id = id;
        self
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let live = self.counts.live.fetch_sub(1, Ordering::SeqCst);
        assert_ne!(live, 0, "dropped twice");
    }
}
