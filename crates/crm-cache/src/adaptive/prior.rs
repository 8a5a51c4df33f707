//! What the learner believes before it has seen anything.

use super::age::first_age;
use super::class::{INTERVALS, Intervals};
use super::hazard::Belief;

/// The groups of classes: the new entries, then those of each interval.
pub(crate) const GROUPS: usize = 1 + INTERVALS;

/// Two beliefs about the hazard of each group at each age, computed once.
///
/// The *steady* one lasts: a new entry comes back within two capacities or so, a reused one within its interval or so.
/// The *start* one is as if every reused entry came back at its interval with certainty. An unlearned cache then behaves
/// like LIRS, which is right for loops, and loses little elsewhere until it has learned; it fades over eight capacities.
#[derive(Debug)]
pub(crate) struct Beliefs {
    /// The width of each age bucket, in ticks.
    widths: Box<[f64]>,
    /// Group by group, age by age.
    steady: Box<[f64]>,
    start: Box<[f64]>,
    capacity: f64,
}

impl Beliefs {
    /// Beliefs of a cache of `capacity` entries whose ages are ticks of shards of `per_shard`.
    pub(crate) fn new(
        intervals: &Intervals,
        capacity: usize,
        per_shard: usize,
        buckets: usize,
    ) -> Self {
        let width = |age: usize| first_age(age + 1) - first_age(age);
        let middle = |age: usize| (first_age(age + 1) + first_age(age)) / 2.0;
        let of_all = |belief: &dyn Fn(usize, usize) -> f64| {
            (0..GROUPS)
                .flat_map(|group| (0..buckets).map(move |age| (group, age)))
                .map(|(group, age)| belief(group, age))
                .collect()
        };
        let steady = |group: usize, age: usize| {
            if group == 0 {
                return 1.0 - (-2.0 * width(age) / (2.0 * per_shard as f64).max(middle(age))).exp();
            }
            let typical = intervals.typical(group - 1);
            let expected = width(age) / typical.max(middle(age));
            1.0 - (-expected * (middle(age) / typical).min(1.0)).exp()
        };
        let start = |group: usize, age: usize| {
            if group == 0 {
                return steady(group, age);
            }
            1.0 - (-10.0 * width(age) / intervals.typical(group - 1).max(middle(age))).exp()
        };
        Self {
            widths: (0..buckets).map(width).collect(),
            steady: of_all(&steady),
            start: of_all(&start),
            capacity: capacity as f64,
        }
    }

    /// The width of each age bucket, in ticks.
    pub(crate) fn widths(&self) -> &[f64] {
        &self.widths
    }

    /// What is believed of a group when the cache has lived for so many ticks.
    pub(crate) fn of(&self, group: usize, ticks: u64) -> Prior<'_> {
        let cells = group * self.widths.len()..(group + 1) * self.widths.len();
        let start_weight =
            (0.2 * self.capacity).min(200.0) * (-(ticks as f64) / (8.0 * self.capacity)).exp();
        Prior {
            steady: &self.steady[cells.clone()],
            start: &self.start[cells],
            steady_weight: (0.04 * self.capacity).clamp(2.0, 20.0),
            start_weight,
        }
    }
}

/// What is believed of one group at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prior<'a> {
    steady: &'a [f64],
    start: &'a [f64],
    steady_weight: f64,
    start_weight: f64,
}

impl Prior<'_> {
    /// How many observations the belief counts for.
    pub(crate) fn weight(&self) -> f64 {
        self.steady_weight + self.start_weight
    }

    pub(crate) fn at(&self, age: usize) -> Belief {
        let sum = self.steady[age] * self.steady_weight + self.start[age] * self.start_weight;
        Belief {
            hazard: sum / self.weight(),
            weight: self.weight(),
        }
    }
}
