//! The counters of a family side by side, each behind the same small trait, one file a crate.
//!
//! Labels are `&'static str`, which spares some of the others two allocations a lookup.

mod kept;
mod metrics;
mod opentelemetry;
mod ours;
mod prometheus;
mod prometheus_client;

pub(crate) use kept::Kept;
pub(crate) use metrics::Metrics;
pub(crate) use opentelemetry::OpenTelemetry;
pub(crate) use ours::CrmFamily;
pub(crate) use prometheus::Prometheus;
pub(crate) use prometheus_client::PrometheusClient;

/// The values of the labels `route` and `status`.
pub(crate) type Values = [&'static str; 2];

/// What a benchmark asks of counters that differ in two labels.
pub(crate) trait Lookup: Sync + Sized {
    /// The name in the table.
    const NAME: &'static str;

    /// Whether it counts the events of different values apart.
    const TOLD_APART: bool = true;

    /// A family without any.
    fn new() -> Self;

    /// Finds the counter of these values, and counts one event.
    fn count(&self, values: Values);

    /// What the counter of these values has counted.
    fn counted(&self, values: Values) -> u64;
}
