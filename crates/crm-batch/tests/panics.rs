//! A panic of user code is contained where it can be, passed on where it must be, and never leaves a run hanging.

mod support;

use std::error::Error;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::mpsc;

use crm_batch::{Batch, BatchError, Builder, Progress, Stage};
use crm_clock::Clock;
use support::fate::{Ended, Fate, batch_run, plain_loop, quiet_panics};
use support::pool;
use support::watchdog::within;

/// In the pool from the first record on, and on the caller's thread from the first to the last, for on a clock that
/// stands still no work seems worth the pool.
fn both() -> [Builder; 2] {
    [false, true].map(|inline| {
        let builder = Batch::builder().pool(pool(2)).inline_start(inline);
        let builder = builder.clock(Clock::manual().0);
        builder.chunk_rows(10).window(3)
    })
}

fn caught<R>(run: impl FnOnce() -> R) -> Box<dyn std::any::Any + Send> {
    match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => panic!("no panic came"),
        Err(payload) => payload,
    }
}

#[test]
fn a_panic_at_any_stage_ends_the_run_as_a_loop_would() {
    within(|| {
        let stages = [
            (Fate::Panics, Ended::Panic),
            (Fate::SourcePanics, Ended::SourcePanic),
            (Fate::SinkPanics, Ended::SinkPanic),
        ];
        for (fate, end) in stages {
            for position in [0, 1, 9, 10, 55, 99] {
                let mut fates = vec![Fate::Fine; 100];
                fates[position] = fate;
                for builder in both() {
                    let outcome = batch_run(&builder.build().unwrap(), &fates);
                    assert_eq!(outcome, plain_loop(&fates, 0));
                    assert_eq!(outcome.end, Some((position as u64, end)));
                }
            }
        }
    });
}

#[test]
fn a_panic_in_a_record_is_skipped_like_an_error() {
    let mut fates = vec![Fate::Fine; 100];
    fates[7] = Fate::Panics;
    fates[8] = Fate::Fails;
    fates[70] = Fate::Panics;
    for builder in both() {
        let outcome = batch_run(&builder.skip_limit(3).build().unwrap(), &fates);
        assert_eq!(outcome, plain_loop(&fates, 3));
        assert_eq!(outcome.end, None);
        assert_eq!(outcome.skipped.len(), 3);
    }
}

#[test]
fn map_passes_the_first_panic_on_with_its_payload() {
    #[derive(Debug, PartialEq)]
    struct Payload(u64);
    within(|| {
        let (release, held) = mpsc::channel();
        let held = Mutex::new(held);
        let batch = Batch::builder().pool(pool(2)).inline_start(false);
        let batch = batch.chunk_rows(1).build().unwrap();
        let payload = caught(|| {
            batch.map(0..50_u64, |record| match record {
                3 => {
                    held.lock().unwrap().recv().unwrap(); // Record 4 is panicking by now.
                    panic::resume_unwind(Box::new(Payload(3)));
                }
                4 => {
                    release.send(()).unwrap();
                    panic::resume_unwind(Box::new(Payload(4)));
                }
                _ => record,
            })
        });
        assert_eq!(payload.downcast_ref::<Payload>(), Some(&Payload(3)));
    });
}

#[test]
fn for_each_and_try_map_pass_panics_on() {
    quiet_panics();
    for builder in both() {
        let batch = builder.build().unwrap();
        let payload = caught(|| batch.for_each(0..50, |n| assert_ne!(n, 30, "it is broken")));
        assert!(
            payload
                .downcast_ref::<String>()
                .unwrap()
                .contains("it is broken")
        );

        let source = (0..50).inspect(|n| assert_ne!(*n, 20, "it is broken"));
        let payload = caught(|| batch.try_map(source, Ok::<i32, ()>));
        assert!(
            payload
                .downcast_ref::<String>()
                .unwrap()
                .contains("it is broken")
        );

        // The error at 10 comes before the panic at 20.
        let result = batch.try_map(0..50, |n| match n {
            10 => Err(n),
            20 => panic!("it is broken"),
            _ => Ok(n),
        });
        assert_eq!(result, Err(10));
    }
}

#[test]
fn a_source_that_cannot_even_begin_is_an_error() {
    struct Broken;
    impl IntoIterator for Broken {
        type Item = u8;
        type IntoIter = std::vec::IntoIter<u8>;
        fn into_iter(self) -> Self::IntoIter {
            panic!("the file is broken")
        }
    }
    quiet_panics();
    let error = Batch::new()
        .run(Broken, Ok::<u8, Never>, |_| Ok::<(), Never>(()))
        .unwrap_err();
    assert_eq!(error.position(), 0);
    assert_eq!(error.report().read(), 0);
    assert_eq!(
        error.to_string(),
        "the source panicked at record 0 (the file is broken): let it return an error instead"
    );
    assert!(error.source().is_none());
    let BatchError::Panicked { stage, panic, .. } = error else {
        panic!("another error")
    };
    assert_eq!(stage, Stage::Source);
    assert_eq!(panic.message(), "the file is broken");
    let payload = panic.into_payload();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the file is broken"));
}

/// An error type that is never made.
type Never = std::convert::Infallible;

#[test]
fn a_panicking_observer_ends_the_run_after_its_chunk() {
    quiet_panics();
    for builder in both() {
        let observer = |progress: &Progress| assert!(progress.chunks() < 3, "the bar is broken");
        let batch = builder.skip_limit(5).progress(observer).build().unwrap();
        let process = |n: i32| if n == 12 { Err(()) } else { Ok(n) };
        let mut sunk = 0;
        let error = batch
            .run(0..1_000, process, |_| {
                sunk += 1;
                Ok::<(), ()>(())
            })
            .unwrap_err();
        assert!(matches!(
            &error,
            BatchError::Panicked { stage: Stage::Observer, position: 30, panic, .. }
                if panic.message() == "the bar is broken"
        ));
        assert_eq!(
            (error.report().written(), error.report().skipped()),
            (29, 1)
        );
        assert_eq!(sunk, 29);
    }
}

#[test]
fn a_panicking_destructor_passes_on_and_hangs_nothing() {
    struct Fragile(u64);
    impl Drop for Fragile {
        fn drop(&mut self) {
            assert_ne!(self.0, 57, "the record is broken");
        }
    }
    quiet_panics();
    within(|| {
        for builder in both() {
            let batch = builder.build().unwrap();
            // The sink ends the run at 50, so that the output 57 is dropped outside of any user function.
            caught(|| {
                batch.run((0..100).map(Fragile), Ok::<Fragile, ()>, |output| {
                    if output.0 == 50 { Err(()) } else { Ok(()) }
                })
            });
            assert_eq!(batch.map(0..100, |n| n).len(), 100);
        }
    });
}

#[test]
fn a_source_that_panics_when_it_is_dropped_has_been_used_up_before() {
    struct Fragile(std::ops::Range<u64>);
    impl Iterator for Fragile {
        type Item = u64;
        fn next(&mut self) -> Option<u64> {
            self.0.next()
        }
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("the file is broken");
        }
    }
    quiet_panics();
    within(|| {
        for builder in both() {
            let batch = builder.build().unwrap();
            let mut sunk = Vec::new();
            caught(|| {
                batch.run(Fragile(0..25), Ok::<u64, ()>, |n| {
                    sunk.push(n);
                    Ok::<(), ()>(())
                })
            });
            assert!(sunk.into_iter().eq(0..25));
        }
    });
}
