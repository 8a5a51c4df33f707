//! M/D/c: several servers, one line, Poisson arrivals, a constant service time.
//!
//! Looked at every `D`, the number waiting is a random walk reflected at zero, whose steps are a Poisson number less `c`. By
//! Spitzer's identity its cumulants are `sum over l of E[h(S_l - l c)] / l`, over the Poisson number `S_l` of mean `l a`. Near
//! saturation these sums do not end, and the `c` roots of the textbook cancel where little is left to wait for. Pollaczek's contour
//! integral does neither:
//!
//! ```text
//!  1    /                               c    a (z - 1)
//! ---   |  - ln(1 - phi(z)) K(z) dz,   z  phi(z) = e        ,   |z| = c/a
//! 2 pi i /
//! ```
//!
//! On this circle `phi` is largest, and real, at `z = c/a`, halfway between its two poles of `1 / (1 - phi)`. With
//! `z = (c/a) e^(i w)` and `tan(w/2) = e sinh(v)`, `e` the distance to the nearer pole or the width of `phi`, whichever is smaller,
//! the integrand falls off at both scales, and the trapezoidal rule in `v` converges geometrically, for any `c` and any load.

use super::poisson::deviance;
use crate::check;
use crate::error::{ModelError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use core::f64::consts::PI;

mod wait;

/// The distance of the points of the trapezoidal rule: the singularities lie at least `pi / 4` off the line, so that the
/// error is about `e^(-2 pi (pi / 4) / step)`.
const STEP: f64 = 0.1;

/// M/D/c: `c` servers behind one line, Poisson arrivals, every request takes the same time, first come, first served.
///
/// Symbols: `lambda` is the arrival rate, `D` the service time, `c` the number of servers, `a = lambda D` the offered load and `rho = a / c`
/// the utilisation. With one server, [`Md1`](super::Md1) is quicker, and has the state probabilities too.
///
/// The relative error is below 1e-12 at any load and any number of servers; where results underflow, the logarithm of the
/// probability of waiting goes on. The constructor evaluates an integral at some hundreds of points, whatever `c`.
///
/// The probabilities of single states are not told; `P(W_q > (k - 1) D)` is that of `k c` or more in the system.
///
/// Source: F. Pollaczek 1930 and C. D. Crommelin 1932; F. Spitzer, Transactions of the AMS 82, 1956.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::Mdc;
///
/// let presses = Mdc::new(9.0, 1.0, 10)?;
/// assert!((presses.mean_waiting_time() - 0.344_582_050_379_681_1).abs() < 1e-14);
/// # Ok::<(), crm_metrics::queueing::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mdc {
    arrival_rate: f64,
    service_time: f64,
    servers: u32,
    /// `c - a`.
    spare: f64,
    /// `P(W_q > 0)`, its complement and its logarithm.
    waits: f64,
    waits_not: f64,
    ln_waits: f64,
    /// `W_q` and the square root of `Var[W_q]`, in units of `D`.
    wait: f64,
    deviation: f64,
}

impl Mdc {
    /// `servers` (`c`) that take `arrival_rate` (`lambda`) requests per unit of time, each of which keeps one of them busy for
    /// exactly `service_time` (`D`).
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` is negative or not finite, `service_time` not between 1e-290 and 1e290, or
    /// `servers` zero; [`ModelError::Unstable`] when `arrival_rate` is not below `servers / service_time`.
    pub fn new(arrival_rate: f64, service_time: f64, servers: u32) -> Result<Self, ModelError> {
        let arrival_rate = check::not_negative("arrival_rate", arrival_rate)?;
        let service_time = check::scale("service_time", service_time)?;
        let c = check::servers(servers)?;
        let spare = (-arrival_rate).mul_add(service_time, c);
        if spare <= 0.0 {
            return Err(Unstable {
                offered: arrival_rate,
                stable_below: c / service_time,
            }
            .into());
        }
        let model = Self {
            arrival_rate,
            service_time,
            servers,
            spare,
            waits: 0.0,
            waits_not: 1.0,
            ln_waits: f64::NEG_INFINITY,
            wait: 0.0,
            deviation: 0.0,
        };
        let rho = arrival_rate * service_time / c;
        if rho == 0.0 {
            return Ok(model);
        }
        let integrals = Integrals::new(c, rho, spare / c);
        // J = sum of P(S_l >= l c) / l; nobody waits with probability e^-J.
        let ln_j = integrals.waits.ln() - integrals.exponent;
        let j = ln_j.exp();
        let scale = (-integrals.exponent).exp();
        Ok(Self {
            waits: -(-j).exp_m1(),
            waits_not: (-j).exp(),
            ln_waits: if j < 1e-3 {
                ln_j + (j * (j / 24.0) - 0.5 * j)
            } else {
                (-(-j).exp()).ln_1p()
            },
            wait: scale * integrals.mean / c,
            deviation: (-0.5 * integrals.exponent).exp() * (2.0 * integrals.square).sqrt() / c,
            ..model
        })
    }

    /// `lambda`: arrivals per unit of time.
    #[must_use]
    pub const fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// `D`: the service time.
    #[must_use]
    pub const fn service_time(&self) -> f64 {
        self.service_time
    }

    /// `c`: the number of servers.
    #[must_use]
    pub const fn servers(&self) -> u32 {
        self.servers
    }

    /// `a = lambda D`: the offered load in erlangs, which is also the mean number of busy servers.
    #[must_use]
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate * self.service_time
    }

    /// `rho = a / c`: the share of time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.offered_load() / f64::from(self.servers)
    }

    /// The probability that an arriving request has to wait, all servers being busy.
    #[must_use]
    pub const fn probability_of_waiting(&self) -> f64 {
        self.waits
    }

    /// The probability that an arriving request need not wait, exact where nearly all wait.
    #[must_use]
    pub const fn probability_of_not_waiting(&self) -> f64 {
        self.waits_not
    }

    /// The natural logarithm of the [probability of waiting](Self::probability_of_waiting), finite where that underflows. Without
    /// arrivals it is negative infinity.
    #[must_use]
    pub const fn ln_probability_of_waiting(&self) -> f64 {
        self.ln_waits
    }

    /// `L_q`: the mean number waiting, those in service not counted.
    #[must_use]
    pub fn mean_in_queue(&self) -> f64 {
        self.offered_load() * self.wait
    }

    /// `L = a + L_q`: the mean number in the system.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.offered_load() + self.mean_in_queue()
    }

    /// `W_q`: the mean time from arrival to the begin of service.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        self.service_time * self.wait
    }

    /// `W = D + W_q`: the mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        self.service_time + self.mean_waiting_time()
    }

    /// The variance of the waiting time, and of the response time too.
    #[must_use]
    pub fn waiting_time_variance(&self) -> f64 {
        let deviation = self.service_time * self.deviation;
        deviation * deviation
    }

    /// `L_q + lambda^2 Var[W_q]`: the variance of the number waiting.
    #[must_use]
    pub fn in_queue_variance(&self) -> f64 {
        let deviation = self.offered_load() * self.deviation;
        self.mean_in_queue() + deviation * deviation
    }

    /// The [variance of the waiting time](Self::waiting_time_variance), the service time having none: that of the response time.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        self.waiting_time_variance()
    }

    /// `a` more than the [variance of the number waiting](Self::in_queue_variance): that of the number in the system.
    ///
    /// Source: those present are those who waited a service time ago, and a Poisson number that came since.
    #[must_use]
    pub fn in_system_variance(&self) -> f64 {
        self.offered_load() + self.in_queue_variance()
    }
}

/// Three of Pollaczek's integrals, each less its factor `e^-exponent`, which may underflow.
struct Integrals {
    /// `-ln phi(c/a)`.
    exponent: f64,
    /// With the kernels `1/(z-1)`, and `1/(z-1)^2` and `1/(z-1)^3` over powers of `rho`.
    waits: f64,
    mean: f64,
    square: f64,
}

impl Integrals {
    /// With `idle = 1 - rho` handed in exactly.
    fn new(c: f64, rho: f64, idle: f64) -> Self {
        let exponent = c * deviance(rho, idle);
        let narrow = (idle / (1.0 + rho)).min(1.0 / c.sqrt());
        let mut sums = [0.0; 3];
        let mut step = 0.0;
        loop {
            let v = step * STEP;
            let (t, slope) = (narrow * v.sinh(), narrow * v.cosh());
            let square = 1.0 + t * t;
            // w = 2 atan t, its cosine less one, its sine, and dw.
            let (w, versed, sine) = (2.0 * t.atan(), 2.0 * (t * t / square), 2.0 * t / square);
            let half = if step == 0.0 { 0.5 } else { 1.0 };
            let weight = half * 2.0 * slope / square;
            let f = ln_share(exponent, -c * versed, -c * sine_lag(w, sine));
            let unit = Complex(1.0 - versed, sine);
            let inverse = Complex(idle - versed, sine).inverse();
            let mut term = f.times(unit).times(inverse);
            let mut small = true;
            for sum in &mut sums {
                *sum += weight * term.0;
                small &= weight * term.size() <= 1e-19 * sum.abs();
                term = term.times(inverse);
            }
            if small {
                break;
            }
            step += 1.0;
        }
        let [waits, mean, square] = sums.map(|sum| sum * STEP / PI);
        Self {
            exponent,
            waits,
            mean,
            square,
        }
    }
}

/// `-ln(1 - phi) e^exponent`, for `phi = e^(-exponent + re + i im)`.
fn ln_share(exponent: f64, re: f64, im: f64) -> Complex {
    let ratio = Complex::turned(re.exp(), im);
    let x = re - exponent;
    let phi = Complex::turned(x.exp(), im);
    if x < -4.0 {
        // phi (1 + phi/2 + phi^2/3 + ...), as a multiple of phi.
        let mut sum = Complex(0.0, 0.0);
        for k in (1..=12).rev() {
            sum = sum.times(phi);
            sum.0 += 1.0 / f64::from(k);
        }
        return ratio.times(sum);
    }
    let sine = (0.5 * im).sin();
    let real = 2.0 * sine * sine * x.exp() - x.exp_m1();
    let size = real * real + phi.1 * phi.1;
    let scale = exponent.exp();
    Complex(-0.5 * size.ln() * scale, -(-phi.1).atan2(real) * scale)
}

/// `w - sin w`, with the sine handed in.
fn sine_lag(w: f64, sine: f64) -> f64 {
    if w.abs() > 0.5 {
        return w - sine;
    }
    let square = w * w;
    let mut term = w * square / 6.0;
    let mut sum = 0.0;
    let mut k = 4.0;
    while term.abs() > 1e-18 * f64::abs(sum) {
        sum += term;
        term *= -square / (k * (k + 1.0));
        k += 2.0;
    }
    sum
}

/// A complex number.
#[derive(Clone, Copy, Debug)]
struct Complex(f64, f64);

impl Complex {
    fn turned(size: f64, angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self(size * cos, size * sin)
    }

    fn times(self, other: Self) -> Self {
        Self(
            self.0 * other.0 - self.1 * other.1,
            self.0 * other.1 + self.1 * other.0,
        )
    }

    fn inverse(self) -> Self {
        let square = self.0 * self.0 + self.1 * self.1;
        Self(self.0 / square, -self.1 / square)
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }

    fn scaled(self, factor: f64) -> Self {
        Self(factor * self.0, factor * self.1)
    }

    fn size(self) -> f64 {
        self.0.abs() + self.1.abs()
    }
}
