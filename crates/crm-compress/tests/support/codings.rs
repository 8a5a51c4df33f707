//! The codings of this build, and the numbers on their scales.

use crm_compress::{Coding, Level};

/// Those that need nothing but a body: neither identity, nor dcz, which needs a dictionary.
pub(crate) const CODINGS: &[Coding] = &[
    Coding::Gzip,
    Coding::Deflate,
    #[cfg(feature = "brotli")]
    Coding::Brotli,
    #[cfg(feature = "zstd")]
    Coding::Zstd,
];

/// The first and the last number on a coding's scale.
pub(crate) fn scale(coding: Coding) -> (u8, u8) {
    match coding {
        Coding::Identity | Coding::Gzip | Coding::Deflate => (0, 9),
        #[cfg(feature = "brotli")]
        Coding::Brotli => (0, 11),
        #[cfg(feature = "zstd")]
        Coding::Zstd => (1, 19),
        other => panic!("no scale for {other}"),
    }
}

/// Every level of a coding: all numbers, and what is named by intent.
pub(crate) fn levels(coding: Coding) -> impl Iterator<Item = Level> {
    let (first, last) = scale(coding);
    let named = [Level::Fastest, Level::Balanced, Level::Smallest];
    named.into_iter().chain((first..=last).map(Level::Exact))
}

/// A few levels of a coding: the named ones, and the ends and the middle of the scale.
pub(crate) fn some_levels(coding: Coding) -> Vec<Level> {
    let (first, last) = scale(coding);
    vec![
        Level::Fastest,
        Level::Balanced,
        Level::Smallest,
        Level::Exact(first),
        Level::Exact(last / 2),
        Level::Exact(last),
    ]
}
