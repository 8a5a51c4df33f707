//! The zstd coding.

use std::io::{Read, Write};

use crate::{Coding, Encoder, Level, ReadEncoder, Reason, body};

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

impl Zstd {
    /// This coding at another level than [`Level::Balanced`].
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The encoded body; see [`encode`](crate::encode).
    #[must_use]
    pub fn encode(self, body: &[u8]) -> Vec<u8> {
        body::encode(Coding::Zstd, self.level, body)
    }

    /// Appends the encoded body to `output`; see [`encode_into`](crate::encode_into).
    pub fn encode_into(self, body: &[u8], output: &mut Vec<u8>) {
        body::encode_into(Coding::Zstd, self.level, body, output);
    }

    /// The encoded body, if it is smaller; see [`encode_if_smaller`](crate::encode_if_smaller).
    ///
    /// # Errors
    ///
    /// [`Reason::WouldNotShrink`] when it is not.
    pub fn encode_if_smaller(self, body: &[u8]) -> Result<Vec<u8>, Reason> {
        body::encode_if_smaller(Coding::Zstd, self.level, body)
    }

    /// An encoder that writes to `writer`.
    pub fn encoder<W: Write>(self, writer: W) -> Encoder<W> {
        Encoder::new(Coding::Zstd, self.level, writer)
    }

    /// An encoder that reads from `reader`.
    pub fn read_encoder<R: Read>(self, reader: R) -> ReadEncoder<R> {
        ReadEncoder::new(Coding::Zstd, self.level, reader)
    }
}
