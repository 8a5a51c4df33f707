//! How a range is divided: what the documentation says of buckets, errors and memory.

use crm_monitor::{Histogram, Layout, LayoutError};

/// The table in the documentation of `Layout`.
#[test]
fn the_sizes_are_those_of_the_documentation() {
    let sizes = [
        (Layout::response_times(), 2_154),
        (Layout::new(1_000, 3_600_000_000_000, 0.01).unwrap(), 2_154),
        (Layout::new(1_000, 3_600_000_000_000, 0.05).unwrap(), 540),
        (Layout::new(1, 1_000_000, 0.01).unwrap(), 956),
    ];
    for (layout, buckets) in sizes {
        assert_eq!(layout.len(), buckets, "{layout:?}");
    }
    assert_eq!(sizes[0].0, sizes[1].0);
    // A stripe: a word for each bucket, and one for failures.
    assert!((Layout::response_times().len() + 1) * 8 <= 24 * 1024);
}

#[test]
fn buckets_follow_each_other_and_keep_the_error() {
    for (lowest, highest, error) in [
        (1_000, 3_600_000_000_000, 0.01),
        (0, 2, 0.25),
        (1, u64::MAX, 0.01),
        (1, 1_000_000, 0.001),
        (64, 1 << 30, 0.05),
        (u64::MAX - 1, u64::MAX, 0.25),
    ] {
        let layout = Layout::new(lowest, highest, error).unwrap();
        assert!(layout.error() <= error && layout.highest() >= highest);
        let mut next = 0_u64;
        for index in 0..layout.len() - 1 {
            let (low, high) = layout.bounds(index).into_inner();
            assert_eq!(low, next, "bucket {index} of {layout:?}");
            assert_eq!((layout.index(low), layout.index(high)), (index, index));
            let middle = low + (high - low) / 2;
            if low >= lowest.max(1) {
                for value in [low, high] {
                    let relative = value.abs_diff(middle) as f64 / value as f64;
                    assert!(relative <= error, "{value} and {middle} of {layout:?}");
                }
            }
            next = high.wrapping_add(1);
        }
        assert_eq!(next, layout.highest().wrapping_add(1));
        assert_eq!(*layout.bounds(layout.len() - 1).end(), u64::MAX);
        if layout.highest() < u64::MAX {
            assert_eq!(layout.index(layout.highest() + 1), layout.len() - 1);
            assert_eq!(layout.index(u64::MAX), layout.len() - 1);
        }
    }
}

#[test]
fn what_cannot_be_divided_is_refused() {
    assert_eq!(
        Layout::new(7, 7, 0.01),
        Err(LayoutError::EmptyRange {
            lowest: 7,
            highest: 7
        })
    );
    assert!(matches!(
        Layout::new(0, 1, 0.01),
        Err(LayoutError::EmptyRange { .. })
    ));
    for error in [0.0, -0.01, 0.250_1, f64::INFINITY, f64::NAN, -0.0] {
        let refused = Layout::new(1, 100, error);
        assert!(
            matches!(refused, Err(LayoutError::ErrorOutOfRange { .. })),
            "{error}"
        );
    }
    assert_eq!(
        Layout::new(1, u64::MAX, 0.000_1),
        Err(LayoutError::TooManyBuckets)
    );
    assert_eq!(Layout::new(1, 100, 1e-9), Err(LayoutError::TooManyBuckets));
}

#[test]
#[should_panic(expected = "bucket 2154 of 2154")]
fn there_is_no_bucket_past_the_last() {
    let layout = Layout::response_times();
    let _ = layout.bounds(layout.len());
}

#[test]
fn a_range_to_the_last_value_has_an_overflow_that_stays_empty() {
    let values = Histogram::new(Layout::new(1, u64::MAX, 0.05).unwrap());
    values.record(u64::MAX);
    let figures = values.snapshot();
    let last = figures.quantile(1.0).unwrap();
    assert!(last.low() < u64::MAX && last.high() == u64::MAX);
    assert_eq!(figures.sum(), u128::from(u64::MAX));
}
