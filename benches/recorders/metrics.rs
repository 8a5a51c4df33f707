//! `metrics-util`'s bucket of raw samples, which an exporter empties: alone, and behind the handle of `metrics`' macro.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::{Histogram, Key, Label};
use metrics_util::storage::AtomicBucket;
use parking_lot::Mutex;

use super::{Kept, Recorder, seconds};
use crate::support::metrics_registry;

/// What was taken out of a bucket, as an exporter takes it.
#[derive(Default)]
struct Taken(Mutex<(u64, f64)>);

impl Taken {
    fn take(&self, bucket: &AtomicBucket<f64>) {
        let mut taken = self.0.lock();
        bucket.clear_with(|times| {
            taken.0 += times.len() as u64;
            taken.1 += times.iter().sum::<f64>();
        });
    }

    fn kept(&self) -> Kept {
        let taken = self.0.lock();
        Kept::seconds(taken.0, taken.1)
    }
}

/// `metrics_util::storage::AtomicBucket`. It grows with each time until it is emptied, which is not measured.
pub(crate) struct MetricsBucket(AtomicBucket<f64>, Taken);

impl Recorder for MetricsBucket {
    const NAME: &'static str = "metrics-util, AtomicBucket";

    type Time = f64;

    fn new() -> Self {
        Self(AtomicBucket::new(), Taken::default())
    }

    fn time(nanos: u64) -> f64 {
        seconds(nanos)
    }

    fn record(&self, time: f64) {
        self.0.push(time);
    }

    fn kept(&self) -> Kept {
        self.settle();
        self.1.kept()
    }

    fn settle(&self) {
        self.1.take(&self.0);
    }
}

/// The handle that `metrics::histogram!` gives, kept by the caller, with the same bucket behind it.
pub(crate) struct MetricsHandle {
    handle: Histogram,
    bucket: Arc<AtomicBucket<f64>>,
    taken: Taken,
}

impl Recorder for MetricsHandle {
    const NAME: &'static str = "metrics, handle of histogram!";

    type Time = f64;

    fn new() -> Self {
        // Each has a label of its own, so that it is no other one's histogram.
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let registry = metrics_registry::installed();
        let number = MADE.fetch_add(1, Ordering::Relaxed).to_string();
        let handle = metrics::histogram!("times", "number" => number.clone());
        let key = Key::from_parts("times", vec![Label::new("number", number)]);
        Self {
            handle,
            bucket: registry.get_or_create_histogram(&key, Arc::clone),
            taken: Taken::default(),
        }
    }

    fn time(nanos: u64) -> f64 {
        seconds(nanos)
    }

    fn record(&self, time: f64) {
        self.handle.record(time);
    }

    fn kept(&self) -> Kept {
        self.settle();
        self.taken.kept()
    }

    fn settle(&self) {
        self.taken.take(&self.bucket);
    }
}
