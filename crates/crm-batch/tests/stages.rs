//! A source or a sink that blocks has a thread of its own, and everything else is as ever.

mod support;

use std::convert::Infallible;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, Builder, CancelToken, Fill, Order, Owned, Retry, Room, Source, Verdict,
};
use crm_clock::Clock;
use support::fate::{Fate, batch_run, output, plain_loop, quiet_panics};
use support::pool;
use support::watchdog::within;

/// The source blocks, the sink does, both do.
const BLOCKING: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

fn blocking((source, sink): (bool, bool)) -> Builder {
    Batch::builder().source_blocks(source).sink_blocks(sink)
}

/// Runs `test` on this thread, on the only worker of a pool, and on a worker of the pool of `threads`.
fn from_everywhere(threads: usize, test: impl Fn() + Send + Sync) {
    test();
    pool(1).install(&test);
    pool(threads).install(&test);
}

#[test]
fn a_source_that_blocks_leaves_the_pool_to_others() {
    within(|| {
        let batch = blocking((true, false)).pool(pool(1)).build().unwrap();
        let (begin, begun) = mpsc::channel();
        let (feed, food) = mpsc::channel::<u64>();
        let source = std::iter::once_with(move || begin.send(()).unwrap()).flat_map(move |()| {
            let food = food.recv();
            food.into_iter()
        });
        let runner = thread::spawn(move || batch.map(source, output));
        begun.recv().unwrap();
        // The only worker is free while the source waits.
        let answer = pool(1).install(|| 6 * 7);
        feed.send(answer).unwrap();
        assert_eq!(runner.join().unwrap(), [output(42)]);
    });
}

/// The sink waits for what the only worker makes of later records.
#[test]
fn a_sink_that_blocks_does_not_keep_a_worker_from_later_records() {
    within(|| {
        for source in [false, true] {
            from_everywhere(1, || {
                let builder = blocking((source, true)).pool(pool(1));
                let batch = builder.chunk_rows(1).window(6).build().unwrap();
                let (tell, told) = mpsc::channel();
                let process = |n: u64| {
                    if n == 5 {
                        tell.send(()).unwrap();
                    }
                    Ok::<_, ()>(n)
                };
                let mut written = Vec::new();
                let sunk = &mut written;
                let sink = move |n| {
                    if n == 0 {
                        told.recv().unwrap();
                    }
                    sunk.push(n);
                    Ok::<_, ()>(())
                };
                batch.run(0..50, process, sink).unwrap();
                assert!(written.into_iter().eq(0..50));
            });
        }
    });
}

/// The source of the second record waits for the second attempt at the first, for which nobody but the keeper is there.
#[test]
fn a_retry_comes_back_while_the_source_waits() {
    within(|| {
        let retry = Retry::exponential(2).first_delay(Duration::from_micros(100));
        let builder = blocking((true, false)).pool(pool(1)).retry(retry);
        let batch = builder.chunk_rows(1).build().unwrap();
        let (tell, told) = mpsc::channel();
        let tries = AtomicU64::new(0);
        let source = (0..3_u64).inspect(move |n| {
            if *n == 1 {
                told.recv().unwrap();
            }
        });
        let report = batch
            .job(source)
            .process(|n| {
                if n == 0 {
                    if tries.fetch_add(1, Ordering::Relaxed) == 0 {
                        return Err(());
                    }
                    tell.send(()).unwrap();
                }
                Ok(Verdict::Output(n))
            })
            .retry_when(|_| true)
            .into(|_| Ok::<_, ()>(()))
            .run()
            .unwrap();
        assert_eq!((report.written(), report.retries()), (3, 1));
    });
}

#[test]
fn each_stage_is_on_its_thread() {
    within(|| {
        let name = || thread::current().name().unwrap_or_default().to_owned();
        for (source, sink) in BLOCKING {
            for inside in [false, true] {
                let batch = blocking((source, sink)).threads(2).chunk_rows(7).build();
                let batch = batch.unwrap();
                let run = || {
                    let caller = thread::current().id();
                    let records = (0..100).inspect(|_| {
                        assert_eq!(name() == "crm-batch-source", source);
                    });
                    let process = |n: u64| {
                        assert_eq!(rayon::current_num_threads(), 2);
                        Ok::<_, ()>(n)
                    };
                    let written = |_| {
                        if sink && inside {
                            assert_eq!(name(), "crm-batch-keeper");
                        } else if sink {
                            assert_eq!(thread::current().id(), caller);
                        } else {
                            assert_eq!(rayon::current_num_threads(), 2);
                        }
                        Ok::<_, ()>(())
                    };
                    batch.run(records, process, written).unwrap().written()
                };
                let written = if inside { pool(1).install(run) } else { run() };
                assert_eq!(written, 100);
            }
        }
    });
}

/// A run of fates that holds each kind, in places that depend on `seed`.
fn fates(seed: u64, records: usize) -> Vec<Fate> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let fate = |number: u64| match number % 400 {
        0..12 => Fate::Fails,
        12..20 => Fate::Panics,
        20 => Fate::Refused,
        21 => Fate::SinkPanics,
        22 => Fate::SourcePanics,
        _ => Fate::Fine,
    };
    (0..records).map(|_| fate(next())).collect()
}

#[test]
fn a_run_does_what_a_plain_loop_does() {
    quiet_panics();
    within(|| {
        for stages in BLOCKING {
            for threads in [1, 2, 4] {
                for (rows, window) in [(1, 1), (1, 8), (7, 2), (64, 3)] {
                    let builder = blocking(stages).pool(pool(threads)).skip_limit(9);
                    let batch = builder.chunk_rows(rows).window(window).build().unwrap();
                    from_everywhere(threads, || {
                        for seed in 0..8 {
                            let fates = fates(seed, 300);
                            assert_eq!(batch_run(&batch, &fates), plain_loop(&fates, 9));
                        }
                    });
                }
            }
        }
    });
}

#[test]
fn the_plain_methods_do_as_ever() {
    within(|| {
        for stages in BLOCKING {
            let batch = blocking(stages).pool(pool(2)).build().unwrap();
            from_everywhere(2, || {
                assert!(batch.map(0..0, output).is_empty());
                assert!(
                    batch
                        .map(0..10_000, output)
                        .into_iter()
                        .eq((0..10_000).map(output))
                );
                let half = batch.try_map(0..10_000, |n| if n < 5_000 { Ok(n) } else { Err(n) });
                assert_eq!(half, Err(5_000));
            });
        }
    });
}

#[test]
fn runs_nest_in_a_pool_of_one() {
    within(|| {
        for stages in BLOCKING {
            let builder = blocking(stages).pool(pool(1)).chunk_rows(2);
            let batch = builder.window(2).build().unwrap();
            let sums = batch.map(0..6_u64, |outer| {
                let inner = batch.map(0..6_u64, |inner| inner + outer);
                inner.into_iter().sum::<u64>()
            });
            assert!(sums.into_iter().eq((0..6).map(|outer| 15 + 6 * outer)));
        }
    });
}

/// With a window of one chunk everything happens in turn, so that the hand-turned clock tells each stage's time.
#[test]
fn the_report_tells_the_time_of_each_stage() {
    within(|| {
        for stages in BLOCKING {
            let (clock, hand) = Clock::manual();
            let builder = blocking(stages).pool(pool(1)).clock(clock);
            let batch = builder.chunk_rows(1).window(1).build().unwrap();
            let take = |millis| hand.advance(Duration::from_millis(millis));
            let source = (0..10).inspect(|_| {
                take(1);
            });
            let process = |n: u64| {
                take(3);
                Ok::<_, ()>(n)
            };
            let sink = |_| {
                take(5);
                Ok::<_, ()>(())
            };
            let report = batch.run(source, process, sink).unwrap();
            assert_eq!(report.source_time(), Duration::from_millis(10));
            assert_eq!(report.work_time(), Duration::from_millis(30));
            assert_eq!(report.sink_time(), Duration::from_millis(50));
            assert_eq!(report.elapsed(), Duration::from_millis(90));
            // A stage that has a thread is no part of the workers' time.
            let (source, sink) = stages;
            let pool = 30 + if source { 0 } else { 10 } + if sink { 0 } else { 50 };
            let utilisation: Vec<_> = report.utilisation().collect();
            assert_eq!(utilisation.len(), 1);
            assert!((utilisation[0] - f64::from(pool) / 90.0).abs() < 1e-9);
        }
    });
}

/// A job whose first record would be tried again in an hour, and whose window is full meanwhile: all its threads sleep. It
/// calls `meanwhile` when that is so, or will be in a moment.
fn stuck(builder: Builder, meanwhile: impl Fn() + Sync) -> BatchError<(), (), Infallible> {
    let hour = Duration::from_secs(3_600);
    let retry = Retry::exponential(2).first_delay(hour).longest_delay(hour);
    let builder = builder.pool(pool(2)).chunk_rows(1).window(2).retry(retry);
    builder
        .build()
        .unwrap()
        .job(0_u64..)
        .process(|n| {
            if n == 1 {
                meanwhile();
            }
            if n == 0 {
                Err(())
            } else {
                Ok(Verdict::Output(n))
            }
        })
        .retry_when(|_| true)
        .into(|_| Ok::<_, ()>(()))
        .run()
        .unwrap_err()
}

#[test]
fn a_cancelled_run_wakes_the_threads_that_sleep() {
    within(|| {
        for stages in BLOCKING {
            from_everywhere(2, || {
                let token = CancelToken::new();
                let (tell, told) = mpsc::channel();
                let cancel = token.clone();
                let canceller = thread::spawn(move || {
                    told.recv().unwrap();
                    cancel.cancel();
                });
                let error = stuck(blocking(stages).cancel(token), || tell.send(()).unwrap());
                assert!(matches!(error, BatchError::Cancelled { position: 0, .. }));
                assert!(error.report().read() <= 2);
                canceller.join().unwrap();
            });
        }
    });
}

#[test]
fn a_deadline_wakes_the_threads_that_sleep() {
    within(|| {
        for stages in BLOCKING {
            from_everywhere(2, || {
                let builder = blocking(stages).deadline(Duration::from_millis(2));
                let error = stuck(builder, || ());
                assert!(matches!(
                    error,
                    BatchError::DeadlineExceeded { position: 0, .. }
                ));
            });
        }
    });
}

/// Waits for records that never come.
struct Silent<'a>(&'a mpsc::Sender<()>);

impl Source for Silent<'_> {
    type Chunk = Owned<u64>;
    type Error = ();

    fn fill(&mut self, _chunk: &mut Owned<u64>, room: &Room<'_>) -> Result<Fill, ()> {
        self.0.send(()).unwrap();
        while !room.is_over() {
            thread::yield_now();
        }
        Ok(Fill::more())
    }
}

#[test]
fn a_source_that_waits_hears_that_the_run_is_over() {
    within(|| {
        let token = CancelToken::new();
        let batch = blocking((true, false)).pool(pool(1)).cancel(token.clone());
        let batch = batch.build().unwrap();
        let (tell, told) = mpsc::channel();
        let canceller = thread::spawn(move || {
            told.recv().unwrap();
            token.cancel();
        });
        let job = batch
            .job(Silent(&tell))
            .process(|n| Ok::<_, ()>(Verdict::Output(n)));
        let error = job.into(|_| Ok::<_, ()>(())).run().unwrap_err();
        assert!(matches!(error, BatchError::Cancelled { position: 0, .. }));
        canceller.join().unwrap();
    });
}

#[test]
fn a_paused_run_holds_no_worker_and_goes_on_when_it_is_resumed() {
    within(|| {
        for stages in BLOCKING {
            let token = CancelToken::new();
            let builder = blocking(stages).pool(pool(1)).cancel(token.clone());
            let batch = builder.chunk_rows(4).build().unwrap();
            let (tell, told) = mpsc::channel();
            let pause = token.clone();
            let runner = thread::spawn(move || {
                let process = |n: u64| {
                    if n == 100 {
                        pause.pause();
                        tell.send(()).unwrap();
                    }
                    Ok::<_, ()>(n)
                };
                let mut written = Vec::new();
                let sink = |n| {
                    written.push(n);
                    Ok::<_, ()>(())
                };
                batch.run(0..1_000, process, sink).unwrap();
                written
            });
            told.recv().unwrap();
            assert_eq!(pool(1).install(|| 6 * 7), 42);
            token.resume();
            assert!(runner.join().unwrap().into_iter().eq(0..1_000));
        }
    });
}

#[test]
fn as_finished_holds_with_a_sink_apart() {
    within(|| {
        let builder = blocking((true, true)).threads(2).order(Order::AsFinished);
        let batch = builder.chunk_rows(1).build().unwrap();
        let (begin, begun) = mpsc::channel();
        let begun = Mutex::new(begun);
        let mut written = Vec::new();
        let process = |n: u64| {
            if n == 0 {
                begun.lock().unwrap().recv().unwrap();
            }
            Ok::<_, ()>(n)
        };
        let sink = |n| {
            written.push(n);
            if written.len() == 50 {
                begin.send(()).unwrap();
            }
            Ok::<_, ()>(())
        };
        batch.run(0..100, process, sink).unwrap();
        assert!(!written[..50].contains(&0));
        written.sort_unstable();
        assert!(written.into_iter().eq(0..100));
    });
}

/// A value whose destructor panics at one position.
struct Fragile(u64);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert_ne!(self.0, 57, "the record is broken");
    }
}

/// A source whose destructor panics.
struct Brittle(u64);

impl Iterator for Brittle {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 += 1;
        (self.0 < 1_000).then_some(self.0)
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        panic!("the source is broken");
    }
}

#[test]
fn a_panicking_destructor_ends_the_run_and_goes_on_to_the_caller() {
    quiet_panics();
    within(|| {
        for stages in BLOCKING {
            let builder = blocking(stages).pool(pool(2)).chunk_rows(64);
            let batch = builder.window(usize::MAX).build().unwrap();
            let says = |run: &dyn Fn()| {
                let payload = panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err();
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or(payload.downcast_ref::<&str>().map(|&text| text.to_owned()));
                text.unwrap()
            };
            // The record 57 is left over in a chunk that fails before it.
            let in_the_chunk = || {
                let process = |record: Fragile| if record.0 == 50 { Err(()) } else { Ok(()) };
                let _ = batch.try_map((0..).map(Fragile), process);
            };
            // The output 57 is left over when the sink refuses one before it.
            let at_the_desk = || {
                let sink = |output: Fragile| if output.0 == 50 { Err(()) } else { Ok(()) };
                let _ = batch.run((0..).map(Fragile), Ok::<Fragile, ()>, sink);
            };
            let written = AtomicU64::new(0);
            let in_the_source = || {
                let _ = batch.run(Brittle(0), Ok::<u64, ()>, |_| {
                    written.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, ()>(())
                });
            };
            assert!(says(&in_the_chunk).contains("the record is broken"));
            assert!(says(&at_the_desk).contains("the record is broken"));
            assert!(says(&in_the_source).contains("the source is broken"));
            // It is dropped when all of it has been settled.
            assert_eq!(written.into_inner(), 999);
            assert_eq!(batch.map(0..100, |n| n).len(), 100);
        }
    });
}
