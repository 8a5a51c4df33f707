//! What must be true of a snapshot that came out of bytes which anybody may have written.

use crm_monitor::{Snapshot, SnapshotError};

/// Reads the bytes, and holds what comes out against the promises of a snapshot; also run by the fuzzer.
pub(crate) fn check(bytes: &[u8]) {
    let snapshot = match Snapshot::from_bytes(bytes) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            let known = matches!(
                error,
                SnapshotError::NotASnapshot
                    | SnapshotError::UnknownVersion(_)
                    | SnapshotError::Truncated
                    | SnapshotError::TrailingBytes
                    | SnapshotError::Contradiction
            );
            assert!(known && !error.to_string().is_empty(), "{error:?}");
            return;
        }
    };
    assert_eq!(snapshot.to_bytes(), bytes, "two forms of one snapshot");

    let layout = snapshot.layout();
    assert!(layout.len() <= 1 << 17);
    let (mut count, mut least, mut most, mut before) = (0_u64, 0, 0, None);
    for bucket in snapshot.buckets() {
        assert!(before < Some(*bucket.range.start()) && bucket.count > 0);
        before = Some(*bucket.range.end());
        count += bucket.count;
        least += u128::from(bucket.count) * u128::from(*bucket.range.start());
        most += u128::from(bucket.count) * u128::from(*bucket.range.end());
    }
    assert_eq!(snapshot.count(), count);
    assert!((least..=most).contains(&snapshot.sum()));
    assert!(snapshot.failures() <= count);
    assert_eq!(snapshot.count_at_most(u64::MAX), count);

    let quantiles = [0.0, 0.5, 1.0].map(|q| snapshot.quantile(q).map(|found| found.value()));
    assert!(quantiles.is_sorted());
    for found in quantiles {
        assert_eq!(found.is_some(), count > 0);
    }
    assert_eq!(snapshot.mean().is_some(), count > 0);
    assert!(snapshot.standard_deviation().is_none_or(f64::is_finite));

    let mut twice = snapshot.clone();
    twice.merge(&snapshot).expect("one layout");
    assert_eq!(twice.count(), count.saturating_mul(2));
    if count <= u64::MAX / 2 {
        assert_eq!(twice.since(&snapshot).expect("one layout"), snapshot);
    }
}
