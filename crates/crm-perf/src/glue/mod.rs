//! What joins two of the crates; nobody else knows two of them at once.
//!
//! - `batch_counters`: what the reports of batch jobs count, in the exposition of a monitor.
//! - `cache_figures`, `observe_cache`: what a cache counts, for the advisor and for the exposition of a monitor.
//! - `encoded_forms`: the cache keeps what compression has encoded.
//! - `observe_encoded`: what a cache of encoded forms counts, in the exposition of a monitor.
//! - `queueing_models`: the monitor's advisor predicts by the models of queueing.
//! - `stat_counters`: what `observe_cache` and `observe_encoded` have in common.

#[cfg(all(feature = "batch", feature = "monitor"))]
mod batch_counters;
#[cfg(all(feature = "cache", feature = "monitor"))]
mod cache_figures;
#[cfg(all(feature = "cache", feature = "compress"))]
mod encoded_forms;
#[cfg(all(feature = "cache", feature = "monitor"))]
mod observe_cache;
#[cfg(all(feature = "compress", feature = "monitor"))]
mod observe_encoded;
#[cfg(all(feature = "metrics", feature = "monitor"))]
mod queueing_models;
#[cfg(all(any(feature = "cache", feature = "compress"), feature = "monitor"))]
mod stat_counters;

#[cfg(all(feature = "batch", feature = "monitor"))]
pub use batch_counters::BatchCounters;
#[cfg(all(feature = "cache", feature = "monitor"))]
pub use cache_figures::cache_figures;
#[cfg(all(feature = "cache", feature = "compress"))]
pub use encoded_forms::EncodedForms;
#[cfg(all(feature = "cache", feature = "monitor"))]
pub use observe_cache::observe_cache;
#[cfg(all(feature = "compress", feature = "monitor"))]
pub use observe_encoded::observe_encoded;
#[cfg(all(feature = "metrics", feature = "monitor"))]
pub use queueing_models::QueueingModels;
