//! What a cache counts, as the monitor's advisor takes it.

use std::time::Duration;

use crm_cache::Stats;
use crm_monitor::advise::CacheFigures;

/// What a cache has counted in a window, for the figures of [`monitor`](crate::monitor): take [`Stats::since`] for the window's own.
///
/// A miss costs what its load took on average and the read itself, `hit`, which no cache measures: some tens of nanoseconds
/// without a loader, or what was measured around `get`. `requests` of the same window tell how many lookups a request makes.
/// `None` when nothing was read, nothing loaded, or there were no requests; a load of many keys counts for each lookup that missed.
///
/// ```
/// use crm_perf::cache::Cache;
/// use crm_perf::cache_figures;
/// use std::time::Duration;
///
/// let customers: Cache<u64, String> = Cache::new(100);
/// let noon = customers.stats();
/// for id in [1, 2, 1, 1] {
///     customers.get_or_load(&id, |id| Ok::<_, std::io::Error>(format!("customer {id}")))?;
/// }
/// let figures = cache_figures(&customers.stats().since(&noon), Duration::from_nanos(40), 2);
/// assert_eq!(figures.map(|figures| figures.hit_ratio()), Some(0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn cache_figures(stats: &Stats, hit: Duration, requests: u64) -> Option<CacheFigures> {
    let hit_ratio = stats.hit_ratio()?;
    if requests == 0 || (stats.misses > 0 && stats.loads == 0) {
        return None;
    }
    // Misses that waited for somebody else's load took about as long as those that loaded.
    let load = stats.mean_load_time().unwrap_or(Duration::ZERO);
    let lookups = stats.reads() as f64 / requests as f64;
    Some(CacheFigures::new(hit_ratio, hit, hit.saturating_add(load)).lookups(lookups))
}
