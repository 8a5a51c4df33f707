//! Readings in the formats that other systems take: Prometheus text, OpenMetrics, Prometheus protobuf, JSON, and lines for
//! Nagios and Zabbix.
//!
//! ```
//! use crm_monitor::{Monitor, expose};
//!
//! let monitor = Monitor::new();
//! monitor.counter("http_requests").help("Requests answered.").register()?.add(3);
//!
//! let mut text = String::new(); // or any io::Write
//! expose::prometheus(&monitor.read(), &mut text)?;
//! assert_eq!(
//!     text,
//!     "# TYPE http_requests_total counter\n\
//!      ## HELP http_requests_total Requests answered.\n\
//!      http_requests_total 3\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which one
//!
//! | for | use |
//! |---|---|
//! | a scraper, which says in its Accept header what it takes | [`Exposition::answer`], with a handler for axum |
//! | the same into a stream | [`Format::negotiate`] and [`Exposition::write`] |
//! | everything that reads Prometheus text | [`prometheus`] |
//! | the same with units, times of creation and exemplars | [`openmetrics`] |
//! | Prometheus with native histograms | `protobuf` (feature `prost`) |
//! | a page or a script | `json` (feature `serde_json`) |
//! | a plugin that Nagios, Icinga or Naemon runs | [`Check`] |
//! | `zabbix_sender`, and low-level discovery | [`zabbix_values`], [`zabbix_discovery`] |
//! | other bounds for the buckets of histograms | [`Exposition`] with [`Bounds`] |
//!
//! # What all of them hold to
//!
//! - Writers of the figures never wait: a [`Reading`] is taken first, and holds none of them up.
//! - Whole numbers are written to the last digit, also past 2^53; nanoseconds become seconds by moving the point, not by a
//!   division. (Protobuf has floats for sums and counters.)
//! - Any text in help and label values is escaped. Names were checked when they were registered.
//! - Nothing is allocated for each bucket or number; one page of text of some 16 KiB is, and handed on whenever it is full.
//! - Failures are told everywhere: in JSON, OTLP and for Zabbix as a figure of their histogram, in the other formats as counters
//!   that follow it, `http_response_time_seconds_failures_total` after `http_response_time_seconds`, with its labels. A
//!   histogram of seconds always has them, also while there are none; any other from its first failure on.
//! - An observed counter that is negative or not a number at the moment is left out, since no format has such a counter.
//!   A family without series is left out too.

mod bounds;
mod check;
mod failures;
mod format;
#[cfg(feature = "serde_json")]
mod json;
mod number;
#[cfg(feature = "prost")]
mod protobuf;
mod range;
mod sink;
mod text;
mod zabbix;

use std::collections::HashMap;
use std::io;

pub use bounds::{Bounds, BoundsError};
pub use check::{Check, CheckState, CheckUnit, CheckValue};
#[cfg(feature = "serde_json")]
pub use format::JSON_CONTENT_TYPE;
#[cfg(feature = "prost")]
pub use format::PROTOBUF_CONTENT_TYPE;
pub use format::{Format, OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE};
#[cfg(feature = "prost")]
pub use protobuf::{Native, NativeError};
pub use range::{Range, RangeError};
pub use sink::{Bytes, Sink, Text};
pub use zabbix::{zabbix_discovery, zabbix_values};

use self::text::Dialect;
use crate::reading::{FamilyReading, Kind, Reading};
use crate::unit::Unit;

/// How readings are written: made once, then used for each of them.
///
/// ```
/// use crm_monitor::expose::{Bounds, Exposition};
/// use crm_monitor::{Monitor, Unit};
/// use std::time::Duration;
///
/// let monitor = Monitor::new();
/// let times = monitor.histogram("http_response_time_seconds").register()?;
/// times.record_duration(Duration::from_millis(30));
///
/// let exposition = Exposition::new()
///     .bounds_of_unit(Unit::Seconds, Bounds::durations([10, 100, 1000].map(Duration::from_millis))?)
///     .created(false);
/// let mut text = Vec::new();
/// exposition.openmetrics(&monitor.read(), &mut text)?;
/// assert_eq!(
///     String::from_utf8(text)?,
///     "# TYPE http_response_time_seconds histogram\n\
///      ## UNIT http_response_time_seconds seconds\n\
///      http_response_time_seconds_bucket{le=\"0.01\"} 0\n\
///      http_response_time_seconds_bucket{le=\"0.1\"} 1\n\
///      http_response_time_seconds_bucket{le=\"1.0\"} 1\n\
///      http_response_time_seconds_bucket{le=\"+Inf\"} 1\n\
///      http_response_time_seconds_count 1\n\
///      http_response_time_seconds_sum 0.03\n\
///      ## TYPE http_response_time_seconds_failures counter\n\
///      ## HELP http_response_time_seconds_failures How many of http_response_time_seconds were failures.\n\
///      http_response_time_seconds_failures_total 0\n\
///      ## EOF\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exposition {
    by_name: HashMap<Box<str>, Bounds>,
    by_unit: HashMap<Unit, Bounds>,
    created: bool,
    #[cfg(feature = "prost")]
    native: Native,
}

impl Exposition {
    /// The bounds of [`Bounds::of_unit`], and times of creation where the format has them.
    #[must_use]
    pub fn new() -> Self {
        let by_unit = [
            Unit::None,
            Unit::Millionths,
            Unit::Seconds,
            Unit::Bytes,
            Unit::Ratio,
        ]
        .map(|unit| (unit, Bounds::of_unit(unit)));
        Self {
            by_name: HashMap::new(),
            by_unit: by_unit.into(),
            created: true,
            #[cfg(feature = "prost")]
            native: Native::default(),
        }
    }

    /// The bounds for all histograms of a unit.
    #[must_use]
    pub fn bounds_of_unit(mut self, unit: Unit, bounds: Bounds) -> Self {
        self.by_unit.insert(unit, bounds);
        self
    }

    /// The bounds for the histograms of one name, before those of their unit.
    #[must_use]
    pub fn bounds_of_name(mut self, name: impl Into<Box<str>>, bounds: Bounds) -> Self {
        self.by_name.insert(name.into(), bounds);
        self
    }

    /// Whether OpenMetrics and protobuf say when a series was registered, by which a reader knows that it began anew. In
    /// OpenMetrics that is one more line for each series. It is on by default.
    #[must_use]
    pub fn created(mut self, created: bool) -> Self {
        self.created = created;
        self
    }

    /// How native histograms are made.
    #[cfg(feature = "prost")]
    #[cfg_attr(docsrs, doc(cfg(feature = "prost")))]
    #[must_use]
    pub fn native(mut self, native: Native) -> Self {
        self.native = native;
        self
    }

    /// Writes Prometheus text 0.0.4.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn prometheus<K, S: Sink<K> + ?Sized>(
        &self,
        reading: &Reading,
        out: &mut S,
    ) -> Result<(), S::Error> {
        text::write(self, Dialect::Prometheus, reading, out)
    }

    /// Writes OpenMetrics text 1.0.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn openmetrics<K, S: Sink<K> + ?Sized>(
        &self,
        reading: &Reading,
        out: &mut S,
    ) -> Result<(), S::Error> {
        text::write(self, Dialect::OpenMetrics, reading, out)
    }

    /// Writes JSON; see [`json`](fn@json) for its shape. Needs the feature `serde_json`.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    #[cfg(feature = "serde_json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serde_json")))]
    pub fn json<K, S: Sink<K> + ?Sized>(
        &self,
        reading: &Reading,
        out: &mut S,
    ) -> Result<(), S::Error> {
        json::write(self, reading, out)
    }

    /// Writes Prometheus protobuf; see [`protobuf`](fn@protobuf). Needs the feature `prost`.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    #[cfg(feature = "prost")]
    #[cfg_attr(docsrs, doc(cfg(feature = "prost")))]
    pub fn protobuf(
        &self,
        reading: &Reading,
        out: &mut (impl io::Write + ?Sized),
    ) -> io::Result<()> {
        protobuf::write(self, reading, out)
    }

    /// Writes the format that was negotiated.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(
        &self,
        format: Format,
        reading: &Reading,
        out: &mut (impl io::Write + ?Sized),
    ) -> io::Result<()> {
        match format {
            Format::Prometheus => self.prometheus::<Bytes, _>(reading, out),
            Format::OpenMetrics => self.openmetrics::<Bytes, _>(reading, out),
            #[cfg(feature = "prost")]
            Format::Protobuf => self.protobuf(reading, out),
            #[cfg(feature = "serde_json")]
            Format::Json => self.json::<Bytes, _>(reading, out),
        }
    }

    /// The answer to a scrape: the Content-Type and the body, in the format that these Accept header lines prefer; see
    /// [`Format::negotiate`].
    ///
    /// The two belong together: a scraper takes the one to read the other, and gives up on a target whose OpenMetrics is sent
    /// as plain text, as a `String` is by most frameworks. In axum:
    ///
    /// ```
    /// use axum::extract::State;
    /// use axum::http::{HeaderMap, header};
    /// use axum::response::IntoResponse;
    /// use axum::{Router, routing::get};
    /// use crm_monitor::{Monitor, expose::Exposition};
    ///
    /// async fn metrics(State(monitor): State<Monitor>, headers: HeaderMap) -> impl IntoResponse {
    ///     let accept = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    ///     let (content_type, body) = Exposition::new().answer(accept, &monitor.read());
    ///     ([(header::CONTENT_TYPE, content_type)], body)
    /// }
    ///
    /// let monitor = Monitor::new();
    /// let app: Router = Router::new().route("/metrics", get(metrics)).with_state(monitor);
    /// ```
    #[must_use]
    pub fn answer<'a>(
        &self,
        accept: impl IntoIterator<Item = &'a str>,
        reading: &Reading,
    ) -> (&'static str, Vec<u8>) {
        let format = Format::negotiate(accept);
        let mut body = Vec::new();
        if self.write(format, reading, &mut body).is_err() {
            unreachable!("a vector takes everything");
        }
        (format.content_type(), body)
    }

    fn bounds_of(&self, family: &FamilyReading) -> &Bounds {
        static NONE: std::sync::OnceLock<Bounds> = std::sync::OnceLock::new();
        self.by_name
            .get(&*family.name)
            .or_else(|| self.by_unit.get(&family.unit))
            .unwrap_or_else(|| NONE.get_or_init(|| Bounds::of_unit(Unit::None)))
    }
}

impl Default for Exposition {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes Prometheus text 0.0.4 into an [`io::Write`] or a [`fmt::Write`](std::fmt::Write), as [`Exposition::new`] has it.
///
/// # Errors
///
/// Those of the writer.
pub fn prometheus<K, S: Sink<K> + ?Sized>(reading: &Reading, out: &mut S) -> Result<(), S::Error> {
    Exposition::new().prometheus(reading, out)
}

/// Writes OpenMetrics text 1.0 into an [`io::Write`] or a [`fmt::Write`](std::fmt::Write), as [`Exposition::new`] has it.
///
/// # Errors
///
/// Those of the writer.
pub fn openmetrics<K, S: Sink<K> + ?Sized>(reading: &Reading, out: &mut S) -> Result<(), S::Error> {
    Exposition::new().openmetrics(reading, out)
}

/// Writes JSON into an [`io::Write`] or a [`fmt::Write`](std::fmt::Write), as [`Exposition::new`] has it. Needs the feature
/// `serde_json`.
///
/// ```json
/// {
///   "taken": "1763757600.25",
///   "families": [
///     {
///       "name": "http_requests", "help": "Requests answered.", "unit": "", "kind": "counter",
///       "series": [{"labels": {"route": "/"}, "created": "1763757000", "value": "3"}]
///     },
///     {
///       "name": "http_response_time_seconds", "help": "", "unit": "seconds", "kind": "histogram",
///       "series": [{
///         "labels": {}, "created": "1763757000",
///         "count": "2", "failures": "1", "sum": "0.3", "mean": 0.15, "standard_deviation": 0.05,
///         "quantiles": [{"q": 0.5, "value": 0.1, "low": 0.0996, "high": 0.1006}],
///         "buckets": [{"le": 0.1, "count": "1"}, {"le": "+Inf", "count": "2"}],
///         "exemplars": [{"labels": {"trace_id": "4bf9"}, "value": "0.2", "taken": "1763757599.5"}]
///       }]
///     }
///   ]
/// }
/// ```
///
/// Figures that are exact (counts, sums, counters, gauges, times) are strings of decimal digits, as the JSON form of protobuf
/// has it for 64-bit numbers: a JSON number past 2^53 loses digits in many readers, and JavaScript's `Number(..)` takes such
/// a string just as well. Estimates (mean, deviation, quantiles) and the bounds `le` are numbers, `null` where there are no
/// values. Observed figures are numbers too, or one of the strings `"NaN"`, `"+Inf"`, `"-Inf"`. Times are seconds since 1970,
/// `null` before that. The quantiles are 0.5, 0.9, 0.95, 0.99 and 0.999, each with the bounds between which the true one lies.
///
/// # Errors
///
/// Those of the writer.
#[cfg(feature = "serde_json")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde_json")))]
pub fn json<K, S: Sink<K> + ?Sized>(reading: &Reading, out: &mut S) -> Result<(), S::Error> {
    Exposition::new().json(reading, out)
}

/// Writes Prometheus protobuf, as [`Exposition::new`] has it: a message `io.prometheus.client.MetricFamily` for each family,
/// each behind its length. Needs the feature `prost`.
///
/// Histograms are written twice in one message, in classic buckets and as a native histogram, see [`Native`]; a server takes
/// the one that it is configured for. Counters are named with `_total`, as in the older text format.
///
/// # Errors
///
/// Those of the writer.
#[cfg(feature = "prost")]
#[cfg_attr(docsrs, doc(cfg(feature = "prost")))]
pub fn protobuf(reading: &Reading, out: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
    Exposition::new().protobuf(reading, out)
}

/// Where the point stands in a whole number of this unit.
fn decimals(unit: Unit) -> number::Decimals {
    match unit {
        Unit::Seconds => 9,
        Unit::Millionths => 6,
        _ => 0,
    }
}

/// What both text formats and JSON call a kind.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

/// Whether an observed figure can be that of a counter: not negative, and a number.
fn is_counter(value: f64) -> bool {
    value >= 0.0
}
