//! All figures of a monitor as they stood when it was asked.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::exemplar::Exemplar;
use crate::snapshot::Snapshot;
use crate::unit::Unit;

/// All figures of a [`Monitor`](crate::Monitor) at one moment, in the order in which they were registered.
///
/// Each series is consistent in itself; between two of them, what is recorded during the reading may be in one and not in the other.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reading {
    /// The time of day at which it was taken.
    pub taken: SystemTime,
    /// The families, each with its series.
    pub families: Vec<FamilyReading>,
}

/// The figures of one name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FamilyReading {
    /// The name as it was registered: a counter's without `_total`.
    pub name: Arc<str>,
    /// What the figures mean, in words; may be empty.
    pub help: Arc<str>,
    /// What they are measured in.
    pub unit: Unit,
    /// What they are.
    pub kind: Kind,
    /// One for each set of label values.
    pub series: Vec<SeriesReading>,
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// One figure of a name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SeriesReading {
    /// The labels, in the order in which they were given.
    pub labels: Labels,
    /// When it was registered.
    pub created: SystemTime,
    /// The figure itself.
    pub value: Value,
    /// Examples of what a histogram recorded, in ascending order of their values.
    pub exemplars: Vec<Exemplar>,
}

/// A figure.
///
/// Figures of [`Unit::Seconds`] that are whole numbers are nanoseconds; [`Unit::scale`] turns them into seconds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// What a [`Counter`](crate::Counter) has counted.
    Counter(u64),
    /// What a function says that something else has counted, in the unit itself.
    ObservedCounter(f64),
    /// What a [`Gauge`](crate::Gauge) or an [`InFlight`](crate::InFlight) stands at.
    Gauge(i64),
    /// What a function says that something stands at, in the unit itself.
    ObservedGauge(f64),
    /// What a [`Histogram`](crate::Histogram) has recorded.
    Histogram(Arc<Snapshot>),
}

/// Names and values of labels, in the order in which they were given.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    pairs: Arc<[(Arc<str>, Arc<str>)]>,
}

impl Labels {
    pub(crate) fn new(pairs: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Self {
        Self {
            pairs: pairs.into_iter().collect(),
        }
    }

    /// Each name with its value.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The value of a label.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|pair| pair.0 == name).map(|pair| pair.1)
    }

    /// Whether there are no labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
