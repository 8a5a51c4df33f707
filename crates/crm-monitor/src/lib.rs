//! Live figures of a running service, for a few nanoseconds a request.
//!
//! Record what happens, read it at any time, judge it against what was promised, hear what would help, and show it to whatever
//! scrapes or looks.
//!
//! ```
//! use crm_monitor::{Monitor, expose};
//!
//! let monitor = Monitor::new();
//! let times = monitor
//!     .histogram("http_response_time_seconds")
//!     .help("Time to answer a request.")
//!     .label("route", "/customers/{id}")
//!     .register()?;
//!
//! let timer = times.start(); // a request comes in
//! timer.stop(); //              and is answered; a timer that is dropped instead counts as a failure
//!
//! let figures = times.snapshot();
//! assert_eq!((figures.count(), figures.failures()), (1, 0));
//! println!("99 % within {:?}", figures.quantile(0.99).map(|quantile| quantile.duration()));
//!
//! let mut text = String::new();
//! expose::prometheus(&monitor.read(), &mut text)?; // `Exposition::answer` is what /metrics sends
//! assert!(text.contains("http_response_time_seconds_count{route=\"/customers/{id}\"} 1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What `/metrics` answers, in axum:
//!
//! ```
//! use axum::extract::State;
//! use axum::http::{HeaderMap, header};
//! use axum::response::IntoResponse;
//! use axum::{Router, routing::get};
//! use crm_monitor::{Monitor, expose::Exposition};
//!
//! async fn metrics(State(monitor): State<Monitor>, headers: HeaderMap) -> impl IntoResponse {
//!     let accept = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
//!     let (content_type, body) = Exposition::new().answer(accept, &monitor.read());
//!     ([(header::CONTENT_TYPE, content_type)], body)
//! }
//!
//! let app: Router = Router::new().route("/metrics", get(metrics)).with_state(Monitor::new());
//! ```
//!
//! The [guide](_guide) leads from here to a burn-rate alert, and [design](_design) says why things are as they are.
//!
//! # Which type to reach for
//!
//! | you want | take |
//! |---|---|
//! | how often something happens | [`Counter`] |
//! | how many there are, set or counted | [`Gauge`] |
//! | how many are in progress | [`InFlight`], whose guard counts itself out |
//! | how long things take, how large they are | [`Histogram`], and its [`Timer`] |
//! | all of these under names, for an exposition | [`Monitor`]; by label, a [`Family`] |
//! | the last minute, hour or month | [`History`], which samples, and [`Tracked::over`] |
//! | a promise, and an alert when it is about to be broken | [`judge::Objective`], [`judge::BurnRules`], [`judge::Alerts`] |
//! | what would help, and by how much | [`advise::Advisor`] |
//! | a format: Prometheus, OpenMetrics, JSON, a check line | [`expose`] |
//! | all of it for a tower service | `MonitorLayer` (feature `tower`) |
//!
//! # Guarantees
//!
//! - **Recording is wait-free** once a thread has its number and the instrument its words: a thread counts into cells of its own by a load
//!   and a store, takes no lock and allocates nothing. What a short lock or an allocation is needed for, each once: the number, when a thread
//!   first records at all and when it ends; the words of a histogram, when a thread first records into it; and what is moved there when a word
//!   has filled, once for all threads ([below](#memory)). A loop is run only where more threads record than there are cells. And while a
//!   reader that has been disturbed a hundred times finishes its pass, a value above 2^47 (39 hours in nanoseconds), or one that fills a word,
//!   takes a short lock.
//! - **A snapshot is consistent.** Its count is the sum of its buckets, and its sum is that of exactly the counted values, whatever is recorded
//!   meanwhile. It holds all that was recorded before it in the order of the caller. Two series of one reading may be a moment apart.
//! - **Nothing is lost.** What threads have recorded is there after their end, to the unit. Only a signal handler must not record: it may
//!   come between the load and the store of the thread that it runs on.
//! - **Errors are told.** A quantile comes with the bounds between which the true value lies; a bad name, unit or label is an error at
//!   registration and never renamed.
//! - **Everything is bounded**: memory of each instrument, series of a family and of a monitor, windows, alerts, advice. What passes a bound is
//!   counted.
//! - The crate logs and prints nothing.
//!
//! # Memory
//!
//! An instrument has cells for twice as many threads as there are processors, at least 8 and at most 64; further threads share one. A thread
//! takes the lowest free number when it first records, and gives it back when it ends.
//!
//! | instrument | memory |
//! |---|---|
//! | [`Counter`], [`InFlight`] | 8 bytes for each thread that there is a cell for; sixteen instruments share a block, which goes with the last of them |
//! | [`Gauge`] | one word |
//! | [`Histogram`] of [`Layout::response_times`], 1 us to 1 h at 1 % | 16.8 KiB for each thread that has recorded into it, and 2.4 KiB; once or twice 17 KiB more where words have filled up or values are above 2^47 |
//! | a month of windows, sampled each second | 5 KB for a counter, at most 549 KB for a histogram; [`Tracked::bytes_at_most`] tells |
//!
//! # Features
//!
//! None is on by default, and none needs a C compiler.
//!
//! | feature | brings |
//! |---|---|
//! | `tower` | a layer that measures requests: response times, in flight, status classes, bytes |
//! | `metrics` | a recorder behind the macros of the crate `metrics` |
//! | `tracing` | durations of the spans of the crate `tracing` |
//! | `opentelemetry` | export in the OpenTelemetry protocol |
//! | `prost` | native histograms in the Prometheus protobuf format |
//! | `serde_json` | figures as JSON |
//! | `procfs` | figures of the process on Linux: memory, processor time, open files, disk and network bytes |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod advise;
mod cells;
mod counter;
mod error;
mod exemplar;
pub mod expose;
mod gauge;
mod histogram;
mod in_flight;
#[cfg(any(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "tower",
    feature = "tracing"
))]
mod integration;
pub mod judge;
mod monitor;
#[cfg(feature = "procfs")]
mod process;
mod reading;
mod registry;
mod slot;
mod snapshot;
mod sync;
mod timer;
mod unit;
mod window;

/// The clock that monitors and histories read, and the one that a test turns by hand: the crate `crm-clock`.
pub use crm_clock as clock;

pub use counter::Counter;
pub use error::{
    BuildError, Difference, HelpError, LabelError, LayoutError, LayoutMismatch, NameError,
    RegisterError, SnapshotError, UnitError,
};
pub use exemplar::Exemplar;
pub use gauge::Gauge;
pub use histogram::{Histogram, Layout};
pub use in_flight::{InFlight, InFlightGuard};
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use integration::{
    CountedBody, MonitorFuture, MonitorLayer, MonitorLayerBuilder, Monitored, MonitoredBody,
    RequestHead,
};
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use integration::{Recorder, RecorderBuilder, Refusal, RefusalReason};
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use integration::{SpanFailures, SpanLayer, SpanLayerBuilder};
#[cfg(feature = "opentelemetry")]
#[cfg_attr(docsrs, doc(cfg(feature = "opentelemetry")))]
pub use integration::{otlp, otlp_bytes};
pub use monitor::{Monitor, MonitorBuilder};
pub use reading::{FamilyReading, Kind, Labels, Reading, SeriesReading, Value};
pub use registry::{Family, FamilyRegistration, Instrument, ObservedRegistration, Registration};
pub use snapshot::{Bucket, Quantile, Snapshot};
pub use timer::Timer;
pub use unit::Unit;
pub use window::{
    Counted, History, HistoryBuilder, HistoryError, Over, Rate, Sampler, Trackable, Tracked,
};

#[doc = include_str!("../DESIGN.md")]
pub mod _design {}

#[doc = include_str!("../GUIDE.md")]
pub mod _guide {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
