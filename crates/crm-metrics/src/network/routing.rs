//! How often each station is visited, from routing probabilities.
//!
//! The equations `v = v P` are solved by the elimination of Grassmann, Taksar and Heyman (1985), which adds, multiplies and divides positive
//! numbers only: however rarely a request leaves, no digit is lost.

use super::error::{NetworkError, at};
use crate::error::ParamError;
use alloc::vec;
use alloc::vec::Vec;

/// What is left of a row of probabilities, with the rounding of its sum: nothing at all when it is as small as the rounding of the entries.
pub(super) fn exit_probability(row: &[f64]) -> f64 {
    let (mut rest, mut lost) = (1.0_f64, 0.0_f64);
    for &p in row {
        let next = rest - p;
        // What the subtraction dropped.
        let part = if rest.abs() >= p {
            (rest - next) - p
        } else {
            (-p - next) + rest
        };
        lost += part;
        rest = next;
    }
    let exit = rest + lost;
    if exit.abs() <= 8.0 * f64::EPSILON {
        0.0
    } else {
        exit
    }
}

/// Refuses what is no matrix of routing probabilities between `stations`.
pub(super) fn check(routing: &[Vec<f64>], stations: usize) -> Result<(), NetworkError> {
    if routing.len() != stations {
        let value = routing.len() as f64;
        let error = ParamError::new("routing", value, "have one row for each station");
        return Err(error.into());
    }
    for (station, row) in routing.iter().enumerate() {
        let refuse = at(station);
        if row.len() != stations {
            let value = row.len() as f64;
            let error = ParamError::new("routing", value, "have one probability for each station");
            return Err(refuse(error));
        }
        if let Some(&bad) = row.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            let error = ParamError::new("routing", bad, "hold probabilities");
            return Err(refuse(error));
        }
        if exit_probability(row) < 0.0 {
            let error = ParamError::new("routing", row.iter().sum(), "sum to at most one in a row");
            return Err(refuse(error));
        }
    }
    Ok(())
}

/// The rates at which stations are visited, given the arrival rates from outside.
pub(super) fn open_rates(external: &[f64], routing: &[Vec<f64>]) -> Result<Vec<f64>, NetworkError> {
    // The outside is one more state, numbered zero, and visited once per unit of time.
    let size = external.len() + 1;
    let mut matrix = vec![vec![0.0; size]; size];
    matrix[0][1..].copy_from_slice(external);
    for (row, probabilities) in matrix[1..].iter_mut().zip(routing) {
        row[0] = exit_probability(probabilities);
        row[1..].copy_from_slice(probabilities);
    }
    let mut visits =
        stationary(matrix).map_err(|state| NetworkError::Trapped { station: state - 1 })?;
    visits.remove(0);
    Ok(visits)
}

/// The numbers of visits in a closed network for one visit to station zero.
pub(super) fn closed_visits(routing: &[Vec<f64>]) -> Result<Vec<f64>, NetworkError> {
    for (station, row) in routing.iter().enumerate() {
        if exit_probability(row) != 0.0 {
            let error = ParamError::new("routing", row.iter().sum(), "sum to one in a row");
            return Err(at(station)(error));
        }
    }
    stationary(routing.to_vec()).map_err(|station| NetworkError::Trapped { station })
}

/// A solution of `v = v M` with `v_0 = 1`, for rates `M` between states; the diagonal does not count. Fails with a state that is reached
/// and never left.
pub(super) fn stationary(mut matrix: Vec<Vec<f64>>) -> Result<Vec<f64>, usize> {
    let size = matrix.len();
    for k in (1..size).rev() {
        let (before, rest) = matrix.split_at_mut(k);
        let gone = &rest[0];
        let out: f64 = gone[..k].iter().sum();
        let reached = before.iter().any(|row| row[k] > 0.0);
        if out == 0.0 && reached {
            return Err(k);
        }
        for row in before.iter_mut().filter(|row| row[k] > 0.0) {
            row[k] /= out;
            let share = row[k];
            for (to, from) in row[..k].iter_mut().zip(gone) {
                *to += share * from;
            }
        }
    }
    let mut visits = vec![0.0; size];
    visits[0] = 1.0;
    for k in 1..size {
        visits[k] = (0..k).map(|i| visits[i] * matrix[i][k]).sum();
    }
    Ok(visits)
}
