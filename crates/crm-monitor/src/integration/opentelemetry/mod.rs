//! Export in the OpenTelemetry protocol.
//!
//! - `request`: the message of a reading.
//! - `exponential`: the buckets of its histograms.

mod exponential;
mod request;

pub use request::{otlp, otlp_bytes};
