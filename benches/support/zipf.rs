//! Streams of customer ids as a service sees them: a few customers come all the time, most hardly ever.

use rand::SeedableRng;
use rand::distr::Distribution;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::Zipf;

/// The exponent that the cache literature measures with.
const EXPONENT: f64 = 0.99;

/// `requests` ids among `1..=customers`, where the one of rank k comes with a probability proportional to k^-0.99.
///
/// The same seed gives the same stream. The sampler is `rand_distr::Zipf`, by rejection.
pub(crate) fn ids(customers: u32, requests: usize, seed: u64) -> Vec<u32> {
    let zipf = Zipf::new(f64::from(customers), EXPONENT).expect("at least one customer");
    zipf.sample_iter(Xoshiro256PlusPlus::seed_from_u64(seed))
        .take(requests)
        .map(|rank| rank as u32)
        .collect()
}
