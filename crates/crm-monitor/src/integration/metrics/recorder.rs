//! The settings, and the recorder.

use std::fmt;
use std::sync::Arc;

use metrics::{Key, KeyName, Metadata, SetRecorderError, SharedString};
use parking_lot::Mutex;

use super::handles::{Count, Distribution, Level};
use super::keys::{Asked, Description, Keys, Names, Rules, known_unit};
use super::refusal::{Refusal, RefusalReason, Refusals};
use crate::integration::or_taken;
use crate::{Layout, Monitor, RegisterError, Unit};

/// How many series a name may have, unless [`RecorderBuilder::limit`] says otherwise.
const LIMIT: usize = 200;

/// What to do instead of making a second recorder.
const ONE_RECORDER: &str = "give a clone of the first recorder to whoever needs one";

/// What the macros of the crate `metrics` record into: the figures of a [`Monitor`]. Needs the feature `metrics`.
///
/// ```
/// use crm_monitor::{Monitor, Recorder};
///
/// let monitor = Monitor::new();
/// let recorder = Recorder::new(&monitor)?;
/// recorder.clone().install()?; // once, as the program starts
///
/// metrics::describe_histogram!("import_seconds", metrics::Unit::Seconds, "How long an import takes.");
/// metrics::counter!("imports_total", "source" => "csv").increment(1);
/// metrics::histogram!("import_seconds").record(0.25);
/// assert_eq!(recorder.refused(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | macro | becomes |
/// |---|---|
/// | `counter!` | a counter; `absolute` raises it to that value, and never lowers it |
/// | `gauge!` | a gauge of floating-point numbers |
/// | `histogram!` | a histogram of whole numbers: nanoseconds where the name ends in `_seconds`, millionths where [`RecorderBuilder::fractions`] says so, and otherwise values rounded to the nearest, of which those that miss by more than one percent are told as [`RefusalReason::Rounded`] |
/// | `describe_counter!` and its like | help and unit, if it comes before the first use |
///
/// A handle that is kept finds its figure at once. A macro that is called each time has to find its key, under a lock that
/// readers share, and allocates nothing for a key that is known unless its labels do. A gauge has a short lock of its own.
///
/// # What is not taken
///
/// Names, labels and units are held to the rules of the monitor, and **nothing is renamed in silence**: what cannot be
/// registered is not recorded. Each such key is a [`Refusal`], counted by [`refused`](Self::refused) and by the figure
/// `metrics_refused`, and the first ones can be [read](Self::refusals). A name with dots is refused so, for example;
/// [`RecorderBuilder::rename`] is for those who want it otherwise. The `_total` of a counter is no part of its name here,
/// and is exposed all the same.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

struct Inner {
    monitor: Monitor,
    limit: usize,
    rename: Option<Rename>,
    layout: Option<LayoutOf>,
    fractions: Option<Fractions>,
    counters: Keys<metrics::Counter>,
    gauges: Keys<metrics::Gauge>,
    histograms: Keys<metrics::Histogram>,
    names: Mutex<Names>,
    refusals: Arc<Refusals>,
}

type Rename = Box<dyn Fn(&str) -> String + Send + Sync>;
type Fractions = Box<dyn Fn(&str) -> bool + Send + Sync>;
type LayoutOf = Box<dyn Fn(&str) -> Option<Layout> + Send + Sync>;

impl Recorder {
    /// A recorder into this monitor.
    ///
    /// # Errors
    ///
    /// Where `metrics_refused` is taken already, as it is by another recorder.
    pub fn new(monitor: &Monitor) -> Result<Self, RegisterError> {
        Self::builder(monitor).build()
    }

    /// A recorder with other settings.
    pub fn builder(monitor: &Monitor) -> RecorderBuilder<'_> {
        RecorderBuilder {
            monitor,
            limit: LIMIT,
            rename: None,
            layout: None,
            fractions: None,
        }
    }

    /// Makes this the recorder of the whole program.
    ///
    /// # Errors
    ///
    /// Where the program has one; it stays, and this one is given back.
    pub fn install(self) -> Result<(), SetRecorderError<Self>> {
        metrics::set_global_recorder(self)
    }

    /// How often something was not taken.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.inner.refusals.total()
    }

    /// What was not taken, and why: the first 200 that differ.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.inner.refusals.kept()
    }
}

impl Inner {
    /// The name of the figure that this name of a macro stands for.
    fn figure(&self, name: &str, suffix: &str) -> String {
        let renamed = match &self.rename {
            Some(rename) => rename(name),
            None => name.to_owned(),
        };
        match renamed.strip_suffix(suffix) {
            Some(rest) => rest.to_owned(),
            None => renamed,
        }
    }

    fn describe(
        &self,
        name: &KeyName,
        suffix: &str,
        unit: Option<metrics::Unit>,
        help: SharedString,
    ) {
        let name = name.as_str();
        let described = Description {
            help: help.into_owned(),
            unit,
        };
        let figure = self.figure(name, suffix);
        if !self.names.lock().describe(&figure, name, described) {
            self.refusals.add(name, RefusalReason::Description);
        }
        if let Some(unit) = unit.filter(|unit| known_unit(*unit).is_none()) {
            self.refusals.add(name, RefusalReason::Unit(unit));
        }
    }

    fn add<H: Clone>(
        &self,
        keys: &Keys<H>,
        key: &Key,
        suffix: &str,
        nothing: H,
        register: impl Fn(&Asked<'_>) -> Result<H, RegisterError>,
    ) -> H {
        let rules = Rules {
            limit: self.limit,
            names: &self.names,
            refusals: &self.refusals,
        };
        let figure = self.figure(key.name(), suffix);
        keys.add(key, &figure, nothing, &rules, register)
    }

    fn counter(&self, asked: &Asked<'_>) -> Result<metrics::Counter, RegisterError> {
        let mut counter = self
            .monitor
            .counter(asked.name)
            .help(asked.help)
            .unit(asked.unit);
        for (name, value) in &asked.labels {
            counter = counter.label(name, value);
        }
        let one = asked.unit.scale() as u64;
        let handle = Count::new(counter.register()?, one);
        Ok(metrics::Counter::from_arc(Arc::new(handle)))
    }

    fn gauge(&self, asked: &Asked<'_>) -> Result<metrics::Gauge, RegisterError> {
        let mut gauge = self
            .monitor
            .observe_gauge(asked.name)
            .help(asked.help)
            .unit(asked.unit);
        for (name, value) in &asked.labels {
            gauge = gauge.label(name, value);
        }
        let level = Arc::new(Level::default());
        let observed = Arc::clone(&level);
        gauge.register(move || observed.value())?;
        Ok(metrics::Gauge::from_arc(level))
    }

    /// `chosen` is the layout that the caller's function has for this name.
    fn histogram(
        &self,
        name: &str,
        chosen: Option<Layout>,
        fractions: bool,
        asked: &Asked<'_>,
    ) -> Result<metrics::Histogram, RegisterError> {
        let unit = match asked.unit {
            Unit::None if fractions => Unit::Millionths,
            unit => unit,
        };
        let mut histogram = self
            .monitor
            .histogram(asked.name)
            .help(asked.help)
            .unit(unit);
        for (name, value) in &asked.labels {
            histogram = histogram.label(name, value);
        }
        if let Some(layout) = chosen.or_else(|| layout_of(unit)) {
            histogram = histogram.layout(layout);
        }
        let one = unit.scale();
        let handle = Distribution::new(histogram.register()?, one, name, &self.refusals);
        Ok(metrics::Histogram::from_arc(Arc::new(handle)))
    }
}

/// One to a million million at one percent, for what is not measured in seconds.
fn layout_of(unit: Unit) -> Option<Layout> {
    let plain = Layout::new(1, 1_000_000_000_000, 0.01);
    plain.ok().filter(|_| unit != Unit::Seconds)
}

const TOTAL: &str = "_total";
const NO_SUFFIX: &str = "";

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<metrics::Unit>, help: SharedString) {
        self.inner.describe(&key, TOTAL, unit, help);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<metrics::Unit>, help: SharedString) {
        self.inner.describe(&key, NO_SUFFIX, unit, help);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<metrics::Unit>, help: SharedString) {
        self.inner.describe(&key, NO_SUFFIX, unit, help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> metrics::Counter {
        let inner = &self.inner;
        inner.counters.get(key).unwrap_or_else(|| {
            let nothing = metrics::Counter::noop();
            inner.add(&inner.counters, key, TOTAL, nothing, |asked| {
                inner.counter(asked)
            })
        })
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        let inner = &self.inner;
        inner.gauges.get(key).unwrap_or_else(|| {
            let nothing = metrics::Gauge::noop();
            inner.add(&inner.gauges, key, NO_SUFFIX, nothing, |asked| {
                inner.gauge(asked)
            })
        })
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        let inner = &self.inner;
        inner.histograms.get(key).unwrap_or_else(|| {
            let nothing = metrics::Histogram::noop();
            // Under no lock yet, for the functions are the caller's.
            let layout = inner.layout.as_ref();
            let chosen = layout.and_then(|layout| layout(key.name()));
            let fractions = inner.fractions.as_ref().is_some_and(|of| of(key.name()));
            inner.add(&inner.histograms, key, NO_SUFFIX, nothing, |asked| {
                inner.histogram(key.name(), chosen, fractions, asked)
            })
        })
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("refused", &self.refused())
            .finish_non_exhaustive()
    }
}

/// The settings of a [`Recorder`].
#[must_use = "nothing is registered before `build`"]
pub struct RecorderBuilder<'a> {
    monitor: &'a Monitor,
    limit: usize,
    rename: Option<Rename>,
    layout: Option<LayoutOf>,
    fractions: Option<Fractions>,
}

impl RecorderBuilder<'_> {
    /// Names figures by what this function makes of the names in macros, for libraries whose names the monitor refuses.
    ///
    /// ```
    /// use crm_monitor::{Monitor, Recorder};
    ///
    /// let monitor = Monitor::new();
    /// let recorder = Recorder::builder(&monitor)
    ///     .rename(|name| name.replace('.', "_"))
    ///     .build()?;
    /// metrics::with_local_recorder(&recorder, || metrics::counter!("cache.hits").increment(1));
    /// assert_eq!(recorder.refused(), 0);
    /// # Ok::<(), crm_monitor::RegisterError>(())
    /// ```
    ///
    /// Two names that become one are a [`RefusalReason::Clash`]. The function must not record by itself.
    pub fn rename(mut self, rename: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.rename = Some(Box::new(rename));
        self
    }

    /// Divides the values of a histogram by the layout that this function has for its name.
    ///
    /// Where it has none, and without it, a name in `_seconds` gets [`Layout::response_times`], and any other one to 10^12 at
    /// one percent. The layout is in nanoseconds for names in `_seconds`, and in millionths for those of
    /// [`fractions`](Self::fractions). The function is called under no lock and may record, but not by a histogram that it has not
    /// seen yet: that would ask it again.
    pub fn layout(
        mut self,
        layout: impl Fn(&str) -> Option<Layout> + Send + Sync + 'static,
    ) -> Self {
        self.layout = Some(Box::new(layout));
        self
    }

    /// Keeps the histograms of the names for which this function holds in [millionths](Unit::Millionths), which each exposition
    /// turns back, for values with fractions whose names tell no unit. Snapshots of them are in millionths.
    ///
    /// ```
    /// use crm_monitor::{Monitor, Recorder, expose};
    ///
    /// let monitor = Monitor::new();
    /// let recorder = Recorder::builder(&monitor)
    ///     .fractions(|name| name.ends_with("_duration"))
    ///     .build()?;
    /// metrics::with_local_recorder(&recorder, || metrics::histogram!("request_duration").record(0.2));
    /// let mut page = String::new();
    /// expose::openmetrics(&monitor.read(), &mut page)?;
    /// assert!(page.contains("request_duration_sum 0.2\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Values reach to 1.8 x 10^13 and, unless [`layout`](Self::layout) says otherwise, are told apart up to 10^6 at one percent.
    /// Whole numbers are better off without: exposed buckets then count small ones exactly. It changes nothing for names that tell
    /// a unit; those of seconds have their parts already. The function is called as that of [`layout`](Self::layout) is.
    pub fn fractions(mut self, fractions: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.fractions = Some(Box::new(fractions));
        self
    }

    /// Gives each name at most this number of series, one at least; 200 is the default. Further ones are recorded together, in a
    /// series whose labels all have the value `other`, and each is a [`RefusalReason::Series`].
    pub fn limit(mut self, series: usize) -> Self {
        self.limit = series;
        self
    }

    /// Makes the recorder.
    ///
    /// # Errors
    ///
    /// Where `metrics_refused` is taken already, as it is by another recorder.
    pub fn build(self) -> Result<Recorder, RegisterError> {
        let refused = self
            .monitor
            .counter("metrics_refused")
            .help("What the recorder of the crate metrics did not take.")
            .register()
            .map_err(|error| or_taken(error, ONE_RECORDER))?;
        Ok(Recorder {
            inner: Arc::new(Inner {
                monitor: self.monitor.clone(),
                limit: self.limit,
                rename: self.rename,
                layout: self.layout,
                fractions: self.fractions,
                counters: Keys::new(),
                gauges: Keys::new(),
                histograms: Keys::new(),
                names: Mutex::default(),
                refusals: Arc::new(Refusals::new(refused)),
            }),
        })
    }
}

impl fmt::Debug for RecorderBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecorderBuilder")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
