//! Durations of the spans of the crate `tracing`.
//!
//! - `layer`: the settings, and the layer of a subscriber.
//! - `life`: what is known of an open span.

mod layer;
mod life;

pub use layer::{SpanFailures, SpanLayer, SpanLayerBuilder};
