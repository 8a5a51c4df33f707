//! Values for Zabbix trapper items, and the discovery of the series behind them.

use super::number::{self, Decimals};
use super::sink::{Page, Sink};
use super::text::label_pairs;
use super::{decimals, is_counter, kind_name};
use crate::reading::{FamilyReading, Reading, SeriesReading, Value};
use crate::unit::Unit;

/// What is sent of a histogram besides count, failures and sum.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

/// Writes a reading as an input file of `zabbix_sender` with times: a line `HOST KEY TIME NANOSECONDS VALUE` for each figure,
/// to be sent by `zabbix_sender --with-timestamps --with-ns --input-file -`. Every KEY is a trapper item.
///
/// `host` is the name of the host in Zabbix; `-` leaves it to the option `--host`. The key is the name with a field: `value`
/// for counters and gauges; `count`, `failures`, `sum`, `mean`, `p50`, `p90`, `p95` and `p99` for histograms, of which the last
/// five are left out while nothing was recorded. A series with labels has them as a second parameter, in the spelling of
/// OpenMetrics in braces:
///
/// ```text
/// - "http_in_flight[value]" 1763757600 250000000 3
/// - "http_response_time_seconds[p95,\"{route=\\\"/customers\\\"}\"]" 1763757600 250000000 0.0123
/// ```
///
/// So an item prototype of the rule that [`zabbix_discovery`] feeds has a key such as `http_response_time_seconds[p95,"{#SERIES}"]`;
/// Zabbix adds the backslashes that a parameter in quotes needs. Observed figures that are not finite are left out: Zabbix has
/// no such values. Zabbix cuts keys at 2,048 characters.
///
/// A server of Zabbix 4.2 or newer needs none of this where it can reach the service: an item of the kind HTTP agent reads
/// [`prometheus`](fn@super::prometheus) text, with the preprocessing "Prometheus pattern".
///
/// # Errors
///
/// Those of the writer.
pub fn zabbix_values<K, S: Sink<K> + ?Sized>(
    reading: &Reading,
    host: &str,
    out: &mut S,
) -> Result<(), S::Error> {
    let mut time = String::new();
    // A time before 1970 is that of a clock that was never set.
    let nanoseconds = super::text::since_epoch(reading.taken).unwrap_or_default();
    number::decimal(&mut time, nanoseconds / 1_000_000_000, 0);
    time.push(' ');
    number::decimal(&mut time, nanoseconds % 1_000_000_000, 0);
    let mut page = Page::new(out);
    for family in &reading.families {
        for series in &family.series {
            let lines = Lines {
                host,
                time: &time,
                family,
                series,
            };
            lines.write(&mut page.text);
            page.turn()?;
        }
    }
    page.close()
}

/// Writes what a low-level discovery rule takes: a JSON list with an object for each series that has labels.
///
/// | macro | holds |
/// |---|---|
/// | `{#NAME}` | the name of the family |
/// | `{#KIND}` | `counter`, `gauge` or `histogram` |
/// | `{#UNIT}` | `s`, `B` or nothing, as Zabbix abbreviates units |
/// | `{#SERIES}` | the labels, as in the keys of [`zabbix_values`] |
/// | `{#LABEL.ROUTE}` | the value of the label `route`; so for each label, and of two that differ in case alone for the first |
///
/// Filter the rule by `{#NAME}`, or each family's prototypes would be made for all of them. It may be sent to a discovery rule of the
/// kind trapper, or be fetched by one of the kind HTTP agent. (Servers older than 4.2 want it as `{"data": [..]}`.)
///
/// # Errors
///
/// Those of the writer.
pub fn zabbix_discovery<K, S: Sink<K> + ?Sized>(
    reading: &Reading,
    out: &mut S,
) -> Result<(), S::Error> {
    let mut page = Page::new(out);
    page.text.push('[');
    let mut first = true;
    let mut labels = String::new();
    for family in &reading.families {
        for series in family
            .series
            .iter()
            .filter(|series| !series.labels.is_empty())
        {
            if !std::mem::take(&mut first) {
                page.text.push(',');
            }
            labels.clear();
            labels.push('{');
            label_pairs(&mut labels, &series.labels);
            labels.push('}');
            let unit = match family.unit {
                Unit::Seconds => "s",
                Unit::Bytes => "B",
                _ => "",
            };
            let text = &mut page.text;
            text.push_str("{\"{#NAME}\":");
            json_string(text, &family.name);
            for (name, value) in [
                ("KIND", kind_name(family.kind)),
                ("UNIT", unit),
                ("SERIES", &labels),
            ] {
                text.push_str(",\"{#");
                text.push_str(name);
                text.push_str("}\":");
                json_string(text, value);
            }
            for (at, (name, value)) in series.labels.iter().enumerate() {
                let mut before = series.labels.iter().take(at);
                if before.any(|(before, _)| before.eq_ignore_ascii_case(name)) {
                    continue;
                }
                text.push_str(",\"{#LABEL.");
                text.extend(name.chars().map(|character| character.to_ascii_uppercase()));
                text.push_str("}\":");
                json_string(text, value);
            }
            text.push('}');
            page.turn()?;
        }
    }
    page.text.push_str("]\n");
    page.close()
}

fn json_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            control if control < ' ' => {
                const HEX: [char; 16] = [
                    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
                ];
                text.push_str("\\u00");
                text.extend([HEX[control as usize >> 4], HEX[control as usize & 15]]);
            }
            plain => text.push(plain),
        }
    }
    text.push('"');
}

/// The lines of one series.
struct Lines<'a> {
    host: &'a str,
    time: &'a str,
    family: &'a FamilyReading,
    series: &'a SeriesReading,
}

impl Lines<'_> {
    fn write(&self, text: &mut String) {
        let exact: Decimals = decimals(self.family.unit);
        match &self.series.value {
            Value::Counter(value) => self.line(text, "value", |text| {
                number::decimal(text, (*value).into(), exact);
            }),
            Value::Gauge(value) => self.line(text, "value", |text| {
                text.push_str(if *value < 0 { "-" } else { "" });
                number::decimal(text, value.unsigned_abs().into(), exact);
            }),
            Value::ObservedCounter(value) if !is_counter(*value) => {}
            Value::ObservedCounter(value) | Value::ObservedGauge(value) => {
                if value.is_finite() {
                    self.line(text, "value", |text| number::float(text, *value));
                }
            }
            Value::Histogram(snapshot) => {
                self.line(text, "count", |text| {
                    number::integer(text, snapshot.count());
                });
                self.line(text, "failures", |text| {
                    number::integer(text, snapshot.failures());
                });
                self.line(text, "sum", |text| {
                    number::decimal(text, snapshot.sum(), exact);
                });
                if let Some(mean) = snapshot.mean() {
                    self.line(text, "mean", |text| {
                        number::float(text, mean / self.family.unit.scale());
                    });
                }
                for (field, q) in QUANTILES {
                    if let Some(quantile) = snapshot.quantile(q) {
                        self.line(text, field, |text| {
                            number::decimal(text, quantile.value().into(), exact);
                        });
                    }
                }
            }
        }
    }

    fn line(&self, text: &mut String, field: &str, value: impl FnOnce(&mut String)) {
        // The host and the key are each in quotes, within which the sender takes a backslash before quotes and backslashes.
        if self.host == "-" {
            text.push('-');
        } else {
            text.push('"');
            quoted(text, self.host);
            text.push('"');
        }
        text.push_str(" \"");
        quoted(text, &self.family.name);
        text.push('[');
        text.push_str(field);
        if !self.series.labels.is_empty() {
            // A parameter in quotes: within it, quotes alone are escaped. It must not end with a backslash, and cannot for its brace.
            let mut labels = String::from(",\"{");
            let mut pairs = String::new();
            label_pairs(&mut pairs, &self.series.labels);
            labels.push_str(&pairs.replace('"', "\\\""));
            labels.push_str("}\"");
            quoted(text, &labels);
        }
        text.push_str("]\" ");
        text.push_str(self.time);
        text.push(' ');
        value(text);
        text.push('\n');
    }
}

/// Text within the quotes of an input file. A line break, which no spelling holds, becomes a space.
fn quoted(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' | '\r' => text.push(' '),
            plain => text.push(plain),
        }
    }
}
