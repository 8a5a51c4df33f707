//! Errors of records and of the sink end a run at the same record each time, or are skipped up to the limit.

mod support;

use std::error::Error;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crm_batch::{Batch, BatchError, BuildError, Failure, Report, Retry, SkipLimit, Tried, Verdict};
use support::fate::{Ended, Fate, batch_run, plain_loop};
use support::pool;
use support::watchdog::within;

#[derive(Debug, PartialEq, Eq)]
struct Bad(u64);

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is bad", self.0)
    }
}

impl Error for Bad {}

fn pooled(skip_limit: u64, chunk_rows: usize) -> Batch {
    let builder = Batch::builder().pool(pool(2)).inline_start(false);
    let builder = builder.chunk_rows(chunk_rows).window(4);
    builder.skip_limit(skip_limit).build().unwrap()
}

#[test]
fn the_first_error_by_position_wins_even_when_a_later_one_comes_first() {
    within(|| {
        let batch = pooled(0, 1);
        let (release, held) = mpsc::channel();
        let held = Mutex::new(held);
        let result = batch.try_map(0..100_u64, |record| match record {
            0 => {
                // Record 1 has failed by now, in the other worker.
                held.lock().unwrap().recv().unwrap();
                Err(Bad(0))
            }
            1 => {
                release.send(()).unwrap();
                Err(Bad(1))
            }
            _ => Ok(record),
        });
        assert_eq!(result, Err(Bad(0)));
    });
}

#[test]
fn try_map_has_no_skips() {
    let batch = pooled(100, 8);
    let result = batch.try_map(0..50_u64, |n| if n == 20 { Err(Bad(n)) } else { Ok(n) });
    assert_eq!(result, Err(Bad(20)));
}

#[test]
fn the_skip_limit_is_exact() {
    within(|| {
        let mut fates = vec![Fate::Fine; 900];
        for position in (5..900).step_by(90) {
            fates[position] = Fate::Fails; // ten of them
        }
        for inline in [false, true] {
            for rows in [1, 7, 1_000] {
                for limit in [0, 1, 9, 10, 11] {
                    let builder = Batch::builder().pool(pool(4)).inline_start(inline);
                    let builder = builder.chunk_rows(rows).skip_limit(limit);
                    let outcome = batch_run(&builder.build().unwrap(), &fates);
                    assert_eq!(outcome, plain_loop(&fates, limit));
                    let end = (limit < 10).then_some((5 + 90 * limit, Ended::Failure));
                    assert_eq!(outcome.end, end);
                    assert_eq!(outcome.skipped.len() as u64, limit.min(10));
                }
            }
        }
    });
}

#[test]
fn a_limit_that_one_chunk_exceeds_ends_the_run_at_the_record_after_it() {
    let fates = vec![Fate::Fails; 500];
    let outcome = batch_run(&pooled(3, 100), &fates);
    assert_eq!(outcome.end, Some((3, Ended::Failure)));
    assert_eq!(outcome.skipped.len(), 3);
}

#[test]
fn an_error_of_the_sink_ends_the_run_where_it_came() {
    within(|| {
        for position in [0, 1, 499, 500, 999] {
            let mut fates = vec![Fate::Fine; 1_000];
            fates[position] = Fate::Refused;
            for rows in [1, 16, 500, 2_000] {
                let outcome = batch_run(&pooled(5, rows), &fates);
                assert_eq!(outcome, plain_loop(&fates, 5));
                assert_eq!(outcome.end, Some((position as u64, Ended::Refused)));
            }
        }
    });
}

#[test]
fn an_endless_source_ends_with_the_first_error() {
    // An interpreter takes so long for a record that every chunk shrinks to one, and 30,000 of those pass for a hang.
    const END: u64 = if cfg!(miri) { 300 } else { 30_000 };
    within(|| {
        for inline in [false, true] {
            let builder = Batch::builder().pool(pool(2)).inline_start(inline);
            let batch = builder.build().unwrap();
            let result = batch.try_map(0_u64.., |n| if n == END { Err(Bad(n)) } else { Ok(()) });
            assert_eq!(result, Err(Bad(END)));
        }
    });
}

/// A source that says when it is dropped.
struct Farewell(std::ops::Range<u64>, mpsc::Sender<()>);

impl Iterator for Farewell {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.0.next()
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.1.send(()).unwrap();
    }
}

/// Both chunks that the window allows are being worked on when the first fails. The source waits for room, so that its
/// end is the end of the run.
#[test]
fn a_worker_stops_in_the_middle_of_its_chunk_when_the_run_has_ended() {
    within(|| {
        // A pool of its own: in a shared one, two tests that block might keep each other from their second thread.
        let batch = Batch::builder().threads(2).inline_start(false);
        let batch = batch.chunk_rows(100).window(2).build().unwrap();
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let (begun, ended) = (Mutex::new(begun), Mutex::new(ended));
        let late = AtomicU64::new(0);
        let result = batch.try_map(Farewell(0..1_000, end), |record| match record {
            0 => {
                begun.lock().unwrap().recv().unwrap();
                Err(Bad(0))
            }
            100 => {
                begin.send(()).unwrap();
                ended.lock().unwrap().recv().unwrap();
                Ok(())
            }
            _ => {
                late.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
        assert_eq!(result, Err(Bad(0)));
        assert_eq!(late.into_inner(), 0);
    });
}

#[test]
fn a_batch_is_as_good_after_a_failure_as_before() {
    let batch = pooled(0, 4);
    assert!(batch.try_map(0..100_u64, |n| Err::<(), _>(Bad(n))).is_err());
    assert_eq!(batch.map(0..100_u64, |n| n).len(), 100);
}

/// Whoever repairs records lets the error carry the record, and takes both out of the report.
#[test]
fn skipped_errors_can_be_taken_out_of_every_report() {
    let batch = Batch::builder().skip_limit(10).build().unwrap();
    let process = |name: String| if name.len() > 1 { Err(name) } else { Ok(()) };
    let names = || (0..12).map(|n: u32| n.to_string());
    let taken = |report: Report<String>| -> Vec<(u64, String)> {
        let skips = report.into_skips().into_iter();
        skips
            .map(|skip| (skip.position(), skip.into_failure()))
            .map(|(position, failure)| match failure {
                Failure::Error(name) => (position, name),
                other => panic!("{other}"),
            })
            .collect()
    };
    let both = [(10, "10".to_owned()), (11, "11".to_owned())];
    let report = batch.run(names(), process, |()| Ok::<(), Bad>(())).unwrap();
    assert_eq!(taken(report), both);

    let strict = Batch::builder().skip_limit(1).build().unwrap();
    let error = strict.run(names(), process, |()| Ok::<(), Bad>(()));
    assert_eq!(taken(error.unwrap_err().into_report()), both[..1]);

    let mut left = 1;
    let full = |()| {
        left -= 1;
        if left < 0 { Err(Bad(0)) } else { Ok(()) }
    };
    let error = strict.run(names(), process, full).unwrap_err();
    assert_eq!(error.position(), 1);
    assert_eq!(taken(error.into_report()), []);
}

#[test]
fn errors_tell_what_happened_and_what_to_do() {
    let batch = Batch::builder().skip_limit(1).build().unwrap();
    let process = |n: u64| if n > 3 { Err(Bad(n)) } else { Ok(n) };
    let error = batch.run(0..9, process, |_| Ok::<(), Bad>(())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "record 5 failed after 1 skipped ones: repair the record, or raise the skip limit"
    );
    assert_eq!(format!("{error:#}"), format!("{error}: 5 is bad"));
    assert_eq!(error.source().unwrap().to_string(), "5 is bad");
    assert_eq!(error.report().written(), 4);
    let BatchError::Process { failure, .. } = error else {
        panic!("another error")
    };
    assert_eq!(failure.error(), Some(&Bad(5)));
    assert!(failure.panic().is_none());

    let error = batch
        .run(0..9, Ok::<u64, Bad>, |n| {
            if n == 2 { Err(Bad(n)) } else { Ok(()) }
        })
        .unwrap_err();
    assert!(error.to_string().contains("output of record 2: what"));
    assert_eq!(format!("{error:#}"), format!("{error}: 2 is bad"));
    assert_eq!(error.source().unwrap().to_string(), "2 is bad");
    assert!(matches!(error, BatchError::Sink { position: 2, .. }));

    assert_eq!(Failure::Error(Bad(1)).to_string(), "1 is bad");
}

#[test]
fn a_batch_that_cannot_run_is_not_built() {
    let refused = |builder: crm_batch::Builder| builder.build().unwrap_err();
    let builder = Batch::builder;
    let zero = refused(builder().chunk_rows(0));
    assert!(matches!(zero, BuildError::ZeroChunkRows));
    assert!(zero.to_string().contains("at least 1"));
    let zero = refused(builder().window(0));
    assert!(matches!(zero, BuildError::ZeroWindow));
    assert!(zero.to_string().contains("at least 1"));
    let zero = refused(builder().threads(0));
    assert!(matches!(zero, BuildError::ZeroThreads));
    assert!(zero.to_string().contains("at least 1"));
    let zero = refused(builder().chunk_bytes(0));
    assert!(matches!(zero, BuildError::ZeroChunkBytes));
    assert!(zero.to_string().contains("at least 1"));
    for share in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
        let share = refused(builder().skip(SkipLimit::records(5).share(share)));
        assert!(matches!(share, BuildError::SkipShare(_)));
        assert!(share.to_string().contains("from 0 to 1"));
    }
    for share in [0.0, 1.0] {
        let retry = Retry::default().jitter(share);
        let limit = SkipLimit::ALL.share(share);
        assert!(builder().skip(limit).retry(retry).build().is_ok());
    }
    let retry = refused(builder().retry(Retry::exponential(0)));
    assert!(matches!(retry, BuildError::ZeroAttempts));
    assert!(retry.to_string().contains("at least 1"));
    let retry = refused(builder().retry(Retry::default().longest_delay(Duration::MAX)));
    assert!(matches!(retry, BuildError::RetryWithoutCap));
    assert!(retry.to_string().contains("longest_delay"));
    for share in [-0.5, 2.0, f64::NAN] {
        let jitter = refused(builder().retry(Retry::default().jitter(share)));
        assert!(matches!(jitter, BuildError::Jitter(_)));
        assert!(jitter.to_string().contains("from 0 to 1"));
    }
    assert!(
        builder().threads(0).pool(pool(1)).build().is_ok(),
        "the last setter wins"
    );
    assert!(builder().pool(pool(1)).threads(0).build().is_err());
}

/// The others say where to go on, and where the error came from.
#[test]
fn errors_of_the_other_stages_tell_as_much() {
    let batch = Batch::builder()
        .skip(SkipLimit::ALL.share(0.5))
        .build()
        .unwrap();
    let numbers = |bad: u64| (0..10).map(move |n| if n == bad { Err(Bad(n)) } else { Ok(n) });
    let job = batch.job(Tried::new(numbers(4)));
    let job = job.process(|n| Ok::<_, Bad>(Verdict::Output(n)));
    let error = job.into(|_| Ok::<(), Bad>(())).run().unwrap_err();
    assert!(error.to_string().contains("source failed at record 4"));
    assert_eq!(format!("{error:#}"), format!("{error}: 4 is bad"));
    assert_eq!(error.source().unwrap().to_string(), "4 is bad");

    let job = batch.job(0..10_u64);
    let job = job.process(|n| Err::<Verdict<u64>, _>(Bad(n)));
    let job = job.dead_letters(|skip, _| Err(Bad(skip.position() + 70)));
    let error = job.into(|_| Ok::<(), Bad>(())).run().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("dead-letter sink refused record 0")
    );
    assert_eq!(error.source().unwrap().to_string(), "70 is bad");
    assert_eq!(
        (error.report().read() >= 1, error.report().skipped()),
        (true, 0)
    );

    let process = |n: u64| if n < 6 { Err(Bad(n)) } else { Ok(n) };
    let error = batch
        .run(0..10, process, |_| Ok::<(), Bad>(()))
        .unwrap_err();
    assert!(matches!(error, BatchError::SkipShare { .. }));
    assert!(
        error
            .to_string()
            .starts_with("6 of 10 records were skipped")
    );
    assert_eq!((error.position(), error.report().written()), (10, 4));
}
