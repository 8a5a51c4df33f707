//! Which values share a bucket: log-linear, by a shift and a subtraction.

use std::ops::RangeInclusive;

use crate::error::LayoutError;

/// Most buckets that a layout may have: a mebibyte for each thread that records.
const MOST_BUCKETS: u64 = 1 << 17;

/// The finest division of an octave: an error of 0.002 %.
const FINEST: u32 = 14;

/// How a [`Histogram`](crate::Histogram) divides its range into buckets.
///
/// Buckets are log-linear: each octave, the values from a power of two to the next, is cut into 2^g buckets of one width. A
/// bucket's middle then differs from any value in it by at most 2^-(g+1) of that value; g is the smallest number that keeps
/// the asked error. Values below `lowest` are told apart as finely as `lowest` itself, by their absolute difference. Values
/// above `highest` share one bucket, the overflow: they are counted, and their sum is kept, but nothing tells them apart.
///
/// | layout | buckets | bytes for each thread that records |
/// |---|---|---|
/// | [`Layout::response_times()`]: 1 us to 1 h, 1 % | 2,154 | 17,240 |
/// | 1 us to 1 h, 5 % | 316 | 2,536 |
/// | 1 to 1,000,000, 1 % | 1,036 | 8,296 |
///
/// ```
/// use crm_monitor::Layout;
///
/// let bytes = Layout::new(64, 1 << 30, 0.05)?; // answers of 64 bytes to a gibibyte, five percent
/// let bucket = bytes.bounds(bytes.index(50_000));
/// assert!(bucket.contains(&50_000));
/// assert!(bucket.end() - bucket.start() < 5_000);
/// # Ok::<(), crm_monitor::LayoutError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// The exponent of the first octave; below it, buckets are as wide as in it.
    floor: u32,
    /// The logarithm of how many buckets an octave has.
    grouping: u32,
    /// The last value that is no overflow.
    last: u64,
}

impl Layout {
    /// A layout for values from `lowest` to `highest`, of which quantiles differ from the true ones by at most the part
    /// `error` of themselves: 0.01 is one percent. A `lowest` of 0 is taken for 1.
    ///
    /// # Errors
    ///
    /// Where `highest` is not above `lowest`, `error` is not above 0 and at most 0.25, or the layout would have more than
    /// 131,072 buckets.
    pub fn new(lowest: u64, highest: u64, error: f64) -> Result<Self, LayoutError> {
        let lowest = lowest.max(1);
        if highest <= lowest {
            return Err(LayoutError::EmptyRange { lowest, highest });
        }
        if !(error > 0.0 && error <= 0.25) {
            return Err(LayoutError::ErrorOutOfRange { error });
        }
        let grouping = (1..=FINEST)
            .find(|g| error >= 0.5 / f64::from(1_u32 << g))
            .ok_or(LayoutError::TooManyBuckets)?;
        let layout = Self {
            floor: lowest.ilog2().max(grouping),
            grouping,
            last: u64::MAX,
        };
        let layout = Self {
            // The bucket of the highest value is whole.
            last: layout.upper(layout.position(highest)),
            ..layout
        };
        if layout.position(layout.last) + 2 > MOST_BUCKETS {
            return Err(LayoutError::TooManyBuckets);
        }
        Ok(layout)
    }

    /// One microsecond to one hour in nanoseconds, at one percent.
    #[must_use]
    pub const fn response_times() -> Self {
        Self {
            floor: 9,
            grouping: 6,
            last: (105 << 35) - 1,
        }
    }

    /// How many buckets there are, the overflow among them.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "there are at least two buckets"
    )]
    pub fn len(&self) -> usize {
        self.overflow() + 1
    }

    /// The place of the overflow, which is the last.
    #[inline]
    pub(crate) fn overflow(&self) -> usize {
        self.position(self.last) as usize + 1
    }

    /// The largest relative difference between a value of `lowest` to `highest` and the middle of its bucket.
    #[must_use]
    pub fn error(&self) -> f64 {
        0.5 / f64::from(1_u32 << self.grouping)
    }

    /// The place of the bucket that `value` falls into.
    #[inline]
    #[must_use]
    pub fn index(&self, value: u64) -> usize {
        if value > self.last {
            self.overflow()
        } else {
            self.position(value) as usize
        }
    }

    /// The values of the bucket at `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Layout::len`].
    #[must_use]
    pub fn bounds(&self, index: usize) -> RangeInclusive<u64> {
        assert!(index < self.len(), "bucket {index} of {}", self.len());
        if index == self.overflow() {
            // After a last bucket that ends with the last of all values nothing is left: the overflow is empty for ever.
            return self.last.saturating_add(1)..=u64::MAX;
        }
        let index = index as u64;
        self.lower(index)..=self.upper(index)
    }

    /// How many buckets, from the first on, end at `value` or below.
    pub(crate) fn ending_by(&self, value: u64) -> usize {
        let index = self.index(value);
        index + usize::from(*self.bounds(index).end() <= value)
    }

    /// The largest value that is no overflow.
    #[inline]
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.last
    }

    /// The logarithm of the width of the bucket that `value` falls into, were there no overflow.
    #[inline]
    pub(crate) fn shift(&self, value: u64) -> u32 {
        (value | (1 << self.floor)).ilog2() - self.grouping
    }

    /// The place of a bucket, were there no overflow.
    #[inline]
    pub(crate) fn position(&self, value: u64) -> u64 {
        // Each octave above the first adds 2^g places, and within it `value >> shift` counts on from 2^g.
        let shift = self.shift(value);
        (u64::from(shift - (self.floor - self.grouping)) << self.grouping) + (value >> shift)
    }

    /// The logarithm of the width of the bucket at `position`.
    pub(crate) fn shift_at(&self, position: u64) -> u32 {
        let octave = (position >> self.grouping).saturating_sub(1) as u32;
        octave + self.floor - self.grouping
    }

    /// The least value of the bucket at `position`.
    #[inline]
    pub(crate) fn lower(&self, position: u64) -> u64 {
        let shift = self.shift_at(position);
        let octave = u64::from(shift - (self.floor - self.grouping));
        (position - (octave << self.grouping)) << shift
    }

    fn upper(&self, position: u64) -> u64 {
        self.lower(position) + ((1 << self.shift_at(position)) - 1)
    }

    /// The three numbers that a layout is made of, for storage.
    pub(crate) fn parts(&self) -> (u32, u32, u64) {
        (self.floor, self.grouping, self.last)
    }

    /// The layout of what [`Layout::parts`] gave, unless no layout has such parts.
    pub(crate) fn from_parts(floor: u32, grouping: u32, last: u64) -> Option<Self> {
        if !(1..=FINEST).contains(&grouping) || !(grouping..64).contains(&floor) {
            return None;
        }
        let layout = Self {
            floor,
            grouping,
            last,
        };
        let position = layout.position(last);
        let whole = layout.upper(position) == last && position > 0;
        (whole && position + 2 <= MOST_BUCKETS).then_some(layout)
    }
}
