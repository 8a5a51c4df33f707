//! Our own monitor: histograms of 1 % from 1 us to 1 h, read and written as OpenMetrics.

use crm_monitor::{Histogram, Monitor, Value, expose};

use super::{Exposer, route};

/// `crm_monitor::Monitor`.
pub(crate) struct CrmMonitor {
    monitor: Monitor,
    histograms: Vec<Histogram>,
}

impl Exposer for CrmMonitor {
    const NAME: &'static str = "crm_monitor";

    type Time = u64;

    fn new(histograms: usize) -> Self {
        let monitor = Monitor::new();
        let histogram = |index| {
            monitor
                .histogram("http_response_time_seconds")
                .help("Time to the response.")
                .label("route", &route(index))
                .register()
                .expect("the names are permitted")
        };
        Self {
            histograms: (0..histograms).map(histogram).collect(),
            monitor,
        }
    }

    fn time(nanos: u64) -> u64 {
        nanos
    }

    fn record(&self, index: usize, time: u64) {
        self.histograms[index].record(time);
    }

    fn expose(&self, out: &mut String) {
        expose::openmetrics(&self.monitor.read(), out).expect("a string takes all");
    }

    fn sum(&self) -> Option<u128> {
        let reading = self.monitor.read();
        let series = reading.families.iter().flat_map(|family| &family.series);
        let sum = series
            .map(|series| match &series.value {
                Value::Histogram(snapshot) => snapshot.sum(),
                other => panic!("a histogram was registered, not {other:?}"),
            })
            .sum();
        Some(sum)
    }
}
