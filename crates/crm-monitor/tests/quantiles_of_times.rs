//! Quantiles of times that were really measured, against all of them, sorted. `CRM_PERF_TIMES` names a file with one time a line, in whole
//! nanoseconds; without it, times of the same form are generated: whole seconds of calls, a few of them beyond the range.

#[path = "support/sorted.rs"]
mod sorted;

use std::{env, fs};

use crm_monitor::{Histogram, Layout};
use sorted::Sorted;

const SECOND: f64 = 1e9;

fn times() -> Vec<u64> {
    let Some(file) = env::var_os("CRM_PERF_TIMES") else {
        let mut random = fastrand::Rng::with_seed(7);
        // Lognormal by Box and Muller: a median of two minutes, one in a thousand beyond an hour.
        let mut normal = || {
            let (radius, angle) = (1.0 - random.f64(), random.f64() * std::f64::consts::TAU);
            (-2.0 * radius.ln()).sqrt() * angle.cos()
        };
        let seconds = (0..20_000).map(|_| (120.0 * (1.1 * normal()).exp()).ceil());
        return seconds.map(|seconds| (seconds * SECOND) as u64).collect();
    };
    let text = fs::read_to_string(&file).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "whoever brings times wants to know")]
fn quantiles_of_measured_times_keep_the_error() {
    let layout = Layout::response_times();
    let (times, histogram) = (Sorted::new(times()), Histogram::new(layout));
    for time in times.values() {
        histogram.record(*time);
    }
    let figures = histogram.snapshot();
    assert_eq!(
        (figures.count(), figures.sum()),
        (times.len() as u64, times.sum())
    );
    let (mut worst, mut beyond) = (0.0_f64, 0);
    for rank in 0..=1_000 {
        let part = f64::from(rank) / 1_000.0;
        let (truth, found) = (times.quantile(part), figures.quantile(part).unwrap());
        assert!(
            (found.low()..=found.high()).contains(&truth),
            "{part}: {truth} and {found:?}"
        );
        if truth > layout.highest() {
            beyond += 1;
        } else {
            worst = worst.max((found.value() as f64 / truth as f64 - 1.0).abs());
        }
    }
    println!(
        "{} times: at most {:.3} %, {beyond} of 1,001 quantiles beyond the range",
        times.len(),
        worst * 100.0
    );
    assert!(worst <= layout.error(), "{worst}");
}
