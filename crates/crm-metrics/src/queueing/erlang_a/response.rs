//! How long a request stays in Erlang A: waiting and service of those who are served, and the stay of all.
//!
//! With `V` the wait offered to the infinitely patient, of density `f`, what is beyond the wait is
//!
//! ```text
//! P(in service at t) = (1 - P(wait)) e^(-mu t)  +  integral from 0 to t of f(v) e^(-theta v) e^(-mu (t - v)) dv
//! ```
//!
//! The integral is a difference of two incomplete gamma functions of order `((c - 1) mu + theta) / theta`. Where these are nearly equal, and for
//! the distribution where it is small, the integral itself is summed, by the same quadrature as the mean waits.

use super::{ErlangA, lag};
use crate::check;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::quadrature;
use crate::queueing::erlang_sums::ErlangSums;
use crate::queueing::quantile;

impl ErlangA {
    /// `W_q + P(served) / mu`: the mean time from arrival to departure of all, whether they leave served or give up.
    #[must_use]
    pub fn mean_response_time(&self) -> f64 {
        self.mean_waiting_time() + self.probability_of_service() / self.service_rate
    }

    /// The mean waiting time of those who are served, plus `1 / mu`: their mean time from arrival to departure.
    #[must_use]
    pub fn mean_response_time_of_served(&self) -> f64 {
        self.mean_waiting_time_of_served() + 1.0 / self.service_rate
    }

    /// The variance of the time from arrival to departure of all, whether they leave served or give up.
    ///
    /// By quadrature, some forty microseconds.
    ///
    /// Source: a service is independent of the wait before it, so that the mean square is that of the wait, and for the share that is served `2 / mu`
    /// times their mean wait and `2 / mu^2` more.
    #[must_use]
    pub fn response_time_variance(&self) -> f64 {
        let (service, served) = (1.0 / self.service_rate, self.probability_of_service());
        let wait = self.mean_waiting_time();
        let waited = self.mean_waiting_time_of_served() - wait;
        let services = 2.0 * waited + service * (2.0 - served);
        // More than f64 holds is more than the last term could take away from it.
        let variance = self.waiting_time_variance() + service * served * services;
        if variance.is_nan() {
            f64::INFINITY
        } else {
            variance
        }
    }

    /// `E[(V - m)^2 e^(-theta V)] / P(served)`, with `V` the wait offered to the infinitely patient and `m` the mean: the variance of the waiting time of those who are served, those who need not wait included.
    ///
    /// By quadrature, some forty microseconds.
    #[must_use]
    pub fn waiting_time_variance_of_served(&self) -> f64 {
        let theta = self.abandonment_rate;
        let mean = self.mean_waiting_time_of_served();
        // In units of the patience, so that no square leaves f64 by itself.
        let square = |t: f64| (theta * (t - mean)) * (theta * (t - mean));
        let waited = self.over_offered_wait(|t| square(t) * (-theta * t).exp());
        let spread = waited + self.waits_not * square(0.0);
        spread / self.probability_of_service() / theta / theta
    }

    /// The variance of the waiting time of those who are served, plus `1 / mu^2`: that of their response time.
    #[must_use]
    pub fn response_time_variance_of_served(&self) -> f64 {
        let service = 1.0 / self.service_rate;
        self.waiting_time_variance_of_served() + service * service
    }

    /// `P(W > t)`: the probability of staying longer than `t`, from arrival until served or until giving up.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::ErlangA;
    ///
    /// // Agents who are as quick as callers are impatient: everybody leaves at the same rate, in line or in service.
    /// let desk = ErlangA::new(8.0, 0.5, 12, 0.5)?;
    /// assert!((desk.response_time_tail(3.0) - (-1.5_f64).exp()).abs() < 1e-15);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    #[must_use]
    pub fn response_time_tail(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        (self.waiting_time_tail(t) + self.in_service(t)).min(1.0)
    }

    /// `P(W <= t)`: the probability of staying at most `t`, from arrival until served or until giving up.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let tail = self.response_time_tail(t);
        if tail < 0.5 {
            return 1.0 - tail;
        }
        let (mu, theta) = (self.service_rate, self.abandonment_rate);
        let at_once = self.waits_not * -(-mu * t).exp_m1();
        if self.waits == 0.0 {
            return at_once;
        }
        // Who is offered more than t gives up before t, or stays; who is offered less gives up, or is served.
        let given_up = -(-theta * t).exp_m1() * self.survival(t, &self.later(t));
        let ended = |v: f64| 1.0 - (-theta * v).exp() * (-mu * (t - v)).exp();
        let rest = self.over_begun(t, |_| 0.0, ended);
        at_once + self.waits * (given_up + rest)
    }

    /// The time that a share `p` of requests does not stay longer than, from arrival until served or until giving up.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile(&self, p: f64) -> f64 {
        check::probability(p);
        let unit = 1.0 / self.service_rate;
        quantile::find(
            p,
            unit,
            |t| self.response_time_cdf(t),
            |t| self.response_time_tail(t).ln(),
        )
    }

    /// `P(W > t | served)`: of those who are served, the share that is answered later than `t` after its arrival.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::ErlangA;
    ///
    /// // Garnett, Mandelbaum and Reiman's desk: one caller in seven who gets through is on the phone for more than two minutes.
    /// let desk = ErlangA::new(48.0, 1.0, 50, 0.5)?;
    /// assert!((desk.response_time_tail_of_served(2.0) - 0.144_498_251_864_994).abs() < 1e-14);
    /// assert!((desk.response_time_quantile_of_served(0.99) - 4.7).abs() < 0.1);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    #[must_use]
    pub fn response_time_tail_of_served(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 1.0 };
        let later = self.served_later_than(t) + self.in_service(t);
        (later / self.probability_of_service()).min(1.0)
    }

    /// `P(W <= t | served)`: of those who are served, the share that is answered within `t` of its arrival.
    ///
    /// # Panics
    ///
    /// When `t` is NaN.
    #[must_use]
    pub fn response_time_cdf_of_served(&self, t: f64) -> f64 {
        let Some(t) = check::time(t) else { return 0.0 };
        let tail = self.response_time_tail_of_served(t);
        if tail < 0.5 {
            return 1.0 - tail;
        }
        let (mu, theta) = (self.service_rate, self.abandonment_rate);
        let at_once = self.waits_not * -(-mu * t).exp_m1();
        let answered = |v: f64| -(-mu * (t - v)).exp_m1();
        let waited = self.waits * self.over_begun(t, |v| -theta * v, answered);
        (at_once + waited) / self.probability_of_service()
    }

    /// The response time that a share `p` of those who are served does not exceed.
    ///
    /// # Panics
    ///
    /// When `p` is not between zero and one. At one the result is infinite.
    #[must_use]
    pub fn response_time_quantile_of_served(&self, p: f64) -> f64 {
        check::probability(p);
        let unit = 1.0 / self.service_rate;
        quantile::find(
            p,
            unit,
            |t| self.response_time_cdf_of_served(t),
            |t| self.response_time_tail_of_served(t).ln(),
        )
    }

    /// The probability that a request is in service `t` after its arrival.
    fn in_service(&self, t: f64) -> f64 {
        let (mu, theta) = (self.service_rate, self.abandonment_rate);
        let at_once = self.waits_not * (-mu * t).exp();
        if self.waits == 0.0 || t == f64::INFINITY {
            return at_once;
        }
        let rate = (self.servers - 1.0).mul_add(mu, theta);
        let order = rate / theta;
        let gap = (self.spare - mu + theta) / theta;
        let x = self.arrival_rate / theta;
        let ln_all = ErlangSums::new(order, x, gap).ln_from_above();
        let given_up = -(-theta * t).exp_m1();
        let sums = ErlangSums::new(order, x * (-theta * t).exp(), gap + x * given_up);
        let ln_later = self.drift(t) - theta * t + mu * t + sums.ln_from_above();
        let later = ln_later - ln_all;
        if later.is_nan() {
            // So long a time that its product with a rate is infinite: nobody is left.
            return at_once;
        }
        // Logarithms beyond this one have lost digits that their difference needs.
        let waited = if later < -0.7 && (self.spare >= 0.0 || ln_all < 100.0) {
            let ln_scale = ln_all - self.waiting.ln_from_above() - mu * t;
            let share = self.servers * mu / rate;
            share * ln_scale.exp() * -later.exp_m1()
        } else {
            self.over_begun(t, |v| -theta * v - mu * (t - v), |_| 1.0)
        };
        at_once + self.waits * waited
    }

    /// The integral of the density of the wait offered to those who wait, times `e^more(v)` and `weight(v)`, from zero to `t`.
    ///
    /// `more` is linear; `weight` is between zero and one, and changes towards `t` on the scale of a service.
    fn over_begun(&self, t: f64, more: impl Fn(f64) -> f64, weight: impl Fn(f64) -> f64) -> f64 {
        const NOTHING: f64 = -100.0;
        if t == 0.0 {
            return 0.0;
        }
        let (theta, capacity) = (self.abandonment_rate, self.servers * self.service_rate);
        // With overload the density's logarithm is a difference of large numbers, but not from its top on.
        let (peak, whole) = if self.spare < 0.0 {
            self.offered_peak()
        } else {
            (0.0, 0.0)
        };
        let ln_scale = if peak > 0.0 {
            whole.ln()
        } else {
            self.waiting.ln_from_above() - capacity.ln()
        };
        let exponent = |v: f64| {
            let density = if peak > 0.0 {
                -capacity * (v - peak) * lag(theta * (v - peak))
            } else {
                self.drift(v)
            };
            density + more(v) - ln_scale
        };
        // The slope of the exponent: lambda e^(-theta v) - c mu + tilt.
        let tilt = (more(t) - more(0.0)) / t;
        let rising = (self.arrival_rate / (capacity - tilt)).ln() / theta;
        let top = if rising > 0.0 { rising.min(t) } else { 0.0 };
        let slope = self.arrival_rate * (-theta * top).exp() - (capacity - tilt);
        let scale = (1.0 / theta)
            .min(1.0 / capacity.sqrt() / theta.sqrt())
            .min(1.0 / slope.abs())
            .min(1.0 / self.service_rate);
        let highest = exponent(top);
        // Panels from `from` to `to` that halve towards `from`, which is nearer to the top where that is told.
        let graded = |from: f64, to: f64, falling: bool, least: f64| {
            let panel = |low: f64, high: f64| {
                let nearest = if falling { low } else { high };
                if exponent(from + nearest) - highest < NOTHING {
                    return 0.0;
                }
                let f = |d: f64| exponent(from + d).exp() * weight(from + d);
                quadrature::integrate(low, high, 1, f).abs()
            };
            let (mut sum, mut width) = (0.0, to - from);
            for _ in 0..100 {
                if width.abs() <= least {
                    break;
                }
                sum += panel(0.5 * width, width);
                width *= 0.5;
            }
            sum + panel(0.0, width)
        };
        let mut sum = 0.0;
        if top > 0.0 {
            sum += graded(top, 0.0, true, (0.5 * scale).min(top / 16.0));
        }
        if top < t {
            let middle = 0.5 * (top + t);
            let far = t - middle;
            sum += graded(top, middle, true, (0.5 * scale).min(far / 16.0));
            sum += graded(t, middle, false, (0.5 / self.service_rate).min(far));
        }
        sum
    }
}
