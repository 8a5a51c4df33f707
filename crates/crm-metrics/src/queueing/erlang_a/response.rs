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

use super::ErlangA;
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
        let served_or_not = 2.0 - served;
        self.waiting_time_variance()
            + 2.0 * service * served * waited
            + service * service * served * served_or_not
    }

    /// `E[(V - m)^2 e^(-theta V)] / P(served)`, with `V` the wait offered to the infinitely patient and `m` the mean: the variance of the waiting time of those who are served, those who need not wait included.
    ///
    /// By quadrature, some forty microseconds.
    #[must_use]
    pub fn waiting_time_variance_of_served(&self) -> f64 {
        let theta = self.abandonment_rate;
        let mean = self.mean_waiting_time_of_served();
        let about = |t: f64| (t - mean) * (t - mean) * (-theta * t).exp();
        let waited = self.over_offered_wait(about);
        (waited + self.waits_not * mean * mean) / self.probability_of_service()
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
        let waited = if later < -0.7 {
            let ln_scale = ln_all - self.waiting.ln_from_above() - mu * t;
            let share = self.servers * mu / rate;
            share * ln_scale.exp() * -later.exp_m1()
        } else {
            self.over_begun(t, |v| -theta * v - mu * (t - v), |_| 1.0)
        };
        at_once + self.waits * waited
    }

    /// The integral of the density of the wait offered to those who wait, times `e^more(v)` and `weight(v)`, from zero to `t`.
    fn over_begun(&self, t: f64, more: impl Fn(f64) -> f64, weight: impl Fn(f64) -> f64) -> f64 {
        let (theta, capacity) = (self.abandonment_rate, self.servers * self.service_rate);
        let ln_scale = self.waiting.ln_from_above();
        let f = |v: f64| (self.drift(v) + more(v) - ln_scale).exp() * weight(v);
        // The slope of the exponent, at both ends of which `more` is linear: spare - lambda (1 - e^(-theta v)).
        let tilt = (more(t) - more(0.0)) / t;
        let rising = (self.arrival_rate / (capacity - tilt)).ln() / theta;
        let top = if rising > 0.0 { rising.min(t) } else { 0.0 };
        let scale = (1.0 / theta).min(1.0 / capacity.sqrt() / theta.sqrt());
        let mut sum = 0.0;
        for far in [t - top, -top] {
            let mut width = far;
            let least = (0.5 * scale).min(far.abs() / 16.0);
            for _ in 0..60 {
                if width.abs() <= least {
                    break;
                }
                let panel = |d: f64| f(top + d);
                sum += quadrature::integrate(0.5 * width, width, 1, panel).abs();
                width *= 0.5;
            }
            sum += quadrature::integrate(0.0, width, 1, |d| f(top + d)).abs();
        }
        sum * capacity
    }
}
