//! Live figures of a running service.

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
pub mod judge;
#[cfg(any(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "tower",
    feature = "tracing"
))]
mod integration;
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

pub use counter::Counter;
pub use error::{
    BuildError, Difference, HelpError, LabelError, LayoutError, LayoutMismatch, NameError,
    RegisterError, SnapshotError, UnitError,
};
pub use exemplar::Exemplar;
pub use gauge::Gauge;
pub use histogram::{Histogram, Layout};
pub use in_flight::{InFlight, InFlightGuard};
pub use monitor::{Monitor, MonitorBuilder};
pub use reading::{FamilyReading, Kind, Labels, Reading, SeriesReading, Value};
pub use registry::{Family, FamilyRegistration, Instrument, ObservedRegistration, Registration};
pub use snapshot::{Bucket, Quantile, Snapshot};
pub use timer::Timer;
pub use unit::Unit;
pub use window::{
    Counted, History, HistoryBuilder, HistoryError, Over, Rate, Sampler, Trackable, Tracked,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use integration::{
    CountedBody, MonitorFuture, MonitorLayer, MonitorLayerBuilder, Monitored, MonitoredBody,
    RequestHead,
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use integration::{Recorder, RecorderBuilder, Refusal, RefusalReason};
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use integration::{SpanFailures, SpanLayer, SpanLayerBuilder};
#[cfg(feature = "opentelemetry")]
#[cfg_attr(docsrs, doc(cfg(feature = "opentelemetry")))]
pub use integration::{otlp, otlp_bytes};
