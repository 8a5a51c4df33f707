//! What batch jobs did, in the exposition of a monitor.

#[path = "support/series.rs"]
mod series;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crm_perf::BatchCounters;
use crm_perf::batch::{Batch, Lines, Retry, Verdict};
use crm_perf::monitor::Monitor;
use series::number;

fn records(monitor: &Monitor, job: &str, outcome: &str) -> Option<f64> {
    number(
        monitor,
        "batch_records",
        &[("job", job), ("outcome", outcome)],
    )
}

#[test]
fn the_counts_of_all_runs_add_up() {
    let monitor = Monitor::new();
    let nightly = BatchCounters::register(&monitor, "nightly").unwrap();
    let run = |last: u32| {
        Batch::builder()
            .skip_limit(100)
            .build()
            .unwrap()
            .job(0..last)
            .process(|number: u32| match number % 8 {
                0 => Ok(Verdict::Filtered),
                1 | 2 => Err("refused"),
                _ => Ok(Verdict::Output(number)),
            })
            .into(&mut Vec::new())
            .run()
            .unwrap()
    };
    let (first, second) = (run(40), run(8));
    let seconds = (first.elapsed() + second.elapsed()).as_secs_f64();
    nightly.count(&first);
    nightly.count(&second);
    assert_eq!((nightly.runs(), nightly.written()), (2, 30));
    for (outcome, expected) in [
        ("written", 30.0),
        ("filtered", 6.0),
        ("skipped", 12.0),
        ("not_processed", 0.0),
    ] {
        let found = records(&monitor, "nightly", outcome);
        assert_eq!(found, Some(expected), "{outcome}");
    }
    let job = [("job", "nightly")];
    assert_eq!(number(&monitor, "batch_runs", &job), Some(2.0));
    assert_eq!(number(&monitor, "batch_read_bytes", &job), Some(0.0));
    let time = number(&monitor, "batch_run_time_seconds", &job).unwrap();
    assert!((time - seconds).abs() < 1e-8, "{time} of {seconds}");
}

#[test]
fn a_run_that_failed_counts_too() {
    let monitor = Monitor::new();
    let nightly = BatchCounters::register(&monitor, "nightly").unwrap();
    let weekly = BatchCounters::register(&monitor, "weekly").unwrap();
    let failed = Batch::new()
        .run(["7", "x", "9"], str::parse::<u32>, |_| {
            Ok::<(), std::io::Error>(())
        })
        .unwrap_err();
    weekly.count(failed.report());
    let of = |outcome| records(&monitor, "weekly", outcome).unwrap();
    let report = failed.report();
    assert!(report.not_processed() > 0);
    assert_eq!(of("not_processed"), report.not_processed() as f64);
    assert_eq!(of("written"), report.written() as f64);
    assert_eq!((nightly.runs(), weekly.runs()), (0, 1));
    assert_eq!(records(&monitor, "nightly", "written"), Some(0.0));
}

#[test]
fn retries_are_counted() {
    let monitor = Monitor::new();
    let nightly = BatchCounters::register(&monitor, "nightly").unwrap();
    let tried = AtomicU32::new(0);
    let report = Batch::builder()
        .retry(Retry::exponential(3).first_delay(Duration::ZERO))
        .build()
        .unwrap()
        .job(7..8)
        .process(|number: u32| {
            let first = tried.fetch_add(1, Ordering::Relaxed) == 0;
            if first {
                Err("not yet")
            } else {
                Ok(Verdict::Output(number))
            }
        })
        .retry_when(|_| true)
        .into(&mut Vec::new())
        .run()
        .unwrap();
    nightly.count(&report);
    assert_eq!(
        number(&monitor, "batch_retries", &[("job", "nightly")]),
        Some(1.0)
    );
}

#[test]
fn bytes_are_counted_where_the_source_tells() {
    let monitor = Monitor::new();
    let nightly = BatchCounters::register(&monitor, "nightly").unwrap();
    let report = Batch::new()
        .job(Lines::new(&b"12\n7\n30\n"[..]))
        .process(|line| line.to_str().map(|text| Verdict::Output(text.len())))
        .into(&mut Vec::new())
        .run()
        .unwrap();
    nightly.count(&report);
    assert_eq!(
        number(&monitor, "batch_read_bytes", &[("job", "nightly")]),
        Some(8.0)
    );
}

#[test]
fn a_job_is_registered_once() {
    let monitor = Monitor::new();
    let first = BatchCounters::register(&monitor, "nightly");
    assert!(first.is_ok() && BatchCounters::register(&monitor, "nightly").is_err());
}
