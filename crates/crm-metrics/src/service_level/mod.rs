//! Service levels: what was promised, what is left of it, when to wake somebody, and what customers say.
//!
//! - [`Objective`]: a promise such as 99.9 %, kept as a whole number of parts in 10^12, so that its budget is exactly 0.1 %.
//! - [`ErrorBudget`]: how many requests may fail, how many did, how fast the rest is burning, and when it will be used up.
//! - [`burn_rate`], [`BurnRateAlert`]: the multi-window, multi-burn-rate alerts of the SRE workbook.
//! - [`Apdex`], [`NetPromoterScore`], [`top_box_share`], [`customer_effort`]: satisfaction, with its error.
//! - [`wilson_interval`], [`clopper_pearson_interval`]: what a share of so many out of so many tells of the true one.

mod alert;
mod apdex;
mod budget;
mod clopper_pearson;
mod interval;
mod nps;
mod objective;
mod scores;
mod wilson;

pub use alert::{BurnRateAlert, Urgency, burn_rate};
pub use apdex::{Apdex, ApdexRating};
pub use budget::ErrorBudget;
pub use clopper_pearson::clopper_pearson_interval;
pub use interval::{Interval, z_for_confidence};
pub use nps::NetPromoterScore;
pub use objective::{Objective, ObjectiveError};
pub use scores::{customer_effort, top_box_share};
pub use wilson::wilson_interval;
