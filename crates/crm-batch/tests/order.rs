//! Every run gives what a plain loop gives, in the same order, whatever the shape of the batch.

mod support;

use crm_batch::{Batch, Builder};
use proptest::prelude::*;
use support::fate::{Fate, batch_run, output, plain_loop};
use support::pool;
use support::watchdog::within;

/// Every shape that the matrix goes through, straight into the pool or after an inline start.
fn shapes() -> Vec<(String, Batch)> {
    let mut shapes = Vec::new();
    for threads in [1, 2, 4] {
        for chunk in [None, Some(1), Some(3), Some(64), Some(2_048)] {
            for window in [None, Some(1), Some(2), Some(5), Some(16)] {
                for inline in [false, true] {
                    let name = format!(
                        "{threads} threads, {chunk:?} rows, {window:?} chunks, inline {inline}"
                    );
                    let mut builder = Batch::builder().pool(pool(threads)).inline_start(inline);
                    if let Some(rows) = chunk {
                        builder = builder.chunk_rows(rows);
                    }
                    if let Some(chunks) = window {
                        builder = builder.window(chunks);
                    }
                    shapes.push((name, builder.build().unwrap()));
                }
            }
        }
    }
    shapes
}

fn build(builder: Builder) -> Batch {
    builder.build().unwrap()
}

#[test]
fn results_come_in_order_and_all_of_them() {
    within(|| {
        for (name, batch) in shapes() {
            for records in [0, 1, 2, 63, 64, 65, 1_000, 10_000] {
                let fates = vec![Fate::Fine; records];
                assert_eq!(
                    batch_run(&batch, &fates),
                    plain_loop(&fates, 0),
                    "{name}, {records} records"
                );
            }
        }
    });
}

#[test]
fn a_hundred_thousand_records_come_in_order() {
    within(|| {
        let wanted: Vec<u64> = (0..100_000).map(output).collect();
        for threads in [1, 2, 4] {
            for inline in [false, true] {
                let builder = Batch::builder().pool(pool(threads)).inline_start(inline);
                let batch = build(builder);
                assert_eq!(batch.map(0..100_000, output), wanted);
            }
            let builder = Batch::builder().pool(pool(threads)).inline_start(false);
            let batch = build(builder.chunk_rows(1).window(3));
            assert_eq!(batch.map(0..100_000, output), wanted);
        }
    });
}

#[test]
fn the_default_batch_maps_borrowed_records() {
    let names: Vec<String> = (0..5_000).map(|n| "x".repeat(n % 17)).collect();
    let lengths = Batch::new().map(&names, String::len);
    let wanted: Vec<usize> = names.iter().map(String::len).collect();
    assert_eq!(lengths, wanted);
}

#[test]
fn an_iterator_is_not_asked_again_after_its_end() {
    within(|| {
        for inline in [false, true] {
            let mut left = 5;
            let mut ended = false;
            let source = std::iter::from_fn(|| {
                assert!(!ended, "asked again");
                if left == 0 {
                    ended = true;
                    return None;
                }
                left -= 1;
                Some(left)
            });
            let builder = Batch::builder().pool(pool(2)).inline_start(inline);
            let batch = build(builder.chunk_rows(2));
            assert_eq!(batch.map(source, |n| n), [4, 3, 2, 1, 0]);
        }
    });
}

#[test]
fn a_size_hint_that_lies_changes_nothing_but_speed() {
    struct Liar(u64, (usize, Option<usize>));
    impl Iterator for Liar {
        type Item = u64;
        fn next(&mut self) -> Option<u64> {
            self.0 = self.0.checked_sub(1)?;
            Some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            self.1
        }
    }
    within(|| {
        let wanted: Vec<u64> = (0..3_000).rev().collect();
        let hints = [
            (0, Some(0)),
            (usize::MAX, None),
            (usize::MAX, Some(usize::MAX)),
            (9, Some(3)),
        ];
        for hint in hints {
            for inline in [false, true] {
                let batch = build(Batch::builder().pool(pool(2)).inline_start(inline));
                assert_eq!(batch.map(Liar(3_000, hint), |n| n), wanted);
            }
        }
    });
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        400 => Just(Fate::Fine),
        8 => Just(Fate::Fails),
        4 => Just(Fate::Panics),
        1 => Just(Fate::Refused),
        1 => Just(Fate::SinkPanics),
        1 => Just(Fate::SourcePanics),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_run_ends_as_a_loop_would(
        fates in prop::collection::vec(fate(), 0..600),
        threads in prop::sample::select(vec![1_usize, 2, 4]),
        chunk in prop::option::of(1_usize..40),
        window in prop::option::of(1_usize..10),
        skip_limit in 0_u64..12,
        inline in any::<bool>(),
    ) {
        let mut builder = Batch::builder()
            .pool(pool(threads))
            .skip_limit(skip_limit)
            .inline_start(inline);
        if let Some(rows) = chunk {
            builder = builder.chunk_rows(rows);
        }
        if let Some(chunks) = window {
            builder = builder.window(chunks);
        }
        prop_assert_eq!(batch_run(&build(builder), &fates), plain_loop(&fates, skip_limit));
    }
}
