//! What is known of a window.

use std::time::Duration;

use super::cache_figures::CacheFigures;
use super::figures_builder::FiguresBuilder;
use super::measure::Measure;

/// What is known of a service in a window of time, each figure optional, checked for sense together.
///
/// What is not known gives no advice, and is named in the [`Counsel`](super::Counsel). Of arrival rate, response time and in
/// flight the third follows from two by Little's law.
///
/// ```
/// use crm_monitor::advise::{Figures, FiguresError};
/// use std::time::Duration;
///
/// let minute = Figures::builder()
///     .arrival_rate(400.0) // a second
///     .service_time(Duration::from_millis(8))
///     .response_time(Duration::from_millis(20))
///     .workers(4)
///     .build()?;
/// assert_eq!(minute.in_flight(), Some(8.0)); // Little's law
/// assert_eq!(minute.utilisation(), Some(0.8));
///
/// let refused = Figures::builder()
///     .arrival_rate(400.0)
///     .response_time(Duration::from_millis(20))
///     .in_flight(80.0)
///     .build();
/// assert!(matches!(refused, Err(FiguresError::LittlesLaw { .. })));
/// # Ok::<(), FiguresError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub(super) arrival_rate: Option<f64>,
    pub(super) arrival_variation: Option<f64>,
    pub(super) service_time: Option<f64>,
    pub(super) service_variation: Option<f64>,
    pub(super) response_time: Option<f64>,
    /// Share and seconds, both rising.
    pub(super) percentiles: Vec<(f64, f64)>,
    pub(super) in_flight: Option<f64>,
    pub(super) workers: Option<u32>,
    pub(super) cache: Option<CacheFigures>,
    pub(super) bytes_in: Option<f64>,
    pub(super) bytes_out: Option<f64>,
    pub(super) compressible: Option<f64>,
    pub(super) compressed_to: Option<f64>,
    pub(super) errors: Option<f64>,
    pub(super) refused: Option<f64>,
}

impl Figures {
    /// Figures of which nothing is known yet.
    pub const fn builder() -> FiguresBuilder {
        FiguresBuilder::new()
    }

    /// Requests that came in and were not refused, by the second.
    #[must_use]
    pub const fn arrival_rate(&self) -> Option<f64> {
        self.arrival_rate
    }

    /// The squared coefficient of variation of the time between arrivals; 1 for random ones.
    #[must_use]
    pub const fn arrival_variation(&self) -> Option<f64> {
        self.arrival_variation
    }

    /// The mean time that a request keeps a worker busy.
    #[must_use]
    pub fn service_time(&self) -> Option<Duration> {
        self.service_time.map(Duration::from_secs_f64)
    }

    /// The squared coefficient of variation of the service time; 1 for exponential ones, 0 for constant ones.
    #[must_use]
    pub const fn service_variation(&self) -> Option<f64> {
        self.service_variation
    }

    /// The mean time from a request's arrival to its answer, waiting included.
    #[must_use]
    pub fn response_time(&self) -> Option<Duration> {
        self.response_time.map(Duration::from_secs_f64)
    }

    /// The response time that a share of the requests (0 to 1) does not exceed, if it was given.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        self.percentile_seconds(share).map(Duration::from_secs_f64)
    }

    pub(super) fn percentile_seconds(&self, share: f64) -> Option<f64> {
        self.percentiles
            .iter()
            .find(|(of, _)| (of - share).abs() < 1e-9)
            .map(|(_, seconds)| *seconds)
    }

    /// The mean number of requests that are waiting or worked on.
    #[must_use]
    pub const fn in_flight(&self) -> Option<f64> {
        self.in_flight
    }

    /// How many requests can be worked on at once.
    #[must_use]
    pub const fn workers(&self) -> Option<u32> {
        self.workers
    }

    /// What is known of the cache.
    #[must_use]
    pub const fn cache(&self) -> Option<&CacheFigures> {
        self.cache.as_ref()
    }

    /// Bytes received by the second.
    #[must_use]
    pub const fn bytes_in(&self) -> Option<f64> {
        self.bytes_in
    }

    /// Bytes sent by the second.
    #[must_use]
    pub const fn bytes_out(&self) -> Option<f64> {
        self.bytes_out
    }

    /// The share of the bytes sent that compression could make smaller, and did not, from 0 to 1.
    #[must_use]
    pub const fn compressible_share(&self) -> Option<f64> {
        self.compressible
    }

    /// What is left of a byte after compression, from 0 to 1, if it was measured.
    #[must_use]
    pub const fn compressed_to(&self) -> Option<f64> {
        self.compressed_to
    }

    /// Requests that failed, by the second; they are among those that arrived.
    #[must_use]
    pub const fn errors(&self) -> Option<f64> {
        self.errors
    }

    /// Requests that were turned away before any work, by the second; they are not among those that arrived.
    #[must_use]
    pub const fn refused(&self) -> Option<f64> {
        self.refused
    }

    /// The share of time that the workers are busy: arrival rate times service time by workers (the utilisation law). From 1 on more comes than can be served.
    #[must_use]
    pub fn utilisation(&self) -> Option<f64> {
        Some(self.arrival_rate? * self.service_time? / f64::from(self.workers?))
    }

    /// Requests that wanted an answer by the second, those that were refused included.
    pub(super) fn offered(&self) -> Option<f64> {
        Some(self.arrival_rate? + self.refused.unwrap_or(0.0))
    }

    /// What was measured of it, in the unit of the measure.
    #[must_use]
    pub fn measured(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::ArrivalRate => self.arrival_rate,
            Measure::BytesOut => self.bytes_out,
            Measure::Cost => None,
            Measure::ErrorRate => self.errors,
            Measure::HitRatio => self.cache.map(|cache| cache.hit_ratio),
            Measure::Percentile(share) => self.percentile_seconds(share),
            Measure::RefusedRate => self.refused,
            Measure::ResponseTime => self.response_time,
            Measure::ServiceTime => self.service_time,
            Measure::Utilisation => self.utilisation(),
            Measure::WaitingTime => Some((self.response_time? - self.service_time?).max(0.0)),
            Measure::Workers => self.workers.map(f64::from),
        }
    }
}
