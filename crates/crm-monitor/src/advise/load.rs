//! A load on a pool of workers.

use super::error::FiguresError;
use super::figures_builder::{TIME, WORKERS, within};

/// A load on a pool of workers behind one line: what a model is asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Load {
    /// Requests by the second, `lambda`.
    pub arrival_rate: f64,
    /// The squared coefficient of variation of the time between arrivals, `ca2`.
    pub arrival_variation: f64,
    /// The mean time that a request keeps a worker busy in seconds, `S`; above zero.
    pub service_time: f64,
    /// The squared coefficient of variation of the service time, `cs2`.
    pub service_variation: f64,
    /// How many requests are worked on at once, `c`; from 1 to 100,000.
    pub workers: u32,
}

impl Load {
    /// Random arrivals, `arrival_rate` by the second, of exponential services of `service_time` seconds.
    ///
    /// # Errors
    ///
    /// [`FiguresError::OutOfRange`] for what is no number of its kind.
    pub fn new(arrival_rate: f64, service_time: f64, workers: u32) -> Result<Self, FiguresError> {
        within("arrival_rate", arrival_rate, 0.0, 1e15)?;
        within("service_time", service_time, 1e-9, TIME)?;
        within("workers", f64::from(workers), 1.0, f64::from(WORKERS))?;
        Ok(Self {
            arrival_rate,
            arrival_variation: 1.0,
            service_time,
            service_variation: 1.0,
            workers,
        })
    }

    /// The same with other squared coefficients of variation.
    ///
    /// # Errors
    ///
    /// [`FiguresError::OutOfRange`] for what is no number of its kind.
    pub fn with_variations(mut self, arrival: f64, service: f64) -> Result<Self, FiguresError> {
        within("arrival_variation", arrival, 0.0, 1e6)?;
        within("service_variation", service, 0.0, 1e6)?;
        (self.arrival_variation, self.service_variation) = (arrival, service);
        Ok(self)
    }

    /// `lambda S / c`: the share of time that the workers are busy. From 1 on more comes than can be served.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.arrival_rate * self.service_time / f64::from(self.workers)
    }
}
