//! `prometheus-client`: a family of counters.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::{Lookup, Values};

/// `prometheus_client::metrics::family::Family`.
pub(crate) struct PrometheusClient(Family<[(&'static str, &'static str); 2], Counter>);

impl Lookup for PrometheusClient {
    const NAME: &'static str = "prometheus-client, get_or_create";

    fn new() -> Self {
        Self(Family::default())
    }

    fn count(&self, [route, status]: Values) {
        let labels = [("route", route), ("status", status)];
        self.0.get_or_create(&labels).inc();
    }

    fn counted(&self, [route, status]: Values) -> u64 {
        let labels = [("route", route), ("status", status)];
        self.0.get_or_create(&labels).get()
    }
}
