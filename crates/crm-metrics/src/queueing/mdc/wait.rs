//! The distribution of the wait in M/D/c, by a double contour integral.
//!
//! With `X` the number waiting and `k D - u` the time, `0 < u <= D`, Franx (2001) has `P(W_q > k D - u) = P(X + N >= k c)`, `N` Poisson of mean
//! `lambda u`. With `phi(z) = e^(a (z - 1)) / z^c` and `rho_c = c / a` the middle of the ring in which `phi < 1`, that is
//!
//! ```text
//!              1    /   G(z) phi(z)^k  - lambda t (z - 1)
//! P(W_q > t) = ---- |  -------------- e                   dz,       G = E[z^X]
//!              2 pi i /      z - 1
//!
//!          e^Q(z)               1    /                        z - 1
//! G(z) = ----------,   Q(z) = ------ |  ln(1 - phi(y)) ------------------ dy
//!        1 - phi(z)           2 pi i /                 (y - 1) (z - y)
//! ```
//!
//! `Q` is Spitzer's identity as an integral. Its contour is the circle `|y| = c/a` of the means, bent inwards by a fixed angle on the scale
//! of the ring, so that it keeps away from the outer one. That is A. Talbot's (1979), `z = R w (cot w + i)`, on which `phi` and the exponential
//! both fall; it crosses the real axis at the saddle point `R` between `c/a` and the pole `r` of `G`, so that nothing cancels in a tail
//! however thin. Where the pole alone decides, its residue is the tail: `e^Q(r) e^(-lambda t (r - 1)) / ((a - c/r) (r - 1))`. In very thin tails
//! the next poles, the zeros of `1 - phi`, are added up one by one.

use super::{Complex, Mdc, ln_share};
use crate::check;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::root;
use crate::queueing::poisson::deviance;
use core::f64::consts::PI;

/// The distance of the points; the nearest singularities lie `pi / 8` off the line, so that the error is some `e^(-pi^2 / (4 step))`.
const STEP: f64 = 0.06;

/// By how much the inner contour bends away.
const BEND: f64 = PI / 8.0;

/// At most so many points on the half of the inner contour: the logarithm of the largest scale over the step, and some hundred.
const MOST: usize = 1024;

/// Terms that are smaller than the largest one by `e` to this are left off.
const NEGLIGIBLE: f64 = 42.0;

impl Mdc {
    /// `P(W_q <= t)`: the probability of waiting at most `t`.
    ///
    /// The error is some 1e-15 of one, not of the result, where that is small. For the cost see [`ln_waiting_time_tail`](Self::ln_waiting_time_tail).
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn waiting_time_cdf(&self, t: f64) -> f64 {
        if t == 0.0 {
            return self.waits_not;
        }
        -self.ln_waiting_time_tail(t).exp_m1()
    }

    /// `P(W_q > t)`: the probability of waiting longer than `t`. For the cost see [`ln_waiting_time_tail`](Self::ln_waiting_time_tail).
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::Mdc;
    ///
    /// // Ten presses at a load of 90 %: who waits for more than one and a half services?
    /// let presses = Mdc::new(9.0, 1.0, 10)?;
    /// assert!((presses.waiting_time_tail(1.5) - 0.032_564_493_642_081_3).abs() < 1e-14);
    /// # Ok::<(), crm_metrics::queueing::ModelError>(())
    /// ```
    #[must_use]
    pub fn waiting_time_tail(&self, t: f64) -> f64 {
        self.ln_waiting_time_tail(t).exp()
    }

    /// `ln P(W_q > t)`, finite where the probability itself underflows. Without arrivals it is negative infinity.
    ///
    /// The relative error of the tail is below 1e-12, and some `x` units in the last place for a tail of `e^-x`. Where the leading exponential decides,
    /// which is from some `20 D / sqrt(c)` on at high load, it takes some ten to forty microseconds; before, up to a tenth of a millisecond, whatever
    /// `c`; for tails thinner than `e^-1000` more, as the square root of the exponent.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn ln_waiting_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        if t == 0.0 || self.waits == 0.0 && self.ln_waits == f64::NEG_INFINITY {
            return self.ln_waits;
        }
        if t == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        Contours::new(self).ln_tail(t / self.service_time).min(0.0)
    }

    /// The waiting time that a share `p` of requests does not exceed, or zero when `p` is at most the share that need not wait.
    ///
    /// It takes some ten evaluations of the tail, unless the leading exponential decides.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn waiting_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        let ln_late = (-p).ln_1p();
        if p <= self.waits_not || self.ln_waits <= ln_late {
            return 0.0;
        }
        if p == 1.0 {
            return f64::INFINITY;
        }
        let contours = Contours::new(self);
        let leading = (contours.ln_residue - ln_late) / contours.decay;
        if leading >= contours.late {
            return self.service_time * leading;
        }
        let excess = |n: f64| contours.ln_tail(n) - ln_late;
        let mut high = leading.max(1.0 / f64::from(self.servers));
        while excess(high) > 0.0 {
            high *= 2.0;
        }
        let mut low = 0.5 * high;
        while low > 1e-300 && excess(low) <= 0.0 {
            (low, high) = (0.5 * low, low);
        }
        self.service_time * root::find(low, high, |n| -excess(n))
    }

    /// `P(W <= t) = P(W_q <= t - D)`: the probability of a response within `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        self.waiting_time_cdf(t - self.service_time)
    }

    /// `P(W > t) = P(W_q > t - D)`: the probability of a response later than `t`.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        self.waiting_time_tail(t - self.service_time)
    }

    /// `D` plus the [quantile of the waiting time](Self::waiting_time_quantile): the response time that a share `p` of requests
    /// does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite, unless nobody waits.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        self.service_time + self.waiting_time_quantile(p)
    }
}

/// Everything in the variable `x = z / (c/a) - 1`, which is zero in the middle of the ring and `-idle` at `z = 1`.
struct Contours {
    servers: f64,
    idle: f64,
    /// `-ln phi` in the middle.
    exponent: f64,
    /// Points on the circle and what they weigh in `Q`.
    circle: [Point; MOST],
    points: usize,
    /// The pole of `G`.
    pole: f64,
    /// Per `D`, the leading exponential falls by `e^-decay`, from `ln_residue`; from `late` on it is all there is.
    decay: f64,
    ln_residue: f64,
    late: f64,
}

#[derive(Clone, Copy)]
struct Point {
    place: Complex,
    /// The imaginary parts of the weight and of the weight times the conjugate place.
    weight: f64,
    moment: f64,
}

impl Contours {
    fn new(model: &Mdc) -> Self {
        let c = f64::from(model.servers);
        let (idle, rho) = (model.spare / c, model.utilisation());
        let exponent = c * deviance(rho, idle);
        let pole = pole(exponent / c);
        let nothing = Point {
            place: Complex(0.0, 0.0),
            weight: 0.0,
            moment: 0.0,
        };
        let mut contours = Self {
            servers: c,
            idle,
            exponent,
            circle: [nothing; MOST],
            points: 0,
            pole,
            decay: c * (idle + pole),
            ln_residue: 0.0,
            late: 0.0,
        };
        contours.lay_circle();
        let at_pole = contours.spitzer(Complex(pole, 0.0)).0;
        // (a - c/r) dz is c x / (1 + x) dx, and z - 1 is idle + x in the same unit.
        let slope = c * pole / (1.0 + pole);
        contours.ln_residue = at_pole - (slope * (idle + pole)).ln();
        contours.late = NEGLIGIBLE / (c * (contours.next_pole() - pole));
        contours
    }

    fn lay_circle(&mut self) {
        let nearer = (self.pole / (2.0 + self.pole)).min(self.idle / (2.0 - self.idle));
        let narrow = nearer.min(1.0 / self.servers.sqrt());
        let mut largest = 0.0_f64;
        for (j, slot) in self.circle.iter_mut().enumerate() {
            let (place, slope) = Stretch::new(narrow, STEP).bent(j);
            let ln_phi = ln_phi(self.servers, self.exponent, place);
            let log = ln_share(0.0, ln_phi.0, ln_phi.1);
            let from_one = Complex(self.idle + place.0, place.1);
            let half = if j == 0 { 0.5 } else { 1.0 };
            let weight = log.times(slope).times(from_one.inverse()).scaled(-half);
            let conjugate = Complex(place.0, -place.1);
            *slot = Point {
                place,
                weight: weight.1,
                moment: weight.times(conjugate).1,
            };
            self.points = j + 1;
            let size = weight.size() / place.size().max(narrow);
            largest = largest.max(size);
            if size <= 1e-19 * largest {
                break;
            }
        }
    }

    /// `Q(z)`, for `z` outside of the circle.
    fn spitzer(&self, x: Complex) -> Complex {
        let mut sum = Complex(0.0, 0.0);
        for point in &self.circle[..self.points] {
            let here = Complex(x.0 - point.place.0, x.1 - point.place.1);
            let there = Complex(x.0 - point.place.0, x.1 + point.place.1);
            let above = Complex(point.weight * x.0 - point.moment, point.weight * x.1);
            sum = sum.plus(above.times(here.times(there).inverse()));
        }
        let from_one = Complex(self.idle + x.0, x.1);
        sum.times(from_one).scaled(STEP / PI)
    }

    /// The real part of the pole next to the real one: `ln phi = 2 pi i`.
    fn next_pole(&self) -> f64 {
        let c = self.servers;
        let turn = (self.exponent / c, 2.0 * PI / c);
        // x = sqrt(2 (...)) close by, and x = ln(1 + x) + ... far off.
        let size = (2.0 * turn.0.hypot(turn.1)).sqrt();
        let angle = 0.5 * turn.1.atan2(turn.0);
        let mut x = Complex::turned(size, angle);
        for _ in 0..60 {
            let (lag, one) = (lag(x), Complex(1.0 + x.0, x.1));
            let off = Complex(lag.0 - turn.0, lag.1 - turn.1);
            let step = off.times(one).times(x.inverse());
            x = Complex(x.0 - step.0, x.1 - step.1);
            if step.size() <= 1e-12 * x.size() {
                break;
            }
        }
        x.0
    }

    /// All residues, as a multiple of that at the real pole.
    fn poles(&self, n: f64) -> f64 {
        let c = self.servers;
        let residue = |x: Complex| {
            let from_one = Complex(self.idle + x.0, x.1);
            let one = Complex(1.0 + x.0, x.1);
            let queue = self.spitzer(x);
            let queue = Complex::turned(queue.0.exp(), queue.1);
            queue.times(one).times(x.times(from_one).inverse())
        };
        let first = residue(Complex(self.pole, 0.0)).0;
        let stretch = 1.0 + self.pole;
        let mut sum = 1.0;
        let mut y = Complex(0.0, 0.0);
        for j in 1.. {
            // With x = pole + (1 + pole) y the equation is pole y + y - ln(1 + y) = 2 pi i j / c.
            let turn = 2.0 * PI * f64::from(j) / c;
            let slope = |y: Complex| {
                let share = y.times(Complex(1.0 + y.0, y.1).inverse());
                Complex(self.pole + share.0, share.1)
            };
            y = y.plus(Complex(0.0, 2.0 * PI / c).times(slope(y).inverse()));
            for _ in 0..30 {
                let lag = lag(y);
                let off = Complex(self.pole * y.0 + lag.0, self.pole * y.1 + lag.1 - turn);
                let step = off.times(slope(y).inverse());
                y = Complex(y.0 - step.0, y.1 - step.1);
                if step.size() <= 1e-13 * y.size() {
                    break;
                }
            }
            let fall = Complex::turned((-c * n * stretch * y.0).exp(), -c * n * stretch * y.1);
            let x = Complex(self.pole + stretch * y.0, stretch * y.1);
            let term = residue(x).times(fall).scaled(2.0 / first);
            sum += term.0;
            if term.size() <= 1e-17 {
                break;
            }
        }
        sum
    }

    /// `ln P(W_q > n D)`.
    fn ln_tail(&self, n: f64) -> f64 {
        let c = self.servers;
        if n >= self.late {
            return self.ln_residue - self.decay * n;
        }
        let k = n.floor() + 1.0;
        let real = |x: f64| c * (x * deviance_share(x)) - self.exponent;
        // The slope of the integrand's logarithm, but for Q.
        let slope = |x: f64| {
            let (ln, steepness) = (real(x), c * x / (1.0 + x));
            let odds = (-ln).exp_m1();
            steepness / odds + k * steepness - c * n - 1.0 / (self.idle + x)
        };
        let saddle = root::find(self.pole * 1e-3, self.pole * (1.0 - 1e-9), slope);
        let to_pole = (self.pole - saddle) / (2.0 + 2.0 * saddle);
        let to_one = (self.idle + saddle) / (2.0 + 2.0 * saddle);
        let narrow = to_pole.min(to_one).min(1.0 / (k * c).sqrt());
        // Where the pole keeps the contour from the saddle point of the other factors, these vary faster along it, and the next poles, which lie
        // on a parabola, come close.
        let drift = c * n - k * c * saddle / (1.0 + saddle);
        let varies = drift.abs() / (2.0 * k * c).sqrt();
        let close = ((self.pole - saddle) / self.pole).sqrt();
        let step = STEP.min(close / 5.0).min(0.45 / varies);
        // So thin a tail has fewer poles that count than the contour has points.
        if close < 0.1 && (self.late / n).sqrt() * step < 10.0 {
            return self.ln_residue - self.decay * n + self.poles(n).ln();
        }
        let stretch = Stretch::new(narrow, step);
        let largest = k * real(saddle) - c * n * (self.idle + saddle);
        let (mut sum, mut most) = (0.0, 0.0_f64);
        for j in 0.. {
            let (place, slope) = stretch.talbot(j);
            let x = Complex(saddle + (1.0 + saddle) * place.0, (1.0 + saddle) * place.1);
            let ln = ln_phi(c, self.exponent, x);
            let grown = Complex(
                k * ln.0 - c * n * (self.idle + x.0) - largest,
                k * ln.1 - c * n * x.1,
            );
            let size = Complex::turned(grown.0.exp(), grown.1);
            let queue = self.spitzer(x);
            let queue = Complex::turned(queue.0.exp(), queue.1);
            let rest = one_less(ln).inverse();
            let from_one = Complex(self.idle + x.0, x.1).inverse();
            let term = size.times(queue).times(rest).times(from_one).times(slope);
            let half = if j == 0 { 0.5 } else { 1.0 };
            sum += half * term.1;
            most = most.max(term.size());
            if term.size() <= 1e-18 * most {
                break;
            }
        }
        largest + (sum * (1.0 + saddle) * step / PI).ln()
    }
}

/// `tan(w/2) = narrow sinh(v)` for the angle `w`; from where all scales are passed, `v` runs on exponentially.
struct Stretch {
    narrow: f64,
    step: f64,
    end: f64,
}

impl Stretch {
    fn new(narrow: f64, step: f64) -> Self {
        let end = (2.0 / narrow).ln() + 4.0;
        Self { narrow, step, end }
    }

    /// `v` at the `j`-th point, and its slope in the running variable.
    fn pace(&self, j: usize) -> (f64, f64) {
        let s = j as f64 * self.step;
        let (ahead, behind) = ((s - self.end).exp(), (-s - self.end).exp());
        (s + (ahead - behind), 1.0 + ahead + behind)
    }

    /// `e^(i w) - 1` at the `j`-th point, for `v` off the real line by `BEND`, and its slope.
    fn bent(&self, j: usize) -> (Complex, Complex) {
        let (v, pace) = self.pace(j);
        let (sin, cos) = BEND.sin_cos();
        let (sinh, cosh) = (self.narrow * v.sinh(), self.narrow * v.cosh());
        let t = Complex(sinh * cos, cosh * sin);
        // 2 i t / (1 - i t), and its slope 2 i t' / (1 - i t)^2.
        let inverse = Complex(1.0 + t.1, -t.0).inverse();
        let place = Complex(-2.0 * t.1, 2.0 * t.0).times(inverse);
        let turned = Complex(-2.0 * sinh * sin, 2.0 * cosh * cos);
        (place, turned.times(inverse).times(inverse).scaled(pace))
    }

    /// `w (cot w + i) - 1` at the `j`-th point, and its slope.
    fn talbot(&self, j: usize) -> (Complex, Complex) {
        let (v, pace) = self.pace(j);
        let t = self.narrow * v.sinh();
        let w = 2.0 * t.atan();
        let pace = pace * 2.0 * self.narrow * v.cosh() / (1.0 + t * t);
        let (re, slope) = if w < 0.1 {
            let s = w * w;
            let re = 1.0 / 3.0
                + s * (1.0 / 45.0 + s * (2.0 / 945.0 + s * (1.0 / 4725.0 + s * 2.0 / 93555.0)));
            let slope = 2.0 / 3.0
                + s * (4.0 / 45.0 + s * (12.0 / 945.0 + s * (8.0 / 4725.0 + s * 20.0 / 93555.0)));
            (-s * re, -w * slope)
        } else {
            let (cot, sine) = ((1.0 - t * t) / (2.0 * t), 2.0 * t / (1.0 + t * t));
            (w * cot - 1.0, cot - w / sine / sine)
        };
        (Complex(re, w), Complex(slope, 1.0).scaled(pace))
    }
}

/// `ln phi = c (x - ln(1 + x)) - exponent`.
fn ln_phi(c: f64, exponent: f64, x: Complex) -> Complex {
    let lag = lag(x);
    Complex(c * lag.0 - exponent, c * lag.1)
}

/// `x - ln(1 + x)`.
fn lag(x: Complex) -> Complex {
    if x.size() > 0.35 {
        let (re, im) = (1.0 + x.0, x.1);
        return Complex(x.0 - re.hypot(im).ln(), x.1 - im.atan2(re));
    }
    // With u = x / (2 + x), x u - 2 u (u^2/3 + u^4/5 + ...).
    let u = x.times(Complex(2.0 + x.0, x.1).inverse());
    let square = u.times(u);
    let mut sum = Complex(0.0, 0.0);
    let mut power = square;
    let mut odd = 3.0;
    while power.size() > 1e-18 * square.size() && power.size() > 0.0 {
        sum = sum.plus(power.scaled(1.0 / odd));
        power = power.times(square);
        odd += 2.0;
    }
    u.times(Complex(x.0 - 2.0 * sum.0, x.1 - 2.0 * sum.1))
}

/// `(x - ln(1 + x)) / x`, for real `x > 0`.
fn deviance_share(x: f64) -> f64 {
    lag(Complex(x, 0.0)).0 / x
}

/// `1 - e^(re + i im)`.
fn one_less(ln: Complex) -> Complex {
    let sine = (0.5 * ln.1).sin();
    let size = ln.0.exp();
    Complex(2.0 * sine * sine * size - ln.0.exp_m1(), -size * ln.1.sin())
}

/// The positive zero of `x - ln(1 + x) = height`.
fn pole(height: f64) -> f64 {
    // x^2 / (2 + 4x/3) < x - ln(1 + x) < x^2/2, and below x.
    let low = (2.0 * height).sqrt();
    let high = 2.0 * (low + height) + 1.0;
    let high = if low < 0.1 { 2.0 * low } else { high };
    root::find(low, high, |x| x * deviance_share(x) - height)
}

#[cfg(test)]
mod tests {
    use super::{Contours, Mdc};

    /// The poles one by one and the contours, from where these take as many points.
    #[test]
    fn poles_are_what_the_contours_find() {
        let mut compared = 0;
        for (rho, c) in [(0.5, 12), (0.3, 40), (0.8, 60), (0.6, 200)] {
            let model = Mdc::new(rho * f64::from(c), 1.0, c).unwrap();
            let contours = Contours::new(&model);
            for n in [0.9, 1.0, 1.7, 3.3] {
                let poles = contours.ln_residue - contours.decay * n + contours.poles(n).ln();
                let found = contours.ln_tail(n);
                let allowed = 1e-12 * found.abs().max(1.0);
                assert!(
                    (found - poles).abs() < allowed,
                    "{rho} {c} {n}: {found:e} {poles:e}"
                );
                compared += usize::from(n < contours.late);
            }
        }
        assert!(compared > 10, "{compared}");
    }

    /// The contours and the residue alone agree where one takes over from the other.
    #[test]
    fn no_jump_where_the_pole_takes_over() {
        for (rho, c) in [
            (0.2, 1),
            (0.9, 1),
            (0.999_999, 1),
            (0.6, 3),
            (0.99, 8),
            (0.7, 12),
            (0.9, 50),
            (0.999, 1_000),
            (0.999_999, 1_000_000),
        ] {
            let model = Mdc::new(rho * f64::from(c), 1.0, c).unwrap();
            let contours = Contours::new(&model);
            let late = contours.late;
            let residue = contours.ln_residue - contours.decay * late;
            let before = contours.ln_tail(late * (1.0 - 1e-15));
            assert!(
                (before - residue).abs() < 1e-12 * residue.abs().max(1.0),
                "{rho} {c} at {late}: {before:e} {residue:e}"
            );
        }
    }
}
