//! The observer sees every chunk, in order, one at a time; the report sums them up.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm_batch::{Batch, Progress};
use crm_clock::Clock;
use support::pool;
use support::watchdog::within;

#[test]
fn the_observer_sees_counts_that_only_grow() {
    within(|| {
        for threads in [1, 2, 4] {
            for inline in [false, true] {
                let seen = Arc::new(Mutex::new(Vec::<Progress>::new()));
                let log = Arc::clone(&seen);
                let busy = AtomicBool::new(false);
                let batch = Batch::builder()
                    .pool(pool(threads))
                    .inline_start(inline)
                    .clock(Clock::manual().0)
                    .chunk_rows(10)
                    .window(3)
                    .skip_limit(1_000)
                    .progress(move |progress| {
                        assert!(!busy.swap(true, Ordering::SeqCst), "called twice at once");
                        log.lock().unwrap().push(*progress);
                        busy.store(false, Ordering::SeqCst);
                    })
                    .build()
                    .unwrap();
                let process = |n: u64| if n % 4 == 0 { Err(n) } else { Ok(n) };
                let report = batch.run(0..1_005, process, |_| Ok::<(), ()>(())).unwrap();
                let seen = seen.lock().unwrap();
                assert_eq!(seen.len() as u64, report.chunks());
                assert_eq!(report.chunks(), 101);
                for (chunk, progress) in (1..).zip(seen.iter()) {
                    assert_eq!(progress.chunks(), chunk);
                    let settled = progress.written() + progress.skipped();
                    assert_eq!(settled, (chunk * 10).min(1_005));
                    assert!((settled..=settled + 20).contains(&progress.read()));
                }
                let last = seen.last().unwrap();
                assert_eq!(
                    (last.read(), last.written(), last.skipped()),
                    (1_005, 753, 252)
                );
                assert_eq!(
                    (report.read(), report.written(), report.skipped()),
                    (1_005, 753, 252)
                );
            }
        }
    });
}

#[test]
fn time_is_taken_from_the_clock_of_the_batch() {
    for inline in [false, true] {
        let (clock, hand) = Clock::manual();
        let last = Arc::new(Mutex::new(Duration::ZERO));
        let seen = Arc::clone(&last);
        let batch = Batch::builder()
            .pool(pool(1))
            .inline_start(inline)
            .clock(clock)
            .progress(move |progress| *seen.lock().unwrap() = progress.elapsed())
            .build()
            .unwrap();
        hand.advance(Duration::from_secs(50)); // before the run
        let process = |n: u64| {
            hand.advance(Duration::from_secs(2));
            Ok::<u64, ()>(n)
        };
        let report = batch.run(0..30, process, |_| Ok::<(), ()>(())).unwrap();
        assert_eq!(report.elapsed(), Duration::from_secs(60));
        assert_eq!(*last.lock().unwrap(), Duration::from_secs(60));
        assert!(
            report
                .to_string()
                .starts_with("30 read, 30 written, 0 skipped in ")
        );
        assert!(report.to_string().ends_with(" chunks and 60s"));
    }
}

#[test]
fn an_empty_run_is_a_run() {
    for inline in [false, true] {
        let batch = Batch::builder()
            .pool(pool(2))
            .inline_start(inline)
            .build()
            .unwrap();
        let report = batch
            .run(std::iter::empty::<u8>(), Ok::<u8, ()>, |_| Ok::<(), ()>(()))
            .unwrap();
        assert_eq!(
            (report.read(), report.chunks(), report.peak_rows()),
            (0, 0, 0)
        );
        assert!(batch.map(Vec::<u8>::new(), |n| n).is_empty());
    }
}

/// The source takes 1 ms for a record, the work 3 and the sink 2, on one thread.
#[test]
fn the_report_says_which_stage_takes_the_time() {
    for inline in [false, true] {
        let (clock, hand) = Clock::manual();
        let turn = |ms| {
            hand.advance(Duration::from_millis(ms));
        };
        let batch = Batch::builder()
            .pool(pool(1))
            .inline_start(inline)
            .clock(clock);
        let batch = batch.chunk_rows(7).build().unwrap();
        let report = batch
            .run(
                (0..100).inspect(|_| turn(1)),
                |n| {
                    turn(3);
                    Ok::<i32, ()>(n)
                },
                |_| {
                    turn(2);
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
        let near = |time: Duration, ms: i64| (time.as_millis() as i64 - ms).abs() <= 2;
        assert!(
            near(report.source_time(), 100),
            "{:?}",
            report.source_time()
        );
        assert!(near(report.work_time(), 300), "{:?}", report.work_time());
        assert!(near(report.sink_time(), 200), "{:?}", report.sink_time());
        let shares: Vec<f64> = report.utilisation().collect();
        assert!(
            shares.len() == 1 && (0.99..=1.0).contains(&shares[0]),
            "{shares:?}"
        );
    }
}

#[test]
fn progress_tells_the_rate_and_the_time_that_is_left() {
    for inline in [false, true] {
        let (clock, hand) = Clock::manual();
        let seen = Arc::new(Mutex::new(Vec::<Progress>::new()));
        let log = Arc::clone(&seen);
        let batch = Batch::builder()
            .pool(pool(1))
            .inline_start(inline)
            .clock(clock);
        let batch = batch
            .chunk_rows(10)
            .skip_limit(100)
            .progress(move |progress| log.lock().unwrap().push(*progress))
            .build()
            .unwrap();
        let process = |n: u64| {
            hand.advance(Duration::from_millis(5));
            if n % 2 == 0 { Err(()) } else { Ok(n) }
        };
        batch.run(0..100, process, |_| Ok::<(), ()>(())).unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 10);
        for progress in seen.iter() {
            assert_eq!(progress.total(), Some(100));
            assert!((progress.rate().unwrap() - 200.0).abs() < 1e-6);
            let left = (100 - progress.settled()) as f64 / 200.0;
            assert!((progress.time_left().unwrap().as_secs_f64() - left).abs() < 1e-6);
        }
        // Nothing is known of the end of a source that does not know it.
        let (tell, told) = std::sync::mpsc::channel();
        let tell = Mutex::new(tell);
        let batch = Batch::builder().chunk_rows(5).progress(move |progress| {
            tell.lock().unwrap().send(*progress).unwrap();
        });
        batch
            .build()
            .unwrap()
            .for_each((0..10).filter(|_| true), |_| ());
        let progress = told.recv().unwrap();
        assert_eq!((progress.total(), progress.time_left()), (None, None));
    }
}
