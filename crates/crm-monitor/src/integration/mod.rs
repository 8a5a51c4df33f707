//! What other ecosystems need, one folder for each.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
#[cfg(any(feature = "tower", feature = "tracing"))]
mod table;
#[cfg(feature = "tower")]
mod tower;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use metrics::{Recorder, RecorderBuilder, Refusal, RefusalReason};
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::{otlp, otlp_bytes};
#[cfg(feature = "tower")]
pub use tower::{
    CountedBody, MonitorFuture, MonitorLayer, MonitorLayerBuilder, Monitored, MonitoredBody,
    RequestHead,
};
#[cfg(feature = "tracing")]
pub use tracing::{SpanFailures, SpanLayer, SpanLayerBuilder};
