//! Looks up one series of a monitor.

use crm_perf::monitor::{Monitor, Value};

/// The number of the series of a family that has these labels, in the unit of its name.
pub(crate) fn number(monitor: &Monitor, family: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let reading = monitor.read();
    let family = reading.families.iter().find(|it| &*it.name == family)?;
    let series = family.series.iter().find(|series| {
        let wanted = |(name, value): &(&str, &str)| series.labels.get(name) == Some(value);
        labels.iter().all(wanted)
    })?;
    match series.value {
        Value::Counter(number) => Some(number as f64 / family.unit.scale()),
        Value::ObservedCounter(number) | Value::ObservedGauge(number) => Some(number),
        ref other => panic!("{other:?}"),
    }
}
