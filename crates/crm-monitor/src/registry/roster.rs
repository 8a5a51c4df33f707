//! The series of one family.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use super::instrument::{INSIDE, Sealed};
use super::published::Published;
use crate::counter::Counter;
use crate::exemplar::Exemplar;
use crate::histogram::Layout;
use crate::reading::{FamilyReading, Kind, Labels, SeriesReading, Value};
use crate::unit::Unit;

/// What all series of a family have in common.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) name: Arc<str>,
    pub(crate) help: Arc<str>,
    pub(crate) unit: Unit,
    pub(crate) kind: Kind,
}

/// A family and its series.
#[derive(Debug)]
pub(crate) struct Roster {
    pub(crate) head: Head,
    pub(crate) form: Form,
    /// When the family was registered.
    pub(crate) created: SystemTime,
    pub(crate) members: Published<Members>,
    /// Where lookups past the limit lead; made for the first of them.
    pub(crate) overflow: OnceLock<Arc<Series>>,
}

/// How series come into a family.
#[derive(Debug)]
pub(crate) enum Form {
    /// Each is registered by itself. All have labels of the same names, and their histograms one layout.
    Single {
        labels: Labels,
        layout: Option<Layout>,
    },
    /// The family makes them when they are first looked up, and counts the lookups that led to its overflow series.
    ByLabel { overflowed: Counter },
    /// The collector of this number tells the values when they are read.
    Collected { by: u64 },
}

/// The series that a reading holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    /// In the order of their labels.
    pub(crate) series: Vec<Arc<Series>>,
    /// Whether the family has left the monitor, and takes no more.
    pub(crate) removed: bool,
}

impl Members {
    /// Where the series of these labels is, or belongs.
    pub(crate) fn place(&self, labels: &Labels) -> Result<usize, usize> {
        self.series
            .binary_search_by(|series| series.labels.cmp(labels))
    }
}

/// One series: its labels and what tells its value.
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) created: SystemTime,
    pub(crate) figure: Box<dyn Figure>,
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series")
            .field("labels", &self.labels)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// What tells a value, or that there is none at present.
pub(crate) trait Figure: Send + Sync {
    fn value(&self) -> Option<Value>;

    fn exemplars(&self) -> Vec<Exemplar> {
        Vec::new()
    }
}

impl<I: Sealed> Figure for I {
    fn value(&self) -> Option<Value> {
        Some(Sealed::value(self, INSIDE))
    }

    fn exemplars(&self) -> Vec<Exemplar> {
        Sealed::exemplars(self, INSIDE)
    }
}

impl Head {
    /// The reading of a family with these series.
    pub(crate) fn with_series(&self, series: Vec<SeriesReading>) -> FamilyReading {
        FamilyReading {
            name: Arc::clone(&self.name),
            help: Arc::clone(&self.help),
            unit: self.unit,
            kind: self.kind,
            series,
        }
    }
}

impl Roster {
    pub(crate) fn new(
        head: Head,
        form: Form,
        created: SystemTime,
        series: Vec<Arc<Series>>,
    ) -> Self {
        Self {
            head,
            form,
            created,
            members: Published::new(Members {
                series,
                removed: false,
            }),
            overflow: OnceLock::new(),
        }
    }

    /// The values of all series that have one: in the order of their labels, the overflow series last.
    pub(crate) fn read(&self) -> FamilyReading {
        // No lock is held while the values are asked for.
        let members = self.members.read();
        let series = members
            .series
            .iter()
            .chain(self.overflow.get())
            .filter_map(|series| {
                Some(SeriesReading {
                    value: series.figure.value()?,
                    labels: series.labels.clone(),
                    created: series.created,
                    exemplars: series.figure.exemplars(),
                })
            });
        self.head.with_series(series.collect())
    }
}
