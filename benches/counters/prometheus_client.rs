//! `prometheus-client`: one atomic.

use prometheus_client::metrics::counter::Counter;

use super::Count;

/// `prometheus_client::metrics::counter::Counter`.
pub(crate) struct PrometheusClient(Counter);

impl Count for PrometheusClient {
    const NAME: &'static str = "prometheus-client";

    fn new() -> Self {
        Self(Counter::default())
    }

    fn count(&self) {
        self.0.inc();
    }

    fn is_right(&self, events: u64) -> bool {
        self.0.get() == events
    }
}
