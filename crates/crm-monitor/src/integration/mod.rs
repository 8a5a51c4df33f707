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

/// The error with the remedy of the integration, where the name of a figure is taken: it has no handle that could be kept.
#[cfg(any(feature = "metrics", feature = "tower", feature = "tracing"))]
fn or_taken(error: crate::RegisterError, remedy: &'static str) -> crate::RegisterError {
    use crate::RegisterError::{Conflict, Duplicate, Taken};
    match error {
        Duplicate { name } | Conflict { name, .. } => Taken { name, remedy },
        other => other,
    }
}
