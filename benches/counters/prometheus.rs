//! `prometheus`: one atomic each, of an integer or of a floating-point number's bits.

use prometheus::{Counter, IntCounter, IntGauge};

use super::Count;

/// `prometheus::IntCounter`.
pub(crate) struct Prometheus(IntCounter);

impl Count for Prometheus {
    const NAME: &'static str = "prometheus, IntCounter";

    fn new() -> Self {
        Self(IntCounter::new("events", "Events.").expect("the name is permitted"))
    }

    fn count(&self) {
        self.0.inc();
    }

    fn is_right(&self, events: u64) -> bool {
        self.0.get() == events
    }
}

/// `prometheus::Counter`.
pub(crate) struct PrometheusFloat(Counter);

impl Count for PrometheusFloat {
    const NAME: &'static str = "prometheus, Counter";

    fn new() -> Self {
        Self(Counter::new("events", "Events.").expect("the name is permitted"))
    }

    fn count(&self) {
        self.0.inc();
    }

    fn is_right(&self, events: u64) -> bool {
        self.0.get() as u64 == events
    }
}

/// `prometheus::IntGauge`, which goes up alone.
pub(crate) struct PrometheusGauge(IntGauge);

impl Count for PrometheusGauge {
    const NAME: &'static str = "gauge of prometheus, add";

    fn new() -> Self {
        Self(IntGauge::new("customers", "Customers.").expect("the name is permitted"))
    }

    fn count(&self) {
        self.0.add(1);
    }

    fn is_right(&self, events: u64) -> bool {
        self.0.get() as u64 == events
    }
}
