//! Formulas as a textbook writes them: right for small numbers, and obviously so.

/// The state probabilities of M/M/c up to `n`, from the balance equations.
pub(crate) fn state_probabilities(lambda: f64, mu: f64, servers: u32, up_to: usize) -> Vec<f64> {
    let mut weights = vec![1.0];
    for k in 1..20_000 {
        let departures = f64::from(servers.min(k)) * mu;
        weights.push(weights[weights.len() - 1] * lambda / departures);
    }
    let total: f64 = weights.iter().rev().sum();
    weights
        .iter()
        .take(up_to + 1)
        .map(|weight| weight / total)
        .collect()
}

/// Erlang B by the sum in its definition.
pub(crate) fn erlang_b(servers: u32, load: f64) -> f64 {
    let mut term = 1.0;
    let mut total = 1.0;
    for k in 1..=servers {
        term *= load / f64::from(k);
        total += term;
    }
    term / total
}

/// The mean of a time from its tail, `E[T]` = integral of `P(T > t)`, by Simpson's rule.
pub(crate) fn mean_from_tail(tail: impl Fn(f64) -> f64, end: f64) -> f64 {
    moment_from_tail(tail, end, |_| 1.0)
}

/// The second moment of a time from its tail: the integral of `2 t P(T > t)`.
pub(crate) fn square_from_tail(tail: impl Fn(f64) -> f64, end: f64) -> f64 {
    moment_from_tail(tail, end, |t| 2.0 * t)
}

fn moment_from_tail(tail: impl Fn(f64) -> f64, end: f64, weight: impl Fn(f64) -> f64) -> f64 {
    let steps = 40_000;
    let h = end / f64::from(steps);
    let mut sum = 0.0;
    for i in 0..=steps {
        let t = f64::from(i) * h;
        let simpson = if i == 0 || i == steps {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        };
        sum += simpson * weight(t) * tail(t);
    }
    sum * h / 3.0
}
