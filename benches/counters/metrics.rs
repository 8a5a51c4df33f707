//! `metrics`: the handle that `counter!` gives, kept by the caller, with the atomic of `metrics-util` behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use metrics::{Counter, Key, Label};

use super::Count;
use crate::support::metrics_registry;

/// `metrics::Counter`.
pub(crate) struct Metrics {
    handle: Counter,
    number: Arc<AtomicU64>,
}

impl Count for Metrics {
    const NAME: &'static str = "metrics, handle of counter!";

    fn new() -> Self {
        // Each has a label of its own, so that it is no other one's counter.
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let registry = metrics_registry::installed();
        let number = MADE.fetch_add(1, Ordering::Relaxed).to_string();
        let handle = metrics::counter!("events", "number" => number.clone());
        let key = Key::from_parts("events", vec![Label::new("number", number)]);
        Self {
            handle,
            number: registry.get_or_create_counter(&key, Arc::clone),
        }
    }

    fn count(&self) {
        self.handle.increment(1);
    }

    fn is_right(&self, events: u64) -> bool {
        self.number.load(Ordering::Relaxed) == events
    }
}
