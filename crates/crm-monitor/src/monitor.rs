//! All instruments of a service in one place, to be read together.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crm_clock::{Clock, wall_time};
use parking_lot::Mutex;

use crate::counter::Counter;
use crate::error::RegisterError;
use crate::exemplar::Exemplar;
use crate::gauge::Gauge;
use crate::histogram::{Histogram, Layout};
use crate::in_flight::InFlight;
use crate::reading::{FamilyReading, Kind, Labels, Reading, SeriesReading, Value};
use crate::unit::Unit;

/// All instruments of a service, to be read together.
///
/// A clone is the same monitor.
///
/// ```
/// use crm_monitor::Monitor;
///
/// let monitor = Monitor::new();
/// let answers = monitor
///     .counter("http_answers")
///     .help("Requests answered.")
///     .label("route", "/customers/{id}")
///     .register()?;
/// answers.increment();
/// assert_eq!(monitor.read().families.len(), 1);
/// # Ok::<(), crm_monitor::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Monitor {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    families: Mutex<Vec<FamilyEntry>>,
}

struct FamilyEntry {
    name: Arc<str>,
    help: Arc<str>,
    unit: Unit,
    kind: Kind,
    series: Vec<SeriesEntry>,
}

struct SeriesEntry {
    labels: Labels,
    created: SystemTime,
    instrument: Instrument,
}

enum Instrument {
    Counter(Counter),
    Gauge(Gauge),
    InFlight(InFlight),
    Histogram(Histogram),
}

impl Monitor {
    /// A monitor without instruments, on the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::system())
    }

    /// A monitor without instruments, whose timers read `clock`.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            inner: Arc::new(Inner {
                clock,
                families: Mutex::new(Vec::new()),
            }),
        }
    }

    /// The clock of the timers.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Begins a counter. Its name goes without `_total`, which the exposition adds.
    pub fn counter(&self, name: &str) -> Registration<'_, Counter> {
        self.begin(name)
    }

    /// Begins a gauge.
    pub fn gauge(&self, name: &str) -> Registration<'_, Gauge> {
        self.begin(name)
    }

    /// Begins a gauge of what is in progress.
    pub fn in_flight(&self, name: &str) -> Registration<'_, InFlight> {
        self.begin(name)
    }

    /// Begins a histogram, of [`Layout::response_times`] unless it is given another.
    pub fn histogram(&self, name: &str) -> Registration<'_, Histogram> {
        self.begin(name)
    }

    fn begin<I>(&self, name: &str) -> Registration<'_, I> {
        Registration {
            monitor: self,
            name: name.into(),
            help: "".into(),
            unit: Unit::of_name(name),
            labels: Vec::new(),
            layout: Layout::response_times(),
            instrument: std::marker::PhantomData,
        }
    }

    /// All figures as they stand.
    #[must_use]
    pub fn read(&self) -> Reading {
        let families = self.inner.families.lock();
        Reading {
            taken: wall_time(),
            families: families.iter().map(FamilyEntry::read).collect(),
        }
    }
}

impl FamilyEntry {
    fn read(&self) -> FamilyReading {
        FamilyReading {
            name: Arc::clone(&self.name),
            help: Arc::clone(&self.help),
            unit: self.unit,
            kind: self.kind,
            series: self
                .series
                .iter()
                .map(|series| SeriesReading {
                    labels: series.labels.clone(),
                    created: series.created,
                    value: series.instrument.read(),
                    exemplars: series.instrument.exemplars(),
                })
                .collect(),
        }
    }
}

impl Instrument {
    fn read(&self) -> Value {
        match self {
            Self::Counter(counter) => Value::Counter(counter.value()),
            Self::Gauge(gauge) => Value::Gauge(gauge.value()),
            Self::InFlight(gauge) => Value::Gauge(gauge.value() as i64),
            Self::Histogram(histogram) => Value::Histogram(Arc::new(histogram.snapshot())),
        }
    }

    fn exemplars(&self) -> Vec<Exemplar> {
        match self {
            Self::Histogram(histogram) => histogram.exemplars(),
            _ => Vec::new(),
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").finish_non_exhaustive()
    }
}

/// An instrument that is about to be registered.
#[derive(Debug)]
#[must_use = "nothing is registered before `register`"]
pub struct Registration<'a, I> {
    monitor: &'a Monitor,
    name: Arc<str>,
    help: Arc<str>,
    unit: Unit,
    labels: Vec<(Arc<str>, Arc<str>)>,
    layout: Layout,
    instrument: std::marker::PhantomData<I>,
}

impl<I> Registration<'_, I> {
    /// What the figure means, in words.
    pub fn help(mut self, help: &str) -> Self {
        self.help = help.into();
        self
    }

    /// What the figure is measured in, which is also the last part of the name.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// A label and its value.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    fn add(self, kind: Kind, instrument: Instrument) -> Result<(), RegisterError> {
        let mut families = self.monitor.inner.families.lock();
        let series = SeriesEntry {
            labels: Labels::new(self.labels),
            created: wall_time(),
            instrument,
        };
        match families.iter_mut().find(|family| family.name == self.name) {
            Some(family) => family.series.push(series),
            None => families.push(FamilyEntry {
                name: self.name,
                help: self.help,
                unit: self.unit,
                kind,
                series: vec![series],
            }),
        }
        Ok(())
    }
}

impl Registration<'_, Counter> {
    /// Registers the counter.
    ///
    /// # Errors
    ///
    /// Where the name, the unit or a label is not valid.
    pub fn register(self) -> Result<Counter, RegisterError> {
        let counter = Counter::new();
        self.add(Kind::Counter, Instrument::Counter(counter.clone()))?;
        Ok(counter)
    }
}

impl Registration<'_, Gauge> {
    /// Registers the gauge.
    ///
    /// # Errors
    ///
    /// Where the name, the unit or a label is not valid.
    pub fn register(self) -> Result<Gauge, RegisterError> {
        let gauge = Gauge::new();
        self.add(Kind::Gauge, Instrument::Gauge(gauge.clone()))?;
        Ok(gauge)
    }
}

impl Registration<'_, InFlight> {
    /// Registers the gauge.
    ///
    /// # Errors
    ///
    /// Where the name, the unit or a label is not valid.
    pub fn register(self) -> Result<InFlight, RegisterError> {
        let gauge = InFlight::new();
        self.add(Kind::Gauge, Instrument::InFlight(gauge.clone()))?;
        Ok(gauge)
    }
}

impl Registration<'_, Histogram> {
    /// How the range is divided.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Registers the histogram.
    ///
    /// # Errors
    ///
    /// Where the name, the unit or a label is not valid.
    pub fn register(self) -> Result<Histogram, RegisterError> {
        let histogram = Histogram::with_clock(self.layout, self.monitor.clock().clone());
        self.add(Kind::Histogram, Instrument::Histogram(histogram.clone()))?;
        Ok(histogram)
    }
}
