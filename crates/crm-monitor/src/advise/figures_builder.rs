//! Gathers figures, and checks that they can be of one service in one window.

use std::time::Duration;

use super::cache_figures::CacheFigures;
use super::error::FiguresError;
use super::figures::Figures;

/// The most that is taken as a time, in seconds: some thirty years.
pub(super) const TIME: f64 = 1e9;
/// The least that is taken as a mean time, in seconds: the unit of a [`Duration`].
const SHORTEST: f64 = 1e-9;
/// The most that is taken as a rate, by the second.
const RATE: f64 = 1e15;
const VARIATION: f64 = 1e6;
pub(super) const WORKERS: u32 = 100_000;
const PERCENTILES: usize = 32;

/// By how much two figures may disagree before they contradict each other: they are measured by several counters, not in one
/// instant, and a histogram rounds.
const TOLERANCE: f64 = 0.1;
/// The same for Little's law, in which in flight may have been read from time to time only.
const LITTLE: f64 = 0.25;
const LITTLE_REQUESTS: f64 = 0.5;
/// From here on a queue is not in balance within a window, and Little's law is not asked for.
const BALANCED_BELOW: f64 = 0.95;

/// Gathers [`Figures`]; whatever is not said is not known.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct FiguresBuilder {
    pub(super) figures: Figures,
    workers: Option<u32>,
}

impl FiguresBuilder {
    pub(super) const fn new() -> Self {
        Self {
            figures: Figures {
                arrival_rate: None,
                arrival_variation: None,
                service_time: None,
                service_variation: None,
                response_time: None,
                percentiles: Vec::new(),
                in_flight: None,
                workers: None,
                cache: None,
                bytes_in: None,
                bytes_out: None,
                compressible: None,
                compressed_to: None,
                errors: None,
                refused: None,
            },
            workers: None,
        }
    }

    /// Requests that came in and were not refused, by the second.
    pub const fn arrival_rate(mut self, by_second: f64) -> Self {
        self.figures.arrival_rate = Some(by_second);
        self
    }

    /// The squared coefficient of variation of the time between arrivals: 1, which is assumed, for random ones, more for bursts.
    pub const fn arrival_variation(mut self, squared: f64) -> Self {
        self.figures.arrival_variation = Some(squared);
        self
    }

    /// The mean time that a request keeps a worker busy: without the wait for one.
    pub const fn service_time(mut self, mean: Duration) -> Self {
        self.figures.service_time = Some(mean.as_secs_f64());
        self
    }

    /// The squared coefficient of variation of the service time, `(standard deviation / mean)^2`: 1, which is assumed, for
    /// exponential times.
    pub const fn service_variation(mut self, squared: f64) -> Self {
        self.figures.service_variation = Some(squared);
        self
    }

    /// The mean time from a request's arrival to its answer, waiting included.
    pub const fn response_time(mut self, mean: Duration) -> Self {
        self.figures.response_time = Some(mean.as_secs_f64());
        self
    }

    /// The response time that a share of the requests, above 0 and below 1, does not exceed; at most 32 of them.
    pub fn percentile(mut self, share: f64, time: Duration) -> Self {
        // One too many is kept, for `build` to refuse.
        if self.figures.percentiles.len() <= PERCENTILES {
            self.figures.percentiles.push((share, time.as_secs_f64()));
        }
        self
    }

    /// The mean number of requests that are waiting or worked on.
    pub const fn in_flight(mut self, mean: f64) -> Self {
        self.figures.in_flight = Some(mean);
        self
    }

    /// How many requests can be worked on at once; at most 100,000.
    pub const fn workers(mut self, workers: u32) -> Self {
        self.workers = Some(workers);
        self
    }

    /// What is known of the cache that the requests read.
    pub const fn cache(mut self, cache: CacheFigures) -> Self {
        self.figures.cache = Some(cache);
        self
    }

    /// Bytes received by the second.
    pub const fn bytes_in(mut self, by_second: f64) -> Self {
        self.figures.bytes_in = Some(by_second);
        self
    }

    /// Bytes sent by the second.
    pub const fn bytes_out(mut self, by_second: f64) -> Self {
        self.figures.bytes_out = Some(by_second);
        self
    }

    /// The share of the bytes sent that compression could make smaller, and did not, from 0 to 1.
    pub const fn compressible_share(mut self, share: f64) -> Self {
        self.figures.compressible = Some(share);
        self
    }

    /// What is left of a byte after compression, from 0 to 1; 0.3 is assumed.
    pub const fn compressed_to(mut self, share: f64) -> Self {
        self.figures.compressed_to = Some(share);
        self
    }

    /// Requests that failed, by the second; they are among those that arrived.
    pub const fn errors(mut self, by_second: f64) -> Self {
        self.figures.errors = Some(by_second);
        self
    }

    /// Requests that were turned away before any work, by the second; they are not among those that arrived.
    pub const fn refused(mut self, by_second: f64) -> Self {
        self.figures.refused = Some(by_second);
        self
    }

    /// The figures, if they can be.
    ///
    /// # Errors
    ///
    /// [`FiguresError`] where a figure is no number of its kind, or two contradict each other by more than a tenth. In flight
    /// may be off by a quarter and half a request, for who looks at a gauge now and then sees no better; from a utilisation of
    /// 0.95 on it is not asked for, as a queue is then not in balance.
    pub fn build(self) -> Result<Figures, FiguresError> {
        let mut figures = self.figures;
        if let Some(workers) = self.workers {
            within("workers", f64::from(workers), 1.0, f64::from(WORKERS))?;
            figures.workers = Some(workers);
        }
        ranges(&figures)?;
        percentiles(&mut figures)?;
        little(&mut figures)?;
        contradictions(&figures)?;
        Ok(figures)
    }
}

/// NaN is within nothing.
pub(super) fn within(
    figure: &'static str,
    value: f64,
    least: f64,
    most: f64,
) -> Result<(), FiguresError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(FiguresError::OutOfRange {
            figure,
            value,
            least,
            most,
        })
    }
}

fn ranges(figures: &Figures) -> Result<(), FiguresError> {
    for (figure, value, least, most) in [
        ("arrival_rate", figures.arrival_rate, 0.0, RATE),
        (
            "arrival_variation",
            figures.arrival_variation,
            0.0,
            VARIATION,
        ),
        ("service_time", figures.service_time, SHORTEST, TIME),
        (
            "service_variation",
            figures.service_variation,
            0.0,
            VARIATION,
        ),
        ("response_time", figures.response_time, SHORTEST, TIME),
        ("in_flight", figures.in_flight, 0.0, RATE),
        ("bytes_in", figures.bytes_in, 0.0, RATE),
        ("bytes_out", figures.bytes_out, 0.0, RATE),
        ("compressible_share", figures.compressible, 0.0, 1.0),
        ("compressed_to", figures.compressed_to, 0.0, 1.0),
        ("errors", figures.errors, 0.0, RATE),
        ("refused", figures.refused, 0.0, RATE),
    ] {
        if let Some(value) = value {
            within(figure, value, least, most)?;
        }
    }
    figures.cache.map_or(Ok(()), |cache| cache.check())
}

fn percentiles(figures: &mut Figures) -> Result<(), FiguresError> {
    if figures.percentiles.len() > PERCENTILES {
        return Err(FiguresError::TooManyPercentiles { most: PERCENTILES });
    }
    for (share, seconds) in &figures.percentiles {
        within("percentile", *share, f64::EPSILON, 1.0 - f64::EPSILON)?;
        within("percentile", *seconds, 0.0, TIME)?;
    }
    figures
        .percentiles
        .sort_by(|left, right| left.0.total_cmp(&right.0));
    for pair in figures.percentiles.windows(2) {
        if pair[0].0 == pair[1].0 || pair[0].1 > pair[1].1 {
            return Err(FiguresError::PercentilesFall {
                lower: pair[0].0,
                higher: pair[1].0,
            });
        }
    }
    Ok(())
}

/// The least mean that percentiles, the lowest first, leave room for: whoever is above one takes at least that long.
pub(super) fn least_mean(percentiles: &[(f64, f64)]) -> f64 {
    let ends = percentiles.iter().skip(1).map(|(share, _)| *share);
    percentiles
        .iter()
        .zip(ends.chain([1.0]))
        .map(|((share, seconds), end)| (end - share) * seconds)
        .sum()
}

fn contradictions(figures: &Figures) -> Result<(), FiguresError> {
    if let Some(mean) = figures.response_time {
        let least = least_mean(&figures.percentiles);
        if mean < least * (1.0 - TOLERANCE) {
            return Err(FiguresError::MeanBelowPercentiles { mean, least });
        }
        match figures.service_time {
            Some(service_time) if mean < service_time * (1.0 - TOLERANCE) => {
                return Err(FiguresError::ResponseBelowService {
                    response_time: mean,
                    service_time,
                });
            }
            _ => {}
        }
    }
    if let (Some(cache), Some(service_time)) = (figures.cache, figures.service_time) {
        let cache = cache.time_at(cache.hit_ratio);
        if cache > service_time * (1.0 + TOLERANCE) {
            return Err(FiguresError::CacheAboveService {
                cache,
                service_time,
            });
        }
    }
    match (figures.errors, figures.arrival_rate) {
        (Some(errors), Some(arrival_rate)) if errors > arrival_rate * (1.0 + TOLERANCE) => {
            Err(FiguresError::ErrorsAboveArrivals {
                errors,
                arrival_rate,
            })
        }
        _ => Ok(()),
    }
}

/// The third of arrival rate, response time and in flight, or the law broken.
fn little(figures: &mut Figures) -> Result<(), FiguresError> {
    match (
        figures.arrival_rate,
        figures.response_time,
        figures.in_flight,
    ) {
        (Some(rate), Some(time), Some(in_flight)) => {
            let expected = rate * time;
            let off = (in_flight - expected).abs();
            let allowed = LITTLE * in_flight.max(expected) + LITTLE_REQUESTS;
            let balanced = figures
                .utilisation()
                .is_none_or(|busy| busy < BALANCED_BELOW);
            if balanced && off > allowed {
                return Err(FiguresError::LittlesLaw {
                    in_flight,
                    expected,
                });
            }
        }
        (Some(rate), Some(time), None) => figures.in_flight = Some(rate * time),
        (Some(rate), None, Some(in_flight)) => {
            figures.response_time = derived(in_flight / rate, figures.service_time, TIME);
        }
        (None, Some(time), Some(in_flight)) => {
            figures.arrival_rate = derived(in_flight / time, None, RATE);
        }
        _ => {}
    }
    Ok(())
}

/// What follows is only known where it makes sense: nothing of no arrivals, and no response shorter than the service.
fn derived(value: f64, least: Option<f64>, most: f64) -> Option<f64> {
    let least = least.unwrap_or(SHORTEST);
    (value >= least * (1.0 - TOLERANCE) && value <= most).then_some(value)
}
