//! G/M/1: one server, any distribution of the time between arrivals, exponential service.

use super::exact::Exact;
use super::poisson::deviance;
use super::share::{ln_share, quantile_past_atom};
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::root;

/// G/M/1: one server, independent times between arrivals of any distribution, exponential service, first come, first served.
///
/// Symbols: `m` is the mean time between arrivals, `lambda = 1 / m`, `mu` the service rate, `rho = lambda / mu`, and `A(s)` the
/// Laplace-Stieltjes transform of the time between arrivals, `E[e^(-s T)]`. Everything follows from the root `sigma` between zero and
/// one of `sigma = A(mu (1 - sigma))`, which is the probability of having to wait.
///
/// Near saturation the equation for `1 - sigma` is written with positive terms only, so that the relative error stays
/// below 1e-12 at any load; with [`from_transform`](Self::from_transform) it is as good as the transform handed in.
///
/// Source of all formulas: L. Kleinrock, "Queueing Systems, Volume 1", Wiley 1975.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Gm1;
///
/// // Parts that arrive by the clock, every 1.25 s, wait less than half as long as random ones.
/// let paced = Gm1::deterministic(1.25, 1.0)?;
/// assert!((paced.probability_of_waiting() - 0.628_629_796_496_946_7).abs() < 1e-15);
/// assert!((paced.mean_waiting_time() - 1.692_730_839_919_897_4).abs() < 1e-14);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gm1 {
    mean_interarrival_time: f64,
    service_rate: f64,
    /// `1 - rho`.
    idle: f64,
    /// `sigma` and `1 - sigma`.
    waits: f64,
    waits_not: f64,
}

impl Gm1 {
    /// D/M/1: a request every `interarrival_time` (`m`), `service_rate` (`mu`).
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when a parameter is not between 1e-290 and 1e290; [`ModelError::Unstable`] when
    /// `1 / interarrival_time` is not below `service_rate`.
    pub fn deterministic(interarrival_time: f64, service_rate: f64) -> Result<Self, ModelError> {
        let m = check::scale("interarrival_time", interarrival_time)?;
        Self::build(Exact::new(m), service_rate, 0.0, |x| Transform {
            value: (-x).exp(),
            complement: -(-x).exp_m1(),
            remainder: fall(x),
        })
    }

    /// M/M/1, as a special case; [`Mm1`](super::Mm1) tells more about it.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when a parameter is not between 1e-290 and 1e290; [`ModelError::Unstable`] when
    /// `1 / mean_interarrival_time` is not below `service_rate`.
    pub fn exponential(mean_interarrival_time: f64, service_rate: f64) -> Result<Self, ModelError> {
        Self::hyperexponential(&[(1.0, mean_interarrival_time)], service_rate)
    }

    /// `E_k/M/1`: the time between arrivals is the sum of `stages` (`k`) equal exponential ones, `mean_interarrival_time` (`m`) in all.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when there is no stage, or another parameter is not between 1e-290 and 1e290;
    /// [`ModelError::Unstable`] when `1 / mean_interarrival_time` is not below `service_rate`.
    pub fn erlang(
        stages: u32,
        mean_interarrival_time: f64,
        service_rate: f64,
    ) -> Result<Self, ModelError> {
        let m = check::scale("mean_interarrival_time", mean_interarrival_time)?;
        if stages == 0 {
            return Err(ParamError::new("stages", 0.0, "be at least one").into());
        }
        let k = f64::from(stages);
        Self::build(Exact::new(m), service_rate, 1.0 / k, |x| {
            // (1 + x/k)^-k = e^-(x - d), where d is what the logarithm lacks of its tangent.
            let ln = k * (x / k).ln_1p();
            Transform {
                value: (-ln).exp(),
                complement: -(-ln).exp_m1(),
                remainder: fall(ln) + k * deviance(1.0 + x / k, -x / k),
            }
        })
    }

    /// `H_k/M/1`: each time between arrivals is exponential, with one of several means; `branches` lists their probabilities, which sum
    /// to one, and means.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when there is no branch, a probability is negative or not finite or they do not sum to one (within 1e-9,
    /// then they are scaled), or another parameter is not between 1e-290 and 1e290; [`ModelError::Unstable`] when
    /// the arrival rate is not below `service_rate`.
    pub fn hyperexponential(
        branches: &[(f64, f64)],
        service_rate: f64,
    ) -> Result<Self, ModelError> {
        let mut total = Exact::new(0.0);
        let mut weighted = Exact::new(0.0);
        for &(probability, mean) in branches {
            let probability = check::not_negative("probability", probability)?;
            let mean = check::scale("mean", mean)?;
            total = total.plus(Exact::new(probability));
            weighted = weighted.plus(Exact::product(probability, mean));
        }
        let exact = weighted.over(total);
        let total = total.value();
        if (total - 1.0).abs() > 1e-9 || branches.is_empty() {
            return Err(ParamError::new("probabilities", total, "sum to one").into());
        }
        let m = check::scale("mean_interarrival_time", exact.value())?;
        let parts = || {
            branches
                .iter()
                .map(|&(probability, mean)| (probability / total, mean / m))
        };
        let variation = parts().map(|(p, b)| 2.0 * p * b * b).sum::<f64>() - 1.0;
        Self::build(exact, service_rate, variation, |x| {
            let (mut value, mut complement, mut remainder) = (0.0, 0.0, 0.0);
            for (p, b) in parts() {
                let y = b * x;
                value += p / (1.0 + y);
                complement += p * (y / (1.0 + y));
                // 1/(1 + y) - 1 + y
                remainder += p * y * (y / (1.0 + y));
            }
            Transform {
                value,
                complement,
                remainder,
            }
        })
    }

    /// U/M/1: the time between arrivals lies anywhere between `shortest` and `longest`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `shortest` is negative or not finite, `longest` is below it or not between 1e-290 and 1e290, or
    /// `service_rate` is not; [`ModelError::Unstable`] when `2 / (shortest + longest)` is not below `service_rate`.
    pub fn uniform(shortest: f64, longest: f64, service_rate: f64) -> Result<Self, ModelError> {
        let shortest = check::not_negative("shortest", shortest)?;
        let longest = check::scale("longest", longest)?;
        if longest < shortest {
            return Err(ParamError::new("longest", longest, "be at least the shortest").into());
        }
        let m = Exact::new(0.5 * shortest).plus(Exact::new(0.5 * longest));
        check::scale("mean_interarrival_time", m.value())?;
        let half = (0.5 * longest - 0.5 * shortest) / m.value();
        Self::build(m, service_rate, half * half / 3.0, |x| {
            // e^-x sinh(y) / y around the middle, with y = x times half the relative width.
            let y = half * x;
            let beyond = sinh_ratio(y, x);
            Transform {
                value: (-x).exp() + beyond,
                complement: -(-x).exp_m1() - beyond,
                remainder: fall(x) + beyond,
            }
        })
    }

    /// Any distribution of the time between arrivals, by its mean (`m`) and its Laplace-Stieltjes transform `A(s)`.
    ///
    /// The transform is called a few dozen times, with `s` between zero and `service_rate`. Near saturation the result has lost
    /// as many digits as `1 - rho` has zeros, because the transform differs from `1 - m s` by that little; the other
    /// constructors do not have this limit.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when a parameter is not between 1e-290 and 1e290, or the transform at `service_rate` is not a number from
    /// `e^(-m mu)` to one, as that of every distribution with this mean is; [`ModelError::Unstable`] when `1 / mean_interarrival_time`
    /// is not below `service_rate`.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Gm1;
    ///
    /// // A constant 1 s and then an exponential 0.25 s.
    /// let shifted = Gm1::from_transform(1.25, |s| (-s).exp() / (1.0 + 0.25 * s), 1.0)?;
    /// let (sigma, y) = (shifted.probability_of_waiting(), 1.0 - shifted.probability_of_waiting());
    /// assert!((sigma - (-y).exp() / (1.0 + 0.25 * y)).abs() < 1e-15);
    /// # Ok::<(), crm_metrics::queueing::ModelError>(())
    /// ```
    pub fn from_transform(
        mean_interarrival_time: f64,
        transform: impl Fn(f64) -> f64,
        service_rate: f64,
    ) -> Result<Self, ModelError> {
        let m = check::scale("mean_interarrival_time", mean_interarrival_time)?;
        let mu = check::scale("service_rate", service_rate)?;
        let at_mu = transform(mu);
        if !(at_mu <= 1.0 && at_mu >= (-m * mu).exp() * (1.0 - 1e-9)) {
            return Err(
                ParamError::new("transform", at_mu, "lie between e^(-m mu) and one").into(),
            );
        }
        Self::build(Exact::new(m), mu, f64::INFINITY, |x| {
            let value = transform(x / m);
            let value = if value.is_nan() {
                1.0
            } else {
                value.clamp(0.0, 1.0)
            };
            Transform {
                value,
                complement: 1.0 - value,
                remainder: (value - 1.0 + x).max(0.0),
            }
        })
    }

    /// With the transform at `s = x / m`, and the squared coefficient of variation.
    fn build(
        m: Exact,
        service_rate: f64,
        variation: f64,
        transform: impl Fn(f64) -> Transform,
    ) -> Result<Self, ModelError> {
        let service_rate = check::scale("service_rate", service_rate)?;
        // r = 1/rho and r - 1, each with one rounding.
        let ratio = m.times(service_rate);
        let excess = ratio.minus(Exact::new(1.0)).value();
        let (m, ratio) = (m.value(), ratio.value());
        if excess <= 0.0 {
            return Err(Unstable {
                offered: 1.0 / m,
                stable_below: service_rate,
            }
            .into());
        }
        let idle = if ratio.is_finite() {
            excess / ratio
        } else {
            1.0
        };
        let (ratio, excess) = (ratio.min(f64::MAX), excess.min(f64::MAX));
        // Where few wait, sigma has its digits in the transform rather than in the complement.
        let (waits, waits_not) = if transform(0.5 * ratio).value < 0.5 {
            few(ratio, &transform)
        } else {
            let waits_not = many(ratio, excess, variation, &transform);
            (1.0 - waits_not, waits_not)
        };
        Ok(Self {
            mean_interarrival_time: m,
            service_rate,
            idle,
            waits,
            waits_not,
        })
    }

    /// `1 / m`: arrivals per unit of time.
    #[must_use]
    pub fn arrival_rate(&self) -> f64 {
        1.0 / self.mean_interarrival_time
    }

    /// `mu`: requests that the server could serve per unit of time.
    #[must_use]
    pub const fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// `rho = 1 / (m mu)`: the share of time that the server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        1.0 / self.mean_interarrival_time / self.service_rate
    }

    /// `1 - rho`: the share of time that the system is empty. An arriving request finds it empty with another probability,
    /// one minus that of [waiting](Self::probability_of_waiting).
    #[must_use]
    pub const fn idle_probability(&self) -> f64 {
        self.idle
    }

    /// `sigma`: the probability that an arriving request has to wait.
    #[must_use]
    pub const fn probability_of_waiting(&self) -> f64 {
        self.waits
    }

    /// `(1 - sigma) sigma^n`: the probability that an arriving request finds `n` in the system.
    #[must_use]
    pub fn arrival_state_probability(&self, n: u64) -> f64 {
        if n == 0 {
            return self.waits_not;
        }
        (self.waits_not.ln() + n as f64 * ln_share(self.waits, self.waits_not)).exp()
    }

    /// `p_0 = 1 - rho` and `p_n = rho (1 - sigma) sigma^(n - 1)`: the share of time that `n` requests are in the system.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        if n == 0 {
            self.idle
        } else {
            self.utilisation() * self.arrival_state_probability(n - 1)
        }
    }

    /// `L_q = rho sigma / (1 - sigma)`: the mean number waiting, the one in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.utilisation() * (self.waits / self.waits_not)
    }

    /// `L = rho / (1 - sigma)`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.utilisation() / self.waits_not
    }

    /// `W_q = sigma / (mu (1 - sigma))`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.waits / self.waits_not / self.service_rate
    }

    /// `W = 1 / (mu (1 - sigma))`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        1.0 / self.waits_not / self.service_rate
    }

    /// `rho sigma (1 + sigma (1 - rho)) / (1 - sigma)^2`: the variance of the number waiting.
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        self.mean_in_queue() * ((1.0 + self.waits * self.idle) / self.waits_not)
    }

    /// `rho (sigma + 1 - rho) / (1 - sigma)^2`: the variance of the number in the system.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        self.mean_in_system() * ((self.waits + self.idle) / self.waits_not)
    }

    /// `sigma (2 - sigma) / (mu (1 - sigma))^2`: the variance of the waiting time.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        self.mean_waiting_time() * ((1.0 + self.waits_not) * self.mean_response_time())
    }

    /// `1 / (mu (1 - sigma))^2`: the variance of the response time, which is exponential.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        self.mean_response_time() * self.mean_response_time()
    }

    /// `P(W_q <= t) = 1 - sigma e^(-mu (1 - sigma) t)`: the probability of waiting at most `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        (self.waits_not - self.waits * (-self.rate() * t).exp_m1()).min(1.0)
    }

    /// `P(W_q > t) = sigma e^(-mu (1 - sigma) t)`: the probability of waiting longer than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        self.waits * (-self.rate() * t).exp()
    }

    /// The waiting time that a share `p` of requests does not exceed: `ln(sigma / (1 - p)) / (mu (1 - sigma))`, or zero when `p`
    /// is at most `1 - sigma`.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn waiting_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        quantile_past_atom(p, self.waits_not, self.waits, self.rate())
    }

    /// `P(W <= t) = 1 - e^(-mu (1 - sigma) t)`: the probability of a response within `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        -(-self.rate() * t).exp_m1()
    }

    /// `P(W > t) = e^(-mu (1 - sigma) t)`: the probability of a response later than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        (-self.rate() * t).exp()
    }

    /// `-ln(1 - p) / (mu (1 - sigma))`: the response time that a share `p` of requests does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        -(-p).ln_1p() / self.rate()
    }

    /// `mu (1 - sigma)`: the rate of the response time.
    fn rate(&self) -> f64 {
        self.service_rate * self.waits_not
    }
}

/// The transform `A` of a time between arrivals at `s = x / m`.
struct Transform {
    value: f64,
    /// `1 - A`.
    complement: f64,
    /// `A - 1 + x`, which is about `x^2 E[T^2] / (2 m^2)` and positive.
    remainder: f64,
}

/// `y = 1 - sigma`, at most a half: the root of `remainder(ratio y) / y = ratio - 1`, whose left side grows with `y`. This is the functional
/// equation divided by `y`, in which saturation is a small number and not a difference of large ones.
fn many(ratio: f64, excess: f64, variation: f64, transform: &impl Fn(f64) -> Transform) -> f64 {
    let gap = |ln_y: f64| {
        let y = ln_y.exp();
        let there = transform(ratio * y);
        if ratio * y < 1.0 {
            (there.remainder / y / excess).ln()
        } else {
            // Long gaps between arrivals would drown the rest of the remainder; the equation itself has its digits here.
            1.0 - there.complement / y
        }
    };
    // The remainder is at most half the second moment times x^2, and the root therefore at least this.
    let least = 2.0 * (excess / ratio) / (1.0 + variation) / ratio;
    let low = if least > 0.0 {
        least.ln().min(-1.0) - 1e-9
    } else {
        // The variation is not known: the share halves until it is below the root.
        let mut low = -1.0;
        while gap(low) > 0.0 && low > -40.0 {
            low -= 0.7;
        }
        low
    };
    root::find(low, 0.5_f64.ln(), gap).exp()
}

/// `sigma`, below a half, and its complement, from the equation itself, in which `A` has the digits of a small `sigma`.
fn few(ratio: f64, transform: &impl Fn(f64) -> Transform) -> (f64, f64) {
    let map = |sigma: f64| transform(ratio * (1.0 - sigma)).value;
    let low = map(0.0);
    if low == 0.0 {
        return (0.0, 1.0);
    }
    // A falls with s, so that the root lies above A(mu); at a half A is below it.
    let sigma = root::find(low.ln(), 0.5_f64.ln(), |ln| map(ln.exp()).ln() - ln).exp();
    (sigma, 1.0 - sigma)
}

/// `e^-x - 1 + x`, for `x >= 0`.
fn fall(x: f64) -> f64 {
    if x > 1.0 {
        return (-x).exp_m1() + x;
    }
    // In pairs of terms of the alternating series, each pair positive.
    let mut term = 0.5 * x * x;
    let mut sum = 0.0;
    let mut k = 3.0;
    while term > 1e-18 * sum {
        sum += term * (1.0 - x / k);
        term *= x * x / (k * (k + 1.0));
        k += 2.0;
    }
    sum
}

/// `e^-x (sinh(y) / y - 1)`, for `0 <= y <= x`.
fn sinh_ratio(y: f64, x: f64) -> f64 {
    if y > 1.0 {
        return (-(x - y)).exp() * (-(-2.0 * y).exp_m1()) / (2.0 * y) - (-x).exp();
    }
    let mut term = y * y / 6.0;
    let mut sum = term;
    let mut k = 4.0;
    while term > 1e-18 * sum {
        term *= y * y / (k * (k + 1.0));
        sum += term;
        k += 2.0;
    }
    (-x).exp() * sum
}
