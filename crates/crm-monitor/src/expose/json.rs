//! JSON, written piece by piece by `serde_json`.

use std::fmt;
use std::io;
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::number::{self, Decimals};
use super::sink::{Page, Sink};
use super::text::since_epoch;
use super::{Exposition, decimals, is_counter, kind_name};
use crate::exemplar::Exemplar;
use crate::reading::{FamilyReading, Reading, SeriesReading, Value};
use crate::snapshot::Snapshot;

const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

pub(super) fn write<K, S: Sink<K> + ?Sized>(
    exposition: &Exposition,
    reading: &Reading,
    sink: &mut S,
) -> Result<(), S::Error> {
    let mut gathered = Gathered {
        page: Page::new(sink),
        failure: None,
    };
    let written = serde_json::to_writer(
        &mut gathered,
        &Whole {
            exposition,
            reading,
        },
    );
    if let Some(failure) = gathered.failure {
        return Err(failure);
    }
    debug_assert!(
        written.is_ok(),
        "nothing but the sink can fail: every key is a string"
    );
    gathered.page.close()
}

/// The page as what `serde_json` writes into; a failure of the sink is kept aside, with its type.
struct Gathered<'a, S: Sink<K> + ?Sized, K> {
    page: Page<'a, S, K>,
    failure: Option<S::Error>,
}

impl<S: Sink<K> + ?Sized, K> io::Write for Gathered<'_, S, K> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The library cuts its output at ASCII characters only.
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.page.text.push_str(text);
        self.page.turn().map_err(|failure| {
            self.failure = Some(failure);
            io::Error::other("the sink failed")
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Whole<'a> {
    exposition: &'a Exposition,
    reading: &'a Reading,
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let families = self
            .reading
            .families
            .iter()
            .filter(|family| !family.series.is_empty());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("taken", &Time(self.reading.taken))?;
        map.serialize_entry(
            "families",
            &List(|| {
                families.clone().map(|family| Family {
                    exposition: self.exposition,
                    family,
                })
            }),
        )?;
        map.end()
    }
}

struct Family<'a> {
    exposition: &'a Exposition,
    family: &'a FamilyReading,
}

impl Serialize for Family<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &*self.family.name)?;
        map.serialize_entry("help", &*self.family.help)?;
        map.serialize_entry("unit", self.family.unit.suffix())?;
        map.serialize_entry("kind", kind_name(self.family.kind))?;
        let series = || {
            self.family
                .series
                .iter()
                .filter(|series| !matches!(series.value, Value::ObservedCounter(value) if !is_counter(value)))
        };
        map.serialize_entry(
            "series",
            &List(|| {
                series().map(|series| Series {
                    family: self,
                    series,
                })
            }),
        )?;
        map.end()
    }
}

struct Series<'a> {
    family: &'a Family<'a>,
    series: &'a SeriesReading,
}

impl Serialize for Series<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decimals = decimals(self.family.family.unit);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("labels", &Pairs(|| self.series.labels.iter()))?;
        map.serialize_entry("created", &Time(self.series.created))?;
        match &self.series.value {
            Value::Counter(value) => map.serialize_entry("value", &Exact::of(*value, decimals))?,
            Value::Gauge(value) => {
                let exact = Exact {
                    negative: *value < 0,
                    value: u128::from(value.unsigned_abs()),
                    decimals,
                };
                map.serialize_entry("value", &exact)?;
            }
            Value::ObservedCounter(value) | Value::ObservedGauge(value) => {
                map.serialize_entry("value", &Float(*value))?;
            }
            Value::Histogram(snapshot) => self.histogram(&mut map, snapshot, decimals)?,
        }
        map.end()
    }
}

impl Series<'_> {
    fn histogram<M: SerializeMap>(
        &self,
        map: &mut M,
        snapshot: &Snapshot,
        decimals: Decimals,
    ) -> Result<(), M::Error> {
        let scale = self.family.family.unit.scale();
        map.serialize_entry("count", &Exact::of(snapshot.count(), 0))?;
        map.serialize_entry("failures", &Exact::of(snapshot.failures(), 0))?;
        map.serialize_entry(
            "sum",
            &Exact {
                negative: false,
                value: snapshot.sum(),
                decimals,
            },
        )?;
        map.serialize_entry("mean", &snapshot.mean().map(|mean| mean / scale))?;
        map.serialize_entry(
            "standard_deviation",
            &snapshot
                .standard_deviation()
                .map(|deviation| deviation / scale),
        )?;
        let quantiles = || {
            QUANTILES.iter().map(|q| QuantileOf {
                snapshot,
                q: *q,
                scale,
            })
        };
        map.serialize_entry("quantiles", &List(quantiles))?;
        let bounds = self.family.exposition.bounds_of(self.family.family);
        let buckets = || {
            bounds
                .cumulative(snapshot)
                .map(|(bound, count)| CumulativeBucket {
                    bound,
                    count,
                    scale,
                })
        };
        map.serialize_entry("buckets", &List(buckets))?;
        let exemplars = || {
            self.series
                .exemplars
                .iter()
                .map(|exemplar| Example { exemplar, decimals })
        };
        map.serialize_entry("exemplars", &List(exemplars))
    }
}

struct QuantileOf<'a> {
    snapshot: &'a Snapshot,
    q: f64,
    scale: f64,
}

impl Serialize for QuantileOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quantile = self.snapshot.quantile(self.q);
        let scaled = |value: Option<u64>| value.map(|value| value as f64 / self.scale);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("q", &self.q)?;
        map.serialize_entry("value", &scaled(quantile.map(|quantile| quantile.value())))?;
        map.serialize_entry("low", &scaled(quantile.map(|quantile| quantile.low())))?;
        map.serialize_entry("high", &scaled(quantile.map(|quantile| quantile.high())))?;
        map.end()
    }
}

struct CumulativeBucket {
    bound: Option<u64>,
    count: u64,
    scale: f64,
}

impl Serialize for CumulativeBucket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(
            "le",
            &Float(
                self.bound
                    .map_or(f64::INFINITY, |bound| bound as f64 / self.scale),
            ),
        )?;
        map.serialize_entry("count", &Exact::of(self.count, 0))?;
        map.end()
    }
}

struct Example<'a> {
    exemplar: &'a Exemplar,
    decimals: Decimals,
}

impl Serialize for Example<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("labels", &Pairs(|| self.exemplar.labels()))?;
        map.serialize_entry("value", &Exact::of(self.exemplar.value(), self.decimals))?;
        map.serialize_entry("taken", &Time(self.exemplar.taken()))?;
        map.end()
    }
}

/// A whole number with its point, as a string.
struct Exact {
    negative: bool,
    value: u128,
    decimals: Decimals,
}

impl Exact {
    fn of(value: u64, decimals: Decimals) -> Self {
        Self {
            negative: false,
            value: value.into(),
            decimals,
        }
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        number::decimal(&mut text, self.value, self.decimals);
        f.write_str(if self.negative { "-" } else { "" })?;
        f.write_str(&text)
    }
}

/// A float; those that JSON does not have as strings.
struct Float(f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            return serializer.serialize_f64(self.0);
        }
        let mut text = String::new();
        number::float(&mut text, self.0);
        serializer.serialize_str(&text)
    }
}

/// Seconds since 1970, exactly.
struct Time(SystemTime);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        since_epoch(self.0)
            .map(|value| Exact {
                negative: false,
                value,
                decimals: 9,
            })
            .serialize(serializer)
    }
}

/// A list from a function that makes its iterator.
struct List<F>(F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for List<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// An object from a function that makes an iterator over its entries.
struct Pairs<F>(F);

impl<'a, I: Iterator<Item = (&'a str, &'a str)>, F: Fn() -> I> Serialize for Pairs<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((self.0)())
    }
}
