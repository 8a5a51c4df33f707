//! The gzip coding.

#[cfg(feature = "rayon")]
use std::io::Write;

use super::methods::methods;
use crate::{Coding, Level};

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

methods!(Gzip, Coding::Gzip);

#[cfg(feature = "rayon")]
#[cfg_attr(docsrs, doc(cfg(feature = "rayon")))]
impl Gzip {
    /// The encoded body, made on all threads of the current rayon pool: one gzip member, the same bytes whatever the
    /// number of threads.
    ///
    /// It is for exports of many megabytes. A body of at most 512 KiB is one block, and encoded on this thread. The
    /// bytes are those that [`parallel_encoder`](Self::parallel_encoder) gives without a flush in between, and not those
    /// of [`encode`](Self::encode). The work can neither be watched nor be stopped; what has to is better written to
    /// `parallel_encoder`. Until it is done, the encoded blocks are held beside the result, so that the body, and twice
    /// its encoded length, are in memory at once.
    ///
    /// ```
    /// use crm_compress::Gzip;
    ///
    /// let csv = b"10248;VINET;1996-07-04;32.38\n".repeat(40_000);
    /// let body = Gzip::default().encode_parallel(&csv);
    /// assert!(body.len() < csv.len() / 100);
    /// ```
    #[must_use]
    pub fn encode_parallel(self, body: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        self.encode_parallel_into(body, &mut output);
        output.shrink_to_fit();
        output
    }

    /// Appends what [`encode_parallel`](Self::encode_parallel) gives to `output`.
    pub fn encode_parallel_into(self, body: &[u8], output: &mut Vec<u8>) {
        crate::parallel::encode_into(self.level, body, output);
    }

    /// An encoder that writes to `writer` what the threads of the current rayon pool encode.
    pub fn parallel_encoder<W: Write>(self, writer: W) -> crate::ParallelEncoder<W> {
        crate::ParallelEncoder::new(self.level, writer)
    }
}
