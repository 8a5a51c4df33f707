//! Counters that tell parts of the statistics of a cache.

use std::sync::Arc;

use crm_monitor::{Monitor, RegisterError};

/// A name, its help, and which of the statistics it tells.
pub(super) type StatCounter<S> = (&'static str, &'static str, fn(&S) -> f64);

/// Has a monitor show these counters of the cache called `cache`.
pub(super) fn observe_counters<S: 'static>(
    monitor: &Monitor,
    cache: &str,
    stats: &Arc<impl Fn() -> S + Send + Sync + 'static>,
    counters: impl IntoIterator<Item = StatCounter<S>>,
) -> Result<(), RegisterError> {
    for (counter, help, tell) in counters {
        let stats = Arc::clone(stats);
        monitor
            .observe_counter(counter)
            .help(help)
            .label("cache", cache)
            .register(move || tell(&stats()))?;
    }
    Ok(())
}
