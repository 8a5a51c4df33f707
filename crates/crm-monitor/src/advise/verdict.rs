//! A prediction held against what came.

use std::fmt;

use super::action::Action;
use super::advice::Advice;
use super::figures::Figures;
use super::measure::Measure;
use super::quantity::{Quantity, three};

/// Figures that differ by more than this share are of another situation.
const CHANGED: f64 = 0.1;

/// A prediction held against the figures of a window after the change.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    comparisons: Vec<Comparison>,
    doubts: Vec<Doubt>,
    tolerance: f64,
}

impl Verdict {
    pub(super) fn of(advice: &Advice, measured: &Figures, tolerance: f64) -> Self {
        let comparisons: Vec<_> = advice
            .effects
            .iter()
            .filter_map(|effect| {
                Some(Comparison {
                    measure: effect.measure,
                    before: effect.before,
                    predicted: effect.after,
                    measured: measured.measured(effect.measure)?,
                })
            })
            .collect();
        let doubts = doubts(advice, measured, &comparisons);
        Self {
            comparisons,
            doubts,
            tolerance,
        }
    }

    /// Whether the figure that the advice was for came as predicted, within the tolerance. `None` when that cannot be told: see
    /// [`doubts`](Self::doubts).
    #[must_use]
    pub fn is_held(&self) -> Option<bool> {
        let first = self.comparisons.first()?;
        self.doubts
            .is_empty()
            .then(|| first.error_percent().abs() <= self.tolerance * 100.0)
    }

    /// What was predicted and what was measured, the figure that the advice was for first.
    #[must_use]
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// Why the two may not be comparable; empty where they are.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }
}

/// `held: mean response time was 8.4 ms, 8.67 ms predicted (-3.14 %)`, or why that cannot be told.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_held() {
            Some(true) => "held",
            Some(false) => "not held",
            None => "not comparable",
        })?;
        let mut between = ": ";
        for doubt in &self.doubts {
            write!(f, "{between}{doubt}")?;
            between = ", ";
        }
        if let Some(first) = self.comparisons.first() {
            write!(f, "{between}{first}")?;
        }
        Ok(())
    }
}

/// One figure as it was, as predicted and as measured.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Which figure.
    pub measure: Measure,
    /// As it was when the advice was given, in the unit of the measure.
    pub before: f64,
    /// As it should have become.
    pub predicted: f64,
    /// As it became.
    pub measured: f64,
}

impl Comparison {
    /// By how many per cent of the prediction the measurement is above it, or below; of the figure before where zero
    /// was predicted, and infinitely many where that was zero too.
    #[must_use]
    pub fn error_percent(&self) -> f64 {
        let off = self.measured - self.predicted;
        let of = if self.predicted == 0.0 {
            self.before
        } else {
            self.predicted
        };
        if off == 0.0 { 0.0 } else { off / of * 100.0 }
    }
}

/// `mean response time was 8.4 ms, 8.67 ms predicted (-3.14 %)`.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.measure.dimension();
        let (measured, predicted) = (
            Quantity(self.measured, unit),
            Quantity(self.predicted, unit),
        );
        let error = self.error_percent();
        let sign = if error < 0.0 { "-" } else { "+" };
        write!(
            f,
            "{} was {measured}, {predicted} predicted ({sign}{} %)",
            self.measure,
            three(error.abs())
        )
    }
}

/// Why a prediction and a measurement may not be comparable.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Doubt {
    /// A figure that the advice left alone has changed by more than a tenth.
    Changed {
        /// Which figure; [`Measure::ArrivalRate`] with those refused.
        measure: Measure,
        /// As it was when the advice was given, in the unit of the measure.
        before: f64,
        /// As it is.
        now: f64,
    },
    /// What was advised was done by less than nine tenths or more than eleven tenths.
    NotDone {
        /// What was to be changed.
        measure: Measure,
        /// To what.
        advised: f64,
        /// As it is.
        now: f64,
    },
    /// The figure that the advice was for is not known.
    NotMeasured {
        /// Which figure.
        measure: Measure,
    },
    /// There was nothing to do, so that nothing can have come of it.
    NothingAdvised,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Changed {
                measure,
                before,
                now,
            } => {
                let unit = measure.dimension();
                let (before, now) = (Quantity(before, unit), Quantity(now, unit));
                write!(f, "{measure} changed from {before} to {now} in between")
            }
            Self::NotDone {
                measure,
                advised,
                now,
            } => {
                let unit = measure.dimension();
                let (advised, now) = (Quantity(advised, unit), Quantity(now, unit));
                write!(f, "{measure} at {now}, where {advised} was advised")
            }
            Self::NotMeasured { measure } => write!(f, "{measure} was not measured"),
            Self::NothingAdvised => f.write_str("there was nothing to do"),
        }
    }
}

fn doubts(advice: &Advice, measured: &Figures, comparisons: &[Comparison]) -> Vec<Doubt> {
    let Some(first) = advice.effects.first() else {
        return vec![Doubt::NothingAdvised];
    };
    let mut doubts = Vec::new();
    if comparisons.first().map(|comparison| comparison.measure) != Some(first.measure) {
        doubts.push(Doubt::NotMeasured {
            measure: first.measure,
        });
    }
    if let (Some(before), Some(now)) = (advice.basis.offered(), measured.offered()) {
        if differs(before, now) {
            doubts.push(Doubt::Changed {
                measure: Measure::ArrivalRate,
                before,
                now,
            });
        }
    }
    if let Some(change) = advice.change {
        if let Some(now) = measured.measured(change.measure) {
            let step = (change.after - change.before).abs();
            if (now - change.after).abs() > CHANGED * step {
                doubts.push(Doubt::NotDone {
                    measure: change.measure,
                    advised: change.after,
                    now,
                });
            }
        }
    }
    // What was neither to be changed nor to be improved has to be as it was.
    for measure in [Measure::ServiceTime, Measure::Workers, Measure::HitRatio] {
        let concerned = advice.effect(measure).is_some()
            || advice
                .change
                .is_some_and(|change| change.measure == measure)
            || matches!(advice.action, Action::Compress) && measure == Measure::ServiceTime;
        if let (false, Some(before), Some(now)) = (
            concerned,
            advice.basis.measured(measure),
            measured.measured(measure),
        ) {
            if differs(before, now) {
                doubts.push(Doubt::Changed {
                    measure,
                    before,
                    now,
                });
            }
        }
    }
    doubts
}

fn differs(before: f64, now: f64) -> bool {
    (now - before).abs() > CHANGED * before.max(now)
}
