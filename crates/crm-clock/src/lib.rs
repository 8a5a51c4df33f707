//! A clock that a test can turn by hand.
//!
//! Code that measures or expires asks a [`Clock`] for the time. In production that is [`Clock::system`]; in a test it is
//! [`Clock::manual`], whose other half, the [`ManualClock`], moves time forward without waiting for it.
//!
//! ```
//! use crm_clock::Clock;
//! use std::time::Duration;
//!
//! let (clock, hand) = Clock::manual();
//! let before = clock.now();
//! hand.advance(Duration::from_secs(7 * 24 * 3600)); // a week passes at once
//! assert_eq!(clock.now() - before, Duration::from_secs(604_800));
//! ```
//!
//! # Which type to reach for
//!
//! | type | what it is |
//! |---|---|
//! | [`Clock`] | what a builder takes: cheap to clone, `Send + Sync`, monotonic |
//! | [`ManualClock`] | the hand that turns a manual clock, for tests and simulations |
//! | [`Tick`] | a point in time: nanoseconds since the clock's origin, in a `u64` that an atomic can hold |
//!
//! What outlives the process, such as a file, is dated by [`wall_time`].
//!
//! # Guarantees
//!
//! - **Monotonic**: two reads of one clock, the second after the first, never go backwards.
//! - **Saturating**: no arithmetic on ticks panics or wraps; see [`Tick`].
//! - **Range**: a `u64` of nanoseconds lasts 584 years from the origin.
//! - **Cost**: a system clock reads the operating system's monotonic clock once for each [`Clock::now`] (about 25 ns
//!   on Linux); a coarse or a manual clock is one atomic load.
//!
//! There are no features and no dependencies.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod clock;
mod coarse;
mod manual;
mod tick;
mod wall;

pub use clock::Clock;
pub use manual::ManualClock;
pub use tick::Tick;
pub use wall::wall_time;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
