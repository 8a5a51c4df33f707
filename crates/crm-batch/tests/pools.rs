//! A run works in any pool, inside any other run, and with stages that use rayon themselves.

mod support;

use std::cell::Cell;
use std::thread::{self, ThreadId};

use crm_batch::{
    Batch, BatchError, BuildError, Builder, Failure, Panic, Progress, Report, Skip, Stage,
};
use rayon::prelude::*;
use support::fate::output;
use support::pool;
use support::watchdog::within;

fn wanted(records: u64) -> Vec<u64> {
    (0..records).map(output).collect()
}

fn eager() -> Builder {
    Batch::builder().inline_start(false).chunk_rows(8)
}

#[test]
fn a_run_works_inside_the_pool_that_surrounds_it() {
    within(|| {
        let batch = eager().build().unwrap();
        for threads in [1, 2, 4] {
            pool(threads).install(|| {
                let seen = batch.map(0..1_000, |n| (output(n), rayon::current_num_threads()));
                assert!(seen.iter().all(|(_, seen)| *seen == threads));
                assert!(seen.into_iter().map(|(n, _)| n).eq(wanted(1_000)));
            });
        }
    });
}

#[test]
fn runs_nest_in_one_pool() {
    within(|| {
        for threads in [1, 2] {
            let batch = eager().pool(pool(threads)).window(2).build().unwrap();
            let sums = batch.map(0..40_u64, |outer| {
                let inner = batch.map(0..40_u64, |inner| {
                    batch.map(0..20_u64, |n| n + outer + inner).len() as u64
                });
                inner.iter().sum::<u64>() + outer
            });
            assert!(sums.into_iter().eq((0..40).map(|outer| 800 + outer)));
        }
    });
}

/// Each pool has one thread, and it is the one that calls the other pool and is called back by it.
#[test]
fn runs_nest_across_pools_of_one_thread() {
    within(|| {
        let one = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let two = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let one = eager().pool(one.into()).build().unwrap();
        let two = eager().pool(two.into()).build().unwrap();
        let sums = one.map(0..30_u64, |outer| {
            let inner = two.map(0..30_u64, |inner| {
                one.map(0..10_u64, |n| n + inner).len() as u64
            });
            inner.iter().sum::<u64>() + outer
        });
        assert!(sums.into_iter().eq((0..30).map(|outer| 300 + outer)));
    });
}

#[test]
fn every_stage_may_use_rayon_itself() {
    within(|| {
        for threads in [1, 2, 4] {
            let batch = eager().pool(pool(threads)).window(3).build().unwrap();
            let sum = |n: u64| (0..100 + n).into_par_iter().sum::<u64>();
            let mut sunk = Vec::new();
            let report = batch
                .run(
                    (0..300).map(|n| (n, sum(n))),
                    |(n, made)| Ok::<_, ()>((n, made, sum(n))),
                    |(n, made, worked)| {
                        assert_eq!(made, worked);
                        assert_eq!(made, sum(n));
                        sunk.push(n);
                        Ok::<(), ()>(())
                    },
                )
                .unwrap();
            assert!(sunk.into_iter().eq(0..300));
            assert_eq!(report.written(), 300);
        }
    });
}

#[test]
fn a_source_a_record_and_an_output_need_not_be_sync() {
    within(|| {
        let batch = eager().pool(pool(2)).build().unwrap();
        let state = Cell::new(0_u64); // Send, but not Sync
        let source = std::iter::from_fn(move || {
            state.set(state.get() + 1);
            (state.get() <= 1_000).then(|| Cell::new(state.get()))
        });
        let mut total = 0;
        let sink = |value: Cell<u64>| {
            total += value.get();
            Ok::<(), ()>(())
        };
        let report = batch.run(source, Ok::<Cell<u64>, ()>, sink).unwrap();
        assert_eq!(report.read(), 1_000);
        assert_eq!(total, 500_500);
    });
}

/// A record that knows which thread made it, and accepts no other until its end.
struct Homebound(ThreadId, u64);

impl Homebound {
    fn is_home(&self) {
        assert_eq!(self.0, thread::current().id());
    }
}

impl Drop for Homebound {
    fn drop(&mut self) {
        self.is_home();
    }
}

#[test]
fn a_record_is_made_worked_on_and_freed_by_one_thread() {
    within(|| {
        for inline in [false, true] {
            for fails_at in [777, 10_000] {
                let batch = eager().pool(pool(4)).inline_start(inline).build().unwrap();
                let source = (0..3_000).map(|n| Homebound(thread::current().id(), n));
                let result = batch.try_map(source, |record| {
                    record.is_home();
                    if record.1 == fails_at {
                        Err(())
                    } else {
                        Ok(record.1)
                    }
                });
                assert_eq!(result.is_err(), fails_at == 777);
            }
        }
    });
}

#[test]
fn one_batch_serves_many_threads_at_once() {
    within(|| {
        let batch = eager().pool(pool(2)).build().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert_eq!(batch.map(0..500, output), wanted(500));
                    }
                });
            }
        });
    });
}

#[test]
fn the_types_cross_threads_and_can_be_shown() {
    fn crosses<T: Send + Sync + std::fmt::Debug>() {}
    crosses::<Batch>();
    crosses::<Builder>();
    crosses::<BuildError>();
    crosses::<BatchError<String, String>>();
    crosses::<Failure<String>>();
    crosses::<Panic>();
    crosses::<Progress>();
    crosses::<Report<String>>();
    crosses::<Skip<String>>();
    crosses::<Stage>();
    crosses::<crm_batch::CancelToken>();
    crosses::<crm_batch::Checkpoint>();
    crosses::<crm_batch::CsvError>();
    crosses::<crm_batch::FileError>();
    crosses::<crm_batch::FileSink>();
    crosses::<crm_batch::InputError>();
    crosses::<crm_batch::LineError>();
    crosses::<crm_batch::Refusal>();
    crosses::<crm_batch::Csv<std::fs::File>>();
    crosses::<crm_batch::Lines<std::fs::File>>();
    #[cfg(feature = "rusqlite")]
    crosses::<crm_batch::SqliteError>();
    let builder = eager().window(7).pool(pool(1)).progress(|_| ());
    assert!(format!("{builder:?}").contains("window: Some(7)"));
    let shown = format!("{:?}", builder.build().unwrap());
    assert!(shown.contains("chunk_rows: Some(8)") && shown.contains("observed: true"));
}
