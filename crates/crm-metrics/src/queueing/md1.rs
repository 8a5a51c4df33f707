//! M/D/1: one server, Poisson arrivals, a constant service time.
//!
//! The textbook's distribution of the wait (Erlang 1909, Crommelin 1932) is an alternating sum that has lost all digits
//! after some thirty service times. Three forms without cancellation take its place; `n` is the time in service times:
//!
//! - `P(W <= n) = e^(-rho u) (Q_k + Q_(k-1) rho u + ...)`, with `n = k + 1 - u` and `Q` the distribution of the number in the
//!   system: G. J. Franx, "A simple solution for the M/D/c waiting time distribution", Operations Research Letters 29, 2001.
//!   For short times.
//! - The rest of the alternating series, by Abel's identity `sum over all k of (rho (k - n))^k e^(-rho (k - n)) / k! = 1 / (1 - rho)`:
//!   the tail is `1 - rho` times the terms with `k > n`, all positive. For small loads.
//! - The residues at the zeros `-z` of `s - rho + rho e^(-s)`: a real one, and pairs that die out quickly. For long times.

use super::mg1::Mg1;
use super::poisson::ln_poisson;
use super::share::ln_share;
use crate::check;
use crate::error::ModelError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::root;
use core::f64::consts::PI;

/// Up to so many service times Franx's sum is used; it has as many terms.
const SHORT: f64 = 8.0;

/// M/D/1: one server, Poisson arrivals, every request keeps the server busy for the same time, first come, first served.
///
/// The best that a single server can do with random arrivals: half the mean wait of [`Mm1`](super::Mm1), and much thinner tails.
/// Symbols: `lambda` is the arrival rate, `D` the service time, `rho = lambda D`. Times are in the unit of `D`.
///
/// The relative error of means, distribution and tail is below 1e-12 at any load; that of a tail of `e^-x` is some
/// `x` units in the last place. A probability takes less than a microsecond to some tens of them, a quantile up to ten times that.
///
/// Source: A. K. Erlang 1909; the methods are named in the crate's design notes.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Md1;
///
/// let press = Md1::new(0.9, 1.0)?;
/// assert!((press.mean_waiting_time() - 4.5).abs() < 1e-14);
/// assert!((press.waiting_time_tail(5.0) - 0.331_290_849_491_559_3).abs() < 1e-14);
/// assert!((press.waiting_time_cdf(press.waiting_time_quantile(0.99)) - 0.99).abs() < 1e-14);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Md1 {
    queue: Mg1,
    /// `lambda D`.
    rho: f64,
    /// `1 - rho`.
    idle: f64,
    /// The positive zero of `rho (e^z - 1) = z`: per service time, the tail falls by `e^-decay`. Infinite without arrivals.
    decay: f64,
}

impl Md1 {
    /// A server that takes `arrival_rate` (`lambda`) requests per unit of time, each for exactly `service_time` (`D`).
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` is negative or not finite, or `mean_service_time`, as it is named, not
    /// between 1e-290 and 1e290; [`ModelError::Unstable`] when `arrival_rate` is not below `1 / service_time`.
    pub fn new(arrival_rate: f64, service_time: f64) -> Result<Self, ModelError> {
        let queue = Mg1::deterministic(arrival_rate, service_time)?;
        let (rho, idle) = (queue.utilisation(), queue.idle_probability());
        Ok(Self {
            queue,
            rho,
            idle,
            decay: decay(rho, idle),
        })
    }

    /// `lambda`: arrivals per unit of time.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.queue.arrival_rate()
    }

    /// `D`: the service time.
    #[must_use]
    pub const fn service_time(&self) -> f64 {
        self.queue.mean_service_time()
    }

    /// `rho = lambda D`: the share of time that the server is busy, and the probability that a request has to wait.
    #[must_use]
    pub const fn utilisation(&self) -> f64 {
        self.rho
    }

    /// `p_0 = 1 - rho`: the probability that the system is empty.
    #[must_use]
    pub const fn idle_probability(&self) -> f64 {
        self.idle
    }

    /// `L_q = rho^2 / (2 (1 - rho))`: the mean number waiting, the one in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.queue.mean_in_queue()
    }

    /// `L = rho + L_q`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.queue.mean_in_system()
    }

    /// `W_q = rho D / (2 (1 - rho))`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.queue.mean_waiting_time()
    }

    /// `W = D + W_q`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        self.queue.mean_response_time()
    }

    /// `W_q^2 + rho D^2 / (3 (1 - rho))`: the variance of the waiting time, and of the response time too.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        let (wait, service) = (self.mean_waiting_time(), self.service_time());
        wait * wait + service * (service * (self.rho / self.idle / 3.0))
    }

    /// The [variance of the waiting time](Self::waiting_time_variance), the service time having none: that of the response time.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        self.waiting_time_variance()
    }

    /// `L_q + lambda^2 Var[W_q]`: the variance of the number waiting.
    ///
    /// Source: the distributional form of Little's law, as for [`Mg1::in_queue_variance`].
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        let waiting = self.mean_in_queue();
        waiting + (waiting * waiting + self.rho * (self.rho * (self.rho / self.idle / 3.0)))
    }

    /// `rho` more than the [variance of the number waiting](Self::in_queue_variance): that of the number in the system.
    ///
    /// Source: those present are those who waited a service time ago, and a Poisson number that came since.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        self.rho + self.in_queue_variance()
    }

    /// `P(W_q <= t)`: the probability of waiting at most `t`.
    ///
    /// At zero it jumps to `1 - rho`, the share that does not wait.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        self.cdf(t / self.service_time())
    }

    /// `P(W_q > t)`: the probability of waiting longer than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        self.ln_tail(t / self.service_time()).exp()
    }

    /// `ln P(W_q > t)`, finite where the probability itself underflows. Without arrivals it is negative infinity.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn ln_waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        self.ln_tail(t / self.service_time())
    }

    /// The waiting time that a share `p` of requests does not exceed, or zero when `p` is at most `1 - rho`.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn waiting_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        self.service_time() * self.quantile(p)
    }

    /// `P(W <= t) = P(W_q <= t - D)`: the probability of a response within `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        self.waiting_time_cdf(t - self.service_time())
    }

    /// `P(W > t) = P(W_q > t - D)`: the probability of a response later than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        self.waiting_time_tail(t - self.service_time())
    }

    /// `D` plus the [quantile of the waiting time](Self::waiting_time_quantile): the response time that a share `p` of requests
    /// does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        self.service_time() + self.waiting_time_quantile(p)
    }

    /// `p_n`: the probability that `n` requests are in the system.
    #[must_use]
    pub fn state_probability(&self, n: u64) -> f64 {
        self.ln_state_probability(n).exp()
    }

    /// `ln p_n`, finite where the probability itself underflows.
    ///
    /// At most `n` are in the system exactly as often as a request waits for at most `n` service times, so that this is a
    /// difference of two tails.
    #[must_use]
    pub fn ln_state_probability(&self, n: u64) -> f64 {
        if n == 0 {
            return ln_share(self.idle, self.rho);
        }
        if self.rho == 0.0 {
            return f64::NEG_INFINITY;
        }
        let n = n as f64;
        if n <= SHORT {
            return self.states()[n as usize].ln();
        }
        if self.rho < 0.5 {
            // Each tail is at most a third of the one before.
            let (longer, shorter) = (self.ln_tail(n), self.ln_tail(n - 1.0));
            return shorter + (-(longer - shorter).exp()).ln_1p();
        }
        // e^(-z (n - 1)) - e^(-z n) = e^(-z n) z / rho, by the equation that z solves.
        let rest = self.pairs(n, |x, y| (x / self.decay, y / self.decay));
        (self.idle / (self.decay - self.idle) * (self.decay / self.rho)).ln() - self.decay * n
            + rest.ln_1p()
    }

    fn cdf(&self, n: f64) -> f64 {
        if n < SHORT {
            return self.short(n).min(1.0);
        }
        if self.rho < 0.5 {
            return -self.ln_tail(n).exp_m1();
        }
        // 1 - C e^(-z n), where C = idle / (z - idle) comes close to one with the load: C's complement has the digits.
        let z = self.decay;
        let not = (self.idle * z - 2.0 * self.rho * z * beyond_line(z)) / (z - self.idle);
        let fall = (-z * n).exp();
        let rest = fall * (self.idle / (z - self.idle)) * self.pairs(n, |_, _| (1.0, 0.0));
        (not * fall - (-z * n).exp_m1() - rest).min(1.0)
    }

    fn ln_tail(&self, n: f64) -> f64 {
        if self.rho == 0.0 || n == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        if n < SHORT && self.rho >= 0.75 {
            return (-self.short(n)).ln_1p();
        }
        if self.rho >= 0.5 && self.decay * n < 0.5 {
            // Nearly all wait longer, and the logarithm's digits are in the complement.
            return (-self.cdf(n)).ln_1p();
        }
        let leading = || (self.idle / (self.decay - self.idle)).ln() - self.decay * n;
        if self.rho >= 0.5 && n >= SHORT {
            return leading() + self.pairs(n, |_, _| (1.0, 0.0)).ln_1p();
        }
        if n >= SHORT && (self.pair(1.0).0 - self.decay) * n > 40.0 {
            return leading();
        }
        self.abel(n)
    }

    /// `p_0` to `p_8`, by the balance of the steps over each level between two departures: positive terms only.
    fn states(&self) -> [f64; 9] {
        // P(at least j arrivals during a service), j = 1 to 9.
        let mut at_least = [0.0; 10];
        let mut term = (-self.rho).exp();
        let none = term;
        let mut exactly = [0.0; 40];
        for (j, slot) in exactly.iter_mut().enumerate() {
            *slot = term;
            term *= self.rho / (j as f64 + 1.0);
        }
        for (j, slot) in at_least.iter_mut().enumerate() {
            *slot = exactly[j..].iter().rev().sum();
        }
        let mut p = [self.idle; 9];
        for n in 1..p.len() {
            let up: f64 = (1..n).map(|i| p[i] * at_least[n - i + 1]).sum();
            p[n] = (self.idle * at_least[n] + up) / none;
        }
        p
    }

    /// Franx's sum for `P(W <= n)`, `n` below eight.
    fn short(&self, n: f64) -> f64 {
        let levels = n.floor() as usize + 1;
        let u = levels as f64 - n;
        let mut up_to = [0.0; 9];
        let mut total = 0.0;
        for (slot, p) in up_to.iter_mut().zip(self.states()) {
            total += p;
            *slot = total;
        }
        let mut weight = 1.0;
        let mut sum = 0.0;
        for j in 0..levels {
            sum += up_to[levels - j] * weight;
            weight *= self.rho * u / (j as f64 + 1.0);
        }
        (-self.rho * u).exp() * sum
    }

    /// The logarithm of the terms of the alternating series past `n`, from the largest one outwards.
    fn abel(&self, n: f64) -> f64 {
        let first = n.floor() + 1.0;
        let ratio = self.rho + self.decay;
        let peak = (n * (ratio / (ratio - 1.0))).ceil().max(first);
        let ln_term = |k: f64| ln_poisson(k, self.rho * (k - n), k * self.idle + self.rho * n);
        let largest = ln_term(peak);
        let mut sum = 1.0;
        for step in [1.0, -1.0] {
            let mut k = peak + step;
            while k >= first {
                let term = (ln_term(k) - largest).exp();
                sum += term;
                if term < 1e-19 * sum {
                    break;
                }
                k += step;
            }
        }
        ln_share(self.idle, self.rho) + largest + f64::ln(sum)
    }

    /// The pairs of complex zeros as a multiple of the real one's residue, each weighted with `weight(Re z, Im z)`.
    fn pairs(&self, n: f64, weight: impl Fn(f64, f64) -> (f64, f64)) -> f64 {
        let mut sum = 0.0;
        let mut k = 1.0;
        while k < 1e4 {
            let (x, y) = self.pair(k);
            let (re, im) = (x - self.idle, y);
            let size = (-(x - self.decay) * n).exp();
            if size == 0.0 {
                // So far out, the angle of the next line may be no number.
                break;
            }
            let (wx, wy) = weight(x, y);
            // Re(w e^(-i y n) / (re + i im))
            let (sin, cos) = (y * n).sin_cos();
            let (a, b) = (wx * cos + wy * sin, wy * cos - wx * sin);
            sum += 2.0 * size * ((a * re + b * im) / (re * re + im * im));
            if size * wx.hypot(wy) < 1e-18 {
                break;
            }
            k += 1.0;
        }
        // Close to full load all pairs together are no more than the distance from it.
        sum * (self.decay - self.idle)
    }

    /// The `k`-th complex zero of `rho (e^z - 1) = z`, as the fixed point of `z = ln((rho + z) / rho) + 2 pi i k`.
    fn pair(&self, k: f64) -> (f64, f64) {
        let turn = 2.0 * PI * k;
        let ln_rho = self.rho.ln();
        let (mut x, mut y) = ((turn + 1.3).ln() - ln_rho, turn + 1.3);
        for _ in 0..20 {
            let (re, im) = (self.rho + x, y);
            let square = re * re + im * im;
            let (fx, fy) = (x - (0.5 * square.ln() - ln_rho), y - im.atan2(re) - turn);
            // Newton: divide by 1 - 1/(rho + z).
            let (dx, dy) = (1.0 - re / square, im / square);
            let norm = dx * dx + dy * dy;
            let (step_x, step_y) = ((fx * dx + fy * dy) / norm, (fy * dx - fx * dy) / norm);
            x -= step_x;
            y -= step_y;
            if step_x.abs() + step_y.abs() <= 1e-12 {
                break;
            }
        }
        (x, y)
    }

    fn quantile(&self, p: f64) -> f64 {
        let late = 1.0 - p;
        // How far p lies past the jump at zero, on the side where the digits are.
        let past = if self.rho < 0.5 {
            self.rho - late
        } else {
            p - self.idle
        };
        if past <= 0.0 {
            return 0.0;
        }
        if p == 1.0 {
            return f64::INFINITY;
        }
        // Up to one service time the distribution is (1 - rho) e^(rho n).
        let early = (past / self.idle).ln_1p() / self.rho;
        if early <= 1.0 {
            return early;
        }
        // Kingman's bound: the tail is below e^(-decay n).
        let ln_late = (-p).ln_1p();
        let end = 1.0 + -ln_late / self.decay;
        if p < 0.5 {
            root::find(1.0, end, |n| self.cdf(n) - p)
        } else {
            root::find(1.0, end, |n| self.ln_tail(n) - ln_late)
        }
    }
}

/// `(e^z - 1 - z) / z = z/2 + z^2/6 + ...`, for `z` up to some two.
fn excess(z: f64) -> f64 {
    z * (0.5 + beyond_line(z))
}

/// `(e^z - 1 - z - z^2/2) / z^2 = z/6 + z^2/24 + ...`, for `z` up to some two.
fn beyond_line(z: f64) -> f64 {
    let mut term = z / 6.0;
    let mut sum = term;
    let mut k = 4.0;
    while term > 1e-18 * sum {
        term *= z / k;
        sum += term;
        k += 1.0;
    }
    sum
}

/// The positive zero of `rho (e^z - 1) = z`. Newton's method from above: the functions are convex.
fn decay(rho: f64, idle: f64) -> f64 {
    if rho == 0.0 {
        return f64::INFINITY;
    }
    if rho < 0.5 {
        let ln_rho = rho.ln();
        let mut z = 2.0 - 2.0 * ln_rho;
        for _ in 0..50 {
            let step = (z - ((rho + z).ln() - ln_rho)) / (1.0 - 1.0 / (rho + z));
            z -= step;
            if step.abs() <= 1e-15 * z {
                break;
            }
        }
        return z;
    }
    // (e^z - 1 - z) / z = idle / rho, in which the load's distance from one keeps its digits.
    let target = idle / rho;
    let mut z = 2.0 * target;
    for _ in 0..50 {
        let value = excess(z);
        // The derivative: (e^z - 1 - (e^z - 1 - z) / z) / z.
        let slope = (z.exp_m1() - value) / z;
        let step = (value - target) / slope;
        z -= step;
        if step.abs() <= 1e-15 * z {
            break;
        }
    }
    z
}
