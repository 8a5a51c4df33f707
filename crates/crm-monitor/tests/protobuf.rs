//! Prometheus protobuf, read by an independent reader: exact counts and sums, and native buckets that agree with the classic ones.
#![cfg(feature = "prost")]

#[path = "support/protobuf.rs"]
mod protobuf;

use std::time::UNIX_EPOCH;

use crm_monitor::expose::{self, Bounds, Exposition, Native, NativeError};
use crm_monitor::{Layout, Monitor, Unit};
use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use protobuf::{Family, Histogram, read};

fn told(monitor: &Monitor, exposition: &Exposition) -> Vec<Family> {
    let mut bytes = Vec::new();
    exposition.protobuf(&monitor.read(), &mut bytes).unwrap();
    read(&bytes)
}

/// The filled and empty buckets of a native histogram: upper bound and count.
fn native_buckets(histogram: &Histogram) -> Vec<(f64, u64)> {
    let width = (-histogram.schema as f64).exp2();
    let mut deltas = histogram.deltas.iter();
    let (mut index, mut count) = (0, 0);
    let mut buckets = Vec::new();
    for (offset, length) in &histogram.spans {
        index += offset;
        for _ in 0..*length {
            count += deltas.next().expect("a delta for each bucket");
            buckets.push(((index as f64 * width).exp2(), u64::try_from(count).unwrap()));
            index += 1;
        }
    }
    assert_eq!(deltas.next(), None, "a bucket for each delta");
    buckets
}

#[test]
fn every_kind_is_told() {
    let monitor = Monitor::new();
    monitor
        .counter("requests")
        .help("a \"b\"\n\\")
        .label("route", "/\n")
        .label("method", "GET")
        .register()
        .unwrap()
        .add(7);
    monitor
        .gauge("stall_seconds")
        .register()
        .unwrap()
        .set(-1_500_000_000);
    let times = monitor.histogram("times_seconds").register().unwrap();
    assert!(times.record_with_exemplar(100_000_000, &[("trace_id", "4bf9")]));
    times.record_failure(200_000_000);
    let exposition =
        Exposition::new().bounds_of_unit(Unit::Seconds, Bounds::new([150_000_000]).unwrap());
    let reading = monitor.read();
    let mut bytes = Vec::new();
    exposition.protobuf(&reading, &mut bytes).unwrap();
    let families = read(&bytes);
    let names: Vec<_> = families
        .iter()
        .map(|family| (&*family.name, family.kind, &*family.unit, &*family.help))
        .collect();
    assert_eq!(
        names,
        [
            ("requests_total", 0, "", "a \"b\"\n\\"),
            ("stall_seconds", 1, "seconds", ""),
            ("times_seconds", 4, "seconds", ""),
            (
                "times_seconds_failures_total",
                0,
                "",
                "How many of times_seconds were failures."
            ),
        ]
    );
    let since = reading.families[0].series[0]
        .created
        .duration_since(UNIX_EPOCH)
        .unwrap();
    let created = Some((since.as_secs(), since.subsec_nanos().into()));
    let counter = &families[0].metrics[0];
    assert_eq!(
        counter.labels,
        [
            ("route".into(), "/\n".into()),
            ("method".into(), "GET".into())
        ]
    );
    assert_eq!(counter.counter, Some((7.0, created)));
    assert_eq!(families[1].metrics[0].gauge, Some(-1.5));
    let histogram = families[2].metrics[0].histogram.as_ref().unwrap();
    assert_eq!(
        (histogram.count, histogram.sum, histogram.schema),
        (2, 0.3, 3)
    );
    let classic: Vec<_> = histogram
        .buckets
        .iter()
        .map(|bucket| (bucket.bound, bucket.count))
        .collect();
    assert_eq!(classic, [(0.15, 1), (f64::INFINITY, 2)]);
    let exemplar = histogram.buckets[0].exemplar.as_ref().unwrap();
    assert_eq!(
        (exemplar.labels.as_slice(), exemplar.value),
        (&[("trace_id".into(), "4bf9".into())][..], 0.1)
    );
    assert!(exemplar.time.is_some());
    assert_eq!(histogram.exemplars, std::slice::from_ref(exemplar));
    assert_eq!(histogram.buckets[1].exemplar, None);
    assert!(histogram.created.is_some());
    let failures = families[3].metrics[0].counter;
    assert_eq!(failures, Some((1.0, histogram.created)));

    let without = told(&monitor, &exposition.created(false));
    assert_eq!(without[0].metrics[0].counter, Some((7.0, None)));
    assert_eq!(
        without[2].metrics[0].histogram.as_ref().unwrap().created,
        None
    );
    assert_eq!(without[3].metrics[0].counter, Some((1.0, None)));
}

#[test]
fn failures_have_the_labels_of_their_histogram_and_none_are_told_where_nothing_is_timed() {
    let monitor = Monitor::new();
    for route in ["/a", "/b"] {
        let times = monitor.histogram("times_seconds").label("route", route);
        times.register().unwrap().record(1);
    }
    let sizes = monitor.histogram("upload_bytes").register().unwrap();
    let names = || {
        let families = told(&monitor, &Exposition::new());
        families
            .iter()
            .map(|family| family.name.clone())
            .collect::<Vec<_>>()
    };
    let times = ["times_seconds", "times_seconds_failures_total"];
    assert_eq!(names(), [&times[..], &["upload_bytes"]].concat());
    sizes.record_failure(1);
    let sizes = ["upload_bytes", "upload_bytes_failures_total"];
    assert_eq!(names(), [&times[..], &sizes].concat());

    let failures = &told(&monitor, &Exposition::new())[1];
    let route = |at: usize| failures.metrics[at].labels.clone();
    assert_eq!(route(0), [("route".into(), "/a".into())]);
    assert_eq!(route(1), [("route".into(), "/b".into())]);
    assert_eq!(failures.metrics.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Count and sum are exact, all that is counted stands in one bucket, and no bucket claims less than its values: up to any of
    /// its bounds, the native histogram counts what the histogram itself counts there.
    #[test]
    fn a_native_histogram_counts_what_the_histogram_counts(
        values in proptest::collection::vec(prop_oneof![0_u64..3_000, 0_u64..20_000_000_000, 0_u64..1 << 42, any::<u64>()], 0..300),
        schema in -4_i8..=8,
        most in 1_u16..200,
        seconds in any::<bool>(),
    ) {
        let monitor = Monitor::new();
        let (name, scale) = if seconds { ("times_seconds", 1e9) } else { ("size_bytes", 1.0) };
        let layout = Layout::new(1_000, 3_600_000_000_000, 0.01).unwrap();
        let histogram = monitor.histogram(name).layout(layout).register().unwrap();
        values.iter().for_each(|value| histogram.record(*value));
        let snapshot = histogram.snapshot();
        let native = Native::of_schema(schema).unwrap().most_buckets(most).unwrap();
        let families = told(&monitor, &Exposition::new().native(native));
        let told = families[0].metrics[0].histogram.as_ref().unwrap();
        assert_eq!((told.count, told.sum), (snapshot.count(), snapshot.sum() as f64 / scale));
        assert!((-4..=i64::from(schema)).contains(&told.schema));
        assert!(told.zero_threshold > 0.0);

        let buckets = native_buckets(told);
        let filled = buckets.iter().filter(|(_, count)| *count > 0).count();
        assert!(filled <= usize::from(most) || told.schema == -4);
        if told.schema < i64::from(schema) {
            // It is no coarser than it has to be: one step back there are more buckets than allowed.
            assert!(2 * filled > usize::from(most), "{filled} of {most}");
        }
        assert_eq!(told.zero_count + buckets.iter().map(|(_, count)| count).sum::<u64>(), told.count);
        let zero = (told.zero_threshold * scale).round() as u64;
        assert_eq!(told.zero_count, snapshot.count_at_most(zero));
        let mut seen = told.zero_count;
        let highest = layout.highest() as f64 / scale;
        for (bound, count) in buckets {
            seen += count;
            // Above the highest value the histogram knows no values.
            if bound < highest {
                let raw = (bound * scale) as u64;
                assert_eq!(seen, snapshot.count_at_most(raw), "up to {bound}");
                let exact = values.iter().filter(|value| **value as f64 / scale <= bound).count() as u64;
                assert!(seen <= exact, "{seen} of {exact} up to {bound}");
            }
        }
    }
}

#[test]
fn the_overflow_stands_next_to_the_highest_value() {
    let monitor = Monitor::new();
    let times = monitor.histogram("times_seconds").register().unwrap();
    times.record(u64::MAX);
    let families = told(&monitor, &Exposition::new());
    let histogram = families[0].metrics[0].histogram.as_ref().unwrap();
    let buckets = native_buckets(histogram);
    assert_eq!(buckets.len(), 1);
    let highest = Layout::response_times().highest() as f64 / 1e9;
    let ratio = buckets[0].0 / highest;
    assert!(
        (1.0..1.1).contains(&ratio) && buckets[0].1 == 1,
        "{buckets:?}"
    );
}

#[test]
fn an_empty_histogram_is_still_a_native_one() {
    let monitor = Monitor::new();
    monitor.histogram("a_seconds").register().unwrap();
    monitor
        .histogram("b_bytes")
        .layout(Layout::new(1, 1000, 0.25).unwrap())
        .register()
        .unwrap();
    let families = told(&monitor, &Exposition::new());
    let (failures, histograms): (Vec<_>, Vec<_>) = families
        .into_iter()
        .partition(|family| family.name.ends_with("_failures_total"));
    assert_eq!((failures.len(), histograms.len()), (1, 2));
    for family in histograms {
        let histogram = family.metrics[0].histogram.as_ref().unwrap();
        // By this a server tells it from a classic one.
        assert!(histogram.zero_threshold > 0.0);
        assert_eq!(
            (
                histogram.count,
                histogram.spans.len(),
                histogram.deltas.len()
            ),
            (0, 0, 0)
        );
    }
}

#[test]
fn what_cannot_be_is_refused() {
    assert_eq!(Native::of_schema(9), Err(NativeError::Schema(9)));
    assert_eq!(Native::of_schema(-5), Err(NativeError::Schema(-5)));
    assert_eq!(
        Native::default().most_buckets(0),
        Err(NativeError::NoBuckets)
    );
    assert_eq!(Native::of_schema(3), Ok(Native::default()));
}

#[test]
fn the_stream_is_made_of_families_behind_their_lengths() {
    let monitor = Monitor::new();
    let mut bytes = Vec::new();
    expose::protobuf(&monitor.read(), &mut bytes).unwrap();
    assert!(bytes.is_empty());
    monitor.counter("a").register().unwrap();
    monitor.counter("b").register().unwrap();
    expose::protobuf(&monitor.read(), &mut bytes).unwrap();
    assert_eq!(read(&bytes).len(), 2);
    let first = usize::from(bytes[0]);
    assert_eq!(read(&bytes[..=first])[0].name, "a_total");
}

#[test]
fn an_impossible_counter_is_left_out() {
    let monitor = Monitor::new();
    monitor
        .observe_counter("work_seconds")
        .register(|| 0.5)
        .unwrap();
    let mut reading = monitor.read();
    reading
        .families
        .retain(|family| &*family.name == "work_seconds");
    let mut told = |value: f64| {
        reading.families[0].series[0].value = crm_monitor::Value::ObservedCounter(value);
        let mut bytes = Vec::new();
        expose::protobuf(&reading, &mut bytes).unwrap();
        read(&bytes)
            .first()
            .map(|family| family.metrics[0].counter.unwrap().0)
    };
    assert_eq!(told(0.5), Some(0.5));
    assert_eq!(told(f64::NAN), None);
    assert_eq!(told(-1.0), None);
}
