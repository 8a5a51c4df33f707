//! The registries side by side, each behind the same small trait, one file a crate: histograms of one family, told apart by
//! the label `route`, and their exposition as text.

mod ours;
mod prometheus;
mod prometheus_client;

pub(crate) use ours::CrmMonitor;
pub(crate) use prometheus::Prometheus;
pub(crate) use prometheus_client::PrometheusClient;

/// What a benchmark asks of a registry.
pub(crate) trait Exposer: Sync + Sized {
    /// The name in the table.
    const NAME: &'static str;

    /// A time as it is recorded.
    type Time: Copy + Send + Sync;

    /// So many empty histograms, whose handles the recording threads have at hand.
    fn new(histograms: usize) -> Self;

    /// A time as it is recorded.
    fn time(nanos: u64) -> Self::Time;

    /// Records into the histogram of this index.
    fn record(&self, index: usize, time: Self::Time);

    /// Writes all histograms.
    fn expose(&self, out: &mut String);

    /// The exact sum of all times in nanoseconds, of who keeps one.
    fn sum(&self) -> Option<u128> {
        None
    }
}

/// The route of a histogram.
fn route(index: usize) -> String {
    format!("/customers/{{id}}/orders/{index}")
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
