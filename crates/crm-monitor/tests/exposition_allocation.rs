//! Writing an exposition allocates nothing for each figure. The figures are those of the whole process, so this file has one test.

#[path = "support/readings.rs"]
mod readings;

use std::alloc::System;

use crm_monitor::Reading;
use crm_monitor::expose::{Exposition, Format};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use readings::reading;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn nothing_is_allocated_for_a_figure() {
    let exposition = Exposition::new();
    let (few, many) = (reading(10), reading(200));
    let mut out = std::io::sink();
    let mut allocations = |reading: &Reading, format: Format| {
        let region = Region::new(ALLOCATOR);
        exposition.write(format, reading, &mut out).unwrap();
        let change = region.change();
        change.allocations + change.reallocations
    };
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let (few, many) = (allocations(&few, format), allocations(&many, format));
        // The page, the growing of the text of labels, and the head of the family of failures.
        assert!(many <= few + 1 && many <= 12, "{format:?}: {few}, {many}");
    }
}
