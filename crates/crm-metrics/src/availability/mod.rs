//! Availability: what share of time a service is up, built from the shares of its parts.
//!
//! - [`Availability`]: one unit, by its availability, its unavailability, or its mean times to failure and to repair; also
//!   the down-time that it leaves, and its nines.
//! - [`series`], [`parallel`], [`k_of_n`], [`k_of_units`]: units put together.
//! - [`Structure`]: the same as text, `web (2 of 3) and db and cache`, or as functions: [`unit()`], [`all_of`], [`any_of`],
//!   [`at_least`].
//! - [`RepairableDuplex`]: two units with repair, where not every fail-over succeeds.
//!
//! Units fail and are repaired independently of each other, except in [`RepairableDuplex`]. Availability and
//! unavailability are carried side by side, each summed from positive terms, so that nine nines are as exact as one.

mod combine;
mod duplex;
mod parse;
mod share;
mod structure;

pub use combine::{k_of_n, k_of_units, parallel, series};
pub use duplex::RepairableDuplex;
pub use parse::ParseError;
pub use share::Availability;
pub use structure::{Structure, StructureError, all_of, any_of, at_least, unit};
