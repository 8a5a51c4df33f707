//! M/G/1 with processor sharing: everybody is served at once, each at an equal share of the speed.

use crate::check;
use crate::error::{ModelError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/G/1-PS: one server that works on all requests present at once, each at an equal share of its speed, Poisson arrivals.
///
/// The model of a processor or of a network link under time sharing. The means, and the distribution of the number in the
/// system, depend on the service time (the time that a request would take alone) through its mean only. Symbols:
/// `lambda` is the arrival rate, `s` the mean service time, `rho = lambda s`. Everything follows from `1 - rho`, which is
/// computed with one rounding; the relative error is below 1e-14 at any load.
///
/// Source: L. Kleinrock, "Queueing Systems, Volume 2", Wiley 1976.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Mg1Ps;
///
/// // Three jobs a second, of a fifth of a second each.
/// let processor = Mg1Ps::new(3.0, 0.2)?;
/// assert!((processor.mean_response_time() - 0.5).abs() < 1e-15);
/// assert!((processor.mean_response_time_of(1.0) - 2.5).abs() < 1e-15); // everybody is slowed down alike
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mg1Ps {
    arrival_rate: f64,
    mean_service_time: f64,
    /// `1 - rho`.
    idle: f64,
}

impl Mg1Ps {
    /// A server that takes `arrival_rate` (`lambda`) requests per unit of time, each of which would keep it busy for
    /// `mean_service_time` (`s`) on average.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` is negative or not finite, or `mean_service_time` not between 1e-290 and
    /// 1e290; [`ModelError::Unstable`] when `arrival_rate` is not below `1 / mean_service_time`.
    pub fn new(arrival_rate: f64, mean_service_time: f64) -> Result<Self, ModelError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let mean_service_time = check::scale("mean_service_time", mean_service_time)?;
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
            idle,
        })
    }

    /// `lambda`: arrivals per unit of time.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// `s`: the mean service time, that is the time a request would take alone.
    #[must_use]
    pub const fn mean_service_time(&self) -> f64 {
        self.mean_service_time
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

    /// `p_n = (1 - rho) rho^n`: the probability that `n` requests are in service.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n`, finite where the probability itself underflows.
    ///
    /// Without arrivals it is negative infinity for every `n` but zero.
    #[must_use]
    pub fn ln_state_probability(&self, n: u64) -> f64 {
        let rho = self.utilisation();
        if n == 0 {
            return super::share::ln_share(self.idle, rho);
        }
        super::share::ln_share(self.idle, rho) + n as f64 * super::share::ln_share(rho, self.idle)
    }

    /// `L = rho / (1 - rho)`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.utilisation() / self.idle
    }

    /// `rho / (1 - rho)^2`: the variance of the number in the system.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        self.mean_in_system() / self.idle
    }

    /// `1 / (1 - rho)`: how many times longer than alone a request takes, whatever its length.
    #[must_use]
    pub fn mean_slowdown(&self) -> f64 {
        1.0 / self.idle
    }

    /// `W = s / (1 - rho)`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        self.mean_service_time / self.idle
    }

    /// `x / (1 - rho)`: the mean response time of a request that would take `service_time` (`x`) alone.
    ///
    /// # Panics
    ///
    /// When `service_time` is negative or NaN.
    #[must_use]
    pub fn mean_response_time_of(&self, service_time: f64) -> f64 {
        assert!(
            service_time >= 0.0,
            "a service time must not be negative, but is {service_time}"
        );
        service_time / self.idle
    }

    /// `W^2 (2 + rho) / (2 - rho)`: the variance of the response time if service times are exponential.
    ///
    /// Source: E. G. Coffman, R. R. Muntz and H. Trotter, "Waiting Time Distributions for Processor-Sharing Systems",
    /// Journal of the ACM 17(1), 1970.
    #[must_use]
    pub fn exponential_response_time_variance(&self) -> f64 {
        let rho = self.utilisation();
        let mean = self.mean_response_time();
        mean * (mean * ((2.0 + rho) / (2.0 - rho)))
    }
}
