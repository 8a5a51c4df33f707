//! How hard an encoder tries, named by intent.

use std::fmt;

#[cfg(feature = "zstd")]
use crate::engine::zstd::Tuning;
use crate::{Coding, LevelOutOfRange};

/// How hard an encoder tries.
///
/// | level | gzip, deflate | br | zstd | dcz | use |
/// |---|---|---|---|---|---|
/// | [`Fastest`](Self::Fastest) | 1 | 2 | 1 | 3 | the processor is the bottleneck |
/// | [`Balanced`](Self::Balanced) | 5 | 4 | two tables | 6 | bodies made for one answer (the default) |
/// | [`Smallest`](Self::Smallest) | 9 | 6 | 12, smaller tables | 19 | bodies made once and sent often |
/// | [`Exact(n)`](Self::Exact) | 0 to 9 | 0 to 11 | 1 to 19 | 1 to 19 | a number that was measured |
///
/// On JSON of 1 to 130 KB, `Fastest` costs 1 to 5 % more bytes than `Balanced` in gzip where the body is whole, 35 to 45 % in
/// a stream of gzip, whose engine is another, and 1 to 4 % in zstd. The design notes say
/// [why the default is not 6](crate::_design), and what zstd does at `Balanced` and `Smallest`, which are settings of its own and no numbers of
/// libzstd. In brotli the levels 10 and 11 give another 10 to 20 % for 50 to 500 times the time of `Balanced`; a body that is
/// made ahead may have them by its number.
///
/// A number beyond a coding's scale counts as the last one of that scale, so that one level serves every coding and
/// no encoder can fail for it. A number that comes from a configuration file is better checked once, by
/// [`checked_for`](Self::checked_for).
///
/// ```
/// use crm_compress::{Coding, Level};
///
/// let configured = Level::Exact(7).checked_for(Coding::Gzip)?;
/// assert_eq!(configured, Level::Exact(7));
/// assert_eq!(
///     Level::Exact(11).checked_for(Coding::Gzip).unwrap_err().to_string(),
///     "level 11 is not on the scale of gzip; choose one from 0 to 9",
/// );
/// # Ok::<(), crm_compress::LevelOutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// The least time.
    Fastest,
    /// The best return for bodies of 1 to 100 KB.
    #[default]
    Balanced,
    /// The fewest bytes that are worth their time, for a body that is encoded once. A client that chooses what is in the
    /// body can make gzip take 0.4 to 1.2 seconds for a megabyte of it here, and 4 in a stream; at the two levels above it
    /// takes less than a tenth.
    Smallest,
    /// A number on the coding's own scale; 0 is "stored, not compressed" for gzip and deflate. A stream in brotli begins
    /// at 2, since below that brotli writes a block for every piece of input.
    Exact(u8),
}

impl Level {
    /// This level, if `coding` has it.
    ///
    /// # Errors
    ///
    /// [`LevelOutOfRange`] when it is an exact number beyond the coding's scale. Identity has no scale, and takes
    /// every level.
    pub fn checked_for(self, coding: Coding) -> Result<Self, LevelOutOfRange> {
        match (self, scale(coding)) {
            (Self::Exact(level), Some((first, last))) if level < first || level > last => {
                Err(LevelOutOfRange {
                    level,
                    coding,
                    first,
                    last,
                })
            }
            _ => Ok(self),
        }
    }

    /// The number on zlib's scale.
    pub(crate) fn deflate(self) -> u8 {
        match self {
            Self::Fastest => 1,
            Self::Balanced => 5,
            Self::Smallest => DEFLATE_LAST,
            Self::Exact(level) => level.min(DEFLATE_LAST),
        }
    }

    /// The number on brotli's scale.
    #[cfg(feature = "brotli")]
    pub(crate) fn brotli(self) -> u8 {
        match self {
            Self::Fastest => 2,
            Self::Balanced => 4,
            Self::Smallest => 6,
            Self::Exact(level) => level.min(BROTLI_LAST),
        }
    }

    /// The number on zstd's scale for a dictionary, which is prepared for a number and not for a length.
    #[cfg(feature = "dcz")]
    pub(crate) fn dcz(self) -> u8 {
        match self {
            Self::Fastest => 3,
            Self::Balanced => 6,
            Self::Smallest => ZSTD_LAST,
            Self::Exact(level) => level.clamp(ZSTD_FIRST, ZSTD_LAST),
        }
    }

    /// How zstd searches in a body of this length, or in a stream.
    #[cfg(feature = "zstd")]
    pub(crate) fn zstd(self, length: Option<usize>) -> Tuning {
        match self {
            Self::Fastest => Tuning::fastest(length),
            Self::Balanced => Tuning::balanced(length),
            Self::Smallest => Tuning::smallest(length),
            Self::Exact(level) => Tuning::exact(level.clamp(ZSTD_FIRST, ZSTD_LAST), length),
        }
    }
}

/// The last level of zlib's scale, which gzip and deflate share.
pub(crate) const DEFLATE_LAST: u8 = 9;
/// The last level of brotli's scale.
#[cfg(feature = "brotli")]
pub(crate) const BROTLI_LAST: u8 = 11;
/// The ends of zstd's scale. Its levels 20 to 22 need windows beyond the 8 MiB that a client has to accept.
#[cfg(feature = "zstd")]
pub(crate) const ZSTD_FIRST: u8 = 1;
#[cfg(feature = "zstd")]
pub(crate) const ZSTD_LAST: u8 = 19;

/// The first and the last level of a coding; identity has none.
fn scale(coding: Coding) -> Option<(u8, u8)> {
    match coding {
        Coding::Identity => None,
        Coding::Gzip | Coding::Deflate => Some((0, DEFLATE_LAST)),
        #[cfg(feature = "brotli")]
        Coding::Brotli => Some((0, BROTLI_LAST)),
        #[cfg(feature = "zstd")]
        Coding::Zstd => Some((ZSTD_FIRST, ZSTD_LAST)),
        #[cfg(feature = "dcz")]
        Coding::Dcz => Some((ZSTD_FIRST, ZSTD_LAST)),
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fastest => f.pad("fastest"),
            Self::Balanced => f.pad("balanced"),
            Self::Smallest => f.pad("smallest"),
            Self::Exact(level) => fmt::Display::fmt(level, f),
        }
    }
}
