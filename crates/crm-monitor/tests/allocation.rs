//! What a request does allocates nothing: finding a series, and recording into it.

use std::alloc::System;

use crm_monitor::{Layout, Monitor};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations `work` makes. There is one test in this program, so that nobody else allocates meanwhile.
fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    region.change().allocations
}

#[test]
fn finding_a_series_and_recording_into_it_allocates_nothing() {
    let monitor = Monitor::new();
    let answers = monitor
        .counters("answers", ["route", "status"])
        .limit(2)
        .register()
        .unwrap();
    let times = monitor
        .histograms("times_seconds", ["route"])
        .layout(Layout::new(1, 1000, 0.05).unwrap())
        .register()
        .unwrap();
    let open = monitor
        .in_flights("open_requests", ["route"])
        .register()
        .unwrap();
    let size = monitor.gauges("queued_mails", ["to"]).register().unwrap();
    let request = |route: &str| {
        let inside = open.with([route]);
        let inside = inside.enter();
        answers.with([route, "200"]).increment();
        times.with([route]).record(17);
        size.with([route]).set(4);
        drop(inside);
    };
    let first = allocations(|| request("/a"));
    assert!(first > 0, "the allocations are counted");
    request("/b");
    request("/c"); // makes the overflow series
    for route in ["/a", "/b", "/c"] {
        assert_eq!(allocations(|| request(route)), 0, "{route}");
    }
    // What no word has room for has a place of its own, made once for all threads.
    let long = times.with(["/a"]);
    assert!(allocations(|| long.record(1 << 50)) > 0);
    assert_eq!(allocations(|| long.record(u64::MAX)), 0);
    assert_eq!(answers.overflowed(), 2);
    assert!(answers.get(["/a", "200"]).is_some());
    assert_eq!(allocations(|| drop(answers.get(["/a", "200"]))), 0);
    assert_eq!(
        allocations(|| drop(answers.with(["/d", "200"]))),
        0,
        "a flood"
    );
}
