//! Figures that cannot be.

use std::error::Error;
use std::fmt;

/// Why figures are refused: one is no number of its kind, or two contradict each other.
///
/// Times are in seconds, rates by the second.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FiguresError {
    /// A figure is not a number, infinite, negative, or beyond what a service can have.
    OutOfRange {
        /// The method that took it.
        figure: &'static str,
        /// What was given.
        value: f64,
        /// The least that is taken.
        least: f64,
        /// The most that is taken.
        most: f64,
    },
    /// More percentiles than are kept.
    TooManyPercentiles {
        /// How many are kept.
        most: usize,
    },
    /// Percentiles that fall while their share rises, or two of the same share.
    PercentilesFall {
        /// The lower share, from 0 to 1.
        lower: f64,
        /// The higher share, from 0 to 1.
        higher: f64,
    },
    /// The percentiles alone make a mean above the one that was given.
    MeanBelowPercentiles {
        /// The mean response time that was given.
        mean: f64,
        /// The least that the percentiles allow.
        least: f64,
    },
    /// A mean response time that is shorter than the service in it.
    ResponseBelowService {
        /// The mean response time.
        response_time: f64,
        /// The mean service time.
        service_time: f64,
    },
    /// Little's law is violated: in flight are not as many as arrival rate times response time.
    LittlesLaw {
        /// What was given as in flight.
        in_flight: f64,
        /// The arrival rate times the mean response time.
        expected: f64,
    },
    /// The lookups take longer than the whole service that they are part of.
    CacheAboveService {
        /// The time of a request's lookups, loads included.
        cache: f64,
        /// The mean service time.
        service_time: f64,
    },
    /// More errors than requests.
    ErrorsAboveArrivals {
        /// Errors by the second.
        errors: f64,
        /// Requests by the second.
        arrival_rate: f64,
    },
}

impl fmt::Display for FiguresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange {
                figure,
                value,
                least,
                most,
            } => write!(
                f,
                "{figure} is {value}: give a number from {least} to {most}, or leave it out"
            ),
            Self::TooManyPercentiles { most } => {
                write!(f, "too many percentiles: give {most} at most")
            }
            Self::PercentilesFall { lower, higher } => write!(
                f,
                "the percentiles of {lower} and {higher} are not in order: take both from one window, each share once"
            ),
            Self::MeanBelowPercentiles { mean, least } => write!(
                f,
                "a mean response time of {mean} s with percentiles that make it at least {least} s: take both from one window"
            ),
            Self::ResponseBelowService {
                response_time,
                service_time,
            } => write!(
                f,
                "a mean response time of {response_time} s with a service of {service_time} s: measure the service within the response"
            ),
            Self::LittlesLaw {
                in_flight,
                expected,
            } => write!(
                f,
                "{in_flight} in flight where arrival rate and response time make {expected}: take all three from one window"
            ),
            Self::CacheAboveService {
                cache,
                service_time,
            } => write!(
                f,
                "lookups of {cache} s in a service of {service_time} s: count the lookups of a request, and what they cost a worker"
            ),
            Self::ErrorsAboveArrivals {
                errors,
                arrival_rate,
            } => write!(
                f,
                "{errors} errors a second of {arrival_rate} requests: count both in one place"
            ),
        }
    }
}

impl Error for FiguresError {}
