//! Engset: a finite number of sources, and no waiting line.

use super::finite_source::FiniteSource;
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Engset's loss model: `S` sources, `c` servers, nobody waits; a source that finds all servers busy gives up and is idle again.
///
/// The model of few users at many lines, where [`Mmcc`](super::Mmcc), with its endless stream of calls, overestimates the
/// blocking. Symbols: `lambda` is the rate of calls of one idle source and `mu` the service rate, both per unit of
/// time; state probabilities are binomial, cut off at `c`, and hold for every distribution of the service time.
///
/// The relative error is below 1e-12 at any size.
///
/// Source: T. O. Engset, "Die Wahrscheinlichkeitsrechnung zur Bestimmung der Waehleranzahl in automatischen
/// Fernsprechaemtern", 1918.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Engset;
///
/// // Three sources of 0.5 calls each, two lines: as the R package queueing computes it.
/// let office = Engset::new(0.5, 0.7, 2, 3)?;
/// assert!((office.time_congestion() - 0.327_51).abs() < 1e-5);
/// assert!((office.call_congestion() - 0.173_61).abs() < 1e-5);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Engset {
    system: FiniteSource,
}

impl Engset {
    /// `sources` (`S`) that, when idle, call at `request_rate` (`lambda`) each, and `servers` (`c`) with `service_rate` (`mu`).
    ///
    /// # Errors
    ///
    /// [`ParamError`] when a rate is not between 1e-290 and 1e290 or their quotient not between 1e-150 and 1e150, or `servers`
    /// or `sources` is zero.
    pub fn new(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        sources: u32,
    ) -> Result<Self, ParamError> {
        if sources == 0 {
            return Err(ParamError::new("sources", 0.0, "be at least one"));
        }
        let room = servers.min(sources);
        let system =
            FiniteSource::with_capacity(request_rate, service_rate, servers, sources, room)?;
        Ok(Self { system })
    }

    /// The fewest servers at which at most a share `blocking` of calls is lost.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `blocking` does not lie strictly between zero and one.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Engset;
    ///
    /// assert_eq!(Engset::for_call_congestion(0.1, 1.0, 20, 0.01)?.servers(), 6);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    pub fn for_call_congestion(
        request_rate: f64,
        service_rate: f64,
        sources: u32,
        blocking: f64,
    ) -> Result<Self, ParamError> {
        let blocking = check::open_share("blocking", blocking)?;
        let (mut low, mut high) = (0, sources);
        let mut best = Self::new(request_rate, service_rate, sources.max(1), sources)?;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let model = Self::new(request_rate, service_rate, middle, sources)?;
            if model.call_congestion() <= blocking {
                (best, high) = (model, middle);
            } else {
                low = middle;
            }
        }
        Ok(best)
    }

    /// `c`: the number of servers.
    #[must_use]
    pub const fn servers(&self) -> u32 {
        self.system.servers()
    }

    /// `S`: the number of sources.
    #[must_use]
    pub const fn sources(&self) -> u32 {
        self.system.population()
    }

    /// `p_c`: the share of time that all servers are busy.
    #[must_use]
    pub fn time_congestion(&self) -> f64 {
        self.system.time_congestion()
    }

    /// `(S - c) p_c / (S - L)`: the share of calls that finds all servers busy and is lost. It is the time congestion with one source less.
    #[must_use]
    pub fn call_congestion(&self) -> f64 {
        self.system.call_congestion()
    }

    /// Its logarithm, finite where the probability itself underflows.
    #[must_use]
    pub fn ln_call_congestion(&self) -> f64 {
        self.system.ln_call_congestion()
    }

    /// `L`: the mean number of busy servers; the carried load.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.system.mean_in_system()
    }

    /// `S - L`: the mean number of idle sources.
    #[must_use]
    pub fn mean_idle_sources(&self) -> f64 {
        self.system.mean_away()
    }

    /// `L / c`: the share of time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.system.utilisation()
    }

    /// `mu L`: calls served per unit of time.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.system.throughput()
    }

    /// `1 / mu`: the mean time of a call that is not lost.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        self.system.mean_response_time()
    }

    /// `1 / mu^2`: the variance of the response time of requests that are not lost.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        let service = 1.0 / self.system.service_rate();
        service * service
    }

    /// `P(W > t) = e^(-mu t)`: the probability that a call that is not lost takes longer than `t`. There is no line, so that it is that of an
    /// exponential service time.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        (-self.system.service_rate() * t).exp()
    }

    /// `P(W <= t) = 1 - e^(-mu t)`: the probability that a call that is not lost takes at most `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        -(-self.system.service_rate() * t).exp_m1()
    }

    /// `-ln(1 - p) / mu`: the time that a share `p` of the calls that are not lost does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        -(-p).ln_1p() / self.system.service_rate()
    }

    /// The sum of `(n - L)^2 p_n`: the variance of the number of busy servers.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        self.system.in_system_variance()
    }

    /// `p_n`: the probability that `n` servers are busy; zero beyond `c`.
    #[must_use]
    pub fn state_probability(&self, n: u32) -> f64 {
        self.system.state_probability(n)
    }

    /// `ln p_n`, finite where the probability itself underflows; negative infinity beyond `c`.
    #[must_use]
    pub fn ln_state_probability(&self, n: u32) -> f64 {
        self.system.ln_state_probability(n)
    }
}
