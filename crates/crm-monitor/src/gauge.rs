//! A whole number that goes up and down.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A whole number that is set, or goes up and down: a queue's length, a pool's size.
///
/// It is one word for all threads, because a value that is set has one place; for what is entered and left, which many
/// threads do at once, take an [`InFlight`](crate::InFlight). A figure with a fraction that is computed when it is asked for
/// is [`Monitor::observe_gauge`](crate::Monitor::observe_gauge). Additions wrap around.
///
/// ```
/// use crm_monitor::Gauge;
///
/// let queued = Gauge::new();
/// queued.set(40);
/// queued.subtract(2);
/// assert_eq!(queued.value(), 38);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    value: Arc<AtomicI64>,
}

impl Gauge {
    /// A gauge at zero that belongs to no monitor.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the value.
    #[inline]
    pub fn set(&self, value: i64) {
        // Relaxed, here and below: the value orders nothing but itself.
        self.value.store(value, Ordering::Relaxed);
    }

    /// Goes up by `n`.
    #[inline]
    pub fn add(&self, n: i64) {
        self.value.fetch_add(n, Ordering::Relaxed);
    }

    /// Goes down by `n`.
    #[inline]
    pub fn subtract(&self, n: i64) {
        self.value.fetch_sub(n, Ordering::Relaxed);
    }

    /// The present value.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }
}
