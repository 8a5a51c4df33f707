//! Stop-watch and quantiles.

use std::time::Duration;

use crm_perf::clock::Clock;
use serde::Serialize;

/// Runs `work` and tells how long it took.
pub(crate) fn timed<T>(clock: &Clock, work: impl FnOnce() -> T) -> (T, Duration) {
    let start = clock.now();
    let result = work();
    (result, clock.now() - start)
}

/// What reading the clock twice costs, in nanoseconds: part of every single look-up that is timed. The median of many.
pub(crate) fn clock_cost(clock: &Clock) -> u64 {
    let mut pairs: Vec<u64> = (0..20_001).map(|_| nanos(timed(clock, || ()).1)).collect();
    pairs.sort_unstable();
    quantile(&pairs, 0.5)
}

/// Nanoseconds as a whole number; a duration of 584 years saturates.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The middle one of a few measurements; the lower of the two middle ones when their number is even.
pub(crate) fn median<T: Copy + PartialOrd>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// Response times, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) mean_nanos: f64,
    pub(crate) median_nanos: u64,
    pub(crate) p99_nanos: u64,
    pub(crate) p999_nanos: u64,
    pub(crate) max_nanos: u64,
}

impl Spread {
    /// The spread of `samples`, which it sorts. All zero when there are none.
    pub(crate) fn of(samples: &mut [u64]) -> Self {
        samples.sort_unstable();
        let sum: f64 = samples.iter().map(|&sample| sample as f64).sum();
        Self {
            mean_nanos: sum / samples.len().max(1) as f64,
            median_nanos: quantile(samples, 0.5),
            p99_nanos: quantile(samples, 0.99),
            p999_nanos: quantile(samples, 0.999),
            max_nanos: quantile(samples, 1.0),
        }
    }
}

/// The smallest sample that at least `share` of all do not exceed (nearest rank). Zero when there is none.
fn quantile(sorted: &[u64], share: f64) -> u64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut samples: Vec<u64> = (1..=1_000).rev().collect();
        let spread = Spread::of(&mut samples);
        assert_eq!(spread.median_nanos, 500);
        assert_eq!(spread.p99_nanos, 990);
        assert_eq!(spread.p999_nanos, 999);
        assert_eq!(spread.max_nanos, 1_000);
        assert_eq!(spread.mean_nanos, 500.5);
        assert_eq!(Spread::of(&mut [7]).p999_nanos, 7);
        assert_eq!(Spread::of(&mut []).median_nanos, 0);
    }

    #[test]
    fn the_median_of_a_few_is_one_of_them() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4, 1]), Some(1));
        assert_eq!(median::<u8>(&[]), None);
    }
}
