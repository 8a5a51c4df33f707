//! Why a body goes out as it is.

use std::error::Error;
use std::fmt;

use crate::Coding;

/// Why a body goes out as it is, for logs and figures.
///
/// It comes from [`Policy::decide`](crate::Policy::decide) and from `encode_if_smaller`; [`Display`](fmt::Display)
/// writes it for people, with the numbers that mattered.
///
/// ```
/// use crm_compress::Reason;
///
/// let reason = Reason::TooSmall { length: 77, minimum: 860 };
/// assert_eq!(reason.to_string(), "smaller than 860 bytes: 77");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A response with this status has no body of its own.
    NoBody {
        /// The status: 1xx, 204, 205 or 304.
        status: u16,
    },
    /// The response is a part of a representation: status 206, or a Content-Range. Its range counts bytes of a form
    /// that was chosen before.
    Partial,
    /// The response has a Content-Encoding already.
    AlreadyEncoded,
    /// The response says `Cache-Control: no-transform`.
    NoTransform,
    /// The body is smaller than the minimum.
    TooSmall {
        /// The body's length in bytes.
        length: u64,
        /// The least length that is worth the work, in bytes.
        minimum: u64,
    },
    /// The response has no Content-Type, so that nothing is known about how well it compresses.
    NoMediaType,
    /// The media type is not on the list of those that compress well.
    MediaType,
    /// The body is a stream of server-sent events.
    EventStream,
    /// The client takes no coding that is offered, or likes identity best.
    ClientPrefersIdentity,
    /// The client takes nothing that is offered, and refuses identity too.
    NotAcceptable,
    /// The coding would not have made the body smaller.
    WouldNotShrink {
        /// The coding that was tried.
        coding: Coding,
        /// The body's length in bytes, which the coding did not get below.
        length: u64,
    },
    /// A reason of the caller's own [`Predicate`](crate::Predicate), in its words.
    Other(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBody { status } => write!(f, "status {status} has no body"),
            Self::Partial => f.write_str("partial content"),
            Self::AlreadyEncoded => f.write_str("encoded already"),
            Self::NoTransform => f.write_str("cache-control says no-transform"),
            Self::TooSmall { length, minimum } => {
                write!(f, "smaller than {minimum} bytes: {length}")
            }
            Self::NoMediaType => f.write_str("no media type"),
            Self::MediaType => f.write_str("media type not on the list of those that compress"),
            Self::EventStream => f.write_str("stream of server-sent events"),
            Self::ClientPrefersIdentity => f.write_str("client prefers identity"),
            Self::NotAcceptable => {
                f.write_str("client accepts no coding that is offered, nor identity")
            }
            Self::WouldNotShrink { coding, length } => {
                write!(f, "{coding} would not shrink {length} bytes")
            }
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// It is what [`encode_if_smaller`](crate::encode_if_smaller) and the like return in place of a body.
impl Error for Reason {}
