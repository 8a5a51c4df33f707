//! The br coding.

use super::methods::methods;
use crate::{Coding, Level};

/// Encodes into the brotli format of RFC 7932.
///
/// Its built-in dictionary of words helps short bodies most: a record of 361 bytes comes to 247 bytes, against 265 in
/// gzip. At [`Level::Balanced`] it takes two to four times as long as [`Gzip`](crate::Gzip), for as many bytes at 10 to 60 KB
/// and 7 to 8 % fewer below and above. It is worth its time for bodies that are made once and sent often, at
/// [`Level::Smallest`], which has 3 to 7 % fewer bytes than gzip at its best, or by `Level::Exact(11)` for what is made ahead.
///
/// The memory of an encoder is kept from body to body like that of the others, and nothing is allocated in the steady
/// state, up to bodies of about 130 KB and level 6. A longer body, or a higher level, takes 4 to 40 MiB for its time,
/// which is freed afterwards, in some thirty pieces.
///
/// ```
/// use crm_compress::{Brotli, Level};
///
/// let page = "<li class=\"customer\">Ada, London</li>".repeat(100);
/// let kept = Brotli::default().level(Level::Smallest).encode(page.as_bytes());
/// assert!(kept.len() < 100);
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "brotli")))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Brotli {
    level: Level,
}

methods!(Brotli, Coding::Brotli);
