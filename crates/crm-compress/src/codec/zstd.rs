//! The zstd coding.

use super::methods::methods;
use crate::{Coding, Level};

/// Encodes into the zstd format of RFC 8878.
///
/// A frame has the length of the body in its head where it is known, so that a decoder knows what it needs, and no
/// checksum: that is the transport's business, and costs four bytes. No window is larger than the 8 MiB that every
/// client has to accept (RFC 9659), and that of a stream is 256 KiB.
///
/// Nothing is allocated in the steady state, with one exception that is libzstd's own: a context that has served 128
/// bodies in a row which needed less than a third of its memory takes a smaller block instead, and a larger one again
/// for the next larger body. [`Level::Smallest`] keeps to tables of 0.8 MiB; `Level::Exact` above 12 takes up to 90 MiB
/// for bodies of more than 256 KB, while they last.
///
/// ```
/// use crm_compress::{Gzip, Zstd};
///
/// let json = br#"{"id":7,"name":"Ada","city":"London"}"#.repeat(100);
/// let body = Zstd::default().encode(&json);
/// assert!(body.len() < Gzip::default().encode(&json).len());
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "zstd")))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Zstd {
    level: Level,
}

methods!(Zstd, Coding::Zstd);
