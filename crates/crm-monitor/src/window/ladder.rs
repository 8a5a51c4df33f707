//! Points in time that lie the farther apart the older they are, with what happened between each two of them.

use std::collections::VecDeque;
use std::time::Duration;

use crm_clock::Tick;

/// What happened between two points, to be added to what happened before or after it.
pub(super) trait Change {
    /// Adds what happened in the neighbouring interval.
    fn add(&mut self, later: &Self);

    /// Bytes on the heap.
    fn bytes(&self) -> usize;
}

impl Change for u64 {
    fn add(&mut self, later: &Self) {
        *self = self.saturating_add(*later);
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// How close points must lie, and how much they may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spacing {
    /// The usual distance of two samples. None are taken at less than half of it.
    pub(super) period: Duration,
    /// The longest window that must be answered.
    pub(super) longest: Duration,
    /// By which part of itself a window may be longer or shorter than asked.
    pub(super) error: f64,
    /// Bytes on the heap that the changes may take together.
    pub(super) budget: usize,
}

impl Spacing {
    /// The longest interval whose later end is `age` old.
    ///
    /// A window that should begin inside an interval begins at the nearer end, so it is wrong by half the interval at most;
    /// and it is at least as long as the later end is old.
    fn longest_interval(&self, age: Duration) -> Duration {
        age.mul_f64(2.0 * self.error)
    }

    /// The most points that there can be.
    ///
    /// Two neighbouring intervals that may not become one are together longer than [`Spacing::longest_interval`] of their
    /// later end, and no shorter than two samples that follow each other as fast as they may.
    pub(super) fn points(&self) -> usize {
        let (mut points, mut age) = (2, Duration::ZERO);
        while age < self.longest {
            age += self.longest_interval(age).max(self.period);
            points += 2;
        }
        points
    }
}

/// What happened from the end of the interval before until `end`.
#[derive(Clone, Debug)]
pub(super) struct Interval<C> {
    pub(super) end: Tick,
    pub(super) change: C,
}

/// Intervals without gaps, the oldest first. This is an exponential histogram (Datar, Gionis, Indyk, Motwani: Maintaining
/// stream statistics over sliding windows, 2002) whose intervals grow with time instead of with the count.
#[derive(Clone, Debug)]
pub(super) struct Ladder<C> {
    spacing: Spacing,
    begin: Tick,
    intervals: VecDeque<Interval<C>>,
    /// Bytes on the heap of all changes.
    bytes: usize,
}

impl<C: Change> Ladder<C> {
    pub(super) fn new(spacing: Spacing, begin: Tick) -> Self {
        Self {
            spacing,
            begin,
            // All that it will ever hold, one more while it is added.
            intervals: VecDeque::with_capacity(spacing.points() + 1),
            bytes: 0,
        }
    }

    /// The last point.
    pub(super) fn end(&self) -> Tick {
        self.intervals
            .back()
            .map_or(self.begin, |interval| interval.end)
    }

    /// The bytes on the heap of a ladder whose changes take `bytes`.
    pub(super) fn bytes_with(spacing: &Spacing, bytes: usize) -> usize {
        ((spacing.points() + 1) * size_of::<Interval<C>>()).saturating_add(bytes)
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.intervals.capacity() * size_of::<Interval<C>>()
    }

    /// Adds what happened since [`Ladder::end`], which is before `end`.
    pub(super) fn push(&mut self, end: Tick, change: C) {
        debug_assert!(end > self.end(), "time stood still");
        self.bytes += change.bytes();
        self.intervals.push_back(Interval { end, change });
        self.join_old();
        self.forget(end);
        while self.bytes > self.spacing.budget && self.join_cheapest() {}
    }

    /// The point at which `intervals[at]` begins.
    fn begin_of(&self, at: usize) -> Tick {
        if at == 0 {
            self.begin
        } else {
            self.intervals[at - 1].end
        }
    }

    /// Makes one interval of two neighbours wherever they are old enough.
    fn join_old(&mut self) {
        let now = self.end();
        let mut at = 0;
        while at + 1 < self.intervals.len() {
            let end = self.intervals[at + 1].end;
            if end - self.begin_of(at) <= self.spacing.longest_interval(now - end) {
                self.join(at);
            } else {
                at += 1;
            }
        }
    }

    /// Drops what lies before every window.
    fn forget(&mut self, now: Tick) {
        while self.intervals.len() > 1 && now - self.intervals[0].end >= self.spacing.longest {
            if let Some(oldest) = self.intervals.pop_front() {
                self.bytes -= oldest.change.bytes();
                self.begin = oldest.end;
            }
        }
    }

    /// Joins the two neighbours that are shortest for their age; false if fewer than three intervals are left.
    fn join_cheapest(&mut self) -> bool {
        if self.intervals.len() < 3 {
            return false;
        }
        let now = self.end();
        let price = |at: usize| {
            let end = self.intervals[at + 1].end;
            let length = (end - self.begin_of(at)).as_secs_f64();
            length / (now - end + self.spacing.period).as_secs_f64()
        };
        // The last interval stays apart, so that the shortest window is still short.
        let cheapest = (0..self.intervals.len() - 2).min_by(|a, b| price(*a).total_cmp(&price(*b)));
        if let Some(at) = cheapest {
            self.join(at);
        }
        cheapest.is_some()
    }

    /// Makes one interval of that at `at` and the next.
    fn join(&mut self, at: usize) {
        let Some(later) = self.intervals.remove(at + 1) else {
            return;
        };
        let joined = &mut self.intervals[at];
        self.bytes -= joined.change.bytes() + later.change.bytes();
        joined.change.add(&later.change);
        joined.end = later.end;
        self.bytes += joined.change.bytes();
    }

    /// The window up to the last point whose length is nearest to `length`, the longer of two equally near ones: the point at
    /// which it begins, and its intervals. Empty if there is no interval at all.
    pub(super) fn window(
        &self,
        length: Duration,
    ) -> (Tick, impl Iterator<Item = &Interval<C>> + Clone) {
        let end = self.end();
        // The first interval that begins too late for the window; the window begins with it or with the one before.
        let later = self
            .intervals
            .partition_point(|interval| end - interval.end >= length)
            .saturating_add(1)
            .min(self.intervals.len());
        let miss = |at: usize| (end - self.begin_of(at)).abs_diff(length);
        let first = match later.checked_sub(1) {
            Some(earlier) if later < self.intervals.len() && miss(later) < miss(earlier) => later,
            Some(earlier) => earlier,
            None => 0,
        };
        (self.begin_of(first), self.intervals.range(first..))
    }
}
