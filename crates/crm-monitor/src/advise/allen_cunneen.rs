//! The built-in model: the wait of GI/G/c from two moments.

use super::load::Load;
use super::predict::{Predict, Prediction};

/// The built-in model: Allen's and Cunneen's approximation of the mean wait in GI/G/c.
///
/// ```text
/// W = C(c, a) S / (c (1 - rho)) (ca2 + cs2) / 2,     a = lambda S,   rho = a / c,
///
/// C(c, a) = B / (1 - rho (1 - B)),   B = B_c,   B_0 = 1,   B_k = a B_{k-1} / (k + a B_{k-1})
/// ```
///
/// For one worker it is Kingman's formula `rho S / (1 - rho) (ca2 + cs2) / 2`; for random arrivals and exponential services
/// it is exact, and for random arrivals at one worker too. Otherwise it is off by some 15 % of the wait from `rho = 0.9` on, and by half of it at 0.7,
/// where the wait is a small part of the response. It takes as many steps as there are workers.
///
/// Source: A. O. Allen, "Probability, Statistics and Queueing Theory", Academic Press 1978; Erlang's recursion for `B`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllenCunneen;

impl Predict for AllenCunneen {
    fn predict(&self, load: &Load) -> Option<Prediction> {
        let (workers, busy) = (f64::from(load.workers), load.utilisation());
        if busy >= 1.0 {
            return Prediction::new(load, f64::INFINITY);
        }
        let offered = load.arrival_rate * load.service_time;
        let lost = (1..=load.workers).fold(1.0, |lost, worker| {
            offered * lost / (f64::from(worker) + offered * lost)
        });
        let waits = lost / (1.0 - busy * (1.0 - lost));
        let variation = f64::midpoint(load.arrival_variation, load.service_variation);
        let wait = waits * load.service_time / (workers * (1.0 - busy)) * variation;
        Prediction::new(load, wait)
    }
}
