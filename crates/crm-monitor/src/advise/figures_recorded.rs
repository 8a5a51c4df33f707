//! Figures from what was recorded in a window.

use std::time::Duration;

use super::figures_builder::FiguresBuilder;
use crate::snapshot::Snapshot;

/// The percentiles that are taken of a histogram.
const SHARES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

impl FiguresBuilder {
    /// What a histogram of response times in nanoseconds has recorded within so much time: arrival rate, mean response time, percentiles of
    /// 50, 90, 95, 99 and 99.9 %, and errors, which are its failures.
    ///
    /// What it recorded are answers; in an overload more requests came than that.
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
        self.figures.response_time = recorded.mean().map(seconds);
        for share in SHARES {
            if let Some(quantile) = recorded.quantile(share) {
                self = self.percentile(share, Duration::from_nanos(quantile.value()));
            }
        }
        self
    }

    /// What a histogram of service times in nanoseconds has recorded: their mean and their variation. Nothing is known of an empty one.
    pub fn services(mut self, recorded: &Snapshot) -> Self {
        if let (Some(mean), Some(deviation)) = (recorded.mean(), recorded.standard_deviation()) {
            self.figures.service_time = Some(seconds(mean));
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
