//! What a history can follow: totals that only grow, and how two readings of one differ.

use crate::judge::Events;
use crate::window::ladder::Change;
use crate::window::packed::Packed;
use crate::{Counter, Histogram, Snapshot};

/// An instrument as a history reads it.
pub(super) trait Source: Send + Sync + 'static {
    /// The total since the instrument was made.
    type Reading: Send + 'static;
    /// What happened between two readings.
    type Change: Change + Send + 'static;
    /// What a window holds.
    type Value;

    fn read(&self) -> Self::Reading;

    /// What happened since `last`, which becomes `reading`.
    ///
    /// It never becomes less: a total that has fallen counts again when it is higher than ever.
    fn advance(last: &mut Self::Reading, reading: Self::Reading) -> Self::Change;

    /// What all of these changes come to.
    fn sum<'a>(&self, changes: impl Iterator<Item = &'a Self::Change>) -> Self::Value;

    /// Bytes on the heap of a reading.
    fn bytes(_: &Self::Reading) -> usize {
        0
    }

    /// The most of that, and the most that changes take together which were given `budget` bytes: room for the last two changes
    /// there must be.
    fn bytes_at_most(&self, _budget: usize) -> (usize, usize) {
        (0, 0)
    }
}

/// A number that a function gives.
pub(super) struct Total<F>(pub(super) F);

impl<F: Fn() -> u64 + Send + Sync + 'static> Source for Total<F> {
    type Reading = u64;
    type Change = u64;
    type Value = u64;

    fn read(&self) -> u64 {
        (self.0)()
    }

    fn advance(last: &mut u64, reading: u64) -> u64 {
        let change = reading.saturating_sub(*last);
        *last += change;
        change
    }

    fn sum<'a>(&self, changes: impl Iterator<Item = &'a u64>) -> u64 {
        changes.sum()
    }
}

/// Good events and all events, a number each that a function gives.
pub(super) struct Pair<G, T> {
    pub(super) good: G,
    pub(super) total: T,
}

/// Numbers of good events and of all. The first may be ahead for a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Both {
    good: u64,
    total: u64,
}

impl Change for Both {
    fn add(&mut self, later: &Self) {
        self.good.add(&later.good);
        self.total.add(&later.total);
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl<G, T> Source for Pair<G, T>
where
    G: Fn() -> u64 + Send + Sync + 'static,
    T: Fn() -> u64 + Send + Sync + 'static,
{
    type Reading = Both;
    type Change = Both;
    type Value = Events;

    fn read(&self) -> Both {
        // In this order, so that what is good has been counted at all.
        let good = (self.good)();
        let total = (self.total)();
        Both { good, total }
    }

    fn advance(last: &mut Both, reading: Both) -> Both {
        Both {
            good: Total::<fn() -> u64>::advance(&mut last.good, reading.good),
            total: Total::<fn() -> u64>::advance(&mut last.total, reading.total),
        }
    }

    fn sum<'a>(&self, changes: impl Iterator<Item = &'a Both>) -> Events {
        let mut sum = Both::default();
        changes.for_each(|change| sum.add(change));
        // No more than all are good, so that this is no error.
        Events::new(sum.good.min(sum.total), sum.total).unwrap_or_default()
    }
}

impl Source for Counter {
    type Reading = u64;
    type Change = u64;
    type Value = u64;

    fn read(&self) -> u64 {
        self.value()
    }

    fn advance(last: &mut u64, reading: u64) -> u64 {
        Total::<fn() -> u64>::advance(last, reading)
    }

    fn sum<'a>(&self, changes: impl Iterator<Item = &'a u64>) -> u64 {
        changes.sum()
    }
}

impl Source for Histogram {
    type Reading = Snapshot;
    type Change = Packed;
    type Value = Snapshot;

    fn read(&self) -> Snapshot {
        let mut reading = self.snapshot();
        reading.shrink_to_fit();
        reading
    }

    fn advance(last: &mut Snapshot, reading: Snapshot) -> Packed {
        let change = match reading.since(last) {
            Ok(since) => Packed::new(
                // Not those of `since`, which are no more than its values: the value of a failure may be in the snapshot before.
                reading.failures().saturating_sub(last.failures()),
                since.sum(),
                since.places(),
            ),
            // A histogram keeps its layout.
            Err(_) => Packed::new(0, 0, std::iter::empty()),
        };
        *last = reading;
        change
    }

    fn sum<'a>(&self, changes: impl Iterator<Item = &'a Packed>) -> Snapshot {
        let layout = self.layout();
        let mut counts = vec![0; layout.len()];
        let (mut sum, mut failures) = (0, 0);
        for change in changes {
            let change = change.unpack();
            sum += change.sum;
            failures += change.failures;
            for (place, count) in change.buckets {
                counts[place] += count;
            }
        }
        Snapshot::from_counts(layout, counts, sum, failures)
    }

    fn bytes(reading: &Snapshot) -> usize {
        reading.bytes()
    }

    fn bytes_at_most(&self, budget: usize) -> (usize, usize) {
        let buckets = self.layout().len();
        (
            buckets * size_of::<u64>(),
            budget.max(2 * Packed::bytes_at_most(buckets)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Source;
    use crate::{Histogram, Layout, Snapshot};

    /// A value is counted before it is counted as a failure, so that a sample may fall between the two.
    #[test]
    fn a_failure_that_is_seen_after_its_value_is_not_lost() {
        let layout = Layout::response_times();
        let times = Histogram::new(layout);
        let reading = |failures| Snapshot::from_counts(layout, vec![7], 0, failures);
        let mut last = Snapshot::empty(layout);
        let changes =
            [reading(0), reading(1)].map(|reading| Histogram::advance(&mut last, reading));
        let [values, failure] = &changes;
        assert_eq!(times.sum([values].into_iter()).failures(), 0);
        // No more failures than values: alone it has nothing to belong to.
        assert_eq!(times.sum([failure].into_iter()), Snapshot::empty(layout));
        let both = times.sum(changes.iter());
        assert_eq!((both.count(), both.failures()), (7, 1));
    }
}
