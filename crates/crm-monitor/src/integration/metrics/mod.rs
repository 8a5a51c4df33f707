//! A recorder behind the macros of the crate `metrics`.
//!
//! - `recorder`: the settings, and the recorder.
//! - `keys`: how a key finds its handle.
//! - `handles`: what the macros count into.
//! - `refusal`: what was not taken.

mod handles;
mod keys;
mod recorder;
mod refusal;

pub use recorder::{Recorder, RecorderBuilder};
pub use refusal::{Refusal, RefusalReason};
