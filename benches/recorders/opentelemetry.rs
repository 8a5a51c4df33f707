//! `opentelemetry_sdk`: as its documentation shows it, and bound to its attributes, which is an experimental feature.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Histogram, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics};

use super::{Kept, Recorder, seconds};
use crate::support::buckets;
use crate::support::otel_reader::{self, Reader};

const NAME: &str = "times";

fn histogram() -> (Histogram<f64>, Behind) {
    let (provider, reader) = otel_reader::provider();
    let histogram = provider
        .meter("benches")
        .f64_histogram(NAME)
        .with_boundaries(buckets::sixteen())
        .build();
    let behind = Behind {
        _provider: provider,
        reader,
    };
    (histogram, behind)
}

/// A histogram's provider, without which it records nothing.
struct Behind {
    _provider: SdkMeterProvider,
    reader: Reader,
}

impl Behind {
    fn kept(&self) -> Kept {
        let read = self.reader.read();
        let metrics = read.scope_metrics().flat_map(ScopeMetrics::metrics);
        let mut kept = Kept::seconds(0, 0.0);
        for metric in metrics.filter(|metric| metric.name() == NAME) {
            let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                panic!("a histogram of floating-point numbers was built");
            };
            for point in histogram.data_points() {
                kept = Kept::seconds(point.count(), point.sum());
            }
        }
        kept
    }
}

/// `opentelemetry::metrics::Histogram`, given no attributes, which is its cheapest way.
pub(crate) struct OpenTelemetry(Histogram<f64>, Behind);

impl Recorder for OpenTelemetry {
    const NAME: &'static str = "opentelemetry, 16 buckets";

    type Time = f64;

    fn new() -> Self {
        let (histogram, behind) = histogram();
        Self(histogram, behind)
    }

    fn time(nanos: u64) -> f64 {
        seconds(nanos)
    }

    fn record(&self, time: f64) {
        self.0.record(time, &[]);
    }

    fn kept(&self) -> Kept {
        self.1.kept()
    }
}

/// `opentelemetry::metrics::BoundHistogram`.
pub(crate) struct OpenTelemetryBound(BoundHistogram<f64>, Behind);

impl Recorder for OpenTelemetryBound {
    const NAME: &'static str = "opentelemetry, bound (experimental)";

    type Time = f64;

    fn new() -> Self {
        let (histogram, behind) = histogram();
        let attributes = [KeyValue::new("route", "/customers/{id}")];
        Self(histogram.bind(&attributes), behind)
    }

    fn time(nanos: u64) -> f64 {
        seconds(nanos)
    }

    fn record(&self, time: f64) {
        self.0.record(time);
    }

    fn kept(&self) -> Kept {
        self.1.kept()
    }
}
