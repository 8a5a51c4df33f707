//! The content codings, by their registered names.

use std::fmt;
use std::str::FromStr;

use crate::UnknownCoding;

/// A content coding of RFC 9110, section 8.4.1, that this crate can send.
///
/// The order of the variants means nothing; a server states its preference by the order in which it offers codings to
/// [`negotiate`](crate::negotiate).
///
/// ```
/// use crm_compress::Coding;
///
/// assert_eq!(Coding::Gzip.name(), "gzip"); // what Content-Encoding says
/// assert_eq!("X-GZIP".parse(), Ok(Coding::Gzip));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coding {
    /// No coding: the body as it is. Such a response carries no Content-Encoding.
    Identity,
    /// The gzip format of RFC 1952. The alias `x-gzip` means the same (RFC 9110, section 8.4.1.3).
    Gzip,
    /// The zlib format of RFC 1950, which is what HTTP calls "deflate" (RFC 9110, section 8.4.1.2). It is not the bare
    /// deflate stream of RFC 1951, although some old clients take that too.
    Deflate,
    /// The brotli format of RFC 7932, whose name is "br".
    #[cfg(feature = "brotli")]
    #[cfg_attr(docsrs, doc(cfg(feature = "brotli")))]
    Brotli,
    /// The zstd format of RFC 8878, within the window of 8 MiB that RFC 9659 sets.
    #[cfg(feature = "zstd")]
    #[cfg_attr(docsrs, doc(cfg(feature = "zstd")))]
    Zstd,
    /// Zstd with a dictionary that the client holds already (RFC 9842). Only a [`Dictionary`](crate::Dictionary) can
    /// encode it, and only a client that has named that dictionary in Available-Dictionary can decode it; offer it to
    /// no other. `*` in Accept-Encoding does not mean it.
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    Dcz,
}

impl Coding {
    /// Every coding of this build, identity last.
    pub(crate) const ALL: &[Self] = &[
        Self::Gzip,
        Self::Deflate,
        #[cfg(feature = "brotli")]
        Self::Brotli,
        #[cfg(feature = "zstd")]
        Self::Zstd,
        #[cfg(feature = "dcz")]
        Self::Dcz,
        Self::Identity,
    ];

    /// How many codings there are with all features; [`Coding::index`] is below it.
    pub(crate) const COUNT: usize = 6;

    /// The coding's place in a table of codings.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Identity => 0,
            Self::Gzip => 1,
            Self::Deflate => 2,
            #[cfg(feature = "brotli")]
            Self::Brotli => 3,
            #[cfg(feature = "zstd")]
            Self::Zstd => 4,
            #[cfg(feature = "dcz")]
            Self::Dcz => 5,
        }
    }

    /// The name under which the coding is registered, in lower case.
    #[inline]
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            #[cfg(feature = "brotli")]
            Self::Brotli => "br",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
            #[cfg(feature = "dcz")]
            Self::Dcz => "dcz",
        }
    }

    /// Whether `*` in Accept-Encoding can mean this coding. Not dcz: a client without the dictionary could not read it
    /// (RFC 9842, section 6.1).
    pub(crate) const fn is_wild(self) -> bool {
        match self {
            #[cfg(feature = "dcz")]
            Self::Dcz => false,
            _ => true,
        }
    }

    /// The coding of this name in any case, aliases included.
    #[inline]
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        // A name is compared as one number; the lengths tell most of those of other codings apart.
        match *name {
            #[cfg(feature = "brotli")]
            [a, b] if folded([a, b]) == const { folded(*b"br") } => Some(Self::Brotli),
            #[cfg(feature = "dcz")]
            [a, b, c] if folded([a, b, c]) == const { folded(*b"dcz") } => Some(Self::Dcz),
            [a, b, c, d] => match folded([a, b, c, d]) {
                word if word == const { folded(*b"gzip") } => Some(Self::Gzip),
                #[cfg(feature = "zstd")]
                word if word == const { folded(*b"zstd") } => Some(Self::Zstd),
                _ => None,
            },
            // The hyphen has no case, and folding would take another byte for it.
            [b'x' | b'X', b'-', a, b, c, d]
                if folded([a, b, c, d]) == const { folded(*b"gzip") } =>
            {
                Some(Self::Gzip)
            }
            [a, b, c, d, e, f, g]
                if folded([a, b, c, d, e, f, g]) == const { folded(*b"deflate") } =>
            {
                Some(Self::Deflate)
            }
            [a, b, c, d, e, f, g, h]
                if folded([a, b, c, d, e, f, g, h]) == const { folded(*b"identity") } =>
            {
                Some(Self::Identity)
            }
            _ => None,
        }
    }
}

/// The bytes of a name as a number, letters in lower case. Only a letter and its capital become that letter, so that what
/// equals a name made of letters is that name.
#[inline]
const fn folded<const N: usize>(name: [u8; N]) -> u64 {
    let mut word = 0;
    let mut at = 0;
    while at < N {
        word = word << 8 | (name[at] | 0x20) as u64;
        at += 1;
    }
    word
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Coding {
    type Err = UnknownCoding;

    /// Reads a name in any case; `x-gzip` is gzip.
    ///
    /// # Errors
    ///
    /// [`UnknownCoding`] when this crate cannot send a coding of that name.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name.as_bytes()).ok_or(UnknownCoding)
    }
}
