//! What a recorder does not take is refused, counted and told; nothing is renamed in silence, and nothing grows without end.

use crm_monitor::{Monitor, Recorder, RefusalReason, Unit, Value};
use metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};

use crate::readings::{self, count, family};

fn recorder(limit: usize) -> (Monitor, Recorder) {
    let monitor = Monitor::new();
    let recorder = Recorder::builder(&monitor).limit(limit).build().unwrap();
    (monitor, recorder)
}

/// The names of all figures but the recorder's own.
fn names(monitor: &Monitor) -> Vec<String> {
    let families = monitor.read().families.into_iter();
    families
        .map(|family| family.name.to_string())
        .filter(|name| !name.starts_with("metrics_") && !name.starts_with("crm_"))
        .collect()
}

#[test]
fn what_cannot_be_registered_is_refused_once_and_not_renamed() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        for _ in 0..3 {
            counter!("http.requests").increment(1);
            gauge!("9lives").set(1);
            histogram!("latency_milliseconds").record(1);
            counter!("good", "bad-label" => "x").increment(1);
            histogram!("share_ratio").record(0.5);
        }
    });
    assert_eq!(names(&monitor), Vec::<String>::new());
    assert_eq!(recorder.refused(), 5);
    assert_eq!(count(&monitor, "metrics_refused", &[]), 5);
    let refusals = recorder.refusals();
    assert_eq!(refusals.len(), 5);
    for refusal in &refusals {
        assert!(
            matches!(refusal.reason, RefusalReason::Register(_)),
            "{refusal}"
        );
        assert!(refusal.to_string().contains(&refusal.name));
        // Its text ends with the reason's own.
        assert!(std::error::Error::source(refusal).is_none());
    }
    assert_eq!(refusals[0].name, "http.requests");
}

#[test]
fn the_same_name_of_another_kind_is_refused() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        counter!("rows").increment(4);
        gauge!("rows").set(9);
        // Labels of other names make it another family.
        counter!("rows", "kind" => "x").increment(5);
    });
    assert_eq!(count(&monitor, "rows", &[]), 4);
    assert_eq!(recorder.refused(), 2);
}

#[test]
fn two_names_of_one_figure_do_not_mix() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        counter!("rows").increment(4);
        counter!("rows_total").increment(5);
        counter!("rows").increment(1);
    });
    assert_eq!(count(&monitor, "rows", &[]), 5);
    let refusals = recorder.refusals();
    assert_eq!(refusals.len(), 1);
    let first = "rows".to_owned();
    assert_eq!(refusals[0].name, "rows_total");
    assert_eq!(refusals[0].reason, RefusalReason::Clash { first });
}

#[test]
fn names_are_changed_only_by_who_asks_for_it() {
    let monitor = Monitor::new();
    let recorder = Recorder::builder(&monitor)
        .rename(|name| name.replace('.', "_"))
        .build()
        .unwrap();
    with_local_recorder(&recorder, || {
        describe_counter!("http.requests.total", "Requests.");
        counter!("http.requests.total").increment(2);
        counter!("http_requests.total").increment(3);
    });
    assert_eq!(names(&monitor), ["http_requests"]);
    assert_eq!(count(&monitor, "http_requests", &[]), 2);
    assert_eq!(
        &*family(&monitor, "http_requests").unwrap().help,
        "Requests."
    );
    assert_eq!(recorder.refused(), 1);
}

#[test]
fn labels_without_end_are_recorded_together() {
    let (monitor, recorder) = recorder(4);
    with_local_recorder(&recorder, || {
        for round in 1..=2_u64 {
            for user in 0..100 {
                counter!("visits", "user" => user.to_string(), "site" => "a").increment(1);
                histogram!("size_bytes", "user" => user.to_string()).record(1);
                gauge!("level", "user" => user.to_string()).set(user);
            }
            let other = [("user", "other"), ("site", "other")];
            assert_eq!(count(&monitor, "visits", &other), round * 96);
        }
    });
    for name in ["visits", "size_bytes", "level"] {
        assert_eq!(family(&monitor, name).unwrap().series.len(), 5, "{name}");
    }
    let first = [("user", "3"), ("site", "a")];
    assert_eq!(count(&monitor, "visits", &first), 2);
    let sizes = readings::histogram(&monitor, "size_bytes", &[("user", "other")]).unwrap();
    assert_eq!(sizes.count(), 192);
    // Each key once, not each use.
    assert_eq!(recorder.refused(), 3 * 96);
    let refusals = recorder.refusals();
    assert_eq!(refusals.len(), 3);
    assert_eq!(refusals[0].reason, RefusalReason::Series { limit: 4 });
}

#[test]
fn issue_what_came_past_the_limit_was_lost_where_a_series_was_labelled_other() {
    let (monitor, recorder) = recorder(2);
    with_local_recorder(&recorder, || {
        for user in ["other", "a", "b", "c", "other"] {
            counter!("visits", "site" => "other", "user" => user).increment(1);
            histogram!("size_bytes", "user" => user).record(1);
            gauge!("level", "user" => user).increment(1);
        }
    });
    let other = [("user", "other")];
    let visits = [("site", "other"), ("user", "other")];
    assert_eq!(count(&monitor, "visits", &visits), 4);
    let sizes = readings::histogram(&monitor, "size_bytes", &other).unwrap();
    assert_eq!(sizes.count(), 4);
    let level = readings::value(&monitor, "level", &other);
    assert!(
        matches!(level, Some(Value::ObservedGauge(4.0))),
        "{level:?}"
    );
    assert!(
        recorder
            .refusals()
            .iter()
            .all(|refusal| refusal.reason == RefusalReason::Series { limit: 2 })
    );
}

#[test]
fn issue_keys_of_any_length_were_remembered() {
    let (monitor, recorder) = recorder(1);
    let long = "\u{2603}".repeat(1000);
    with_local_recorder(&recorder, || {
        counter!("visits", "user" => "a").increment(1);
        for _ in 0..3 {
            counter!("visits", "user" => long.clone()).increment(1);
            counter!(long.clone()).increment(1);
        }
    });
    // Each use is looked at anew, and is recorded all the same.
    assert_eq!(recorder.refused(), 6);
    assert_eq!(count(&monitor, "visits", &[("user", "other")]), 3);
    let names: Vec<usize> = recorder
        .refusals()
        .iter()
        .map(|refusal| refusal.name.len())
        .collect();
    assert_eq!(names, ["visits".len(), 498]);
}

#[test]
fn neither_keys_nor_refusals_are_remembered_without_end() {
    let (monitor, recorder) = recorder(2);
    with_local_recorder(&recorder, || {
        for n in 0..3000 {
            counter!(format!("bad.{n}")).increment(1);
            counter!("visits", "user" => n.to_string()).increment(1);
        }
        // They are still counted, and still recorded.
        counter!("bad.2999").increment(1);
        counter!("visits", "user" => "2999").increment(1);
    });
    assert_eq!(recorder.refused(), 3000 + 2998 + 2);
    assert_eq!(recorder.refusals().len(), 200);
    assert_eq!(count(&monitor, "visits", &[("user", "other")]), 2999);
}

#[test]
fn values_that_no_histogram_can_hold_are_refused_and_counted() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        let rows = histogram!("rows");
        [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
            .into_iter()
            .for_each(|value| rows.record(value));
        rows.record_many(-0.5, 6);
        rows.record(-0.0);
    });
    let rows = readings::histogram(&monitor, "rows", &[]).unwrap();
    assert_eq!(rows.count(), 1);
    assert_eq!(recorder.refused(), 10);
    let refusals = recorder.refusals();
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].reason, RefusalReason::Value);
    assert!(refusals[0].to_string().contains("rows"));
}

#[test]
fn a_value_that_rounding_moves_by_much_is_recorded_and_told() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        let durations = histogram!("request_duration");
        for (value, refused) in [
            (0.2, 1),
            (0.5, 2),
            (41.4, 2),
            (40.45, 3),
            (2.0, 3),
            (1e300, 4),
            (f64::MAX, 5),
        ] {
            durations.record(value);
            assert_eq!(recorder.refused(), refused, "{value}");
        }
        durations.record_many(0.4, 6);
        histogram!("wait_seconds").record(0.2);
        // A part of a nanosecond, and more of them than a float has.
        histogram!("wait_seconds").record(0.4e-9);
        histogram!("wait_seconds").record(f64::MAX);
        histogram!("size_bytes").record(1.25);
    });
    let durations = readings::histogram(&monitor, "request_duration", &[]).unwrap();
    assert_eq!(durations.count(), 13);
    assert_eq!(recorder.refused(), 5 + 6 + 3);
    assert_eq!(count(&monitor, "metrics_refused", &[]), 14);
    let refusals = recorder.refusals();
    let names: Vec<&str> = refusals.iter().map(|refusal| &*refusal.name).collect();
    assert_eq!(names, ["request_duration", "wait_seconds", "size_bytes"]);
    for refusal in &refusals {
        assert_eq!(refusal.reason, RefusalReason::Rounded);
        assert!(refusal.to_string().contains("_seconds"), "{refusal}");
    }
}

#[test]
fn a_histogram_tells_each_reason_once() {
    let (_monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        let rows = histogram!("rows");
        for value in [-1.0, 0.2, -1.0, 0.3] {
            rows.record(value);
        }
    });
    let refusals = recorder.refusals().into_iter();
    let reasons: Vec<_> = refusals.map(|refusal| refusal.reason).collect();
    assert_eq!(reasons, [RefusalReason::Value, RefusalReason::Rounded]);
    assert_eq!(recorder.refused(), 4);
}

#[test]
fn a_name_that_is_made_to_end_in_seconds_has_parts_of_seconds() {
    let monitor = Monitor::new();
    let recorder = Recorder::builder(&monitor)
        .rename(|name| name.replace("duration", "duration_seconds"))
        .build()
        .unwrap();
    with_local_recorder(&recorder, || histogram!("request_duration").record(0.2));
    let durations = readings::histogram(&monitor, "request_duration_seconds", &[]).unwrap();
    assert_eq!((durations.count(), durations.sum()), (1, 200_000_000));
    assert_eq!(recorder.refused(), 0);
}

#[test]
fn descriptions_give_help_and_unit() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        describe_histogram!("import_seconds", metrics::Unit::Seconds, "How long.");
        describe_counter!("rows_total", metrics::Unit::Count, "How many.");
        describe_gauge!("cache_bytes", metrics::Unit::Bytes, "How large.");
        histogram!("import_seconds").record(1);
        counter!("rows_total").increment(1);
        gauge!("cache_bytes").set(1);
        // The same once more is no other description.
        describe_counter!("rows_total", metrics::Unit::Count, "How many.");
    });
    for (name, help, unit) in [
        ("import_seconds", "How long.", Unit::Seconds),
        ("rows", "How many.", Unit::None),
        ("cache_bytes", "How large.", Unit::Bytes),
    ] {
        let family = family(&monitor, name).unwrap();
        assert_eq!((&*family.help, family.unit), (help, unit));
    }
    assert_eq!(recorder.refused(), 0);
}

#[test]
fn a_unit_that_the_name_contradicts_is_refused_with_the_figure() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        describe_histogram!("import", metrics::Unit::Seconds, "How long.");
        describe_counter!("wait_seconds_total", metrics::Unit::Count, "How many.");
        histogram!("import").record(0.002);
        counter!("wait_seconds_total").increment(1);
    });
    assert_eq!(names(&monitor), Vec::<String>::new());
    assert_eq!(recorder.refused(), 2);
}

#[test]
fn a_unit_that_there_is_not_is_left_out_and_told() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        describe_gauge!("fill", metrics::Unit::Percent, "How full.");
        gauge!("fill").set(80);
    });
    let fill = family(&monitor, "fill").unwrap();
    assert_eq!((&*fill.help, fill.unit), ("How full.", Unit::None));
    assert!(matches!(fill.series[0].value, Value::ObservedGauge(80.0)));
    let refusals = recorder.refusals();
    assert_eq!(
        refusals[0].reason,
        RefusalReason::Unit(metrics::Unit::Percent)
    );
    assert_eq!((refusals.len(), recorder.refused()), (1, 1));
}

#[test]
fn a_description_that_comes_too_late_is_told() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        counter!("rows").increment(1);
        describe_counter!("rows", "How many.");
        counter!("rows").increment(1);
    });
    assert_eq!(&*family(&monitor, "rows").unwrap().help, "");
    assert_eq!(count(&monitor, "rows", &[]), 2);
    assert_eq!(recorder.refusals()[0].reason, RefusalReason::Description);
}

#[test]
fn two_recorders_of_one_monitor_are_refused() {
    let (monitor, _recorder) = recorder(10);
    let error = Recorder::new(&monitor).unwrap_err().to_string();
    assert!(error.contains("clone of the first recorder"), "{error}");
}

#[test]
fn descriptions_are_not_kept_without_end() {
    let (monitor, recorder) = recorder(10);
    with_local_recorder(&recorder, || {
        for n in 0..10_002 {
            describe_counter!(format!("name_{n}"), "Help.");
        }
        // One that is kept may still be replaced.
        describe_counter!("name_0", "Better help.");
        counter!("name_0").increment(1);
        counter!("name_10001").increment(1);
    });
    assert_eq!(recorder.refused(), 2);
    assert_eq!(&*family(&monitor, "name_0").unwrap().help, "Better help.");
    assert_eq!(&*family(&monitor, "name_10001").unwrap().help, "");
}
