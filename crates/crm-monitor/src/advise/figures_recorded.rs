//! Figures from what was recorded in a window.

use std::time::Duration;

use super::figures_builder::{FiguresBuilder, least_mean};
use crate::snapshot::{Quantile, Snapshot};

/// The percentiles that are taken of a histogram.
const SHARES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

impl FiguresBuilder {
    /// What a histogram of response times in nanoseconds has recorded within so much time: arrival rate, mean response time, percentiles of
    /// 50, 90, 95, 99 and 99.9 %, and errors, which are its failures.
    ///
    /// What it recorded are answers; in an overload more requests came than that. A mean below a nanosecond, of times for which the clock
    /// was too coarse, is one nanosecond, as it is for [`services`](Self::services).
    ///
    /// ```
    /// use crm_monitor::advise::{Figures};
    /// use crm_monitor::{Histogram, Layout};
    /// use std::time::Duration;
    ///
    /// let times = Histogram::new(Layout::response_times());
    /// for millis in [10, 12, 14] {
    ///     times.record_duration(Duration::from_millis(millis));
    /// }
    /// let figures = Figures::builder()
    ///     .responses(&times.snapshot(), Duration::from_secs(2))
    ///     .build()?;
    /// assert_eq!(figures.arrival_rate(), Some(1.5));
    /// assert_eq!(figures.response_time(), Some(Duration::from_millis(12)));
    /// # Ok::<(), crm_monitor::advise::FiguresError>(())
    /// ```
    pub fn responses(mut self, recorded: &Snapshot, within: Duration) -> Self {
        let by_second = |count: u64| count as f64 / within.as_secs_f64();
        self = self
            .arrival_rate(by_second(recorded.count()))
            .errors(by_second(recorded.failures()));
        self.figures.response_time = recorded.mean().map(mean_seconds);
        let percentiles = |end: fn(&Quantile) -> u64| {
            let of = |share| Some((share, seconds(end(&recorded.quantile(share)?) as f64)));
            SHARES.into_iter().filter_map(of).collect()
        };
        let mut estimated: Vec<(f64, f64)> = percentiles(Quantile::value);
        // Where buckets are wide for what is in them, their middles may make more of it than the mean, which is exact.
        if (self.figures.response_time).is_some_and(|mean| mean < least_mean(&estimated)) {
            estimated = percentiles(Quantile::low);
        }
        for (share, time) in estimated {
            self = self.percentile(share, Duration::from_secs_f64(time));
        }
        self
    }

    /// What a histogram of service times in nanoseconds has recorded: their mean and their variation. Nothing is known of an empty one.
    pub fn services(mut self, recorded: &Snapshot) -> Self {
        if let (Some(mean), Some(deviation)) = (recorded.mean(), recorded.standard_deviation()) {
            self.figures.service_time = Some(mean_seconds(mean));
            self.figures.service_variation = Some(if mean > 0.0 {
                (deviation / mean).powi(2)
            } else {
                0.0
            });
        }
        self
    }
}

fn seconds(nanos: f64) -> f64 {
    nanos / 1e9
}

/// No time is shorter than a nanosecond, except for a clock that cannot tell.
fn mean_seconds(nanos: f64) -> f64 {
    seconds(nanos.max(1.0))
}
