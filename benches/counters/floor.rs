//! What costs least: nothing at all, and one word that all threads share.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Count;

/// The loop alone.
pub(crate) struct Nothing;

impl Count for Nothing {
    const NAME: &'static str = "nothing: the loop";

    fn new() -> Self {
        Self
    }

    fn count(&self) {}

    fn is_right(&self, _: u64) -> bool {
        true
    }
}

/// One `AtomicU64`.
pub(crate) struct SharedAtomic(AtomicU64);

impl Count for SharedAtomic {
    const NAME: &'static str = "one AtomicU64";

    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn is_right(&self, events: u64) -> bool {
        self.0.load(Ordering::Relaxed) == events
    }
}
