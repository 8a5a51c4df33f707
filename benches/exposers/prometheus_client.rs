//! `prometheus-client`: a family of histograms with sixteen buckets, written as text.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{Exposer, route, seconds};
use crate::support::buckets;

/// `prometheus_client::registry::Registry` with a `Family`.
pub(crate) struct PrometheusClient {
    registry: Registry,
    histograms: Vec<Histogram>,
}

fn histogram() -> Histogram {
    Histogram::new(buckets::sixteen())
}

impl Exposer for PrometheusClient {
    const NAME: &'static str = "prometheus-client, 16 buckets";

    type Time = f64;

    fn new(histograms: usize) -> Self {
        let family = Family::<[(&str, String); 1], Histogram>::new_with_constructor(histogram);
        let mut registry = Registry::default();
        registry.register(
            "http_response_time_seconds",
            "Time to the response",
            family.clone(),
        );
        Self {
            registry,
            histograms: (0..histograms)
                .map(|index| family.get_or_create_owned(&[("route", route(index))]))
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
        encode(out, &self.registry).expect("a string takes all");
    }
}
