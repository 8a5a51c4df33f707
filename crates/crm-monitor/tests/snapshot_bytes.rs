//! Snapshots come back from their bytes, and whatever else the bytes say, they are refused without harm.

#[path = "support/hostile.rs"]
mod hostile;

use crm_monitor::{Histogram, Layout, Snapshot, SnapshotError};
use hostile::check;
use proptest::prelude::*;

/// 42 twice, 1,000,000 once, once failed.
fn some() -> Snapshot {
    let histogram = Histogram::new(Layout::new(1, 2_000_000, 0.05).unwrap());
    histogram.record(42);
    histogram.record(42);
    histogram.record_failure(1_000_000);
    histogram.snapshot()
}

/// Numbers as they are written, after the letters and the version.
fn bytes(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = b"CRMs\x01".to_vec();
    for &number in numbers {
        let mut left = number;
        while left >= 128 {
            bytes.push(left as u8 | 128);
            left >>= 7;
        }
        bytes.push(left as u8);
    }
    bytes
}

/// A layout of 12 buckets and the overflow: of two values each below 16, of four each from there to 31.
const LAYOUT: [u64; 3] = [3, 2, 31];

fn read(layout: [u64; 3], rest: &[u64]) -> Result<Snapshot, SnapshotError> {
    Snapshot::from_bytes(&bytes(&[&layout[..], rest].concat()))
}

#[test]
fn bytes_are_what_the_documentation_says() {
    // The fifth bucket holds 8 and 9.
    let snapshot = read(LAYOUT, &[1, 17, 0, 1, 4, 1, 2]).unwrap();
    assert_eq!(
        (snapshot.count(), snapshot.sum(), snapshot.failures()),
        (2, 17, 1)
    );
    let bucket = snapshot.buckets().next().unwrap();
    assert_eq!((bucket.range, bucket.count), (8..=9, 2));
    let empty = Snapshot::empty(snapshot.layout()).to_bytes();
    assert_eq!(empty, bytes(&[&LAYOUT[..], &[0, 0, 0, 0]].concat()));
    // Runs go on over one empty bucket and end before two.
    let read = read(LAYOUT, &[0, 2 + 6 + 12, 0, 2, 1, 3, 1, 0, 1, 2, 1, 1]).unwrap();
    let starts: Vec<u64> = read.buckets().map(|bucket| *bucket.range.start()).collect();
    assert_eq!(starts, [2, 6, 12]);
}

#[test]
fn every_beginning_is_too_short_and_every_longer_text_too_long() {
    let whole = some().to_bytes();
    for end in 0..whole.len() {
        assert_eq!(
            Snapshot::from_bytes(&whole[..end]),
            Err(SnapshotError::Truncated),
            "{end}"
        );
    }
    for byte in [0, 1, 0xff] {
        let longer = [&whole[..], &[byte]].concat();
        assert_eq!(
            Snapshot::from_bytes(&longer),
            Err(SnapshotError::TrailingBytes)
        );
    }
}

#[test]
fn other_things_are_told_from_snapshots() {
    for other in [&b"CRMx\x01"[..], b"x", b"PAR1....", &[0; 40]] {
        assert_eq!(
            Snapshot::from_bytes(other),
            Err(SnapshotError::NotASnapshot),
            "{other:?}"
        );
    }
    let mut newer = some().to_bytes();
    newer[4] = 2;
    assert_eq!(
        Snapshot::from_bytes(&newer),
        Err(SnapshotError::UnknownVersion(2))
    );
}

#[test]
fn figures_that_contradict_each_other_are_refused() {
    let refused = |layout: [u64; 3], rest: &[u64]| {
        assert_eq!(
            read(layout, rest),
            Err(SnapshotError::Contradiction),
            "{layout:?} {rest:?}"
        );
    };
    // Two values of 8 or 9: more failures, a lower sum, a higher one, one of twice the width.
    refused(LAYOUT, &[3, 17, 0, 1, 4, 1, 2]);
    refused(LAYOUT, &[0, 15, 0, 1, 4, 1, 2]);
    refused(LAYOUT, &[0, 19, 0, 1, 4, 1, 2]);
    refused(LAYOUT, &[0, 17, 1, 1, 4, 1, 2]);
    // A sum, or a failure, of nothing.
    refused(LAYOUT, &[0, 1, 0, 0]);
    refused(LAYOUT, &[1, 0, 0, 0]);
    // More values than can be counted.
    refused(LAYOUT, &[0, 2, 0, 1, 0, 2, u64::MAX, 1]);
    // More buckets than the layout has: by the run, by what lies before it, by so much that their sum wraps around.
    refused(LAYOUT, &[0, 40, 0, 1, 13, 1, 1]);
    refused(LAYOUT, &[0, 0, 0, 1, 0, 1 << 40]);
    refused(LAYOUT, &[0, 0, 0, 1, 1 << 40, 1, 1]);
    refused(LAYOUT, &[0, 0, 0, 1, u64::MAX, 2, 1, 1]);
    // The same figures written otherwise: an empty run, an empty bucket at an end, two runs for one, one for two.
    refused(LAYOUT, &[0, 17, 0, 2, 4, 1, 2, 1, 0]);
    refused(LAYOUT, &[0, 17, 0, 1, 4, 2, 2, 0]);
    refused(LAYOUT, &[0, 17, 0, 1, 3, 2, 0, 2]);
    refused(LAYOUT, &[0, 18, 0, 2, 4, 1, 1, 0, 1, 1]);
    refused(LAYOUT, &[0, 22, 0, 1, 4, 4, 1, 0, 0, 1]);
    // Layouts that there are not: no division, too fine, an octave too low or too high, an end inside a bucket, too many buckets.
    for layout in [
        [3, 0, 31],
        [20, 15, 1 << 30],
        [1, 2, 31],
        [64, 2, u64::MAX],
        [1 << 33, 2, 31],
        [3, 1 << 33, 31],
        [3, 2, 30],
        [3, 2, 0],
        [3, 2, 1],
        [14, 14, u64::MAX],
    ] {
        refused(layout, &[0, 0, 0, 0]);
    }
    // An overflow above the last of all values holds nothing.
    let all = Layout::new(1, u64::MAX, 0.25).unwrap();
    let overflow = all.len() as u64 - 1;
    refused([1, 1, u64::MAX], &[0, u64::MAX, 0, 1, overflow, 1, 1]);
    let last = read([1, 1, u64::MAX], &[0, u64::MAX, 0, 1, overflow - 1, 1, 1]).unwrap();
    assert_eq!((last.layout(), last.sum()), (all, u64::MAX.into()));
}

#[test]
fn a_number_has_one_form() {
    let plain = bytes(&[3, 2, 31, 0, 0, 0, 0]);
    assert!(Snapshot::from_bytes(&plain).is_ok());
    // The last zero in two bytes, and in as many as no number has.
    let (shorter, _) = plain.split_at(plain.len() - 1);
    for zero in [
        &[0x80, 0][..],
        &[0x80; 12],
        &[0xff; 12],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
    ] {
        assert_eq!(
            Snapshot::from_bytes(&[shorter, zero].concat()),
            Err(SnapshotError::Contradiction),
            "{zero:?}"
        );
    }
}

#[test]
fn figures_at_the_end_of_their_range_come_back() {
    let histogram = Histogram::new(Layout::new(1, u64::MAX, 0.25).unwrap());
    histogram.record(u64::MAX);
    let mut all = histogram.snapshot();
    for _ in 0..63 {
        let same = all.clone();
        all.merge(&same).unwrap();
    }
    assert_eq!(all.sum(), u128::from(u64::MAX) << 63);
    assert_eq!(Snapshot::from_bytes(&all.to_bytes()).as_ref(), Ok(&all));
}

#[test]
fn what_is_merged_past_the_range_of_counts_can_still_be_compared() {
    // The first bucket and the last hold as many values as there can be, 0 and 16.
    let most = |place| read(LAYOUT, &[0, 0, 0, 1, place, 1, u64::MAX]).unwrap();
    let mut all = most(0);
    let last = read(LAYOUT, &[0, 16_u64.wrapping_neg(), 15, 1, 8, 1, u64::MAX]).unwrap();
    all.merge(&last).unwrap();
    assert_eq!(all.count(), u64::MAX);
    let nothing = Snapshot::empty(all.layout());
    assert_eq!(all.since(&nothing).as_ref(), Ok(&all));
    assert_eq!(all.since(&last), Ok(most(0)));
}

#[test]
fn a_month_of_answers_takes_a_kilobyte() {
    let mut random = fastrand::Rng::with_seed(4);
    let histogram = Histogram::new(Layout::response_times());
    for _ in 0..20_000 {
        let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        histogram.record((5e6 * normal.exp()) as u64);
    }
    let length = histogram.snapshot().to_bytes().len();
    assert!(length < 1_100, "{length} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_comes_back(
        values in proptest::collection::vec((any::<u64>(), 0_u32..64), 0..200),
        layout in 0_usize..4,
        failures in 0_usize..3,
    ) {
        let layout = [
            Layout::response_times(),
            Layout::new(1, u64::MAX, 0.25).unwrap(),
            Layout::new(1 << 40, u64::MAX, 0.01).unwrap(),
            Layout::new(1, 2, 0.2).unwrap(),
        ][layout];
        let histogram = Histogram::new(layout);
        for (at, (value, shift)) in values.into_iter().enumerate() {
            let value = value >> shift;
            if at < failures { histogram.record_failure(value) } else { histogram.record(value) }
        }
        let snapshot = histogram.snapshot();
        prop_assert_eq!(Snapshot::from_bytes(&snapshot.to_bytes()), Ok(snapshot));
    }

    #[test]
    fn damaged_bytes_do_no_harm(at in any::<proptest::sample::Index>(), byte: u8, at_too in any::<proptest::sample::Index>(), byte_too: u8) {
        let mut bytes = some().to_bytes();
        let length = bytes.len();
        bytes[at.index(length)] = byte;
        bytes[at_too.index(length)] = byte_too;
        check(&bytes);
    }

    #[test]
    fn any_bytes_do_no_harm(numbers in proptest::collection::vec(prop_oneof![0_u64..40, any::<u64>()], 0..30)) {
        check(&bytes(&numbers));
        check(&bytes(&[&LAYOUT[..], &numbers].concat()));
    }
}
