//! The steady state of any small Markov chain in continuous time.

use crate::error::ParamError;
use alloc::vec;
use alloc::vec::Vec;

/// The steady state of the chain with these rates: the share of time spent in each state.
///
/// `rates[i][j]` is the rate from state `i` to state `j`; the diagonal is not read, so that a generator matrix may be handed in as it is.
///
/// # Formula
///
/// The `p` with `p Q = 0` and sum one, by elimination without a subtraction, so that each
/// probability, however small, is right to nearly all its digits. It takes some `n^3 / 3` steps for `n` states.
///
/// States that are left for ever get zero.
///
/// Source: W. K. Grassmann, M. I. Taksar and D. P. Heyman, "Regenerative Analysis and Steady State Distributions for Markov Chains", Operations
/// Research 33, 1985.
///
/// # Errors
///
/// [`ParamError`] when there is no state, a row is not as long as there are rows, a rate is negative or not finite, or
/// the chain has more than one set of states that is never left, so that its steady state depends on where it starts.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::steady_state;
///
/// // Up, degraded, down.
/// let p = steady_state(&[[0.0, 0.01, 0.001], [0.5, 0.0, 0.02], [0.1, 0.0, 0.0]])?;
/// assert!((p[0] * 0.011 - (p[1] * 0.5 + p[2] * 0.1)).abs() < 1e-16);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn steady_state(rates: &[impl AsRef<[f64]>]) -> Result<Vec<f64>, ParamError> {
    let n = rates.len();
    if n == 0 {
        return Err(ParamError::new("rates", 0.0, "have at least one state"));
    }
    for (i, row) in rates.iter().enumerate() {
        let row = row.as_ref();
        if row.len() != n {
            return Err(ParamError::new(
                "rates",
                row.len() as f64,
                "have rows as long as there are rows",
            ));
        }
        for (j, &rate) in row.iter().enumerate() {
            if i != j {
                crate::check::not_negative("rates", rate)?;
            }
        }
    }
    let states = closed_set(rates)?;
    let m = states.len();
    let mut q: Vec<Vec<f64>> = states
        .iter()
        .map(|&i| states.iter().map(|&j| rates[i].as_ref()[j]).collect())
        .collect();
    // From the last state on: what it sends on is shared among the earlier ones.
    for k in (1..m).rev() {
        let leaves: f64 = q[k][..k].iter().sum();
        let last = q[k].clone();
        for row in &mut q[..k] {
            row[k] /= leaves;
            let factor = row[k];
            for (to, &rate) in row[..k].iter_mut().zip(&last[..k]) {
                *to += factor * rate;
            }
        }
    }
    let mut weights = vec![1.0];
    let mut total = 1.0;
    for k in 1..m {
        let weight: f64 = weights
            .iter()
            .zip(&q)
            .map(|(weight, row)| weight * row[k])
            .sum();
        weights.push(weight);
        total += weight;
    }
    let mut probabilities = vec![0.0; n];
    for (&state, weight) in states.iter().zip(weights) {
        probabilities[state] = weight / total;
    }
    Ok(probabilities)
}

/// The states that are visited for ever, or an error when there is more than one such set.
fn closed_set(rates: &[impl AsRef<[f64]>]) -> Result<Vec<usize>, ParamError> {
    let n = rates.len();
    let reached_from = |start: usize| {
        let mut seen = vec![false; n];
        let mut open = vec![start];
        seen[start] = true;
        while let Some(i) = open.pop() {
            for (j, &rate) in rates[i].as_ref().iter().enumerate() {
                if i != j && rate > 0.0 && !seen[j] {
                    seen[j] = true;
                    open.push(j);
                }
            }
        }
        seen
    };
    // Of the states reached from a state, one that reaches the fewest is in a closed set.
    let mut best = reached_from(0);
    loop {
        let count = best.iter().filter(|&&seen| seen).count();
        let smaller = (0..n)
            .filter(|&i| best[i])
            .map(reached_from)
            .find(|seen| seen.iter().filter(|&&seen| seen).count() < count);
        match smaller {
            Some(seen) => best = seen,
            None => break,
        }
    }
    // Everybody must be able to get there.
    let target = best.iter().position(|&seen| seen).unwrap_or(0);
    if (0..n).all(|i| reached_from(i)[target]) {
        Ok((0..n).filter(|&i| best[i]).collect())
    } else {
        let must = "lead to a single set of states that is never left";
        Err(ParamError::new("rates", n as f64, must))
    }
}
