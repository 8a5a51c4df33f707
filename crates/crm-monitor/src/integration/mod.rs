//! What other ecosystems need, one folder for each.

#[cfg(feature = "opentelemetry")]
mod opentelemetry;

#[cfg(feature = "opentelemetry")]
pub use opentelemetry::{otlp, otlp_bytes};
