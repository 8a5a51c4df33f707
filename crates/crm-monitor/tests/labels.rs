//! Series by label: they agree with an obvious table, keep to their bounds, and lose nothing.

use crm_monitor::{Counter, Family, Layout, Monitor, Value};
use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::Config;
use proptest::{prop_oneof, proptest};

#[path = "support/table.rs"]
mod table;

use table::{Operation, counters, overflowed};

fn family(monitor: &Monitor, limit: usize) -> Family<Counter, 2> {
    monitor
        .counters("answers", ["route", "status"])
        .limit(limit)
        .register()
        .unwrap()
}

#[test]
fn the_same_values_lead_to_the_same_series() {
    let monitor = Monitor::new();
    let answers = family(&monitor, 10);
    assert!(answers.is_empty() && answers.get(["/a", "200"]).is_none());
    answers.with(["/a", "200"]).increment();
    answers.clone().with(["/a", "200"]).add(2);
    answers.with(["/a200", ""]).add(10); // other values, though the same characters
    answers.with(["", "/a200"]).add(20);
    answers.get(["/a", "200"]).unwrap().add(4);
    assert_eq!((answers.len(), answers.overflowed()), (3, 0));
    let pair = |route: &str, status: &str| {
        vec![
            ("route".to_owned(), route.to_owned()),
            ("status".to_owned(), status.to_owned()),
        ]
    };
    assert_eq!(
        counters(&monitor.read(), "answers"),
        [
            (pair("", "/a200"), 20),
            (pair("/a", "200"), 7),
            (pair("/a200", ""), 10)
        ]
    );
}

#[test]
fn a_real_value_is_never_taken_for_the_overflow() {
    let monitor = Monitor::new();
    let answers = family(&monitor, 2);
    answers.with(["other", "other"]).add(1);
    answers.with(["true", "other"]).add(2);
    answers.with(["/a", "200"]).add(4);
    answers.with(["/b", "200"]).add(8);
    answers.with(["other", "other"]).add(16);
    let reading = monitor.read();
    let found = counters(&reading, "answers");
    let labels: Vec<String> = found
        .iter()
        .map(|(labels, _)| format!("{labels:?}"))
        .collect();
    assert_eq!(
        labels,
        [
            r#"[("route", "other"), ("status", "other")]"#,
            r#"[("route", "true"), ("status", "other")]"#,
            r#"[("route", "other"), ("status", "other"), ("overflow", "true")]"#,
        ]
    );
    let values: Vec<u64> = found.iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [17, 2, 12]);
    assert_eq!(overflowed(&reading, "answers"), 2);
}

#[test]
fn a_value_that_is_too_long_leads_to_the_overflow() {
    let monitor = Monitor::new();
    let answers = family(&monitor, 10);
    let (long, longer) = ("v".repeat(256), "v".repeat(257));
    answers.with([&long, "200"]).increment();
    assert_eq!(answers.overflowed(), 0);
    answers.with(["/a", &longer]).increment();
    answers.with([&longer, &longer]).increment();
    assert_eq!((answers.len(), answers.overflowed()), (1, 2));
}

#[test]
fn a_label_that_does_not_vary_stands_behind_those_that_do() {
    let monitor = Monitor::new();
    let times = monitor
        .histograms("times_seconds", ["route"])
        .label("service", "crm")
        .layout(Layout::new(1, 100, 0.25).unwrap())
        .limit(1)
        .register()
        .unwrap();
    times.with(["/a"]).record(5);
    times.with(["/b"]).record(7);
    let reading = monitor.read();
    let family = reading.family("times_seconds").unwrap();
    let labels: Vec<String> = family
        .series
        .iter()
        .map(|series| format!("{:?}", series.labels))
        .collect();
    assert_eq!(
        labels,
        [
            r#"{"route": "/a", "service": "crm"}"#,
            r#"{"route": "other", "service": "crm", "overflow": "true"}"#
        ]
    );
    let value = family
        .value(&[("service", "crm"), ("route", "/a")])
        .unwrap();
    assert!(matches!(value, Value::Histogram(snapshot) if snapshot.sum() == 5));
    // A label that is asked for twice stands for no other.
    assert!(family.value(&[("route", "/a"), ("route", "/a")]).is_none());
}

#[test]
fn readings_are_equal_where_their_figures_are() {
    let day = crm_clock::wall_time();
    let monitor = Monitor::builder().wall_clock(move || day).build().unwrap();
    let answers = family(&monitor, 10);
    answers.with(["/a", "200"]).increment();
    let before = monitor.read();
    assert_eq!(before, monitor.read());
    let series = &before.families[0].series[0];
    assert_eq!((series.labels.len(), series.labels.is_empty()), (2, false));
    answers.with(["/a", "200"]).increment();
    assert_ne!(before, monitor.read());
}

#[test]
fn a_full_monitor_leads_new_values_to_the_overflow() {
    let monitor = Monitor::builder().series_limit(4).build().unwrap();
    let answers = family(&monitor, 100);
    let others = monitor.gauges("open", ["route"]).register().unwrap();
    answers.with(["/a", "200"]).increment();
    others.with(["/a"]).set(1);
    assert_eq!(monitor.series(), 4); // with one for each overflow
    answers.with(["/b", "200"]).increment();
    others.with(["/b"]).set(1);
    assert_eq!((answers.len(), answers.overflowed()), (1, 1));
    assert_eq!((others.len(), others.overflowed()), (1, 1));

    others.remove(["/a"]).unwrap();
    answers.with(["/b", "200"]).increment();
    assert_eq!((answers.len(), answers.overflowed()), (2, 1));
    assert_eq!(monitor.series(), 4);
}

#[test]
fn a_removed_series_leaves_the_readings_and_begins_anew() {
    let monitor = Monitor::new();
    let answers = family(&monitor, 1);
    let handle = answers.with(["/a", "200"]);
    handle.add(5);
    assert!(answers.remove(["/b", "200"]).is_none());
    let removed = answers.remove(["/a", "200"]).unwrap();
    assert!(answers.remove(["/a", "200"]).is_none());
    handle.increment();
    assert_eq!(removed.value(), 6);
    assert!(counters(&monitor.read(), "answers").is_empty());

    answers.with(["/b", "200"]).add(9); // there is room again
    assert_eq!(answers.overflowed(), 0);
    answers.remove(["/b", "200"]).unwrap();
    answers.with(["/a", "200"]).add(1);
    let found = counters(&monitor.read(), "answers");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, 1);
    assert_eq!(monitor.series(), 2);
}

#[test]
fn the_overflow_series_is_none_to_remove() {
    let monitor = Monitor::new();
    let answers = family(&monitor, 0);
    answers.with(["/a", "200"]).add(3);
    assert!(answers.get(["other", "other"]).is_none());
    assert!(answers.remove(["other", "other"]).is_none());
    assert_eq!(counters(&monitor.read(), "answers")[0].1, 3);
    assert_eq!(answers.limit(), 0);
}

#[test]
fn a_family_that_left_its_monitor_goes_on_unseen() {
    let monitor = Monitor::new();
    let answers = family(&monitor, 10);
    let before = answers.with(["/a", "200"]);
    assert!(monitor.remove("answers"));
    assert_eq!(monitor.series(), 0);
    before.increment();
    answers.with(["/a", "200"]).increment();
    answers.with(["/b", "200"]).increment();
    assert_eq!(answers.with(["/a", "200"]).value(), 2);
    answers.remove(["/a", "200"]).unwrap();
    assert!(monitor.read().families.is_empty());
    assert_eq!(monitor.series(), 0);

    // The name is free, and the old family has no part in the new one.
    let anew = family(&monitor, 10);
    anew.with(["/c", "200"]).increment();
    answers.with(["/d", "200"]).increment();
    assert_eq!(counters(&monitor.read(), "answers").len(), 1);
    assert_eq!(monitor.series(), 2);
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let value = prop_oneof![
        8 => "[abc]{0,1}",
        2 => "other|true|overflow",
        1 => any::<String>(),
        1 => (255..260_usize).prop_map(|length| "v".repeat(length)),
    ];
    let values = [value.clone(), value];
    let operation = prop_oneof![
        4 => values.clone().prop_map(Operation::Count),
        1 => values.prop_map(Operation::Remove),
    ];
    prop::collection::vec(operation, 0..120)
}

proptest! {
    #![proptest_config(Config { cases: Config::default().cases.min(64), failure_persistence: None, ..Config::default() })]

    /// Against a table: what it holds, what overflows, and what a reading shows, in its order.
    #[test]
    fn it_agrees_with_a_table(operations in operations(), limit in 0..12_usize) {
        table::compare(&operations, limit);
    }
}
