//! `prometheus`: a vector of counters.

use prometheus::{IntCounterVec, Opts};

use super::{Lookup, Values};

/// `prometheus::IntCounterVec`.
pub(crate) struct Prometheus(IntCounterVec);

impl Lookup for Prometheus {
    const NAME: &'static str = "prometheus, with_label_values";

    fn new() -> Self {
        let options = Opts::new("http_answers", "Answers.");
        let family = IntCounterVec::new(options, &["route", "status"]);
        Self(family.expect("the names are permitted"))
    }

    fn count(&self, values: Values) {
        self.0.with_label_values(&values).inc();
    }

    fn counted(&self, values: Values) -> u64 {
        self.0.with_label_values(&values).get()
    }
}
