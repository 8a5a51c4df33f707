//! Staffing of sales and support desks: how many agents a forecast needs.
//!
//! - [`Desk`]: a target (service level, mean wait or abandonment) with occupancy limit, shrinkage and patience; finds the agents
//!   for one load or for each [`Interval`] of a day.
//! - [`Performance`]: what so many agents come to.
//! - [`Staffed`]: the agents found, those to be scheduled, and their performance.
//!
//! Without patience the desk is Erlang C ([`Mmc`](crate::queueing::Mmc)), with it Erlang A
//! ([`ErlangA`](crate::queueing::ErlangA)). Times may be in any unit, and rates are then per that unit. Each interval is taken as if it
//! lasted for ever, which is right for calls that are short beside it.

mod desk;
mod interval;
mod performance;

pub use desk::{Desk, Staffed};
pub use interval::Interval;
pub use performance::Performance;
