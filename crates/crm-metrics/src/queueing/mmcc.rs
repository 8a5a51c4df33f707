//! M/M/c/c: servers without a line; who finds all of them busy is lost.

use super::erlang::Loss;
use super::erlang_inverse::erlang_b_servers;
use super::erlang_sums::ErlangSums;
use super::poisson::{ln_poisson, ln_poisson_ratio};
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// M/M/c/c: `c` servers without a waiting line, Poisson arrivals; a request that finds all servers busy is lost.
///
/// The model of a connection pool that refuses, of trunk lines, of parallel sessions under a licence. Means and state
/// probabilities hold for every distribution of the service time with mean `1 / mu`. Symbols: `lambda` and `mu` are the arrival
/// rate and the service rate of one server, both per unit of time; `a = lambda / mu` the offered load in erlangs; `B` the
/// blocking, [`erlang_b`](super::erlang_b). It is stable under any load.
///
/// The relative error is below 1e-12 at any size; the cost does not depend on it.
///
/// Source: A. K. Erlang 1917; the variances are those of R. I. Wilkinson, "Theories for Toll Traffic Engineering in the
/// U. S. A.", 1956.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Mmcc;
///
/// // Table value: 17 lines lose one call in a hundred at 9.6516 erlangs.
/// let lines = Mmcc::new(9.6516, 1.0, 17)?;
/// assert!((lines.blocking_probability() - 0.01).abs() < 1e-6);
/// assert!((lines.mean_in_system() - 9.6516 * 0.99).abs() < 1e-5);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mmcc {
    arrival_rate: f64,
    service_rate: f64,
    servers: u32,
    loss: Loss,
}

impl Mmcc {
    /// `servers` (`c`) that are offered `arrival_rate` (`lambda`) requests per unit of time and could each serve
    /// `service_rate` (`mu`).
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `arrival_rate` is negative or not finite, `service_rate` not between 1e-290 and 1e290,
    /// `servers` zero, or the offered load not finite.
    pub fn new(arrival_rate: f64, service_rate: f64, servers: u32) -> Result<Self, ParamError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let service_rate = check::scale("service_rate", service_rate)?;
        let c = check::servers(servers)?;
        let load = check::in_range("arrival_rate", arrival_rate, arrival_rate / service_rate)?;
        let gap = c.mul_add(service_rate, -arrival_rate) / service_rate;
        Ok(Self {
            arrival_rate,
            service_rate,
            servers,
            loss: Loss::new(c, load, gap),
        })
    }

    /// The fewest servers that lose at most a share `blocking`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `blocking` does not lie strictly between zero and one or more than
    /// [`u32::MAX`] servers would be needed.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Mmcc;
    ///
    /// let lines = Mmcc::for_blocking(10.0, 1.0, 0.02)?;
    /// assert_eq!(lines.servers(), 17);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    pub fn for_blocking(
        arrival_rate: f64,
        service_rate: f64,
        blocking: f64,
    ) -> Result<Self, ParamError> {
        let model = Self::new(arrival_rate, service_rate, 1)?;
        let servers = erlang_b_servers(model.offered_load(), blocking)?;
        Self::new(arrival_rate, service_rate, servers)
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

    /// `a = lambda / mu`: the offered load in erlangs.
    #[must_use]
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// `B`: the share of requests that is lost, and the share of time that all servers are busy.
    #[must_use]
    pub fn blocking_probability(&self) -> f64 {
        self.loss.blocking()
    }

    /// `ln B`, finite where the probability itself underflows. Without arrivals it is negative infinity.
    #[must_use]
    pub const fn ln_blocking_probability(&self) -> f64 {
        self.loss.ln_blocking()
    }

    /// `lambda (1 - B)`: requests served per unit of time.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.arrival_rate * self.served_share()
    }

    /// `lambda B`: requests lost per unit of time.
    #[must_use]
    pub fn loss_rate(&self) -> f64 {
        self.arrival_rate * self.blocking_probability()
    }

    /// `L = a (1 - B)`: the mean number in the system, that is of busy servers; the carried load.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.offered_load() * self.served_share()
    }

    /// `c - L`: the mean number of idle servers, exact where nearly all are busy.
    #[must_use]
    pub fn mean_idle_servers(&self) -> f64 {
        self.loss.sums().idle()
    }

    /// `L / c`: the share of time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.mean_in_system() / f64::from(self.servers)
    }

    /// `1 / mu`: the mean time that a request which is not lost spends here.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        1.0 / self.service_rate
    }

    /// `1 / mu^2`: the variance of the response time of requests that are not lost.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        let service = 1.0 / self.service_rate;
        service * service
    }

    /// `P(W > t) = e^(-mu t)`: the probability that a request that is not lost takes longer than `t`. There is no line, so that it is that of an
    /// exponential service time.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        (-self.service_rate * t).exp()
    }

    /// `P(W <= t) = 1 - e^(-mu t)`: the probability that a request that is not lost takes at most `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        -(-self.service_rate * t).exp_m1()
    }

    /// `-ln(1 - p) / mu`: the time that a share `p` of the requests that are not lost does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        -(-p).ln_1p() / self.service_rate
    }

    /// `L - a B (c - L)`: the variance of the number in the system.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        truncated_poisson_variance(
            f64::from(self.servers),
            self.offered_load(),
            self.loss.sums(),
        )
    }

    /// `1 - m + a / (c + 1 + m - a)`, with `m = a B`: the peakedness of the overflow, Wilkinson's ratio of variance to mean.
    ///
    /// It is that of the number of servers which the lost requests would occupy, were there enough for them. One is
    /// Poisson; overflow is burstier.
    #[must_use]
    pub fn overflow_peakedness(&self) -> f64 {
        let a = self.offered_load();
        // c + m - a is the mean number of idle servers.
        let idle = self.mean_idle_servers();
        let below = self.loss.sums().below();
        if a > f64::from(self.servers) {
            // The same, without the difference of two numbers near a.
            1.0 + a * ((below - idle) / ((1.0 + idle) * (1.0 + below)))
        } else {
            1.0 - a * self.blocking_probability() + a / (1.0 + idle)
        }
    }

    /// `p_n`: the probability that `n` requests are in the system; zero beyond `c`.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n`, finite where the probability itself underflows; negative infinity beyond `c`.
    #[must_use]
    pub fn ln_state_probability(&self, n: u64) -> f64 {
        if n > u64::from(self.servers) {
            return f64::NEG_INFINITY;
        }
        let (c, n) = (f64::from(self.servers), n as f64);
        let a = self.offered_load();
        if a == 0.0 {
            return if n == 0.0 { 0.0 } else { f64::NEG_INFINITY };
        }
        if n == c {
            return self.ln_blocking_probability();
        }
        let gap = |k: f64| k.mul_add(self.service_rate, -self.arrival_rate) / self.service_rate;
        let sums = self.loss.sums();
        if gap(c) > 0.0 {
            // Poisson, less what it has beyond c.
            let beyond = (sums.above() * sums.ln_poisson().exp()).min(0.5);
            return ln_poisson(n, a, gap(n)) - (-beyond).ln_1p();
        }
        self.ln_blocking_probability() + ln_poisson_ratio(n, c, a, gap(c))
    }

    /// `1 - B`, exact where nearly all are lost.
    fn served_share(&self) -> f64 {
        let below = self.loss.sums().below();
        if below.is_finite() {
            below / (1.0 + below)
        } else {
            1.0
        }
    }
}

/// The variance of a Poisson variable of mean `a`, given that it is at most `c`.
pub(crate) fn truncated_poisson_variance(c: f64, a: f64, sums: &ErlangSums) -> f64 {
    if a <= 4.0 * c {
        let blocking = (-sums.ln_from_below()).exp();
        return (a - a * blocking * (1.0 + sums.idle())).max(0.0);
    }
    // Under overload the difference loses its digits; the idle servers have few states to sum instead.
    let (mut total, mut first, mut second) = (1.0, 0.0, 0.0);
    let (mut weight, mut idle) = (1.0, 0.0);
    while idle < c {
        weight *= (c - idle) / a;
        idle += 1.0;
        total += weight;
        first += idle * weight;
        second += idle * idle * weight;
        if idle * idle * weight <= 1e-18 * second {
            break;
        }
    }
    let mean = first / total;
    // The mean is below a third, and its square far below the second moment.
    (second / total - mean * mean).max(0.0)
}
