//! What a histogram recorded between two samples, in few bytes.

use crate::snapshot::{runs, varint};
use crate::window::ladder::Change;

/// The counts of buckets, the failures among them and their sum.
///
/// First come the failures and the two halves of the sum, then the runs of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packed(Box<[u8]>);

impl Packed {
    /// Packs the buckets that are not empty, given by place in ascending order.
    pub(super) fn new(
        failures: u64,
        sum: u128,
        buckets: impl Iterator<Item = (usize, u64)>,
    ) -> Self {
        let mut bytes = Vec::new();
        for number in [failures, sum as u64, (sum >> 64) as u64] {
            varint::write(&mut bytes, number);
        }
        runs::write(&mut bytes, buckets);
        Self(bytes.into_boxed_slice())
    }

    /// The most bytes that the changes of so many buckets can take: each count its ten, the three numbers before them, and the
    /// beginning of a run, of which more are made only where buckets are empty.
    pub(super) fn bytes_at_most(buckets: usize) -> usize {
        10 * buckets + 3 * 10 + 2 * 3
    }

    pub(super) fn unpack(&self) -> Unpacked<'_> {
        let mut bytes = &*self.0;
        Unpacked {
            failures: read(&mut bytes),
            sum: u128::from(read(&mut bytes)) | u128::from(read(&mut bytes)) << 64,
            buckets: Buckets {
                bytes,
                place: 0,
                left: 0,
            },
        }
    }
}

impl Change for Packed {
    fn add(&mut self, later: &Self) {
        let (earlier, later) = (self.unpack(), later.unpack());
        *self = Self::new(
            earlier.failures.saturating_add(later.failures),
            earlier.sum + later.sum,
            Both {
                earlier: earlier.buckets.peekable(),
                later: later.buckets.peekable(),
            },
        );
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// The parts of a [`Packed`].
pub(super) struct Unpacked<'a> {
    pub(super) failures: u64,
    pub(super) sum: u128,
    pub(super) buckets: Buckets<'a>,
}

/// The buckets that are not empty: place and count.
pub(super) struct Buckets<'a> {
    bytes: &'a [u8],
    place: usize,
    /// How many buckets of the run are still to come.
    left: u64,
}

impl Iterator for Buckets<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<(usize, u64)> {
        loop {
            if self.left == 0 {
                if self.bytes.is_empty() {
                    return None;
                }
                self.place += read(&mut self.bytes) as usize;
                self.left = read(&mut self.bytes);
            }
            let count = read(&mut self.bytes);
            self.left -= 1;
            self.place += 1;
            if count > 0 {
                return Some((self.place - 1, count));
            }
        }
    }
}

/// The buckets of two neighbours added up.
struct Both<'a> {
    earlier: std::iter::Peekable<Buckets<'a>>,
    later: std::iter::Peekable<Buckets<'a>>,
}

impl Iterator for Both<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<(usize, u64)> {
        let (Some(&(earlier, a)), Some(&(later, b))) = (self.earlier.peek(), self.later.peek())
        else {
            return self.earlier.next().or_else(|| self.later.next());
        };
        if earlier <= later {
            self.earlier.next();
        }
        if later <= earlier {
            self.later.next();
        }
        Some(match earlier.cmp(&later) {
            std::cmp::Ordering::Less => (earlier, a),
            std::cmp::Ordering::Equal => (earlier, a + b),
            std::cmp::Ordering::Greater => (later, b),
        })
    }
}

/// The next number of what [`Packed::new`] wrote.
fn read(bytes: &mut &[u8]) -> u64 {
    varint::read(bytes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Packed;
    use crate::window::ladder::Change;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn counts() -> impl Strategy<Value = BTreeMap<usize, u64>> {
        let count = prop_oneof![1_u64..3, 1_u64..1_000_000, Just(u64::MAX / 2)];
        let places = prop_oneof![0_usize..12, 0_usize..2_154, Just(131_071)];
        proptest::collection::btree_map(places, count, 0..40)
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out(counts in counts(), failures: u64, sum: u128) {
            let packed = Packed::new(failures, sum, counts.clone().into_iter());
            let out = packed.unpack();
            prop_assert_eq!((out.failures, out.sum), (failures, sum));
            prop_assert_eq!(out.buckets.collect::<BTreeMap<_, _>>(), counts);
        }

        #[test]
        fn neighbours_add_up(a in counts(), b in counts(), sums: (u64, u64)) {
            let mut packed = Packed::new(1, sums.0.into(), a.clone().into_iter());
            packed.add(&Packed::new(2, sums.1.into(), b.clone().into_iter()));
            let mut both = a;
            for (place, count) in b {
                *both.entry(place).or_default() += count;
            }
            let sum = u128::from(sums.0) + u128::from(sums.1);
            prop_assert_eq!(packed, Packed::new(3, sum, both.into_iter()));
        }
    }

    #[test]
    fn a_run_takes_a_byte_a_bucket() {
        let crowd = Packed::new(0, 500_000, (700..1_200).map(|place| (place, 100)));
        assert_eq!(crowd.bytes(), 500 + 8 + 1);
        assert_eq!(Packed::new(0, 0, std::iter::empty()).bytes(), 3);
    }
}
