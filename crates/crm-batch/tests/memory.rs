//! No more than `window x chunk_rows` records are in flight, and the report says how many were.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use crm_batch::Batch;
use crm_clock::Clock;
use support::pool;
use support::tally::{Tally, Tracked};
use support::watchdog::within;

#[test]
fn the_window_bounds_the_records_that_live() {
    within(|| {
        for threads in [1, 2, 4] {
            for (rows, window) in [(1, 1), (1, 7), (10, 1), (10, 2), (64, 5), (500, 3)] {
                // In the pool, on the caller's thread, with a source, a sink and both on threads of their own.
                for start in 0..5 {
                    let builder = Batch::builder()
                        .pool(pool(threads))
                        .inline_start(start == 1);
                    let builder = builder.source_blocks(start == 2 || start == 4);
                    let builder = builder.sink_blocks(start >= 3);
                    let batch = builder.chunk_rows(rows).window(window).build().unwrap();
                    let tally = Tally::default();
                    let report = batch
                        .run(
                            (0..5_000).map(|id| tally.item(id)),
                            Ok::<Tracked, ()>,
                            |_| Ok::<(), ()>(()),
                        )
                        .unwrap();
                    let bound = rows * window;
                    let shape = format!("{threads} threads, {rows} rows, {window} chunks");
                    // What the report calls a peak is at least what was alive, and at most the bound.
                    assert!(tally.peak() <= report.peak_rows(), "{shape}");
                    assert!(report.peak_rows() <= bound, "{shape}");
                    assert_eq!(report.written(), 5_000, "{shape}");
                    assert_eq!(tally.live(), 0, "{shape}");
                }
            }
        }
    });
}

/// The first record is held until the other worker has done all that the window lets it do.
#[test]
fn a_full_window_stops_the_source_and_nothing_waits() {
    within(|| {
        const ROWS: u64 = 10;
        const WINDOW: u64 = 4;
        let pulled = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&pulled);
        let (release, held) = mpsc::channel();
        let held = Mutex::new(held);
        let batch = Batch::builder()
            .pool(pool(2))
            .inline_start(false)
            .chunk_rows(ROWS as usize)
            .window(WINDOW as usize)
            .build()
            .unwrap();
        let mut sunk = Vec::new();
        let report = batch
            .run(
                (0..1_000).inspect(|_| {
                    count.fetch_add(1, Ordering::SeqCst);
                }),
                |record: u64| {
                    if record == 0 {
                        held.lock().unwrap().recv().unwrap();
                        // Everything else that the window allows has been read and worked on, and not one record more.
                        assert_eq!(pulled.load(Ordering::SeqCst), ROWS * WINDOW);
                    }
                    if record == ROWS * WINDOW - 1 {
                        release.send(()).unwrap();
                    }
                    Ok::<u64, ()>(record)
                },
                |record| {
                    sunk.push(record);
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
        assert_eq!(report.peak_rows() as u64, ROWS * WINDOW);
        assert_eq!(report.chunks(), 100);
        assert!(sunk.into_iter().eq(0..1_000));
    });
}

/// The first record is held until all others that the window lets in have been worked on.
#[test]
fn without_a_choice_the_window_is_eight_chunks_or_four_for_each_thread() {
    within(|| {
        for (threads, window) in [(2, 8), (3, 12)] {
            let (release, held) = mpsc::channel();
            let held = Mutex::new(held);
            let batch = Batch::builder().threads(threads).inline_start(false);
            let batch = batch.chunk_rows(1).build().unwrap();
            let left = AtomicU64::new(window - 1);
            let process = |record: u64| {
                if record == 0 {
                    held.lock().unwrap().recv().unwrap();
                } else if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    release.send(()).unwrap();
                }
                Ok::<u64, ()>(record)
            };
            let report = batch.run(0..100, process, |_| Ok::<(), ()>(())).unwrap();
            assert_eq!(report.peak_rows() as u64, window);
        }
    });
}

#[test]
fn adaptive_chunks_keep_to_their_caps() {
    within(|| {
        let window = 3;
        let batch = Batch::builder()
            .pool(pool(2))
            .inline_start(false)
            .window(window)
            .build()
            .unwrap();
        let small = batch
            .run(0..200_000_u32, Ok::<u32, ()>, |_| Ok::<(), ()>(()))
            .unwrap();
        assert!(small.peak_rows() <= window * 8_192);
        assert!(small.chunks() >= 200_000 / 8_192);

        // 64 KiB in a record: sixteen of them make the mebibyte that a chunk may have.
        let large = batch
            .run(
                (0..200).map(|n| [n; 65_536]),
                |record: [u8; 65_536]| Ok::<u8, ()>(record[7]),
                |_| Ok::<(), ()>(()),
            )
            .unwrap();
        assert!(large.peak_rows() <= window * 16);
        assert!(large.chunks() >= 200 / 16);
    });
}

#[test]
fn a_small_source_has_a_small_peak() {
    for inline in [false, true] {
        let batch = Batch::builder()
            .pool(pool(2))
            .inline_start(inline)
            .chunk_rows(1_000)
            .clock(Clock::manual().0)
            .build()
            .unwrap();
        let report = batch
            .run(0..5, Ok::<i32, ()>, |_| Ok::<(), ()>(()))
            .unwrap();
        assert!((1..=5).contains(&report.peak_rows()));
        assert_eq!(report.chunks(), 1);
    }
}
