//! The gzip coding.

use std::io::Write;

use crate::{Coding, Encoder, Level, Reason, body};

/// Encodes into the gzip format of RFC 1952, the one that every client takes.
///
/// The head carries no name and no time, so that equal bodies have equal encodings.
///
/// ```
/// use crm_compress::{Gzip, Level};
///
/// let json = br#"{"id":7,"name":"Ada"}"#.repeat(100);
/// let body = Gzip::default().encode(&json);
/// let kept = Gzip::default().level(Level::Smallest).encode(&json); // for a body that is sent often
/// assert!(kept.len() <= body.len() && body.len() < json.len());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gzip {
    level: Level,
}

impl Gzip {
    /// This coding at another level than [`Level::Balanced`].
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The encoded body; see [`encode`](crate::encode).
    #[must_use]
    pub fn encode(self, body: &[u8]) -> Vec<u8> {
        body::encode(Coding::Gzip, self.level, body)
    }

    /// Appends the encoded body to `output`; see [`encode_into`](crate::encode_into).
    pub fn encode_into(self, body: &[u8], output: &mut Vec<u8>) {
        body::encode_into(Coding::Gzip, self.level, body, output);
    }

    /// The encoded body, if it is smaller; see [`encode_if_smaller`](crate::encode_if_smaller).
    ///
    /// # Errors
    ///
    /// [`Reason::WouldNotShrink`] when it is not.
    pub fn encode_if_smaller(self, body: &[u8]) -> Result<Vec<u8>, Reason> {
        body::encode_if_smaller(Coding::Gzip, self.level, body)
    }

    /// An encoder that writes to `writer`.
    pub fn encoder<W: Write>(self, writer: W) -> Encoder<W> {
        Encoder::new(Coding::Gzip, self.level, writer)
    }
}
