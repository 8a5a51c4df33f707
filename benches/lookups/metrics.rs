//! `metrics`: the macro, with the registry of `metrics-util` behind it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use metrics::{Key, Label};
use metrics_util::registry::{AtomicStorage, Registry};

use super::{Lookup, Values};
use crate::support::metrics_registry;

/// `metrics::counter!`. There is one registry in a process, so both numbers of threads count with the same counters.
pub(crate) struct Metrics(Arc<Registry<Key, AtomicStorage>>);

impl Lookup for Metrics {
    const NAME: &'static str = "metrics, counter!";

    fn new() -> Self {
        let registry = metrics_registry::installed();
        registry.clear();
        Self(registry)
    }

    fn count(&self, [route, status]: Values) {
        metrics::counter!("http_answers", "route" => route, "status" => status).increment(1);
    }

    fn counted(&self, [route, status]: Values) -> u64 {
        let labels = vec![Label::new("route", route), Label::new("status", status)];
        let key = Key::from_parts("http_answers", labels);
        self.0
            .get_or_create_counter(&key, |counter| counter.load(Ordering::Relaxed))
    }
}
