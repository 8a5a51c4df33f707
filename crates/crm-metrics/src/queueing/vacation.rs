//! M/G/1 with vacations: a server that goes off to do something else when nobody is left.

use super::mg1::{Mg1, product};
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/G/1 whose server takes a vacation whenever the system is empty, and begins to serve only when it is back.
///
/// The vacation stands for whatever keeps the server from noticing an arrival at once: maintenance, other work, a sleep
/// state. After [`multiple`](Self::multiple) vacations the server leaves again as long as it finds nobody; after a
/// [`single`](Self::single) one it stays and waits. Symbols: `lambda` and `rho` as in [`Mg1`], `v` the mean vacation, `cv2` its squared
/// coefficient of variation, `V0` the probability that nobody arrives during a vacation.
///
/// The wait is the sum of the wait without vacations and an independent one; both are sums of positive terms, so that the
/// relative error stays below 1e-13.
///
/// Source: B. T. Doshi, "Queueing systems with vacations: a survey", Queueing Systems 1, 1986.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{Mg1, Mg1Vacation};
///
/// // A worker who looks for new jobs every ten seconds when there are none.
/// let worker = Mg1Vacation::multiple(Mg1::exponential(0.5, 1.0)?, 10.0, 0.0)?;
/// assert_eq!(worker.mean_waiting_time(), 1.0 + 5.0);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mg1Vacation {
    queue: Mg1,
    mean_vacation: f64,
    squared_variation: f64,
    /// The share of the time without work that the server is away: one for multiple vacations.
    away: f64,
}

impl Mg1Vacation {
    /// Vacations follow each other, of `mean_vacation` (`v`) each, as long as nobody is there when the server returns.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `mean_vacation` is not between 1e-290 and 1e290, or `squared_coefficient_of_variation` is negative
    /// or not finite.
    pub fn multiple(
        queue: Mg1,
        mean_vacation: f64,
        squared_coefficient_of_variation: f64,
    ) -> Result<Self, ParamError> {
        Ok(Self {
            queue,
            mean_vacation: check::scale("mean_vacation", mean_vacation)?,
            squared_variation: check::not_negative(
                "squared_coefficient_of_variation",
                squared_coefficient_of_variation,
            )?,
            away: 1.0,
        })
    }

    /// One vacation of `mean_vacation` (`v`) each time the system becomes empty; then the server waits for the next request.
    ///
    /// `no_arrival` (`V0`) is the probability that nobody arrives during a vacation: the Laplace-Stieltjes transform of its
    /// length at `lambda`, which is `e^(-lambda v)` for a constant vacation and `1 / (1 + lambda v)` for an exponential one.
    ///
    /// # Errors
    ///
    /// As for [`multiple`](Self::multiple), and when `no_arrival` is above one or, beyond rounding, below `e^(-lambda v)`: less is
    /// impossible, whatever the distribution.
    pub fn single(
        queue: Mg1,
        mean_vacation: f64,
        squared_coefficient_of_variation: f64,
        no_arrival: f64,
    ) -> Result<Self, ParamError> {
        let model = Self::multiple(queue, mean_vacation, squared_coefficient_of_variation)?;
        let arrivals = queue.arrival_rate() * mean_vacation;
        // Written so that NaN is refused.
        if !(no_arrival <= 1.0 && no_arrival >= (-arrivals).exp() * (1.0 - 1e-9)) {
            return Err(ParamError::new(
                "no_arrival",
                no_arrival,
                "lie between e^(-lambda v) and one",
            ));
        }
        // As an arrival rate that is not zero may make both zero, the quotient is of one and a ratio.
        let away = if arrivals == 0.0 {
            0.0
        } else {
            1.0 / (1.0 + no_arrival / arrivals)
        };
        Ok(Self { away, ..model })
    }

    /// The queue without vacations.
    #[must_use]
    pub const fn queue(&self) -> &Mg1 {
        &self.queue
    }

    /// `v`: the mean length of a vacation.
    #[must_use]
    pub const fn mean_vacation(&self) -> f64 {
        self.mean_vacation
    }

    /// The share of time that the server is away: `1 - rho` for multiple vacations, and
    /// `(1 - rho) lambda v / (V0 + lambda v)` for single ones.
    #[must_use]
    pub fn vacation_probability(&self) -> f64 {
        self.queue.idle_probability() * self.away
    }

    /// What vacations add to the mean wait: `v (1 + cv2) / 2`, the mean rest of a vacation, for multiple ones, and this
    /// times `lambda v / (V0 + lambda v)` for single ones.
    #[must_use]
    pub fn mean_added_wait(&self) -> f64 {
        product(
            self.mean_vacation,
            self.away,
            0.5 + 0.5 * self.squared_variation,
        )
    }

    /// `W_q`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.queue.mean_waiting_time() + self.mean_added_wait()
    }

    /// `W = s + W_q`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        self.queue.mean_service_time() + self.mean_waiting_time()
    }

    /// `L_q = lambda W_q`: the mean number waiting.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.queue.mean_in_queue() + self.queue.arrival_rate() * self.mean_added_wait()
    }

    /// `L = lambda W`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.queue.utilisation() + self.mean_in_queue()
    }
}
