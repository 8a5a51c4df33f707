//! Snapshots take the memory that their buckets need. The figures are those of the whole process, so this file has one test.

use std::alloc::System;
use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::{Histogram, History, Layout, Snapshot};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What `work` makes, and what it has allocated and given back meanwhile.
fn allocated<T>(work: impl FnOnce() -> T) -> (T, Stats) {
    let region = Region::new(ALLOCATOR);
    let made = work();
    (made, region.change())
}

#[test]
fn a_snapshot_takes_what_its_buckets_need() {
    // As many buckets as there may be, nearly.
    let layout = Layout::new(1, (1 << 21) - 200, 0.00004).unwrap();
    assert!(layout.len() > 120_000 && layout.len() <= 1 << 17);

    // Those of a whole timeline hold one bucket each.
    let (clock, hand) = Clock::manual();
    let history = History::builder().clock(clock).build().unwrap();
    let sizes = Histogram::new(layout);
    let tracked = history.track(&sizes);
    for size in 1_000_000..1_000_020 {
        sizes.record(size);
        hand.advance(Duration::from_secs(60));
        history.sample();
    }
    let (timeline, change) = allocated(|| tracked.timeline(Duration::MAX));
    let held = change.bytes_allocated - change.bytes_deallocated;
    assert!(timeline.len() > 10 && held < 20_000, "{held} bytes");

    // From bytes, the buckets take a mebibyte at most, and some are far from the first.
    for place in [70_000, 100_000] {
        sizes.record(*layout.bounds(place).start());
    }
    let bytes = sizes.snapshot().to_bytes();
    let (read, change) = allocated(|| Snapshot::from_bytes(&bytes));
    assert_eq!(read.as_ref(), Ok(&sizes.snapshot()));
    let taken = change.bytes_allocated;
    assert!(taken <= (1 << 20) + 8 * bytes.len(), "{taken} bytes");
}
