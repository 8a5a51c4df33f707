//! What is written is read back equal: every figure of a reading, to the last digit, by the strict reader of OpenMetrics, and the
//! older text format line by line beside it.

#[path = "support/openmetrics.rs"]
mod openmetrics;

use std::time::{Duration, UNIX_EPOCH};

use crm_monitor::expose::{self, Bounds, BoundsError, Exposition};
use crm_monitor::{
    FamilyReading, Histogram, Kind, Layout, Monitor, Reading, SeriesReading, Unit, Value,
};
use openmetrics::{Family, Sample, exemplars_outside_of_their_buckets, number, read};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};

fn written(exposition: &Exposition, reading: &Reading) -> String {
    let mut text = String::new();
    exposition.openmetrics(reading, &mut text).unwrap();
    text
}

/// A whole number of recorded units in the unit's own, by another way than the crate's.
fn decimal(value: i128, unit: Unit) -> String {
    let (sign, digits) = (
        if value < 0 { "-" } else { "" },
        value.unsigned_abs().to_string(),
    );
    if unit != Unit::Seconds {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>10}");
    let (whole, fraction) = digits.split_at(digits.len() - 9);
    format!("{sign}{whole}.{fraction}")
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

fn created(series: &SeriesReading) -> String {
    decimal(
        series
            .created
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_nanos() as i128,
        Unit::Seconds,
    )
}

fn pairs(series: &SeriesReading) -> Vec<(String, String)> {
    series
        .labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Holds every sample of an exposition against the reading it was made of.
fn assert_told(families: &[Family], reading: &Reading, bounds: &Bounds) {
    let mut families = families.iter();
    for family in &reading.families {
        let told = families.next().expect("a family is missing");
        assert_eq!(told.name, *family.name);
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            _ => unreachable!("a kind that the test does not know"),
        };
        assert_eq!(told.kind.as_deref(), Some(kind));
        assert_eq!(
            told.unit.as_deref().unwrap_or_default(),
            family.unit.suffix()
        );
        assert_eq!(told.help.as_deref().unwrap_or_default(), &*family.help);
        let mut order = vec!["TYPE"];
        order.extend((family.unit != Unit::None).then_some("UNIT"));
        order.extend((!family.help.is_empty()).then_some("HELP"));
        assert_eq!(told.metadata, order);

        let mut samples = told.samples.iter();
        for series in &family.series {
            let mut next = |suffix: &str, value: &str| {
                let sample = samples
                    .next()
                    .unwrap_or_else(|| panic!("{}{suffix} is missing", family.name));
                assert_eq!(sample.name, format!("{}{suffix}", family.name));
                assert_eq!(sample.value.text, value, "{}", sample.name);
                assert_eq!(sample.timestamp, None);
                sample
            };
            let mut plain =
                |suffix: &str, value: &str| assert_eq!(next(suffix, value).labels, pairs(series));
            match &series.value {
                Value::Counter(value) => {
                    plain("_total", &decimal((*value).into(), family.unit));
                    plain("_created", &created(series));
                }
                Value::Gauge(value) => plain("", &decimal((*value).into(), family.unit)),
                Value::Histogram(snapshot) => {
                    for bound in bounds.iter().map(Some).chain([None]) {
                        let count =
                            bound.map_or(snapshot.count(), |bound| snapshot.count_at_most(bound));
                        let sample = next("_bucket", &count.to_string());
                        assert_eq!(sample.own_labels("le"), pairs(series));
                        let end =
                            bound.map_or(f64::INFINITY, |bound| bound as f64 / family.unit.scale());
                        assert_eq!(number(sample.label("le").unwrap()).unwrap().value, end);
                    }
                    let mut plain = |suffix: &str, value: &str| {
                        assert_eq!(next(suffix, value).labels, pairs(series));
                    };
                    plain("_count", &snapshot.count().to_string());
                    plain("_sum", &decimal(snapshot.sum() as i128, family.unit));
                    plain("_created", &created(series));
                }
                other => unreachable!("{other:?} is not in these readings"),
            }
        }
        assert_eq!(
            samples.next(),
            None,
            "{} has more samples than figures",
            told.name
        );
        assert_failures_told(&mut families, family);
    }
    assert_eq!(families.next(), None);
}

/// What fails follows the family of the histogram: always if its unit is seconds, else as soon as there is a failure.
fn assert_failures_told<'a>(
    families: &mut impl Iterator<Item = &'a Family>,
    family: &FamilyReading,
) {
    let failures: Vec<_> = family
        .series
        .iter()
        .filter_map(|series| match &series.value {
            Value::Histogram(snapshot) => Some((series, snapshot.failures())),
            _ => None,
        })
        .collect();
    let any = failures.iter().any(|(_, failures)| *failures > 0);
    if failures.is_empty() || family.unit != Unit::Seconds && !any {
        return;
    }
    let told = families.next().expect("the failures are missing");
    assert_eq!(told.name, format!("{}_failures", family.name));
    assert_eq!(
        (told.kind.as_deref(), told.unit.as_deref()),
        (Some("counter"), None)
    );
    assert_eq!(told.metadata, ["TYPE", "HELP"]);
    let expected: Vec<_> = failures
        .iter()
        .flat_map(|(series, failures)| {
            [
                ("total", pairs(series), failures.to_string()),
                ("created", pairs(series), created(series)),
            ]
        })
        .map(|(ending, labels, value)| (format!("{}_{ending}", told.name), labels, value))
        .collect();
    let told: Vec<_> = told
        .samples
        .iter()
        .map(|sample| {
            (
                sample.name.clone(),
                sample.labels.clone(),
                sample.value.text.clone(),
            )
        })
        .collect();
    assert_eq!(told, expected);
}

#[derive(Clone, Debug)]
struct Figures {
    label: String,
    help: String,
    counter: u64,
    gauge: i64,
    values: Vec<u64>,
}

/// Text of what formats stumble over.
fn nasty(length: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        proptest::sample::select(vec![
            '\\', '"', '\n', '\r', '\t', ' ', '#', '{', '}', ',', '=', 'n', '\u{0}', '\u{7f}',
            '\u{2028}', '\u{feff}', '☃', '𝄞'
        ]),
        any::<char>(),
    ];
    proptest::collection::vec(character, 0..length).prop_map(String::from_iter)
}

fn figures() -> impl Strategy<Value = Figures> {
    let value = prop_oneof![0_u64..100, 0_u64..20_000_000_000, any::<u64>()];
    (
        nasty(20),
        nasty(40),
        any::<u64>(),
        any::<i64>(),
        proptest::collection::vec(value, 0..40),
    )
        .prop_map(|(label, help, counter, gauge, values)| Figures {
            label,
            help,
            counter,
            gauge,
            values,
        })
}

/// A quarter of the cases that are asked for, as each is a whole exposition.
fn config() -> ProptestConfig {
    let all = ProptestConfig::default();
    ProptestConfig {
        cases: all.cases / 4,
        failure_persistence: None,
        ..all
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_figure_is_read_back_equal(all in proptest::collection::vec(figures(), 1..4), ends in proptest::collection::btree_set(0_u64..1 << 45, 0..12)) {
        let monitor = Monitor::new();
        for (index, figures) in all.iter().enumerate() {
            // Every other one is a series of the same families.
            let name = |name: &str, unit: &str| format!("{name}_{}{unit}", index / 2);
            let number = index.to_string();
            // One help for all series of a family.
            let help = &all[index / 2 * 2].help;
            monitor.counter(&name("requests", "")).help(help).label("text", &figures.label).label("number", &number).register().unwrap().add(figures.counter);
            monitor.gauge(&name("wait", "_seconds")).help(help).label("text", &figures.label).label("number", &number).register().unwrap().set(figures.gauge);
            monitor.gauge(&name("memory", "_bytes")).help(help).label("number", &number).register().unwrap().set(figures.gauge);
            for unit in ["_seconds", "_bytes", ""] {
                let histogram = monitor.histogram(&name("distribution", unit)).help(help).label("text", &figures.label).label("number", &number).register().unwrap();
                figures.values.iter().for_each(|value| if value % 4 == 0 { histogram.record_failure(*value) } else { histogram.record(*value) });
            }
        }
        let reading = monitor.read();
        let bounds = Bounds::new(ends).unwrap();
        let exposition = [Unit::None, Unit::Seconds, Unit::Bytes].into_iter().fold(Exposition::new(), |exposition, unit| exposition.bounds_of_unit(unit, bounds.clone()));
        let text = written(&exposition, &reading);
        let families = read(text.as_bytes()).unwrap_or_else(|reason| panic!("{reason}, in\n{text}"));
        assert_told(&families, &reading, &bounds);
        assert_same_lines(&exposition, &reading, &families);
    }

    #[test]
    fn exemplars_are_read_back_in_their_buckets(values in proptest::collection::vec((0_u64..40_000_000_000, nasty(60)), 1..60)) {
        let monitor = Monitor::new();
        let times = monitor.histogram("times_seconds").label("route", "/").register().unwrap();
        for (value, label) in &values {
            times.record_with_exemplar(*value, &[("trace", label)]);
        }
        let reading = monitor.read();
        let text = written(&Exposition::new(), &reading);
        let families = read(text.as_bytes()).unwrap_or_else(|reason| panic!("{reason}, in\n{text}"));
        assert_eq!(exemplars_outside_of_their_buckets(&families[0]), 0, "{text}");
        let kept = &reading.families[0].series[0].exemplars;
        let mut below = None;
        for (bound, sample) in Bounds::of_unit(Unit::Seconds).iter().map(Some).chain([None]).zip(&families[0].samples) {
            let inside = |value: u64| below.is_none_or(|below| value > below) && bound.is_none_or(|bound| value <= bound);
            let candidates: Vec<_> = kept.iter().filter(|exemplar| inside(exemplar.value())).collect();
            match &sample.exemplar {
                None => assert!(candidates.is_empty(), "{text}"),
                Some(told) => {
                    let newest = candidates.iter().map(|exemplar| exemplar.taken()).max();
                    assert!(candidates.iter().any(|kept| {
                        decimal(kept.value().into(), Unit::Seconds) == told.value.text
                            && kept.labels().eq(told.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))
                            && told.timestamp.as_ref().map(|time| time.text.clone())
                                == Some(decimal(kept.taken().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i128, Unit::Seconds))
                            && Some(kept.taken()) == newest
                    }), "{text}");
                }
            }
            below = bound;
        }
    }

    /// No value above a bound is counted there, and those that are missing lie next to it.
    #[test]
    fn a_count_is_never_too_large_and_hardly_too_small(values in proptest::collection::vec(1_u64..1 << 42, 1..200), bound in 1_000_u64..1 << 41) {
        let layout = Layout::response_times();
        let histogram = Histogram::new(layout);
        values.iter().for_each(|value| histogram.record(*value));
        let monitor = Monitor::new();
        let registered = monitor.histogram("times_seconds").register().unwrap();
        values.iter().for_each(|value| registered.record(*value));

        let count = |bounds: Bounds| {
            let text = written(&Exposition::new().bounds_of_name("times_seconds", bounds), &monitor.read());
            read(text.as_bytes()).unwrap()[0].samples[0].value.value as usize
        };
        let at_most = |bound: u64| values.iter().filter(|value| **value <= bound).count();
        let told = count(Bounds::new([bound]).unwrap());
        let near = bound - (bound as f64 * 2.0 * layout.error()).ceil() as u64;
        assert!(told <= at_most(bound), "{told}");
        assert!(told >= at_most(near), "{told}");

        let snapped = Bounds::new([bound]).unwrap().snapped(&layout);
        let end = snapped.iter().next().unwrap();
        assert_eq!(count(snapped), at_most(end));
    }
}

/// The older format has the samples of OpenMetrics but for times of creation, and the counter's `_total` in its metadata.
fn assert_same_lines(exposition: &Exposition, reading: &Reading, families: &[Family]) {
    let mut text = Vec::new();
    exposition.prometheus(reading, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.ends_with('\n'));
    let mut lines = text.split_terminator('\n').peekable();
    for family in families {
        let kind = family.kind.as_deref().unwrap();
        let name = format!(
            "{}{}",
            family.name,
            if kind == "counter" { "_total" } else { "" }
        );
        assert_eq!(lines.next(), Some(&*format!("# TYPE {name} {kind}")));
        if let Some(help) = &family.help {
            // Quotes stay as they are here.
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            assert_eq!(lines.next(), Some(&*format!("# HELP {name} {help}")));
        }
        for sample in family
            .samples
            .iter()
            .filter(|sample| !sample.name.ends_with("_created"))
        {
            let line = lines.next().unwrap();
            // A sample is a sample in both; the reader takes it with a head that lets it stand alone.
            let alone = read(format!("{line}\n# EOF\n").as_bytes())
                .unwrap_or_else(|reason| panic!("{reason}: {line}"));
            assert_eq!(
                without_spelling(&alone[0].samples[0]),
                without_spelling(sample)
            );
        }
    }
    assert_eq!(lines.next(), None);
}

/// A sample with its bound as a number: the formats differ in `1` and `1.0`.
fn without_spelling(sample: &Sample) -> (String, Vec<(String, String)>, Option<f64>, String) {
    let bound = sample.label("le").map(|le| number(le).unwrap().value);
    (
        sample.name.clone(),
        sample.own_labels("le"),
        bound,
        sample.value.text.clone(),
    )
}

#[test]
fn observed_figures_are_told_and_impossible_ones_left_out() {
    let monitor = Monitor::new();
    for label in ["a", "b", "c", "d", "e"] {
        monitor
            .observe_gauge("load_ratio")
            .label("of", label)
            .register(|| 0.0)
            .unwrap();
        monitor
            .observe_counter("work_seconds")
            .label("of", label)
            .register(|| 0.0)
            .unwrap();
    }
    // The monitor itself lets no impossible counter through, but a reading can be changed.
    let mut reading = monitor.read();
    reading
        .families
        .retain(|family| ["load_ratio", "work_seconds"].contains(&&*family.name));
    for family in &mut reading.families {
        for (series, value) in
            family
                .series
                .iter_mut()
                .zip([0.25, 1e21, f64::NAN, f64::NEG_INFINITY, -0.5])
        {
            series.value = match family.kind {
                Kind::Counter => Value::ObservedCounter(value),
                _ => Value::ObservedGauge(value),
            };
        }
    }
    let text = written(&Exposition::new().created(false), &reading);
    read(text.as_bytes()).unwrap();
    let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        samples,
        [
            "load_ratio{of=\"a\"} 0.25",
            "load_ratio{of=\"b\"} 1e+21",
            "load_ratio{of=\"c\"} NaN",
            "load_ratio{of=\"d\"} -Inf",
            "load_ratio{of=\"e\"} -0.5",
            "work_seconds_total{of=\"a\"} 0.25",
            "work_seconds_total{of=\"b\"} 1e+21",
        ]
    );
    let mut lines = String::new();
    expose::zabbix_values(&reading, "-", &mut lines).unwrap();
    assert_eq!(lines.lines().count(), 5, "those that are finite: {lines}");
    #[cfg(feature = "serde_json")]
    {
        let mut json = String::new();
        expose::json(&reading, &mut json).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let values = |family: usize| -> Vec<_> {
            json["families"][family]["series"]
                .as_array()
                .unwrap()
                .iter()
                .map(|series| series["value"].clone())
                .collect()
        };
        assert_eq!(
            values(0),
            [
                serde_json::json!(0.25),
                serde_json::json!(1e21),
                "NaN".into(),
                "-Inf".into(),
                serde_json::json!(-0.5)
            ]
        );
        assert_eq!(
            values(1),
            [serde_json::json!(0.25), serde_json::json!(1e21)]
        );
    }
}

#[test]
fn an_exemplar_at_a_bound_stands_in_the_bucket_that_ends_there() {
    let monitor = Monitor::new();
    let times = monitor.histogram("times_seconds").register().unwrap();
    assert!(times.record_with_exemplar(100_000_000, &[]));
    let families = read(written(&Exposition::new(), &monitor.read()).as_bytes()).unwrap();
    let with_exemplar: Vec<_> = families[0]
        .samples
        .iter()
        .filter(|sample| sample.exemplar.is_some())
        .map(|sample| sample.label("le").unwrap())
        .collect();
    assert_eq!(with_exemplar, ["0.1"]);
}

#[test]
fn bounds_are_spelt_as_the_formats_ask() {
    let monitor = Monitor::new();
    monitor.histogram("size_bytes").register().unwrap();
    let exposition = Exposition::new().bounds_of_unit(
        Unit::Bytes,
        Bounds::new([1, 100_000, 1_000_000, 1_500_000]).unwrap(),
    );
    let bounds = |text: String| -> Vec<String> {
        text.lines()
            .filter_map(|line| Some(line.split_once("le=\"")?.1.split_once('"')?.0.to_owned()))
            .collect()
    };
    assert_eq!(
        bounds(written(&exposition, &monitor.read())),
        ["1.0", "100000.0", "1e+06", "1.5e+06", "+Inf"]
    );
    let mut text = String::new();
    exposition.prometheus(&monitor.read(), &mut text).unwrap();
    assert_eq!(bounds(text), ["1", "100000", "1e+06", "1.5e+06", "+Inf"]);
}

#[test]
fn bounds_of_a_name_stand_before_those_of_its_unit() {
    let monitor = Monitor::new();
    monitor.histogram("a_seconds").register().unwrap();
    monitor.histogram("b_seconds").register().unwrap();
    let exposition = Exposition::new()
        .bounds_of_unit(Unit::Seconds, Bounds::new([]).unwrap())
        .bounds_of_name(
            "b_seconds",
            Bounds::durations([Duration::from_millis(5)]).unwrap(),
        );
    let families = read(written(&exposition, &monitor.read()).as_bytes()).unwrap();
    let bounds: Vec<_> = families
        .iter()
        .filter(|family| family.kind.as_deref() == Some("histogram"))
        .map(|family| {
            family
                .samples
                .iter()
                .filter_map(|sample| sample.label("le"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(bounds, [vec!["+Inf"], vec!["0.005", "+Inf"]]);
}

/// 2^23 seconds in nanoseconds.
const LARGEST_BOUND: u64 = 8_388_608_000_000_000;

#[test]
fn issue_neighbouring_bounds_became_one_in_seconds() {
    let monitor = Monitor::new();
    monitor.histogram("age_seconds").register().unwrap();
    let ends: Vec<u64> = (LARGEST_BOUND - 100..=LARGEST_BOUND).collect();
    let bounds = Bounds::new(ends.iter().copied()).unwrap();
    let exposition = Exposition::new().bounds_of_unit(Unit::Seconds, bounds);
    let text = written(&exposition, &monitor.read());
    let written: Vec<f64> = read(text.as_bytes())
        .unwrap()
        .iter()
        .flat_map(|family| &family.samples)
        .filter_map(|sample| sample.label("le")?.parse().ok())
        .collect();
    let meant = ends.iter().map(|end| *end as f64 / 1e9);
    assert!(written.iter().copied().eq(meant.chain([f64::INFINITY])));
    assert!(written.is_sorted_by(|one, next| one < next));
}

#[test]
fn bounds_that_mean_nothing_are_refused() {
    assert_eq!(
        Bounds::new([1, 2, 2]),
        Err(BoundsError::NotAscending { bound: 2 })
    );
    assert_eq!(
        Bounds::new([3, 1]),
        Err(BoundsError::NotAscending { bound: 1 })
    );
    assert_eq!(
        Bounds::new([LARGEST_BOUND]).map(|bounds| bounds.iter().len()),
        Ok(1)
    );
    assert_eq!(
        Bounds::new([LARGEST_BOUND + 1]),
        Err(BoundsError::TooLarge {
            bound: LARGEST_BOUND + 1
        })
    );
    assert_eq!(
        Bounds::durations([Duration::MAX]),
        Err(BoundsError::TooLarge { bound: u64::MAX })
    );
    assert_eq!(
        Bounds::new(0..200).map(|bounds| bounds.iter().len()),
        Ok(200)
    );
    assert_eq!(Bounds::new(0..), Err(BoundsError::TooMany));
}

#[test]
fn the_default_bounds_are_those_of_the_table() {
    let seconds: Vec<_> = Bounds::of_unit(Unit::Seconds)
        .iter()
        .map(|end| decimal(end.into(), Unit::Seconds))
        .collect();
    assert_eq!(
        seconds.join(", "),
        "0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60"
    );
    let bytes: Vec<_> = Bounds::of_unit(Unit::Bytes).iter().collect();
    assert_eq!(
        (bytes[0], bytes[1], bytes[bytes.len() - 1]),
        (256, 1024, 268_435_456)
    );
    let plain: Vec<_> = Bounds::of_unit(Unit::None).iter().collect();
    assert_eq!(
        (&plain[..7], plain[plain.len() - 1]),
        (&[1, 2, 5, 10, 20, 50, 100][..], 1_000_000)
    );
    for unit in [Unit::Seconds, Unit::Bytes, Unit::None] {
        let bounds = Bounds::of_unit(unit);
        assert_eq!(Bounds::new(bounds.iter()), Ok(bounds));
    }
}

#[test]
fn an_empty_reading_is_an_end_alone() {
    let mut text = String::new();
    expose::openmetrics(&Monitor::new().read(), &mut text).unwrap();
    assert_eq!(text, "# EOF\n");
    text.clear();
    expose::prometheus(&Monitor::new().read(), &mut text).unwrap();
    assert_eq!(text, "");
}

#[test]
fn failures_follow_their_histogram() {
    let monitor = Monitor::new();
    let times = monitor
        .histograms("times_seconds", ["route"])
        .register()
        .unwrap();
    let sizes = monitor.histogram("upload_bytes").register().unwrap();
    // Between the two in the order of names, and before what is made of the first.
    monitor.counter("times_seconds_a").register().unwrap();
    drop(times.with(["/a"]).start());
    times.with(["/b"]).start().stop();
    sizes.record(7);

    let exposition = Exposition::new().created(false);
    let told = || {
        let mut text = String::new();
        exposition.prometheus(&monitor.read(), &mut text).unwrap();
        let told = text.lines().filter(|line| {
            let name = line.strip_prefix("# TYPE ").unwrap_or(line);
            !line.starts_with("# HELP") && !name.contains("_bucket")
        });
        let told: Vec<_> = told
            .filter(|line| !line.contains("_sum"))
            .map(str::to_owned)
            .collect();
        told
    };
    let of_times = [
        "# TYPE times_seconds histogram",
        "times_seconds_count{route=\"/a\"} 1",
        "times_seconds_count{route=\"/b\"} 1",
        "# TYPE times_seconds_failures_total counter",
        "times_seconds_failures_total{route=\"/a\"} 1",
        "times_seconds_failures_total{route=\"/b\"} 0",
        "# TYPE times_seconds_a_total counter",
        "times_seconds_a_total 0",
    ];
    let of_sizes = ["# TYPE upload_bytes histogram", "upload_bytes_count 1"];
    let own = [
        "# TYPE crm_monitor_overflowed_lookups_total counter",
        "crm_monitor_overflowed_lookups_total{family=\"times_seconds\"} 0",
    ];
    assert_eq!(told(), [&own[..], &of_times, &of_sizes].concat());

    sizes.record_failure(8);
    let failed = [
        "upload_bytes_count 2",
        "# TYPE upload_bytes_failures_total counter",
        "upload_bytes_failures_total 1",
    ];
    assert_eq!(
        told(),
        [&own[..], &of_times, &of_sizes[..1], &failed].concat()
    );
}
