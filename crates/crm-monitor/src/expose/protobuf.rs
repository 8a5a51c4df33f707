//! Prometheus protobuf: the messages of `io.prometheus.client`, with native histograms.

use std::fmt;
use std::io;
use std::time::SystemTime;

use prost::Message;

use super::text::{newest_within, since_epoch};
use super::{Exposition, failures, is_counter};
use crate::exemplar::Exemplar as Example;
use crate::reading::{FamilyReading, Kind, Reading, SeriesReading, Value};
use crate::snapshot::Snapshot;

/// How native histograms are made of a histogram's log-linear buckets.
///
/// A native histogram of schema n has 2^n buckets from each power of two to the next, each 2^(2^-n) times the last: 9 % wide
/// for schema 3, which is the default, and 1.1 % for schema 6.
///
/// # What is counted where
///
/// Each bucket of the histogram is counted as a whole, in the exponential bucket that its highest value falls into. So the
/// count and the sum are exact, and no count up to a bound has a value above the bound in it, just as in the classic
/// buckets. A value may stand one exponential bucket too high if it lies within twice the layout's error below that
/// bucket's lower bound. A quantile that is taken from the native histogram differs from the true one by at most the
/// width of an exponential bucket and twice the layout's error. Two cases stand apart:
///
/// - The histogram's first bucket, which begins at 0, is the zero bucket: its highest value is the zero threshold.
/// - What is above the layout's highest value is counted in the bucket directly above that, though it may be any larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Native {
    schema: i8,
    most_buckets: u16,
}

impl Native {
    /// Native histograms of this schema, from -4 to 8, of up to 160 buckets.
    ///
    /// # Errors
    ///
    /// [`NativeError::Schema`] where there is no such schema.
    pub fn of_schema(schema: i8) -> Result<Self, NativeError> {
        if (-4..=8).contains(&schema) {
            Ok(Self {
                schema,
                most_buckets: 160,
            })
        } else {
            Err(NativeError::Schema(schema))
        }
    }

    /// How many buckets may be filled: a histogram with more takes a coarser schema, of half the buckets an octave, until
    /// they fit or the schema is -4.
    ///
    /// # Errors
    ///
    /// [`NativeError::NoBuckets`] where there are to be none.
    pub fn most_buckets(self, most_buckets: u16) -> Result<Self, NativeError> {
        if most_buckets == 0 {
            Err(NativeError::NoBuckets)
        } else {
            Ok(Self {
                most_buckets,
                ..self
            })
        }
    }
}

impl Default for Native {
    /// Schema 3, up to 160 buckets.
    fn default() -> Self {
        Self {
            schema: 3,
            most_buckets: 160,
        }
    }
}

/// Why native histograms cannot be made so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NativeError {
    /// There is no such schema.
    Schema(i8),
    /// There would be no bucket.
    NoBuckets,
}

impl fmt::Display for NativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema(schema) => write!(
                f,
                "there is no schema {schema} of native histograms: choose one from -4 to 8"
            ),
            Self::NoBuckets => {
                f.write_str("a native histogram needs a bucket at least: allow some, such as 160")
            }
        }
    }
}

impl std::error::Error for NativeError {}

pub(super) fn write(
    exposition: &Exposition,
    reading: &Reading,
    out: &mut (impl io::Write + ?Sized),
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for family in &reading.families {
        let metrics = family
            .series
            .iter()
            .filter_map(|series| metric(exposition, family, series));
        let message = family_message(family, metrics.collect());
        let failures = failures::family(family).map(|failing| {
            let metrics = failures::series(family).map(|(series, failures)| Metric {
                label: label_pairs(series.labels.iter()),
                counter: Some(counter(failures as f64, created(exposition, series))),
                ..Metric::default()
            });
            family_message(&failing, metrics.collect())
        });
        for message in std::iter::once(message).chain(failures) {
            if message.metric.is_empty() {
                continue;
            }
            bytes.clear();
            if message.encode_length_delimited(&mut bytes).is_err() {
                unreachable!("a vector has room for every message");
            }
            out.write_all(&bytes)?;
        }
    }
    Ok(())
}

fn family_message(family: &FamilyReading, metric: Vec<Metric>) -> MetricFamily {
    let (suffix, kind) = match family.kind {
        Kind::Counter => ("_total", MetricType::Counter),
        Kind::Gauge => ("", MetricType::Gauge),
        Kind::Histogram => ("", MetricType::Histogram),
    };
    MetricFamily {
        name: Some(format!("{}{suffix}", family.name)),
        help: Some(family.help.to_string()).filter(|help| !help.is_empty()),
        kind: Some(kind.into()),
        metric,
        unit: Some(family.unit.suffix().to_owned()).filter(|suffix| !suffix.is_empty()),
    }
}

fn metric(
    exposition: &Exposition,
    family: &FamilyReading,
    series: &SeriesReading,
) -> Option<Metric> {
    let scale = family.unit.scale();
    let created = created(exposition, series);
    let mut metric = Metric {
        label: label_pairs(series.labels.iter()),
        ..Metric::default()
    };
    match &series.value {
        Value::Counter(value) => metric.counter = Some(counter(*value as f64 / scale, created)),
        Value::ObservedCounter(value) if is_counter(*value) => {
            metric.counter = Some(counter(*value, created));
        }
        Value::ObservedCounter(_) => return None,
        Value::Gauge(value) => {
            metric.gauge = Some(Gauge {
                value: Some(*value as f64 / scale),
            });
        }
        Value::ObservedGauge(value) => {
            metric.gauge = Some(Gauge {
                value: Some(*value),
            });
        }
        Value::Histogram(snapshot) => {
            let mut histogram = native(exposition.native, snapshot, scale);
            histogram.created_timestamp = created;
            let mut below = None;
            histogram.bucket = exposition
                .bounds_of(family)
                .cumulative(snapshot)
                .map(|(bound, count)| {
                    let example = newest_within(&series.exemplars, below, bound);
                    below = bound;
                    ClassicBucket {
                        cumulative_count: Some(count),
                        upper_bound: Some(
                            bound.map_or(f64::INFINITY, |bound| bound as f64 / scale),
                        ),
                        exemplar: example.map(|example| exemplar(example, scale)),
                    }
                })
                .collect();
            histogram.exemplars = series
                .exemplars
                .iter()
                .map(|example| exemplar(example, scale))
                // The format asks for a time in these.
                .filter(|exemplar| exemplar.timestamp.is_some())
                .collect();
            metric.histogram = Some(histogram);
        }
    }
    Some(metric)
}

fn counter(value: f64, created: Option<Timestamp>) -> Counter {
    Counter {
        value: Some(value),
        created_timestamp: created,
    }
}

fn created(exposition: &Exposition, series: &SeriesReading) -> Option<Timestamp> {
    Some(series.created)
        .filter(|_| exposition.created)
        .and_then(timestamp)
}

fn label_pairs<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<LabelPair> {
    labels
        .map(|(name, value)| LabelPair {
            name: Some(name.to_owned()),
            value: Some(value.to_owned()),
        })
        .collect()
}

fn exemplar(example: &Example, scale: f64) -> Exemplar {
    Exemplar {
        label: label_pairs(example.labels()),
        value: Some(example.value() as f64 / scale),
        timestamp: timestamp(example.taken()),
    }
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let nanoseconds = since_epoch(time)?;
    Some(Timestamp {
        seconds: i64::try_from(nanoseconds / 1_000_000_000).ok()?,
        nanos: (nanoseconds % 1_000_000_000) as i32,
    })
}

/// The threshold of the zero bucket where only 0 is in it; a threshold of 0 could be taken for a classic histogram.
const NEXT_TO_ZERO: f64 = 1.0 / (u128::MAX as f64);

fn native(choice: Native, snapshot: &Snapshot, scale: f64) -> Histogram {
    let layout = snapshot.layout();
    let first = *layout.bounds(0).end();
    let highest = |place| *layout.bounds(place).end() as f64 / scale;
    let width = width(choice.schema);
    // The filled buckets, by index, ascending.
    let mut filled: Vec<(i32, u64)> = Vec::new();
    let (mut index, mut end) = (0, f64::NEG_INFINITY);
    let mut from = 1;
    while let Some(place) = snapshot.filled_from(from) {
        let overflow = place == layout.overflow();
        let value = if overflow {
            *layout.bounds(place).start() as f64 / scale
        } else {
            highest(place)
        };
        if value > end {
            // Mostly it is the next bucket, and nobody has to ask for a logarithm.
            let next = upper_bound(index + 1, width);
            (index, end) = if end > 0.0 && value <= next {
                (index + 1, next)
            } else {
                let index = index_of(value, width);
                (index, upper_bound(index, width))
            };
        }
        let next = if overflow {
            place + 1
        } else {
            // The product is rounded, so that the last of the places may be off by one.
            let guess = layout.ending_by((end * scale) as u64);
            let mut next = guess.clamp(place + 1, layout.overflow());
            while next > place + 1 && highest(next - 1) > end {
                next -= 1;
            }
            while next < layout.overflow() && highest(next) <= end {
                next += 1;
            }
            next
        };
        let count = snapshot.count_in(place..next);
        match filled.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => filled.push((index, count)),
        }
        from = next;
    }
    let mut schema = choice.schema;
    while filled.len() > usize::from(choice.most_buckets) && schema > -4 {
        schema -= 1;
        // The bucket i of a schema lies in bucket i / 2, rounded up, of the next coarser one.
        filled = filled.into_iter().fold(
            Vec::new(),
            |mut coarser: Vec<(i32, u64)>, (index, count)| {
                let index = (index + 1) >> 1;
                match coarser.last_mut() {
                    Some((last, sum)) if *last == index => *sum += count,
                    _ => coarser.push((index, count)),
                }
                coarser
            },
        );
    }
    let (positive_span, positive_delta) = spans(&filled);
    Histogram {
        sample_count: Some(snapshot.count()),
        sample_sum: Some(snapshot.sum() as f64 / scale),
        schema: Some(schema.into()),
        zero_threshold: Some(if first == 0 {
            NEXT_TO_ZERO
        } else {
            first as f64 / scale
        }),
        zero_count: Some(snapshot.count_in(0..1)),
        positive_span,
        positive_delta,
        ..Histogram::default()
    }
}

/// The index of the bucket that a positive value falls into: the least whose upper bound is not below it.
fn index_of(value: f64, width: f64) -> i32 {
    let mut index = (value.log2() / width).ceil() as i32;
    // The logarithm is rounded, which matters next to the bounds.
    while upper_bound(index - 1, width) >= value {
        index -= 1;
    }
    while upper_bound(index, width) < value {
        index += 1;
    }
    index
}

/// The part of an octave that a bucket of this schema covers: 2^-schema.
fn width(schema: i8) -> f64 {
    f64::from(-schema).exp2()
}

/// 2 to the power of index * width.
fn upper_bound(index: i32, width: f64) -> f64 {
    (f64::from(index) * width).exp2()
}

/// Filled buckets as runs of neighbours, and the counts as differences. A gap of one or two is cheaper as empty buckets than as a
/// run of its own.
fn spans(filled: &[(i32, u64)]) -> (Vec<BucketSpan>, Vec<i64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut deltas = Vec::new();
    let (mut next, mut before) = (0, 0_u64);
    for &(index, count) in filled {
        let gap = index - next;
        match spans.last_mut() {
            Some(span) if gap <= 2 => {
                for _ in 0..gap {
                    deltas.push(0_i64.wrapping_sub_unsigned(before));
                    before = 0;
                }
                span.length = span.length.map(|length| length + gap as u32 + 1);
            }
            _ => spans.push(BucketSpan {
                offset: Some(gap),
                length: Some(1),
            }),
        }
        deltas.push(count.wrapping_sub(before) as i64);
        before = count;
        next = index + 1;
    }
    (spans, deltas)
}

// The messages, by the fields and numbers of io/prometheus/client/metrics.proto of prometheus/client_model; what the crate
// never writes is left out.

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    help: Option<String>,
    #[prost(enumeration = "MetricType", optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
    #[prost(string, optional, tag = "5")]
    unit: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum MetricType {
    Counter = 0,
    Gauge = 1,
    Histogram = 4,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Gauge>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Counter>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Gauge {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Counter {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    created_timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<ClassicBucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    created_timestamp: Option<Timestamp>,
    #[prost(message, repeated, tag = "16")]
    exemplars: Vec<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct ClassicBucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct BucketSpan {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(double, optional, tag = "2")]
    value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Timestamp>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[cfg(test)]
mod tests {
    use super::{index_of, spans, upper_bound, width};

    #[test]
    fn a_value_lies_in_the_bucket_of_its_index() {
        for schema in -4..=8 {
            for value in [
                1e-9,
                7e-9,
                0.001,
                0.1,
                0.25,
                0.999,
                1.0,
                1.5,
                2.0,
                3600.0,
                1e10,
                4_294_967_296.0,
            ] {
                let width = width(schema);
                let index = index_of(value, width);
                assert!(
                    upper_bound(index - 1, width) < value,
                    "{value} in {index} of {schema}"
                );
                assert!(
                    value <= upper_bound(index, width),
                    "{value} in {index} of {schema}"
                );
            }
        }
        // Bounds belong to the bucket below them.
        assert_eq!(
            [1.0, 2.0, 0.5].map(|value| index_of(value, width(3))),
            [0, 8, -8]
        );
    }

    #[test]
    fn short_gaps_are_filled_and_long_ones_begin_a_span() {
        let (spans, deltas) = spans(&[(-3, 5), (-2, 7), (1, 1), (5, 4)]);
        let spans: Vec<_> = spans
            .iter()
            .map(|span| (span.offset.unwrap(), span.length.unwrap()))
            .collect();
        assert_eq!(spans, [(-3, 5), (3, 1)]);
        assert_eq!(deltas, [5, 2, -7, 0, 1, 3]);
    }
}
