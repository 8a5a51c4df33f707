//! From log-linear buckets to the exponential ones of OpenTelemetry.

use std::f64::consts::LN_2;

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;

/// As many buckets as the SDKs of OpenTelemetry use at most.
pub(super) const MAXIMUM_BUCKETS: i64 = 160;

/// The counts of a histogram by exponential buckets: bucket `i` is above `base.powi(i)` and up to and with
/// `base.powi(i + 1)`, where `base` is `2f64.powf(2f64.powi(-scale))`.
#[derive(Debug, PartialEq)]
pub(super) struct Exponential {
    pub(super) scale: i32,
    pub(super) zero_count: u64,
    pub(super) zero_threshold: f64,
    pub(super) positive: Buckets,
}

/// One bucket of the histogram: the least and the greatest value in it, and how many there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) count: u64,
}

impl Exponential {
    /// Puts each bucket, whole, where its middle is. What is recorded is `divisor` times what is exported.
    ///
    /// The scale is such that no bucket is narrower than those of a layout with this relative error, which would make them
    /// out to be more exact than they are, and no finer than [`MAXIMUM_BUCKETS`] allow. As more is recorded it only becomes
    /// coarser.
    pub(super) fn of(
        buckets: impl Iterator<Item = Counted> + Clone,
        error: f64,
        divisor: f64,
    ) -> Self {
        let mut zero_count = 0;
        let mut zero_threshold = 0.0_f64;
        for bucket in buckets.clone().filter(|bucket| bucket.low == 0) {
            zero_count += bucket.count;
            zero_threshold = zero_threshold.max(bucket.high as f64 / divisor);
        }
        let positive = buckets.filter(|bucket| bucket.low > 0 && bucket.count > 0);
        let finest = natural_scale(error);
        let mut scale = finest;
        let index = |bucket: Counted, scale| index(middle(bucket) / divisor, scale);
        let mut range = positive.clone().fold(None, |range, bucket| {
            let index = index(bucket, scale);
            let (least, greatest) = range.unwrap_or((index, index));
            Some((index.min(least), index.max(greatest)))
        });
        while let Some((least, greatest)) = range {
            if greatest - least < MAXIMUM_BUCKETS {
                break;
            }
            // Two neighbours become one.
            range = Some((least >> 1, greatest >> 1));
            scale -= 1;
        }
        let (least, greatest) = range.unwrap_or((0, -1));
        let mut bucket_counts = vec![0; (greatest - least + 1) as usize];
        for bucket in positive {
            let index = index(bucket, finest) >> (finest - scale);
            bucket_counts[(index - least) as usize] += bucket.count;
        }
        Self {
            scale,
            zero_count,
            zero_threshold,
            positive: Buckets {
                offset: least as i32,
                bucket_counts,
            },
        }
    }
}

/// Whatever is above the histogram's range is as little beyond it as can be: nothing more is known.
fn middle(Counted { low, high, .. }: Counted) -> f64 {
    if high == u64::MAX {
        low as f64
    } else {
        low as f64 + (high - low) as f64 / 2.0
    }
}

/// The finest scale whose buckets are at least as wide as those of a layout with this relative error, of which the middle is
/// off by the error on both sides.
fn natural_scale(error: f64) -> i32 {
    let octaves = (2.0 * error).ln_1p() / LN_2;
    (-octaves.log2()).floor() as i32
}

/// The bucket in which a value above zero is. For a power of two, which is the upper end of its bucket at each scale, the
/// logarithm is exact; no other value is at an end.
fn index(value: f64, scale: i32) -> i64 {
    (value.log2() * 2.0_f64.powi(scale)).ceil() as i64 - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Counted, Exponential, MAXIMUM_BUCKETS, index};

    /// The error of 64 buckets an octave, as the strategy makes them.
    const ERROR: f64 = 0.5 / 64.0;

    /// What the definition says is between the ends of this bucket, with room for the rounding of the ends.
    fn within(value: f64, index: i64, scale: i32) -> bool {
        let width = 2.0_f64.powi(-scale);
        let low = (index as f64 * width).exp2() * (1.0 - 1e-9);
        let high = ((index + 1) as f64 * width).exp2() * (1.0 + 1e-9);
        low < value && value <= high
    }

    #[test]
    fn a_power_of_two_is_the_upper_end_of_its_bucket() {
        for scale in -10..=20 {
            for power in -60..=63 {
                let value = 2.0_f64.powi(power);
                let expected = if scale >= 0 {
                    (i64::from(power) << scale) - 1
                } else {
                    (i64::from(power) - 1) >> -scale
                };
                assert_eq!(index(value, scale), expected, "2^{power} at {scale}");
            }
        }
    }

    #[test]
    fn nothing_recorded_has_no_bucket() {
        let none = Exponential::of(std::iter::empty(), 0.01, 1e9);
        assert_eq!((none.zero_count, none.positive.bucket_counts.len()), (0, 0));
    }

    #[test]
    fn zero_is_by_itself_and_so_is_what_shares_a_bucket_with_it() {
        let exact = Counted {
            low: 0,
            high: 0,
            count: 3,
        };
        let shared = Counted {
            low: 0,
            high: 999,
            count: 4,
        };
        let of = |bucket| Exponential::of(std::iter::once(bucket), 0.01, 1e9);
        assert_eq!((of(exact).zero_count, of(exact).zero_threshold), (3, 0.0));
        assert_eq!(
            (of(shared).zero_count, of(shared).zero_threshold),
            (4, 999.0 / 1e9)
        );
    }

    #[test]
    fn what_is_above_the_range_does_not_make_the_rest_coarse() {
        let buckets = [
            Counted {
                low: 1_000_000,
                high: 1_007_000,
                count: 5,
            },
            Counted {
                low: 4_000_000,
                high: u64::MAX,
                count: 1,
            },
        ];
        let both = Exponential::of(buckets.into_iter(), ERROR, 1e9);
        assert_eq!(both.scale, 5);
        assert_eq!(both.positive.bucket_counts.iter().sum::<u64>(), 6);
    }

    fn log_linear() -> impl Strategy<Value = Vec<Counted>> {
        let bucket = (0..64_u32, 0..64_u64, 1..1000_u64).prop_map(|(octave, step, count)| {
            // 64 steps in each octave from 64 on, exact below.
            let width = 1_u64 << octave.saturating_sub(6).min(57);
            let low = if octave < 6 {
                step
            } else {
                (64 + step).saturating_mul(width)
            };
            let high = if octave < 6 {
                step
            } else {
                low.saturating_add(width - 1)
            };
            Counted { low, high, count }
        });
        proptest::collection::vec(bucket, 1..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn counts_are_kept_where_they_belong(buckets in log_linear(), seconds: bool) {
            let divisor = if seconds { 1e9 } else { 1.0 };
            let made = Exponential::of(buckets.iter().copied(), ERROR, divisor);
            let counts = &made.positive.bucket_counts;
            prop_assert!(counts.len() as i64 <= MAXIMUM_BUCKETS);
            let total: u64 = buckets.iter().map(|bucket| bucket.count).sum();
            prop_assert_eq!(made.zero_count + counts.iter().sum::<u64>(), total);
            // No more buckets than needed, and every count where the middle of its bucket is.
            if let (Some(first), Some(last)) = (counts.first(), counts.last()) {
                prop_assert!(*first > 0 && *last > 0);
            }
            let mut again = vec![0; counts.len()];
            for bucket in buckets.iter().filter(|bucket| bucket.low > 0) {
                let middle = (bucket.low as f64 + (bucket.high - bucket.low) as f64 / 2.0) / divisor;
                let middle = if bucket.high == u64::MAX { bucket.low as f64 / divisor } else { middle };
                let place = (0..counts.len()).find(|&place| {
                    within(middle, i64::from(made.positive.offset) + place as i64, made.scale)
                });
                again[place.unwrap()] += bucket.count;
                // An exported bucket is no narrower than the one that it was made of.
                if bucket.low >= 64 && bucket.high < u64::MAX {
                    let ratio = (bucket.high as f64 + 1.0) / bucket.low as f64;
                    prop_assert!(2.0_f64.powi(-made.scale).exp2() >= ratio * (1.0 - 1e-12));
                }
            }
            prop_assert_eq!(&again, counts);
        }

        #[test]
        fn more_makes_it_no_finer(buckets in log_linear()) {
            let scales: Vec<i32> = (1..=buckets.len())
                .map(|length| Exponential::of(buckets[..length].iter().copied(), ERROR, 1.0).scale)
                .collect();
            prop_assert!(scales.is_sorted_by(|earlier, later| earlier >= later), "{:?}", scales);
        }
    }
}
