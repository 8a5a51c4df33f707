//! What is no histogram: what the loop costs alone, and with one addition to a word that all threads share.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Kept, Recorder, Sum};

/// Reads the time and forgets it.
pub(crate) struct Nothing;

impl Recorder for Nothing {
    const NAME: &'static str = "nothing: the loop";

    type Time = u64;

    fn new() -> Self {
        Self
    }

    fn time(nanos: u64) -> u64 {
        nanos
    }

    fn record(&self, time: u64) {
        black_box(time);
    }

    fn kept(&self) -> Kept {
        Kept::default()
    }
}

/// One shared atomic: a sum, without even a count.
pub(crate) struct SharedAdd(AtomicU64);

impl Recorder for SharedAdd {
    const NAME: &'static str = "one shared atomic add";

    type Time = u64;

    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn time(nanos: u64) -> u64 {
        nanos
    }

    fn record(&self, time: u64) {
        self.0.fetch_add(time, Ordering::Relaxed);
    }

    fn kept(&self) -> Kept {
        Kept {
            count: None,
            sum: Some(Sum::Nanos(u128::from(self.0.load(Ordering::Relaxed)))),
        }
    }
}
