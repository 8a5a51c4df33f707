//! M^X/M/1: requests that come in batches.

use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M^X/M/1: batches that come at random, one server, exponential service times.
///
/// The model of imports, of pages that fetch many things at once, of mailings. Symbols: `lambda` is the rate of batches
/// and `mu` the service rate of single requests, both per unit of time; `X` the size of a batch, of which only moments
/// are needed; `rho = lambda E[X] / mu`; `d = mu - lambda E[X]` the spare capacity. Times are those of a single request, its
/// wait for others of its batch included.
///
/// The relative error is below 1e-14, of variances below 1e-12.
///
/// Source: D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris, "Fundamentals of Queueing Theory", 4th edition, Wiley
/// 2008, section 3.1. The variance follows from the generating function
/// `(1 - rho) / (1 - (lambda / mu) (1 - X(z)) z / (1 - z))`: a geometric number of stretches.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::MxM1;
///
/// // A batch every five seconds, always of two; a second each.
/// let pairs = MxM1::new(0.2, 1.0, 2.0, 4.0)?;
/// assert!((pairs.utilisation() - 0.4).abs() < 1e-15);
/// assert!((pairs.mean_in_system() - 1.0).abs() < 1e-15);
/// assert!((pairs.mean_response_time() - 2.5).abs() < 1e-15);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MxM1 {
    batch_rate: f64,
    service_rate: f64,
    mean_batch: f64,
    batch_second_moment: f64,
    batch_third_moment: Option<f64>,
    /// `mu - lambda E[X]`.
    spare: f64,
}

impl MxM1 {
    /// Batches at `batch_rate` (`lambda`), whose size has the mean `mean_batch` and the second moment
    /// `batch_second_moment` (`E[X^2]`), for a server that could serve `service_rate` (`mu`) requests per unit of time.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `batch_rate` is negative or not finite, `service_rate` not between 1e-290 and 1e290,
    /// `mean_batch` not finite and at least one, or `batch_second_moment` not finite and at least the square of the
    /// mean; [`ModelError::Unstable`] when `batch_rate * mean_batch` is not below `service_rate`; its loads are requests,
    /// not batches, per unit of time.
    pub fn new(
        batch_rate: f64,
        service_rate: f64,
        mean_batch: f64,
        batch_second_moment: f64,
    ) -> Result<Self, ModelError> {
        let batch_rate = check::not_negative("batch_rate", batch_rate)?;
        let service_rate = check::scale("service_rate", service_rate)?;
        if !(mean_batch >= 1.0 && mean_batch.is_finite()) {
            let must = "be finite and at least one";
            return Err(ParamError::new("mean_batch", mean_batch, must).into());
        }
        // A fixed size given as a rounded square is let through.
        let least = mean_batch * mean_batch * (1.0 - 4.0 * f64::EPSILON);
        if !(batch_second_moment >= least && batch_second_moment.is_finite()) {
            let must = "be finite and at least the square of the mean";
            return Err(ParamError::new("batch_second_moment", batch_second_moment, must).into());
        }
        // One rounding, as in the other models.
        let spare = (-batch_rate).mul_add(mean_batch, service_rate);
        if spare <= 0.0 {
            return Err(Unstable {
                offered: batch_rate * mean_batch,
                stable_below: service_rate,
            }
            .into());
        }
        Ok(Self {
            batch_rate,
            service_rate,
            mean_batch,
            batch_second_moment,
            batch_third_moment: None,
            spare,
        })
    }

    /// Batches that all have the same `size`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn fixed(batch_rate: f64, service_rate: f64, size: u32) -> Result<Self, ModelError> {
        let size = f64::from(size);
        Self::new(batch_rate, service_rate, size, size * size)?
            .with_third_moment(size * size * size)
    }

    /// Batches whose size is geometric with mean `mean_batch`, from one upwards: each request is followed by another one
    /// of its batch with the same probability.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn geometric(
        batch_rate: f64,
        service_rate: f64,
        mean_batch: f64,
    ) -> Result<Self, ModelError> {
        let m = mean_batch;
        Self::new(batch_rate, service_rate, m, m * (2.0 * m - 1.0))?
            .with_third_moment(m * (6.0 * m * (m - 1.0) + 1.0))
    }

    /// The same with the third moment of the size of a batch, `E[X^3]`, from which the variance follows.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `third_moment` is not finite or less than `E[X^2]^2 / E[X]`, which no distribution has.
    pub fn with_third_moment(self, third_moment: f64) -> Result<Self, ModelError> {
        let least = self.batch_second_moment / self.mean_batch * self.batch_second_moment;
        if !(third_moment >= least * (1.0 - 8.0 * f64::EPSILON) && third_moment.is_finite()) {
            let must = "be finite and at least the square of the second moment over the mean";
            return Err(ParamError::new("third_moment", third_moment, must).into());
        }
        Ok(Self {
            batch_third_moment: Some(third_moment),
            ..self
        })
    }

    /// `lambda`: batches per unit of time.
    #[must_use]
    pub const fn batch_rate(&self) -> f64 {
        self.batch_rate
    }

    /// `mu`: requests that the server can serve per unit of time.
    #[must_use]
    pub const fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// `lambda E[X]`: requests per unit of time.
    #[must_use]
    pub fn arrival_rate(&self) -> f64 {
        self.batch_rate * self.mean_batch
    }

    /// `rho = lambda E[X] / mu`: the share of time that the server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.batch_rate * (self.mean_batch / self.service_rate)
    }

    /// `p_0 = 1 - rho = d / mu`: the probability that the system is empty.
    #[must_use]
    pub fn idle_probability(&self) -> f64 {
        self.spare / self.service_rate
    }

    /// `L = lambda (E[X] + E[X^2]) / (2 d)`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        (self.batch_rate / self.spare) * (0.5 * (self.mean_batch + self.batch_second_moment))
    }

    /// `L_q = L - rho`: the mean number waiting, the one in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        // L - rho = lambda (E[X^2] - E[X] + 2 rho E[X]) / (2 d), in which nothing cancels but E[X^2] - E[X].
        let ahead = 0.5 * (self.batch_second_moment - self.mean_batch);
        (self.batch_rate / self.spare) * (ahead.max(0.0) + self.utilisation() * self.mean_batch)
    }

    /// `W = L / (lambda E[X])`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        0.5 * (1.0 + self.batch_second_moment / self.mean_batch) / self.spare
    }

    /// `W_q = W - 1 / mu`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        let ahead = 0.5 * (self.batch_second_moment / self.mean_batch - 1.0);
        (ahead.max(0.0) + self.utilisation()) / self.spare
    }

    /// The variance of the number in the system, or none while the [third moment](Self::with_third_moment) is not known.
    ///
    /// With `m` and `v` mean and variance of `Y`, the place in its batch of a request taken at random, it is
    /// `rho v / (1 - rho) + rho m^2 / (1 - rho)^2`.
    #[must_use]
    pub fn in_system_variance(&self) -> Option<f64> {
        let third = self.batch_third_moment?;
        let (m1, m2) = (self.mean_batch, self.batch_second_moment);
        // E[Y] = (E[X^2] + E[X]) / (2 E[X]), E[Y^2] = (2 E[X^3] + 3 E[X^2] + E[X]) / (6 E[X]).
        let mean = 0.5 * (m2 / m1 + 1.0);
        let square = (2.0 * (third / m1) + 3.0 * (m2 / m1) + 1.0) / 6.0;
        let ratio = self.arrival_rate() / self.spare;
        let spread = (square - mean * mean).max(0.0);
        Some(ratio * (spread + mean * (self.service_rate / self.spare) * mean))
    }

    /// Fills `probabilities` with `p_0, p_1, ...`, where `sizes[k]` is the probability of a batch of `k + 1`.
    ///
    /// `mu p_n = lambda (P(X >= 1) p_(n-1) + ... + P(X >= n) p_0)`, a recurrence of positive terms; it takes as many steps as the product
    /// of the two lengths. Whether `sizes` has the moments of the model is not checked.
    pub fn state_probabilities(&self, sizes: &[f64], probabilities: &mut [f64]) {
        let ratio = self.batch_rate / self.service_rate;
        for n in 0..probabilities.len() {
            if n == 0 {
                probabilities[0] = self.idle_probability();
                continue;
            }
            // P(X >= k) from the tail's end, so that it needs no difference.
            let reach = n.min(sizes.len());
            let mut at_least: f64 = sizes[reach..].iter().rev().sum();
            let mut sum = 0.0;
            for k in (1..=reach).rev() {
                at_least += sizes[k - 1];
                sum += at_least * probabilities[n - k];
            }
            probabilities[n] = ratio * sum;
        }
    }
}
