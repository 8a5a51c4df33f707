//! What recording allocates: the words of a thread, and once what a filled word moves to. The figures are those of the whole
//! process, so this file has one test.

use std::alloc::System;

use crm_monitor::{Counter, Gauge, Histogram, InFlight, Layout};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations `work` makes.
fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    region.change().allocations
}

/// Whether `work` can do without allocating: the thread that waits for the test may allocate while one try is under way.
fn allocates_nothing(mut work: impl FnMut()) -> bool {
    (0..10).any(|_| allocations(&mut work) == 0)
}

#[test]
fn a_histogram_allocates_for_a_thread_and_once_for_all_that_fills() {
    let (counter, gauge, inside) = (Counter::new(), Gauge::new(), InFlight::new());
    counter.increment(); // the thread has its number from here on
    assert!(allocates_nothing(|| {
        counter.add(3);
        gauge.set(4);
        drop(inside.enter());
    }));

    // The widest buckets, whose words take the fewest values: 512.
    let values = Histogram::new(Layout::new(1, 1 << 46, 0.25).unwrap());
    let large = (1 << 46) - 1;
    let record = |times: u64| (0..times).for_each(|_| values.record(large));
    assert!(allocations(|| record(1)) > 0, "its words");
    assert!(allocates_nothing(|| record(40)));
    assert!(allocations(|| record(600)) > 0, "a word is full");
    assert!(allocates_nothing(|| record(10_000)), "full again and again");

    let all = values.snapshot();
    assert_eq!(all.sum(), u128::from(large) * u128::from(all.count()));
}
