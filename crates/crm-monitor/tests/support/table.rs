//! A family by two labels, and the obvious table that it must agree with.

use std::collections::BTreeMap;

use crm_monitor::{Labels, Monitor, Reading, Value};

/// What is done to a family.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// One is counted for these values.
    Count([String; 2]),
    /// The series of these values is taken out.
    Remove([String; 2]),
}

/// The labels and values of a family of counters, in their order.
pub(crate) fn counters(reading: &Reading, family: &str) -> Vec<(Vec<(String, String)>, u64)> {
    let Some(family) = reading.family(family) else {
        return Vec::new();
    };
    let pairs = |labels: &Labels| {
        let pairs = labels.iter();
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    family
        .series
        .iter()
        .map(|series| match series.value {
            Value::Counter(value) => (pairs(&series.labels), value),
            ref other => panic!("{other:?}"),
        })
        .collect()
}

/// How often lookups of a family overflowed, as it is exposed.
pub(crate) fn overflowed(reading: &Reading, family: &str) -> u64 {
    let own = reading.family("crm_monitor_overflowed_lookups").unwrap();
    match own.value(&[("family", family)]) {
        Some(Value::Counter(value)) => *value,
        other => panic!("{other:?}"),
    }
}

/// Does the operations to a family of at most `limit` series, in a monitor that has room for nine of them, and to a table: what
/// the family holds, what overflows and what a reading shows, in its order.
pub(crate) fn compare(operations: &[Operation], limit: usize) {
    let monitor = Monitor::builder().series_limit(10).build().unwrap();
    let answers = monitor
        .counters("answers", ["route", "status"])
        .limit(limit)
        .register()
        .unwrap();
    let mut table: BTreeMap<[String; 2], u64> = BTreeMap::new();
    let mut overflow = 0;
    for operation in operations {
        match operation {
            Operation::Count(values) => {
                answers.with([&values[0], &values[1]]).increment();
                let too_long = values.iter().any(|value| value.len() > 256);
                let full = table.len() >= limit.min(9); // one of ten is the overflow's
                match table.get_mut(values) {
                    Some(count) => *count += 1,
                    None if full || too_long => overflow += 1,
                    None => _ = table.insert(values.clone(), 1),
                }
            }
            Operation::Remove(values) => {
                let removed = answers.remove([&values[0], &values[1]]);
                let removed = removed.map(|counter| counter.value());
                assert_eq!(removed, table.remove(values));
            }
        }
    }
    assert_eq!(answers.len(), table.len());
    assert_eq!(monitor.series(), table.len() + 1);
    assert_eq!(answers.overflowed(), overflow);
    let reading = monitor.read();
    assert_eq!(overflowed(&reading, "answers"), overflow);
    let named = |values: [String; 2], count| {
        let names = ["route", "status"].map(str::to_owned);
        (names.into_iter().zip(values).collect::<Vec<_>>(), count)
    };
    let mut expected: Vec<_> = table
        .into_iter()
        .map(|(values, count)| named(values, count))
        .collect();
    if overflow > 0 {
        let mut last = named(["other", "other"].map(str::to_owned), overflow);
        last.0.push(("overflow".to_owned(), "true".to_owned()));
        expected.push(last);
    }
    assert_eq!(counters(&reading, "answers"), expected);
}
