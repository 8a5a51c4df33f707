//! Scaling: what more processors, workers or users bring.
//!
//! - [`amdahl_speedup`]: a fixed amount of work on more processors.
//! - [`gustafson_speedup`]: an amount of work that grows with the processors.
//! - [`Usl`]: the Universal Scalability Law, with contention and coherency: a peak, after which more is less.
//! - [`UslFit`]: its three parameters from measurements, with their confidence intervals.

mod amdahl;
mod usl;
mod usl_fit;

pub use crate::service_level::Interval;
pub use amdahl::{amdahl_limit, amdahl_speedup, gustafson_speedup};
pub use usl::Usl;
pub use usl_fit::UslFit;
