//! What a cache of encoded forms counts, in the exposition of a monitor.

use std::sync::Arc;

use crm_compress::EncodedStats;
use crm_monitor::{Monitor, RegisterError};

use crate::glue::stat_counters::{StatCounter, observe_counters};

const COUNTERS: [StatCounter<EncodedStats>; 4] = [
    (
        "encoded_hits",
        "Bodies that were answered without encoding them.",
        |stats| stats.hits as f64,
    ),
    ("encoded_misses", "Bodies that were encoded.", |stats| {
        stats.misses as f64
    }),
    (
        "encoded_collisions",
        "Misses that found the form of another body.",
        |stats| stats.collisions as f64,
    ),
    (
        "encoded_reused_bytes",
        "The lengths of the bodies that were not encoded again.",
        |stats| stats.reused_bytes as f64,
    ),
];

/// Has a monitor show what an [`EncodedCache`](crate::compress::EncodedCache) counts, each series with the label `cache`.
///
/// The counters `encoded_hits`, `encoded_misses`, `encoded_collisions` and `encoded_reused_bytes`, and the gauge `encoded_held_bytes`, absent over a
/// store of the caller's own. `stats` is called once for each series when the monitor is read.
///
/// ```
/// use crm_perf::compress::EncodedCache;
/// use crm_perf::monitor::Monitor;
/// use crm_perf::observe_encoded;
/// use std::sync::Arc;
///
/// let monitor = Monitor::new();
/// let forms = Arc::new(EncodedCache::new(64 << 20));
/// let seen = Arc::clone(&forms);
/// observe_encoded(&monitor, "answers", move || seen.stats())?;
/// # Ok::<(), crm_perf::monitor::RegisterError>(())
/// ```
///
/// # Errors
///
/// [`RegisterError`] when a series of this name is there, the name is too long for a label, or the monitor is full. The series before it
/// stay.
pub fn observe_encoded(
    monitor: &Monitor,
    name: &str,
    stats: impl Fn() -> EncodedStats + Send + Sync + 'static,
) -> Result<(), RegisterError> {
    let stats = Arc::new(stats);
    observe_counters(monitor, name, &stats, COUNTERS)?;
    monitor
        .observe_gauge("encoded_held_bytes")
        .help("The memory that encoded forms take.")
        .label("cache", name)
        .register(move || stats().held.map(|held| held.bytes as f64))
}
