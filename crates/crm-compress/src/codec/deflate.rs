//! The deflate coding.

use std::io::{Read, Write};

use crate::{Coding, Encoder, Level, ReadEncoder, Reason, body};

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

impl Deflate {
    /// This coding at another level than [`Level::Balanced`].
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The encoded body; see [`encode`](crate::encode).
    #[must_use]
    pub fn encode(self, body: &[u8]) -> Vec<u8> {
        body::encode(Coding::Deflate, self.level, body)
    }

    /// Appends the encoded body to `output`; see [`encode_into`](crate::encode_into).
    pub fn encode_into(self, body: &[u8], output: &mut Vec<u8>) {
        body::encode_into(Coding::Deflate, self.level, body, output);
    }

    /// The encoded body, if it is smaller; see [`encode_if_smaller`](crate::encode_if_smaller).
    ///
    /// # Errors
    ///
    /// [`Reason::WouldNotShrink`] when it is not.
    pub fn encode_if_smaller(self, body: &[u8]) -> Result<Vec<u8>, Reason> {
        body::encode_if_smaller(Coding::Deflate, self.level, body)
    }

    /// An encoder that writes to `writer`.
    pub fn encoder<W: Write>(self, writer: W) -> Encoder<W> {
        Encoder::new(Coding::Deflate, self.level, writer)
    }

    /// An encoder that reads from `reader`.
    pub fn read_encoder<R: Read>(self, reader: R) -> ReadEncoder<R> {
        ReadEncoder::new(Coding::Deflate, self.level, reader)
    }
}
