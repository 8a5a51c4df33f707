//! Response times of a service, in nanoseconds.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, LogNormal};

/// No time is shorter.
pub(crate) const SHORTEST: f64 = 1e3;
/// No time is longer.
pub(crate) const LONGEST: f64 = 50e9;

/// Those of a service that answers half of its requests within 8 ms and one of a hundred in more than 80 ms.
pub(crate) fn service(count: usize, seed: u64) -> Vec<u64> {
    let times = LogNormal::new(8e6_f64.ln(), 1.0).expect("the deviation is finite");
    draw(count, seed, |chance| times.sample(chance))
}

/// So many times of a law, the same for the same seed.
pub(crate) fn draw(
    count: usize,
    seed: u64,
    time: impl Fn(&mut Xoshiro256PlusPlus) -> f64,
) -> Vec<u64> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..count)
        .map(|_| time(&mut chance).clamp(SHORTEST, LONGEST) as u64)
        .collect()
}
