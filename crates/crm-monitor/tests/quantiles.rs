//! The figures of a snapshot against all values, sorted: quantiles within the stated error, counts and sums to the unit.

#[path = "support/distributions.rs"]
mod distributions;
#[path = "support/sorted.rs"]
mod sorted;

use std::time::Duration;

use crm_monitor::{Histogram, Layout, LayoutMismatch, Snapshot};
use distributions::Distribution::{self, *};
use fastrand::Rng;
use proptest::prelude::*;
use sorted::Sorted;

const MILLISECOND: f64 = 1e6;

/// Nanoseconds of a service, and what an enemy would send.
const DISTRIBUTIONS: [Distribution; 17] = [
    Lognormal {
        median: 5.0 * MILLISECOND,
        sigma: 0.3,
    },
    Lognormal {
        median: 20.0 * MILLISECOND,
        sigma: 1.0,
    },
    Lognormal {
        median: 0.4 * MILLISECOND,
        sigma: 2.5,
    },
    Bimodal {
        first: 0.02 * MILLISECOND,
        second: 40.0 * MILLISECOND,
        part: 0.9,
    },
    Bimodal {
        first: 1.0 * MILLISECOND,
        second: 2.0 * MILLISECOND,
        part: 0.5,
    },
    Pareto {
        least: 1.0 * MILLISECOND,
        shape: 2.5,
    },
    Pareto {
        least: 1.0 * MILLISECOND,
        shape: 0.8,
    },
    One(1_000_000),
    One(0),
    One(u64::MAX),
    Edges,
    Two(1_000, 3_600_000_000_000),
    Two(0, u64::MAX),
    Two(511, 512),
    AnyWidth,
    Needle {
        hay: 3_000_000,
        needle: 30_000_000_000,
    },
    Needle {
        hay: u64::MAX,
        needle: 0,
    },
];

const QUANTILES: [f64; 16] = [
    0.0, 1e-300, 0.001, 0.01, 0.07, 0.1, 0.25, 0.29, 0.5, 0.57, 0.75, 0.9, 0.99, 0.999, 0.999_999,
    1.0,
];

fn layouts() -> [(u64, Layout); 5] {
    let layout = |lowest, highest, error| (lowest, Layout::new(lowest, highest, error).unwrap());
    [
        (1_000, Layout::response_times()),
        layout(1, 1_000_000, 0.001),
        layout(1_000_000, 60_000_000_000, 0.05),
        layout(1, u64::MAX, 0.25),
        layout(12_345, 12_346, 0.02),
    ]
}

fn record(distribution: Distribution, layout: Layout, n: usize, seed: u64) -> (Sorted, Snapshot) {
    let mut random = Rng::with_seed(seed);
    let values: Vec<u64> = (0..n)
        .map(|_| distribution.draw(&layout, &mut random))
        .collect();
    let histogram = Histogram::new(layout);
    values.iter().for_each(|value| histogram.record(*value));
    (Sorted::new(values), histogram.snapshot())
}

/// Everything that is promised of a snapshot of these values, for a layout of which values from `lowest` on are told apart by its
/// relative error.
fn check(sorted: &Sorted, snapshot: &Snapshot, lowest: u64) {
    let layout = snapshot.layout();
    assert_eq!(snapshot.count(), sorted.len() as u64);
    assert_eq!(snapshot.sum(), sorted.sum());
    assert_eq!(
        snapshot.buckets().map(|bucket| bucket.count).sum::<u64>(),
        snapshot.count()
    );
    for bucket in snapshot.buckets() {
        let below = bucket
            .range
            .start()
            .checked_sub(1)
            .map_or(0, |last| sorted.count_at_most(last));
        let count = sorted.count_at_most(*bucket.range.end()) - below;
        assert_eq!(bucket.count, count as u64, "{:?}", bucket.range);
    }
    for q in QUANTILES {
        let truth = sorted.quantile(q);
        let quantile = snapshot.quantile(q).unwrap();
        let (low, value, high) = (quantile.low(), quantile.value(), quantile.high());
        assert!(
            (low..=high).contains(&truth),
            "{q}: {truth} not in {low}..={high}"
        );
        assert!(
            (low..=high).contains(&value),
            "{q}: {value} not in {low}..={high}"
        );
        if truth <= layout.highest() {
            // Below the lowest value, buckets are as wide as at it.
            let allowed = layout.error() * truth.max(lowest) as f64;
            assert!(
                value.abs_diff(truth) as f64 <= allowed,
                "{q}: {value} for {truth}"
            );
        }
    }
    // Each of these asks for all buckets, so that not every one is asked about where there are thousands.
    let stride = 1 + snapshot.buckets().count() / 50;
    for bucket in snapshot.buckets().step_by(stride) {
        let end = *bucket.range.end();
        assert_eq!(
            snapshot.count_at_most(end),
            sorted.count_at_most(end) as u64,
            "{end}"
        );
        let inside = *bucket.range.start() / 2 + end / 2;
        let (told, truth) = (
            snapshot.count_at_most(inside),
            sorted.count_at_most(inside) as u64,
        );
        assert!(
            told <= truth && truth - told <= bucket.count,
            "{inside}: {told} for {truth}"
        );
    }
    assert_eq!(snapshot.count_at_most(u64::MAX), snapshot.count());
    moments(sorted, snapshot, lowest);
}

/// The mean is exact; the deviation is off by no more than the largest distance of a value from the middle of its bucket
/// (Minkowski's inequality: the error of each value is one more distance).
fn moments(sorted: &Sorted, snapshot: &Snapshot, lowest: u64) {
    let n = sorted.len() as f64;
    let mean = sorted.sum() as f64 / n;
    assert!((snapshot.mean().unwrap() / mean - 1.0).abs() < 1e-12 || mean == 0.0);
    let layout = snapshot.layout();
    let Some(&largest) = sorted
        .values()
        .last()
        .filter(|last| **last <= layout.highest())
    else {
        return;
    };
    let squares: f64 = sorted
        .values()
        .iter()
        .map(|value| (*value as f64 - mean).powi(2))
        .sum();
    let truth = (squares / n).sqrt();
    let deviation = snapshot.standard_deviation().unwrap();
    let allowed = layout.error() * largest.max(lowest) as f64 + mean * 1e-7;
    assert!(
        (deviation - truth).abs() <= allowed,
        "{deviation} for {truth}"
    );
}

#[test]
fn figures_are_those_of_the_values() {
    for (lowest, layout) in layouts() {
        for (seed, distribution) in DISTRIBUTIONS.into_iter().enumerate() {
            for n in [1, 2, 7, 100, 2_000] {
                let (sorted, snapshot) = record(distribution, layout, n, seed as u64);
                check(&sorted, &snapshot, lowest);
            }
        }
    }
}

#[test]
fn every_edge_of_every_bucket_is_in_its_bucket() {
    for (lowest, layout) in layouts() {
        let values: Vec<u64> = (0..layout.len())
            // A layout that goes to the end of all values has an overflow that is never used.
            .filter(|place| *place + 1 < layout.len() || layout.highest() < u64::MAX)
            .flat_map(|place| {
                let bounds = layout.bounds(place);
                [*bounds.start(), *bounds.end()]
            })
            .collect();
        let histogram = Histogram::new(layout);
        values.iter().for_each(|value| histogram.record(*value));
        check(&Sorted::new(values), &histogram.snapshot(), lowest);
    }
}

#[test]
fn nothing_has_no_figures() {
    let nothing = Snapshot::empty(Layout::response_times());
    assert_eq!(
        (nothing.count(), nothing.sum(), nothing.failures()),
        (0, 0, 0)
    );
    assert_eq!((nothing.mean(), nothing.standard_deviation()), (None, None));
    assert_eq!(nothing.quantile(0.5), None);
    assert_eq!(nothing.buckets().next(), None);
    assert_eq!(nothing.count_at_most(u64::MAX), 0);
    assert_eq!(Histogram::new(Layout::response_times()).snapshot(), nothing);
}

#[test]
fn a_quantile_that_is_none_is_none() {
    let (_, snapshot) = record(One(5), Layout::response_times(), 3, 0);
    for q in [-0.0001, 1.0001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(snapshot.quantile(q), None, "{q}");
    }
    assert!(snapshot.quantile(-0.0).is_some());
}

/// Two to the sixtieth values of one kind and a single one above: no floating-point number tells these counts apart.
#[test]
fn the_last_of_very_many_values_is_found() {
    let layout = Layout::response_times();
    let (_, mut many) = record(One(1_000_000), layout, 1, 0);
    for _ in 0..60 {
        let same = many.clone();
        many.merge(&same).unwrap();
    }
    assert_eq!(many.count(), 1 << 60);
    let (_, one) = record(One(9_000_000), layout, 1, 0);
    many.merge(&one).unwrap();
    assert!(many.quantile(1.0).unwrap().low() > 8_000_000);
    assert!(many.quantile(1.0 - f64::EPSILON).unwrap().high() < 2_000_000);
}

#[test]
fn figures_at_the_end_of_their_range_stay_there() {
    let layout = Layout::new(1, u64::MAX, 0.25).unwrap();
    let (_, mut all) = record(One(u64::MAX), layout, 1, 0);
    for _ in 0..70 {
        let same = all.clone();
        all.merge(&same).unwrap();
    }
    assert_eq!(all.count(), u64::MAX);
    let (_, one) = record(One(1), layout, 1, 0);
    all.merge(&one).unwrap();
    assert!(all.quantile(1.0).is_some());
    assert_eq!(all.quantile(0.0).unwrap().low(), 1);
}

fn values() -> impl Strategy<Value = Vec<u64>> {
    let value = prop_oneof![
        4 => (0_u32..64, any::<u64>()).prop_map(|(shift, value)| value >> shift),
        1 => Just(0),
        1 => Just(u64::MAX),
        1 => 1_000_000_u64..1_000_100,
    ];
    proptest::collection::vec(value, 0..60)
}

fn layout() -> impl Strategy<Value = (u64, Layout)> {
    (0_usize..5).prop_map(|at| layouts()[at])
}

#[test]
fn figures_of_nanoseconds_are_durations() {
    let snapshot = snapshot_of(Layout::response_times(), &[12_000_000, 12_000_001], 0);
    // To the nearest, not down.
    assert_eq!(
        snapshot.mean_duration(),
        Some(Duration::from_nanos(12_000_001))
    );
    let median = snapshot.quantile(0.5).unwrap();
    assert_eq!(median.duration(), Duration::from_nanos(median.value()));
    assert!((0.011_88..0.012_12).contains(&median.duration().as_secs_f64()));

    let layout = Layout::response_times();
    assert_eq!(Snapshot::empty(layout).mean_duration(), None);
    let largest = snapshot_of(layout, &[u64::MAX, u64::MAX], 0);
    assert_eq!(
        largest.mean_duration(),
        Some(Duration::from_nanos(u64::MAX))
    );
}

fn snapshot_of(layout: Layout, values: &[u64], failures: usize) -> Snapshot {
    let histogram = Histogram::new(layout);
    for (at, value) in values.iter().enumerate() {
        if at < failures {
            histogram.record_failure(*value);
        } else {
            histogram.record(*value);
        }
    }
    histogram.snapshot()
}

/// A quarter of the usual cases, each of which is long.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        failure_persistence: None,
        cases: usual.cases.div_ceil(4),
        ..usual
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn figures_of_any_values((lowest, layout) in layout(), values in values()) {
        let snapshot = snapshot_of(layout, &values, 0);
        if values.is_empty() {
            prop_assert_eq!(snapshot, Snapshot::empty(layout));
        } else {
            check(&Sorted::new(values), &snapshot, lowest);
        }
    }

    #[test]
    fn quantiles_never_fall(layout in layout(), values in values(), a in 0.0..=1.0, b in 0.0..=1.0) {
        let snapshot = snapshot_of(layout.1, &values, 0);
        let at = |q| snapshot.quantile(q).map(|quantile| quantile.value());
        prop_assert!(at(f64::min(a, b)) <= at(f64::max(a, b)));
    }

    /// Merging is what recording all values into one histogram would have been, in any order.
    #[test]
    fn merged_figures_are_those_of_all_values(layout in layout(), a in values(), b in values(), c in values(), failures in 0_usize..9) {
        let layout = layout.1;
        let of = |values: &[u64]| snapshot_of(layout, values, 0);
        let mut ab = snapshot_of(layout, &a, failures);
        ab.merge(&of(&b)).unwrap();
        prop_assert_eq!(&ab, &snapshot_of(layout, &[a.clone(), b.clone()].concat(), failures.min(a.len())));
        let mut ba = of(&b);
        ba.merge(&snapshot_of(layout, &a, failures)).unwrap();
        prop_assert_eq!(&ab, &ba);
        let mut bc = of(&b);
        bc.merge(&of(&c)).unwrap();
        let mut a_bc = snapshot_of(layout, &a, failures);
        a_bc.merge(&bc).unwrap();
        ab.merge(&of(&c)).unwrap();
        prop_assert_eq!(&ab, &a_bc);
        let mut same = ab.clone();
        same.merge(&Snapshot::empty(layout)).unwrap();
        prop_assert_eq!(same, ab);
    }

    /// What was recorded since is what was recorded since, and adds up again.
    #[test]
    fn a_difference_is_what_was_recorded_between(layout in layout(), before in values(), after in values(), failures in 0_usize..9) {
        let layout = layout.1;
        let histogram = Histogram::new(layout);
        before.iter().for_each(|value| histogram.record(*value));
        let earlier = histogram.snapshot();
        for (at, value) in after.iter().enumerate() {
            if at < failures {
                histogram.record_failure(*value);
            } else {
                histogram.record(*value);
            }
        }
        let later = histogram.snapshot();
        let since = later.since(&earlier).unwrap();
        prop_assert_eq!(&since, &snapshot_of(layout, &after, failures));
        let mut sum = earlier.clone();
        sum.merge(&since).unwrap();
        prop_assert_eq!(&sum, &later);
        prop_assert_eq!(later.since(&later).unwrap(), Snapshot::empty(layout));
        prop_assert_eq!(&later.since(&Snapshot::empty(layout)).unwrap(), &later);
        // The wrong way round there is nothing that was recorded since.
        prop_assert_eq!(earlier.since(&later).unwrap().count(), 0);
    }
}

#[test]
fn snapshots_of_different_layouts_are_not_mixed() {
    let fine = Layout::new(1, 1_000, 0.01).unwrap();
    let coarse = Layout::new(1, 1_000, 0.1).unwrap();
    let (_, one) = record(One(5), fine, 3, 0);
    let (_, other) = record(One(5), coarse, 3, 0);
    let mut merged = one.clone();
    assert_eq!(merged.merge(&other), Err(LayoutMismatch));
    assert_eq!(merged, one);
    assert_eq!(merged.merge(&Snapshot::empty(coarse)), Err(LayoutMismatch));
    assert_eq!(one.since(&other), Err(LayoutMismatch));
}
