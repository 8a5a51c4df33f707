//! `prometheus`: two halves that change roles when they are read, and a scan for the bucket.

use prometheus::{Histogram, HistogramOpts};

use super::{Kept, Recorder, seconds};
use crate::support::buckets;

/// `prometheus::Histogram`.
pub(crate) struct Prometheus(Histogram);

impl Recorder for Prometheus {
    const NAME: &'static str = "prometheus, 16 buckets";

    type Time = f64;

    fn new() -> Self {
        let options = HistogramOpts::new("times", "Times.").buckets(buckets::sixteen());
        Self(Histogram::with_opts(options).expect("the buckets are in order"))
    }

    fn time(nanos: u64) -> f64 {
        seconds(nanos)
    }

    fn record(&self, time: f64) {
        self.0.observe(time);
    }

    fn kept(&self) -> Kept {
        Kept::seconds(self.0.get_sample_count(), self.0.get_sample_sum())
    }
}
