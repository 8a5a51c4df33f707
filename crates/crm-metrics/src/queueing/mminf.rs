//! M/M/inf: a server for everybody.

use super::erlang_sums::ErlangSums;
use super::poisson::ln_poisson;
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/M/inf: Poisson arrivals, and a server for each; nobody waits.
///
/// The model of sessions, of messages in flight, of customers who think; and of the servers that a load would take if there were
/// no limit. With `a = lambda / mu` the number in the system is Poisson with mean `a`, for every distribution of the
/// service time with mean `1 / mu`.
///
/// The relative error is below 1e-12 at any load; the cost does not depend on it.
///
/// Source: D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris, "Fundamentals of Queueing Theory", 4th edition, Wiley
/// 2008; the course from an empty start is that of L. Takacs, "Introduction to the Theory of Queues", 1962.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::MmInf;
///
/// // 120 visitors an hour who stay for half an hour.
/// let site = MmInf::new(120.0, 2.0)?;
/// assert_eq!(site.mean_in_system(), 60.0);
/// // How many sessions must be provided for, so that they suffice 99.9 % of the time?
/// assert_eq!(site.in_system_quantile(0.999), 85);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MmInf {
    arrival_rate: f64,
    service_rate: f64,
    load: f64,
}

impl MmInf {
    /// `arrival_rate` (`lambda`) requests per unit of time, each served for a mean time of `1 / service_rate` (`1 / mu`).
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `arrival_rate` is negative or not finite, `service_rate` not between 1e-290 and 1e290, or their
    /// quotient above 1e15.
    pub fn new(arrival_rate: f64, service_rate: f64) -> Result<Self, ParamError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let service_rate = check::scale("service_rate", service_rate)?;
        let load = arrival_rate / service_rate;
        if load > 1e15 {
            let must = "be at most 1e15 times the service rate";
            return Err(ParamError::new("arrival_rate", arrival_rate, must));
        }
        Ok(Self {
            arrival_rate,
            service_rate,
            load,
        })
    }

    /// `lambda`: arrivals per unit of time, and in the long run departures too.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// `mu`: the reciprocal of the mean service time.
    #[must_use]
    pub const fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// `L = a = lambda / mu`: the mean number in the system.
    #[must_use]
    pub const fn mean_in_system(&self) -> f64 {
        self.load
    }

    /// `a`: the variance of the number in the system.
    #[must_use]
    pub const fn in_system_variance(&self) -> f64 {
        self.load
    }

    /// `W = 1 / mu`: the mean response time.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        1.0 / self.service_rate
    }

    /// `1 / mu^2`: the variance of the response time.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        self.mean_response_time() * self.mean_response_time()
    }

    /// `p_n = e^-a a^n / n!`: the probability that `n` requests are in the system.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n`, finite where the probability itself underflows.
    ///
    /// Without arrivals it is negative infinity for every `n` but zero.
    #[must_use]
    pub fn ln_state_probability(&self, n: u64) -> f64 {
        let n = n as f64;
        ln_poisson(n, self.load, self.gap(n))
    }

    /// `P(N <= n)`: the probability that at most `n` requests are in the system.
    #[must_use]
    pub fn in_system_cdf(&self, n: u64) -> f64 {
        let above = n as f64 + 1.0;
        ErlangSums::new(above, self.load, self.gap(above)).gamma_q()
    }

    /// `P(N > n)`: the probability that more than `n` requests are in the system.
    #[must_use]
    pub fn in_system_tail(&self, n: u64) -> f64 {
        let above = n as f64 + 1.0;
        ErlangSums::new(above, self.load, self.gap(above)).gamma_p()
    }

    /// The least `n` with `P(N <= n) >= p`: so many servers suffice for a share `p` of the time. [`u64::MAX`] at one, unless nobody comes.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one.
    #[must_use]
    pub fn in_system_quantile(&self, p: f64) -> u64 {
        check::probability(p);
        if self.load == 0.0 {
            return 0;
        }
        if p == 1.0 {
            return u64::MAX;
        }
        // On the side of the smaller probability, whose digits are all there.
        let enough = |n: u64| {
            if p < 0.5 {
                self.in_system_cdf(n) >= p
            } else {
                self.in_system_tail(n) <= 1.0 - p
            }
        };
        // The cast saturates; the load is at most 1e15.
        let (mut low, mut high) = (0, self.load as u64);
        let mut step = (self.load.sqrt() as u64).max(1);
        while !enough(high) {
            low = high + 1;
            high += step;
            step *= 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if enough(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        high
    }

    /// `P(W <= t) = 1 - e^(-mu t)`: the probability of a response within `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        -(-self.service_rate * t).exp_m1()
    }

    /// `P(W > t) = e^(-mu t)`: the probability of a response later than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        (-self.service_rate * t).exp()
    }

    /// The response time that a share `p` of requests does not exceed: `-ln(1 - p) / mu`.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        -(-p).ln_1p() / self.service_rate
    }

    /// `a (1 - e^(-mu t))`: the mean number in the system at time `t` after an empty start; it is Poisson then, too.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn mean_in_system_after(&self, t: f64) -> f64 {
        self.load * self.response_time_cdf(t)
    }

    /// `(e^a - 1) / lambda`: the mean time from an arrival at the empty system until it is empty again; infinite where it leaves
    /// `f64`.
    #[must_use]
    pub fn mean_busy_period(&self) -> f64 {
        if self.load == 0.0 {
            return self.mean_response_time();
        }
        self.load.exp_m1() / self.load / self.service_rate
    }

    /// `n - a`, with one rounding.
    fn gap(&self, n: f64) -> f64 {
        n.mul_add(self.service_rate, -self.arrival_rate) / self.service_rate
    }
}
