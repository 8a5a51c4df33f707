//! All instruments of a service in one place, to be read together.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crm_clock::{Clock, wall_time};

use crate::counter::Counter;
use crate::error::BuildError;
use crate::gauge::Gauge;
use crate::histogram::Histogram;
use crate::in_flight::InFlight;
use crate::reading::{Kind, Reading};
use crate::registry::{
    FamilyRegistration, ObservedRegistration, Registration, Registry, WallClock, name,
};
use crate::window::{History, HistoryBuilder};

/// How many series a monitor may hold unless it is told otherwise.
const SERIES_LIMIT: usize = 10_000;

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
///
/// # What may be registered
///
/// Whatever is registered can be exposed as it is written; anything else is a [`RegisterError`](crate::RegisterError), and
/// nothing is ever renamed.
///
/// | part | rule |
/// |---|---|
/// | name | an ASCII letter, then letters, digits and underscores; at most 200 bytes with the namespace |
/// | its end | not `_total`, `_created`, `_bucket`, `_sum`, `_count`, `_gsum` or `_gcount`, which samples end in; a unit that is no base unit, such as `_milliseconds`, is refused |
/// | with a histogram | not its name and `_failures`, under which its failures are exposed |
/// | its beginning | not `crm_monitor_`, as the monitor's own figures begin |
/// | unit | what the last word of the name tells, see [`Unit`](crate::Unit) |
/// | help text | any, at most 1,000 bytes |
/// | name of a label | as that of a family, at most 100 bytes; not `le`, `quantile` or `overflow` |
/// | value of a label | any, at most 256 bytes |
/// | labels of a series | at most 16, each name once |
///
/// Because of the endings, whether a name may be registered does not depend on which others are, save itself and that of the
/// failures. Series of one name have the same kind, help text, names of labels and layout of buckets; a series is registered once.
#[derive(Clone)]
pub struct Monitor {
    registry: Arc<Registry>,
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
        Self::builder()
            .clock(clock)
            .build()
            .expect("what is not said is valid")
    }

    /// Begins a monitor with limits, a namespace or clocks of its own.
    pub fn builder() -> MonitorBuilder {
        MonitorBuilder {
            clock: Clock::system(),
            wall_clock: Box::new(wall_time),
            namespace: String::new(),
            series_limit: SERIES_LIMIT,
        }
    }

    #[cfg(all(feature = "procfs", target_os = "linux"))]
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The clock of the timers.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.registry.clock()
    }

    /// Begins a history on this monitor's clock, so that a test turns one clock for both.
    ///
    /// ```
    /// use crm_monitor::Monitor;
    /// use crm_monitor::clock::Clock;
    /// use std::time::Duration;
    ///
    /// let (clock, hand) = Clock::manual();
    /// let monitor = Monitor::with_clock(clock);
    /// let times = monitor.histogram("http_response_time_seconds").register()?;
    /// let history = monitor.history().build()?;
    /// let past = history.track(&times);
    ///
    /// let timer = times.start();
    /// hand.advance(Duration::from_secs(1));
    /// timer.stop();
    /// history.sample();
    /// let second = past.over(Duration::from_secs(1)).expect("a second has passed");
    /// assert_eq!((second.elapsed, second.value.count()), (Duration::from_secs(1), 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn history(&self) -> HistoryBuilder {
        History::builder().clock(self.clock().clone())
    }

    /// Begins a counter. Its name goes without `_total`, which the exposition adds.
    pub fn counter(&self, name: &str) -> Registration<'_, Counter> {
        Registration::new(&self.registry, name)
    }

    /// Begins a gauge.
    pub fn gauge(&self, name: &str) -> Registration<'_, Gauge> {
        Registration::new(&self.registry, name)
    }

    /// Begins a gauge of what is in progress.
    pub fn in_flight(&self, name: &str) -> Registration<'_, InFlight> {
        Registration::new(&self.registry, name)
    }

    /// Begins a histogram, of [`Layout::response_times`](crate::Layout::response_times) unless it is given another.
    pub fn histogram(&self, name: &str) -> Registration<'_, Histogram> {
        Registration::new(&self.registry, name)
    }

    /// Begins a family of counters by the values of `labels`.
    pub fn counters<const N: usize>(
        &self,
        name: &str,
        labels: [&str; N],
    ) -> FamilyRegistration<'_, Counter, N> {
        FamilyRegistration::new(&self.registry, name, labels)
    }

    /// Begins a family of gauges by the values of `labels`.
    pub fn gauges<const N: usize>(
        &self,
        name: &str,
        labels: [&str; N],
    ) -> FamilyRegistration<'_, Gauge, N> {
        FamilyRegistration::new(&self.registry, name, labels)
    }

    /// Begins a family of gauges of what is in progress, by the values of `labels`.
    pub fn in_flights<const N: usize>(
        &self,
        name: &str,
        labels: [&str; N],
    ) -> FamilyRegistration<'_, InFlight, N> {
        FamilyRegistration::new(&self.registry, name, labels)
    }

    /// Begins a family of histograms by the values of `labels`.
    ///
    /// Each has memory of its own: the limit of the family times what its [`Layout`](crate::Layout) takes is the bound.
    pub fn histograms<const N: usize>(
        &self,
        name: &str,
        labels: [&str; N],
    ) -> FamilyRegistration<'_, Histogram, N> {
        FamilyRegistration::new(&self.registry, name, labels)
    }

    /// Begins a gauge that a function tells whenever it is read: a fill level, a hit ratio, an age.
    ///
    /// ```
    /// use crm_monitor::Monitor;
    /// use std::sync::{Arc, Mutex};
    ///
    /// let queue = Arc::new(Mutex::new(vec![1, 2, 3]));
    /// let monitor = Monitor::new();
    /// let seen = Arc::clone(&queue);
    /// monitor
    ///     .observe_gauge("mail_queue_fill_ratio")
    ///     .help("How full the queue of outgoing mail is.")
    ///     .register(move || seen.lock().ok().map(|queue| queue.len() as f64 / 100.0))?;
    /// # Ok::<(), crm_monitor::RegisterError>(())
    /// ```
    pub fn observe_gauge(&self, name: &str) -> ObservedRegistration<'_> {
        ObservedRegistration::new(&self.registry, name, Kind::Gauge)
    }

    /// Begins a counter that a function tells whenever it is read: what something else counts. Its name goes without `_total`.
    pub fn observe_counter(&self, name: &str) -> ObservedRegistration<'_> {
        ObservedRegistration::new(&self.registry, name, Kind::Counter)
    }

    /// Takes all series of a name out, given as it is exposed: with its namespace, a counter's without `_total`. Whether
    /// there were any.
    ///
    /// The name is free afterwards. Handles go on counting, unseen; a family by label leads new values to its overflow series,
    /// unseen as well.
    #[expect(
        clippy::must_use_candidate,
        reason = "one removes for the effect; whether there was anything is for who asks"
    )]
    pub fn remove(&self, name: &str) -> bool {
        self.registry.remove(name)
    }

    /// Takes a series out that was registered by itself, by its name as for [`Monitor::remove`] and all of its labels in any
    /// order. Whether it was there.
    ///
    /// Handles go on counting, unseen. Series of a family by label are taken out by [`Family::remove`](crate::Family::remove).
    #[expect(
        clippy::must_use_candidate,
        reason = "one removes for the effect; whether there was anything is for who asks"
    )]
    pub fn remove_series(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        self.registry.remove_series(name, labels)
    }

    /// How many series there are, with one more for each family by label, whose overflow series has its place from the
    /// beginning.
    #[must_use]
    pub fn series(&self) -> usize {
        self.registry.series()
    }

    /// All figures as they stand.
    ///
    /// Writers do not wait for it: it holds a family's list for the copy of a pointer, which only a registration, the first
    /// lookup of a series and a removal would wait for.
    #[must_use]
    pub fn read(&self) -> Reading {
        self.registry.read()
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("registry", &self.registry)
            .finish()
    }
}

/// A monitor that is about to be made.
#[must_use = "nothing is made before `build`"]
pub struct MonitorBuilder {
    clock: Clock,
    wall_clock: WallClock,
    namespace: String,
    series_limit: usize,
}

impl MonitorBuilder {
    /// The clock of the timers; the system's unless it is said here.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What tells the time of day, by which readings and series are dated; [`wall_time`] unless it is said here. Exemplars are dated by
    /// [`wall_time`] whatever is said here, since a histogram knows no monitor.
    ///
    /// The monitor calls it under no lock of its own: it may record, register and read. Only the integrations have to be left alone
    /// in it, for they make the series of a new key, route or span while they hold its place: no macro of the crate `metrics`, no span.
    pub fn wall_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall_clock = Box::new(now);
        self
    }

    /// What is put before each name that is registered, with an underscore between; nothing unless it is said here.
    ///
    /// The names of the process's figures and of the monitor's own go without.
    ///
    /// ```
    /// use crm_monitor::Monitor;
    ///
    /// let monitor = Monitor::builder().namespace("crm").build()?;
    /// monitor.counter("logins").help("Logins.").register()?;
    /// assert_eq!(&*monitor.read().families[0].name, "crm_logins");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// How many series all families together may have; 10,000 unless it is said here.
    ///
    /// Past it, a registration is refused, and families by label lead new values to their overflow series.
    pub fn series_limit(mut self, series: usize) -> Self {
        self.series_limit = series;
        self
    }

    /// Makes the monitor.
    ///
    /// # Errors
    ///
    /// [`BuildError`] where names cannot begin with the namespace, or the limit is 0.
    pub fn build(self) -> Result<Monitor, BuildError> {
        let mut prefix = self.namespace;
        if !prefix.is_empty() {
            name::check_namespace(&prefix).map_err(BuildError::Namespace)?;
            prefix.push('_');
        }
        if self.series_limit == 0 {
            return Err(BuildError::NoSeries);
        }
        Ok(Monitor {
            registry: Arc::new(Registry::new(
                self.clock,
                self.wall_clock,
                prefix.into(),
                self.series_limit,
            )),
        })
    }
}

impl fmt::Debug for MonitorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorBuilder")
            .field("clock", &self.clock)
            .field("namespace", &self.namespace)
            .field("series_limit", &self.series_limit)
            .finish_non_exhaustive()
    }
}
