//! Performance primitives for CRM services under one roof: one dependency, one feature a crate.
//!
//! Each module is a crate of its own, with its guide on its first page; whoever needs one takes one and leaves this
//! facade out.
//!
//! | guide | what it is for | crate |
//! |---|---|---|
//! | [`cache`] | answer from memory: a bounded cache that loads each missing customer once | `crm-cache` |
//! | [`batch`] | work through millions of records on every core, in order and in bounded memory | `crm-batch` |
//! | [`compress`] | smaller responses: content-coding negotiation and pooled gzip and deflate | `crm-compress` |
//! | [`metrics`] | what the figures mean: response time, throughput, availability, queueing | `crm-metrics` |
//! | [`monitor`] | how the service is doing: histograms, windows, alerts, advice, exposition | `crm-monitor` |
//! | [`clock`] | the clock behind all of them, which a test can turn by hand | `crm-clock` |
//!
//! What joins two of them is here: `EncodedForms` keeps in a cache what compression has encoded, `QueueingModels` predicts
//! for the advisor of [`monitor`] by the models of [`metrics`], and `cache_figures`, `observe_cache`, `observe_encoded` and
//! `BatchCounters` show it what the others do.
//!
//! ```
//! use crm_perf::cache::Cache;
//! use crm_perf::metrics::queueing::Mmc;
//!
//! let customers: Cache<u64, String> = Cache::new(100_000);
//! let name = customers.get_or_load(&7, |id| Ok::<_, std::io::Error>(format!("customer {id}")))?;
//! assert_eq!(name, "customer 7");
//!
//! // 900 requests a second, 2 ms each, on 4 workers: how long does a request wait?
//! let desk = Mmc::new(900.0, 1.0 / 0.002, 4)?;
//! assert!(desk.mean_waiting_time() < 0.001);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | brings | default |
//! |---|---|---|
//! | `cache` | [`cache`]; with `compress` also `EncodedForms` | yes |
//! | `batch` | [`batch`] | yes |
//! | `compress` | [`compress`] | yes |
//! | `metrics` | [`metrics`] | yes |
//! | `monitor` | [`monitor`]; with `metrics` also `QueueingModels`, with `cache` `cache_figures` and `observe_cache`, with `compress` `observe_encoded`, with `batch` `BatchCounters` | yes |
//! | `memchr` | files with long lines are cut faster in [`batch`] | no |
//! | `rusqlite` | a source and a sink over SQLite in [`batch`] | no |
//! | `tower` | layers for axum in [`compress`] and [`monitor`] | no |
//! | `http-body`, `http` | bodies and headers in [`compress`] | no |
//! | `brotli`, `zstd`, `dcz` | more codings in [`compress`] | no |
//! | `rayon`, `libdeflate` | large exports on all cores, and another engine, in [`compress`] | no |
//! | `prost`, `serde_json`, `opentelemetry` | more formats in [`monitor`] | no |
//! | `metrics-recorder`, `tracing`, `procfs` | the macros of `metrics`, spans, and the process on Linux as sources in [`monitor`] | no |
//! | `serde` | snapshots of [`cache`], and statistics that `serde` can write | no |
//!
//! [`clock`] is always there. None of the defaults needs a C compiler. `zstd`, `dcz` and `libdeflate` do; `rusqlite` needs SQLite,
//! which its own feature `bundled` compiles.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod glue;

#[cfg(feature = "batch")]
#[doc(inline)]
pub use crm_batch as batch;
#[cfg(feature = "cache")]
#[doc(inline)]
pub use crm_cache as cache;
#[doc(inline)]
pub use crm_clock as clock;
#[cfg(feature = "compress")]
#[doc(inline)]
pub use crm_compress as compress;
#[cfg(feature = "metrics")]
#[doc(inline)]
pub use crm_metrics as metrics;
#[cfg(feature = "monitor")]
#[doc(inline)]
pub use crm_monitor as monitor;
#[cfg(all(feature = "batch", feature = "monitor"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "batch", feature = "monitor"))))]
pub use glue::BatchCounters;
#[cfg(all(feature = "cache", feature = "compress"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "cache", feature = "compress"))))]
pub use glue::EncodedForms;
#[cfg(all(feature = "metrics", feature = "monitor"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "metrics", feature = "monitor"))))]
pub use glue::QueueingModels;
#[cfg(all(feature = "compress", feature = "monitor"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "compress", feature = "monitor"))))]
pub use glue::observe_encoded;
#[cfg(all(feature = "cache", feature = "monitor"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "cache", feature = "monitor"))))]
pub use glue::{cache_figures, observe_cache};

/// The snippets of the repository's documents, compiled and run with the crate's own.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../../../README.md")]
    struct RootReadme;
    #[doc = include_str!("../../../CONTRIBUTING.md")]
    struct Contributing;
    #[doc = include_str!("../../../docs/architecture.md")]
    struct Architecture;
    #[doc = include_str!("../../../docs/benchmarks.md")]
    struct Benchmarks;
    #[doc = include_str!("../../../docs/choosing.md")]
    struct Choosing;
    #[doc = include_str!("../../../docs/testing.md")]
    struct Testing;
}
