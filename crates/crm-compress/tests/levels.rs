//! What the levels of zstd promise beside gzip and beside one another.
#![cfg(feature = "zstd")]

use crm_compress::{Coding, Level, encode};

#[path = "support/bodies.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod bodies;

/// The bytes of eight bodies of this length.
fn bytes(coding: Coding, level: Level, length: usize) -> usize {
    (1..=8)
        .map(|seed| encode(coding, level, &bodies::json(length, seed)).len())
        .sum()
}

#[test]
fn zstd_keeps_its_promises_beside_gzip_at_6() {
    // On both sides of each length at which the search changes.
    for length in [300, 700, 1_000, 3_000, 10_000, 30_000, 60_000, 200_000] {
        let gzip = bytes(Coding::Gzip, Level::Exact(6), length);
        let [fastest, balanced, smallest] = [Level::Fastest, Level::Balanced, Level::Smallest]
            .map(|level| bytes(Coding::Zstd, level, length));
        assert!(smallest < balanced.min(fastest).min(gzip), "{length}");
        // About the bytes of gzip; a third of its time goes beyond what a test can hold.
        assert!(
            balanced * 100 < gzip * 105,
            "{balanced} and {gzip} from {length}"
        );
        assert!(
            fastest * 100 < gzip * 115,
            "{fastest} and {gzip} from {length}"
        );
        if length < 768 {
            assert!(balanced < gzip, "{balanced} and {gzip} from {length}");
        }
    }
}
