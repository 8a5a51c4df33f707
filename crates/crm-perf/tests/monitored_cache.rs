//! A cache in the figures of a monitor.

use std::sync::Arc;
use std::time::Duration;

use crm_perf::cache::{Cache, Stats};
use crm_perf::cache_figures;
use crm_perf::clock::Clock;
use crm_perf::monitor::advise::{Action, Advisor, Figures, Measure};

const MS: Duration = Duration::from_millis(1);

/// Three hits and two misses of 8 and 12 ms.
fn read_cache() -> Arc<Cache<u64, u64>> {
    let (clock, hand) = Clock::manual();
    let cache = Cache::builder(100).clock(clock).build().unwrap();
    for (id, millis) in [(1, 8), (1, 0), (2, 12), (2, 0), (1, 0)] {
        let load = |id: &u64| {
            hand.advance(millis * MS);
            Ok::<_, std::io::Error>(*id)
        };
        cache.get_or_load(&id, load).unwrap();
    }
    Arc::new(cache)
}

#[test]
fn advice_comes_from_what_the_cache_counts() {
    let cache = read_cache();
    let figures = cache_figures(&cache.stats(), MS, 5).unwrap();
    assert_eq!(figures.hit_ratio(), 0.6);
    let minute = Figures::builder()
        .arrival_rate(300.0)
        .service_time(10 * MS)
        .workers(4)
        .cache(figures)
        .build()
        .unwrap();
    let counsel = Advisor::new().advise(&minute);
    let advice = counsel.of(Action::CacheMore).unwrap();
    // A load takes ten milliseconds; a fifth of the lookups no longer waits for one.
    let service = advice.effect(Measure::ServiceTime).unwrap();
    assert!((service.before - service.after - 0.002).abs() < 1e-9);
    let two_lookups = cache_figures(&cache.stats(), MS, 2).unwrap();
    assert_ne!(two_lookups, figures);
}

#[test]
fn what_is_not_known_of_a_cache_is_not_said() {
    let stats = read_cache().stats();
    assert!(cache_figures(&stats, MS, 0).is_none());
    assert!(cache_figures(&Stats::default(), MS, 5).is_none());
    // Misses that nobody loads through the cache: what they cost is not known.
    let plain: Cache<u64, u64> = Cache::new(10);
    plain.get(&1);
    assert!(cache_figures(&plain.stats(), MS, 1).is_none());
    plain.insert(1, 1);
    let noon = plain.stats();
    plain.get(&1);
    let hits = cache_figures(&plain.stats().since(&noon), MS, 1).unwrap();
    assert_eq!(hits.hit_ratio(), 1.0);
}
