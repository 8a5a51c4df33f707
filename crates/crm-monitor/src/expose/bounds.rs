//! The few bounds under which an exposition counts the many buckets of a histogram.

use std::fmt;
use std::time::Duration;

use crate::histogram::Layout;
use crate::snapshot::Snapshot;
use crate::unit::Unit;

/// Most bounds that one histogram is exposed with. Each is a time series for every set of labels.
const MOST: usize = 200;

/// The largest bound: 2^23 seconds in nanoseconds. Up to here a float holds every whole number, and as seconds it tells every
/// nanosecond from the next, so that a bound in a text is the bound that was meant.
const LARGEST: u64 = (1 << 23) * 1_000_000_000;

/// The upper bounds of the classic buckets that a histogram is exposed with, in ascending order. A histogram has some
/// thousand buckets of its own, each of which would be a time series; so an exposition takes a short list.
///
/// # What is counted
///
/// The count at a bound is that of the histogram's own buckets which end at the bound or below. **No value above the bound is
/// ever counted.** Values at or just below it are not counted yet when their bucket goes on beyond it; such a bucket is
/// narrow: the values that are missing lie within twice the layout's error below the bound, 1.6 % for
/// [`Layout::response_times`]. (Below the layout's `lowest`, within twice the error of `lowest`.) What is above the layout's
/// highest value is counted at `+Inf` only.
///
/// So the bounds stay the round numbers that queries name, `le="0.1"`, whatever the layout. Where counts have to be exact,
/// [`Bounds::snapped`] moves each bound to the nearest end of a bucket: then the count is that of all values up to the bound,
/// and the bound is a number such as 0.100663295.
///
/// ```
/// use crm_monitor::expose::Bounds;
/// use std::time::Duration;
///
/// let bounds = Bounds::durations([50, 100, 250, 1000].map(Duration::from_millis))?;
/// assert_eq!(bounds.iter().collect::<Vec<_>>(), [50_000_000, 100_000_000, 250_000_000, 1_000_000_000]);
/// # Ok::<(), crm_monitor::expose::BoundsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    ends: Box<[u64]>,
}

impl Bounds {
    /// Bounds as they are recorded: nanoseconds, bytes, or whatever the histogram counts. None at all leaves `+Inf`.
    ///
    /// # Errors
    ///
    /// Where they do not ascend, one is above 8,388,608,000,000,000, or there are more than 200.
    pub fn new(ends: impl IntoIterator<Item = u64>) -> Result<Self, BoundsError> {
        let ends: Box<[u64]> = ends.into_iter().take(MOST + 1).collect();
        if ends.len() > MOST {
            return Err(BoundsError::TooMany);
        }
        if let Some(pair) = ends.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(BoundsError::NotAscending { bound: pair[1] });
        }
        match ends.last() {
            Some(&bound) if bound > LARGEST => Err(BoundsError::TooLarge { bound }),
            _ => Ok(Self { ends }),
        }
    }

    /// Bounds in time, for histograms of seconds.
    ///
    /// # Errors
    ///
    /// As [`Bounds::new`]; so many nanoseconds are 97 days.
    pub fn durations(ends: impl IntoIterator<Item = Duration>) -> Result<Self, BoundsError> {
        let nanoseconds = |end: Duration| u64::try_from(end.as_nanos()).unwrap_or(u64::MAX);
        Self::new(ends.into_iter().map(nanoseconds))
    }

    /// What a histogram of this unit is exposed with unless something else is chosen.
    ///
    /// | unit | bounds |
    /// |---|---|
    /// | seconds | 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60 |
    /// | bytes | 256 to 268,435,456, each four times the last |
    /// | millionths | 0.001, 0.002, 0.005, 0.01, 0.02, 0.05 and so on to 1,000,000 |
    /// | others | 1, 2, 5, 10, 20, 50 and so on to 1,000,000 |
    #[must_use]
    pub fn of_unit(unit: Unit) -> Self {
        const MICROSECOND: u64 = 1_000;
        let ends = match unit {
            Unit::Seconds => [
                500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
                1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
            ]
            .map(|end| end * MICROSECOND)
            .into(),
            Unit::Bytes => (0..=10).map(|step| 256 << (2 * step)).collect(),
            Unit::Millionths => (3..12)
                .flat_map(|power| [1, 2, 5].map(|first| first * 10_u64.pow(power)))
                .chain([1_000_000 * 1_000_000])
                .collect(),
            _ => (0..6)
                .flat_map(|power| [1, 2, 5].map(|first| first * 10_u64.pow(power)))
                .chain([1_000_000])
                .collect(),
        };
        Self { ends }
    }

    /// Each bound moved to the nearest end of one of the layout's buckets, so that the counts are exact; of two that meet
    /// there, one is left. Above the layout's highest value there is no end to move to: such a bound becomes the highest
    /// value.
    #[must_use]
    pub fn snapped(&self, layout: &Layout) -> Self {
        let mut ends: Vec<u64> = self
            .ends
            .iter()
            .map(|&end| {
                if end >= layout.highest() {
                    return layout.highest();
                }
                let bucket = layout.bounds(layout.index(end));
                let (below, above) = (bucket.start().checked_sub(1), *bucket.end());
                match below {
                    Some(below) if end - below < above - end => below,
                    _ => above,
                }
            })
            .collect();
        ends.dedup();
        // The highest value of an absurdly wide layout is more than a text can say.
        ends.retain(|end| *end <= LARGEST);
        Self { ends: ends.into() }
    }

    /// The bounds, without `+Inf`.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.ends.iter().copied()
    }

    /// For each bound, and then for `+Inf`, the bound and how many values are at most that.
    pub(super) fn cumulative<'a>(
        &'a self,
        snapshot: &'a Snapshot,
    ) -> impl Iterator<Item = (Option<u64>, u64)> + 'a {
        let (mut seen, mut places) = (0_u64, 0);
        let ends = self.iter().map(move |end| {
            let next = snapshot.layout().ending_by(end);
            seen = seen.saturating_add(snapshot.count_in(places..next));
            places = next;
            (Some(end), seen)
        });
        ends.chain([(None, snapshot.count())])
    }
}

/// Why numbers are not [`Bounds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoundsError {
    /// One is not above the one before it.
    NotAscending {
        /// That one.
        bound: u64,
    },
    /// One is above 8,388,608,000,000,000: 97 days in nanoseconds.
    TooLarge {
        /// That one.
        bound: u64,
    },
    /// There are more than 200.
    TooMany,
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAscending { bound } => {
                write!(
                    f,
                    "the bound {bound} is not above the one before it: sort the bounds, and give each once"
                )
            }
            Self::TooLarge { bound } => {
                write!(
                    f,
                    "the bound {bound} is above {LARGEST}: leave it out, since values above all bounds are counted at +Inf"
                )
            }
            Self::TooMany => f.write_str(
                "there are more than 200 bounds: each is a time series, so choose a few",
            ),
        }
    }
}

impl std::error::Error for BoundsError {}

#[cfg(test)]
mod tests {
    use super::Bounds;
    use crate::histogram::{Histogram, Layout};

    #[test]
    fn a_snapped_bound_is_the_nearest_end_of_a_bucket() {
        let layout = Layout::response_times();
        let asked = 100_000_000;
        let bounds = Bounds::new([asked]).unwrap().snapped(&layout);
        let end = bounds.iter().next().unwrap();
        assert_eq!(*layout.bounds(layout.index(end)).end(), end);
        let bucket = layout.bounds(layout.index(asked));
        let other = if end < asked {
            *bucket.end()
        } else {
            bucket.start() - 1
        };
        assert!(end.abs_diff(asked) <= other.abs_diff(asked));
    }

    #[test]
    fn counts_leave_out_the_bucket_that_goes_on_beyond_the_bound() {
        let histogram = Histogram::new(Layout::response_times());
        let bucket = histogram
            .layout()
            .bounds(histogram.layout().index(100_000_000));
        let (low, high) = bucket.into_inner();
        histogram.record(low);
        histogram.record(high);
        let snapshot = histogram.snapshot();
        let at = |bound| {
            Bounds::new([bound])
                .unwrap()
                .cumulative(&snapshot)
                .next()
                .unwrap()
                .1
        };
        assert_eq!((at(low - 1), at(low), at(high - 1), at(high)), (0, 0, 0, 2));
    }
}
