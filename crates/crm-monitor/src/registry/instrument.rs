//! What can be registered, and how it is read.

use std::fmt;

use crm_clock::Clock;

use crate::counter::Counter;
use crate::exemplar::Exemplar;
use crate::gauge::Gauge;
use crate::histogram::{Histogram, Layout};
use crate::in_flight::InFlight;
use crate::reading::{Kind, Value};

/// What a [`Monitor`](crate::Monitor) can register: [`Counter`], [`Gauge`], [`InFlight`] and [`Histogram`].
///
/// The trait is sealed: it only names them together, and has nothing to call.
///
/// ```compile_fail,E0061
/// fn value<I: crm_monitor::Instrument>(instrument: &I) -> crm_monitor::Value {
///     instrument.value()
/// }
/// ```
pub trait Instrument: Sealed {}

impl Instrument for Counter {}
impl Instrument for Gauge {}
impl Instrument for InFlight {}
impl Instrument for Histogram {}

/// What instruments are made with.
#[derive(Clone, Debug)]
pub struct Make {
    pub(crate) layout: Layout,
    pub(crate) clock: Clock,
}

/// What only this crate has, so that only it can ask what [`Sealed`] answers: a supertrait's methods can be called by whoever names the
/// trait below it.
#[derive(Clone, Copy, Debug)]
pub struct Inside(());

pub(crate) const INSIDE: Inside = Inside(());

/// What the registry asks of instruments.
pub trait Sealed: Clone + fmt::Debug + Send + Sync + 'static {
    /// What its figures are.
    const KIND: Kind;

    /// A new one, at zero.
    fn make(make: &Make) -> Self;

    /// Its figure.
    fn value(&self, _: Inside) -> Value;

    /// Examples of what it has recorded.
    fn exemplars(&self, _: Inside) -> Vec<Exemplar> {
        Vec::new()
    }

    /// How its values are divided, if it has buckets.
    fn buckets(&self, _: Inside) -> Option<Layout> {
        None
    }
}

impl Sealed for Counter {
    const KIND: Kind = Kind::Counter;

    fn make(_: &Make) -> Self {
        Self::new()
    }

    fn value(&self, _: Inside) -> Value {
        Value::Counter(Self::value(self))
    }
}

impl Sealed for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn make(_: &Make) -> Self {
        Self::new()
    }

    fn value(&self, _: Inside) -> Value {
        Value::Gauge(Self::value(self))
    }
}

impl Sealed for InFlight {
    const KIND: Kind = Kind::Gauge;

    fn make(_: &Make) -> Self {
        Self::new()
    }

    fn value(&self, _: Inside) -> Value {
        // What is entered lies in memory, so that there are fewer than 2^63.
        Value::Gauge(Self::value(self) as i64)
    }
}

impl Sealed for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn make(make: &Make) -> Self {
        Self::with_clock(make.layout, make.clock.clone())
    }

    fn value(&self, _: Inside) -> Value {
        Value::Histogram(self.snapshot().into())
    }

    fn exemplars(&self, _: Inside) -> Vec<Exemplar> {
        Self::exemplars(self)
    }

    fn buckets(&self, _: Inside) -> Option<Layout> {
        Some(self.layout())
    }
}
