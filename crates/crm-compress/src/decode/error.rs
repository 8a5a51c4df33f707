//! Why a body was refused, and what to answer.

use std::error::Error;
use std::fmt;

use crate::Coding;

/// The codings that this build decodes, as Accept-Encoding lists them.
pub(super) const ACCEPTED: &str = match (cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
    (false, false) => "gzip, deflate",
    (true, false) => "gzip, deflate, br",
    (false, true) => "gzip, deflate, zstd",
    (true, true) => "gzip, deflate, br, zstd",
};

/// Why a body could not be decoded.
///
/// [`status`](Self::status) is what to answer: 415 when the codings, or their dictionaries, are at fault, 413 when a
/// [limit](crate::DecodeLimits) is, 400 when the data is. An answer 415 should carry
/// [`accept_encoding`](Self::accept_encoding).
///
/// ```
/// use crm_compress::{DecodeLimits, decode};
///
/// let error = decode(["compress"], b"...", &DecodeLimits::default()).unwrap_err();
/// assert_eq!(error.status(), 415);
/// assert!(error.accept_encoding().unwrap().starts_with("gzip, deflate"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// Content-Encoding names a coding that this build does not decode, or is malformed.
    UnsupportedCoding,
    /// Content-Encoding names more codings than [`codings`](crate::DecodeLimits::codings).
    ChainTooLong {
        /// The limit.
        limit: usize,
    },
    /// The body decodes to more than [`decoded_bytes`](crate::DecodeLimits::decoded_bytes).
    DecodedTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The body, or what a layer of it hands to the next, has more than
    /// [`encoded_bytes`](crate::DecodeLimits::encoded_bytes).
    EncodedTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The body decodes to more than [`ratio`](crate::DecodeLimits::ratio) times what arrived.
    RatioTooHigh {
        /// The limit, in bytes decoded for one that arrived.
        limit: u64,
    },
    /// The body consists of more than [`members`](crate::DecodeLimits::members) gzip members or zstd frames.
    TooManyMembers {
        /// The coding.
        coding: Coding,
        /// The limit.
        limit: u64,
    },
    /// A gzip header has more than [`header_bytes`](crate::DecodeLimits::header_bytes).
    HeaderTooLarge {
        /// The coding.
        coding: Coding,
        /// The limit in bytes.
        limit: u64,
    },
    /// A frame wants a window of more than [`window_bytes`](crate::DecodeLimits::window_bytes).
    WindowTooLarge {
        /// The coding.
        coding: Coding,
        /// The limit in bytes.
        limit: u64,
    },
    /// The body ends before its coding does. An empty body is cut off too, as no coding here can be empty.
    Truncated {
        /// The coding.
        coding: Coding,
    },
    /// Something follows the end of the coding that does not belong to it; zeros are no exception.
    TrailingData {
        /// The coding.
        coding: Coding,
    },
    /// A checksum, or the length that goes with it, does not fit the data.
    ChecksumMismatch {
        /// The coding.
        coding: Coding,
    },
    /// The data does not begin as its coding has to.
    InvalidHeader {
        /// The coding.
        coding: Coding,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The body names a dictionary that is none of those at hand. Without it nobody can read the body; the client may
    /// send it in another coding.
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    UnknownDictionary {
        /// The coding.
        coding: Coding,
    },
    /// The data was encoded with a dictionary that is not at hand.
    DictionaryNeeded {
        /// The coding.
        coding: Coding,
    },
    /// The data breaks the rules of its coding.
    Corrupt {
        /// The coding.
        coding: Coding,
        /// What the decoder said; it is the [`source`](Error::source).
        source: EngineError,
    },
}

impl DecodeError {
    /// The status to answer: 415, 413 or 400 (RFC 9110, sections 15.5.16, 15.5.14 and 15.5.1).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnsupportedCoding | Self::ChainTooLong { .. } => 415,
            #[cfg(feature = "dcz")]
            Self::UnknownDictionary { .. } => 415,
            Self::DecodedTooLarge { .. }
            | Self::EncodedTooLarge { .. }
            | Self::RatioTooHigh { .. }
            | Self::TooManyMembers { .. }
            | Self::HeaderTooLarge { .. }
            | Self::WindowTooLarge { .. } => 413,
            Self::Truncated { .. }
            | Self::TrailingData { .. }
            | Self::ChecksumMismatch { .. }
            | Self::InvalidHeader { .. }
            | Self::DictionaryNeeded { .. }
            | Self::Corrupt { .. } => 400,
        }
    }

    /// The value of Accept-Encoding for an answer 415; `None` for the others.
    ///
    /// It tells the client that the coding was at fault and which ones it may use (RFC 9110, sections 12.5.3 and
    /// 15.5.16). On any other answer it would say the same of the wrong cause.
    #[must_use]
    pub const fn accept_encoding(&self) -> Option<&'static str> {
        match self {
            Self::UnsupportedCoding | Self::ChainTooLong { .. } => Some(ACCEPTED),
            #[cfg(feature = "dcz")]
            Self::UnknownDictionary { .. } => Some(ACCEPTED),
            _ => None,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedCoding => {
                write!(f, "content coding is not supported; use one of {ACCEPTED}")
            }
            Self::ChainTooLong { limit } => {
                write!(f, "body has more than {limit} codings; apply fewer")
            }
            Self::DecodedTooLarge { limit } => write!(
                f,
                "body decodes to more than {limit} bytes; send less, or raise the limit"
            ),
            Self::EncodedTooLarge { limit } => write!(
                f,
                "encoded body has more than {limit} bytes; send less, or raise the limit"
            ),
            Self::RatioTooHigh { limit } => write!(
                f,
                "body decodes to more than {limit} bytes for one that was sent; send it unencoded, or raise the limit"
            ),
            Self::TooManyMembers { coding, limit } => write!(
                f,
                "{coding} body consists of more than {limit} parts; encode it as one"
            ),
            Self::HeaderTooLarge { coding, limit } => write!(
                f,
                "{coding} header has more than {limit} bytes; leave out names and comments"
            ),
            Self::WindowTooLarge { coding, limit } => write!(
                f,
                "{coding} frame needs a window of more than {limit} bytes; encode with a smaller one"
            ),
            Self::Truncated { coding } => write!(f, "{coding} body is cut off; send it whole"),
            Self::TrailingData { coding } => write!(
                f,
                "{coding} body is followed by something else; send nothing after its end"
            ),
            Self::ChecksumMismatch { coding } => {
                write!(f, "{coding} body does not fit its checksum; send it again")
            }
            Self::InvalidHeader { coding, reason } => {
                write!(f, "{coding} body has an invalid header: {reason}")
            }
            #[cfg(feature = "dcz")]
            Self::UnknownDictionary { coding } => write!(
                f,
                "{coding} body names a dictionary that is not at hand; encode it with another, or use one of {ACCEPTED}"
            ),
            Self::DictionaryNeeded { coding } => write!(
                f,
                "{coding} body needs a dictionary that is not at hand; encode without it"
            ),
            Self::Corrupt { coding, .. } => {
                write!(f, "{coding} body is corrupt; encode it again")
            }
        }
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Corrupt { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What the decoder of a coding said about corrupt data, in its own words. They may depend on the pieces in which the body
/// came.
#[derive(Clone, Debug)]
pub struct EngineError(Words);

#[derive(Clone, Debug)]
enum Words {
    Inflate(flate2::DecompressError),
    #[cfg(feature = "brotli")]
    Brotli(i32),
    #[cfg(feature = "zstd")]
    Zstd(&'static str),
    Stalled,
}

impl EngineError {
    pub(super) fn inflate(error: flate2::DecompressError) -> Self {
        Self(Words::Inflate(error))
    }

    /// An error by its number in brotli's own list.
    #[cfg(feature = "brotli")]
    pub(super) const fn brotli(code: i32) -> Self {
        Self(Words::Brotli(code))
    }

    #[cfg(feature = "zstd")]
    pub(super) const fn zstd(words: &'static str) -> Self {
        Self(Words::Zstd(words))
    }

    pub(super) const fn stalled() -> Self {
        Self(Words::Stalled)
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // Where zlib-rs meets the fault in its fast loop, it loses its own words.
            Words::Inflate(error) => f.write_str(
                error
                    .message()
                    .filter(|&words| words != "repeated call with bad state")
                    .unwrap_or("invalid deflate data"),
            ),
            #[cfg(feature = "brotli")]
            Words::Brotli(code) => write!(f, "brotli error {code}"),
            #[cfg(feature = "zstd")]
            Words::Zstd(words) => f.write_str(words),
            Words::Stalled => f.write_str("the decoder does not go on"),
        }
    }
}

impl Error for EngineError {}
