//! Live figures of a running service.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod advise;
mod cells;
mod counter;
mod error;
mod exemplar;
pub mod expose;
mod gauge;
mod histogram;
mod in_flight;
mod judge;
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

pub use advise::{
    Action, Advice, Advisor, AllenCunneen, CacheFigures, Comparison, Counsel, Dimension, Doubt,
    Effect, Fact, Figures, FiguresBuilder, FiguresError, Load, Measure, NotKnown, Predict,
    Prediction, Verdict,
};
pub use counter::Counter;
pub use error::{
    BuildError, Difference, HelpError, LabelError, LayoutError, LayoutMismatch, NameError,
    RegisterError, SnapshotError, UnitError,
};
pub use exemplar::Exemplar;
pub use gauge::Gauge;
pub use histogram::{Histogram, Layout};
pub use in_flight::{InFlight, InFlightGuard};
pub use judge::{
    Agreement, Alert, Alerts, Apdex, ApdexRating, Availability, Burn, BurnRule, BurnRules, Change,
    Confidence, Crossing, Edge, ErrorBudget, Events, Evidence, Exhaustion, Hold, Interval,
    JudgeError, Latch, Level, LittleCheck, Objective, ObjectiveError, Reason, Saturation,
    SecurityFigure, SecurityKind, SecurityWatch, Severity, Side, Standing, Target, Threshold,
    Uptime,
};
pub use monitor::{Monitor, MonitorBuilder};
pub use reading::{FamilyReading, Kind, Labels, Reading, SeriesReading, Value};
pub use registry::{Family, FamilyRegistration, Instrument, ObservedRegistration, Registration};
pub use snapshot::{Bucket, Quantile, Snapshot};
pub use timer::Timer;
pub use unit::Unit;
pub use window::{
    Counted, History, HistoryBuilder, HistoryError, Over, Portion, Rate, Sampler, Trackable,
    Tracked,
};

#[doc = include_str!("../GUIDE.md")]
pub mod _guide {}
