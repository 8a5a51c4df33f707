//! Readings to be written.

use crm_monitor::{Monitor, Reading};

/// So many series of one histogram, each with thirty buckets that are not empty.
pub(crate) fn reading(histograms: usize) -> Reading {
    let monitor = Monitor::new();
    for index in 0..histograms {
        let times = monitor
            .histogram("times_seconds")
            .label("route", &index.to_string())
            .register()
            .unwrap();
        for power in 10..40 {
            times.record(1 << power);
        }
    }
    monitor.read()
}
