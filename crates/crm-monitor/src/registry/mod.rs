//! What is registered, under which name, and how it is read.
//!
//! `registration` begins a single series, `family` series by label, `observed` values that a function tells. All of them end
//! here. `roster` holds the series of a family, `index` finds one by the values of its labels, `published` lets readers have
//! a list whole while it grows, `name` says what may be written, `instrument` what may be registered.

pub(crate) mod error;
mod family;
mod index;
mod instrument;
pub(crate) mod name;
mod observed;
mod published;
mod registration;
mod roster;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use crm_clock::Clock;

use self::error::{Difference, RegisterError};
pub use self::family::{Family, FamilyRegistration};
pub use self::instrument::Instrument;
use self::name::FAILURES_SUFFIX;
pub use self::observed::ObservedRegistration;
use self::published::Published;
pub use self::registration::Registration;
use self::roster::{Figure, Form, Head, Roster, Series};
use crate::counter::Counter;
use crate::histogram::Layout;
use crate::reading::{FamilyReading, Kind, Labels, Reading, SeriesReading, Value};
use crate::unit::Unit;

/// How the time of day is read.
pub(crate) type WallClock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// All that a monitor knows.
pub(crate) struct Registry {
    clock: Clock,
    wall_clock: WallClock,
    /// What names begin with, its underscore included; may be empty.
    prefix: Box<str>,
    series_limit: usize,
    /// How many series there are, or have been promised: one for the overflow of each family by label.
    series: AtomicUsize,
    families: Published<Families>,
    /// Whether anything is observed, so that it can fail.
    observes: AtomicBool,
    /// Observations that gave no value that could be exposed.
    failed_observations: Counter,
    created: SystemTime,
}

#[derive(Clone, Default)]
struct Families {
    rosters: BTreeMap<Arc<str>, Arc<Roster>>,
    /// With the numbers by which the families know them.
    collectors: Vec<(u64, Arc<dyn Collect>)>,
    next_collector: u64,
}

impl Families {
    /// Asks the collector of this number no longer, if it has lost its last family.
    fn leave(&mut self, number: u64) {
        let tells =
            |roster: &Arc<Roster>| matches!(roster.form, Form::Collected { by } if by == number);
        if !self.rosters.values().any(tells) {
            self.collectors.retain(|(other, _)| *other != number);
        }
    }

    /// Refuses a family that would share its name with the failures of a histogram.
    fn check_failures(&self, head: &Head) -> Result<(), RegisterError> {
        let clash = |histogram: &str, name: &str| RegisterError::Failures {
            name: name.into(),
            histogram: histogram.into(),
        };
        let is_histogram = |name: &&str| {
            let roster = self.rosters.get(*name);
            roster.is_some_and(|roster| roster.head.kind == Kind::Histogram)
        };
        let histogram = head.name.strip_suffix(FAILURES_SUFFIX);
        if let Some(histogram) = histogram.filter(is_histogram) {
            return Err(clash(histogram, &head.name));
        }
        if head.kind == Kind::Histogram {
            let failures = format!("{}{FAILURES_SUFFIX}", head.name);
            if self.rosters.contains_key(failures.as_str()) {
                return Err(clash(&head.name, &failures));
            }
        }
        Ok(())
    }
}

/// Tells the values of several families at once.
pub(crate) trait Collect: Send + Sync {
    /// The families, none of them with labels.
    fn families(&self) -> Vec<Collected>;

    /// The names of families with their present values; families without one are left out.
    fn values(&self) -> Vec<(&'static str, Value)>;
}

/// A family of a collector.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// When it began to count, if that is not now.
    pub(crate) created: Option<SystemTime>,
}

impl Registry {
    pub(crate) fn new(
        clock: Clock,
        wall_clock: WallClock,
        prefix: Box<str>,
        series_limit: usize,
    ) -> Self {
        let created = wall_clock();
        Self {
            clock,
            wall_clock,
            prefix,
            series_limit,
            series: AtomicUsize::new(0),
            families: Published::new(Families::default()),
            observes: AtomicBool::new(false),
            failed_observations: Counter::new(),
            created,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn series_limit(&self) -> usize {
        self.series_limit
    }

    pub(crate) fn series(&self) -> usize {
        // Relaxed, here and below: the number is a bound and orders nothing.
        self.series.load(Ordering::Relaxed)
    }

    fn now(&self) -> SystemTime {
        (self.wall_clock)()
    }

    /// Promises room for one more series, if there is any.
    fn reserve(&self) -> bool {
        let step = |series| (series < self.series_limit).then_some(series + 1);
        self.series
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .is_ok()
    }

    fn release(&self, series: usize) {
        self.series.fetch_sub(series, Ordering::Relaxed);
    }

    fn reserve_or_refuse(&self) -> Result<(), RegisterError> {
        if self.reserve() {
            Ok(())
        } else {
            Err(RegisterError::SeriesLimit {
                limit: self.series_limit,
            })
        }
    }

    /// Adds a series that is registered by itself.
    fn add_single(
        &self,
        head: Head,
        labels: Labels,
        layout: Option<Layout>,
        figure: Box<dyn Figure>,
    ) -> Result<(), RegisterError> {
        // Before any lock: the caller may have given the function that tells the date.
        let created = self.now();
        let mut families = self.families.write();
        let Some(roster) = families.get().rosters.get(&head.name).cloned() else {
            families.get().check_failures(&head)?;
            self.reserve_or_refuse()?;
            let name = Arc::clone(&head.name);
            let series = vec![Arc::new(Series {
                labels: labels.clone(),
                created,
                figure,
            })];
            let roster = Roster::new(head, Form::Single { labels, layout }, created, series);
            families.change().rosters.insert(name, Arc::new(roster));
            return Ok(());
        };
        let labels = roster.admit(&head, &labels, layout)?;
        let mut members = roster.members.write();
        let Err(place) = members.get().place(&labels) else {
            return Err(RegisterError::Duplicate {
                name: head.name.as_ref().into(),
            });
        };
        self.reserve_or_refuse()?;
        let series = Arc::new(Series {
            labels,
            created,
            figure,
        });
        members.change().series.insert(place, series);
        Ok(())
    }

    /// Adds a family by label, which has no series yet.
    fn add_by_label(&self, head: Head, overflowed: Counter) -> Result<Arc<Roster>, RegisterError> {
        let created = self.now();
        let mut families = self.families.write();
        let name = Arc::clone(&head.name);
        if families.get().rosters.contains_key(&name) {
            return Err(RegisterError::Duplicate {
                name: name.as_ref().into(),
            });
        }
        families.get().check_failures(&head)?;
        // For the overflow series, so that there is room for it when it is needed.
        self.reserve_or_refuse()?;
        let roster = Arc::new(Roster::new(
            head,
            Form::ByLabel { overflowed },
            created,
            Vec::new(),
        ));
        families.change().rosters.insert(name, Arc::clone(&roster));
        Ok(roster)
    }

    /// Adds all families of a collector, or none.
    #[cfg_attr(
        not(all(feature = "procfs", target_os = "linux")),
        expect(dead_code, reason = "only the process's figures are collected")
    )]
    pub(crate) fn add_collector(&self, collector: Arc<dyn Collect>) -> Result<(), RegisterError> {
        let now = self.now();
        let heads: Vec<(Head, SystemTime)> = collector
            .families()
            .into_iter()
            .map(|family| {
                let head = Head {
                    name: family.name.into(),
                    help: family.help.into(),
                    unit: Unit::of_name(family.name)?,
                    kind: family.kind,
                };
                name::check_name(family.name)?;
                Ok((head, family.created.unwrap_or(now)))
            })
            .collect::<Result<_, RegisterError>>()?;
        let mut families = self.families.write();
        for (head, _) in &heads {
            if families.get().rosters.contains_key(&head.name) {
                return Err(RegisterError::Duplicate {
                    name: head.name.as_ref().into(),
                });
            }
            families.get().check_failures(head)?;
        }
        for (reserved, _) in heads.iter().enumerate() {
            self.reserve_or_refuse()
                .inspect_err(|_| self.release(reserved))?;
        }
        let families = families.change();
        let by = families.next_collector;
        families.next_collector += 1;
        families.collectors.push((by, collector));
        for (head, created) in heads {
            let name = Arc::clone(&head.name);
            let roster = Roster::new(head, Form::Collected { by }, created, Vec::new());
            families.rosters.insert(name, Arc::new(roster));
        }
        Ok(())
    }

    /// Takes a family out; whether it was there.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let roster = {
            let mut families = self.families.write();
            if !families.get().rosters.contains_key(name) {
                return false;
            }
            let families = families.change();
            let roster = families
                .rosters
                .remove(name)
                .expect("it was there, and the lock is held");
            if let Form::Collected { by } = roster.form {
                families.leave(by);
            }
            roster
        };
        // A family by label may be making a series just now: it either comes before this, and is counted, or finds the mark.
        let mut members = roster.members.write();
        let members = members.change();
        members.removed = true;
        let promised = match roster.form {
            Form::Single { .. } => members.series.len(),
            Form::ByLabel { .. } => members.series.len() + 1,
            Form::Collected { .. } => 1,
        };
        self.release(promised);
        true
    }

    /// Takes a series out that was registered by itself; whether it was there. Its family goes with its last series.
    pub(crate) fn remove_series(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        let mut families = self.families.write();
        let Some(roster) = families.get().rosters.get(name).cloned() else {
            return false;
        };
        let Form::Single { labels: order, .. } = &roster.form else {
            return false;
        };
        let asked = Labels::new(
            labels
                .iter()
                .map(|&(name, value)| (name.into(), value.into())),
        );
        let Some(labels) = asked.in_order_of(order) else {
            return false;
        };
        let mut members = roster.members.write();
        let Ok(place) = members.get().place(&labels) else {
            return false;
        };
        let removed = members.change().series.remove(place);
        self.release(1);
        if members.get().series.is_empty() {
            families.change().rosters.remove(name);
        }
        // A function of the caller's may go with it, which is to be dropped under no lock.
        drop((members, families));
        drop(removed);
        true
    }

    /// All values, family by family in the order of their names.
    pub(crate) fn read(&self) -> Reading {
        // From here on no lock is held, except for the copy of a pointer in each family.
        let families = self.families.read();
        let mut readings: Vec<FamilyReading> =
            families.rosters.values().map(|r| r.read()).collect();
        for (number, collector) in &families.collectors {
            for (name, value) in collector.values() {
                let Some(roster) = families.rosters.get(name) else {
                    continue; // removed
                };
                if matches!(roster.form, Form::Collected { by } if by == *number) {
                    readings.push(roster.head.with_series(vec![SeriesReading {
                        labels: Labels::default(),
                        created: roster.created,
                        value,
                        exemplars: Vec::new(),
                    }]));
                }
            }
        }
        readings.extend(self.own_figures(&families));
        readings.retain(|family| !family.series.is_empty());
        readings.sort_by(|one, other| one.name.cmp(&other.name));
        Reading {
            // After the last value, so that nothing in it was created later.
            taken: self.now(),
            families: readings,
        }
    }

    /// What the registry says of itself.
    fn own_figures(&self, families: &Families) -> [FamilyReading; 2] {
        let family = |name: &str, help: &str, series| {
            let head = Head {
                name: name.into(),
                help: help.into(),
                unit: Unit::None,
                kind: Kind::Counter,
            };
            head.with_series(series)
        };
        let label: Arc<str> = "family".into();
        let overflowed = families.rosters.values().filter_map(|roster| {
            let Form::ByLabel { overflowed } = &roster.form else {
                return None;
            };
            Some(SeriesReading {
                labels: Labels::new([(Arc::clone(&label), Arc::clone(&roster.head.name))]),
                created: roster.created,
                value: Value::Counter(overflowed.value()),
                exemplars: Vec::new(),
            })
        });
        let failed = self
            .observes
            .load(Ordering::Relaxed)
            .then(|| SeriesReading {
                labels: Labels::default(),
                created: self.created,
                value: Value::Counter(self.failed_observations.value()),
                exemplars: Vec::new(),
            });
        [
            family(
                "crm_monitor_overflowed_lookups",
                "Lookups of a series that led to the overflow series of its family.",
                overflowed.collect(),
            ),
            family(
                "crm_monitor_failed_observations",
                "Functions of observed figures that panicked or gave a number no counter can have.",
                failed.into_iter().collect(),
            ),
        ]
    }
}

impl Roster {
    /// The labels of a new series in the order of those that are there, unless it does not belong with them.
    fn admit(
        &self,
        head: &Head,
        labels: &Labels,
        layout: Option<Layout>,
    ) -> Result<Labels, RegisterError> {
        let conflict = |difference| RegisterError::Conflict {
            name: head.name.as_ref().into(),
            difference,
        };
        if self.head.kind != head.kind {
            return Err(conflict(Difference::Kind));
        }
        if self.head.unit != head.unit {
            return Err(conflict(Difference::Unit));
        }
        let Form::Single {
            labels: order,
            layout: present,
        } = &self.form
        else {
            return Err(conflict(Difference::Form));
        };
        let Some(labels) = labels.in_order_of(order) else {
            return Err(conflict(Difference::LabelNames));
        };
        if *present != layout {
            return Err(conflict(Difference::Layout));
        }
        if self.head.help != head.help {
            return Err(conflict(Difference::Help));
        }
        Ok(labels)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("families", &self.families.read().rosters.len())
            .field("series", &self.series())
            .finish_non_exhaustive()
    }
}
