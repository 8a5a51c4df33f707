//! Prometheus text 0.0.4 and OpenMetrics 1.0: one writer, for they differ in details.

use std::time::{SystemTime, UNIX_EPOCH};

use super::number::{self, Decimals};
use super::sink::{Page, Sink};
use super::{Exposition, decimals, failures, is_counter, kind_name};
use crate::exemplar::Exemplar;
use crate::reading::{FamilyReading, Kind, Labels, Reading, SeriesReading, Value};
use crate::snapshot::Snapshot;

/// Which of the two is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Prometheus,
    OpenMetrics,
}

pub(super) fn write<K, S: Sink<K> + ?Sized>(
    exposition: &Exposition,
    dialect: Dialect,
    reading: &Reading,
    sink: &mut S,
) -> Result<(), S::Error> {
    let mut page = Page::new(sink);
    let mut labels = String::new();
    for family in &reading.families {
        // A family without series has nothing to tell, and some readers refuse its bare head.
        if family.series.is_empty() {
            continue;
        }
        head(&mut page.text, dialect, family);
        let writer = Family {
            exposition,
            dialect,
            family,
            decimals: decimals(family.unit),
        };
        for series in &family.series {
            labels.clear();
            label_pairs(&mut labels, &series.labels);
            writer.series(&mut page.text, &labels, series);
            page.turn()?;
        }
        if let Some(failing) = failures::family(family) {
            head(&mut page.text, dialect, &failing);
            let writer = Family {
                family: &failing,
                decimals: 0,
                ..writer
            };
            for (series, failures) in failures::series(family) {
                labels.clear();
                label_pairs(&mut labels, &series.labels);
                writer.counter(&mut page.text, &labels, failures, series.created);
                page.turn()?;
            }
        }
    }
    if dialect == Dialect::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.close()
}

/// The metadata of a family. OpenMetrics names a counter's family without `_total`, the older format with it.
fn head(text: &mut String, dialect: Dialect, family: &FamilyReading) {
    let suffix = match (dialect, family.kind) {
        (Dialect::Prometheus, Kind::Counter) => "_total",
        _ => "",
    };
    let mut line = |keyword: &str, put: &dyn Fn(&mut String)| {
        for part in ["# ", keyword, " ", &family.name, suffix, " "] {
            text.push_str(part);
        }
        put(text);
        text.push('\n');
    };
    line("TYPE", &|text| text.push_str(kind_name(family.kind)));
    if dialect == Dialect::OpenMetrics && !family.unit.suffix().is_empty() {
        line("UNIT", &|text| text.push_str(family.unit.suffix()));
    }
    if !family.help.is_empty() {
        // The older format leaves quotes in HELP as they are.
        let quote = dialect == Dialect::OpenMetrics;
        line("HELP", &|text| escape(text, &family.help, quote));
    }
}

/// A series' labels, escaped, without braces.
pub(super) fn label_pairs(text: &mut String, labels: &Labels) {
    pairs(text, labels.iter());
}

fn pairs<'a>(text: &mut String, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    for (at, (name, value)) in labels.enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        escape(text, value, true);
        text.push('"');
    }
}

fn escape(text: &mut String, value: &str, quote: bool) {
    let mut rest = value;
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n') || (quote && *byte == b'"');
    while let Some(at) = rest.as_bytes().iter().position(special) {
        text.push_str(&rest[..at]);
        text.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'\n' => "\\n",
            _ => "\\\"",
        });
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
}

struct Family<'a> {
    exposition: &'a Exposition,
    dialect: Dialect,
    family: &'a FamilyReading,
    decimals: Decimals,
}

impl Family<'_> {
    fn series(&self, text: &mut String, labels: &str, series: &SeriesReading) {
        match &series.value {
            Value::Counter(value) => self.counter(text, labels, *value, series.created),
            Value::ObservedCounter(value) => {
                // No format has a counter that is negative or no number, and one such line would spoil the rest.
                if is_counter(*value) {
                    self.name(text, "_total", labels);
                    number::float(text, *value);
                    text.push('\n');
                    self.created(text, labels, series.created);
                }
            }
            Value::Gauge(value) => {
                self.name(text, "", labels);
                if *value < 0 {
                    text.push('-');
                }
                number::decimal(text, u128::from(value.unsigned_abs()), self.decimals);
                text.push('\n');
            }
            Value::ObservedGauge(value) => {
                self.name(text, "", labels);
                number::float(text, *value);
                text.push('\n');
            }
            Value::Histogram(snapshot) => {
                self.histogram(text, labels, snapshot, &series.exemplars);
                self.created(text, labels, series.created);
            }
        }
    }

    fn counter(&self, text: &mut String, labels: &str, value: u64, created: SystemTime) {
        self.name(text, "_total", labels);
        number::decimal(text, u128::from(value), self.decimals);
        text.push('\n');
        self.created(text, labels, created);
    }

    fn histogram(
        &self,
        text: &mut String,
        labels: &str,
        snapshot: &Snapshot,
        exemplars: &[Exemplar],
    ) {
        let bounds = self.exposition.bounds_of(self.family);
        let mut below = None;
        for (bound, count) in bounds.cumulative(snapshot) {
            for part in [
                &*self.family.name,
                "_bucket{",
                labels,
                if labels.is_empty() { "" } else { "," },
                "le=\"",
            ] {
                text.push_str(part);
            }
            let end = bound.map_or(f64::INFINITY, |bound| {
                bound as f64 / self.family.unit.scale()
            });
            match self.dialect {
                Dialect::Prometheus => number::terse(text, end),
                Dialect::OpenMetrics => number::canonical(text, end),
            }
            text.push_str("\"} ");
            number::integer(text, count);
            self.exemplar(text, newest_within(exemplars, below, bound));
            text.push('\n');
            below = bound;
        }
        self.name(text, "_count", labels);
        number::integer(text, snapshot.count());
        text.push('\n');
        self.name(text, "_sum", labels);
        number::decimal(text, snapshot.sum(), self.decimals);
        text.push('\n');
    }

    /// The name of a sample with its labels, and the space before its value.
    fn name(&self, text: &mut String, suffix: &str, labels: &str) {
        text.push_str(&self.family.name);
        text.push_str(suffix);
        if !labels.is_empty() {
            text.push('{');
            text.push_str(labels);
            text.push('}');
        }
        text.push(' ');
    }

    fn created(&self, text: &mut String, labels: &str, created: SystemTime) {
        if self.dialect == Dialect::Prometheus || !self.exposition.created {
            return;
        }
        if let Some(nanoseconds) = since_epoch(created) {
            self.name(text, "_created", labels);
            number::decimal(text, nanoseconds, 9);
            text.push('\n');
        }
    }

    fn exemplar(&self, text: &mut String, exemplar: Option<&Exemplar>) {
        let (Dialect::OpenMetrics, Some(exemplar)) = (self.dialect, exemplar) else {
            return;
        };
        text.push_str(" # {");
        pairs(text, exemplar.labels());
        text.push_str("} ");
        number::decimal(text, u128::from(exemplar.value()), self.decimals);
        if let Some(nanoseconds) = since_epoch(exemplar.taken()) {
            text.push(' ');
            number::decimal(text, nanoseconds, 9);
        }
    }
}

/// The newest exemplar above `below` and at most `end`. An exemplar's value is exact, and so is its place.
pub(super) fn newest_within(
    exemplars: &[Exemplar],
    below: Option<u64>,
    end: Option<u64>,
) -> Option<&Exemplar> {
    exemplars
        .iter()
        .filter(|exemplar| below.is_none_or(|below| exemplar.value() > below))
        .filter(|exemplar| end.is_none_or(|end| exemplar.value() <= end))
        .max_by_key(|exemplar| exemplar.taken())
}

/// Nanoseconds since 1970; none for a time before it, which no format needs.
pub(super) fn since_epoch(time: SystemTime) -> Option<u128> {
    time.duration_since(UNIX_EPOCH)
        .ok()
        .map(|since| since.as_nanos())
}
