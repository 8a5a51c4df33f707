//! Response times of a service, in nanoseconds.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, LogNormal, Uniform};

const SHORTEST: f64 = 1e3;
const LONGEST: f64 = 50e9;

/// Spread evenly over the magnitudes from 1 us to 50 s: the next time is foreseen by nothing.
pub(crate) fn even(count: usize, seed: u64) -> Vec<u64> {
    let magnitudes = Uniform::new(SHORTEST.ln(), LONGEST.ln()).expect("the ends are in order");
    draw(count, seed, |chance| magnitudes.sample(chance).exp())
}

/// Those of a service that answers half of its requests within 8 ms and one of a hundred in more than 80 ms.
pub(crate) fn service(count: usize, seed: u64) -> Vec<u64> {
    let times = LogNormal::new(8e6_f64.ln(), 1.0).expect("the deviation is finite");
    draw(count, seed, |chance| times.sample(chance))
}

fn draw(count: usize, seed: u64, time: impl Fn(&mut Xoshiro256PlusPlus) -> f64) -> Vec<u64> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..count)
        .map(|_| time(&mut chance).clamp(SHORTEST, LONGEST) as u64)
        .collect()
}
