//! All figures of a monitor as they stood when it was asked.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::exemplar::Exemplar;
use crate::snapshot::Snapshot;
use crate::unit::Unit;

/// All figures of a [`Monitor`](crate::Monitor) at one moment.
///
/// Families are in the order of their names, series in that of their labels, the overflow series last: two readings of the
/// same series differ in their values alone. A family without a series that has a value is left out.
///
/// Each series is consistent in itself; between two of them, what is recorded during the reading may be in one and not in
/// the other. What was recorded before the reading began, in the order of the caller, is in it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// The time of day at which it was complete.
    pub taken: SystemTime,
    /// The families, each with its series.
    pub families: Vec<FamilyReading>,
}

impl Reading {
    /// The figures of a name, given as it is exposed: with its namespace, a counter's without `_total`.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&FamilyReading> {
        let place = self
            .families
            .binary_search_by(|family| (*family.name).cmp(name));
        place.ok().map(|place| &self.families[place])
    }
}

/// The figures of one name.
#[derive(Clone, Debug, PartialEq)]
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

impl FamilyReading {
    /// The figure of the series that has just these labels, in any order.
    #[must_use]
    pub fn value(&self, labels: &[(&str, &str)]) -> Option<&Value> {
        let mut series = self.series.iter();
        let found = series.find(|series| {
            // No name is there twice, so that none is left over.
            series.labels.iter().len() == labels.len()
                && series.labels.iter().all(|label| labels.contains(&label))
        });
        found.map(|series| &series.value)
    }
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
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SeriesReading {
    /// The labels.
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
/// Figures of [`Unit::Seconds`] that are whole numbers are nanoseconds, and those of [`Unit::Millionths`] millionths;
/// [`Unit::scale`] says what to divide them by.
#[derive(Clone, Debug, PartialEq)]
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

/// Names and values of labels. Those of one family have their names in one order: that of its first series.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    pub(crate) fn pairs(&self) -> impl ExactSizeIterator<Item = &(Arc<str>, Arc<str>)> {
        self.pairs.iter()
    }

    /// The same labels in the order of others of the same names; none if the names differ.
    pub(crate) fn in_order_of(&self, order: &Self) -> Option<Self> {
        if self.pairs.len() != order.pairs.len() {
            return None;
        }
        let find = |name: &str| self.pairs().find(|pair| *pair.0 == *name).cloned();
        let pairs: Option<Arc<[_]>> = order.pairs().map(|(name, _)| find(name)).collect();
        pairs.map(|pairs| Self { pairs })
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
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
