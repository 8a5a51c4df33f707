//! All that is said of one window.

use std::fmt;

use super::action::Action;
use super::advice::Advice;

/// All that an [`Advisor`](super::Advisor) says of one window: advice in order of worth, and what could not be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Counsel {
    pub(super) advice: Vec<Advice>,
    pub(super) not_known: Vec<NotKnown>,
}

impl Counsel {
    /// What would help, the most worth first; the one [`Action::Nothing`] where all that could be judged is fine. Empty
    /// where nothing could be judged.
    #[must_use]
    pub fn advice(&self) -> &[Advice] {
        &self.advice
    }

    /// What could not be judged, and for want of what.
    #[must_use]
    pub fn not_known(&self) -> &[NotKnown] {
        &self.not_known
    }

    /// The advice of one kind, if it is given.
    #[must_use]
    pub fn of(&self, action: Action) -> Option<&Advice> {
        self.advice.iter().find(|advice| advice.action == action)
    }
}

/// A line for each, what is not known last.
impl fmt::Display for Counsel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for advice in &self.advice {
            writeln!(f, "{advice}")?;
        }
        for not_known in &self.not_known {
            writeln!(f, "{not_known}")?;
        }
        Ok(())
    }
}

/// An action that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotKnown {
    pub(super) action: Action,
    pub(super) lacking: Vec<&'static str>,
}

impl NotKnown {
    /// Which action.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The figures that it takes and that were not given.
    #[must_use]
    pub fn lacking(&self) -> &[&'static str] {
        &self.lacking
    }
}

/// `whether to compress is not known without: bytes out`.
impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lacking = self.lacking.join(", ");
        write!(
            f,
            "whether to {} is not known without: {lacking}",
            self.action
        )
    }
}
