//! The recorders of times side by side, each behind the same small trait, one file a recorder.
//!
//! A recorder takes a time in the form it likes best, which is made of the nanoseconds beforehand: that the callers of some
//! have to make floating-point seconds of a duration is not charged to them.

mod atomic_histogram;
mod ddsketch;
mod floor;
mod hdr;
mod metrics;
mod opentelemetry;
mod ours;
mod prometheus;
mod prometheus_client;

pub(crate) use atomic_histogram::H2;
pub(crate) use ddsketch::DdSketchMutex;
pub(crate) use floor::{Nothing, SharedAdd};
pub(crate) use hdr::HdrMutex;
pub(crate) use metrics::{MetricsBucket, MetricsHandle};
pub(crate) use opentelemetry::{OpenTelemetry, OpenTelemetryBound};
pub(crate) use ours::{CrmApart, CrmHistogram};
pub(crate) use prometheus::Prometheus;
pub(crate) use prometheus_client::{PrometheusClient, PrometheusClientNative};

/// What a benchmark asks of a recorder.
pub(crate) trait Recorder: Sync + Sized {
    /// The name in the table.
    const NAME: &'static str;

    /// A time as it is recorded.
    type Time: Copy + Sync;

    /// An empty one.
    fn new() -> Self;

    /// What a thread records into: for all but one this.
    fn of_thread(&self, _thread: usize) -> &Self {
        self
    }

    /// A time as it is recorded.
    fn time(nanos: u64) -> Self::Time;

    /// Takes a time.
    fn record(&self, time: Self::Time);

    /// What it knows of all times since it was made.
    fn kept(&self) -> Kept;

    /// Does what a reader does now and then, so that the memory does not run out. Most need none.
    fn settle(&self) {}
}

/// What a recorder knows of all that was recorded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) count: Option<u64>,
    pub(crate) sum: Option<Sum>,
}

impl Kept {
    pub(crate) fn seconds(count: u64, sum: f64) -> Self {
        Self {
            count: Some(count),
            sum: Some(Sum::Seconds(sum)),
        }
    }
}

/// A sum of times in the form in which it is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sum {
    Nanos(u128),
    Seconds(f64),
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
