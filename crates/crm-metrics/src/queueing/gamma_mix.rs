//! Sums of `r^j` times the distribution of `j + 1` exponential stages: the wait behind a geometric line of limited length.
//!
//! `P(Erlang(j + 1) > t)` is the probability that a Poisson variable of mean `t` is at most `j`, so that the sums are
//! differences of incomplete gamma functions, divided by `1 - r`. In terms of the two sums behind them (`F` and `1 + T` of
//! [`ErlangSums`]) and with `pois` for the Poisson probability of `n` at mean `t` they are
//!
//! ```text
//! sum of r^j P(Erlang(j+1) > t)  = r^n pois (F(n, r t) - F(n, t)) / (1 - r)
//! sum of r^j P(Erlang(j+1) <= t) = r^n pois ((e^x - 1) F(n, r t) + e^x (1 + T(n, r t)) - (1 + T(n, t))) / (1 - r),  x = t (1 - r)
//! ```
//!
//! Each difference keeps its sign over all `r`. Where it is one of nearly equal terms it is a Taylor series of few
//! terms, whose coefficients are integrals of positive functions: `F(n, a) = n` times the integral of `e^(-a u) (1 + u)^(n-1)` over all
//! positive `u`, and `e^-a (1 + T(n, a)) = n` times that of `e^(-a v) v^(n-1)` from zero to one.
//!
//! All functions here are relative to `r^n` where `r` is above one, since this largest weight alone may leave `f64`.

use super::erlang_sums::ErlangSums;
use super::poisson::deviance;
use super::truncated_geometric::TruncatedGeometric;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// Relative differences up to this one are series.
const NEAR: f64 = 0.2;

/// The terms of such a series, each at most about [`NEAR`] times the one before.
const TERMS: u32 = 28;

/// Where the quotients of its coefficients begin as an approximation, to be exact where they count.
const AHEAD: u32 = 200;

/// No line that `f64` can count takes so many mean times of a stage.
const ENDLESS: f64 = 1e200;

/// Up to so many stages they are added up one by one: the beginning above then is too near to be forgotten.
const FEW: f64 = 4000.0;

/// `ln` of the sum over `j < n` of `r^j P(Erlang(j + 1) > t)`, with `r = e^-decay` and stages of rate one.
pub(crate) fn ln_later(n: f64, decay: f64, t: f64) -> f64 {
    if n == 0.0 || t > ENDLESS {
        f64::NEG_INFINITY
    } else if t == 0.0 {
        ln_all(n, decay)
    } else {
        Mix::new(n, decay, t).ln_later()
    }
}

/// `ln` of the sum over `j < n` of `(r e^stretch)^j P(Erlang(j + 1) <= t)`, relative to `r^n`, not to a power of what is summed.
pub(crate) fn ln_earlier(n: f64, decay: f64, stretch: f64, t: f64) -> f64 {
    if n == 0.0 || t == 0.0 {
        return f64::NEG_INFINITY;
    }
    let (lift, decay) = (n * (-decay).max(0.0), decay - stretch);
    let over = if decay >= 0.0 {
        0.0
    } else if lift > 0.0 {
        n * stretch
    } else {
        -n * decay
    };
    let all = ln_all(n, decay);
    if t > ENDLESS {
        return all + over;
    }
    let mix = Mix::new(n, decay, t);
    let later = mix.ln_later() - all;
    if later < -0.7 {
        return all + over + (-later.exp()).ln_1p();
    }
    // Whichever way the smaller numbers cancel.
    let (ln_thinned, ln_poisson) = if mix.x >= 0.0 || mix.x.abs() + lift < over {
        let shift = -mix.x - lift;
        (
            mix.thinned.ln_gamma_q() + shift,
            mix.thinned.ln_poisson() + shift,
        )
    } else {
        let ln_poisson = mix.ln_power + mix.here.ln_poisson();
        (mix.ln_thinned() + over, ln_poisson + over)
    };
    mix.ln_earlier(ln_thinned, ln_poisson)
}

/// `ln` of the sum over `j < n` of `r^j` times the Poisson probability of `j` at mean `t`.
pub(crate) fn ln_thinned(n: f64, decay: f64, t: f64) -> f64 {
    Mix::new(n, decay, t).ln_thinned()
}

/// `ln` of the sum over `j < n` of `r^j`.
fn ln_all(n: f64, decay: f64) -> f64 {
    // Above one from the other end, without r^n itself.
    TruncatedGeometric::new(n - 1.0, decay.abs()).ln_sum() + decay.min(0.0)
}

/// What the sums are made of.
struct Mix {
    n: f64,
    decay: f64,
    t: f64,
    /// `r`, `1 - r`, and `x = t (1 - r)`.
    ratio: f64,
    one_less: f64,
    x: f64,
    /// `ln r^n`, less what all results are relative to.
    ln_power: f64,
    /// At the mean `t`, and at `r t`.
    here: ErlangSums,
    thinned: ErlangSums,
}

impl Mix {
    fn new(n: f64, decay: f64, t: f64) -> Self {
        let ratio = (-decay).exp();
        let one_less = -(-decay).exp_m1();
        let mean = (ratio * t).min(1e300);
        Self {
            n,
            decay,
            t,
            ratio,
            one_less,
            x: t * one_less,
            ln_power: -n * decay.max(0.0),
            here: ErlangSums::new(n, t, n - t),
            thinned: ErlangSums::new(n, mean, n - mean),
        }
    }

    fn ln_later(&self) -> f64 {
        let (ln_q, apart) = (self.here.ln_gamma_q(), self.ln_below_apart());
        if apart.abs() <= NEAR {
            return self.ln_power + ln_q + self.below_series().ln();
        }
        let larger = if apart > 0.0 { self.ln_thinned() } else { ln_q };
        larger + (-(-apart.abs()).exp_m1() / self.one_less.abs()).ln()
    }

    /// From `e^-x Q(n, r t)` and `r^n pois`, where it is the smaller part of all: there `t` is not far above `n`.
    fn ln_earlier(&self, ln_thinned: f64, ln_poisson: f64) -> f64 {
        let x = self.x;
        let share = |y: f64| if y == 0.0 { 1.0 } else { -(-y).exp_m1() / y };
        let ln_first = ln_thinned + x.max(0.0) + share(x.abs()).ln();
        let rest = if x.abs() <= NEAR {
            self.above_series().ln()
        } else {
            let above = self.here.ln_from_above();
            // Far above a load of one the first two are huge, and of their sum only pois over P(n, r t) is left.
            let lifted = if x < self.n * self.decay {
                self.thinned.ln_gamma_p() - self.here.ln_poisson() + self.n * self.decay
            } else {
                x + self.thinned.ln_from_above()
            };
            let apart = lifted - above;
            above + apart.max(0.0) + (-(-apart.abs()).exp_m1() / x.abs()).ln()
        };
        let ln_rest = ln_poisson + rest;
        let (more, less) = if ln_first > ln_rest {
            (ln_first, ln_rest)
        } else {
            (ln_rest, ln_first)
        };
        self.t.ln() + more + (less - more).exp().ln_1p()
    }

    /// `ln` of `r^n pois F(n, r t) = e^-x Q(n, r t)`.
    fn ln_thinned(&self) -> f64 {
        if self.x >= 0.0 {
            self.thinned.ln_gamma_q() - self.x
        } else if self.ratio * self.t < self.n {
            self.thinned.ln_gamma_q() + self.ln_poisson_apart()
        } else {
            self.here.ln_poisson() + self.thinned.ln_below()
        }
    }

    /// `ln F(n, r t) - ln F(n, t)`.
    fn ln_below_apart(&self) -> f64 {
        if self.t.max(self.ratio * self.t) < self.n {
            // Both functions are about one over the Poisson probability, and that may leave f64.
            self.thinned.ln_gamma_q() - self.here.ln_gamma_q() + self.ln_poisson_apart()
        } else {
            self.thinned.ln_below() - self.here.ln_below()
        }
    }

    /// `ln` of the Poisson probability of `n` at mean `t` over that at `r t`, `-n ln r - x`, from what is small in it.
    fn ln_poisson_apart(&self) -> f64 {
        (self.n - self.t) * self.one_less + self.n * deviance(self.ratio, self.one_less)
    }

    /// `t (F(n, t - x) / F(n, t) - 1) / x` by its Taylor series.
    ///
    /// With `f_k` for the `k`-th coefficient, `t (k+1) f_(k+1) = (n + k - t) f_k + f_(k-1)`. Beyond `n` that is a difference, and soon
    /// wrong by as much as another solution grows; there the quotients of neighbours follow from those further on, or, for
    /// small `n`, the terms of `F` are added up.
    fn below_series(&self) -> f64 {
        let (n, t, x) = (self.n, self.t, self.x);
        let below = self.here.below();
        let mut sum = 0.0;
        if t - n <= 2.0 * t.sqrt() {
            // Whole terms t f_k x^(k-1), since f_k alone leaves f64 where t is small; x / t is 1 - r.
            let (mut before, mut term) = (t, (n - t) + n / below);
            for k in 1..TERMS {
                let k = f64::from(k);
                sum += term;
                let next = self.one_less * ((n + k - t) * term + before) / (k + 1.0);
                (before, term) = (x * term, next);
            }
            return sum;
        }
        if n < FEW {
            let (mut weight, mut powers, mut i) = (1.0, 0.0, n);
            while i > 0.0 {
                weight *= i / t;
                powers = (powers + 1.0) / self.ratio;
                let term = weight * powers;
                sum += term;
                if term < 1e-17 * sum {
                    break;
                }
                i -= 1.0;
            }
            return sum / below;
        }
        let mut quotient = 0.0;
        for k in (1..=AHEAD).rev() {
            let k = f64::from(k);
            let (linear, square) = (t - n - k, t * (k + 1.0));
            quotient = if k == f64::from(AHEAD) || linear <= 0.0 {
                // As if it were the same for all.
                2.0 / (linear + (linear * linear + 4.0 * square).sqrt())
            } else {
                1.0 / (linear + square * quotient)
            };
            if k < f64::from(TERMS) {
                sum = quotient * (1.0 + x * sum);
            }
        }
        t * sum
    }

    /// `(e^x (1 + T(n, t - x)) - (1 + T(n, t))) / x` by its Taylor series, with the coefficients `n / (n + k) (1 + T(n + k, t)) / k!`.
    fn above_series(&self) -> f64 {
        const TERMS: i32 = 13;
        let far = self.n + f64::from(TERMS);
        let mut above = 1.0 + ErlangSums::new(far, self.t, far - self.t).above();
        let mut sum = 0.0;
        for k in (1..TERMS).rev() {
            let (at, k) = (self.n + f64::from(k), f64::from(k));
            above = 1.0 + self.t / (at + 1.0) * above;
            sum = (self.n / at * above + self.x * sum) / k;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, ln_earlier, ln_later, ln_thinned};
    use crate::queueing::poisson::ln_poisson;
    use alloc::vec;

    fn ln_add(a: f64, b: f64) -> f64 {
        let (more, less) = if a > b { (a, b) } else { (b, a) };
        if less == f64::NEG_INFINITY {
            more
        } else {
            more + (less - more).exp().ln_1p()
        }
    }

    /// All three sums term by term, in logarithms relative to `r^n` where `r` is above one.
    fn by_terms(n: u32, decay: f64, t: f64) -> [f64; 3] {
        let far = f64::from(n).max(t) + 12.0 * f64::from(n).max(t).sqrt() + 60.0;
        let poisson = |i: u32| ln_poisson(f64::from(i), t, f64::from(i) - t);
        let mut at_least = vec![f64::NEG_INFINITY];
        for i in (1..far as u32).rev() {
            let rest = at_least[at_least.len() - 1];
            at_least.push(ln_add(rest, poisson(i)));
        }
        at_least.reverse();
        let mut sums = [f64::NEG_INFINITY; 3];
        let mut at_most = f64::NEG_INFINITY;
        for j in 0..n {
            let weight = if decay < 0.0 {
                f64::from(n - j) * decay
            } else {
                -f64::from(j) * decay
            };
            at_most = ln_add(at_most, poisson(j));
            let terms = [at_most, at_least[j as usize], poisson(j)];
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum = ln_add(*sum, weight + term);
            }
        }
        sums
    }

    #[test]
    fn as_term_by_term() {
        let few = FEW as u32;
        let mut compared = 0;
        for n in [1, 2, 7, 60, 400, few - 1, few, 9_000] {
            let mean = f64::from(n);
            let spread = mean.sqrt();
            for decay in [
                0.0,
                1e-12,
                -1e-9,
                0.3 / mean,
                -0.7 / spread,
                0.05 / spread,
                0.4,
                -0.4,
                3.0,
                -3.0,
            ] {
                for away in [
                    -0.999,
                    -0.5,
                    -3.0 / spread,
                    -0.3 / spread,
                    0.0,
                    1.9 / spread,
                    2.1 / spread,
                    6.0 / spread,
                    1.0,
                ] {
                    let t = mean * (1.0 + away);
                    if t <= 0.0 {
                        continue;
                    }
                    let [later, earlier, thinned] = by_terms(n, decay, t);
                    for (name, got, expected) in [
                        ("later", ln_later(n.into(), decay, t), later),
                        ("earlier", ln_earlier(n.into(), decay, 0.0, t), earlier),
                        ("thinned", ln_thinned(n.into(), decay, t), thinned),
                    ] {
                        // Below the smallest normal number no probability is left.
                        if expected > -700.0 {
                            let off = (got - expected).abs();
                            assert!(
                                off < 1e-13 + 2e-15 * expected.abs(),
                                "{name}, n {n}, decay {decay}, t {t}: {got} for {expected}, {off:e}"
                            );
                            compared += 1;
                        }
                    }
                }
            }
        }
        assert!(compared > 1_500, "{compared}");
    }

    /// A stretch is a part of the ratio, and what the result is relative to is not stretched.
    #[test]
    fn stretched() {
        for (n, decay, stretch) in [
            (50, 0.2, 0.1),
            (50, 0.1, 0.4),
            (50, -0.1, 0.4),
            (3_000, -1e-5, 0.7),
            (3_000, 0.0, 1e-3),
        ] {
            for t in [0.1, 10.0, 40.0, 2_900.0, 1e9] {
                let (n, stretched) = (f64::from(n), decay - stretch);
                let relative = |decay: f64| n * decay.min(0.0);
                let expected =
                    ln_earlier(n, stretched, 0.0, t) + relative(decay) - relative(stretched);
                let got = ln_earlier(n, decay, stretch, t);
                assert!(
                    (got - expected).abs() < 1e-15 * n + 1e-12,
                    "{n} {decay} {stretch} {t}: {got} for {expected}"
                );
            }
        }
    }
}
