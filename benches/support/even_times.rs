//! Times that nothing foresees.

use rand_distr::{Distribution, Uniform};

use super::response_times::{LONGEST, SHORTEST, draw};

/// Spread evenly over the magnitudes from 1 us to 50 s, in nanoseconds.
pub(crate) fn even(count: usize, seed: u64) -> Vec<u64> {
    let magnitudes = Uniform::new(SHORTEST.ln(), LONGEST.ln()).expect("the ends are in order");
    draw(count, seed, |chance| magnitudes.sample(chance).exp())
}
