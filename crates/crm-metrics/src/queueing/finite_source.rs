//! M/M/c//N: a finite number of customers who come again and again.

use super::erlang_sums::ErlangSums;
use super::poisson::{ln_binomial, ln_poisson_ratio};
use super::quantile;
use super::unimodal::{Unimodal, window};
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::root;

/// M/M/c//N: `N` customers, `c` servers, exponential service and exponential time away; the machine repair model.
///
/// The model of a team at an application, of a thread pool in front of a database, of machines and repairmen. Each customer who is away
/// comes at the rate `lambda`, is served at the rate `mu`, and goes away again. With room for `K < N` only
/// ([`with_capacity`](Self::with_capacity)) who finds it full goes away at once; [`Engset`](super::Engset) is the case without a waiting line.
///
/// Symbols: `x = c mu / lambda`; `p_n` the probability that `n` customers are in the system. Rates are per any unit of
/// time, and times come out in that unit.
///
/// The relative error is below 1e-12 at any size; the constructor takes some ten steps per standard deviation
/// of the number in the system, all methods but the distributions with a limited room are then a handful of operations.
///
/// Source of all formulas, where no other is named: D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris,
/// "Fundamentals of Queueing Theory", 4th edition, Wiley 2008, section 2.7.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::FiniteSource;
///
/// // A server shared by four users who think for a second and are served in half a second.
/// let users = FiniteSource::new(1.0, 2.0, 1, 4)?;
/// assert!((users.idle_probability() - 2.0 / 21.0).abs() < 1e-15);
/// assert!((users.mean_response_time() - 1.210_526_315_789_473_7).abs() < 1e-14);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiniteSource {
    request_rate: f64,
    service_rate: f64,
    servers: u32,
    population: u32,
    capacity: u32,
    /// Servers that can ever be busy.
    useful: f64,
    /// States with a useful server free, and those in which somebody waits, each with the logarithm of its weight
    /// relative to the state in which all are busy and nobody waits.
    free: Part,
    line: Option<Part>,
    /// The logarithm of the sum of all weights.
    ln_total: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    states: Unimodal,
    ln_weight: f64,
}

impl FiniteSource {
    /// `population` (`N`) customers who, when away, come at `request_rate` (`lambda`) each, and `servers` (`c`) that could each
    /// serve `service_rate` (`mu`) of them per unit of time.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when a rate is not between 1e-290 and 1e290 or their quotient not between 1e-150 and 1e150, or `servers`
    /// or `population` is zero.
    pub fn new(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        population: u32,
    ) -> Result<Self, ParamError> {
        Self::with_capacity(request_rate, service_rate, servers, population, population)
    }

    /// The same with room for `capacity` (`K`) customers only, those in service included.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `capacity` is less than `servers` (or `population`, if that is less still) or above
    /// `population`.
    pub fn with_capacity(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        population: u32,
        capacity: u32,
    ) -> Result<Self, ParamError> {
        let lambda = check::scale("request_rate", request_rate)?;
        let mu = check::scale("service_rate", service_rate)?;
        let c = check::servers(servers)?;
        if population == 0 {
            return Err(ParamError::new("population", 0.0, "be at least one"));
        }
        if !(1e-150..=1e150).contains(&(lambda / mu)) {
            let must = "lie between 1e-150 and 1e150 times the service rate";
            return Err(ParamError::new("request_rate", lambda, must));
        }
        let n = f64::from(population);
        let useful = c.min(n);
        let room = f64::from(capacity);
        if room < useful || room > n {
            let must = "be at least the number of servers and at most the population";
            return Err(ParamError::new("capacity", room, must));
        }
        let ratio = lambda / mu;
        let mut model = Self {
            request_rate,
            service_rate,
            servers,
            population,
            capacity,
            useful,
            free: Part {
                states: Unimodal::new(0.0, useful - 1.0, |k| (n - k) * ratio / (k + 1.0)),
                ln_weight: 0.0,
            },
            line: None,
            ln_total: 0.0,
        };
        model.free.ln_weight =
            model.ln_relative(model.free.states.top) + model.free.states.sum.ln();
        let mut total = ln_add(0.0, model.free.ln_weight);
        if room > useful {
            let states = Unimodal::new(useful + 1.0, room, |k| (n - k) * ratio / useful);
            let ln_weight = model.ln_relative(states.top) + states.sum.ln();
            model.line = Some(Part { states, ln_weight });
            total = ln_add(total, ln_weight);
        }
        model.ln_total = total;
        Ok(model)
    }

    /// `lambda`: requests per unit of time of a customer who is away.
    #[must_use]
    pub const fn request_rate(&self) -> f64 {
        self.request_rate
    }

    /// `mu`: customers that one server can serve per unit of time.
    #[must_use]
    pub const fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// `c`: the number of servers.
    #[must_use]
    pub const fn servers(&self) -> u32 {
        self.servers
    }

    /// `N`: the number of customers.
    #[must_use]
    pub const fn population(&self) -> u32 {
        self.population
    }

    /// `K`: the number of customers there is room for, those in service included.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// `p_0`: the probability that nobody is in the system.
    #[must_use]
    pub fn idle_probability(&self) -> f64 {
        self.state_probability(0)
    }

    /// `p_n`: the probability that `n` customers are in the system; zero beyond `K`.
    #[must_use]
    pub fn state_probability(&self, n: u32) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n`, finite where the probability itself underflows; negative infinity beyond `K`.
    #[must_use]
    pub fn ln_state_probability(&self, n: u32) -> f64 {
        if n > self.capacity {
            return f64::NEG_INFINITY;
        }
        self.ln_relative(f64::from(n)) - self.ln_total
    }

    /// `p_K`: the share of time that the room is full.
    #[must_use]
    pub fn time_congestion(&self) -> f64 {
        self.state_probability(self.capacity)
    }

    /// The share of requests that find the room full: `(N - K) p_K` over the mean number of customers who are away.
    #[must_use]
    pub fn call_congestion(&self) -> f64 {
        if self.capacity == self.population {
            return 0.0;
        }
        self.ln_call_congestion().exp()
    }

    /// Its logarithm, finite where the probability itself underflows.
    #[must_use]
    pub fn ln_call_congestion(&self) -> f64 {
        let outside = f64::from(self.population - self.capacity) / self.mean_away();
        outside.ln() + self.ln_state_probability(self.capacity)
    }

    /// `L`: the mean number of customers in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.mean_busy_servers() + self.mean_in_queue()
    }

    /// `N - L`: the mean number of customers who are away, exact where hardly any is.
    #[must_use]
    pub fn mean_away(&self) -> f64 {
        let n = f64::from(self.population);
        let (free, full, line) = self.shares();
        let mut away = free * -self.free.states.mean_from(n) + full * (n - self.useful);
        if let Some(part) = &self.line {
            away += line * -part.states.mean_from(n);
        }
        away
    }

    /// The sum of `min(n, c) p_n`: the mean number of busy servers.
    #[must_use]
    pub fn mean_busy_servers(&self) -> f64 {
        let (free, full, line) = self.shares();
        free * self.free.states.mean_from(0.0) + (full + line) * self.useful
    }

    /// The mean number of busy servers over `c`: the share of time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.mean_busy_servers() / f64::from(self.servers)
    }

    /// `mu` times the mean number of busy servers: customers served per unit of time.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.service_rate * self.mean_busy_servers()
    }

    /// `L_q`: the mean number waiting, those in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        let (_, _, line) = self.shares();
        self.line
            .map_or(0.0, |part| line * part.states.mean_from(self.useful))
    }

    /// `W_q`: the mean time that an accepted request waits.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.mean_in_queue() / self.mean_busy_servers() / self.service_rate
    }

    /// `W = 1 / mu + W_q`: the mean time from request to completion of one that is accepted.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        1.0 / self.service_rate + self.mean_waiting_time()
    }

    /// The probability that a request which is accepted has to wait.
    ///
    /// Source: requests that found all servers busy are those which leave somebody waiting, by the balance of flow.
    #[must_use]
    pub fn probability_of_waiting(&self) -> f64 {
        let (_, _, line) = self.shares();
        (self.useful * line / self.mean_busy_servers()).min(1.0)
    }

    /// The sum of `(n - c)^2 p_n` over `n > c`, less `L_q^2`: the variance of the number waiting.
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        let Some(part) = &self.line else { return 0.0 };
        let (free, full, line) = self.shares();
        let mean = part.states.mean_from(self.useful);
        line * (part.states.variance() + (free + full) * mean * mean)
    }

    /// The sum of `(n - L)^2 p_n`: the variance of the number in the system.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        let (free, full, line) = self.shares();
        let mean = self.mean_in_system();
        let part = |share: f64, states: &Unimodal| {
            let off = states.mean_from(mean);
            share * (states.variance() + off * off)
        };
        let off = self.useful - mean;
        part(free, &self.free.states)
            + full * off * off
            + self
                .line
                .map_or(0.0, |line_part| part(line, &line_part.states))
    }

    /// `P(W_q > t)`: the probability that an accepted request waits longer than `t`.
    ///
    /// With room for all it is `P(wait) Q(N - c, x + c mu t) / Q(N - c, x)`, `Q` the regularised incomplete gamma
    /// function: who is away when a request comes and the stages served while it waits are both Poisson. With less room it is
    /// a sum of some ten such functions per standard deviation of the number in line.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        (self.probability_of_waiting() * self.longer(t)).min(1.0)
    }

    /// `P(W_q <= t)`: the probability that an accepted request waits at most `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let waits = self.probability_of_waiting();
        (self.no_waiting() + waits * (1.0 - self.longer(t))).min(1.0)
    }

    /// The waiting time that a share `p` of the accepted requests does not exceed; zero when `p` is at most the share that need
    /// not wait.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn waiting_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        if self.line.is_none() || p <= self.no_waiting() {
            return 0.0;
        }
        if p == 1.0 {
            return f64::INFINITY;
        }
        let late = 1.0 - p;
        let mut high = 1.0 / (self.useful * self.service_rate);
        while self.waiting_time_tail(high) > late {
            high *= 2.0;
        }
        root::find(0.0, high, |t| late - self.waiting_time_tail(t))
    }

    /// The variance of the time that an accepted request waits.
    ///
    /// Source: one who has to wait does so for as many stages of rate `c mu` as there are then in the line, itself included, and finds it as
    /// those who leave it behind.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        let Some(part) = &self.line else { return 0.0 };
        let capacity = self.useful * self.service_rate;
        let stages = part.states.mean_from(self.useful);
        let spread = stages + part.states.variance() + self.no_waiting() * stages * stages;
        self.probability_of_waiting() * (spread / capacity) / capacity
    }

    /// `1 / mu^2` plus the [variance of the waiting time](Self::waiting_time_variance): the variance of the response time.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        let service = 1.0 / self.service_rate;
        service * service + self.waiting_time_variance()
    }

    /// `P(W > t)`: the probability that an accepted request is answered later than `t`.
    ///
    /// It takes some ten evaluations of an incomplete gamma function per standard deviation of the number in line.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::FiniteSource;
    ///
    /// // Two users at one server: who comes finds the other away, or in service.
    /// let users = FiniteSource::new(1.0, 2.0, 1, 2)?;
    /// let t = 0.5_f64;
    /// let expected = (-2.0 * t).exp() * (2.0 / 3.0 + (1.0 + 2.0 * t) / 3.0);
    /// assert!((users.response_time_tail(t) - expected).abs() < 1e-15);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        let served = self.service_rate * t;
        let at_once = self.no_waiting() * (-served).exp();
        if self.line.is_none() || served > ENDLESS {
            return at_once.min(1.0);
        }
        let c = self.useful;
        let room = f64::from(self.capacity) - c;
        let base = self.ln_total + (self.mean_busy_servers() / c).ln();
        let stretch = -(-1.0 / c).ln_1p();
        // Who leaves i in line behind has waited for i stages: P(Erlang(i, c mu) + Exp(mu) > t).
        let later = |i: f64| {
            if c == 1.0 {
                return ErlangSums::new(i + 1.0, served, i + 1.0 - served).gamma_q();
            }
            let (all, others) = (c * served, (c - 1.0) * served);
            let grown = ErlangSums::new(i, others, i - others).ln_gamma_p() + i * stretch - served;
            ErlangSums::new(i, all, i - all).gamma_q() + grown.exp()
        };
        let ln_term = |i: f64| self.ln_relative(c + i) - base + later(i).ln();
        let (first, last) = window(1.0, room, ln_term);
        let (mut sum, mut i) = (at_once, first);
        while i <= last {
            sum += ln_term(i).exp();
            i += 1.0;
        }
        sum.min(1.0)
    }

    /// `P(W <= t)`: the probability that an accepted request is answered within `t`.
    ///
    /// The error is some 1e-15 of one, not of the result, where that is small.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        (1.0 - self.response_time_tail(t)).max(0.0)
    }

    /// The response time that a share `p` of the accepted requests does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        quantile::find(
            p,
            1.0 / self.service_rate,
            |t| self.response_time_cdf(t),
            |t| self.response_time_tail(t).ln(),
        )
    }

    /// Of the requests that have to wait, the share that waits longer than `t`.
    fn longer(&self, t: f64) -> f64 {
        let stages = self.useful * self.service_rate * t;
        if self.line.is_none() || stages > ENDLESS {
            return 0.0;
        }
        let n = f64::from(self.population);
        let x = self.useful * (self.service_rate / self.request_rate);
        if self.capacity == self.population {
            let most = n - self.useful;
            let at = |load: f64| ErlangSums::new(most, load, most - load).ln_gamma_q();
            return (at(x + stages) - at(x)).exp().min(1.0);
        }
        // Who leaves i in line behind has waited for i stages. All terms are positive, and found where they count.
        let room = f64::from(self.capacity) - self.useful;
        let base = self.ln_total + (self.mean_busy_servers() / self.useful).ln();
        let ln_term = |i: f64| {
            let later = ErlangSums::new(i, stages, i - stages).ln_gamma_q();
            self.ln_relative(self.useful + i) - base + later
        };
        let (first, last) = window(1.0, room, ln_term);
        let (mut sum, mut i) = (0.0, first);
        while i <= last {
            sum += ln_term(i).exp();
            i += 1.0;
        }
        let waits = self.probability_of_waiting();
        if waits > 0.0 {
            (sum / waits).min(1.0)
        } else {
            0.0
        }
    }

    /// The probability that an accepted request need not wait: those who then find a server are the rest of those who leave.
    fn no_waiting(&self) -> f64 {
        let (free, full, _) = self.shares();
        let served = free * self.free.states.mean_from(0.0) + full * self.useful;
        (served / self.mean_busy_servers()).min(1.0)
    }

    /// The probabilities of a free server, of all busy and nobody waiting, and of a line.
    fn shares(&self) -> (f64, f64, f64) {
        let share = |ln_weight: f64| (ln_weight - self.ln_total).exp();
        let line = self.line.map_or(0.0, |part| share(part.ln_weight));
        (share(self.free.ln_weight), share(0.0), line)
    }

    /// `ln(p_n / p_c)`.
    fn ln_relative(&self, n: f64) -> f64 {
        let (lambda, mu, c) = (self.request_rate, self.service_rate, self.useful);
        let all = f64::from(self.population);
        if n == c {
            0.0
        } else if n < c {
            // Up to c customers the distribution is binomial; by way of the one whose mean is c, so that the difference
            // of two large logarithms is not needed.
            let rest = all - c;
            if rest == 0.0 {
                return ln_binomial(n, all, lambda, mu) - ln_binomial(c, all, lambda, mu);
            }
            let shape = ln_binomial(n, all, c, rest) - ln_binomial(c, all, c, rest);
            (n - c) * ((lambda / mu) * (rest / c)).ln() + shape
        } else {
            // Beyond, that of those who are away is Poisson.
            let x = c * (mu / lambda);
            ln_poisson_ratio(all - n, all - c, x, all - c - x)
        }
    }
}

/// No line takes so many mean times of a stage.
const ENDLESS: f64 = 1e200;

/// `ln(e^a + e^b)`.
fn ln_add(a: f64, b: f64) -> f64 {
    let (more, less) = if a > b { (a, b) } else { (b, a) };
    more + (less - more).exp().ln_1p()
}
