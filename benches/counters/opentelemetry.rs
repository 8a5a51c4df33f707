//! `opentelemetry_sdk`: as its documentation shows it, and bound to its attributes, which is an experimental feature.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundCounter, Counter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics, SumDataPoint};

use super::Count;
use crate::support::otel_reader::{self, Reader};

const NAME: &str = "events";

fn counter() -> (Counter<u64>, Behind) {
    let (provider, reader) = otel_reader::provider();
    let counter = provider.meter("benches").u64_counter(NAME).build();
    let behind = Behind {
        _provider: provider,
        reader,
    };
    (counter, behind)
}

/// A counter's provider, without which it counts nothing.
struct Behind {
    _provider: SdkMeterProvider,
    reader: Reader,
}

impl Behind {
    fn counted(&self) -> u64 {
        let read = self.reader.read();
        let metrics = read.scope_metrics().flat_map(ScopeMetrics::metrics);
        metrics
            .filter(|metric| metric.name() == NAME)
            .map(|metric| match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                    sum.data_points().map(SumDataPoint::value).sum::<u64>()
                }
                _ => panic!("a counter of integers was built"),
            })
            .sum()
    }
}

/// `opentelemetry::metrics::Counter`, given no attributes, which is its cheapest way.
pub(crate) struct OpenTelemetry(Counter<u64>, Behind);

impl Count for OpenTelemetry {
    const NAME: &'static str = "opentelemetry";

    fn new() -> Self {
        let (counter, behind) = counter();
        Self(counter, behind)
    }

    fn count(&self) {
        self.0.add(1, &[]);
    }

    fn is_right(&self, events: u64) -> bool {
        self.1.counted() == events
    }
}

/// `opentelemetry::metrics::BoundCounter`.
pub(crate) struct OpenTelemetryBound(BoundCounter<u64>, Behind);

impl Count for OpenTelemetryBound {
    const NAME: &'static str = "opentelemetry, bound (experimental)";

    fn new() -> Self {
        let (counter, behind) = counter();
        let attributes = [KeyValue::new("route", "/customers/{id}")];
        Self(counter.bind(&attributes), behind)
    }

    fn count(&self) {
        self.0.add(1);
    }

    fn is_right(&self, events: u64) -> bool {
        self.1.counted() == events
    }
}
