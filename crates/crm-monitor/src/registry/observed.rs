//! Figures that a function tells whenever they are read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Registry;
use super::error::RegisterError;
use super::registration::Draft;
use super::roster::Figure;
use crate::counter::Counter;
use crate::reading::{Kind, Value};
use crate::unit::Unit;

/// A figure that a function is to tell; see [`Monitor::observe_gauge`](crate::Monitor::observe_gauge) and
/// [`Monitor::observe_counter`](crate::Monitor::observe_counter).
#[derive(Clone, Debug)]
#[must_use = "nothing is registered before `register`"]
pub struct ObservedRegistration<'a> {
    draft: Draft<'a>,
    kind: Kind,
}

impl<'a> ObservedRegistration<'a> {
    pub(crate) fn new(registry: &'a Arc<Registry>, name: &str, kind: Kind) -> Self {
        Self {
            draft: Draft::new(registry, name),
            kind,
        }
    }

    /// What the figure means, in words: any text of at most 1,000 bytes.
    pub fn help(mut self, help: &str) -> Self {
        self.draft.help(help);
        self
    }

    /// Declares what the figure is measured in. The name tells it already; a declaration that differs is refused.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.draft.unit(unit);
        self
    }

    /// A label and its value: any text of at most 256 bytes. Series of one name differ in the values of their labels alone.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.draft.label(name, value);
        self
    }

    /// Registers the function, which every reading calls once.
    ///
    /// It gives an `f64`, or an `Option` of one; where it gives none, the series is absent from the reading. The number is
    /// in the unit itself: seconds, not nanoseconds. The function is called under no lock, on the thread that reads, by
    /// several at once if several read. Where it panics, or gives a number that no counter can have (negative, infinite or
    /// none), the series is absent as well, and `crm_monitor_failed_observations` counts it.
    ///
    /// What the function of a counter tells must not fall while the process runs.
    ///
    /// # Errors
    ///
    /// As for [`Registration::register`](crate::Registration::register).
    pub fn register<F, R>(self, observe: F) -> Result<(), RegisterError>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Into<Option<f64>>,
    {
        let head = self.draft.head(self.kind, false)?;
        let labels = self.draft.labels()?;
        let registry = self.draft.registry;
        let figure = Box::new(Observed {
            observe: move || observe().into(),
            kind: self.kind,
            failed: registry.failed_observations.clone(),
        });
        registry.add_single(head, labels, None, figure)?;
        // Relaxed: a reading that misses the flag misses a counter at zero.
        registry
            .observes
            .store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

struct Observed<F> {
    observe: F,
    kind: Kind,
    failed: Counter,
}

impl<F: Fn() -> Option<f64> + Send + Sync> Figure for Observed<F> {
    fn value(&self) -> Option<Value> {
        // Whoever reads does not answer for this function, and nothing of ours is seen half changed: it only tells a number.
        let Ok(told) = catch_unwind(AssertUnwindSafe(&self.observe)) else {
            self.failed.increment();
            return None;
        };
        let told = told?;
        match self.kind {
            Kind::Counter if told >= 0.0 && told.is_finite() => Some(Value::ObservedCounter(told)),
            Kind::Counter => {
                self.failed.increment();
                None
            }
            _ => Some(Value::ObservedGauge(told)),
        }
    }
}
