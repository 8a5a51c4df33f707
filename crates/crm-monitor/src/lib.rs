//! Live figures of a running service.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod advise;
mod cells;
mod counter;
mod error;
mod gauge;
mod histogram;
mod in_flight;
mod monitor;
mod reading;
mod slot;
mod snapshot;
mod sync;
mod timer;
mod unit;

pub use advise::{
    Action, Advice, Advisor, AllenCunneen, CacheFigures, Comparison, Counsel, Dimension, Doubt,
    Effect, Fact, Figures, FiguresBuilder, FiguresError, Load, Measure, NotKnown, Predict,
    Prediction, Verdict,
};
pub use counter::Counter;
pub use error::{LayoutError, LayoutMismatch, RegisterError, SnapshotError};
pub use gauge::Gauge;
pub use histogram::{Histogram, Layout};
pub use in_flight::{InFlight, InFlightGuard};
pub use monitor::{Monitor, Registration};
pub use reading::{FamilyReading, Kind, Labels, Reading, SeriesReading, Value};
pub use snapshot::{Bucket, Quantile, Snapshot};
pub use timer::Timer;
pub use unit::Unit;
