//! M/M/c: several servers, one line, Poisson arrivals, exponential service.

use super::erlang::Loss;
use super::poisson::ln_poisson;
use super::share::{ln_share, quantile_past_atom};
use super::sojourn::TwoStages;
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
use crate::numeric::double::Double;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/M/c: `c` servers behind one line, Poisson arrivals, exponential service times, first come, first served.
///
/// The model of a worker pool, a pool of connections, a sales desk. Symbols, here and below: `lambda` is the arrival
/// rate and `mu` the service rate of one server, both per unit of time; `c` the number of servers; `a = lambda / mu` the
/// offered load in erlangs; `rho = a / c` the utilisation; `d = c mu - lambda` the spare capacity; `C` the probability of waiting
/// ([`erlang_c`](super::erlang_c)). Times come out in the unit of the rates.
///
/// `d` is computed first, with one rounding, and everything near saturation follows from it. The relative error is below
/// 1e-12 at any load and any number of servers. The cost does not depend on the number of servers: the
/// constructor takes a fraction of a microsecond, and all methods but
/// [`response_time_quantile`](Self::response_time_quantile), which iterates, are a handful of operations.
///
/// Source of all formulas, where no other is named: D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris,
/// "Fundamentals of Queueing Theory", 4th edition, Wiley 2008.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Mmc;
///
/// // Gross and Harris: six patients an hour, three doctors of twenty minutes each.
/// let clinic = Mmc::new(6.0, 3.0, 3)?;
/// assert!((clinic.probability_of_waiting() - 4.0 / 9.0).abs() < 1e-15);
/// assert!((clinic.mean_in_queue() - 8.0 / 9.0).abs() < 1e-15);
/// assert!((clinic.mean_response_time() - 13.0 / 27.0).abs() < 1e-15); // hours: about 29 minutes
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mmc {
    arrival_rate: f64,
    service_rate: f64,
    servers: u32,
    /// `d = c mu - lambda`.
    spare: f64,
    /// `C`, its complement and its logarithm.
    waits: f64,
    waits_not: f64,
    ln_waits: f64,
    /// `p_n` is the Poisson probability of `n` divided by this, for `n <= c`; it is its logarithm.
    ln_norm: f64,
}

impl Mmc {
    /// `servers` (`c`) that take `arrival_rate` (`lambda`) requests per unit of time and could each serve
    /// `service_rate` (`mu`).
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` is negative or not finite, `service_rate` not between 1e-290 and 1e290,
    /// or `servers` zero; [`ModelError::Unstable`] when `arrival_rate` is not below `servers * service_rate`.
    pub fn new(arrival_rate: f64, service_rate: f64, servers: u32) -> Result<Self, ModelError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let service_rate = check::scale("service_rate", service_rate)?;
        let c = check::servers(servers)?;
        // One rounding: c mu and lambda may agree in nearly all their digits.
        let spare = c.mul_add(service_rate, -arrival_rate);
        if spare <= 0.0 {
            return Err(Unstable {
                offered: arrival_rate,
                stable_below: c * service_rate,
            }
            .into());
        }
        let load = arrival_rate / service_rate;
        let gap = spare / service_rate;
        let idle = spare / (c * service_rate);
        let loss = Loss::new(c, load, gap);
        // 1/p_0 = e^a (1 + (rho / (1 - rho) - T) / G): the servers beyond the c-th, which the Poisson distribution has
        // and the model has not, traded for the queue.
        let queue = (arrival_rate / spare - loss.sums().above()).max(0.0);
        Ok(Self {
            arrival_rate,
            service_rate,
            servers,
            spare,
            waits: loss.delay(idle),
            waits_not: loss.no_delay(idle),
            ln_waits: loss.ln_delay(idle),
            ln_norm: (queue * loss.sums().ln_poisson().exp()).ln_1p(),
        })
    }

    /// The fewest servers for a mean waiting time of at most `target`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and [`ModelError::Param`] when `target` is not finite and above zero;
    /// [`ModelError::Unstable`] when the load needs more than [`u32::MAX`] servers, [`ModelError::Param`] when the target does.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Mmc;
    ///
    /// // 1,000 requests a second of 10 ms each; on average they may wait for one millisecond.
    /// let pool = Mmc::for_mean_waiting_time(1_000.0, 100.0, 0.001)?;
    /// assert_eq!(pool.servers(), 13);
    /// assert!(pool.mean_waiting_time() <= 0.001);
    /// # Ok::<(), crm_metrics::queueing::ModelError>(())
    /// ```
    pub fn for_mean_waiting_time(
        arrival_rate: f64,
        service_rate: f64,
        target: f64,
    ) -> Result<Self, ModelError> {
        let target = check::positive("target", target)?;
        Self::fewest(arrival_rate, service_rate, |pool| {
            pool.mean_waiting_time() <= target
        })?
        .ok_or_else(|| ParamError::new("target", target, "be within reach of 2^32 servers").into())
    }

    /// The fewest servers for which a share `p` of requests waits no longer than `within`.
    ///
    /// For a desk that answers eighty per cent of its calls within twenty seconds, `p` is 0.8 and `within` 20 s, in the
    /// unit of the rates.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and [`ModelError::Param`] when `p` does not lie strictly between zero and one or `within`
    /// is negative or not finite; [`ModelError::Unstable`] when the load needs more than [`u32::MAX`] servers,
    /// [`ModelError::Param`] when the target does.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Mmc;
    ///
    /// // 200 calls an hour of three minutes each, 80 % to be answered within 20 s.
    /// let desk = Mmc::for_service_level(200.0, 20.0, 0.8, 20.0 / 3600.0)?;
    /// assert_eq!(desk.servers(), 14);
    /// assert!((desk.waiting_time_cdf(20.0 / 3600.0) - 0.888).abs() < 0.001);
    /// # Ok::<(), crm_metrics::queueing::ModelError>(())
    /// ```
    pub fn for_service_level(
        arrival_rate: f64,
        service_rate: f64,
        p: f64,
        within: f64,
    ) -> Result<Self, ModelError> {
        let p = check::open_share("p", p)?;
        let within = check::not_negative("within", within)?;
        // By the tail: at many nines it has the digits.
        let late = 1.0 - p;
        Self::fewest(arrival_rate, service_rate, |pool| {
            pool.waiting_time_tail(within) <= late
        })?
        .ok_or_else(|| ParamError::new("p", p, "be within reach of 2^32 servers").into())
    }

    /// The model with the fewest servers that `serves`, which must hold for all greater numbers once it holds for one.
    fn fewest(
        arrival_rate: f64,
        service_rate: f64,
        serves: impl Fn(&Self) -> bool,
    ) -> Result<Option<Self>, ModelError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let service_rate = check::scale("service_rate", service_rate)?;
        let try_with = |servers: u32| match Self::new(arrival_rate, service_rate, servers) {
            Ok(pool) => Ok(Some(pool).filter(|pool| serves(pool))),
            Err(ModelError::Unstable(_)) if servers < u32::MAX => Ok(None),
            Err(error) => Err(error),
        };
        // The cast saturates. As many servers as erlangs are never enough, except for the rounding of the quotient.
        let too_few = ((arrival_rate / service_rate) as u32).saturating_sub(1);
        let (mut low, mut step) = (too_few, 1_u32);
        let mut best = loop {
            let high = low.saturating_add(step);
            match try_with(high)? {
                Some(pool) => break pool,
                None if high == u32::MAX => return Ok(None),
                None => (low, step) = (high, step.saturating_mul(2)),
            }
        };
        while best.servers - low > 1 {
            let middle = low + (best.servers - low) / 2;
            match try_with(middle)? {
                Some(pool) => best = pool,
                None => low = middle,
            }
        }
        Ok(Some(best))
    }

    /// `lambda`: arrivals per unit of time, and in the long run departures too.
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
        self.servers
    }

    /// `a = lambda / mu`: the offered load in erlangs, which is also the mean number of busy servers.
    #[must_use]
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// `rho = a / c`: the share of time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.arrival_rate / self.capacity()
    }

    /// `c - a = d / mu`: the mean number of idle servers, exact where nearly all are busy.
    #[must_use]
    pub fn mean_idle_servers(&self) -> f64 {
        self.spare / self.service_rate
    }

    /// `p_0`: the probability that the system is empty. It underflows at some 700 erlangs; see
    /// [`ln_state_probability`](Self::ln_state_probability).
    #[must_use]
    pub fn idle_probability(&self) -> f64 {
        self.state_probability(0)
    }

    /// `C`: the probability that an arriving request has to wait, all servers being busy.
    #[must_use]
    pub const fn probability_of_waiting(&self) -> f64 {
        self.waits
    }

    /// `ln C`, finite where the probability itself underflows. Without arrivals it is negative infinity.
    #[must_use]
    pub const fn ln_probability_of_waiting(&self) -> f64 {
        self.ln_waits
    }

    /// `p_n`: the probability that `n` requests are in the system.
    ///
    /// `p_0 a^n / n!` up to `n = c`, and `p_c rho^(n - c)` beyond.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n`, finite where the probability itself underflows.
    ///
    /// Without arrivals it is negative infinity for every `n` but zero.
    #[must_use]
    pub fn ln_state_probability(&self, n: u64) -> f64 {
        let servers = u64::from(self.servers);
        let busy = n.min(servers) as f64;
        let gap = busy.mul_add(self.service_rate, -self.arrival_rate) / self.service_rate;
        let ln_busy = ln_poisson(busy, self.offered_load(), gap) - self.ln_norm;
        if n <= servers {
            return ln_busy;
        }
        let ln_rho = ln_share(self.utilisation(), self.spare / self.capacity());
        ln_busy + (n - servers) as f64 * ln_rho
    }

    /// `L_q = C lambda / d`: the mean number waiting, those in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.waits * (self.arrival_rate / self.spare)
    }

    /// `L = a + L_q`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.offered_load() + self.mean_in_queue()
    }

    /// `W_q = C / d`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.waits / self.spare
    }

    /// `W = 1 / mu + W_q`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        1.0 / self.service_rate + self.mean_waiting_time()
    }

    /// `C rho (1 + rho (1 - C)) / (1 - rho)^2`: the variance of the number waiting.
    ///
    /// Source: the queue is empty with probability `1 - C`, else one less than geometric in `rho`.
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        let rho = self.utilisation();
        self.mean_in_queue() * (self.capacity() / self.spare) * (1.0 + rho * self.waits_not)
    }

    /// `a (1 + C)` plus the [variance of the number waiting](Self::in_queue_variance): the variance of the number in
    /// the system.
    ///
    /// Source: `a (1 - C)` is the variance of the number of busy servers and `a C` its covariance with the number
    /// waiting, both from the balance `lambda p_(n-1) = min(n, c) mu p_n`.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        self.offered_load() * (1.0 + self.waits) + self.in_queue_variance()
    }

    /// `C (2 - C) / d^2`: the variance of the waiting time.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        self.mean_waiting_time() * ((1.0 + self.waits_not) / self.spare)
    }

    /// `1 / mu^2` plus the [variance of the waiting time](Self::waiting_time_variance): the variance of the response
    /// time.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        let service = 1.0 / self.service_rate;
        service * service + self.waiting_time_variance()
    }

    /// `P(W_q <= t) = 1 - C e^(-d t)`: the probability of waiting at most `t`.
    ///
    /// At zero it jumps to `1 - C`, the share that does not wait.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let share = self.waits_not - self.waits * (-self.spare * t).exp_m1();
        share.min(1.0)
    }

    /// `P(W_q > t) = C e^(-d t)`: the probability of waiting longer than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        self.waits * (-self.spare * t).exp()
    }

    /// The waiting time that a share `p` of requests does not exceed: `ln(C / (1 - p)) / d`, or zero when `p` is at most
    /// `1 - C`.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn waiting_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        let late = 1.0 - p;
        // Where the wait is just beginning to be above zero, the difference of C and 1 - p decides.
        if self.servers <= 60 && (self.waits - late).abs() < 1e-3 * late {
            return (self.waits_beyond(p) / late).ln_1p().max(0.0) / self.spare;
        }
        quantile_past_atom(p, self.waits_not, self.waits, self.spare)
    }

    /// `P(W <= t)`: the probability of a response within `t`; see [`response_time_tail`](Self::response_time_tail).
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let served = -(-self.service_rate * t).exp_m1();
        let share = self.waits_not * served + self.waits * self.stages().cdf(t);
        share.min(1.0)
    }

    /// `P(W > t)`: the probability of a response later than `t`.
    ///
    /// ```text
    ///                                      mu e^(-d t) - d e^(-mu t)
    /// P(W > t) = (1 - C) e^(-mu t)  +  C  ---------------------------
    ///                                              mu - d
    /// ```
    ///
    /// It is evaluated in a form that does not cancel where `d` comes close to `mu`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        let share =
            self.waits_not * (-self.service_rate * t).exp() + self.waits * self.stages().tail(t);
        share.min(1.0)
    }

    /// The response time that a share `p` of requests does not exceed.
    ///
    /// There is no closed form; it is found by Newton's method inside a bracket, in a few steps.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        let unwaited = |p: f64| -(-p).ln_1p() / self.service_rate;
        if self.waits == 0.0 || p == 0.0 || p == 1.0 {
            return unwaited(p);
        }
        // Waiting and service are each within the sum, and the sum exceeds what both exceed only half as often.
        let half = 0.5 * (1.0 + p);
        let mut low = unwaited(p).max(self.waiting_time_quantile(p));
        let mut high = unwaited(half) + self.waiting_time_quantile(half);
        let stages = self.stages();
        let mut t = low;
        for _ in 0..200 {
            let density = self.waits_not * self.service_rate * (-self.service_rate * t).exp()
                + self.waits * stages.density(t);
            // On the side of the smaller probability, whose digits are all there.
            let (missing, step) = if p < 0.5 {
                let missing = p - self.response_time_cdf(t);
                (missing, missing / density)
            } else {
                let tail = self.response_time_tail(t);
                let missing = tail.ln() - (-p).ln_1p();
                (missing, missing * tail / density)
            };
            if missing > 0.0 {
                low = t;
            } else {
                high = t;
            }
            let next = t + step;
            if step.abs() <= 1e-10 * t {
                // The error is about the square of the last step, relative to t.
                t = next;
                break;
            }
            if next > low && next < high {
                t = next;
                continue;
            }
            // Newton's step left the bracket, or is no number: half the bracket by orders of magnitude, while there is
            // anything between its ends.
            let middle = low.sqrt() * high.sqrt();
            if !(middle > low && middle < high) {
                break;
            }
            t = middle;
        }
        t
    }

    /// `C - (1 - p)` with twice the digits, by Erlang's recurrence: `F_k = (k mu / lambda) (1 + F_(k-1))` and
    /// `C = 1 / (1 + d / (c mu) F_c)`.
    fn waits_beyond(&self, p: f64) -> f64 {
        let (one, lambda) = (Double::new(1.0), Double::new(self.arrival_rate));
        let mut sum = Double::new(0.0);
        for k in 1..=self.servers {
            let ratio = Double::product(f64::from(k), self.service_rate).over(lambda);
            sum = ratio.times(one.plus(sum));
        }
        let capacity = Double::product(f64::from(self.servers), self.service_rate);
        let inverse = one.plus(capacity.minus(lambda).over(capacity).times(sum));
        let late = one.minus(Double::new(p));
        one.minus(late.times(inverse)).over(inverse).value()
    }

    /// `c mu`: requests that all servers together can serve per unit of time.
    fn capacity(&self) -> f64 {
        f64::from(self.servers) * self.service_rate
    }

    /// The response time of a request that has to wait: exponential with rate `d`, then with rate `mu`.
    fn stages(&self) -> TwoStages {
        TwoStages::new(self.service_rate, self.spare)
    }
}
