//! A number behind an advice.

use std::borrow::Cow;
use std::fmt;

use super::measure::Dimension;
use super::quantity::Quantity;

/// A number behind an advice: measured, unless its name says that it is assumed or modelled.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fact {
    /// What it is.
    pub name: Cow<'static, str>,
    /// In the unit.
    pub value: f64,
    /// Of the value.
    pub unit: Dimension,
}

impl Fact {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, value: f64, unit: Dimension) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
        }
    }
}

/// `name: 12.3 ms`.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, Quantity(self.value, self.unit))
    }
}
