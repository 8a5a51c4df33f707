//! M/G/1: one server, Poisson arrivals, any distribution of the service time.

use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/G/1: one server, Poisson arrivals, service times of any distribution, first come, first served.
///
/// The means need two moments of the service time: its mean `s` and its squared coefficient of variation `cs2`, the
/// variance over the squared mean (0 for a constant time, 1 for an exponential one, more for a mixture of short and
/// long). The variances of times and numbers need the third moment as well; [`with_third_moment`](Self::with_third_moment)
/// takes it, and [`deterministic`](Self::deterministic) and [`exponential`](Self::exponential) know it.
///
/// With `lambda` the arrival rate per unit of time and `rho = lambda s`, everything follows from `1 - rho`, which is
/// computed first and with one rounding. The relative error is below 1e-13 at any load and any `cs2`: what does not overflow
/// itself does not overflow on its way. Times are in the unit of `s`.
///
/// Source of all formulas, where no other is named: L. Kleinrock, "Queueing Systems, Volume 1", Wiley 1975 (the
/// Pollaczek-Khinchine formulas and Takács' recurrence for the moments of the waiting time).
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{Mg1, Mm1};
///
/// // 0.9 jobs a second of exactly one second each: half the wait of random ones.
/// let exact = Mg1::deterministic(0.9, 1.0)?;
/// assert!((exact.mean_waiting_time() - 4.5).abs() < 1e-14);
/// assert!((Mm1::new(0.9, 1.0)?.mean_waiting_time() - 9.0).abs() < 1e-14);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mg1 {
    arrival_rate: f64,
    mean_service_time: f64,
    squared_variation: f64,
    /// `sqrt(E[S^3] / s)`, a time, where known: unlike the moment it stays within the range of `f64`.
    cubic_time: Option<f64>,
    /// `1 - rho`.
    idle: f64,
}

impl Mg1 {
    /// A server that takes `arrival_rate` (`lambda`) requests per unit of time, each of which keeps it busy for
    /// `mean_service_time` (`s`) on average, with the given squared coefficient of variation (`cs2`, no unit).
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` or `squared_coefficient_of_variation` is negative or not finite, or
    /// `mean_service_time` not between 1e-290 and 1e290; [`ModelError::Unstable`] when `arrival_rate` is not below
    /// `1 / mean_service_time`.
    pub fn new(
        arrival_rate: f64,
        mean_service_time: f64,
        squared_coefficient_of_variation: f64,
    ) -> Result<Self, ModelError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let mean_service_time = check::scale("mean_service_time", mean_service_time)?;
        let squared_variation = check::not_negative(
            "squared_coefficient_of_variation",
            squared_coefficient_of_variation,
        )?;
        // One rounding: near saturation the product agrees with one in nearly all its digits.
        let idle = (-arrival_rate).mul_add(mean_service_time, 1.0);
        if idle <= 0.0 {
            return Err(Unstable {
                offered: arrival_rate,
                stable_below: 1.0 / mean_service_time,
            }
            .into());
        }
        Ok(Self {
            arrival_rate,
            mean_service_time,
            squared_variation,
            cubic_time: None,
            idle,
        })
    }

    /// M/D/1: every request keeps the server busy for exactly `service_time`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), with the name `mean_service_time`.
    pub fn deterministic(arrival_rate: f64, service_time: f64) -> Result<Self, ModelError> {
        Ok(Self {
            cubic_time: Some(service_time),
            ..Self::new(arrival_rate, service_time, 0.0)?
        })
    }

    /// M/M/1, as a special case: an exponential service time. [`Mm1`](super::Mm1) tells more about it.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn exponential(arrival_rate: f64, mean_service_time: f64) -> Result<Self, ModelError> {
        Ok(Self {
            cubic_time: Some(6.0_f64.sqrt() * mean_service_time),
            ..Self::new(arrival_rate, mean_service_time, 1.0)?
        })
    }

    /// The same model with the third moment of the service time, `E[S^3]`, in the cube of the unit of time. The
    /// variances need it.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `third_moment` is not finite, or smaller than any distribution with this mean and variation
    /// allows: `E[S] E[S^3]` is never below `E[S^2]^2`. Rounding of the caller's moments is forgiven up to 1e-9.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Mg1;
    ///
    /// // Service uniform between 0.5 and 2.5: mean 1.5, cs2 = 4/27, E[S^3] = (2.5^4 - 0.5^4) / 8.
    /// let uniform = Mg1::new(0.5, 1.5, 4.0 / 27.0)?.with_third_moment(4.875)?;
    /// let variance = uniform.waiting_time_variance().expect("the third moment is known");
    /// assert!((variance - 9.923_611_111_111_11).abs() < 1e-13);
    /// # Ok::<(), crm_metrics::queueing::ModelError>(())
    /// ```
    pub fn with_third_moment(self, third_moment: f64) -> Result<Self, ParamError> {
        let s = self.mean_service_time;
        let quotient = third_moment / s;
        let cubic_time = if quotient.is_normal() {
            quotient.sqrt()
        } else {
            // The quotient left the range of f64, its square root does not.
            third_moment.sqrt() / s.sqrt()
        };
        let second = 1.0 + self.squared_variation;
        // NaN fails both comparisons.
        if third_moment < f64::INFINITY && cubic_time / s >= second * (1.0 - 0.5e-9) {
            return Ok(Self {
                cubic_time: Some(cubic_time),
                ..self
            });
        }
        Err(ParamError::new(
            "third_moment",
            third_moment,
            "be finite and at least the squared second moment over the mean",
        ))
    }

    /// `lambda`: arrivals per unit of time, and in the long run departures too.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// `s`: the mean service time.
    #[must_use]
    pub const fn mean_service_time(&self) -> f64 {
        self.mean_service_time
    }

    /// `cs2`: the variance of the service time over its squared mean.
    #[must_use]
    pub const fn squared_coefficient_of_variation(&self) -> f64 {
        self.squared_variation
    }

    /// `rho = lambda s`: the share of time that the server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.arrival_rate * self.mean_service_time
    }

    /// `p_0 = 1 - rho`: the probability that the system is empty.
    #[must_use]
    pub const fn idle_probability(&self) -> f64 {
        self.idle
    }

    /// `rho`: the probability that an arriving request has to wait.
    #[must_use]
    pub fn probability_of_waiting(&self) -> f64 {
        self.utilisation()
    }

    /// `L_q = rho^2 (1 + cs2) / (2 (1 - rho))`: the mean number waiting, the one in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        let rho = self.utilisation();
        product(rho, rho / self.idle, 0.5 + 0.5 * self.squared_variation)
    }

    /// `L = rho + L_q`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.utilisation() + self.mean_in_queue()
    }

    /// `W_q = rho s (1 + cs2) / (2 (1 - rho))`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        product(
            self.mean_service_time,
            self.utilisation() / self.idle,
            0.5 + 0.5 * self.squared_variation,
        )
    }

    /// `W = s + W_q`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        self.mean_service_time + self.mean_waiting_time()
    }

    /// `s / (1 - rho)`: the mean time from a request that finds the server idle to the moment it is idle again.
    #[must_use]
    pub fn mean_busy_period(&self) -> f64 {
        self.mean_service_time / self.idle
    }

    /// `s^2 (cs2 + rho) / (1 - rho)^3`: the variance of the busy period.
    #[must_use]
    pub fn busy_period_variance(&self) -> f64 {
        let mean = self.mean_busy_period();
        mean * (mean * ((self.squared_variation + self.utilisation()) / self.idle))
    }

    /// `1 / (1 - rho)`: the mean number of requests served in a busy period.
    #[must_use]
    pub fn mean_served_in_busy_period(&self) -> f64 {
        1.0 / self.idle
    }

    /// `W_q^2 + lambda E[S^3] / (3 (1 - rho))`: the variance of the waiting time, or none without the third moment.
    #[must_use]
    pub fn waiting_time_variance(&self) -> Option<f64> {
        let wait = self.mean_waiting_time();
        Some(wait * wait + self.cubic_part(self.cubic_time?))
    }

    /// The variance of the waiting time plus `cs2 s^2`, that of the service time: the variance of the response time, or
    /// none without the third moment.
    #[must_use]
    pub fn response_time_variance(&self) -> Option<f64> {
        let s = self.mean_service_time;
        Some(self.waiting_time_variance()? + s * (s * self.squared_variation))
    }

    /// `L_q + lambda^2 Var[W_q]`: the variance of the number waiting, or none without the third moment.
    ///
    /// Source: those who wait when a request's service begins have arrived during its wait, a Poisson number (the
    /// distributional form of Little's law: J. Keilson and L. D. Servi, Operations Research Letters 7(5), 1988).
    #[must_use]
    pub fn in_queue_variance(&self) -> Option<f64> {
        let waiting = self.mean_in_queue();
        let cubic = self.cubic_part(self.arrival_rate * self.cubic_time?);
        Some(waiting + (waiting * waiting + cubic))
    }

    /// `L + lambda^2 Var[W]`: the variance of the number in the system, or none without the third moment.
    ///
    /// Source: as for [`in_queue_variance`](Self::in_queue_variance).
    #[must_use]
    pub fn in_system_variance(&self) -> Option<f64> {
        let rho = self.utilisation();
        Some(rho + self.in_queue_variance()? + rho * (rho * self.squared_variation))
    }

    /// `rho / (3 (1 - rho)) x^2`, for `x` the cubic time, or that times the arrival rate.
    fn cubic_part(&self, x: f64) -> f64 {
        (x * (self.utilisation() / self.idle / 3.0)) * x
    }
}

/// `x y z`, with an infinite or subnormal result only where the product itself is.
pub(super) fn product(x: f64, y: f64, z: f64) -> f64 {
    let plain = x * (y * z);
    if plain.is_normal() && (y * z).is_normal() {
        return plain;
    }
    // The largest times the smallest cannot leave the range unless the product does.
    let mut factors = [x, y, z];
    factors.sort_by(f64::total_cmp);
    (factors[0] * factors[2]) * factors[1]
}
