//! Sums of `r^j` times the distribution of `j + 1` exponential stages: the wait behind a geometric line of limited length.
//!
//! `P(Erlang(j + 1) > t)` is the probability that a Poisson variable of mean `t` is at most `j`, so that the sum is one over
//! Poisson probabilities times partial geometric sums. All terms are positive, and only some `sqrt(t)` of them count.

use super::erlang_sums::ErlangSums;
use super::poisson::ln_poisson;
use super::truncated_geometric::TruncatedGeometric;

/// Terms that are smaller than the largest one by `e` to this are left off.
const NEGLIGIBLE: f64 = 45.0;

/// `ln` of the sum over `j < n` of `r^j P(Erlang(j + 1) > t)`, with `r = e^-decay` and stages of rate one.
pub(crate) fn ln_later(n: f64, decay: f64, t: f64) -> f64 {
    if n == 0.0 || t == f64::INFINITY {
        return f64::NEG_INFINITY;
    }
    if t == 0.0 {
        return TruncatedGeometric::new(n - 1.0, decay).ln_sum();
    }
    // (e^(-t (1 - r)) Q(n, r t) - r^n Q(n, t)) / (1 - r), as long as that is no difference of equals.
    let r = (-decay).exp();
    let one_less = -(-decay).exp_m1();
    let here = -t * one_less + ErlangSums::new(n, r * t, n - r * t).ln_gamma_q();
    let there = -n * decay + ErlangSums::new(n, t, n - t).ln_gamma_q();
    // Under heavy overload the first one is itself a difference of large numbers.
    let known = decay >= 0.0 || 1e-3 * r * t < here.abs().max(1.0);
    if known && (here - there).abs() > 0.2 {
        let (more, less) = if here > there {
            (here, there)
        } else {
            (there, here)
        };
        return more + (-(less - more).exp()).ln_1p() - one_less.abs().ln();
    }
    let ln_term = |i: f64| {
        ln_poisson(i, t, i - t) - i * decay + TruncatedGeometric::new(n - 1.0 - i, decay).ln_sum()
    };
    let (first, last) = window(0.0, n - 1.0, ln_term);
    // Downwards, so that the partial sums grow; they are kept relative to their largest term, the first or the last.
    let falls = decay >= 0.0;
    let scale = |i: f64| if falls { 0.0 } else { (n - 1.0 - i) * -decay };
    let mut rest = (TruncatedGeometric::new(n - 1.0 - last, decay).ln_sum() - scale(last)).exp();
    let mut power = (-(n - 1.0 - last) * decay.abs()).exp();
    let base = ln_poisson(last, t, last - t) - last * decay + scale(last);
    let (mut weight, mut sum, mut i) = (1.0, rest, last);
    while i > first {
        if falls {
            weight *= i / t / r;
            rest = 1.0 + r * rest;
        } else {
            weight *= i / t;
            power /= r;
            rest += power;
        }
        i -= 1.0;
        sum += weight * rest;
    }
    base + sum.ln()
}

/// `ln` of the sum over `j < n` of `r^j P(Erlang(j + 1) <= t)`.
pub(crate) fn ln_earlier(n: f64, decay: f64, t: f64) -> f64 {
    if n == 0.0 || t == 0.0 {
        return f64::NEG_INFINITY;
    }
    let all = TruncatedGeometric::new(n - 1.0, decay).ln_sum();
    if t == f64::INFINITY {
        return all;
    }
    let later = ln_later(n, decay, t) - all;
    if later < -0.7 {
        return all + (-later.exp()).ln_1p();
    }
    let ln_term =
        |i: f64| ln_poisson(i, t, i - t) + TruncatedGeometric::new(i.min(n) - 1.0, decay).ln_sum();
    let far = n.max(t) + 60.0 + 12.0 * n.max(t).sqrt();
    let (first, last) = window(1.0, far, ln_term);
    let r = (-decay).exp();
    // Upwards; the partial sums are kept relative to their largest term, the first or the last.
    let falls = decay >= 0.0;
    let scale = |i: f64| {
        if falls {
            0.0
        } else {
            -(i.min(n) - 1.0) * decay
        }
    };
    let mut rest =
        (TruncatedGeometric::new(first.min(n) - 1.0, decay).ln_sum() - scale(first)).exp();
    let mut power = (-first.min(n) * decay).exp();
    let base = ln_poisson(first, t, first - t) + scale(first);
    let (mut weight, mut sum, mut i) = (1.0, rest, first);
    while i < last {
        i += 1.0;
        weight *= t / i;
        if i <= n {
            if falls {
                rest += power;
                power *= r;
            } else {
                rest = 1.0 + rest / r;
                weight *= r;
            }
        }
        sum += weight * rest;
    }
    base + sum.ln()
}

/// The whole numbers in `[low, high]` between which the terms of a log-concave sequence count.
pub(super) fn window(low: f64, high: f64, ln_term: impl Fn(f64) -> f64) -> (f64, f64) {
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
