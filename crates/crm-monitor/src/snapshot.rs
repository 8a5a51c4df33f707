//! What a histogram held at one moment, and what can be said of it.

mod bytes;
pub(crate) mod runs;
pub(crate) mod varint;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::LayoutMismatch;
use crate::histogram::Layout;

/// The figures of a [`Histogram`](crate::Histogram) at one moment: they no longer change, and can be merged, subtracted and asked
/// for quantiles.
///
/// The count is the sum of the buckets, and the sum that of exactly the counted values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    layout: Layout,
    /// The place of the first of `counts`.
    offset: usize,
    /// From the first bucket that is not empty to the last.
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    failures: u64,
}

/// Values that share a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bucket {
    /// The values that fall into it.
    pub range: RangeInclusive<u64>,
    /// How many of them there are.
    pub count: u64,
}

/// A quantile with its bounds: the true value lies between [`Quantile::low`] and [`Quantile::high`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile {
    low: u64,
    high: u64,
}

impl Quantile {
    /// The estimate: the middle of the bounds. It differs from the true value by at most the layout's error, for values that the
    /// layout resolves; in the overflow, whose end is not known, it is the lower bound.
    #[must_use]
    pub fn value(&self) -> u64 {
        if self.high == u64::MAX {
            self.low
        } else {
            self.low + (self.high - self.low) / 2
        }
    }

    /// [`value`](Self::value) as a time, for histograms of nanoseconds, which are those of seconds.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.value())
    }

    /// The true value is not below this.
    #[must_use]
    pub fn low(&self) -> u64 {
        self.low
    }

    /// The true value is not above this.
    #[must_use]
    pub fn high(&self) -> u64 {
        self.high
    }
}

impl Snapshot {
    /// The figures of nothing.
    #[must_use]
    pub fn empty(layout: Layout) -> Self {
        Self {
            layout,
            offset: 0,
            counts: Vec::new(),
            count: 0,
            sum: 0,
            failures: 0,
        }
    }

    /// Adds the next buckets, which begin at `first`, and what their values exceed their lower bounds by.
    pub(crate) fn push(&mut self, first: usize, counts: &[u64], residual: u128) {
        self.sum += residual;
        let overflow = self.layout.overflow();
        for (index, &count) in (first..).zip(counts) {
            if count == 0 {
                continue;
            }
            if self.counts.is_empty() {
                self.offset = index;
            }
            self.counts.resize(index - self.offset, 0);
            self.counts.push(count);
            self.count += count;
            let lower = if index == overflow {
                self.layout.highest().saturating_add(1)
            } else {
                self.layout.lower(index as u64)
            };
            self.sum += u128::from(count) * u128::from(lower);
        }
    }

    /// Adds what values of buckets that are already here exceed their lower bounds by.
    pub(crate) fn add_residual(&mut self, residual: u128) {
        self.sum += residual;
    }

    /// The figures of these counts, the first of which is that of the first bucket.
    pub(crate) fn from_counts(layout: Layout, counts: Vec<u64>, sum: u128, failures: u64) -> Self {
        let mut snapshot = Self {
            layout,
            offset: 0,
            count: counts.iter().sum(),
            counts,
            sum,
            failures: 0,
        };
        snapshot.trim();
        // Few buckets out of many are often all there is.
        snapshot.shrink_to_fit();
        snapshot.set_failures(failures);
        snapshot
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u64>()
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.counts.shrink_to_fit();
    }

    /// The buckets that are not empty, by their places in ascending order, and how many values each holds.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        (self.offset..)
            .zip(self.counts.iter().copied())
            .filter(|(_, count)| *count > 0)
    }

    pub(crate) fn set_failures(&mut self, failures: u64) {
        self.failures = failures.min(self.count);
    }

    /// How the range is divided.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How many values were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of the values, exactly.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// How many of the values were recorded as failures. Which of the values they were is not kept: neither a quantile nor
    /// [`count_at_most`](Self::count_at_most) can leave them out.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// The mean, exact but for rounding; none without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The mean as a time, to the nearest nanosecond, for histograms of nanoseconds, which are those of seconds; none without
    /// values.
    #[must_use]
    pub fn mean_duration(&self) -> Option<Duration> {
        let count = u128::from(self.count);
        let nanoseconds = self.sum.saturating_add(count / 2).checked_div(count)?;
        Some(Duration::from_nanos(
            u64::try_from(nanoseconds).unwrap_or(u64::MAX),
        ))
    }

    /// The standard deviation, with each value taken for the middle of its bucket; none without values.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares: f64 = self
            .buckets()
            .map(|bucket| {
                let (low, high) = (*bucket.range.start(), *bucket.range.end());
                let middle = Quantile { low, high }.value() as f64;
                bucket.count as f64 * (middle - mean).powi(2)
            })
            .sum();
        Some((squares / self.count as f64).sqrt())
    }

    /// The buckets that are not empty, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        (self.offset..)
            .zip(&self.counts)
            .filter(|(_, count)| **count > 0)
            .map(|(index, &count)| Bucket {
                range: self.layout.bounds(index),
                count,
            })
    }

    /// The smallest recorded value that at least the part `q` of all values does not exceed, with its bounds: 0.5 is the median, 0 the
    /// least, 1 the greatest. None without values, and where `q` is not between 0 and 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Quantile> {
        if self.count == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = rank(q, self.count);
        let mut seen = 0_u64;
        // The bounds of the one bucket are all that is needed of them.
        let place = self.counts.iter().position(|count| {
            seen = seen.saturating_add(*count);
            seen >= rank
        })?;
        let (low, high) = self.layout.bounds(self.offset + place).into_inner();
        Some(Quantile { low, high })
    }

    /// How many values lie in buckets that end at `value` or below. It is the number of values up to `value` where that ends a bucket, and
    /// too small by at most the count of one bucket elsewhere.
    ///
    /// Failures count like all others, and an error is often the soonest answer: for a promise of speed there is
    /// [`Events::within`](crate::judge::Events::within).
    #[must_use]
    pub fn count_at_most(&self, value: u64) -> u64 {
        self.count_in(0..self.layout.ending_by(value))
    }

    /// How many values lie in the buckets at these places.
    pub(crate) fn count_in(&self, places: std::ops::Range<usize>) -> u64 {
        let within = |place: usize| place.saturating_sub(self.offset).min(self.counts.len());
        total(&self.counts[within(places.start)..within(places.end)])
    }

    /// The place of the first bucket from `place` on that is not empty.
    #[cfg(feature = "prost")]
    pub(crate) fn filled_from(&self, place: usize) -> Option<usize> {
        let skipped = place.saturating_sub(self.offset).min(self.counts.len());
        let empty = self.counts[skipped..].iter().position(|count| *count > 0)?;
        Some(self.offset + skipped + empty)
    }

    /// Adds the figures of another. Counts stop at 2^64 - 1, that of all values among them.
    ///
    /// # Errors
    ///
    /// Where the layouts differ; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), LayoutMismatch> {
        self.combine(other, u64::saturating_add)?;
        self.count = total(&self.counts);
        self.sum = self.sum.saturating_add(other.sum);
        self.failures = self.failures.saturating_add(other.failures);
        Ok(())
    }

    /// What was recorded since an earlier snapshot of the same histogram.
    ///
    /// # Errors
    ///
    /// Where the layouts differ.
    pub fn since(&self, earlier: &Self) -> Result<Self, LayoutMismatch> {
        let mut later = self.clone();
        later.combine(earlier, u64::saturating_sub)?;
        later.count = total(&later.counts);
        later.sum = later.sum.saturating_sub(earlier.sum);
        later.set_failures(self.failures.saturating_sub(earlier.failures));
        Ok(later)
    }

    fn combine(&mut self, other: &Self, with: fn(u64, u64) -> u64) -> Result<(), LayoutMismatch> {
        if self.layout != other.layout {
            return Err(LayoutMismatch);
        }
        if other.counts.is_empty() {
            return Ok(());
        }
        if self.counts.is_empty() {
            self.offset = other.offset;
        }
        let first = self.offset.min(other.offset);
        let end = (self.offset + self.counts.len()).max(other.offset + other.counts.len());
        let mut counts = vec![0; end - first];
        counts[self.offset - first..][..self.counts.len()].copy_from_slice(&self.counts);
        for (own, &foreign) in counts[other.offset - first..].iter_mut().zip(&other.counts) {
            *own = with(*own, foreign);
        }
        self.offset = first;
        self.counts = counts;
        self.trim();
        Ok(())
    }

    /// Leaves out the empty buckets at both ends, so that equal figures are equal.
    fn trim(&mut self) {
        let filled = self.counts.iter().rposition(|count| *count > 0);
        self.counts.truncate(filled.map_or(0, |last| last + 1));
        let empty = self.counts.iter().take_while(|count| **count == 0).count();
        self.counts.drain(..empty);
        self.offset = if self.counts.is_empty() {
            0
        } else {
            self.offset + empty
        };
    }
}

/// How many values these buckets hold, as far as a word can tell: merged snapshots may hold more.
fn total(counts: &[u64]) -> u64 {
    counts
        .iter()
        .fold(0, |sum, count| sum.saturating_add(*count))
}

/// The smallest number of `count` values, at least one, that is the part `q` of them or more.
fn rank(q: f64, count: u64) -> u64 {
    // A number from 0 to 1 is a whole one, of at most 53 bits, over a power of two; so this is exact, however many values there are.
    let bits = q.to_bits() & !(1 << 63);
    let (whole, power) = match bits >> 52 {
        0 => (bits, 1_074),
        exponent => (bits & ((1 << 52) - 1) | 1 << 52, 1_075 - exponent as u32),
    };
    let product = u128::from(whole) * u128::from(count);
    let rank = match 1_u128.checked_shl(power) {
        Some(divisor) => product.div_ceil(divisor) as u64,
        None => u64::from(product > 0),
    };
    // What is written 0.07 is a little more than seven hundredths, but means them: 7 of 100 are enough where their quotient is the
    // same number. From 2^53 values on, quotients no longer tell neighbours apart.
    let fewer = rank.saturating_sub(1);
    let exact = count < 1 << f64::MANTISSA_DIGITS;
    if exact && fewer as f64 / count as f64 >= q {
        fewer.max(1)
    } else {
        rank.max(1)
    }
}
