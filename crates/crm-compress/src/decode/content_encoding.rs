//! What was done to a body: the Content-Encoding field.

use std::fmt;

use crate::{Coding, DecodeError, DecodeLimits};

/// The codings of a body, in the order in which they were applied (RFC 9110, section 8.4).
///
/// It is a small `Copy` value. Reading it does not allocate.
///
/// ```
/// use crm_compress::{Coding, ContentEncoding};
///
/// let codings = ContentEncoding::parse(["Deflate, identity", "x-gzip"])?;
/// assert!(codings.iter().eq([Coding::Deflate, Coding::Gzip])); // gzip is decoded first
/// assert!(ContentEncoding::parse([""])?.is_identity());
/// # Ok::<(), crm_compress::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentEncoding {
    codings: [Coding; DecodeLimits::MOST_CODINGS],
    count: usize,
}

impl ContentEncoding {
    /// The field of a body that is not encoded.
    pub const IDENTITY: Self = Self {
        codings: [Coding::Identity; DecodeLimits::MOST_CODINGS],
        count: 0,
    };

    /// Reads the values of all Content-Encoding lines of a request, in their order; no line at all is
    /// [`IDENTITY`](Self::IDENTITY).
    ///
    /// Several lines count as one list. Names are compared in any case; spaces and tabs may stand around commas; empty
    /// elements and `identity`, which changes nothing, are skipped; `x-gzip` is gzip.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnsupportedCoding`] when an element is anything else, parameters included: nobody can decode
    /// what lies below it. [`DecodeError::ChainTooLong`] when there are more than [`DecodeLimits::MOST_CODINGS`].
    pub fn parse<I>(lines: I) -> Result<Self, DecodeError>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut all = Self::IDENTITY;
        for line in lines {
            for element in line.as_ref().split(|&byte| byte == b',') {
                let name = trim(element);
                if name.is_empty() {
                    continue;
                }
                match Coding::from_name(name).ok_or(DecodeError::UnsupportedCoding)? {
                    Coding::Identity => {}
                    coding => all.push(coding)?,
                }
            }
        }
        Ok(all)
    }

    fn push(&mut self, coding: Coding) -> Result<(), DecodeError> {
        let limit = DecodeLimits::MOST_CODINGS;
        let place = self
            .codings
            .get_mut(self.count)
            .ok_or(DecodeError::ChainTooLong { limit })?;
        *place = coding;
        self.count += 1;
        Ok(())
    }

    /// The codings, the one applied first before the others. Identity is not among them.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Coding> + ExactSizeIterator + '_ {
        self.codings[..self.count].iter().copied()
    }

    /// Whether the body is as it was.
    #[must_use]
    pub const fn is_identity(&self) -> bool {
        self.count == 0
    }
}

impl From<Coding> for ContentEncoding {
    /// A body with this one coding.
    fn from(coding: Coding) -> Self {
        let mut all = Self::IDENTITY;
        if coding != Coding::Identity {
            all.codings[0] = coding;
            all.count = 1;
        }
        all
    }
}

impl fmt::Debug for ContentEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Without the optional white space (spaces and tabs) on both sides.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
