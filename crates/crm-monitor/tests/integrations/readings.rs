//! What a reading says of one series.

use std::sync::Arc;

use crm_monitor::{FamilyReading, Labels, Monitor, Reading, Snapshot, Value};

/// The family of this name.
pub(crate) fn family(monitor: &Monitor, name: &str) -> Option<FamilyReading> {
    let families = monitor.read().families.into_iter();
    families.into_iter().find(|family| &*family.name == name)
}

/// The value of the series with exactly these labels, in any order.
pub(crate) fn value(monitor: &Monitor, name: &str, labels: &[(&str, &str)]) -> Option<Value> {
    value_in(&monitor.read(), name, labels)
}

/// The same of a reading that was taken before.
pub(crate) fn value_in(reading: &Reading, name: &str, labels: &[(&str, &str)]) -> Option<Value> {
    let has = |own: &Labels| {
        own.iter().len() == labels.len()
            && labels
                .iter()
                .all(|(name, value)| own.get(name) == Some(*value))
    };
    let mut families = reading.families.iter();
    let family = families.find(|family| &*family.name == name)?;
    let mut series = family.series.iter();
    let series = series.find(|series| has(&series.labels))?;
    Some(series.value.clone())
}

/// What a counter has counted; zero if there is none.
pub(crate) fn count(monitor: &Monitor, name: &str, labels: &[(&str, &str)]) -> u64 {
    match value(monitor, name, labels) {
        Some(Value::Counter(count)) => count,
        None => 0,
        other => panic!("{name} is no counter: {other:?}"),
    }
}

/// What a histogram has recorded, if there is one.
pub(crate) fn histogram(
    monitor: &Monitor,
    name: &str,
    labels: &[(&str, &str)],
) -> Option<Arc<Snapshot>> {
    match value(monitor, name, labels)? {
        Value::Histogram(snapshot) => Some(snapshot),
        other => panic!("{name} is no histogram: {other:?}"),
    }
}
