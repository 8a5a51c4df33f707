//! Sums over log-concave weights on a range of whole numbers, from their top outwards.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;

/// The weights of `low..=high`, relative to that of the top: its place, their sum, and first and second moment about the
/// top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unimodal {
    pub(crate) top: f64,
    pub(crate) sum: f64,
    first: f64,
    second: f64,
}

impl Unimodal {
    /// For `ratio(n)`, the weight of `n + 1` over that of `n`, which must not rise with `n`. The range must not be empty.
    ///
    /// It takes some ten steps per standard deviation, and thirty-odd to find the top.
    pub(crate) fn new(low: f64, high: f64, ratio: impl Fn(f64) -> f64) -> Self {
        let (mut a, mut b) = (low, high);
        while b > a {
            let middle = (0.5 * (a + b)).floor();
            if ratio(middle) > 1.0 {
                a = middle + 1.0;
            } else {
                b = middle;
            }
        }
        let top = a;
        let (mut sum, mut first, mut second) = (1.0, 0.0, 0.0);
        let (mut weight, mut n) = (1.0, top);
        while n < high {
            weight *= ratio(n);
            n += 1.0;
            let distance = n - top;
            sum += weight;
            first += distance * weight;
            second += distance * distance * weight;
            if distance * distance * weight <= 1e-20 * second {
                break;
            }
        }
        (weight, n) = (1.0, top);
        while n > low {
            n -= 1.0;
            weight /= ratio(n);
            let distance = n - top;
            sum += weight;
            first += distance * weight;
            second += distance * distance * weight;
            if distance * distance * weight <= 1e-20 * second {
                break;
            }
        }
        Self {
            top,
            sum,
            first,
            second,
        }
    }

    /// The mean distance from `origin`; exact to a small relative error where `origin` is an end of the range.
    pub(crate) fn mean_from(&self, origin: f64) -> f64 {
        (self.top - origin) + self.first / self.sum
    }

    pub(crate) fn variance(&self) -> f64 {
        let mean = self.first / self.sum;
        (self.second / self.sum - mean * mean).max(0.0)
    }
}

/// How far below the largest term, as a logarithm, one no longer counts.
const NEGLIGIBLE: f64 = 45.0;

/// The whole numbers in `[low, high]` between which the terms of a log-concave sequence count.
pub(crate) fn window(low: f64, high: f64, ln_term: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut a, mut b) = (low, high);
    while b - a >= 1.0 {
        let middle = (0.5 * (a + b)).floor();
        if ln_term(middle) < ln_term(middle + 1.0) {
            a = middle + 1.0;
        } else {
            b = middle;
        }
    }
    let top = a.min(high);
    let least = ln_term(top) - NEGLIGIBLE;
    let edge = |mut inside: f64, mut outside: f64| {
        if ln_term(outside) >= least {
            return outside;
        }
        while (outside - inside).abs() > 1.0 {
            let middle = (0.5 * (inside + outside)).floor();
            if ln_term(middle) >= least {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        inside
    };
    (edge(top, low), edge(top, high))
}
