//! M/M/1: one server, Poisson arrivals, exponential service.

use super::share::{ln_share, quantile_past_atom};
use crate::check;
use crate::error::{ModelError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/M/1: one server, Poisson arrivals, exponential service times, first come, first served.
///
/// The simplest queue there is: a worker that takes requests one by one. With `rho = lambda / mu`, everything follows
/// from the spare capacity `d = mu - lambda`, which is computed first and with one rounding; near saturation the results are
/// therefore as exact as elsewhere. The relative error is below 1e-14 for means and 1e-12 for probabilities and quantiles.
///
/// Rates are per any unit of time, and times come out in that unit.
///
/// Source of all formulas: D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris, "Fundamentals of Queueing Theory", 4th
/// edition, Wiley 2008.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Mm1;
///
/// // 75 requests a second for a worker that could serve 100.
/// let worker = Mm1::new(75.0, 100.0)?;
/// assert_eq!(worker.utilisation(), 0.75);
/// assert_eq!(worker.mean_in_system(), 3.0);
/// assert_eq!(worker.mean_response_time(), 0.04); // 10 ms served, 30 ms waited
/// assert!((worker.response_time_quantile(0.99) - 0.184_206_807_439_523_65).abs() < 1e-15);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mm1 {
    arrival_rate: f64,
    service_rate: f64,
    /// `mu - lambda`.
    spare: f64,
}

impl Mm1 {
    /// A server that takes `arrival_rate` (`lambda`) requests per unit of time and could serve `service_rate` (`mu`).
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` is negative or not finite, or `service_rate` not between 1e-290 and
    /// 1e290; [`ModelError::Unstable`] when `arrival_rate` is not below `service_rate`.
    pub fn new(arrival_rate: f64, service_rate: f64) -> Result<Self, ModelError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let service_rate = check::scale("service_rate", service_rate)?;
        let spare = service_rate - arrival_rate;
        if spare <= 0.0 {
            return Err(Unstable {
                offered: arrival_rate,
                stable_below: service_rate,
            }
            .into());
        }
        Ok(Self {
            arrival_rate,
            service_rate,
            spare,
        })
    }

    /// `lambda`: arrivals per unit of time, and in the long run departures too.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// `mu`: requests that the server can serve per unit of time.
    #[must_use]
    pub const fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// `rho = lambda / mu`: the share of time that the server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// `p_0 = 1 - rho = d / mu`: the probability that the system is empty.
    #[must_use]
    pub fn idle_probability(&self) -> f64 {
        self.spare / self.service_rate
    }

    /// `rho`: the probability that an arriving request has to wait.
    #[must_use]
    pub fn probability_of_waiting(&self) -> f64 {
        self.utilisation()
    }

    /// `p_n = (1 - rho) rho^n`: the probability that `n` requests are in the system.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n = ln(1 - rho) + n ln(rho)`, finite where the probability itself underflows.
    ///
    /// Without arrivals it is negative infinity for every `n` but zero.
    #[must_use]
    pub fn ln_state_probability(&self, n: u64) -> f64 {
        let idle = self.idle_probability();
        let empty = ln_share(idle, self.utilisation());
        if n == 0 {
            return empty;
        }
        empty + n as f64 * ln_share(self.utilisation(), idle)
    }

    /// `L_q = rho lambda / d`: the mean number waiting, the one in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.utilisation() * (self.arrival_rate / self.spare)
    }

    /// `L = lambda / d`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.arrival_rate / self.spare
    }

    /// `W_q = rho / d`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.utilisation() / self.spare
    }

    /// `W = 1 / d`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        1.0 / self.spare
    }

    /// `rho^2 (1 + rho (1 - rho)) / (1 - rho)^2`: the variance of the number waiting.
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        let l = self.mean_in_system();
        l * l * (1.0 + self.utilisation() * self.idle_probability())
    }

    /// `rho / (1 - rho)^2`: the variance of the number in the system.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        self.mean_in_system() * (self.service_rate / self.spare)
    }

    /// `rho (2 - rho) / d^2`: the variance of the waiting time.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        self.mean_waiting_time() * ((2.0 - self.utilisation()) / self.spare)
    }

    /// `1 / d^2`: the variance of the response time.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        self.mean_response_time() * self.mean_response_time()
    }

    /// `P(W_q <= t) = 1 - rho e^(-d t)`: the probability of waiting at most `t`.
    ///
    /// At zero it jumps to `1 - rho`, the share that does not wait.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let share = self.idle_probability() - self.utilisation() * (-self.spare * t).exp_m1();
        share.min(1.0)
    }

    /// `P(W_q > t) = rho e^(-d t)`: the probability of waiting longer than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        self.utilisation() * (-self.spare * t).exp()
    }

    /// The waiting time that a share `p` of requests does not exceed: `ln(rho / (1 - p)) / d`, or zero when `p` is at
    /// most `1 - rho`.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn waiting_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        let late = 1.0 - p;
        if (self.utilisation() - late).abs() < 1e-3 * late {
            // Where the wait is just beginning to be above zero, rho - (1 - p) decides: here with one rounding.
            let past = if p < 0.5 {
                p.mul_add(self.service_rate, -self.spare)
            } else {
                (-late).mul_add(self.service_rate, self.arrival_rate)
            };
            return (past / self.service_rate / late).ln_1p().max(0.0) / self.spare;
        }
        quantile_past_atom(p, self.idle_probability(), self.utilisation(), self.spare)
    }

    /// `P(W <= t) = 1 - e^(-d t)`: the probability of a response within `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        -(-self.spare * t).exp_m1()
    }

    /// `P(W > t) = e^(-d t)`: the probability of a response later than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        (-self.spare * t).exp()
    }

    /// The response time that a share `p` of requests does not exceed: `-ln(1 - p) / d`.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        -(-p).ln_1p() / self.spare
    }
}
