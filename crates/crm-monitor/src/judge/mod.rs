//! Judging what was measured: is the service doing what was promised, and does somebody have to look?
//!
//! | question | answered by |
//! |---|---|
//! | what is promised, and what may fail | [`Objective`], [`Target`] |
//! | how much of that is spent, and how long the rest lasts | [`ErrorBudget`] |
//! | does it burn too fast | [`BurnRules`], [`BurnRule`], [`Evidence`], [`Measured`] |
//! | is a figure beyond its limit | [`Threshold`] |
//! | are there more failed logins than usual | [`SecurityWatch`] |
//! | what has to be told, and only once | [`Alerts`], [`Change`], [`Alert`], [`Reason`]; [`Hold`] and [`Latch`] beneath |
//! | what is the error rate, as far as so few events tell | [`Events`], [`Interval`] |
//! | how satisfied are users | [`Apdex`] |
//! | how much of the time was it up | [`Uptime`], [`Availability`] |
//! | how busy are the workers, and do the figures belong together | [`Saturation`], [`LittleCheck`] |
//!
//! All of them are plain values: nothing here reads a clock, starts a thread or writes a log.

mod alert;
mod alerts;
mod apdex;
mod budget;
mod burn;
mod burn_rule;
mod burn_rules;
mod check;
mod confidence;
mod decimal;
mod error;
mod events;
mod evidence;
mod hold;
mod latch;
mod little;
mod measured;
mod objective;
mod quotient;
mod reason;
mod saturation;
mod security;
mod severity;
mod standing;
mod target;
mod threshold;
mod uptime;
mod wilson;
mod words;

pub use alert::{Alert, Change};
pub use alerts::Alerts;
pub use apdex::{Apdex, ApdexRating};
pub use budget::{ErrorBudget, Exhaustion};
pub use burn::Burn;
pub use burn_rule::BurnRule;
pub use burn_rules::BurnRules;
pub use confidence::Confidence;
pub use error::{JudgeError, ObjectiveError};
pub use events::Events;
pub use evidence::Evidence;
pub use hold::Hold;
pub use latch::{Edge, Latch, Level};
pub use little::{Agreement, LittleCheck};
pub use measured::Measured;
pub use objective::Objective;
pub use reason::Reason;
pub use saturation::Saturation;
pub use security::{SecurityFigure, SecurityKind, SecurityWatch};
pub use severity::Severity;
pub use standing::Standing;
pub use target::Target;
pub use threshold::{Crossing, Side, Threshold};
pub use uptime::{Availability, Uptime};
pub use wilson::Interval;
