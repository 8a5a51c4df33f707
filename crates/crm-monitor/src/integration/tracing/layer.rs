//! The settings, and the layer of a subscriber.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crm_clock::Clock;
use tracing_core::span::{Attributes, Id};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::life::{Life, Lived};
use crate::histogram::nanoseconds;
use crate::integration::or_taken;
use crate::integration::table::Table;
use crate::{Family, Histogram, Layout, Monitor, RegisterError};

/// How many names of spans are told apart, unless [`SpanLayerBuilder::limit`] says otherwise.
const LIMIT: usize = 200;

/// What to do instead of making a second layer of the same names.
const ONE_LAYER: &str = "name the figures of the second layer by SpanLayerBuilder::prefix";

/// A layer for a subscriber of the crate `tracing` that measures how long spans last. Needs the feature
/// `tracing`.
///
/// ```
/// use crm_monitor::{Monitor, SpanLayer};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let monitor = Monitor::new();
/// let subscriber = tracing_subscriber::registry().with(SpanLayer::new(&monitor)?);
/// tracing::subscriber::with_default(subscriber, || {
///     tracing::info_span!("load_customer").in_scope(|| { /* work */ });
/// });
/// let reading = monitor.read();
/// assert!(reading.families.iter().any(|family| &*family.name == "span_duration_seconds"));
/// # Ok::<(), crm_monitor::RegisterError>(())
/// ```
///
/// | name | histogram of | |
/// |---|---|---|
/// | `span_duration_seconds` | the time from a span's making to its closing | always |
/// | `span_busy_seconds` | how much of it the span was entered | unless [`busy(false)`](SpanLayerBuilder::busy) |
/// | `span_idle_seconds` | how much of it the span was not: a future waited | with [`idle(true)`](SpanLayerBuilder::idle) |
///
/// Each has the label `span`, the name of the span: those of one name are one series, wherever they were made. Busy and idle
/// add up to the whole. A span may be entered often, within itself, on several threads at once, and closed on another: it is
/// busy while it is entered at all. A span closes when its last handle and the last span within it are gone.
///
/// A span **fails** when an event of the level ERROR occurs in it; [`SpanFailures`] says whose fault it is.
///
/// It measures what it is told of: with a filter of its own, as
/// [`with_filter`](tracing_subscriber::Layer::with_filter) makes it, only the spans that pass. Several such layers, for several
/// monitors, may share a subscriber.
pub struct SpanLayer {
    /// Tells the layers of one subscriber apart.
    identity: u64,
    clock: Clock,
    failures: SpanFailures,
    families: Families,
    rows: Table<Row>,
}

/// Which spans an event of the level ERROR makes a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpanFailures {
    /// The one in which the event occurs, since those around it may still do what they are for.
    #[default]
    Innermost,
    /// That one, and all around it.
    Scope,
    /// None.
    Never,
}

/// The families by the span's name.
struct Families {
    whole: Family<Histogram, 1>,
    busy: Option<Family<Histogram, 1>>,
    idle: Option<Family<Histogram, 1>>,
}

/// The histograms of one name.
struct Row {
    whole: Histogram,
    busy: Option<Histogram>,
    idle: Option<Histogram>,
}

/// The lives of one span, one for each layer that measures it.
struct Lives {
    identity: u64,
    life: Life,
    next: Option<Box<Self>>,
}

impl SpanLayer {
    /// The layer that measures whole durations and busy times.
    ///
    /// # Errors
    ///
    /// Where one of the names is taken already, as it is by another such layer.
    pub fn new(monitor: &Monitor) -> Result<Self, RegisterError> {
        Self::builder(monitor).build()
    }

    /// A layer with other settings.
    pub fn builder(monitor: &Monitor) -> SpanLayerBuilder<'_> {
        SpanLayerBuilder {
            monitor,
            prefix: "span".into(),
            busy: true,
            idle: false,
            failures: SpanFailures::default(),
            limit: LIMIT,
            layout: Layout::response_times(),
        }
    }

    fn change<'a, S>(&self, span: &SpanRef<'a, S>, change: impl FnOnce(&mut Life))
    where
        S: LookupSpan<'a>,
    {
        let mut extensions = span.extensions_mut();
        let mut lives = extensions.get_mut::<Lives>();
        while let Some(own) = lives {
            if own.identity == self.identity {
                return change(&mut own.life);
            }
            lives = own.next.as_deref_mut();
        }
    }

    fn record(&self, name: &str, life: &Life, lived: Lived) {
        let made;
        let row = match life.place.and_then(|place| self.rows.at(place)) {
            Some(row) => row,
            // The family knows what to do past the limit.
            None => {
                made = self.families.row(name);
                &made
            }
        };
        let all = [
            (Some(&row.whole), lived.whole),
            (row.busy.as_ref(), lived.busy),
            (row.idle.as_ref(), lived.idle),
        ];
        for (times, duration) in all {
            match times {
                Some(times) if life.failed => times.record_failure(nanoseconds(duration)),
                Some(times) => times.record_duration(duration),
                None => {}
            }
        }
    }
}

impl Families {
    fn row(&self, name: &str) -> Row {
        let of = |family: &Option<Family<_, 1>>| family.as_ref().map(|family| family.with([name]));
        Row {
            whole: self.whole.with([name]),
            busy: of(&self.busy),
            idle: of(&self.idle),
        }
    }
}

impl<S> Layer<S> for SpanLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let name = span.name();
        let place = self.rows.find(name, || self.families.row(name));
        let mut extensions = span.extensions_mut();
        let next = extensions.remove::<Lives>().map(Box::new);
        extensions.insert(Lives {
            identity: self.identity,
            life: Life::new(self.clock.now(), place),
            next,
        });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            self.change(&span, |life| life.enter(self.clock.now()));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            self.change(&span, |life| life.exit(self.clock.now()));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let fail = |span| self.change(&span, |life| life.failed = true);
        match self.failures {
            SpanFailures::Innermost => context.event_span(event).into_iter().for_each(fail),
            SpanFailures::Scope => context
                .event_scope(event)
                .into_iter()
                .flatten()
                .for_each(fail),
            SpanFailures::Never => {}
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id) {
            let now = self.clock.now();
            self.change(&span, |life| {
                let lived = life.close(now);
                self.record(span.name(), life, lived);
            });
        }
    }
}

impl fmt::Debug for SpanLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanLayer")
            .field("failures", &self.failures)
            .field("spans", &self.rows)
            .finish_non_exhaustive()
    }
}

/// The settings of a [`SpanLayer`].
#[derive(Debug)]
#[must_use = "nothing is registered before `build`"]
pub struct SpanLayerBuilder<'a> {
    monitor: &'a Monitor,
    prefix: String,
    busy: bool,
    idle: bool,
    failures: SpanFailures,
    limit: usize,
    layout: Layout,
}

impl SpanLayerBuilder<'_> {
    /// Begins the names with this instead of `span`.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whether busy times are measured; the default is yes.
    pub fn busy(mut self, busy: bool) -> Self {
        self.busy = busy;
        self
    }

    /// Whether idle times are measured; the default is no.
    pub fn idle(mut self, idle: bool) -> Self {
        self.idle = idle;
        self
    }

    /// Which spans an event of the level ERROR makes a failure; the innermost is the default.
    pub fn failures(mut self, failures: SpanFailures) -> Self {
        self.failures = failures;
        self
    }

    /// Tells at most this number of names apart; 200 is the default. What comes later is in the overflow of its family. Each
    /// name takes a histogram, of 17 KB for each thread that records into it, for each time that is measured.
    pub fn limit(mut self, names: usize) -> Self {
        self.limit = names;
        self
    }

    /// Divides durations by this layout instead of [`Layout::response_times`].
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Registers the figures.
    ///
    /// # Errors
    ///
    /// Where one of the names is taken already, or is none because of its prefix. What was registered before it stays.
    pub fn build(self) -> Result<SpanLayer, RegisterError> {
        static LAYERS: AtomicU64 = AtomicU64::new(0);
        let family = |part: &str, help: &str| {
            self.monitor
                .histograms(&format!("{}_{part}_seconds", self.prefix), ["span"])
                .help(help)
                .layout(self.layout)
                .limit(self.limit)
                .register()
                .map_err(|error| or_taken(error, ONE_LAYER))
        };
        let whole = family("duration", "Time from a span's making to its closing.")?;
        let busy = self
            .busy
            .then(|| family("busy", "Time during which a span was entered."))
            .transpose()?;
        let idle = self
            .idle
            .then(|| family("idle", "Time during which an open span was not entered."))
            .transpose()?;
        Ok(SpanLayer {
            // Relaxed: only that no two are equal matters.
            identity: LAYERS.fetch_add(1, Ordering::Relaxed),
            clock: self.monitor.clock().clone(),
            failures: self.failures,
            families: Families { whole, busy, idle },
            rows: Table::new(self.limit),
        })
    }
}
