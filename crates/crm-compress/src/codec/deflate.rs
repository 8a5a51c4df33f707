//! The deflate coding.

use super::methods::methods;
use crate::{Coding, Level};

/// Encodes into the zlib format of RFC 1950, which HTTP calls "deflate".
///
/// It is twelve bytes shorter than gzip, and offered by the same clients. Gzip is the better first offer: some servers
/// of the past sent a bare deflate stream under this name, and not all that stands between server and client has
/// forgotten it.
///
/// ```
/// use crm_compress::Deflate;
///
/// let csv = b"id;name\n7;Ada\n".repeat(100);
/// let body = Deflate::default().encode(&csv);
/// assert_eq!(body[0], 0x78); // the zlib header
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Deflate {
    level: Level,
}

methods!(Deflate, Coding::Deflate);
