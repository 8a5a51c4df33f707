//! Where a run works and how large its chunks are, by a clock that the work itself turns.

mod support;

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crm_batch::{Batch, Builder};
use crm_clock::{Clock, ManualClock};
use support::pool;

/// A builder whose clock stands still, and the hand that turns it.
fn timed(threads: usize) -> (Builder, ManualClock) {
    let (clock, hand) = Clock::manual();
    (Batch::builder().pool(pool(threads)).clock(clock), hand)
}

/// The thread of each of `records` records that take `work` each, with a source that takes `fill` for each.
fn threads_of(
    batch: &Batch,
    hand: &ManualClock,
    records: u64,
    fill: u64,
    work: u64,
) -> Vec<ThreadId> {
    let source = (0..records).inspect(|_| {
        hand.advance(Duration::from_nanos(fill));
    });
    batch.map(source, |_| {
        hand.advance(Duration::from_nanos(work));
        thread::current().id()
    })
}

fn inline_records(threads: &[ThreadId]) -> usize {
    let here = thread::current().id();
    let inline = threads.iter().take_while(|id| **id == here).count();
    // Once in the pool, a run stays there.
    assert!(threads[inline..].iter().all(|id| *id != here));
    inline
}

#[test]
fn work_that_costs_nothing_stays_with_the_caller() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 20_000, 0, 0)),
        20_000
    );
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 20_000, 0, 1)),
        20_000
    );
}

#[test]
fn a_job_bound_by_its_source_stays_with_the_caller() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    let threads = threads_of(&batch, &hand, 20_000, 1_000, 20);
    assert_eq!(inline_records(&threads), 20_000);
}

#[test]
fn light_records_go_to_the_pool_after_a_quarter_of_a_millisecond() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    let inline = inline_records(&threads_of(&batch, &hand, 20_000, 20, 300));
    // That is 781 records; the two steps that must agree after it are 256 records each.
    assert!((781..=781 + 3 * 256).contains(&inline), "{inline}");
    // A job that is shorter than that never leaves.
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 750, 20, 300)),
        750
    );
}

#[test]
fn dear_records_go_to_the_pool_after_a_few() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 500, 0, 3_000)),
        15
    );
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 500, 0, 100_000)),
        4
    );
    // One is enough when so few are left that the pool would cost little even if they proved light.
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 500, 0, 1_000_000)),
        1
    );
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 50_000, 0, 1_000_000)),
        2
    );
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 500, 0, 10_000_000)),
        1
    );
    assert_eq!(inline_records(&threads_of(&batch, &hand, 3, 0, 3_000)), 3);
}

#[test]
fn one_slow_record_alone_proves_nothing() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    let threads = batch.map(0..200_000, |n| {
        hand.advance(Duration::from_nanos(if n == 0 { 5_000_000 } else { 1 }));
        thread::current().id()
    });
    assert_eq!(inline_records(&threads), 200_000);
}

#[test]
fn a_light_job_that_becomes_heavy_goes_to_the_pool() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    let threads = batch.map(0..2_100_000, |n| {
        hand.advance(Duration::from_nanos(if n < 2_000_000 { 1 } else { 10_000 }));
        thread::current().id()
    });
    let inline = inline_records(&threads);
    // The step that met the change, and two short ones.
    assert!(
        (2_000_000..=2_000_000 + 256 + 30).contains(&inline),
        "{inline}"
    );
}

#[test]
fn a_job_whose_source_becomes_cheap_is_looked_at_again() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    // A record always takes the same time, but from the 5,000th on the source has less of it and the work more.
    let source = (0..30_000).inspect(|n| {
        hand.advance(Duration::from_nanos(if *n < 5_000 { 1_000 } else { 20 }));
    });
    let threads = batch.map(source, |n| {
        hand.advance(Duration::from_nanos(if n < 5_000 { 20 } else { 1_000 }));
        thread::current().id()
    });
    // Steps of 100 us are 98 records; every 65th is measured, and two that are must agree.
    let inline = inline_records(&threads);
    assert!((5_000..=5_000 + 67 * 98).contains(&inline), "{inline}");
}

#[test]
fn one_slow_record_does_not_hide_the_pace_of_the_others() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    let threads = batch.map(0..20_000, |n| {
        hand.advance(Duration::from_nanos(if n == 0 { 5_000_000 } else { 300 }));
        thread::current().id()
    });
    // Steps of 1, 2, 4 and 8 records are too short to tell; those of 8 and 16 agree.
    let inline = inline_records(&threads);
    assert!(inline <= 40, "{inline}");
}

#[test]
fn more_threads_are_worth_it_sooner() {
    let stays = |threads| {
        let (builder, hand) = timed(threads);
        let batch = builder.build().unwrap();
        let source = (0..60_000_u64).map(Box::new);
        let ids = batch.map(source, |_| {
            hand.advance(Duration::from_nanos(40));
            thread::current().id()
        });
        inline_records(&ids) == 60_000
    };
    assert!(stays(2));
    assert!(!stays(4));
}

#[test]
fn records_that_own_memory_need_more_work_to_be_worth_it() {
    let (builder, hand) = timed(2);
    let batch = builder.build().unwrap();
    let work = |n: u64| {
        hand.advance(Duration::from_nanos(30));
        (thread::current().id(), n)
    };
    let ids = |threads: Vec<(ThreadId, u64)>| -> Vec<ThreadId> {
        threads.into_iter().map(|(id, _)| id).collect()
    };
    let plain = ids(batch.map(0..100_000, work));
    let owned = ids(batch.map((0..100_000).map(Box::new), |n: Box<u64>| work(*n)));
    assert!(inline_records(&plain) < 100_000);
    assert_eq!(inline_records(&owned), 100_000);
}

#[test]
fn the_inline_part_is_a_chunk_of_its_own() {
    let (builder, hand) = timed(2);
    let first = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&first);
    let batch = builder
        .chunk_rows(100)
        .progress(move |progress| {
            seen.lock().unwrap().get_or_insert(progress.written());
        })
        .build()
        .unwrap();
    let process = |n: u64| {
        hand.advance(Duration::from_millis(1));
        Ok::<u64, ()>(n)
    };
    let report = batch.run(0..301, process, |_| Ok::<(), ()>(())).unwrap();
    assert_eq!(*first.lock().unwrap(), Some(1));
    assert_eq!(report.chunks(), 1 + 3);
}

/// The rows of each chunk of a run that begins inline, with records of this much work.
fn chunks_from_inline(threads: usize, records: u64, work: Duration) -> Vec<u64> {
    let (builder, hand) = timed(threads);
    let ends = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ends);
    let batch = builder
        .progress(move |progress| seen.lock().unwrap().push(progress.written()))
        .build()
        .unwrap();
    // A filter hides how many records are left.
    batch.for_each((0..records).filter(|_| true), |_| {
        hand.advance(work);
    });
    let ends = ends.lock().unwrap();
    let before = std::iter::once(&0).chain(ends.iter());
    ends.iter()
        .zip(before)
        .map(|(end, start)| end - start)
        .collect()
}

#[test]
fn an_inline_chunk_ends_after_a_millisecond() {
    let rows = chunks_from_inline(1, 100, Duration::from_micros(250));
    assert_eq!(rows, [4; 25]);
}

#[test]
fn the_first_chunk_in_the_pool_holds_a_quarter_of_a_millisecond() {
    let rows = chunks_from_inline(2, 1_000, Duration::from_micros(10));
    assert_eq!(rows[1], 25, "{rows:?}");
}

#[test]
fn a_pool_of_one_thread_is_no_gain() {
    let (builder, hand) = timed(1);
    let batch = builder.build().unwrap();
    assert_eq!(
        inline_records(&threads_of(&batch, &hand, 500, 0, 1_000_000)),
        500
    );
}

#[test]
fn without_an_inline_start_all_user_code_runs_in_the_pool() {
    let batch = Batch::builder()
        .threads(2)
        .inline_start(false)
        .build()
        .unwrap();
    let named = || {
        let thread = thread::current();
        assert!(thread.name().unwrap().starts_with("crm-batch-"));
    };
    let report = batch
        .run(
            (0..100).inspect(|_| named()),
            |n| {
                named();
                assert_eq!(rayon::current_num_threads(), 2);
                Ok::<i32, ()>(n)
            },
            |_| {
                named();
                Ok::<(), ()>(())
            },
        )
        .unwrap();
    assert_eq!(report.written(), 100);
}

/// The rows of each chunk of a run in a pool of one thread, where the times that are measured are exact.
fn chunks(records: u64, fill: u64, work: u64) -> Vec<u64> {
    let (builder, hand) = timed(1);
    let ends = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ends);
    let batch = builder
        .inline_start(false)
        .progress(move |progress| seen.lock().unwrap().push(progress.written()))
        .build()
        .unwrap();
    // A filter hides how many records are left, so that chunks do not become smaller towards the end.
    let source = (0..records).filter(|_| {
        hand.advance(Duration::from_nanos(fill));
        true
    });
    batch.for_each(source, |_| {
        hand.advance(Duration::from_nanos(work));
    });
    let mut before = 0;
    let ends = ends.lock().unwrap();
    let rows = ends
        .iter()
        .map(|end| end - std::mem::replace(&mut before, *end));
    rows.collect()
}

#[test]
fn chunks_grow_towards_a_millisecond_of_work() {
    let rows = chunks(20_000, 0, 1_000);
    assert_eq!(rows[..6], [16, 32, 64, 128, 256, 512]);
    // From half a millisecond to two, a chunk is as it should be.
    assert!(rows[6..rows.len() - 1].iter().all(|rows| *rows == 512));
}

#[test]
fn chunks_of_light_work_stop_at_the_cap() {
    let rows = chunks(100_000, 0, 1);
    assert_eq!(rows[8..11], [4_096, 8_192, 8_192]);
    assert_eq!(rows.iter().max(), Some(&8_192));
}

#[test]
fn chunks_of_heavy_work_shrink_to_one_record() {
    assert_eq!(chunks(40, 0, 5_000_000)[..6], [16, 8, 4, 2, 1, 1]);
}

#[test]
fn a_slow_source_shrinks_chunks_later_than_slow_work() {
    // Four milliseconds of fill for sixteen rows are still well; sixteen of them are not.
    assert_eq!(chunks(100, 250_000, 0)[..3], [16, 16, 16]);
    assert_eq!(chunks(100, 1_000_000, 0)[..3], [16, 8, 8]);
}

#[test]
fn chunks_become_smaller_when_the_end_is_known() {
    let (builder, hand) = timed(1);
    let largest = Arc::new(Mutex::new((0, 0)));
    let seen = Arc::clone(&largest);
    let batch = builder
        .inline_start(false)
        .progress(move |progress| {
            let mut last = seen.lock().unwrap();
            *last = (progress.written(), progress.written() - last.0);
        })
        .build()
        .unwrap();
    batch.for_each(0..10_000, |_| {
        hand.advance(Duration::from_micros(1));
    });
    let (written, last) = *largest.lock().unwrap();
    assert_eq!(written, 10_000);
    assert!(last <= 512 / 16, "the last chunk had {last} rows");
}
