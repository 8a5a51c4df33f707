//! The counters side by side, each behind the same small trait, one file a crate; and what else of ours goes up and down.

mod floor;
mod metrics;
mod opentelemetry;
mod ours;
mod prometheus;
mod prometheus_client;

pub(crate) use floor::{Nothing, SharedAtomic};
pub(crate) use metrics::Metrics;
pub(crate) use opentelemetry::{OpenTelemetry, OpenTelemetryBound};
pub(crate) use ours::{CrmCounter, CrmGauge, CrmInFlight};
pub(crate) use prometheus::{Prometheus, PrometheusFloat, PrometheusGauge};
pub(crate) use prometheus_client::PrometheusClient;

/// What a benchmark asks of a counter.
pub(crate) trait Count: Sync + Sized {
    /// The name in the table.
    const NAME: &'static str;

    /// One at zero.
    fn new() -> Self;

    /// Counts one event.
    fn count(&self);

    /// Whether it tells what it has to after so many events.
    fn is_right(&self, events: u64) -> bool;
}
