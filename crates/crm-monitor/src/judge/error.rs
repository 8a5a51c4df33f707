//! What cannot be judged by: an objective, a rule or a figure that makes no sense.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::target::Target;
use super::words::{Number, Span};

/// Why something is no objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectiveError {
    /// The text is no decimal number.
    NotADecimal,
    /// The target is NaN or infinite.
    NotANumber,
    /// The target is above 100 %.
    OverAll,
    /// The target is 0 % or below: everything may fail.
    NothingPromised,
    /// The target is 100 %: nothing may fail, so that there is no budget to watch.
    NoBudget,
    /// The target has more than ten decimals of a per cent.
    TooFine,
    /// The period is zero, or longer than 3,660 days.
    Period(Duration),
}

impl fmt::Display for ObjectiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal => f.write_str("the target is no decimal number: write 99.9% or 0.999"),
            Self::NotANumber => f.write_str("the target is no number: give a finite one, such as 99.9"),
            Self::OverAll => f.write_str(
                "the target is above 100 %: write 99.9% with the sign, or the share 0.999 without",
            ),
            Self::NothingPromised => f.write_str(
                "the target is not above 0 %, so that everything may fail: promise a share above zero",
            ),
            Self::NoBudget => f.write_str(
                "the target is 100 %, which leaves no budget to spend: promise less, such as 99.99 %",
            ),
            Self::TooFine => f.write_str("the target is too fine: drop the digits after the tenth decimal of a per cent"),
            Self::Period(period) => write!(
                f,
                "a period of {} is no period of an objective: keep it above zero and at most 3,660 days",
                Span(*period)
            ),
        }
    }
}

impl Error for ObjectiveError {}

/// Why a count, a rule, a threshold or a watch was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum JudgeError {
    /// A part that is more than the whole.
    MoreThanAll {
        /// The part that was given.
        part: u64,
        /// The whole.
        total: u64,
    },
    /// A figure outside its domain.
    Figure {
        /// The parameter, as the signature spells it.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it must do, to be read after "must".
        must: &'static str,
    },
    /// Windows that do not fit each other: zero, or a shorter one that is not shorter.
    Windows {
        /// The window that must be shorter.
        short: Duration,
        /// The window or period that must be longer.
        long: Duration,
    },
    /// A rule that no error ratio can break: its burn rate asks for more than all events to be bad.
    CannotFire {
        /// The burn rate of the rule.
        burn_rate: f64,
        /// The burn rate when every event is bad.
        most: f64,
        /// What is promised.
        target: Target,
    },
    /// A threshold that clears on its own far side.
    ClearsBeyond {
        /// Where it is raised.
        limit: f64,
        /// Where it would clear.
        clear_at: f64,
    },
    /// A check without a rule, which could never say anything.
    Nothing,
    /// A name that is empty, longer than 128 bytes, or holds a control character.
    Name,
    /// A name that another check has.
    Duplicate,
}

impl JudgeError {
    pub(super) const fn figure(name: &'static str, value: f64, must: &'static str) -> Self {
        Self::Figure { name, value, must }
    }
}

impl fmt::Display for JudgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MoreThanAll { part, total } => {
                write!(f, "{part} of {total} is more than all: count the part within the total")
            }
            Self::Figure { name, value, must } => {
                write!(f, "{name} is {}, but must {must}", Number(*value))
            }
            Self::Windows { short, long } => write!(
                f,
                "a window of {} does not lie within {}: make it longer than zero and the other one longer still",
                Span(*short),
                Span(*long)
            ),
            Self::CannotFire { burn_rate, most, target } => {
                write!(
                f,
                "a burn rate above {} is never reached, since it is {} when all events are bad: lower the fraction or lengthen the window",
                Number(*burn_rate),
                Number(*most)
            )?;
                match target.meant() {
                    Some(meant) => write!(f, "; or is {meant} meant, and not {target}?"),
                    None => Ok(()),
                }
            }
            Self::ClearsBeyond { limit, clear_at } => write!(
                f,
                "an alert raised at {} cannot clear at {}: let it clear at the limit or on its good side",
                Number(*limit),
                Number(*clear_at)
            ),
            Self::Nothing => f.write_str("the check has no rule: give it at least one"),
            Self::Name => f.write_str(
                "the name of a check is empty, longer than 128 bytes or holds a control character: choose a plain one",
            ),
            Self::Duplicate => f.write_str("another check has this name: choose another one"),
        }
    }
}

impl Error for JudgeError {}
