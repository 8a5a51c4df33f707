//! From counts to worth: how likely a reuse is at each age, and what keeping an entry of that age therefore earns.

use super::age::MOST_BUCKETS;

/// What was observed of one class at one age.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observed {
    /// Entries reused at this age.
    pub(crate) reused: f32,
    /// Entries lost sight of at this age: a ghost that was forgotten.
    pub(crate) dropped: f32,
}

impl Observed {
    pub(crate) fn add(&mut self, other: Self) {
        self.reused += other.reused;
        self.dropped += other.dropped;
    }

    /// Forgets a part. What is next to nothing becomes nothing, before it is so small that processors slow down at it.
    pub(crate) fn fade(&mut self, by: f32) {
        let fade = |count: f32| if count < NEGLIGIBLE { 0.0 } else { count * by };
        (self.reused, self.dropped) = (fade(self.reused), fade(self.dropped));
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.reused + self.dropped == 0.0
    }
}

/// Of an observation.
const NEGLIGIBLE: f32 = 1e-4;

/// A belief about the hazard at one age, worth as many observations as its weight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Belief {
    pub(crate) hazard: f64,
    pub(crate) weight: f64,
}

/// The hazard at each age: the chance that an entry that got this old unused is reused before it leaves the bucket.
///
/// It is the actuarial estimate for censored lifetimes (Cutler and Ederer 1958): the reuses at an age, over those who
/// reached it; who was lost sight of at that age counts half, who is still waiting counts as having reached it. `prior`
/// is added as if it had been observed.
pub(crate) fn hazards(
    observed: &[Observed],
    waiting: &[f32],
    prior: impl Fn(usize) -> Belief,
    hazards: &mut [f64],
) {
    let mut reached = 0.0;
    let ages = hazards.iter_mut().zip(observed).zip(waiting);
    for (age, ((hazard, observed), &waiting)) in ages.enumerate().rev() {
        let (reused, dropped) = (f64::from(observed.reused), f64::from(observed.dropped));
        reached += reused + dropped + f64::from(waiting);
        let prior = prior(age);
        let exposed = reached - dropped / 2.0 + prior.weight;
        *hazard =
            ((reused + prior.hazard * prior.weight) / exposed.max(f64::MIN_POSITIVE)).min(1.0);
    }
}

/// The worth of keeping an entry of each age: the best reuses per tick of waiting over any horizon.
///
/// This is the Gittins index (Gittins 1979) of waiting for the reuse: `max over T of P(reused within T) / E[min(wait,
/// T)]`. With the chance of a reuse so far on one axis and the expected waiting so far on the other, it is the steepest
/// slope from an age to any later one, so one pass from the oldest age keeps the upper convex hull on a stack.
pub(crate) fn worths(
    hazards: &[f64],
    widths: &[f64],
    hull: &mut Hull,
    mut give: impl FnMut(usize, f64),
) {
    let Hull { curve, corners } = hull;
    let curve = &mut curve[..=hazards.len()];
    let (mut waited, mut reused, mut survival) = (0.0, 0.0, 1.0_f64);
    for ((point, &hazard), &width) in curve.iter_mut().zip(hazards).zip(widths) {
        *point = (waited, reused);
        waited += width * survival * (1.0 - hazard / 2.0);
        reused += survival * hazard;
        // Never zero, so that the ages after a certain reuse still have a slope of their own.
        survival = (survival * (1.0 - hazard)).max(1e-12);
    }
    let mut last = (waited, reused);
    // The corners beyond the last one.
    let mut beyond = 0;
    for age in (0..hazards.len()).rev() {
        let from = curve[age];
        let run = |to: (f64, f64)| (to.0 - from.0).max(f64::MIN_POSITIVE);
        let rise = |to: (f64, f64)| to.1 - from.1;
        // The last corner goes while the one beyond it is as steep or steeper: slopes compared without a division.
        while beyond > 0 {
            let second = corners[beyond - 1];
            if rise(second) * run(last) < rise(last) * run(second) {
                break;
            }
            last = second;
            beyond -= 1;
        }
        give(age, rise(last) / run(last));
        corners[beyond] = last;
        beyond += 1;
        last = from;
    }
}

/// Room in which worths are worked out.
#[derive(Debug)]
pub(crate) struct Hull {
    /// The cumulative curve: (expected waiting, chance of reuse) before each bucket.
    curve: [(f64, f64); MOST_BUCKETS + 1],
    /// The corners of its upper hull, the oldest first.
    corners: [(f64, f64); MOST_BUCKETS + 1],
}

impl Hull {
    pub(crate) fn new() -> Self {
        Self {
            curve: [(0.0, 0.0); MOST_BUCKETS + 1],
            corners: [(0.0, 0.0); MOST_BUCKETS + 1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::age::first_age;
    use super::{Belief, Hull, Observed, hazards, worths};

    const AGES: usize = 24;

    /// The definition, tried horizon by horizon.
    fn worth_by_definition(hazards: &[f64], age: usize) -> f64 {
        let (mut waited, mut reused, mut survival, mut best) = (0.0, 0.0, 1.0_f64, 0.0_f64);
        for (horizon, hazard) in hazards.iter().enumerate().skip(age) {
            let width = first_age(horizon + 1) - first_age(horizon);
            waited += width * survival * (1.0 - hazard / 2.0);
            reused += survival * hazard;
            survival *= 1.0 - hazard;
            best = best.max(reused / waited);
        }
        best
    }

    #[test]
    fn the_hull_finds_the_best_horizon() {
        let shapes: [fn(usize) -> f64; 4] = [
            |age| if age == 15 { 0.9 } else { 0.001 },
            |age| 0.5 / (1.0 + age as f64),
            |_| 0.05,
            |age| if age % 7 == 3 { 0.4 } else { 0.0 },
        ];
        for shape in shapes {
            let hazards: Vec<f64> = (0..AGES).map(shape).collect();
            let widths: Vec<f64> = (0..AGES)
                .map(|age| first_age(age + 1) - first_age(age))
                .collect();
            worths(&hazards, &widths, &mut Hull::new(), |age, worth| {
                let expected = worth_by_definition(&hazards, age);
                assert!(
                    (worth - expected).abs() <= 1e-9 * expected,
                    "age {age}: {worth} for {expected}"
                );
            });
        }
    }

    #[test]
    fn without_observations_the_prior_speaks_and_with_many_it_is_drowned() {
        let mut found = [0.0; AGES];
        let prior = |_| Belief {
            hazard: 0.25,
            weight: 4.0,
        };
        let nothing = [Observed::default(); AGES];
        hazards(&nothing, &[0.0; AGES], prior, &mut found);
        assert_eq!(found, [0.25; AGES]);

        // Of a million that reach age 3 all are reused there.
        let mut all_at_three = nothing;
        all_at_three[3].reused = 1e6;
        hazards(&all_at_three, &[0.0; AGES], prior, &mut found);
        assert!(found[2] < 1e-5 && found[3] > 0.999_99);
    }

    #[test]
    fn who_still_waits_has_reached_every_younger_age() {
        let mut found = [0.0; AGES];
        let (mut one_reuse, mut waiting) = ([Observed::default(); AGES], [0.0; AGES]);
        (one_reuse[2].reused, waiting[9]) = (1.0, 3.0);
        hazards(&one_reuse, &waiting, |_| Belief::default(), &mut found);
        assert_eq!(found[2], 0.25);
        assert_eq!(found[9], 0.0);
    }
}
