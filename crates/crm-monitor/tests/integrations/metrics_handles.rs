//! What the macros of the crate `metrics` record is what the monitor says.

use std::sync::Barrier;
use std::time::Duration;

use crm_monitor::{Difference, Layout, Monitor, Recorder, RegisterError, Unit, Value, expose};
use metrics::{counter, gauge, histogram, with_local_recorder};
use proptest::prelude::*;

use crate::readings::{self, count, family, value, value_in};

fn recorder() -> (Monitor, Recorder) {
    let monitor = Monitor::new();
    let recorder = Recorder::new(&monitor).unwrap();
    (monitor, recorder)
}

fn level(monitor: &Monitor, name: &str) -> f64 {
    match value(monitor, name, &[]) {
        Some(Value::ObservedGauge(level)) => level,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn counters_count_under_their_labels_in_any_order() {
    let (monitor, recorder) = recorder();
    with_local_recorder(&recorder, || {
        counter!("imports", "source" => "csv", "kind" => "full").increment(2);
        counter!("imports", "kind" => "full", "source" => "csv").increment(3);
        counter!("imports", "kind" => "part", "source" => "csv").increment(1);
    });
    let full = [("kind", "full"), ("source", "csv")];
    assert_eq!(count(&monitor, "imports", &full), 5);
    let part = [("kind", "part"), ("source", "csv")];
    assert_eq!(count(&monitor, "imports", &part), 1);
    for series in family(&monitor, "imports").unwrap().series {
        let names: Vec<_> = series
            .labels
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(names, ["kind", "source"]);
    }
    assert_eq!(recorder.refused(), 0);
}

#[test]
fn the_total_of_a_counter_is_no_part_of_its_name() {
    let (monitor, recorder) = recorder();
    with_local_recorder(&recorder, || counter!("imports_total").increment(2));
    assert_eq!(count(&monitor, "imports", &[]), 2);
    assert_eq!(recorder.refused(), 0);
}

#[test]
fn an_absolute_value_raises_a_counter_and_never_lowers_it() {
    let (monitor, recorder) = recorder();
    with_local_recorder(&recorder, || {
        let rows = counter!("rows");
        for (absolute, expected) in [(10, 10), (10, 10), (4, 10), (0, 10), (12, 12)] {
            rows.absolute(absolute);
            assert_eq!(count(&monitor, "rows", &[]), expected);
        }
        rows.increment(1);
        rows.absolute(13);
        assert_eq!(count(&monitor, "rows", &[]), 13);
    });
}

#[test]
fn absolute_values_of_several_threads_leave_the_greatest() {
    let (monitor, recorder) = recorder();
    let start = Barrier::new(4);
    let rows = with_local_recorder(&recorder, || counter!("rows"));
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (rows, start) = (rows.clone(), &start);
            scope.spawn(move || {
                start.wait();
                for n in 0..2000 {
                    rows.absolute(n * 4 + thread);
                }
            });
        }
    });
    assert_eq!(count(&monitor, "rows", &[]), 7999);
}

#[test]
fn what_is_counted_in_seconds_is_exposed_in_seconds() {
    let (monitor, recorder) = recorder();
    with_local_recorder(&recorder, || {
        counter!("work_seconds_total").increment(3);
        counter!("work_seconds_total").absolute(5);
    });
    let family = family(&monitor, "work_seconds").unwrap();
    assert_eq!(family.unit, Unit::Seconds);
    assert_eq!(count(&monitor, "work_seconds", &[]), 5_000_000_000);
}

#[test]
fn a_gauge_is_set_and_moved_by_fractions() {
    let (monitor, recorder) = recorder();
    with_local_recorder(&recorder, || {
        let load = gauge!("load_ratio");
        load.set(0.5);
        load.increment(0.25);
        load.decrement(1.0);
        assert_eq!(level(&monitor, "load_ratio"), -0.25);
        gauge!("load_ratio").set(7.0);
        assert_eq!(level(&monitor, "load_ratio"), 7.0);
    });
}

#[test]
fn no_step_of_a_gauge_is_lost_between_threads() {
    let (monitor, recorder) = recorder();
    let load = with_local_recorder(&recorder, || gauge!("load"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let load = load.clone();
            scope.spawn(move || {
                for _ in 0..5000 {
                    load.increment(0.5);
                    load.decrement(0.25);
                }
            });
        }
    });
    assert_eq!(level(&monitor, "load"), 5000.0);
}

#[test]
fn durations_become_nanoseconds() {
    let (monitor, recorder) = recorder();
    with_local_recorder(&recorder, || {
        histogram!("import_seconds").record(Duration::from_millis(250));
        histogram!("import_seconds").record(1.5);
        histogram!("import_seconds").record_many(0.001, 3);
    });
    let times = readings::histogram(&monitor, "import_seconds", &[]).unwrap();
    assert_eq!((times.count(), times.sum()), (5, 1_753_000_000));
    assert_eq!(
        family(&monitor, "import_seconds").unwrap().unit,
        Unit::Seconds
    );
}

#[test]
fn other_values_are_rounded_to_the_nearest() {
    let (monitor, recorder) = recorder();
    with_local_recorder(&recorder, || {
        let rows = histogram!("rows");
        [0.0, 41.6, 51.5, 1e3]
            .into_iter()
            .for_each(|value| rows.record(value));
    });
    let rows = readings::histogram(&monitor, "rows", &[]).unwrap();
    assert_eq!((rows.count(), rows.sum()), (4, 42 + 52 + 1000));
    assert!(rows.count_at_most(100) == 3 && rows.count_at_most(0) == 1);
    // No more than one percent is lost.
    assert_eq!(recorder.refused(), 0);
}

#[test]
fn fractions_are_kept_where_they_are_asked_for_and_exposed_as_they_came() {
    let monitor = Monitor::new();
    let recorder = Recorder::builder(&monitor)
        .fractions(|name| name != "rows")
        .build()
        .unwrap();
    with_local_recorder(&recorder, || {
        for (kind, value) in [("a", 0.2), ("a", 0.05), ("b", 1.5), ("b", 2e6)] {
            histogram!("request_duration", "kind" => kind).record(value);
        }
        histogram!("rows").record(5);
        histogram!("import_seconds").record(0.2);
        histogram!("size_bytes").record(512);
    });
    assert_eq!(recorder.refused(), 0);
    let unit = |name| family(&monitor, name).unwrap().unit;
    assert_eq!(unit("request_duration"), Unit::Millionths);
    assert_eq!(unit("rows"), Unit::None);
    assert_eq!(unit("import_seconds"), Unit::Seconds);
    assert_eq!(unit("size_bytes"), Unit::Bytes);
    let a = readings::histogram(&monitor, "request_duration", &[("kind", "a")]).unwrap();
    assert_eq!((a.count(), a.sum()), (2, 250_000));
    let reading = monitor.read();
    let mut pages = [String::new(), String::new()];
    expose::openmetrics(&reading, &mut pages[0]).unwrap();
    expose::prometheus(&reading, &mut pages[1]).unwrap();
    for page in &pages {
        for line in [
            "request_duration_sum{kind=\"a\"} 0.25\n",
            "request_duration_sum{kind=\"b\"} 2000001.5\n",
            "request_duration_bucket{kind=\"a\",le=\"0.02\"} 0\n",
            "request_duration_bucket{kind=\"a\",le=\"0.1\"} 1\n",
            "request_duration_bucket{kind=\"a\",le=\"0.5\"} 2\n",
            "request_duration_count{kind=\"b\"} 2\n",
            "rows_sum 5\n",
        ] {
            assert!(page.contains(line), "{line}{page}");
        }
        // It is no unit that a reader of the page would know.
        assert!(!page.contains("UNIT request_duration"), "{page}");
    }
}

#[test]
fn figures_of_two_scales_do_not_mix() {
    let monitor = Monitor::new();
    let load = |of| monitor.gauge("load").label("of", of);
    let one = load("a").unit(Unit::Millionths).register().unwrap();
    one.set(1_250_000);
    let difference = Difference::Unit;
    let name = "load".to_owned();
    assert_eq!(
        load("b").register().unwrap_err(),
        RegisterError::Conflict { name, difference }
    );
    let error = monitor.gauge("load_bytes").unit(Unit::Millionths);
    let error = error.register().unwrap_err().to_string();
    assert!(error.contains("declare bytes"), "{error}");
    let mut page = String::new();
    expose::openmetrics(&monitor.read(), &mut page).unwrap();
    assert!(page.contains("load{of=\"a\"} 1.25\n"), "{page}");
}

#[test]
fn a_layout_is_that_of_its_name() {
    let monitor = Monitor::new();
    let coarse = Layout::new(1, 1000, 0.1).unwrap();
    let recorder = Recorder::builder(&monitor)
        .layout(move |name| (name == "rows").then_some(coarse))
        .build()
        .unwrap();
    with_local_recorder(&recorder, || {
        histogram!("rows").record(5);
        histogram!("columns").record(5);
        histogram!("import_seconds").record(5);
    });
    let layout = |name| readings::histogram(&monitor, name, &[]).unwrap().layout();
    assert_eq!(layout("rows"), coarse);
    assert_eq!(layout("import_seconds"), Layout::response_times());
    assert!(layout("columns").error() <= 0.01);
}

#[test]
fn issue_a_layout_that_records_by_itself_waited_for_ever() {
    let monitor = Monitor::new();
    let layout = |name: &str| {
        if name == "rows" {
            metrics::histogram!("asked").record(1);
        }
        None
    };
    let fractions = |name: &str| {
        if name == "rows" {
            metrics::histogram!("asked_too").record(1);
        }
        false
    };
    let recorder = Recorder::builder(&monitor)
        .layout(layout)
        .fractions(fractions)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || metrics::histogram!("rows").record(1));
    for name in ["rows", "asked", "asked_too"] {
        let recorded = readings::histogram(&monitor, name, &[]).unwrap();
        assert_eq!(recorded.count(), 1, "{name}");
    }
}

#[test]
fn the_recorder_of_the_program_is_installed_once() {
    let (monitor, recorder) = recorder();
    recorder.clone().install().unwrap();
    counter!("installed").increment(1);
    assert_eq!(count(&monitor, "installed", &[]), 1);
    assert!(recorder.install().is_err());
}

#[derive(Clone, Debug)]
enum Step {
    Count(u8, u64),
    Absolute(u8, u64),
    Set(u8, i32),
    Up(u8, i32),
    Down(u8, i32),
    Record(u8, u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..3_u8, 0..1000_i32, 0..6).prop_map(|(name, value, kind)| match kind {
        0 => Step::Count(name, value as u64),
        1 => Step::Absolute(name, value as u64),
        2 => Step::Set(name, value),
        3 => Step::Up(name, value),
        4 => Step::Down(name, value),
        _ => Step::Record(name, value as u32),
    });
    prop::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_macro_does_what_a_plain_number_would(steps in steps()) {
        let (monitor, recorder) = recorder();
        let mut counts = [0_u64; 3];
        let mut levels = [None::<f64>; 3];
        let mut sums = [(0_u64, 0_u128); 3];
        with_local_recorder(&recorder, || {
            for step in &steps {
                match *step {
                    Step::Count(name, value) => {
                        counter!("count", "n" => name.to_string()).increment(value);
                        counts[usize::from(name)] += value;
                    }
                    Step::Absolute(name, value) => {
                        counter!("count", "n" => name.to_string()).absolute(value);
                        counts[usize::from(name)] = counts[usize::from(name)].max(value);
                    }
                    Step::Set(name, value) => {
                        gauge!("level", "n" => name.to_string()).set(value);
                        levels[usize::from(name)] = Some(f64::from(value));
                    }
                    Step::Up(name, value) => {
                        gauge!("level", "n" => name.to_string()).increment(value);
                        *levels[usize::from(name)].get_or_insert(0.0) += f64::from(value);
                    }
                    Step::Down(name, value) => {
                        gauge!("level", "n" => name.to_string()).decrement(value);
                        *levels[usize::from(name)].get_or_insert(0.0) -= f64::from(value);
                    }
                    Step::Record(name, value) => {
                        histogram!("size_bytes", "n" => name.to_string()).record(value);
                        let (count, sum) = &mut sums[usize::from(name)];
                        *count += 1;
                        *sum += u128::from(value);
                    }
                }
            }
        });
        let reading = monitor.read();
        for n in 0..3 {
            let label = n.to_string();
            let value = |name| value_in(&reading, name, &[("n", &label)]);
            let count = match value("count") {
                Some(Value::Counter(count)) => count,
                _ => 0,
            };
            prop_assert_eq!(count, counts[n]);
            let level = match value("level") {
                Some(Value::ObservedGauge(level)) => Some(level),
                _ => None,
            };
            prop_assert_eq!(level, levels[n]);
            let sizes = match value("size_bytes") {
                Some(Value::Histogram(sizes)) => (sizes.count(), sizes.sum()),
                _ => (0, 0),
            };
            prop_assert_eq!(sizes, sums[n]);
        }
        prop_assert_eq!(recorder.refused(), 0);
    }
}
