//! Series by label, made when they are first looked up, in a bounded number.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::Registry;
use super::error::{LabelError, RegisterError};
use super::index::Index;
use super::instrument::{Instrument, Make};
use super::name::{self, LABEL_VALUE_LIMIT, OVERFLOW_LABEL};
use super::registration::Draft;
use super::roster::{Roster, Series};
use crate::counter::Counter;
use crate::histogram::{Histogram, Layout};
use crate::reading::Labels;
use crate::unit::Unit;

/// How many series a family may have unless it is told otherwise.
pub(crate) const FAMILY_LIMIT: usize = 200;

/// What stands for the values of the labels in an overflow series.
const OTHER: &str = "other";

/// Instruments by the values of `N` labels; made by [`Monitor::counters`](crate::Monitor::counters) and its siblings.
///
/// A clone is the same family.
///
/// ```
/// use crm_monitor::Monitor;
///
/// let monitor = Monitor::new();
/// let answers = monitor
///     .counters("http_answers", ["route", "status"])
///     .help("Requests answered.")
///     .limit(500)
///     .register()?;
/// answers.with(["/customers/{id}", "200"]).increment();
///
/// let not_found = answers.with(["/customers/{id}", "404"]); // keep the handle where the labels are known beforehand
/// not_found.increment();
/// assert_eq!(answers.len(), 2);
/// # Ok::<(), crm_monitor::RegisterError>(())
/// ```
///
/// # Cost
///
/// Looking up a series that is there shares a lock with other lookups and allocates nothing; a reading of the monitor does
/// not take that lock. The first lookup of a series makes it, which holds others off for an insertion. A handle that was
/// looked up costs no more than one registered by itself.
///
/// # Bounds
///
/// A family has at most so many series as [`limit`](FamilyRegistration::limit) says, 200 by default, and all families of a
/// monitor at most [`series_limit`](crate::MonitorBuilder::series_limit). Past either, and for a value of more than 256
/// bytes, a lookup leads to the family's overflow series. It has the value `other` for each label that varies, and one label
/// more, `overflow="true"`, which no other series can have: a route that is really called `other` stays apart. Every such
/// lookup is counted, in [`overflowed`](Family::overflowed) and, with the name of the family as a label, in the exposed
/// counter `crm_monitor_overflowed_lookups`. What a handle to the overflow series then counts is not.
///
/// # Removal
///
/// A removed series leaves the readings and makes room. Handles to it go on counting, unseen. If its labels are looked up
/// again, a new series begins at zero with a new date of creation, by which Prometheus knows it for a restart: `rate` and
/// `increase` stay right, but a plain sum over the family falls by what was removed.
pub struct Family<I, const N: usize> {
    shared: Arc<Shared<I, N>>,
}

struct Shared<I, const N: usize> {
    registry: Arc<Registry>,
    roster: Arc<Roster>,
    make: Make,
    /// The names of the labels that vary.
    names: [Arc<str>; N],
    /// The labels that do not.
    constant: Labels,
    limit: usize,
    index: Index<I, N>,
    /// How many series the index holds. It changes while the roster is held alone.
    len: AtomicUsize,
    overflow: OnceLock<I>,
    overflowed: Counter,
}

impl<I: Instrument, const N: usize> Family<I, N> {
    /// The instrument of these values, in the order in which the labels were named; made if it is new.
    ///
    /// It always gives one: past the bounds that of the overflow series, see [Bounds](Family#bounds).
    #[must_use]
    pub fn with(&self, values: [&str; N]) -> I {
        match self.shared.index.get(&values) {
            Some(instrument) => instrument,
            None => self.shared.make(&values),
        }
    }

    /// The instrument of these values, if it was made before.
    #[must_use]
    pub fn get(&self, values: [&str; N]) -> Option<I> {
        self.shared.index.get(&values)
    }

    /// Takes the series of these values out, and returns its instrument; see [Removal](Family#removal).
    ///
    /// The overflow series stays.
    #[expect(
        clippy::must_use_candidate,
        reason = "one removes for the effect; the instrument is for a last look"
    )]
    pub fn remove(&self, values: [&str; N]) -> Option<I> {
        self.shared.remove(&values)
    }

    /// How many series there are, the overflow series not among them.
    #[must_use]
    pub fn len(&self) -> usize {
        // Relaxed: a number to look at.
        self.shared.len.load(Ordering::Relaxed)
    }

    /// Whether there are no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many series there may be.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// How many lookups led to the overflow series.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.shared.overflowed.value()
    }
}

impl<I: Instrument, const N: usize> Shared<I, N> {
    fn is_full(&self) -> bool {
        self.len.load(Ordering::Relaxed) >= self.limit
            || self.registry.series() >= self.registry.series_limit()
    }

    /// The instrument of values that were not there a moment ago.
    #[cold]
    fn make(&self, values: &[&str; N]) -> I {
        if self.is_full() || values.iter().any(|value| value.len() > LABEL_VALUE_LIMIT) {
            // Somebody else may have made it meanwhile, and so have filled the family.
            return self.index.get(values).unwrap_or_else(|| self.overflow());
        }
        // Before any lock: a histogram is some memory to set up, and the date may come from a function of the caller's.
        let instrument = I::make(&self.make);
        let series = Arc::new(Series {
            labels: self.labels(values),
            created: self.registry.now(),
            figure: Box::new(instrument.clone()),
        });
        // Under no lock again: the overflow series is made by functions of the caller's as well.
        self.enter(values, series, &instrument)
            .unwrap_or_else(|| self.overflow())
    }

    /// Puts a series into the roster and the index, if there is room, and gives its instrument: that of another thread where
    /// one was first.
    fn enter(&self, values: &[&str; N], series: Arc<Series>, instrument: &I) -> Option<I> {
        let mut members = self.roster.members.write();
        let place = match members.get().place(&series.labels) {
            Err(place) => place,
            // It is in the index as well while the roster is held, unless the family has left its monitor.
            Ok(_) => return self.index.get(values),
        };
        let full = members.get().removed || members.get().series.len() >= self.limit;
        if full || !self.registry.reserve() {
            return None;
        }
        let labels = series.labels.clone();
        // In this order: whoever finds it in the index finds it in the next reading.
        members.change().series.insert(place, series);
        self.index.insert(values, labels, instrument.clone());
        self.len.fetch_add(1, Ordering::Relaxed);
        Some(instrument.clone())
    }

    fn remove(&self, values: &[&str; N]) -> Option<I> {
        let labels = self.labels(values);
        let mut members = self.roster.members.write();
        let instrument = self.index.remove(values)?;
        self.len.fetch_sub(1, Ordering::Relaxed);
        // A family that left its monitor gave all its room back at once.
        if !members.get().removed {
            if let Ok(place) = members.get().place(&labels) {
                members.change().series.remove(place);
                self.registry.release(1);
            }
        }
        Some(instrument)
    }

    /// The instrument for all that has no series of its own.
    fn overflow(&self) -> I {
        self.overflowed.increment();
        if let Some(overflow) = self.overflow.get() {
            return overflow.clone();
        }
        let created = self.registry.now();
        let overflow = self.overflow.get_or_init(|| {
            let instrument = I::make(&self.make);
            let others = self.labels(&[OTHER; N]);
            let mark = (OVERFLOW_LABEL.into(), "true".into());
            let series = Series {
                labels: Labels::new(others.pairs().cloned().chain([mark])),
                created,
                figure: Box::new(instrument.clone()),
            };
            // Nobody else sets it: this runs once.
            let _ = self.roster.overflow.set(Arc::new(series));
            instrument
        });
        overflow.clone()
    }

    fn labels(&self, values: &[&str; N]) -> Labels {
        let varying = self
            .names
            .iter()
            .zip(values)
            .map(|(name, value)| (Arc::clone(name), Arc::from(*value)));
        Labels::new(varying.chain(self.constant.pairs().cloned()))
    }
}

impl<I, const N: usize> Clone for Family<I, N> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<I, const N: usize> fmt::Debug for Family<I, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.shared.roster.head.name)
            .field("labels", &self.shared.names)
            .field("len", &self.shared.len.load(Ordering::Relaxed))
            .field("limit", &self.shared.limit)
            .finish_non_exhaustive()
    }
}

/// A family by label that is about to be registered.
///
/// Nothing is checked and nothing happens before [`register`](Self::register).
#[derive(Clone, Debug)]
#[must_use = "nothing is registered before `register`"]
pub struct FamilyRegistration<'a, I, const N: usize> {
    draft: Draft<'a>,
    names: [String; N],
    limit: usize,
    layout: Layout,
    instrument: PhantomData<fn() -> I>,
}

impl<'a, I: Instrument, const N: usize> FamilyRegistration<'a, I, N> {
    pub(crate) fn new(registry: &'a Arc<Registry>, name: &str, labels: [&str; N]) -> Self {
        Self {
            draft: Draft::new(registry, name),
            names: labels.map(str::to_owned),
            limit: FAMILY_LIMIT,
            layout: Layout::response_times(),
            instrument: PhantomData,
        }
    }

    /// What the figures mean, in words: any text of at most 1,000 bytes.
    pub fn help(mut self, help: &str) -> Self {
        self.draft.help(help);
        self
    }

    /// Declares what the figures are measured in. The name tells it already; a declaration that differs is refused.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.draft.unit(unit);
        self
    }

    /// A label that is the same for all series, behind those that vary.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.draft.label(name, value);
        self
    }

    /// How many series there may be, 200 unless it is said here; see [Bounds](Family#bounds).
    ///
    /// A limit of 0 leaves the overflow series alone.
    pub fn limit(mut self, series: usize) -> Self {
        self.limit = series;
        self
    }

    /// Registers the family, which has no series yet.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] where the name, the unit, the help text or a label cannot be exposed, there is no label, the name
    /// is registered already, or the monitor is full. Nothing is registered then.
    pub fn register(self) -> Result<Family<I, N>, RegisterError> {
        let head = self.draft.head(I::KIND, true)?;
        if N == 0 {
            return Err(LabelError::Missing.into());
        }
        let constant = self.draft.labels()?;
        let names = self.names.map(Arc::<str>::from);
        let all: Vec<&str> = names
            .iter()
            .map(|name| &**name)
            .chain(constant.iter().map(|(name, _)| name))
            .collect();
        name::check_label_names(all.into_iter())?;
        let registry = Arc::clone(self.draft.registry);
        let overflowed = Counter::new();
        let roster = registry.add_by_label(head, overflowed.clone())?;
        Ok(Family {
            shared: Arc::new(Shared {
                make: Make {
                    layout: self.layout,
                    clock: registry.clock().clone(),
                },
                registry,
                roster,
                names,
                constant,
                limit: self.limit,
                index: Index::new(),
                len: AtomicUsize::new(0),
                overflow: OnceLock::new(),
                overflowed,
            }),
        })
    }
}

impl<const N: usize> FamilyRegistration<'_, Histogram, N> {
    /// How the range of each is divided; [`Layout::response_times`] unless it is said here.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }
}
