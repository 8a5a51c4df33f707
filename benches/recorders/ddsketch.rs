//! `sketches-ddsketch` behind one mutex: 1 %, by a logarithm for each time.

use parking_lot::Mutex;
use sketches_ddsketch::{Config, DDSketch};

use super::{Kept, Recorder, seconds};

/// `sketches_ddsketch::DDSketch` in a `parking_lot::Mutex`.
pub(crate) struct DdSketchMutex(Mutex<DDSketch>);

impl Recorder for DdSketchMutex {
    const NAME: &'static str = "DDSketch in a mutex";

    type Time = f64;

    fn new() -> Self {
        Self(Mutex::new(DDSketch::new(Config::defaults())))
    }

    fn time(nanos: u64) -> f64 {
        seconds(nanos)
    }

    fn record(&self, time: f64) {
        self.0.lock().add(time);
    }

    fn kept(&self) -> Kept {
        let sketch = self.0.lock();
        Kept::seconds(sketch.count() as u64, sketch.sum().unwrap_or(0.0))
    }
}
