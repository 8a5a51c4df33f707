//! Zero, the largest number there is, records of no size and of a great one: a run does what it says with each.

mod support;

use std::convert::Infallible;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crm_batch::{Batch, Skip};
use crm_clock::Clock;
use rayon::ThreadPoolBuilder;
use support::fate::quiet_panics;
use support::pool;
use support::watchdog::within;

/// In the pool alone, on the caller's thread alone, and as the clock has it.
fn starts() -> [Batch; 3] {
    let widest = || {
        let builder = Batch::builder().pool(pool(2)).skip_limit(u64::MAX);
        builder.window(usize::MAX)
    };
    [
        widest().inline_start(false).chunk_rows(usize::MAX),
        widest().clock(Clock::manual().0).chunk_rows(usize::MAX),
        widest().chunk_rows(3),
    ]
    .map(|builder| builder.build().unwrap())
}

#[test]
fn the_largest_choices_allocate_nothing_in_advance() {
    within(|| {
        for batch in starts() {
            for records in [0, 1, 2, 10_000_u64] {
                let process = |n: u64| if n % 7 == 3 { Err(n) } else { Ok(n) };
                let mut sunk = Vec::new();
                let report = batch
                    .run(0..records, process, |n| {
                        sunk.push(n);
                        Ok::<(), Infallible>(())
                    })
                    .unwrap();
                assert!(sunk.into_iter().eq((0..records).filter(|n| n % 7 != 3)));
                let positions = report.skips().iter().map(Skip::position);
                assert!(positions.eq((0..records).filter(|n| n % 7 == 3)));
            }
        }
    });
}

#[test]
fn records_of_no_size_are_counted() {
    within(|| {
        for batch in starts() {
            assert_eq!(batch.map(vec![(); 100_000], |()| ()).len(), 100_000);
            let process = |()| Err::<(), ()>(());
            let report = batch
                .run(vec![(); 5_000], process, |()| Ok::<(), Infallible>(()))
                .unwrap();
            assert_eq!((report.read(), report.skipped()), (5_000, 5_000));
        }
    });
}

#[test]
fn a_record_that_is_larger_than_a_chunk_may_be_goes_alone() {
    const BYTES: usize = 3 << 19; // more than the mebibyte that a chunk may have
    within(|| {
        // Without optimisation every call copies the record to its own frame.
        let pool = ThreadPoolBuilder::new().num_threads(2).stack_size(1 << 28);
        let pool = Arc::new(pool.build().unwrap());
        let batch = Batch::builder().pool(pool).inline_start(false).window(2);
        let batch = batch.build().unwrap();
        let mut sunk = Vec::new();
        let report = batch
            .run(
                (0..9).map(|n| [n; BYTES]),
                |record| Ok::<u8, ()>(record[BYTES - 1]),
                |output| {
                    sunk.push(output);
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
        assert_eq!(sunk, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(report.chunks(), 9);
        assert!(report.peak_rows() <= 2);
    });
}

/// A record whose destructor panics at one position.
struct Fragile(u64);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert_ne!(self.0, 57, "the record is broken");
    }
}

/// The task that unwinds takes its chunk with it, and with the chunk the end of the run that was in it. The others must
/// not go on for as long as there is a source and a window.
#[test]
fn issue_a_panicking_destructor_ends_an_endless_run_in_an_endless_window() {
    quiet_panics();
    within(|| {
        let batch = Batch::builder().pool(pool(2)).inline_start(false);
        let batch = batch.chunk_rows(64).window(usize::MAX).build().unwrap();
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
        assert!(panic::catch_unwind(AssertUnwindSafe(in_the_chunk)).is_err());
        assert!(panic::catch_unwind(AssertUnwindSafe(at_the_desk)).is_err());
        assert_eq!(batch.map(0..100, |n| n).len(), 100);
    });
}
