//! A run can be cancelled, paused, resumed and given a deadline, at any moment, and holds no thread while it waits.

mod support;

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, Builder, CancelToken, End, Entry, Fill, Order, Owned, Position, Retry, Room,
    Sink, Source, Verdict,
};
use crm_clock::Clock;
use support::pool;
use support::watchdog::within;

fn cancellable(threads: usize, inline: bool) -> (Builder, CancelToken) {
    let token = CancelToken::new();
    let builder = Batch::builder().pool(pool(threads)).inline_start(inline);
    (builder.cancel(token.clone()), token)
}

#[test]
fn a_cancelled_run_has_written_what_comes_before_its_position() {
    within(|| {
        for threads in [1, 2, 4] {
            for inline in [false, true] {
                for rows in [1, 10, 1_000] {
                    let (builder, token) = cancellable(threads, inline);
                    let batch = builder.chunk_rows(rows).build().unwrap();
                    let late = AtomicU64::new(0);
                    let mut written = Vec::new();
                    let process = |n: u64| {
                        if token.is_cancelled() {
                            late.fetch_add(1, Ordering::Relaxed);
                        }
                        if n == 2_500 {
                            token.cancel();
                        }
                        Ok::<_, ()>(n)
                    };
                    let sink = |n| {
                        written.push(n);
                        Ok::<_, ()>(())
                    };
                    let error = batch.run(0_u64.., process, sink).unwrap_err();
                    let BatchError::Cancelled {
                        position, report, ..
                    } = error
                    else {
                        panic!("another error: {error:?}")
                    };
                    assert_eq!(position, written.len() as u64);
                    assert!(written.into_iter().eq(0..position));
                    assert!(position <= 2_501 + 40 * rows as u64);
                    assert!(report.not_processed() >= 1 || inline);
                    // Each worker ends after the record that it works on, in the middle of its chunk.
                    assert!(late.into_inner() <= 2 * threads as u64);
                }
            }
        }
    });
}

#[test]
fn a_token_that_is_cancelled_before_ends_a_run_before_its_first_record() {
    for inline in [false, true] {
        let (builder, token) = cancellable(2, inline);
        token.cancel();
        let batch = builder.build().unwrap();
        let error = batch
            .run(
                0..100,
                |_| -> Result<(), ()> { panic!("a record") },
                |()| Ok::<_, ()>(()),
            )
            .unwrap_err();
        assert!(matches!(error, BatchError::Cancelled { position: 0, .. }));
        assert_eq!(error.report().read(), 0);
        // The plain methods cannot tell, and so do not heed it.
        assert_eq!(batch.map(0..100, |n| n).len(), 100);
    }
}

/// The chunk would never be full.
#[test]
fn a_chunk_that_is_being_filled_sees_that_the_run_has_ended() {
    within(|| {
        let (builder, token) = cancellable(2, false);
        let batch = builder.chunk_rows(1 << 40).build().unwrap();
        let source = (0_u64..).inspect(|n| {
            if *n == 1_000 {
                token.cancel();
            }
        });
        let error = batch
            .run(source, Ok::<u64, ()>, |_| Ok::<_, ()>(()))
            .unwrap_err();
        assert!(matches!(error, BatchError::Cancelled { position: 0, .. }));
        assert_eq!(error.report().not_processed(), 1_001);

        // Neither would this one be, and the clock is turned by the source.
        let (clock, hand) = Clock::manual();
        let builder = Batch::builder()
            .pool(pool(2))
            .inline_start(false)
            .clock(clock);
        let batch = builder
            .chunk_rows(1 << 40)
            .deadline(Duration::from_millis(1));
        let source = (0_u64..).inspect(|_| {
            hand.advance(Duration::from_micros(1));
        });
        let run = batch.build().unwrap();
        let error = run
            .run(source, Ok::<u64, ()>, |_| Ok::<_, ()>(()))
            .unwrap_err();
        assert!(matches!(
            error,
            BatchError::DeadlineExceeded { position: 0, .. }
        ));
        assert!((1_000..1_020).contains(&error.report().read()));
    });
}

#[test]
fn a_deadline_ends_a_run_in_the_middle_of_a_chunk() {
    within(|| {
        for inline in [false, true] {
            for rows in [1, 16, 800] {
                let (clock, hand) = Clock::manual();
                let builder = Batch::builder()
                    .pool(pool(1))
                    .inline_start(inline)
                    .clock(clock);
                let builder = builder.chunk_rows(rows).deadline(Duration::from_secs(1));
                let worked = AtomicU64::new(0);
                let process = |n: u64| {
                    worked.fetch_add(1, Ordering::Relaxed);
                    hand.advance(Duration::from_millis(1));
                    Ok::<_, ()>(n)
                };
                let batch = builder.build().unwrap();
                let error = batch
                    .run(0_u64.., process, |_| Ok::<_, ()>(()))
                    .unwrap_err();
                assert!(matches!(error, BatchError::DeadlineExceeded { .. }));
                // The clock is looked at sixteen times in a chunk.
                assert!((1_000..=1_051).contains(&worked.into_inner()));
                assert_eq!(error.position(), error.report().written());
            }
        }
    });
}

/// All chunks are ready when the sink begins, so that nobody but its own thread is left to look at the clock.
#[test]
fn a_slow_sink_does_not_run_past_the_deadline() {
    within(|| {
        let (clock, hand) = Clock::manual();
        let builder = Batch::builder().threads(2).inline_start(false).clock(clock);
        let builder = builder.chunk_rows(1).window(9);
        let batch = builder
            .deadline(Duration::from_millis(2_500))
            .build()
            .unwrap();
        let (release, held) = mpsc::channel();
        let held = Mutex::new(held);
        let left = AtomicU64::new(7);
        let process = |n: u64| {
            if n == 0 {
                held.lock().unwrap().recv().unwrap();
            } else if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                release.send(()).unwrap();
            }
            Ok::<_, ()>(n)
        };
        let sink = |_| {
            hand.advance(Duration::from_secs(1));
            Ok::<_, ()>(())
        };
        let error = batch.run(0..8, process, sink).unwrap_err();
        assert!(matches!(
            error,
            BatchError::DeadlineExceeded { position: 3, .. }
        ));
        assert_eq!(error.report().not_processed(), 5);
    });
}

#[test]
fn a_paused_run_holds_no_thread_and_goes_on_when_it_is_resumed() {
    within(|| {
        for inline in [false, true] {
            let (builder, token) = cancellable(1, inline);
            let batch = builder.chunk_rows(4).build().unwrap();
            let (tell, told) = mpsc::channel();
            let runner = thread::spawn({
                let token = token.clone();
                move || {
                    let process = move |n: u64| {
                        if n == 100 {
                            token.pause();
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
                }
            });
            told.recv().unwrap();
            assert!(token.is_paused());
            // The only thread of the pool is free.
            assert_eq!(pool(1).install(|| 6 * 7), 42);
            token.resume();
            assert!(runner.join().unwrap().into_iter().eq(0..1_000));
        }
    });
}

/// The caller is the only worker of the pool: it does the pool's other work while it waits.
#[test]
fn a_paused_run_inside_the_pool_lets_its_worker_do_other_work() {
    within(|| {
        let (builder, token) = cancellable(1, false);
        let batch = builder.build().unwrap();
        token.pause();
        let (tell, told) = mpsc::channel();
        pool(1).spawn(move || {
            tell.send(
                batch
                    .run(0..100, Ok::<u64, ()>, |_| Ok::<_, ()>(()))
                    .unwrap()
                    .written(),
            )
            .unwrap();
        });
        let resume = token.clone();
        pool(1).install(move || resume.resume());
        assert_eq!(told.recv().unwrap(), 100);
    });
}

#[test]
fn a_paused_run_can_be_cancelled_and_has_a_deadline() {
    within(|| {
        for inline in [false, true] {
            let (builder, token) = cancellable(2, inline);
            token.pause();
            let batch = builder.build().unwrap();
            let runner =
                thread::spawn(move || batch.run(0..100, Ok::<u64, ()>, |_| Ok::<_, ()>(())));
            token.cancel();
            let error = runner.join().unwrap().unwrap_err();
            assert!(matches!(error, BatchError::Cancelled { position: 0, .. }));

            let (builder, token) = cancellable(2, inline);
            token.pause();
            let batch = builder.deadline(Duration::from_millis(2)).build().unwrap();
            let error = batch
                .run(0..100, Ok::<u64, ()>, |_| Ok::<_, ()>(()))
                .unwrap_err();
            assert!(matches!(
                error,
                BatchError::DeadlineExceeded { position: 0, .. }
            ));
        }
    });
}

/// The record would come back in an hour. Meanwhile the others are worked on as far as the window goes, and the pool, which
/// has one thread, is free.
#[test]
fn a_record_that_waits_for_its_retry_holds_no_thread() {
    within(|| {
        let hour = Duration::from_secs(3_600);
        let retry = Retry::exponential(2)
            .first_delay(hour)
            .longest_delay(hour)
            .jitter(0.0);
        let (builder, token) = cancellable(1, false);
        let batch = builder
            .retry(retry)
            .chunk_rows(10)
            .window(5)
            .build()
            .unwrap();
        let (tell, told) = mpsc::channel();
        let runner = thread::spawn(move || {
            batch
                .job(0..1_000_u64)
                .process(move |n| {
                    if n == 49 {
                        tell.send(()).unwrap();
                    }
                    if n == 3 {
                        Err(())
                    } else {
                        Ok(Verdict::Output(n))
                    }
                })
                .retry_when(|_| true)
                .into(|_| Ok::<_, ()>(()))
                .run()
        });
        told.recv().unwrap();
        assert_eq!(pool(1).install(|| 6 * 7), 42);
        token.cancel();
        let error = runner.join().unwrap().unwrap_err();
        let BatchError::Cancelled {
            position, report, ..
        } = error
        else {
            panic!("another error: {error:?}")
        };
        assert_eq!((position, report.read(), report.retries()), (0, 50, 1));
    });
}

#[test]
fn a_retry_comes_back_after_its_delay_and_not_before() {
    within(|| {
        let (clock, hand) = Clock::manual();
        let second = Duration::from_secs(1);
        let retry = Retry::exponential(3)
            .first_delay(second)
            .longest_delay(second)
            .jitter(0.0);
        let batch = Batch::builder()
            .pool(pool(2))
            .chunk_rows(5)
            .clock(clock.clone());
        let tries = Mutex::new(Vec::new());
        // Every record turns the clock by 50 ms, so that the retry falls due while others are worked on.
        let report = batch
            .retry(retry)
            .window(1_000)
            .build()
            .unwrap()
            .job(0..200_u64)
            .process(|n| {
                hand.advance(Duration::from_millis(50));
                if n == 3 {
                    let mut tries = tries.lock().unwrap();
                    tries.push(clock.now());
                    if tries.len() < 3 {
                        return Err(());
                    }
                }
                Ok(Verdict::Output(n))
            })
            .retry_when(|_| true)
            .into(|_| Ok::<_, ()>(()))
            .run()
            .unwrap();
        assert_eq!((report.written(), report.retries()), (200, 2));
        let tries = tries.into_inner().unwrap();
        for pair in tries.windows(2) {
            let waited = pair[1] - pair[0];
            assert!((second..second * 2).contains(&waited), "{waited:?}");
        }
    });
}

/// The other worker waits for the retry, and the window is full: only the task that has put the record aside can begin it.
#[test]
fn a_retry_that_is_due_is_begun_by_the_task_that_ends() {
    within(|| {
        let now = Retry::exponential(2).first_delay(Duration::ZERO);
        let builder = Batch::builder()
            .threads(2)
            .chunk_rows(1)
            .window(2)
            .retry(now);
        let (begin, begun) = mpsc::channel();
        let begun = Mutex::new(begun);
        let (meet, met) = mpsc::channel();
        let met = Mutex::new(met);
        let tries = AtomicU64::new(0);
        let process = |n: u64| match n {
            0 if tries.fetch_add(1, Ordering::Relaxed) == 0 => {
                met.lock().unwrap().recv().unwrap();
                Err(())
            }
            0 => {
                begin.send(()).unwrap();
                Ok(Verdict::Output(n))
            }
            1 => {
                meet.send(()).unwrap();
                begun.lock().unwrap().recv().unwrap();
                Ok(Verdict::Output(n))
            }
            _ => Ok(Verdict::Output(n)),
        };
        let job = builder.build().unwrap().job(0..10_u64).process(process);
        let report = job
            .retry_when(|_| true)
            .into(|_| Ok::<_, ()>(()))
            .run()
            .unwrap();
        assert_eq!((report.written(), report.retries()), (10, 1));
    });
}

/// The window holds one chunk, so that its second half can only be begun by cutting it off.
#[test]
fn a_chunk_that_is_worked_on_is_split_for_a_worker_that_has_nothing_to_do() {
    within(|| {
        for order in [Order::Input, Order::AsFinished] {
            let (clock, hand) = Clock::manual();
            let builder = Batch::builder().threads(2).inline_start(false).clock(clock);
            let batch = builder
                .chunk_rows(64)
                .window(1)
                .order(order)
                .build()
                .unwrap();
            let (begin, begun) = mpsc::channel();
            let begun = Mutex::new(begun);
            let process = |n: u64| {
                match n {
                    0 => {
                        hand.advance(Duration::from_millis(1)); // a heavy record
                    }
                    1 => begun.lock().unwrap().recv().unwrap(),
                    40 => begin.send(()).unwrap(),
                    _ => (),
                }
                Ok::<_, ()>(n)
            };
            let mut written = Vec::new();
            let sink = |n| {
                written.push(n);
                Ok::<_, ()>(())
            };
            let report = batch.run(0..640, process, sink).unwrap();
            assert_eq!(report.chunks(), 10);
            assert_eq!(report.peak_rows(), 64);
            assert!(written.into_iter().eq(0..640));
        }
    });
}

#[test]
fn as_finished_means_that_a_dear_chunk_holds_up_nothing() {
    within(|| {
        let builder = Batch::builder().threads(2).inline_start(false);
        let batch = builder
            .chunk_rows(1)
            .order(Order::AsFinished)
            .build()
            .unwrap();
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

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn a_run_is_a_future() {
    within(|| {
        for inline in [false, true] {
            let batch = Batch::builder()
                .pool(pool(2))
                .inline_start(inline)
                .build()
                .unwrap();
            let job = batch
                .job(0..10_000_u64)
                .process(|n| {
                    if n == 9_999 {
                        Err(n)
                    } else {
                        Ok(Verdict::Output(n))
                    }
                })
                .into(|_| Ok::<_, ()>(()));
            let error = block_on(job.run_async()).unwrap_err();
            assert!(matches!(
                error,
                BatchError::Process {
                    position: 9_999,
                    ..
                }
            ));
        }
    });
}

/// Says when it is dropped.
struct Farewell(mpsc::Sender<()>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.send(()).unwrap();
    }
}

#[test]
fn a_future_that_is_dropped_cancels_its_run() {
    within(|| {
        let batch = Batch::builder().pool(pool(2)).build().unwrap();
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let farewell = Farewell(end);
        let mut run = batch
            .job(0_u64..)
            .process(|n| Ok::<_, ()>(Verdict::Output(n)))
            .into(move |n| {
                let _kept = &farewell;
                if n == 1_000 {
                    begin.send(()).unwrap();
                }
                Ok::<_, ()>(())
            })
            .run_async();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut run).poll(&mut context).is_pending());
        begun.recv().unwrap();
        drop(run);
        ended.recv().unwrap(); // The source was endless.
    });
}

/// Numbers that say where they are, and cancel their own run.
struct Numbers {
    next: u64,
    cancel_at: u64,
    token: CancelToken,
}

impl Source for Numbers {
    type Chunk = Owned<u64>;
    type Error = ();

    fn fill(&mut self, chunk: &mut Owned<u64>, room: &Room<'_>) -> Result<Fill, ()> {
        while chunk.len() < room.rows() {
            if self.next == self.cancel_at {
                self.token.cancel();
            }
            chunk.push(self.next);
            self.next += 1;
        }
        Ok(Fill::more())
    }

    fn next_position(&self) -> Option<Position> {
        Some(Position(self.next))
    }
}

/// Keeps every entry that it is told.
struct Ledger<'l>(&'l mut Vec<Entry>);

impl Sink<u64> for Ledger<'_> {
    type Error = ();

    fn write(&mut self, _output: u64) -> Result<(), ()> {
        Ok(())
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), ()> {
        self.0.push(*entry);
        Ok(())
    }

    fn finish(&mut self, entry: &Entry, _end: End) -> Result<(), ()> {
        self.0.push(*entry);
        Ok(())
    }
}

#[test]
fn a_cancelled_run_never_says_that_the_source_is_further_than_what_is_settled() {
    within(|| {
        for threads in [1, 2] {
            for inline in [false, true] {
                for (rows, cancel_at) in [(1, 0), (1, 7), (4, 0), (4, 6), (300, 270), (300, 900)] {
                    let (builder, token) = cancellable(threads, inline);
                    let batch = builder.chunk_rows(rows).build().unwrap();
                    let mut entries = Vec::new();
                    let source = Numbers {
                        next: 0,
                        cancel_at,
                        token,
                    };
                    batch
                        .job(source)
                        .process(|n| Ok::<_, ()>(Verdict::Output(n)))
                        .into(Ledger(&mut entries))
                        .run()
                        .unwrap_err();
                    for entry in entries {
                        let place = entry.position.map_or(0, |Position(place)| place);
                        assert_eq!(place + entry.past, entry.records);
                    }
                }
            }
        }
    });
}

/// Both records are in one chunk, and while the first is worked on it is too late to cut off the second.
#[test]
fn the_first_records_of_a_job_are_shared_before_any_has_been_measured() {
    within(|| {
        let builder = Batch::builder().threads(2).inline_start(false);
        let batch = builder.build().unwrap();
        let (begin, begun) = mpsc::channel();
        let begun = Mutex::new(begun);
        // A filter hides how many there are.
        let records = (0..2).filter(|_| true);
        batch.for_each(records, |n| match n {
            0 => begun.lock().unwrap().recv().unwrap(),
            _ => begin.send(()).unwrap(),
        });
    });
}

/// Heavy records follow each other, and nobody knows how far: what is cut off begins nearby.
#[test]
fn a_run_of_heavy_records_is_cut_into_several_parts() {
    const ROWS: u64 = 4_096;
    within(|| {
        let (clock, hand) = Clock::manual();
        let builder = Batch::builder().threads(2).inline_start(false).clock(clock);
        let builder = builder.chunk_rows(ROWS as usize).window(1);
        // The owner of the second chunk, how far it has come, and how far it was when another thread took up a part, and where.
        let state = Mutex::new((None, 0, None));
        builder.build().unwrap().for_each(0..2 * ROWS, |n| {
            let heavy = n >= ROWS;
            hand.advance(Duration::from_nanos(if heavy { 1_000_000 } else { 1 }));
            if !heavy {
                return;
            }
            let here = thread::current().id();
            let mut state = state.lock().unwrap();
            if *state.0.get_or_insert(here) == here {
                state.1 = n;
                let alone = state.2.is_none();
                drop(state);
                if alone {
                    // Let the other begin before this one has gone far.
                    (0..100).for_each(|_| thread::yield_now());
                }
            } else {
                let owner = state.1;
                state.2.get_or_insert((owner, n));
            }
        });
        let (_, _, shared) = state.into_inner().unwrap();
        let (owner, first) = shared.unwrap();
        let rest = 2 * ROWS - owner;
        assert!(first - owner <= rest / 4, "at {owner} it gave away {first}");
    });
}

/// A long record cannot be interrupted; but after it, nothing keeps the run: neither another record nor a retry.
#[test]
fn a_cancelled_run_ends_with_the_records_that_its_workers_have_in_hand() {
    within(|| {
        let hour = Duration::from_secs(3_600);
        let retry = Retry::exponential(2).first_delay(hour).longest_delay(hour);
        let token = CancelToken::new();
        let builder = Batch::builder().threads(2).chunk_rows(5).retry(retry);
        let batch = builder.cancel(token.clone()).build().unwrap();
        let (tell, told) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        let worked = AtomicU64::new(0);
        let error = thread::scope(|scope| {
            let token = &token;
            scope.spawn(move || {
                told.recv().unwrap();
                told.recv().unwrap();
                token.cancel();
                drop(release);
            });
            let job = batch.job(0_u64..).process(|n| {
                worked.fetch_add(1, Ordering::Relaxed);
                match n {
                    0 => return Err(()),
                    // One of each of the first two chunks: both workers are in a long record.
                    1 | 6 => {
                        tell.send(()).unwrap();
                        let _ = held.lock().unwrap().recv();
                    }
                    _ => (),
                }
                Ok(Verdict::Output(n))
            });
            let job = job.retry_when(|_| true).into(|_| Ok::<_, ()>(()));
            job.run().unwrap_err()
        });
        assert!(matches!(error, BatchError::Cancelled { position: 0, .. }));
        assert_eq!(worked.into_inner(), 4); // 0, 1, 5 and 6
    });
}
