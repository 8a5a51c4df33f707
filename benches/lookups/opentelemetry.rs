//! `opentelemetry_sdk`: attributes with each event.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics, SumDataPoint};

use super::{Lookup, Values};
use crate::support::otel_reader::{self, Reader};

/// `opentelemetry::metrics::Counter`.
pub(crate) struct OpenTelemetry {
    counter: Counter<u64>,
    reader: Reader,
    /// Without it the counter counts nothing.
    _provider: SdkMeterProvider,
}

fn attributes([route, status]: Values) -> [KeyValue; 2] {
    [
        KeyValue::new("route", route),
        KeyValue::new("status", status),
    ]
}

impl Lookup for OpenTelemetry {
    const NAME: &'static str = "opentelemetry, KeyValue";

    fn new() -> Self {
        let (provider, reader) = otel_reader::provider();
        Self {
            counter: provider
                .meter("benches")
                .u64_counter("http_answers")
                .build(),
            reader,
            _provider: provider,
        }
    }

    fn count(&self, values: Values) {
        self.counter.add(1, &attributes(values));
    }

    fn counted(&self, values: Values) -> u64 {
        let read = self.reader.read();
        let wanted = attributes(values);
        let metrics = read.scope_metrics().flat_map(ScopeMetrics::metrics);
        let mut counted = 0;
        for metric in metrics {
            let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else {
                panic!("a counter of integers was built");
            };
            let of_these = sum
                .data_points()
                .filter(|point| point.attributes().all(|one| wanted.contains(one)));
            counted += of_these.map(SumDataPoint::value).sum::<u64>();
        }
        counted
    }
}
