//! A figure before and after.

use std::fmt;

use super::measure::Measure;
use super::quantity::Quantity;

/// A figure before a change and after it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Effect {
    /// Which figure.
    pub measure: Measure,
    /// As it is, in the unit of the measure.
    pub before: f64,
    /// As it should be.
    pub after: f64,
}

impl Effect {
    pub(super) const fn new(measure: Measure, before: f64, after: f64) -> Self {
        Self {
            measure,
            before,
            after,
        }
    }
}

/// `mean response time from 12 ms to 8 ms`.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.measure.dimension();
        let (before, after) = (Quantity(self.before, unit), Quantity(self.after, unit));
        write!(f, "{} from {before} to {after}", self.measure)
    }
}
