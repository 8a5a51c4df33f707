//! M/M/c/K: several servers and a waiting room of limited size.

use super::erlang_sums::ErlangSums;
use super::fewest::fewest_servers;
use super::gamma_mix::{ln_earlier, ln_later, ln_thinned};
use super::mmcc::truncated_poisson_variance;
use super::poisson::{ln_poisson, ln_poisson_ratio};
use super::truncated_geometric::TruncatedGeometric;
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/M/c/K: `c` servers and room for `K` requests, those in service included; who finds the room full is lost.
///
/// The model of a bounded queue, of a pool that refuses beyond a limit; with one server it is M/M/1/K, with `K = c`
/// [`Mmcc`](super::Mmcc). Symbols: `lambda` and `mu` are the arrival rate and the service rate of one server, both per unit of time;
/// `a = lambda / mu` the offered load in erlangs; `r = lambda / (c mu)`. Because the room is limited, it is stable
/// under any load.
///
/// Times and their distributions are those of the requests that are accepted, served first come, first served.
///
/// The relative error is below 1e-12 at any load, that next to and at `r = 1` included. Everything takes a
/// constant number of steps at any `c` and `K`, but for at most some thousand additions in a distribution at up to 4,000 places to wait.
///
/// Source of all formulas, where no other is named: D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris,
/// "Fundamentals of Queueing Theory", 4th edition, Wiley 2008, section 2.5.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Mmck;
///
/// // Gross and Harris: three inspection stations of six minutes each, room for seven cars, one a minute.
/// let station = Mmck::new(1.0, 1.0 / 6.0, 3, 7)?;
/// assert_eq!(format!("{:.3}", station.mean_in_queue()), "3.092");
/// assert_eq!(format!("{:.1} minutes", station.mean_response_time()), "12.2 minutes");
/// assert_eq!(format!("{:.1} an hour", 60.0 * station.loss_rate()), "30.3 an hour");
///
/// // A database pool of 20 connections with a queue of 50, 10 ms a query: there is room for 70.
/// let pool = Mmck::new(1_950.0, 100.0, 20, 20 + 50)?;
/// assert_eq!(format!("{:.2} %", 100.0 * pool.blocking_probability()), "0.81 %");
/// assert_eq!(format!("{:.1} ms", 1e3 * pool.waiting_time_quantile(0.99)), "27.4 ms");
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mmck {
    arrival_rate: f64,
    service_rate: f64,
    servers: u32,
    capacity: u64,
    free: ErlangSums,
    line: TruncatedGeometric,
    /// `-ln r`.
    decay: f64,
    /// The probability that all servers are busy, its complement and its logarithm.
    busy: f64,
    busy_not: f64,
    ln_busy: f64,
}

impl Mmck {
    /// `servers` (`c`) that are offered `arrival_rate` (`lambda`) requests per unit of time and could each serve
    /// `service_rate` (`mu`), with room for `capacity` (`K`), those in service included.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `arrival_rate` is negative or not finite, `service_rate` not between 1e-290 and 1e290, `servers`
    /// zero, `capacity` less than `servers` or above 2^53, or the offered load not finite.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
        capacity: u64,
    ) -> Result<Self, ParamError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let service_rate = check::scale("service_rate", service_rate)?;
        let c = check::servers(servers)?;
        let k = capacity as f64;
        if capacity < u64::from(servers) || capacity > 1 << 53 {
            let must = "be at least the number of servers and at most 2^53";
            return Err(ParamError::new("capacity", k, must));
        }
        let load = check::in_range("arrival_rate", arrival_rate, arrival_rate / service_rate)?;
        // One rounding: c mu and lambda may agree in nearly all their digits.
        let full = c * service_rate;
        let spare = c.mul_add(service_rate, -arrival_rate);
        let idle = spare / full;
        let decay = if idle.abs() < 0.5 {
            -(-idle).ln_1p()
        } else {
            // Without arrivals only the empty system counts; the largest number keeps the formulas finite.
            (-(arrival_rate / full).ln()).min(1e300)
        };
        let free = ErlangSums::new(c, load, spare / service_rate);
        let line = TruncatedGeometric::new(k - c, decay);
        let ln_ratio = free.ln_below() - line.ln_sum();
        let ratio = if free.below().is_finite() {
            free.below() * line.first()
        } else {
            f64::INFINITY
        };
        let (busy, busy_not, ln_busy) = if ratio.is_finite() && ratio > 0.0 {
            (1.0 / (1.0 + ratio), ratio / (1.0 + ratio), -ratio.ln_1p())
        } else if ln_ratio > 0.0 {
            ((-ln_ratio).exp(), 1.0, -ln_ratio)
        } else {
            (1.0, ln_ratio.exp(), -ln_ratio.exp())
        };
        Ok(Self {
            arrival_rate,
            service_rate,
            servers,
            capacity,
            free,
            line,
            decay,
            busy,
            busy_not,
            ln_busy,
        })
    }

    /// The fewest servers that lose at most a share `blocking` with `waiting_room` places to wait.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `blocking` does not lie strictly between zero and one or more than
    /// [`u32::MAX`] servers would be needed.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Mmck;
    ///
    /// // Ten erlangs, five places to wait, one request in a thousand lost.
    /// let pool = Mmck::for_blocking(10.0, 1.0, 5, 0.001)?;
    /// assert_eq!((pool.servers(), pool.capacity()), (17, 22));
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    pub fn for_blocking(
        arrival_rate: f64,
        service_rate: f64,
        waiting_room: u64,
        blocking: f64,
    ) -> Result<Self, ParamError> {
        let blocking = check::open_share("blocking", blocking)?;
        let build = |servers: u32| {
            let capacity = u64::from(servers).saturating_add(waiting_room);
            Self::new(arrival_rate, service_rate, servers, capacity)
        };
        let found = fewest_servers(build, |pool| pool.blocking_probability() <= blocking)?;
        found
            .ok_or_else(|| ParamError::new("blocking", blocking, "be within reach of 2^32 servers"))
    }

    /// `lambda`: arrivals per unit of time, lost ones included.
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

    /// `K`: the number of requests there is room for, those in service included.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// `a = lambda / mu`: the offered load in erlangs.
    #[must_use]
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// `p_K`: the share of requests that finds the room full and is lost.
    #[must_use]
    pub fn blocking_probability(&self) -> f64 {
        self.busy * self.line.last()
    }

    /// `ln p_K`, finite where the probability itself underflows. Without arrivals it is negative infinity.
    #[must_use]
    pub fn ln_blocking_probability(&self) -> f64 {
        if self.arrival_rate == 0.0 {
            return f64::NEG_INFINITY;
        }
        self.ln_busy + self.line.ln_last()
    }

    /// `1 - p_K`: the share of requests that is accepted, exact where nearly all are lost.
    #[must_use]
    pub fn accepted_share(&self) -> f64 {
        (self.busy_not + self.busy * self.line.but_last()).min(1.0)
    }

    /// `lambda (1 - p_K)`: requests served per unit of time.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.arrival_rate * self.accepted_share()
    }

    /// `lambda p_K`: requests lost per unit of time.
    #[must_use]
    pub fn loss_rate(&self) -> f64 {
        self.arrival_rate * self.blocking_probability()
    }

    /// `a (1 - p_K)`: the mean number of busy servers.
    #[must_use]
    pub fn mean_busy_servers(&self) -> f64 {
        self.offered_load() * self.accepted_share()
    }

    /// `a (1 - p_K) / c`: the share of time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        (self.mean_busy_servers() / f64::from(self.servers)).min(1.0)
    }

    /// `p_0`: the probability that the system is empty.
    #[must_use]
    pub fn idle_probability(&self) -> f64 {
        self.state_probability(0)
    }

    /// `p_c + ... + p_K`: the probability that all servers are busy, whether the room is full or not.
    #[must_use]
    pub const fn probability_of_all_busy(&self) -> f64 {
        self.busy
    }

    /// `(p_c + ... + p_(K-1)) / (1 - p_K)`: the probability that a request which is accepted has to wait.
    #[must_use]
    pub fn probability_of_waiting(&self) -> f64 {
        self.busy * (self.line.but_last() / self.accepted_share())
    }

    /// `L_q`: the mean number waiting, those in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.busy * self.line.mean()
    }

    /// `L`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.mean_busy_servers() + self.mean_in_queue()
    }

    /// `W_q = L_q / (lambda (1 - p_K))`: the mean time that an accepted request waits.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        if self.arrival_rate == 0.0 {
            return 0.0;
        }
        self.line.mean() / self.arrival_rate * (self.busy / self.accepted_share())
    }

    /// `W = 1 / mu + W_q`: the mean time from arrival to departure of an accepted request.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        1.0 / self.service_rate + self.mean_waiting_time()
    }

    /// The sum of `(n - c)^2 p_n` over `n > c`, less `L_q^2`: the variance of the number waiting.
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        let mean = self.line.mean();
        self.busy * (self.line.variance() + self.busy_not * mean * mean)
    }

    /// The variance of the number in the system: within the states where all servers are busy and where some are free, and
    /// between the two.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        let one_less = f64::from(self.servers) - 1.0;
        let load = self.offered_load();
        let (within, idle) = if one_less == 0.0 {
            (0.0, 0.0)
        } else {
            let sums = ErlangSums::new(one_less, load, one_less - load);
            (
                truncated_poisson_variance(one_less, load, &sums),
                sums.idle(),
            )
        };
        let apart = 1.0 + idle + self.line.mean();
        self.busy * (self.line.variance() + self.busy_not * apart * apart) + self.busy_not * within
    }

    /// The variance of the time that an accepted request waits.
    ///
    /// Source: one who finds `j` waiting waits for `j + 1` stages of rate `c mu`.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        if self.capacity == u64::from(self.servers) {
            return 0.0;
        }
        let capacity = f64::from(self.servers) * self.service_rate;
        let seen = TruncatedGeometric::new(self.waiting_room() - 1.0, self.decay);
        let stages = 1.0 + seen.mean();
        let waits = self.probability_of_waiting();
        let waits_not = self.busy_not / self.accepted_share();
        let spread = stages + seen.variance() + waits_not * stages * stages;
        waits * (spread / capacity) / capacity
    }

    /// `1 / mu^2` plus the [variance of the waiting time](Self::waiting_time_variance): the variance of the response time.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        let service = 1.0 / self.service_rate;
        service * service + self.waiting_time_variance()
    }

    /// `p_n`: the probability that `n` requests are in the system; zero beyond `K`.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n`, finite where the probability itself underflows; negative infinity beyond `K`.
    #[must_use]
    pub fn ln_state_probability(&self, n: u64) -> f64 {
        if n > self.capacity {
            return f64::NEG_INFINITY;
        }
        if self.arrival_rate == 0.0 {
            return if n == 0 { 0.0 } else { f64::NEG_INFINITY };
        }
        let servers = u64::from(self.servers);
        let full = self.ln_busy - self.line.ln_sum();
        if n >= servers {
            // From the end that weighs more, so that nothing large cancels.
            return if self.decay < 0.0 {
                self.ln_blocking_probability() + (self.capacity - n) as f64 * self.decay
            } else {
                full - (n - servers) as f64 * self.decay
            };
        }
        let (n, c) = (n as f64, f64::from(self.servers));
        let gap = |k: f64| k.mul_add(self.service_rate, -self.arrival_rate) / self.service_rate;
        if gap(c) > 0.0 {
            // The servers beyond the c-th, which the Poisson distribution has and the model has not, traded for the line.
            let traded = self.line.ln_sum().exp_m1() - self.free.above();
            let ln_norm = (traded * self.free.ln_poisson().exp()).ln_1p();
            return ln_poisson(n, self.offered_load(), gap(n)) - ln_norm;
        }
        full + ln_poisson_ratio(n, c, self.offered_load(), gap(c))
    }

    /// `P(W_q > t)`: the probability that an accepted request waits longer than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        self.ln_waiting_tail(t).exp().min(1.0)
    }

    /// `P(W_q <= t)`: the probability that an accepted request waits at most `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let stages = f64::from(self.servers) * self.service_rate * t;
        let waited = ln_earlier(self.waiting_room(), self.decay, 0.0, stages) + self.ln_full();
        (self.busy_not / self.accepted_share() + waited.exp()).min(1.0)
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
        let at_zero = self.busy_not / self.accepted_share();
        if p <= at_zero || self.probability_of_waiting() == 0.0 {
            return 0.0;
        }
        if p == 1.0 {
            return f64::INFINITY;
        }
        let ln_late = (-p).ln_1p();
        let unit = 1.0 / (f64::from(self.servers) * self.service_rate);
        let guess = self.line_quantile(ln_late);
        climb(guess.max(1e-9 * unit), |t| {
            let ln_density = self.ln_waiting_density(t);
            if p < 0.5 {
                let ln_early = self.waiting_time_cdf(t).ln();
                (ln_early - p.ln(), (ln_density - ln_early).exp())
            } else {
                let ln_tail = self.ln_waiting_tail(t);
                (ln_late - ln_tail, (ln_density - ln_tail).exp())
            }
        })
    }

    /// `P(W > t)`: the probability that an accepted request is answered later than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        self.response(t).0.min(1.0)
    }

    /// `P(W <= t)`: the probability that an accepted request is answered within `t`.
    ///
    /// The error is some 1e-16 of one, not of the result, where that is small.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        (1.0 - self.response(t).0).max(0.0)
    }

    /// The response time that a share `p` of the accepted requests does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        if p == 0.0 {
            return 0.0;
        }
        if p == 1.0 {
            return f64::INFINITY;
        }
        // Later than who only waits, and than who is only served.
        let ln_late = (-p).ln_1p();
        let guess = self
            .line_quantile(ln_late)
            .max(-ln_late / self.service_rate);
        climb(guess, |t| {
            let (tail, density) = self.response(t);
            if p < 0.5 {
                let early = 1.0 - tail;
                ((early / p).ln(), density / early)
            } else {
                (ln_late - tail.ln(), density / tail)
            }
        })
    }

    /// About the waiting time that is exceeded with this probability: the line found, each place taking its mean time.
    fn line_quantile(&self, ln_late: f64) -> f64 {
        let room = self.waiting_room();
        let share = (ln_late - self.probability_of_waiting().ln()).exp();
        if room == 0.0 || share >= 1.0 {
            return 0.0;
        }
        // From the end that weighs more.
        let (s, n) = (self.decay, room);
        let line = if s == 0.0 {
            n * (1.0 - share)
        } else if s > 0.0 {
            -((1.0 - share) * (-n * s).exp_m1()).ln_1p() / s
        } else {
            n - (share * (n * s).exp_m1()).ln_1p() / s
        };
        line / (f64::from(self.servers) * self.service_rate)
    }

    /// `ln` of the density of the waiting time of an accepted request: `j + 1` stages end at `t` with the Poisson probability of `j`.
    fn ln_waiting_density(&self, t: f64) -> f64 {
        let capacity = f64::from(self.servers) * self.service_rate;
        let stages = ln_thinned(self.waiting_room(), self.decay, capacity * t);
        capacity.ln() + self.ln_full() + stages
    }

    /// `K - c`.
    fn waiting_room(&self) -> f64 {
        (self.capacity - u64::from(self.servers)) as f64
    }

    /// `ln` of the probability, given acceptance, of finding all servers busy and nobody waiting, times `r^(K - c)` where `r` is above one:
    /// the sums of `gamma_mix` are relative to that.
    fn ln_full(&self) -> f64 {
        let line = TruncatedGeometric::new(self.waiting_room(), self.decay.abs());
        self.ln_busy - line.ln_sum() - self.accepted_share().ln()
    }

    fn ln_waiting_tail(&self, t: f64) -> f64 {
        let stages = f64::from(self.servers) * self.service_rate * t;
        ln_later(self.waiting_room(), self.decay, stages) + self.ln_full()
    }

    /// The tail of the response time, and its density.
    ///
    /// Who waits does so for `j + 1` stages of rate `c mu`, and is then served. The density is `mu` times the probability of being in service.
    fn response(&self, t: f64) -> (f64, f64) {
        if t == f64::INFINITY {
            return (0.0, 0.0);
        }
        let mu = self.service_rate;
        let service = mu * t;
        let room = self.waiting_room();
        if room == 0.0 {
            let tail = (-service).exp();
            return (tail, mu * tail);
        }
        let at_once = self.busy_not / self.accepted_share() * (-service).exp();
        let full = self.ln_full();
        let c = f64::from(self.servers);
        if self.servers == 1 {
            // Service is one more stage: the sum over j of r^j P(Erlang(j + 2) > t).
            let shift = self.decay.max(0.0);
            let ln = ln_later(room + 1.0, self.decay, service) + shift;
            let first = self.decay - service + room * self.decay.min(0.0);
            let rest = if ln > first {
                ln + (-(first - ln).exp()).ln_1p()
            } else {
                f64::NEG_INFINITY
            };
            let here = ln_thinned(room + 1.0, self.decay, service) + shift;
            let in_service = at_once + (full + here).exp() - (full + first).exp();
            return (at_once + (full + rest).exp(), mu * in_service.max(0.0));
        }
        // P(Erlang(k, c mu) + Exp(mu) > t) is Q(k, c mu t) + e^(-mu t) (c / (c - 1))^k P(k, (c - 1) mu t).
        let stretch = -(-1.0 / c).ln_1p();
        let waiting = ln_later(room, self.decay, c * service);
        let served = ln_earlier(room, self.decay, stretch, (c - 1.0) * service) + stretch - service;
        let in_service = at_once + (full + served).exp();
        (in_service + (full + waiting).exp(), mu * in_service)
    }
}

/// The zero of a function that grows from below to above zero, by I. Newton's steps from a guess, from `f(t)`, the value and the slope.
///
/// Each evaluation narrows a bracket; a step that leaves it, or is no number, halves it instead. `f` is the logarithm of a
/// probability of log-concave shape, on which these steps converge from either side.
fn climb(guess: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    const FAR: f64 = 16.0;
    // A step of this size squares to nothing: no distribution here is narrower than 1e-8 of its median.
    const FINE: f64 = 1e-12;
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut t = guess;
    let mut moved_before = f64::NAN;
    for _ in 0..200 {
        let (value, slope) = f(t);
        let step = value / slope;
        if step.abs() <= FINE * t {
            return t - step;
        }
        if value > 0.0 {
            high = t;
        } else {
            low = t;
        }
        let next = t - step;
        if next > low && next < high {
            let next = next.min(FAR * t);
            let moved = (next - t).abs();
            t = next;
            // The next step would be as much shorter again, squared, were it not for rounding.
            let shorter = moved / moved_before;
            let last = moved * shorter * shorter <= 0.1 * f64::EPSILON * t;
            let rounding = moved < 1e-8 * t && shorter > 0.25;
            if last || rounding {
                break;
            }
            moved_before = moved;
        } else {
            t = if high == f64::INFINITY {
                FAR * t
            } else if low == 0.0 {
                t / FAR
            } else if high > 2.0 * low {
                low.sqrt() * high.sqrt()
            } else {
                0.5 * (low + high)
            };
            if high.is_finite() && high - low <= FINE * high {
                break;
            }
            moved_before = f64::NAN;
        }
    }
    t
}
