//! The message of a reading.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, metric::Data,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::exponential::{Counted, Exponential};
use crate::{FamilyReading, Kind, Reading, SeriesReading, Snapshot, Unit, Value};

/// The message by which a reading goes to a collector of OpenTelemetry. Needs the feature `opentelemetry`.
///
/// The attributes say what was measured: `service.name`, `service.instance.id`, `deployment.environment.name`. Where one is
/// given twice, the later value counts. How it is sent is the caller's choice: with `tonic` as it is, or by HTTP as the bytes
/// that [`otlp_bytes`] makes.
///
/// ```
/// use crm_monitor::{Monitor, otlp};
///
/// let monitor = Monitor::new();
/// monitor.counter("http_requests").help("Requests answered.").register()?.increment();
/// let request = otlp(&monitor.read(), [("service.name", "customers")]);
/// assert_eq!(request.resource_metrics[0].scope_metrics[0].metrics[0].name, "http_requests");
/// # Ok::<(), crm_monitor::RegisterError>(())
/// ```
///
/// | figure | becomes |
/// |---|---|
/// | a counter | a monotonic cumulative sum, from the time at which it was registered |
/// | a gauge | a gauge |
/// | a histogram | a cumulative exponential histogram, and a sum named after it with `_failures` if there were any and no figure has that name |
///
/// Names stay as they are, and the units become those of UCUM: `s`, `By`, `1`. Figures that are whole numbers in their unit
/// go as integers, all others as floating-point numbers in the unit itself, so that nanoseconds become seconds.
///
/// An exemplar's labels `trace_id` and `span_id` become its trace and span.
///
/// Count and sum of a histogram are exact, the sum as far as a floating-point number is. Its buckets are not: the protocol's
/// are divided otherwise, so each bucket goes, whole, to where its middle is. An exponential bucket is never narrower than
/// one of the histogram, and there are at most 160 of them, as with the SDKs of OpenTelemetry: where more would be needed,
/// two become one. What shares a bucket with zero is told by the threshold of zero.
#[must_use]
pub fn otlp<K, V>(
    reading: &Reading,
    resource: impl IntoIterator<Item = (K, V)>,
) -> ExportMetricsServiceRequest
where
    K: Into<String>,
    V: Into<String>,
{
    let metrics = reading.families.iter();
    let metrics = metrics.flat_map(|family| metrics_of(family, reading));
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: unique(resource),
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: env!("CARGO_PKG_NAME").into(),
                    version: env!("CARGO_PKG_VERSION").into(),
                    ..InstrumentationScope::default()
                }),
                metrics: metrics.collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

/// The bytes of [`otlp`]: the body of a POST to `/v1/metrics` with the Content-Type `application/x-protobuf`. Needs the
/// feature `opentelemetry`.
///
/// ```
/// use crm_monitor::{Monitor, otlp_bytes};
///
/// let body = otlp_bytes(&Monitor::new().read(), [("service.name", "customers")]);
/// assert!(!body.is_empty());
/// ```
#[must_use]
pub fn otlp_bytes<K, V>(reading: &Reading, resource: impl IntoIterator<Item = (K, V)>) -> Vec<u8>
where
    K: Into<String>,
    V: Into<String>,
{
    otlp(reading, resource).encode_to_vec()
}

/// The attributes, each name once.
fn unique<K: Into<String>, V: Into<String>>(
    pairs: impl IntoIterator<Item = (K, V)>,
) -> Vec<KeyValue> {
    let mut attributes: Vec<KeyValue> = Vec::new();
    for (name, value) in pairs {
        let made = attribute(name.into(), value.into());
        match attributes.iter_mut().find(|own| own.key == made.key) {
            Some(own) => *own = made,
            None => attributes.push(made),
        }
    }
    attributes
}

fn attribute(key: String, value: String) -> KeyValue {
    KeyValue {
        key,
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value)),
        }),
        ..KeyValue::default()
    }
}

/// The metric of a family, and beside a histogram's that of its failures.
fn metrics_of(family: &FamilyReading, reading: &Reading) -> impl Iterator<Item = Metric> {
    let taken = reading.taken;
    let data = match family.kind {
        Kind::Counter => Data::Sum(sum(family, taken, counter_value)),
        Kind::Gauge => Data::Gauge(Gauge {
            data_points: numbers(family, taken, gauge_value),
        }),
        Kind::Histogram => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: distributions(family, taken),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
        }),
    };
    let failures = sum(family, taken, failures_value);
    let name = format!("{}_failures", family.name);
    let tells_failures = !failures.data_points.is_empty() && reading.family(&name).is_none();
    let failures = tells_failures.then(|| Metric {
        name,
        description: format!("How many of {} were failures.", family.name),
        data: Some(Data::Sum(failures)),
        ..Metric::default()
    });
    let metric = Metric {
        name: family.name.to_string(),
        description: family.help.to_string(),
        unit: symbol(family.unit).into(),
        data: Some(data),
        ..Metric::default()
    };
    std::iter::once(metric).chain(failures)
}

/// The unit in the Unified Code for Units of Measure.
fn symbol(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Bytes => "By",
        Unit::Ratio => "1",
        Unit::Celsius => "Cel",
        Unit::Joules => "J",
        Unit::Volts => "V",
        Unit::Amperes => "A",
        Unit::Grams => "g",
        Unit::Meters => "m",
        Unit::None | Unit::Millionths => "",
    }
}

fn sum(
    family: &FamilyReading,
    taken: SystemTime,
    value: fn(&SeriesReading, Unit) -> Option<number_data_point::Value>,
) -> Sum {
    Sum {
        data_points: numbers(family, taken, value),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
        is_monotonic: true,
    }
}

/// A point for each series that has such a value.
fn numbers(
    family: &FamilyReading,
    taken: SystemTime,
    value: fn(&SeriesReading, Unit) -> Option<number_data_point::Value>,
) -> Vec<NumberDataPoint> {
    let points = family.series.iter().filter_map(|series| {
        let value = value(series, family.unit)?;
        let (start_time_unix_nano, time_unix_nano) = times(series, taken);
        Some(NumberDataPoint {
            attributes: attributes(series),
            start_time_unix_nano,
            time_unix_nano,
            value: Some(value),
            ..NumberDataPoint::default()
        })
    });
    points.collect()
}

fn distributions(family: &FamilyReading, taken: SystemTime) -> Vec<ExponentialHistogramDataPoint> {
    let divisor = family.unit.scale();
    let points = family.series.iter().filter_map(|series| {
        let snapshot = snapshot(series)?;
        let buckets = snapshot.buckets().map(|bucket| Counted {
            low: *bucket.range.start(),
            high: *bucket.range.end(),
            count: bucket.count,
        });
        let buckets: Vec<Counted> = buckets.collect();
        let error = snapshot.layout().error();
        let made = Exponential::of(buckets.iter().copied(), error, divisor);
        let (start_time_unix_nano, time_unix_nano) = times(series, taken);
        Some(ExponentialHistogramDataPoint {
            attributes: attributes(series),
            start_time_unix_nano,
            time_unix_nano,
            count: snapshot.count(),
            sum: Some(snapshot.sum() as f64 / divisor),
            scale: made.scale,
            zero_count: made.zero_count,
            zero_threshold: made.zero_threshold,
            positive: Some(made.positive),
            exemplars: series
                .exemplars
                .iter()
                .map(|kept| example(kept, divisor))
                .collect(),
            ..ExponentialHistogramDataPoint::default()
        })
    });
    points.collect()
}

/// An exemplar. The labels `trace_id` and `span_id` say where it was recorded, if they are what OpenTelemetry has for that.
fn example(kept: &crate::Exemplar, divisor: f64) -> Exemplar {
    let mut example = Exemplar {
        time_unix_nano: nanos(kept.taken()),
        value: Some(exemplar::Value::AsDouble(kept.value() as f64 / divisor)),
        ..Exemplar::default()
    };
    for (name, value) in kept.labels() {
        match (name, hexadecimal(value)) {
            ("trace_id", Some(id)) if is_id(&id, 16) => example.trace_id = id,
            ("span_id", Some(id)) if is_id(&id, 8) => example.span_id = id,
            _ => {
                let label = attribute(name.into(), value.into());
                example.filtered_attributes.push(label);
            }
        }
    }
    example
}

/// Whether these bytes are the id of a trace or a span, of that length: the one of nothing but zeros is none.
fn is_id(bytes: &[u8], length: usize) -> bool {
    bytes.len() == length && bytes.iter().any(|byte| *byte != 0)
}

/// The bytes that are written as pairs of hexadecimal digits.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| Some(digit.to_digit(16)? as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

fn snapshot(series: &SeriesReading) -> Option<&Snapshot> {
    match &series.value {
        Value::Histogram(snapshot) => Some(snapshot),
        _ => None,
    }
}

fn counter_value(series: &SeriesReading, unit: Unit) -> Option<number_data_point::Value> {
    match series.value {
        Value::Counter(count) => Some(match i64::try_from(count) {
            Ok(count) => whole(count, unit),
            Err(_) => number_data_point::Value::AsDouble(count as f64 / unit.scale()),
        }),
        Value::ObservedCounter(count) => Some(number_data_point::Value::AsDouble(count)),
        _ => None,
    }
}

fn gauge_value(series: &SeriesReading, unit: Unit) -> Option<number_data_point::Value> {
    match series.value {
        Value::Gauge(value) => Some(whole(value, unit)),
        Value::ObservedGauge(value) => Some(number_data_point::Value::AsDouble(value)),
        _ => None,
    }
}

fn failures_value(series: &SeriesReading, _: Unit) -> Option<number_data_point::Value> {
    let failures = snapshot(series)?.failures();
    (failures > 0).then(|| whole(failures.try_into().unwrap_or(i64::MAX), Unit::None))
}

fn whole(value: i64, unit: Unit) -> number_data_point::Value {
    if unit.scale() == 1.0 {
        number_data_point::Value::AsInt(value)
    } else {
        number_data_point::Value::AsDouble(value as f64 / unit.scale())
    }
}

fn attributes(series: &SeriesReading) -> Vec<KeyValue> {
    let labels = series.labels.iter();
    labels
        .map(|(name, value)| attribute(name.into(), value.into()))
        .collect()
}

/// When the series began, and when it was read. The time of day may have been set back in between; a point may not begin
/// after its end.
fn times(series: &SeriesReading, taken: SystemTime) -> (u64, u64) {
    (nanos(series.created.min(taken)), nanos(taken))
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().try_into().unwrap_or(u64::MAX)
}
