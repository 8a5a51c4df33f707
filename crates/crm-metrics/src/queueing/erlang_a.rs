//! Erlang A, M/M/c+M: several servers, one line, and customers who give up waiting.

use super::erlang_sums::ErlangSums;
use super::fewest::fewest_servers;
use super::poisson::{ln_poisson, ln_poisson_ratio};
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::{quadrature, root};

mod response;

/// Erlang A: `c` servers behind one line, Poisson arrivals, exponential service, and exponential patience.
///
/// The model of a sales or support desk: who waits longer than their patience hangs up. Symbols: `lambda` is the arrival
/// rate, `mu` the service rate of one server and `theta` the rate at which one who waits gives up, the reciprocal of
/// the mean patience, all per unit of time; `c` the number of servers; `a = lambda / mu` the offered load in erlangs. Because
/// customers leave, it is stable under any load.
///
/// The probability of waiting, of giving up, mean waits and service levels take a constant number of steps, a few tenths of
/// a microsecond at any size; the relative error is below 1e-12 (1e-10 in distributions of systems so large and overloaded that `theta`
/// times the wait is a sharp value).
///
/// # Formula
///
/// With `y = c mu / theta`, `x = lambda / theta`, `T = x/(y+1) + x^2/((y+1)(y+2)) + ...` and
/// `F = c/a + c (c-1)/a^2 + ...`,
///
/// ```text
/// P(wait)           = (1 + T) / (F + 1 + T)
/// P(abandon | wait) = 1 - (y/x) T / (1 + T)
/// E[W]              = P(abandon) / theta
/// ```
///
/// Source: C. Palm, "Research on Telephone Traffic Carried by Full Availability Groups", 1957; A. Mandelbaum and S. Zeltyn, "Service
/// Engineering in Action: the Palm/Erlang-A Queue", 2007.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::ErlangA;
///
/// // Garnett, Mandelbaum and Reiman: 48 calls a minute of one minute each, 50 agents, two minutes of patience.
/// let desk = ErlangA::new(48.0, 1.0, 50, 0.5)?;
/// assert_eq!(format!("{:.1} %", 100.0 * desk.probability_of_abandonment()), "3.1 %");
/// assert_eq!(format!("{:.1} s", 60.0 * desk.mean_waiting_time()), "3.7 s");
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErlangA {
    arrival_rate: f64,
    service_rate: f64,
    servers: f64,
    abandonment_rate: f64,
    /// `c mu - lambda`, of either sign.
    spare: f64,
    /// The states in which a server is free, and those in which somebody waits.
    free: ErlangSums,
    waiting: ErlangSums,
    waits: f64,
    waits_not: f64,
    ln_waits: f64,
}

impl ErlangA {
    /// `servers` (`c`) that are offered `arrival_rate` (`lambda`) requests per unit of time, could each serve `service_rate`
    /// (`mu`), and lose those who wait at `abandonment_rate` (`theta`).
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `arrival_rate` is negative or not finite, `service_rate` or `abandonment_rate` not between 1e-290
    /// and 1e290, `servers` zero, or a quotient of these rates not finite.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
        abandonment_rate: f64,
    ) -> Result<Self, ParamError> {
        let c = check::servers(servers)?;
        Self::with_real_servers(arrival_rate, service_rate, c, abandonment_rate)
    }

    /// The same for a number of servers that need not be whole, for which the formulas are continued.
    pub(crate) fn with_real_servers(
        arrival_rate: f64,
        service_rate: f64,
        servers: f64,
        abandonment_rate: f64,
    ) -> Result<Self, ParamError> {
        let lambda = check::not_negative("arrival_rate", arrival_rate)?;
        let mu = check::scale("service_rate", service_rate)?;
        let theta = check::scale("abandonment_rate", abandonment_rate)?;
        let load = check::in_range("arrival_rate", lambda, lambda / mu)?;
        let x = check::in_range("abandonment_rate", theta, lambda / theta)?;
        let y = check::in_range("abandonment_rate", theta, servers * (mu / theta))?;
        // One rounding: c mu and lambda may agree in nearly all their digits.
        let spare = check::in_range("service_rate", mu, servers.mul_add(mu, -lambda))?;
        let free = ErlangSums::new(servers, load, spare / mu);
        let waiting = ErlangSums::new(y.max(1e-290), x, spare / theta);
        let ln_ratio = free.ln_below() - waiting.ln_from_above();
        let ratio = if free.below().is_finite() && waiting.above().is_finite() {
            free.below() / (1.0 + waiting.above())
        } else {
            ln_ratio.exp()
        };
        let (waits_not, ln_waits) = if ratio.is_finite() {
            (ratio / (1.0 + ratio), -ratio.ln_1p())
        } else {
            (1.0, -ln_ratio)
        };
        Ok(Self {
            arrival_rate: lambda,
            service_rate: mu,
            servers,
            abandonment_rate: theta,
            spare,
            free,
            waiting,
            waits: if ratio.is_finite() {
                1.0 / (1.0 + ratio)
            } else {
                ln_waits.exp()
            },
            waits_not,
            ln_waits,
        })
    }

    /// The fewest servers for which a share of at most `target` gives up.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `target` does not lie strictly between zero and one or more than
    /// [`u32::MAX`] servers would be needed.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::ErlangA;
    ///
    /// // At most three calls in a hundred may be lost to impatience.
    /// assert_eq!(ErlangA::for_abandonment(48.0, 1.0, 0.5, 0.03)?.servers(), 51);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    pub fn for_abandonment(
        arrival_rate: f64,
        service_rate: f64,
        abandonment_rate: f64,
        target: f64,
    ) -> Result<Self, ParamError> {
        let target = check::open_share("target", target)?;
        let build = |c| Self::new(arrival_rate, service_rate, c, abandonment_rate);
        let found = fewest_servers(build, |desk| desk.probability_of_abandonment() <= target)?;
        found.ok_or_else(|| ParamError::new("target", target, "be within reach of 2^32 servers"))
    }

    /// The fewest servers for a mean waiting time, of all, of at most `target`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `target` is not finite and above zero or more than [`u32::MAX`] servers would
    /// be needed.
    pub fn for_mean_waiting_time(
        arrival_rate: f64,
        service_rate: f64,
        abandonment_rate: f64,
        target: f64,
    ) -> Result<Self, ParamError> {
        let target = check::positive("target", target)?;
        let build = |c| Self::new(arrival_rate, service_rate, c, abandonment_rate);
        let found = fewest_servers(build, |desk| desk.mean_waiting_time() <= target)?;
        found.ok_or_else(|| ParamError::new("target", target, "be within reach of 2^32 servers"))
    }

    /// The fewest servers for which a share `p` of all requests is served after a wait of at most `within`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `p` does not lie strictly between zero and one, `within` is negative or
    /// not finite, or more than [`u32::MAX`] servers would be needed.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::ErlangA;
    ///
    /// // 200 calls an hour of three minutes each, patience of five minutes, 80 % to be answered within 20 s.
    /// let desk = ErlangA::for_service_level(200.0, 20.0, 12.0, 0.8, 20.0 / 3600.0)?;
    /// assert_eq!(desk.servers(), 13);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    pub fn for_service_level(
        arrival_rate: f64,
        service_rate: f64,
        abandonment_rate: f64,
        p: f64,
        within: f64,
    ) -> Result<Self, ParamError> {
        let p = check::open_share("p", p)?;
        let within = check::not_negative("within", within)?;
        let build = |c| Self::new(arrival_rate, service_rate, c, abandonment_rate);
        let found = fewest_servers(build, |desk| desk.served_within(within) >= p)?;
        found.ok_or_else(|| ParamError::new("p", p, "be within reach of 2^32 servers"))
    }

    /// `lambda`: arrivals per unit of time.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// `mu`: requests that one server can serve per unit of time.
    #[must_use]
    pub const fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// `c`: the number of servers.
    #[must_use]
    pub const fn servers(&self) -> u32 {
        // Whole, unless staffing asked for a fraction, which does not come out.
        self.servers as u32
    }

    /// `theta`: the rate at which one who waits gives up.
    #[must_use]
    pub const fn abandonment_rate(&self) -> f64 {
        self.abandonment_rate
    }

    /// `a = lambda / mu`: the offered load in erlangs.
    #[must_use]
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// `P(wait) = (1 + T) / (F + 1 + T)`: the probability that an arriving request has to wait, all servers being busy.
    #[must_use]
    pub const fn probability_of_waiting(&self) -> f64 {
        self.waits
    }

    /// `ln P(wait)`, finite where the probability itself underflows. Without arrivals it is negative infinity.
    #[must_use]
    pub const fn ln_probability_of_waiting(&self) -> f64 {
        self.ln_waits
    }

    /// `P(abandon) = theta W_q`: the share of requests that give up.
    #[must_use]
    pub fn probability_of_abandonment(&self) -> f64 {
        self.waits * self.probability_of_abandonment_of_waiting()
    }

    /// `P(abandon | wait) = 1 - (y/x) T / (1 + T)`: of those who have to wait, the share that gives up.
    #[must_use]
    pub fn probability_of_abandonment_of_waiting(&self) -> f64 {
        (self.abandonment_rate * self.mean_waiting_time_of_waiting()).min(1.0)
    }

    /// `P(served) = 1 - P(abandon)`: the share of requests that are served, exact where nearly all give up.
    #[must_use]
    pub fn probability_of_service(&self) -> f64 {
        (self.waits_not + self.waits * self.served_of_waiting()).min(1.0)
    }

    /// `lambda` times the share that is served: requests served per unit of time.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.arrival_rate * self.probability_of_service()
    }

    /// `a P(served) / c`: the share of time that a server is busy: the occupancy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        (self.mean_busy_servers() / self.servers).min(1.0)
    }

    /// The mean number of busy servers: `a` times the share that is served.
    #[must_use]
    pub fn mean_busy_servers(&self) -> f64 {
        self.offered_load() * self.probability_of_service()
    }

    /// `c - a P(served)`: the mean number of idle servers, exact where nearly all are busy.
    #[must_use]
    pub fn mean_idle_servers(&self) -> f64 {
        if self.free.below() == 0.0 {
            return 0.0;
        }
        // Erlang B's, which is under the condition that nobody waits: 1 + F of F + 1 + T.
        let below = self.free.below();
        let share = if below.is_finite() {
            self.waits_not * (1.0 + 1.0 / below)
        } else {
            self.waits_not
        };
        self.free.idle() * share
    }

    /// `L_q`: the mean number waiting, those in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.waits * self.mean_line()
    }

    /// `L`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.mean_busy_servers() + self.mean_in_queue()
    }

    /// `W_q = L_q / lambda`: the mean waiting time of all, until service or giving up.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.waits * self.mean_waiting_time_of_waiting()
    }

    /// `W_q / P(wait)`: the mean waiting time of those who have to wait.
    #[must_use]
    pub fn mean_waiting_time_of_waiting(&self) -> f64 {
        let line = self.mean_line();
        if line < 1e-280 {
            // Hardly anybody comes: one who waits does so until the first of c services or the end of their patience.
            return 1.0 / (self.servers * self.service_rate + self.abandonment_rate);
        }
        line / self.arrival_rate
    }

    /// `E[V e^(-theta V)] / P(served)`, with `V` the wait offered to the infinitely patient: the mean waiting time of those who are served in the end, those who need not wait included.
    ///
    /// By quadrature, some twenty microseconds.
    #[must_use]
    pub fn mean_waiting_time_of_served(&self) -> f64 {
        let theta = self.abandonment_rate;
        self.over_offered_wait(|t| t * (-theta * t).exp()) / self.probability_of_service()
    }

    /// `E[1 - e^(-theta V) (1 + theta V)] / (theta P(abandon))`, with `V` the wait offered to the infinitely patient: the mean waiting time of those who give up, until they do.
    ///
    /// By quadrature, some twenty microseconds.
    #[must_use]
    pub fn mean_waiting_time_of_abandoning(&self) -> f64 {
        // Of one who waits at t, the rate theta gives up.
        let theta = self.abandonment_rate;
        let mean = self.over_offered_wait(|t| erlang_2_cdf(theta * t)) / theta;
        let share = self.probability_of_abandonment();
        if share > 0.0 { mean / share } else { 0.0 }
    }

    /// `2 E[1 - e^(-theta V) (1 + theta V)] / theta^2 - W_q^2`, with `V` the wait offered to the infinitely patient: the variance of the waiting time of all.
    ///
    /// By quadrature, some twenty microseconds.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        let theta = self.abandonment_rate;
        // In units of the patience, so that a square that leaves f64 is subtracted from nothing.
        let square = 2.0 * self.over_offered_wait(|t| erlang_2_cdf(theta * t));
        let mean = self.probability_of_abandonment();
        (square - mean * mean).max(0.0) / theta / theta
    }

    /// `P(wait) (v + (1 - P(wait)) m^2)`, with mean `m` and variance `v` of the number waiting while all servers are busy: the variance of the number waiting.
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        let mean = self.mean_line();
        self.waits * (self.waiting.variance_above() + self.waits_not * mean * mean)
    }

    /// `a + (1 - theta / mu) (V + L_q I)`: the variance of the number in the system, with the variance `V` of the number
    /// waiting and the mean number `I` of idle servers.
    ///
    /// Source: from the balance `lambda p_(n-1) = r_n p_n`, multiplied by `n` and summed.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        let patience = 1.0 - self.abandonment_rate / self.service_rate;
        let mixed = self.in_queue_variance() + self.mean_in_queue() * self.mean_idle_servers();
        (self.offered_load() + patience * mixed).max(0.0)
    }

    /// `p_n`: the probability that `n` requests are in the system.
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
        if self.arrival_rate == 0.0 {
            return if n == 0.0 { 0.0 } else { f64::NEG_INFINITY };
        }
        // All busy, nobody waiting.
        let full = self.ln_waits - self.waiting.ln_from_above();
        if n > self.servers {
            let theta = self.abandonment_rate;
            let y = (self.servers * (self.service_rate / theta)).max(1e-290);
            let line = n - self.servers;
            return full
                + ln_poisson_ratio(y + line, y, self.arrival_rate / theta, self.spare / theta);
        }
        let gap = n.mul_add(self.service_rate, -self.arrival_rate) / self.service_rate;
        if self.spare > 0.0 {
            // The servers beyond the c-th, which the Poisson distribution has and the model has not, traded for the line.
            let traded = self.waiting.above() - self.free.above();
            let ln_norm = (traded * self.free.ln_poisson().exp()).ln_1p();
            return ln_poisson(n, self.offered_load(), gap) - ln_norm;
        }
        let gap = self.spare / self.service_rate;
        full + ln_poisson_ratio(n, self.servers, self.offered_load(), gap)
    }

    /// `P(W_q > t)`: the probability of waiting longer than `t`, whether service or giving up ends the wait.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        self.ln_tail(t).exp()
    }

    /// `P(W_q <= t)`: the probability of waiting at most `t`, whether service or giving up ends the wait.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let ends = -(self.ln_tail(t) - self.ln_waits).min(0.0).exp_m1();
        if self.waits == 0.0 {
            return 1.0;
        }
        (self.waits_not + self.waits * ends).min(1.0)
    }

    /// The waiting time that a share `p` of requests does not exceed; zero when `p` is at most the share that need not wait.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn waiting_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        if p <= self.waits_not {
            return 0.0;
        }
        if p == 1.0 {
            return f64::INFINITY;
        }
        let ln_late = (-p).ln_1p();
        let most = (self.ln_waits - ln_late) / self.abandonment_rate;
        if most <= 0.0 {
            return 0.0;
        }
        if p < 0.5 {
            return root::find(0.0, most, |t| self.waiting_time_cdf(t) - p);
        }
        root::find(0.0, most, |t| ln_late - self.ln_tail(t))
    }

    /// `P(served, W_q <= t)`: the share of all requests that is served after a wait of at most `t`, which is the service
    /// level of most contracts.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn served_within(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        if self.waits == 0.0 {
            return 1.0;
        }
        if t == f64::INFINITY {
            return self.probability_of_service();
        }
        let capacity = self.servers * self.service_rate;
        let later = self.later(t);
        let waited = if self.spare < 0.0 && later.gap < 0.0 {
            // Overload: by the sums below, so that a small share is not the difference of two large ones.
            let ln_scale = self.waiting.ln_from_above();
            let grown = later.sums.ln_from_below() + self.drift(t) - ln_scale;
            let start = self.waiting.ln_from_below() - ln_scale;
            (capacity / self.arrival_rate) * (grown.exp() - start.exp())
        } else {
            self.served_of_waiting()
                - self.survival(t, &later) * later.served_share * capacity / self.arrival_rate
        };
        (self.waits_not + self.waits * waited.max(0.0)).min(1.0)
    }

    /// `P(served, W_q > t)`: the share of all requests that is served after a wait longer than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn served_later_than(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else {
            return self.probability_of_service();
        };
        if self.waits == 0.0 || t == f64::INFINITY {
            return 0.0;
        }
        let later = self.later(t);
        let share = later.served_share * (self.servers * self.service_rate / self.arrival_rate);
        (self.waits * self.survival(t, &later) * share).min(1.0)
    }

    /// The mean number waiting, given that all servers are busy.
    fn mean_line(&self) -> f64 {
        self.waiting.mean_above().max(0.0)
    }

    /// Of those who have to wait, the share that is served: `(y/x) T / (1 + T)`.
    fn served_of_waiting(&self) -> f64 {
        if self.arrival_rate == 0.0 {
            return 1.0;
        }
        let ratio = self.servers * self.service_rate / self.arrival_rate;
        (ratio * share_above(&self.waiting)).min(1.0)
    }

    /// What the line looks like to one who has waited for `t`: as if it were offered `lambda e^(-theta t)`.
    fn later(&self, t: f64) -> Later {
        let theta = self.abandonment_rate;
        let x = self.arrival_rate / theta;
        let y = (self.servers * (self.service_rate / theta)).max(1e-290);
        let given_up = -(-theta * t).exp_m1();
        let gap = self.spare / theta + x * given_up;
        let sums = ErlangSums::new(y, x * (-theta * t).exp(), gap);
        Later {
            gap,
            sums,
            served_share: share_above(&sums),
        }
    }

    /// `-(c mu - lambda) t - lambda (t - (1 - e^(-theta t)) / theta)`: the logarithm of the density of the wait offered to the infinitely
    /// patient, over that at zero.
    fn drift(&self, t: f64) -> f64 {
        -self.spare * t - self.arrival_rate * t * lag(self.abandonment_rate * t)
    }

    /// The probability that one who has to wait and is infinitely patient waits longer than `t`.
    fn survival(&self, t: f64, later: &Later) -> f64 {
        self.ln_survival(t, later).exp()
    }

    fn ln_survival(&self, t: f64, later: &Later) -> f64 {
        if t == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        // Once nobody is left to arrive the second form knows nothing more.
        let theta = self.abandonment_rate;
        let left = self.arrival_rate / theta * (-theta * t).exp();
        let ln = if self.spare > 0.0 || left < 1e-290 {
            self.drift(t) + later.sums.ln_from_above() - self.waiting.ln_from_above()
        } else {
            later.sums.ln_gamma_p() - self.waiting.ln_gamma_p()
        };
        ln.min(0.0)
    }

    /// `ln P(W_q > t)`, for `t >= 0`.
    fn ln_tail(&self, t: f64) -> f64 {
        if self.waits == 0.0 && self.arrival_rate == 0.0 || t == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        self.ln_waits - self.abandonment_rate * t + self.ln_survival(t, &self.later(t))
    }

    /// The mean of a function of the offered wait, those who need not wait counting as zero.
    fn over_offered_wait(&self, f: impl Fn(f64) -> f64) -> f64 {
        if self.waits == 0.0 {
            return 0.0;
        }
        let (top, whole) = self.offered_peak();
        let mean = |d: f64, share: f64| f((top + d).max(0.0)) * (share / whole);
        self.waits * self.over_offered(mean)
    }

    /// Where the density of the offered wait has its top, and its integral in multiples of that.
    fn offered_peak(&self) -> (f64, f64) {
        let capacity = self.servers * self.service_rate;
        let top = if self.spare < 0.0 {
            (self.arrival_rate / capacity).ln() / self.abandonment_rate
        } else {
            0.0
        };
        (top, self.over_offered(|_, share| share))
    }

    /// The integral of a function of the distance from the top of the density of the offered wait, and of the density there as a share of
    /// its top.
    fn over_offered(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        const FALL: f64 = 60.0;
        let (theta, capacity) = (self.abandonment_rate, self.servers * self.service_rate);
        // The density's logarithm is concave; its top is where as many have given up as are too many. How far it has
        // fallen at a distance from there needs no difference of large numbers.
        let (top, slope, bend) = if self.spare < 0.0 {
            ((self.arrival_rate / capacity).ln() / theta, 0.0, capacity)
        } else {
            (0.0, self.spare, self.arrival_rate)
        };
        let fallen = |d: f64| slope * d + bend * d * lag(theta * d);
        let mut reach = FALL / capacity;
        while fallen(reach) < FALL {
            reach *= 2.0;
        }
        let end = root::find(0.0, reach, |d| fallen(d) - FALL);
        let mut sides = [end, 0.0];
        if top > 0.0 {
            sides[1] = if fallen(-top) > FALL {
                root::find(-top, 0.0, |d| FALL - fallen(d))
            } else {
                -top
            };
        }
        // Panels that halve towards the top, down to the least of the scales on which the density changes.
        let scale = (1.0 / theta).min(1.0 / capacity.sqrt() / theta.sqrt());
        let panel = |d: f64| f(d, (-fallen(d)).exp());
        let mut sum = 0.0;
        for far in sides {
            let mut width = far;
            let least = (0.5 * scale).min(far.abs() / 16.0);
            for _ in 0..60 {
                if width.abs() <= least {
                    break;
                }
                sum += quadrature::integrate(0.5 * width, width, 1, panel).abs();
                width *= 0.5;
            }
            sum += quadrature::integrate(0.0, width, 1, panel).abs();
        }
        sum
    }
}

/// The line to one who has waited, see [`ErlangA::later`].
struct Later {
    gap: f64,
    sums: ErlangSums,
    served_share: f64,
}

/// `T / (1 + T)`.
fn share_above(sums: &ErlangSums) -> f64 {
    if sums.above().is_finite() {
        sums.above() / (1.0 + sums.above())
    } else {
        1.0
    }
}

/// `1 - (1 - e^-u) / u`.
fn lag(u: f64) -> f64 {
    if u.abs() > 0.5 {
        return 1.0 + (-u).exp_m1() / u;
    }
    // u/2 - u^2/6 + u^3/24 - ...
    let (mut sum, mut term, mut k) = (0.0, -1.0, 2.0);
    loop {
        term *= -u / k;
        sum += term;
        k += 1.0;
        if term.abs() <= 1e-18 * sum.abs() {
            return sum;
        }
    }
}

/// `1 - e^-u (1 + u)`, for `u >= 0`.
fn erlang_2_cdf(u: f64) -> f64 {
    if u > 0.5 {
        return 1.0 - (-u).exp() * (1.0 + u);
    }
    // e^-u (u^2/2 + u^3/6 + ...)
    let (mut sum, mut term, mut k) = (0.0, u, 2.0);
    loop {
        term *= u / k;
        sum += term;
        k += 1.0;
        if term <= 1e-18 * sum {
            return sum * (-u).exp();
        }
    }
}

/// The rate at which those who wait give up, from what was observed: the share that gave up over the mean wait of all.
///
/// # Formula
///
/// `theta = P(abandon) / E[W]`, exact for exponential patience whatever the arrivals and the services, and near enough
/// otherwise. Its reciprocal is the mean patience.
///
/// Source: Mandelbaum and Zeltyn 2007, as for [`ErlangA`].
///
/// # Errors
///
/// [`ParamError`] when `abandonment` is not between zero and one, `mean_waiting_time` not finite and above zero, or their
/// quotient not finite.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::abandonment_rate;
///
/// // Three calls in a hundred were lost, and the mean wait was 3.6 s: two minutes of patience.
/// assert!((abandonment_rate(0.03, 3.6)? * 120.0 - 1.0).abs() < 1e-12);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn abandonment_rate(abandonment: f64, mean_waiting_time: f64) -> Result<f64, ParamError> {
    if !(0.0..=1.0).contains(&abandonment) {
        let must = "lie between zero and one";
        return Err(ParamError::new("abandonment", abandonment, must));
    }
    let mean = check::positive("mean_waiting_time", mean_waiting_time)?;
    check::in_range("mean_waiting_time", mean, abandonment / mean)
}
