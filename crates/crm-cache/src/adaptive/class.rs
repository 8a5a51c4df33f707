//! What an entry's past says about its future: how long its last reuse took, and how often it was reused.

/// Interval buckets, one an octave: below a thirty-second of the capacity, ..., above twice the capacity.
pub(crate) const INTERVALS: usize = 8;

/// Use counts that are told apart; the last one means "this often or more".
pub(crate) const COUNTS: usize = 10;

/// All classes: the one of entries never seen reused, and one for each pair of interval and count.
pub(crate) const CLASSES: usize = 1 + INTERVALS * COUNTS;

/// The class of an entry, in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(u8);

impl Class {
    /// Never seen reused.
    pub(crate) const NEW: Self = Self(0);

    #[inline]
    pub(crate) fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    #[inline]
    pub(crate) fn to_byte(self) -> u8 {
        self.0
    }

    /// The row of this class in a table of all classes.
    #[inline]
    pub(crate) fn row(self) -> usize {
        usize::from(self.0)
    }

    /// The rows of the classes that share an interval.
    pub(crate) fn rows_of_interval(interval: usize) -> std::ops::Range<usize> {
        let first = 1 + interval * COUNTS;
        first..first + COUNTS
    }
}

/// Turns ages into interval buckets, relative to a capacity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intervals {
    /// `32 / capacity` in units of 2^-32, so that the division is a multiplication.
    per_unit: u64,
    capacity: f64,
}

impl Intervals {
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1) as u64;
        Self {
            per_unit: (32_u64 << 32).div_ceil(capacity),
            capacity: capacity as f64,
        }
    }

    #[inline]
    fn of(&self, age: u32) -> usize {
        let in_units = ((u128::from(age) * u128::from(self.per_unit)) >> 32) as u64;
        if in_units == 0 {
            0
        } else {
            (1 + in_units.ilog2() as usize).min(INTERVALS - 1)
        }
    }

    /// The class of an entry of class `before` that is reused at this age.
    #[inline]
    pub(crate) fn after_reuse(&self, before: Class, age: u32) -> Class {
        let uses = if before == Class::NEW {
            0
        } else {
            ((usize::from(before.0) - 1) % COUNTS + 1).min(COUNTS - 1)
        };
        Class((1 + self.of(age) * COUNTS + uses) as u8)
    }

    /// The typical length of an interval bucket, in ticks: its geometric middle.
    pub(crate) fn typical(&self, interval: usize) -> f64 {
        self.capacity / 32.0 * (interval as f64 - 0.5).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::{CLASSES, COUNTS, Class, Intervals};

    #[test]
    fn intervals_double_from_a_thirty_second_of_the_capacity() {
        let intervals = Intervals::new(320);
        let of = |age| intervals.of(age);
        assert_eq!(
            [
                of(0),
                of(9),
                of(10),
                of(19),
                of(20),
                of(40),
                of(639),
                of(640),
                of(u32::MAX)
            ],
            [0, 0, 1, 1, 2, 3, 6, 7, 7]
        );
    }

    #[test]
    fn uses_are_counted_up_to_the_last_class() {
        let intervals = Intervals::new(1_000);
        let mut class = Class::NEW;
        for uses in 0..30 {
            class = intervals.after_reuse(class, 5_000);
            assert_eq!(class.row(), 1 + 7 * COUNTS + usize::min(uses, COUNTS - 1));
            assert!(class.row() < CLASSES);
        }
        assert!(Class::rows_of_interval(7).contains(&class.row()));
    }

    #[test]
    fn the_smallest_and_the_largest_capacity_have_intervals() {
        for capacity in [0, 1, usize::MAX] {
            assert!(Intervals::new(capacity).of(u32::MAX) < 8);
        }
    }
}
