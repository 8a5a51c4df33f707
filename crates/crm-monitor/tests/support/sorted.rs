//! All values, sorted: what a histogram's figures should be.

/// Values in ascending order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sorted(Vec<u64>);

impl Sorted {
    pub(crate) fn new(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        Self(values)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn values(&self) -> &[u64] {
        &self.0
    }

    pub(crate) fn sum(&self) -> u128 {
        self.0.iter().map(|value| u128::from(*value)).sum()
    }

    /// The smallest value that at least the part `q` of all do not exceed. A part is the quotient that a floating-point division gives:
    /// 7 of 100 are 0.07 of them, although that number is a little more than seven hundredths.
    pub(crate) fn quantile(&self, q: f64) -> u64 {
        let enough = |value: u64| self.count_at_most(value) as f64 / self.0.len() as f64 >= q;
        self.0[self.0.partition_point(|value| !enough(*value))]
    }

    pub(crate) fn count_at_most(&self, value: u64) -> usize {
        self.0.partition_point(|own| *own <= value)
    }
}
