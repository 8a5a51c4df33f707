//! Mean waits of GI/G/1 and GI/G/c from two moments: approximations, each under the name of those who proposed it.

use super::mmc::Mmc;
use super::share::ln_share;
use crate::check;
use crate::error::{ModelError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::normal::ln_upper_tail;

/// GI/G/1, approximately: one server, arrivals and service times of any kind, known by their means and variations.
///
/// There is no exact formula; each method is one approximation of the mean waiting time, named after its authors, and
/// [`kingman_bound`](Self::kingman_bound) an upper bound. With random arrivals (`ca2 = 1`) all but the bound agree with [`Mg1`](super::Mg1), which is exact.
///
/// Symbols: `lambda` and `mu` are the arrival and the service rate, `rho = lambda / mu`, `ca2` and `cs2` the squared coefficients of
/// variation of the time between arrivals and of the service time. Each formula is evaluated to some 1e-14, whatever it is worth.
///
/// # What they are worth
///
/// Errors in per cent against exact waits of all pairs of Erlang (`c2 = 0.5`), exponential and balanced hyperexponential (2 and 4) times; a third moment
/// other than theirs moves the truth as well. They shrink as the load grows, and none is to be trusted below half load.
///
/// | method | `rho` from 0.9 on | from 0.7 on | from 0.5 on |
/// |---|---|---|---|
/// | [`kingman`](Self::kingman) | -1 to 4 | -2 to 13 | -3 to 29 |
/// | [`marchal`](Self::marchal) | -2 to 8 | -6 to 28 | -11 to 59 |
/// | [`kraemer_langenbach_belz`](Self::kraemer_langenbach_belz) | -4 to 2 | -7 to 5 | -9 to 9 |
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Gg1;
///
/// let server = Gg1::new(0.8, 1.0, 0.5, 0.25)?;
/// assert!((server.kingman_bound() - 2.0625).abs() < 1e-14);
/// assert!((server.kingman() - 1.5).abs() < 1e-14);
/// assert!((server.marchal() - 1.422_413_793_103_449).abs() < 1e-14);
/// assert!((server.kraemer_langenbach_belz() - 1.418_939_203_360_149).abs() < 1e-14);
///
/// // E2/E2/1 at nine tenths of its capacity: 4.359_047_821_72 is exact.
/// let server = Gg1::new(0.9, 1.0, 0.5, 0.5)?;
/// assert_eq!(format!("{:.3}", server.kingman()), "4.500");
/// assert_eq!(format!("{:.3}", server.marchal()), "4.348");
/// assert_eq!(format!("{:.3}", server.kraemer_langenbach_belz()), "4.417");
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gg1 {
    arrival_rate: f64,
    service_rate: f64,
    arrival_variation: f64,
    service_variation: f64,
    /// `mu - lambda`.
    spare: f64,
}

impl Gg1 {
    /// A server that takes `arrival_rate` (`lambda`) requests per unit of time and could serve `service_rate` (`mu`), with the squared
    /// coefficients of variation of the time between arrivals (`arrival_variation`, `ca2`) and of the service time (`service_variation`,
    /// `cs2`).
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` or a variation is negative or not finite, or `service_rate` not between 1e-290 and
    /// 1e290; [`ModelError::Unstable`] when `arrival_rate` is not below `service_rate`.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        arrival_variation: f64,
        service_variation: f64,
    ) -> Result<Self, ModelError> {
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
            arrival_variation: check::not_negative("arrival_variation", arrival_variation)?,
            service_variation: check::not_negative("service_variation", service_variation)?,
            spare,
        })
    }

    /// `rho = lambda / mu`: the share of time that the server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// `(ca2 / rho + rho cs2) / (2 (mu - lambda))`: an upper bound of the mean wait, which is reached as the load grows.
    ///
    /// Without arrivals it is infinite, unless they come by the clock.
    ///
    /// Source: J. F. C. Kingman, "Some inequalities for the queue GI/G/1", Biometrika 49, 1962.
    #[must_use]
    pub fn kingman_bound(&self) -> f64 {
        let rho = self.utilisation();
        let arrivals = if self.arrival_variation == 0.0 {
            0.0
        } else {
            0.5 * self.arrival_variation / rho
        };
        (arrivals + 0.5 * self.service_variation * rho) / self.spare
    }

    /// `(ca2 + cs2) / 2` times the wait of M/M/1: the mean wait in heavy traffic, used at any.
    ///
    /// Source: J. F. C. Kingman, "The single server queue in heavy traffic", 1961.
    #[must_use]
    pub fn kingman(&self) -> f64 {
        self.random_wait() * (0.5 * self.arrival_variation + 0.5 * self.service_variation)
    }

    /// [`kingman_bound`](Self::kingman_bound) scaled so that it is exact for random arrivals:
    /// `(1 + cs2) / (1 + rho^2 cs2) (ca2 + rho^2 cs2) / 2` times the wait of M/M/1.
    ///
    /// Source: W. G. Marchal, "An approximate formula for waiting time in single server queues", AIIE Transactions 8, 1976.
    #[must_use]
    pub fn marchal(&self) -> f64 {
        let rho = self.utilisation();
        // rho^2 cs2 in this order, so that a huge variation does not overflow on its way.
        let served = rho * (rho * self.service_variation);
        let share = (1.0 + self.service_variation) / (1.0 + served);
        self.random_wait() * (share * (0.5 * self.arrival_variation + 0.5 * served))
    }

    /// [`kingman`](Self::kingman) corrected where arrivals are more regular, or less, than random ones.
    ///
    /// ```text
    /// exp(-2 (1 - rho) (1 - ca2)^2 / (3 rho (ca2 + cs2)))     where ca2 <= 1,
    /// exp(-(1 - rho) (ca2 - 1) / (ca2 + 4 cs2))               where ca2 > 1
    /// ```
    ///
    /// Source: W. Krämer and M. Langenbach-Belz, "Approximate formulae for the delay in the queueing system GI/G/1", 1976.
    #[must_use]
    pub fn kraemer_langenbach_belz(&self) -> f64 {
        let (ca2, cs2) = (self.arrival_variation, self.service_variation);
        let wait = self.kingman();
        if wait == 0.0 {
            return 0.0;
        }
        let idle = self.spare / self.service_rate;
        let exponent = if ca2 <= 1.0 {
            let off = 1.0 - ca2;
            2.0 / 3.0 * idle * off * off / (self.utilisation() * (ca2 + cs2))
        } else {
            // Halved against overflow.
            idle * ((0.5 * ca2 - 0.5) / (0.5 * ca2 + 2.0 * cs2))
        };
        wait * (-exponent).exp()
    }

    /// `rho / (mu - lambda)`: the mean wait of M/M/1.
    fn random_wait(&self) -> f64 {
        self.utilisation() / self.spare
    }
}

/// GI/G/c, approximately: several servers behind one line, arrivals and service times of any kind, known by their means and
/// variations.
///
/// Each method is one approximation of the mean waiting time, named after its authors; see [`Gg1`] for the symbols and for one server.
/// With random arrivals and exponential service all but [`sakasegawa`](Self::sakasegawa) agree with [`Mmc`], which is exact. Each formula is
/// evaluated to some 1e-12, whatever it is worth. A mean response takes `1 / mu` longer than the wait. Constant services after random arrivals are exact in [`Mdc`](super::Mdc).
///
/// # What they are worth
///
/// Errors in per cent against exact waits, as for [`Gg1`], of 2, 5 and 12 servers. At light loads the wait is a small number, of which no moment tells
/// much.
///
/// | method | `rho` from 0.9 on | from 0.7 on | from 0.5 on |
/// |---|---|---|---|
/// | [`allen_cunneen`](Self::allen_cunneen) | -14 to 12 | -43 to 59 | -70 to 243 |
/// | [`sakasegawa`](Self::sakasegawa) | -13 to 14 | -28 to 100 | -28 to 791 |
/// | [`whitt`](Self::whitt) | -11 to 5 | -35 to 26 | -63 to 117 |
/// | [`kimura`](Self::kimura) | -6 to 1 | -31 to 3 | -89 to 9 |
///
/// The [probability of waiting](Self::whitt_probability_of_waiting) is off by less than 0.04 throughout.
///
/// # Percentiles
///
/// Two moments do not determine a distribution. Near saturation those who wait do so for a time that is about exponential,
/// whatever the distribution of the service (Kingman's heavy-traffic limit), so that with the mean wait `W_q` and the
/// probability of waiting `P` a share `p > 1 - P` waits no longer than about `W_q / P ln(P / (1 - p))`:
///
/// ```
/// use crm_metrics::queueing::Ggc;
///
/// // 340 requests a second of 42 ms each with a standard deviation of 90 ms, 16 workers.
/// let pool = Ggc::new(340.0, 1.0 / 0.042, 16, 1.0, (0.090_f64 / 0.042).powi(2))?;
/// let mean = pool.kimura().expect("arrivals are random");
/// let waiting = pool.whitt_probability_of_waiting();
/// let p95 = mean / waiting * (waiting / 0.05).ln();
/// assert_eq!(format!("{:.0} ms, {:.0} ms", 1e3 * mean, 1e3 * p95), "33 ms, 141 ms");
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Ggc;
///
/// let pool = Ggc::new(95.0, 1.0, 100, 1.2, 1.3)?;
/// assert!((pool.allen_cunneen() - 0.126_614_213).abs() < 1e-9);
/// assert!((pool.sakasegawa() - 0.126_943_172).abs() < 1e-9);
///
/// // E2/E2/5 at nine tenths of its capacity: a wait of 0.719_317_316_983 and P(wait) = 0.697_140_008_514 are exact.
/// let pool = Ggc::new(4.5, 1.0, 5, 0.5, 0.5)?;
/// assert_eq!(format!("{:.3}", pool.allen_cunneen()), "0.762");
/// assert_eq!(format!("{:.3}", pool.sakasegawa()), "0.771");
/// assert_eq!(format!("{:.3}", pool.whitt()), "0.716");
/// assert_eq!(format!("{:.3}", pool.kimura().unwrap_or(0.0)), "0.711");
/// assert_eq!(format!("{:.3}", pool.whitt_probability_of_waiting()), "0.688");
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ggc {
    pool: Mmc,
    arrival_variation: f64,
    service_variation: f64,
    /// `1 - rho`.
    idle: f64,
}

impl Ggc {
    /// `servers` (`c`) that take `arrival_rate` (`lambda`) requests per unit of time and could each serve `service_rate` (`mu`), with the
    /// squared coefficients of variation of the time between arrivals (`arrival_variation`, `ca2`) and of the service time
    /// (`service_variation`, `cs2`).
    ///
    /// # Errors
    ///
    /// As for [`Mmc::new`], and [`ModelError::Param`] when a variation is negative or not finite.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
        arrival_variation: f64,
        service_variation: f64,
    ) -> Result<Self, ModelError> {
        let pool = Mmc::new(arrival_rate, service_rate, servers)?;
        let capacity = f64::from(servers) * service_rate;
        let spare = f64::from(servers).mul_add(service_rate, -arrival_rate);
        Ok(Self {
            pool,
            arrival_variation: check::not_negative("arrival_variation", arrival_variation)?,
            service_variation: check::not_negative("service_variation", service_variation)?,
            idle: spare / capacity,
        })
    }

    /// M/M/c with the same rates: it knows rates, servers, utilisation and offered load, which do not depend on variations.
    #[must_use]
    pub const fn pool(&self) -> &Mmc {
        &self.pool
    }

    /// `(ca2 + cs2) / 2` times the wait of M/M/c.
    ///
    /// Source: A. O. Allen, "Probability, Statistics and Queueing Theory", Academic Press 1978; the formula is A. O. Allen's and
    /// J. Cunneen's.
    #[must_use]
    pub fn allen_cunneen(&self) -> f64 {
        self.pool.mean_waiting_time() * self.variation()
    }

    /// `(ca2 + cs2) / 2 rho^(sqrt(2 (c + 1)) - 1) / (c mu - lambda)`: as [`allen_cunneen`](Self::allen_cunneen), with the wait of M/M/c
    /// approximated too.
    ///
    /// Source: H. Sakasegawa, "An approximation formula Lq = alpha rho^beta / (1 - rho)", Annals of the Institute of Statistical
    /// Mathematics 29, 1977.
    #[must_use]
    pub fn sakasegawa(&self) -> f64 {
        let c = f64::from(self.pool.servers());
        let ln_rho = ln_share(self.pool.utilisation(), self.idle);
        let power = ((2.0 * (c + 1.0)).sqrt() - 1.0) * ln_rho;
        self.variation() * (power.exp() / (c * self.pool.service_rate() * self.idle))
    }

    /// The harmonic mixture of the waits of D/M/c, M/D/c and M/M/c, for arrivals that are no less regular than random ones; none where
    /// `ca2` is above one.
    ///
    /// ```text
    ///              ca2 + cs2
    /// -------------------------------------------------------
    /// (1 - ca2) / W(D/M/c) + (1 - cs2) / W(M/D/c) + 2 (ca2 + cs2 - 1) / W(M/M/c)
    /// ```
    ///
    /// The waits of D/M/c and M/D/c are G. P. Cosmetatos' approximations, as Whitt 1993 gives them, `(1/2 - 2 g) e^(-2 (1 - rho) / (3 rho))` and
    /// `(1 + g) / 2` times that of M/M/c with `g` as in [`whitt`](Self::whitt), where Kimura himself took exact ones: for many servers at light
    /// load that of D/M/c is much too small, and the result with it.
    ///
    /// Source: T. Kimura, "A two-moment approximation for the mean waiting time in the GI/G/s queue", Management Science 32, 1986.
    #[must_use]
    pub fn kimura(&self) -> Option<f64> {
        let (ca2, cs2) = (self.arrival_variation, self.service_variation);
        if ca2 > 1.0 {
            return None;
        }
        let wait = self.pool.mean_waiting_time();
        if wait == 0.0 || ca2 + cs2 == 0.0 {
            return Some(0.0);
        }
        let factors = self.factors();
        // The denominator times W(M/M/c) / 2, sorted into positive terms: for huge cs2 the others cancel.
        let regular = if ca2 == 1.0 {
            0.0
        } else {
            (1.0 - ca2) * ((1.0 - factors.paced) / factors.paced)
        };
        let constant = (1.0 + factors.gamma * cs2) / factors.constant;
        Some(wait * (0.5 * ca2 + 0.5 * cs2) / (regular + constant))
    }

    /// [`allen_cunneen`](Self::allen_cunneen) corrected for the number of servers and for arrivals and services of different variation.
    ///
    /// ```text
    /// g  = min(0.24, (1 - rho) (c - 1) (sqrt(4 + 5 c) - 2) / (16 c rho))
    /// f1 = 1 + g,    f3 = (1 - 4 g) e^(-2 (1 - rho) / (3 rho)),    f4 = min(1, (f1 + f3) / 2)
    /// v  = (ca2 + cs2) / 2,    psi = 1 where v >= 1, else f4^(2 (1 - v))
    ///
    /// factor = (4 (ca2 - cs2) f1 + cs2 psi) / (4 ca2 - 3 cs2)                where ca2 >= cs2,
    ///          ((cs2 - ca2) f3 + (cs2 + 3 ca2) psi) / (2 (ca2 + cs2))        elsewhere
    /// ```
    ///
    /// Source: W. Whitt, "Approximations for the GI/G/m queue", Production and Operations Management 2, 1993.
    #[must_use]
    pub fn whitt(&self) -> f64 {
        let (ca2, cs2) = (self.arrival_variation, self.service_variation);
        let wait = self.allen_cunneen();
        if wait == 0.0 {
            return 0.0;
        }
        let factors = self.factors();
        let both = self.variation();
        let equal = if both >= 1.0 {
            1.0
        } else {
            let between = (0.5 * (factors.constant + factors.paced)).min(1.0);
            between.powf(2.0 * (1.0 - both))
        };
        let correction = if ca2 >= cs2 {
            let x = cs2 / ca2;
            (4.0 * (1.0 - x) * factors.constant + x * equal) / (4.0 - 3.0 * x)
        } else {
            let x = ca2 / cs2;
            ((1.0 - x) * factors.paced + (1.0 + 3.0 * x) * equal) / (2.0 + 2.0 * x)
        };
        wait * correction
    }

    /// The probability of having to wait, approximately.
    ///
    /// With `Q` the tail of the normal distribution, `C` Erlang's probability of waiting, `z = (ca2 + cs2) / (1 + cs2)` and `b = (1 - rho) sqrt(c)`:
    ///
    /// ```text
    /// pi4 = min(1, Q(b/z) C / Q(b)),    pi5 = min(1, Q(2 b / (1 + ca2)) C / Q(b)),    pi6 = Q((c (1 - rho) - 1/2) / sqrt(c rho z))
    /// pi1 = rho^2 pi4 + (1 - rho^2) pi5
    /// pi2 = ca2 pi1 + (1 - ca2) pi6
    /// ```
    ///
    /// `pi1` for up to six servers, for `ca2 >= 1` and where pi6's argument is at most one half; `pi2` where it is at least one; between the
    /// two, the mixture with `2 (1 - ca2) (argument - 1/2)` of `pi2`.
    ///
    /// Source: as for [`whitt`](Self::whitt).
    #[must_use]
    pub fn whitt_probability_of_waiting(&self) -> f64 {
        let (ca2, cs2) = (self.arrival_variation, self.service_variation);
        if self.pool.arrival_rate() == 0.0 {
            return 0.0;
        }
        let m = f64::from(self.pool.servers());
        let rho = self.pool.utilisation();
        // (ca2 + cs2) / (1 + cs2), kept above zero for arrivals and services by the clock.
        let z = ((0.5 * ca2 + 0.5 * cs2) / (0.5 + 0.5 * cs2)).max(1e-100);
        let slack = self.idle * m.sqrt();
        let scaled = |x: f64| {
            let ln = ln_upper_tail(x) - ln_upper_tail(slack);
            (ln + self.pool.ln_probability_of_waiting()).exp().min(1.0)
        };
        let fourth = scaled(slack / z);
        let fifth = scaled(slack / (0.5 + 0.5 * ca2));
        let first = rho * rho * fourth + (1.0 - rho * rho) * fifth;
        let gamma = (m * self.idle - 0.5) / (m * rho * z).sqrt();
        if m <= 6.0 || gamma <= 0.5 || ca2 >= 1.0 {
            return first.min(1.0);
        }
        let sixth = ln_upper_tail(gamma).exp();
        let second = ca2 * first + (1.0 - ca2) * sixth;
        if gamma >= 1.0 {
            return second.min(1.0);
        }
        let part = 2.0 * (1.0 - ca2) * (gamma - 0.5);
        (part * second + (1.0 - part) * first).min(1.0)
    }

    /// `(ca2 + cs2) / 2`.
    fn variation(&self) -> f64 {
        0.5 * self.arrival_variation + 0.5 * self.service_variation
    }

    /// Cosmetatos' factors; the load must not be zero.
    fn factors(&self) -> Factors {
        let m = f64::from(self.pool.servers());
        let rho = self.pool.utilisation();
        let gamma = self.idle * (m - 1.0) * ((4.0 + 5.0 * m).sqrt() - 2.0) / (16.0 * m * rho);
        let gamma = gamma.min(0.24);
        Factors {
            gamma,
            constant: 1.0 + gamma,
            paced: (1.0 - 4.0 * gamma) * (-2.0 / 3.0 * self.idle / rho).exp(),
        }
    }
}

/// Twice the wait of M/D/c and of D/M/c, in units of that of M/M/c.
struct Factors {
    gamma: f64,
    /// `1 + gamma`, of M/D/c.
    constant: f64,
    /// Of D/M/c.
    paced: f64,
}
