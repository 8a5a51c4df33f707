//! `histogram`: log-linear buckets of atomics, of 0.8 % here.

use histogram::AtomicHistogram;

use super::{Kept, Recorder};

/// `histogram::AtomicHistogram`, up to 18 minutes. It refuses longer times, and keeps no sum.
pub(crate) struct H2(AtomicHistogram);

impl Recorder for H2 {
    const NAME: &'static str = "histogram, AtomicHistogram(7, 40)";

    type Time = u64;

    fn new() -> Self {
        Self(AtomicHistogram::new(7, 40).expect("these are permitted"))
    }

    fn time(nanos: u64) -> u64 {
        nanos
    }

    fn record(&self, time: u64) {
        // The answer is dropped, as a service does: there is nobody to tell.
        let _ = self.0.increment(time);
    }

    fn kept(&self) -> Kept {
        Kept {
            count: Some(self.0.load().iter().map(|bucket| bucket.count()).sum()),
            sum: None,
        }
    }
}
