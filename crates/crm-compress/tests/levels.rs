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
fn balanced_zstd_is_smaller_than_gzip_at_6_and_than_its_own_fastest() {
    // On both sides of each length at which the search changes.
    for length in [300, 700, 1_000, 3_000, 10_000, 30_000, 60_000, 200_000] {
        let balanced = bytes(Coding::Zstd, Level::Balanced, length);
        let gzip = bytes(Coding::Gzip, Level::Exact(6), length);
        let fastest = bytes(Coding::Zstd, Level::Fastest, length);
        assert!(balanced < gzip, "{balanced} and {gzip} from {length}");
        assert!(balanced < fastest, "{balanced} and {fastest} from {length}");
    }
}
