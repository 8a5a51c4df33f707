//! The registration of a single series.

use std::marker::PhantomData;
use std::sync::Arc;

use super::error::{NameError, RegisterError, UnitError};
use super::instrument::{INSIDE, Instrument, Make};
use super::name;
use super::roster::Head;
use super::{Registry, roster};
use crate::histogram::{Histogram, Layout};
use crate::reading::{Kind, Labels};
use crate::unit::Unit;

/// What every registration is told before it is made.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) registry: &'a Arc<Registry>,
    name: String,
    help: String,
    declared: Option<Unit>,
    pub(crate) labels: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(registry: &'a Arc<Registry>, name: &str) -> Self {
        Self {
            registry,
            name: format!("{}{name}", registry.prefix()),
            help: String::new(),
            declared: None,
            labels: Vec::new(),
        }
    }

    pub(crate) fn help(&mut self, help: &str) {
        help.clone_into(&mut self.help);
    }

    pub(crate) fn unit(&mut self, unit: Unit) {
        self.declared = Some(unit);
    }

    pub(crate) fn label(&mut self, name: &str, value: &str) {
        self.labels.push((name.to_owned(), value.to_owned()));
    }

    /// What the series of the family have in common, if all of it can be exposed.
    pub(crate) fn head(&self, kind: Kind, whole: bool) -> Result<Head, RegisterError> {
        // Which the namespace would hide.
        if self.name.len() == self.registry.prefix().len() {
            return Err(NameError::Empty.into());
        }
        name::check_name(&self.name)?;
        let told = Unit::of_name(&self.name)?;
        let fraction = self.declared == Some(Unit::Millionths) && told == Unit::None;
        let differs = |declared: &Unit| *declared != told && !fraction;
        if let Some(declared) = self.declared.filter(differs) {
            return Err(UnitError::NotOfName {
                name: self.name.clone(),
                declared,
                told,
            }
            .into());
        }
        if whole && told == Unit::Ratio {
            return Err(UnitError::WholeRatio {
                name: self.name.clone(),
            }
            .into());
        }
        name::check_help(&self.help)?;
        Ok(Head {
            name: self.name.as_str().into(),
            help: self.help.as_str().into(),
            unit: if fraction { Unit::Millionths } else { told },
            kind,
        })
    }

    /// The labels in the order in which they were given, if they can be exposed.
    pub(crate) fn labels(&self) -> Result<Labels, RegisterError> {
        name::check_label_names(self.labels.iter().map(|(name, _)| name.as_str()))?;
        for (name, value) in &self.labels {
            name::check_label_value(name, value)?;
        }
        let pairs = self.labels.iter();
        Ok(Labels::new(pairs.map(|(name, value)| {
            (name.as_str().into(), value.as_str().into())
        })))
    }
}

/// A single series that is about to be registered.
///
/// Nothing is checked and nothing happens before [`register`](Self::register).
#[derive(Clone, Debug)]
#[must_use = "nothing is registered before `register`"]
pub struct Registration<'a, I> {
    draft: Draft<'a>,
    layout: Layout,
    instrument: PhantomData<fn() -> I>,
}

impl<'a, I: Instrument> Registration<'a, I> {
    pub(crate) fn new(registry: &'a Arc<Registry>, name: &str) -> Self {
        Self {
            draft: Draft::new(registry, name),
            layout: Layout::response_times(),
            instrument: PhantomData,
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

    /// Registers a new instrument.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] where the name, the unit, the help text or a label cannot be exposed, the series is registered
    /// already, its name belongs to series of another kind, or the monitor is full. Nothing is registered then.
    pub fn register(self) -> Result<I, RegisterError> {
        let instrument = I::make(&Make {
            layout: self.layout,
            clock: self.draft.registry.clock().clone(),
        });
        self.adopt(&instrument)?;
        Ok(instrument)
    }

    /// Registers an instrument that is there already, such as one that a library made for itself.
    ///
    /// ```
    /// use crm_monitor::{Counter, Monitor};
    ///
    /// let hits = Counter::new(); // inside a library that knows no monitor
    /// let monitor = Monitor::new();
    /// monitor.counter("cache_hits").help("Customers found in memory.").adopt(&hits)?;
    /// # Ok::<(), crm_monitor::RegisterError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn adopt(self, instrument: &I) -> Result<(), RegisterError> {
        let head = self.draft.head(I::KIND, true)?;
        let labels = self.draft.labels()?;
        let figure: Box<dyn roster::Figure> = Box::new(instrument.clone());
        self.draft
            .registry
            .add_single(head, labels, instrument.buckets(INSIDE), figure)
    }
}

impl Registration<'_, Histogram> {
    /// How the range is divided; [`Layout::response_times`] unless it is said here.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }
}
