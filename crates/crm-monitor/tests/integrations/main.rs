//! The integrations, each as its callers meet it. One program for all of them, since each program takes its time to link.
#![cfg(all(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "tower",
    feature = "tracing",
    not(loom)
))]

mod metrics_handles;
mod metrics_refusals;
mod otlp;
mod readings;
mod script;
mod span_failures;
mod span_times;
mod tower_outcomes;
mod tower_server;
mod tower_service;
