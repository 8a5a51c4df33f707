//! One thing that would help, with its reasons and what it is worth.

use std::fmt;

use super::action::Action;
use super::effect::Effect;
use super::fact::Fact;
use super::figures::Figures;
use super::measure::Measure;
use super::quantity::Quantity;
use super::verdict::Verdict;

/// One thing that would help: what to change, the numbers behind it, the effect to expect, and what that is worth.
///
/// Displayed it is one sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    pub(super) action: Action,
    pub(super) change: Option<Effect>,
    pub(super) evidence: Vec<Fact>,
    pub(super) effects: Vec<Effect>,
    pub(super) worth: f64,
    pub(super) basis: Figures,
}

impl Advice {
    /// What to do.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The one point that changes: workers from 4 to 6 for instance. None where the action is to look.
    #[must_use]
    pub const fn change(&self) -> Option<Effect> {
        self.change
    }

    /// The numbers behind it.
    #[must_use]
    pub fn evidence(&self) -> &[Fact] {
        &self.evidence
    }

    /// What should come of it, the figure it is for first.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// What should come of one figure.
    #[must_use]
    pub fn effect(&self, measure: Measure) -> Option<Effect> {
        self.effects
            .iter()
            .find(|effect| effect.measure == measure)
            .copied()
    }

    /// What it is worth: by how many fewer requests are kept waiting at any moment.
    ///
    /// One scale for all advice. By Little's law, seconds of response time saved on each request, times requests by the second,
    /// are requests that are no longer in flight. Bytes are counted by the time that they take on the line to the client,
    /// and a failed or refused request as one that waited for [`Advisor::failure`](super::Advisor::failure), ten seconds unless said. Zero for
    /// [`Action::Nothing`].
    #[must_use]
    pub const fn worth(&self) -> f64 {
        self.worth
    }

    /// The figures that it was given for.
    #[must_use]
    pub const fn basis(&self) -> &Figures {
        &self.basis
    }

    /// Holds the prediction against the figures of a window after the change; it holds within 20 % of what was predicted.
    #[must_use]
    pub fn held_against(&self, measured: &Figures) -> Verdict {
        self.held_within(measured, 0.2)
    }

    /// The same with another tolerance, as a share of what was predicted; one below zero or NaN is zero.
    #[must_use]
    pub fn held_within(&self, measured: &Figures, tolerance: f64) -> Verdict {
        Verdict::of(self, measured, tolerance.max(0.0))
    }
}

/// One sentence, without a full stop.
impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action)?;
        if self.action == Action::Nothing {
            f.write_str(" to do: as far as is known it is fine")?;
            for (position, evidence) in self.evidence.iter().enumerate() {
                let between = if position == 0 { " (" } else { ", " };
                write!(f, "{between}{evidence}")?;
            }
            if !self.evidence.is_empty() {
                f.write_str(")")?;
            }
            return Ok(());
        }
        if let Some(change) = self.change {
            write!(f, ": bring the {change}")?;
        }
        let Some(effect) = self.effects.first() else {
            return Ok(());
        };
        if matches!(self.action, Action::LookAtSlowTail | Action::LookAtErrors) {
            return write!(f, ": at best {effect}");
        }
        let between = if self.change.is_some() { ", and" } else { ":" };
        let unit = effect.measure.dimension();
        let (before, after) = (Quantity(effect.before, unit), Quantity(effect.after, unit));
        write!(
            f,
            "{between} expect the {} to go from {before} to {after}",
            effect.measure
        )?;
        Ok(())
    }
}
