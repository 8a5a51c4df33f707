//! What is given to a run may do its worst: nothing hangs, nothing aborts, and what is told is true.

mod support;

use std::convert::Infallible;
use std::panic;
use std::time::Duration;

use crm_batch::{
    Batch, BatchError, Builder, CancelToken, Chunk, Fill, Measured, Owned, Retry, Room, SkipLimit,
    Source, Stage, Verdict,
};
use crm_clock::Clock;
use support::fate::quiet_panics;
use support::pool;
use support::watchdog::within;

fn both() -> [Builder; 2] {
    [false, true].map(|inline| {
        let builder = Batch::builder().pool(pool(2)).inline_start(inline);
        let builder = builder.clock(Clock::manual().0);
        builder.chunk_rows(10).window(3)
    })
}

struct Uncopied(u64);

impl Clone for Uncopied {
    fn clone(&self) -> Self {
        assert!(self.0 != 17, "it is not to be copied");
        Self(self.0)
    }
}

#[test]
fn a_record_whose_copy_panics_has_failed() {
    quiet_panics();
    within(|| {
        for builder in both() {
            let batch = builder.skip_limit(1).build().unwrap();
            let mut written = Vec::new();
            let report = batch
                .job((0..50).map(Uncopied))
                .process(|record| Ok::<_, Infallible>(Verdict::Output(record.0)))
                .keep_records()
                .into(&mut written)
                .run()
                .unwrap();
            assert_eq!(
                (report.read(), report.written(), report.skipped()),
                (50, 49, 1)
            );
            assert_eq!(report.skips()[0].position(), 17);
            assert!(written.into_iter().eq((0..50).filter(|n| *n != 17)));
        }
    });
}

/// A chunk whose methods panic when they come to a record.
#[derive(Default)]
struct Trap(Owned<u64>);

impl Chunk for Trap {
    type Record<'r> = u64;
    fn next(&mut self) -> Option<u64> {
        let next = self.0.next();
        assert!(next != Some(17), "it is cursed");
        next
    }
    fn only(record: u64) -> Self {
        Self(Owned::only(record))
    }
    fn clear(&mut self) {
        self.0.clear();
    }
}

struct Traps(std::ops::Range<u64>);

impl Source for Traps {
    type Chunk = Trap;
    type Error = Infallible;
    fn fill(&mut self, chunk: &mut Trap, room: &Room<'_>) -> Result<Fill, Infallible> {
        for _ in 0..room.rows().min(10) {
            match self.0.next() {
                Some(n) => chunk.0.push(n),
                None => return Ok(Fill::ended()),
            }
        }
        Ok(Fill::more())
    }
}

#[test]
fn a_record_that_cannot_be_taken_ends_the_run_there() {
    quiet_panics();
    within(|| {
        for source in [false, true] {
            for builder in both() {
                let builder = builder.source_blocks(source);
                let mut written = Vec::new();
                let error = builder
                    .build()
                    .unwrap()
                    .job(Traps(0..50))
                    .process(|n| Ok::<_, Infallible>(Verdict::Output(n)))
                    .into(&mut written)
                    .run()
                    .unwrap_err();
                assert!(
                    matches!(
                        error,
                        BatchError::Panicked {
                            stage: Stage::Source,
                            position: 17,
                            ..
                        }
                    ),
                    "{error:?}"
                );
                assert!(written.into_iter().eq(0..17));
            }
        }
    });
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload goes off");
    }
}

#[test]
fn payloads_whose_drop_panics_harm_nobody() {
    quiet_panics();
    within(|| {
        for (source, sink) in [(false, false), (true, false), (false, true), (true, true)] {
            for builder in both() {
                let builder = builder.source_blocks(source).sink_blocks(sink);
                let retry = Retry::exponential(2).first_delay(Duration::ZERO);
                let batch = builder.skip(SkipLimit::ALL).retry(retry).build().unwrap();
                let process = |n: u64| {
                    if n % 3 == 0 {
                        panic::resume_unwind(Box::new(Bomb));
                    }
                    Ok::<_, Infallible>(n)
                };
                let report = batch.run(0..100, process, |_| Ok::<_, Infallible>(()));
                let report = report.unwrap();
                assert_eq!((report.written(), report.skipped()), (66, 34));
                drop(report);
                let report = batch
                    .job(0..100_u64)
                    .process(|n| process(n).map(Verdict::Output))
                    .retry_when(|_| true)
                    .into(|_| Ok::<_, Infallible>(()))
                    .run()
                    .unwrap();
                assert_eq!((report.written(), report.skipped()), (66, 34));
            }
        }
    });
}

#[test]
fn a_wait_as_long_as_can_be_is_a_wait_and_no_failure() {
    within(|| {
        let token = CancelToken::new();
        let longest = Duration::MAX - Duration::from_nanos(1);
        let retry = Retry::exponential(2).first_delay(longest);
        let retry = retry.longest_delay(longest).jitter(0.0);
        let builder = Batch::builder().pool(pool(2)).retry(retry).chunk_rows(2);
        let batch = builder.cancel(token.clone()).build().unwrap();
        let end = batch
            .job(0..2_u64)
            .process(|n| {
                if n == 0 {
                    return Err("busy");
                }
                token.cancel();
                Ok(Verdict::Output(n))
            })
            .retry_when(|_| true)
            .into(|_| Ok::<_, Infallible>(()))
            .run();
        assert!(matches!(end, Err(BatchError::Cancelled { .. })), "{end:?}");
    });
}

/// An iterator that says it never ends, and does.
struct Boasts<I>(I);

impl<I: Iterator> Iterator for Boasts<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, Some(usize::MAX))
    }
}

#[test]
fn sizes_beyond_all_bounds_are_no_panic() {
    for builder in both() {
        let batch = builder.chunk_bytes(100).build().unwrap();
        let report = batch
            .job(Measured::new(0..100_u64, |_: &u64| usize::MAX))
            .process(|n| Ok::<_, Infallible>(Verdict::Output(n)))
            .into(|_| Ok::<_, Infallible>(()))
            .run()
            .unwrap();
        assert_eq!((report.written(), report.bytes()), (100, u64::MAX));
    }
    for builder in both() {
        let builder = builder.progress(|progress| assert!(progress.total() >= Some(100)));
        let batch = builder.build().unwrap();
        let sink = |_| Ok::<_, Infallible>(());
        let report = batch.run(Boasts(0..100), Ok::<u64, Infallible>, sink);
        assert_eq!(report.unwrap().written(), 100);
    }
}
