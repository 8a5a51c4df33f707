//! What a cache counts, in the exposition of a monitor.

use std::sync::Arc;

use crm_cache::Stats;
use crm_monitor::{Monitor, RegisterError};

use crate::glue::stat_counters::{StatCounter, observe_counters};

const COUNTERS: [StatCounter<Stats>; 8] = [
    ("cache_hits", "Reads that found a fresh entry.", |stats| {
        stats.hits as f64
    }),
    ("cache_misses", "Reads that found none.", |stats| {
        stats.misses as f64
    }),
    (
        "cache_insertions",
        "Entries that came in under a new key.",
        |stats| stats.insertions as f64,
    ),
    (
        "cache_evictions",
        "Entries that had to leave for a newer one.",
        |stats| stats.evictions as f64,
    ),
    (
        "cache_expirations",
        "Entries that were found to be past the end of their life.",
        |stats| stats.expirations as f64,
    ),
    ("cache_loads", "Loaders run.", |stats| stats.loads as f64),
    (
        "cache_load_failures",
        "Loaders that returned an error, panicked or were cancelled.",
        |stats| stats.load_failures as f64,
    ),
    (
        "cache_load_time_seconds",
        "The time spent in loaders.",
        |stats| stats.load_time.as_secs_f64(),
    ),
];

/// Has a monitor show what a cache counts, each series with the label `cache`.
///
/// The counters `cache_hits`, `cache_misses`, `cache_insertions`, `cache_evictions`, `cache_expirations`, `cache_loads`, `cache_load_failures` and
/// `cache_load_time_seconds`, and the gauge `cache_hit_ratio` since the beginning, absent before the first read. Recording costs nothing:
/// `stats` is called once for each series when the monitor is read. Two caches differ in `name`.
///
/// ```
/// use crm_perf::cache::Cache;
/// use crm_perf::monitor::Monitor;
/// use crm_perf::observe_cache;
/// use std::sync::Arc;
///
/// let monitor = Monitor::new();
/// let customers: Arc<Cache<u64, String>> = Arc::new(Cache::new(100_000));
/// let seen = Arc::clone(&customers);
/// observe_cache(&monitor, "customers", move || seen.stats())?;
/// assert!(monitor.read().families.iter().any(|family| &*family.name == "cache_hits"));
/// # Ok::<(), crm_perf::monitor::RegisterError>(())
/// ```
///
/// # Errors
///
/// [`RegisterError`] when a series of this name is there, the name is too long for a label, or the monitor is full. The series before it
/// stay.
pub fn observe_cache(
    monitor: &Monitor,
    name: &str,
    stats: impl Fn() -> Stats + Send + Sync + 'static,
) -> Result<(), RegisterError> {
    let stats = Arc::new(stats);
    observe_counters(monitor, name, &stats, COUNTERS)?;
    monitor
        .observe_gauge("cache_hit_ratio")
        .help("The share of reads that were hits, since the beginning.")
        .label("cache", name)
        .register(move || stats().hit_ratio())
}
