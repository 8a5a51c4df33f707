//! `hdrhistogram` behind one mutex: two significant digits from 1 us to 1 h.

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::{Kept, Recorder};

/// `hdrhistogram::Histogram` in a `parking_lot::Mutex`. It keeps no sum: its mean is taken from the buckets.
pub(crate) struct HdrMutex(Mutex<Histogram<u64>>);

impl Recorder for HdrMutex {
    const NAME: &'static str = "hdrhistogram in a mutex";

    type Time = u64;

    fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1_000, 3_600_000_000_000, 2);
        Self(Mutex::new(histogram.expect("these are permitted")))
    }

    fn time(nanos: u64) -> u64 {
        nanos
    }

    fn record(&self, time: u64) {
        self.0.lock().saturating_record(time);
    }

    fn kept(&self) -> Kept {
        Kept {
            count: Some(self.0.lock().len()),
            sum: None,
        }
    }
}
