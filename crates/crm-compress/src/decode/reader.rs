//! A reader that decodes what another one reads.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use crate::{ContentEncoding, DecodeError, DecodeLimits, Decoder};

/// How much is read at a time.
const BUFFER: usize = 16 * 1024;

/// A reader that decodes what another one reads, within limits.
///
/// An error of the body arrives as an [`io::Error`] of the kind [`ErrorKind::InvalidData`], or
/// [`ErrorKind::UnexpectedEof`] for a body that is cut off, with the [`DecodeError`] inside
/// ([`io::Error::get_ref`]). Errors of the reader pass through, and the call can be made again.
///
/// ```
/// use crm_compress::{ContentEncoding, DecodeLimits, DecodeReader, Gzip};
/// use std::io::Read;
///
/// let encoded = Gzip::default().encode(b"id;name\n7;Ada\n");
/// let chain = ContentEncoding::parse(["gzip"])?;
/// let mut reader = DecodeReader::new(&*encoded, &chain, &DecodeLimits::default())?;
/// let mut csv = String::new();
/// reader.read_to_string(&mut csv)?;
/// assert_eq!(csv, "id;name\n7;Ada\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DecodeReader<R> {
    reader: R,
    decoder: Decoder,
    buffer: Box<[u8]>,
    /// What of the buffer is read and not yet decoded.
    start: usize,
    end: usize,
    /// Whether the reader has come to its end.
    ended: bool,
}

impl<R: Read> DecodeReader<R> {
    /// A reader of what `reader` reads, with these codings taken off.
    ///
    /// # Errors
    ///
    /// [`DecodeError::ChainTooLong`] when there are more codings than the limits allow.
    pub fn new(
        reader: R,
        chain: &ContentEncoding,
        limits: &DecodeLimits,
    ) -> Result<Self, DecodeError> {
        Ok(Self::over(reader, Decoder::new(chain, limits)?))
    }

    /// The same with dictionaries for dcz; see [`Decoder::with_dictionaries`].
    ///
    /// # Errors
    ///
    /// [`DecodeError::ChainTooLong`] when there are more codings than the limits allow.
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    pub fn with_dictionaries(
        reader: R,
        chain: &ContentEncoding,
        limits: &DecodeLimits,
        dictionaries: &[crate::Dictionary],
    ) -> Result<Self, DecodeError> {
        let decoder = Decoder::with_dictionaries(chain, limits, dictionaries)?;
        Ok(Self::over(reader, decoder))
    }

    fn over(reader: R, decoder: Decoder) -> Self {
        Self {
            reader,
            decoder,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            ended: false,
        }
    }
}

impl<R> DecodeReader<R> {
    /// The reader.
    #[must_use]
    pub const fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The reader. Whoever reads from it directly takes something out of the middle of the body.
    #[must_use]
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader, without what has been read of it and not yet decoded.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: Read> Read for DecodeReader<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if output.is_empty() {
            return Ok(0);
        }
        loop {
            let progress = self
                .decoder
                .decode(&self.buffer[self.start..self.end], output)
                .map_err(failed)?;
            self.start += progress.consumed;
            if progress.produced > 0 {
                return Ok(progress.produced);
            }
            if self.start < self.end {
                continue;
            }
            if self.ended {
                return self.decoder.finish().map(|()| 0).map_err(failed);
            }
            self.start = 0;
            self.end = 0;
            match self.reader.read(&mut self.buffer) {
                Ok(read) => {
                    self.end = read;
                    self.ended = read == 0;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn failed(error: DecodeError) -> io::Error {
    let kind = match error {
        DecodeError::Truncated { .. } => ErrorKind::UnexpectedEof,
        _ => ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

impl<R> fmt::Debug for DecodeReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeReader")
            .field("decoder", &self.decoder)
            .finish_non_exhaustive()
    }
}
