//! What is exported is what was read, once the bytes are decoded again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crm_monitor::{Layout, Monitor, Reading, RegisterError, Unit, otlp, otlp_bytes};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, Metric, Sum, exemplar,
};
use proptest::prelude::*;
use prost::Message;

const RESOURCE: [(&str, &str); 1] = [("service.name", "customers")];

/// The metrics of a monitor, through the bytes and back.
fn exported(monitor: &Monitor) -> Vec<Metric> {
    let bytes = otlp_bytes(&monitor.read(), RESOURCE);
    let request = ExportMetricsServiceRequest::decode(&*bytes).unwrap();
    let [resource] = &request.resource_metrics[..] else {
        panic!("one resource");
    };
    assert_eq!(
        pairs(&resource.resource.as_ref().unwrap().attributes),
        RESOURCE
    );
    let [scope] = &resource.scope_metrics[..] else {
        panic!("one scope");
    };
    assert_eq!(scope.scope.as_ref().unwrap().name, "crm-monitor");
    scope.metrics.clone()
}

fn metric(monitor: &Monitor, name: &str) -> Metric {
    let metrics = exported(monitor).into_iter();
    metrics
        .into_iter()
        .find(|metric| metric.name == name)
        .unwrap()
}

fn pairs(attributes: &[KeyValue]) -> Vec<(&str, &str)> {
    let text = |attribute: &KeyValue| match &attribute.value.as_ref()?.value {
        Some(any_value::Value::StringValue(_)) => Some(()),
        _ => None,
    };
    attributes
        .iter()
        .map(|attribute| {
            text(attribute).unwrap();
            let Some(any_value::Value::StringValue(value)) =
                &attribute.value.as_ref().unwrap().value
            else {
                panic!("a text");
            };
            (&*attribute.key, &**value)
        })
        .collect()
}

fn sum(metric: &Metric) -> &Sum {
    let Some(Data::Sum(sum)) = &metric.data else {
        panic!("{metric:?} is no sum");
    };
    assert_eq!(
        sum.aggregation_temporality(),
        AggregationTemporality::Cumulative
    );
    assert!(sum.is_monotonic);
    sum
}

fn distribution(metric: &Metric) -> &ExponentialHistogramDataPoint {
    let Some(Data::ExponentialHistogram(histogram)) = &metric.data else {
        panic!("{metric:?} is no exponential histogram");
    };
    assert_eq!(
        histogram.aggregation_temporality(),
        AggregationTemporality::Cumulative
    );
    &histogram.data_points[0]
}

#[test]
fn counters_are_cumulative_sums_with_their_labels() {
    let monitor = Monitor::new();
    for (route, requests) in [("/a", 3), ("/b", 5)] {
        let counter = monitor.counter("http_requests").help("Requests answered.");
        counter
            .label("route", route)
            .register()
            .unwrap()
            .add(requests);
    }
    let metric = metric(&monitor, "http_requests");
    assert_eq!(
        (&*metric.description, &*metric.unit),
        ("Requests answered.", "")
    );
    let points = &sum(&metric).data_points;
    let seen: Vec<_> = points
        .iter()
        .map(|point| (pairs(&point.attributes), point.value.unwrap()))
        .collect();
    let expected = [
        (vec![("route", "/a")], Number::AsInt(3)),
        (vec![("route", "/b")], Number::AsInt(5)),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn figures_are_in_their_unit() {
    let monitor = Monitor::new();
    monitor
        .counter("work_seconds")
        .register()
        .unwrap()
        .add(1_500_000_000);
    monitor.counter("huge").register().unwrap().add(u64::MAX);
    monitor.gauge("cache_bytes").register().unwrap().set(-7);
    monitor
        .observe_gauge("fill_ratio")
        .register(|| 0.25)
        .unwrap();
    monitor
        .observe_counter("cpu_seconds")
        .register(|| 2.5)
        .unwrap();
    let value = |name: &str| {
        let metric = metric(&monitor, name);
        let value = match &metric.data {
            Some(Data::Gauge(gauge)) => gauge.data_points[0].value,
            _ => sum(&metric).data_points[0].value,
        };
        (value.unwrap(), metric.unit)
    };
    assert_eq!(value("work_seconds"), (Number::AsDouble(1.5), "s".into()));
    assert_eq!(
        value("huge"),
        (Number::AsDouble(u64::MAX as f64), "".into())
    );
    assert_eq!(value("cache_bytes"), (Number::AsInt(-7), "By".into()));
    assert_eq!(value("fill_ratio"), (Number::AsDouble(0.25), "1".into()));
    assert_eq!(value("cpu_seconds"), (Number::AsDouble(2.5), "s".into()));
}

#[test]
fn a_point_begins_when_its_series_was_registered() {
    let monitor = Monitor::new();
    monitor.counter("http_requests").register().unwrap();
    let before = monitor.read();
    let mut later = before.clone();
    later.taken += Duration::from_secs(60);
    let nanos = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let point = |reading: &Reading| {
        let request = otlp(reading, RESOURCE);
        let metric = request.resource_metrics[0].scope_metrics[0].metrics[0].clone();
        sum(&metric).data_points[0].clone()
    };
    let created = nanos(before.families[0].series[0].created);
    assert_eq!(point(&later).start_time_unix_nano, created);
    assert_eq!(
        point(&later).time_unix_nano,
        nanos(before.taken) + 60_000_000_000
    );
    // The time of day was set back meanwhile.
    later.taken = before.families[0].series[0].created - Duration::from_secs(5);
    assert_eq!(point(&later).start_time_unix_nano, created - 5_000_000_000);
    assert_eq!(point(&later).time_unix_nano, created - 5_000_000_000);
}

#[test]
fn a_histogram_keeps_its_count_and_its_sum() {
    let monitor = Monitor::new();
    let times = monitor
        .histogram("http_response_time_seconds")
        .register()
        .unwrap();
    for milliseconds in [3, 5, 8, 900] {
        times.record_duration(Duration::from_millis(milliseconds));
    }
    times.record_failure(2_000_000_000);
    let metric = metric(&monitor, "http_response_time_seconds");
    assert_eq!(metric.unit, "s");
    let point = distribution(&metric);
    assert_eq!((point.count, point.sum), (5, Some(2.916)));
    assert_eq!(
        point
            .positive
            .as_ref()
            .unwrap()
            .bucket_counts
            .iter()
            .sum::<u64>(),
        5
    );
    let failures = self::metric(&monitor, "http_response_time_seconds_failures");
    assert_eq!(sum(&failures).data_points[0].value, Some(Number::AsInt(1)));
}

#[test]
fn an_exemplar_leads_to_its_trace() {
    let monitor = Monitor::new();
    let times = monitor.histogram("wait_seconds").register().unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let labels = [
        ("trace_id", trace),
        ("span_id", "00f067aa0ba902b7"),
        ("user", "7"),
    ];
    assert!(times.record_with_exemplar(12_000_000, &labels));
    // None of these is an identity of OpenTelemetry.
    let short = [("trace_id", "4bf92f"), ("span_id", "00f0")];
    assert!(times.record_with_exemplar(900_000_000, &short));
    let odd = [("trace_id", &trace[1..]), ("span_id", "00f067aa0ba902bx")];
    assert!(times.record_with_exemplar(9_000_000_000, &odd));
    let zeros = "0".repeat(32);
    let none = [("trace_id", zeros.as_str()), ("span_id", &zeros[..16])];
    assert!(times.record_with_exemplar(90_000_000_000, &none));
    let metric = metric(&monitor, "wait_seconds");
    let [first, second, third, fourth] = &distribution(&metric).exemplars[..] else {
        panic!("four exemplars");
    };
    assert_eq!(first.value, Some(exemplar::Value::AsDouble(0.012)));
    assert_eq!(
        u128::from_be_bytes(first.trace_id[..].try_into().unwrap()),
        u128::from_str_radix(trace, 16).unwrap()
    );
    assert_eq!(
        first.span_id,
        [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]
    );
    assert_eq!(pairs(&first.filtered_attributes), [("user", "7")]);
    assert!(first.time_unix_nano > 1_700_000_000_000_000_000);
    for (exemplar, labels) in [(second, short), (third, odd), (fourth, none)] {
        assert!(exemplar.trace_id.is_empty() && exemplar.span_id.is_empty());
        assert_eq!(pairs(&exemplar.filtered_attributes), labels);
    }
}

#[test]
fn issue_failures_had_the_name_of_another_figure() {
    let monitor = Monitor::new();
    let times = monitor.histogram("import_seconds").register().unwrap();
    times.record_failure(1);
    let name = "import_seconds_failures";
    let refused = monitor.counter(name).register();
    assert!(matches!(refused, Err(RegisterError::Failures { .. })));

    // A reading is the caller's to change.
    monitor
        .counter("import_seconds_failed")
        .register()
        .unwrap()
        .add(7);
    let mut reading = monitor.read();
    reading.families[1].name = name.into();
    let request = otlp(&reading, [("service.name", "customers")]);
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let mut failures = metrics.iter().filter(|metric| metric.name == name);
    let value = sum(failures.next().unwrap()).data_points[0].value;
    assert_eq!((value, failures.next()), (Some(Number::AsInt(7)), None));
}

#[test]
fn where_nothing_failed_there_is_no_sum_of_failures() {
    let monitor = Monitor::new();
    monitor
        .histogram("size_bytes")
        .register()
        .unwrap()
        .record(1);
    let names: Vec<_> = exported(&monitor)
        .into_iter()
        .map(|metric| metric.name)
        .collect();
    assert!(
        !names.iter().any(|name| name.ends_with("_failures")),
        "{names:?}"
    );
}

#[test]
fn a_family_without_series_is_left_out() {
    let monitor = Monitor::new();
    let rows = monitor.counters("rows", ["kind"]).register().unwrap();
    let has = || {
        exported(&monitor)
            .iter()
            .any(|metric| metric.name == "rows")
    };
    assert!(!has());
    rows.with(["full"]).increment();
    assert!(has());
}

#[test]
fn an_attribute_that_is_given_twice_is_there_once() {
    let monitor = Monitor::new();
    let request = otlp(&monitor.read(), [("a", "1"), ("b", "2"), ("a", "3")]);
    let resource = request.resource_metrics[0].resource.as_ref().unwrap();
    assert_eq!(pairs(&resource.attributes), [("a", "3"), ("b", "2")]);
}

/// The quantile as a collector computes it: the upper end of the bucket that the rank falls into.
fn upper_end(point: &ExponentialHistogramDataPoint, rank: u64) -> f64 {
    let mut seen = point.zero_count;
    if rank <= seen {
        return point.zero_threshold;
    }
    let buckets = point.positive.as_ref().unwrap();
    for (place, count) in buckets.bucket_counts.iter().enumerate() {
        seen += count;
        if rank <= seen {
            let index = f64::from(buckets.offset) + place as f64 + 1.0;
            return (index * 2.0_f64.powi(-point.scale)).exp2();
        }
    }
    panic!("fewer than {rank}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_collector_finds_the_quantiles(
        mut values in prop::collection::vec(1_000_u64..4_000_000_000_000, 1..60),
        spread in 1..20_u32,
    ) {
        // From all values in a few octaves to all over the range.
        values.iter_mut().for_each(|value| *value = (*value >> spread).max(1_000));
        let monitor = Monitor::new();
        let times = monitor.histogram("wait_seconds").register().unwrap();
        values.iter().for_each(|value| times.record(*value));
        let metric = metric(&monitor, "wait_seconds");
        let point = distribution(&metric);
        values.sort_unstable();
        prop_assert_eq!(point.count, values.len() as u64);
        let sum: u64 = values.iter().sum();
        prop_assert_eq!(point.sum, Some(sum as f64 / 1e9));
        let counts = &point.positive.as_ref().unwrap().bucket_counts;
        prop_assert!(counts.len() <= 160);
        let base = 2.0_f64.powi(-point.scale).exp2();
        for (rank, value) in (1..).zip(&values) {
            let found = upper_end(point, rank);
            let value = *value as f64 / 1e9;
            // The value is in the bucket, or as far outside as its own bucket is wide.
            prop_assert!(found >= value / 1.016 && found <= value * base * 1.016, "{} for {}", found, value);
        }
    }
}

#[test]
fn small_numbers_are_told_apart() {
    let monitor = Monitor::new();
    let layout = Layout::new(1, 1_000_000, 0.01).unwrap();
    let rows = monitor.histogram("rows").layout(layout).register().unwrap();
    [0, 1, 2, 2, 3, 4]
        .into_iter()
        .for_each(|value| rows.record(value));
    let metric = metric(&monitor, "rows");
    assert_eq!(metric.unit, Unit::None.suffix());
    let point = distribution(&metric);
    assert_eq!((point.zero_count, point.zero_threshold), (1, 0.0));
    let buckets = point.positive.as_ref().unwrap();
    let filled: Vec<u64> = buckets
        .bucket_counts
        .iter()
        .copied()
        .filter(|count| *count > 0)
        .collect();
    assert_eq!(filled, [1, 2, 1, 1]);
}
