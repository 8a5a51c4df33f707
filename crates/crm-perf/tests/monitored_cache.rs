//! A cache in the figures and in the exposition of a monitor.

#[path = "support/series.rs"]
mod series;

use std::sync::Arc;
use std::time::Duration;

use crm_perf::cache::{Cache, Stats};
use crm_perf::clock::Clock;
use crm_perf::monitor::Monitor;
use crm_perf::monitor::advise::{Action, Advisor, Figures, Measure};
use crm_perf::{cache_figures, observe_cache};

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

fn number(monitor: &Monitor, family: &str, cache: &str) -> Option<f64> {
    series::number(monitor, family, &[("cache", cache)])
}

#[test]
fn what_the_cache_counts_is_exposed() {
    let (monitor, cache) = (Monitor::new(), read_cache());
    let seen = Arc::clone(&cache);
    observe_cache(&monitor, "customers", move || seen.stats()).unwrap();
    for (family, expected) in [
        ("cache_hits", 3.0),
        ("cache_misses", 2.0),
        ("cache_insertions", 2.0),
        ("cache_evictions", 0.0),
        ("cache_expirations", 0.0),
        ("cache_loads", 2.0),
        ("cache_load_failures", 0.0),
        ("cache_load_time_seconds", 0.02),
        ("cache_hit_ratio", 0.6),
    ] {
        let found = number(&monitor, family, "customers");
        assert_eq!(found, Some(expected), "{family}");
    }
    cache.get(&1);
    assert_eq!(number(&monitor, "cache_hits", "customers"), Some(4.0));
}

/// Each statistic goes where its name says.
#[test]
fn no_two_counters_are_mixed_up() {
    let mut stats = Stats::default();
    (stats.hits, stats.misses, stats.insertions) = (1, 2, 3);
    (stats.evictions, stats.expirations) = (4, 5);
    (stats.loads, stats.load_failures) = (6, 7);
    stats.load_time = Duration::from_secs(8);
    let monitor = Monitor::new();
    observe_cache(&monitor, "all", move || stats).unwrap();
    let names = [
        "hits",
        "misses",
        "insertions",
        "evictions",
        "expirations",
        "loads",
        "load_failures",
        "load_time_seconds",
    ];
    for (expected, name) in (1..).zip(names) {
        let found = number(&monitor, &format!("cache_{name}"), "all");
        assert_eq!(found, Some(f64::from(expected)), "{name}");
    }
}

#[test]
fn caches_have_names_of_their_own() {
    let monitor = Monitor::new();
    let unread = Stats::default;
    observe_cache(&monitor, "customers", unread).unwrap();
    let orders = read_cache();
    observe_cache(&monitor, "orders", move || orders.stats()).unwrap();
    assert_eq!(number(&monitor, "cache_hits", "orders"), Some(3.0));
    assert!(observe_cache(&monitor, "customers", unread).is_err());
    // Before the first read there is no ratio, not one of zero.
    assert_eq!(number(&monitor, "cache_hit_ratio", "customers"), None);
    assert_eq!(number(&monitor, "cache_hits", "customers"), Some(0.0));
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
