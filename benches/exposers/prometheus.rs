//! `prometheus`: a vector of histograms with sixteen buckets, gathered and written as text.

use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry, TextEncoder};

use super::{Exposer, route, seconds};
use crate::support::buckets;

/// `prometheus::Registry` with a `HistogramVec`.
pub(crate) struct Prometheus {
    registry: Registry,
    histograms: Vec<Histogram>,
}

impl Exposer for Prometheus {
    const NAME: &'static str = "prometheus, 16 buckets";

    type Time = f64;

    fn new(histograms: usize) -> Self {
        let options = HistogramOpts::new("http_response_time_seconds", "Time to the response.")
            .buckets(buckets::sixteen());
        let family = HistogramVec::new(options, &["route"]).expect("the names are permitted");
        let registry = Registry::new();
        registry
            .register(Box::new(family.clone()))
            .expect("it is the only one");
        Self {
            registry,
            histograms: (0..histograms)
                .map(|index| family.with_label_values(&[route(index)]))
                .collect(),
        }
    }

    fn time(nanos: u64) -> f64 {
        seconds(nanos)
    }

    fn record(&self, index: usize, time: f64) {
        self.histograms[index].observe(time);
    }

    fn expose(&self, out: &mut String) {
        TextEncoder::new()
            .encode_utf8(&self.registry.gather(), out)
            .expect("a string takes all");
    }
}
