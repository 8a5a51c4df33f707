//! The failures of a histogram as a family of counters, for formats whose histograms have no place for them.

use crate::reading::{FamilyReading, Kind, SeriesReading, Value};
use crate::registry::name::FAILURES_SUFFIX;
use crate::unit::Unit;

/// The family of a histogram's failures, still without series; none where it is not told. What is timed can fail, so that
/// histograms of seconds have it from the beginning, and a rate sees the first failure; others have it once there is one.
pub(super) fn family(of: &FamilyReading) -> Option<FamilyReading> {
    let told = of.kind == Kind::Histogram
        && (of.unit == Unit::Seconds || series(of).any(|(_, failures)| failures > 0));
    told.then(|| FamilyReading {
        name: format!("{}{FAILURES_SUFFIX}", of.name).into(),
        help: format!("How many of {} were failures.", of.name).into(),
        unit: Unit::None,
        kind: Kind::Counter,
        series: Vec::new(),
    })
}

/// The series of a histogram, each with its failures.
pub(super) fn series(of: &FamilyReading) -> impl Iterator<Item = (&SeriesReading, u64)> {
    of.series.iter().filter_map(|series| match &series.value {
        Value::Histogram(snapshot) => Some((series, snapshot.failures())),
        _ => None,
    })
}
