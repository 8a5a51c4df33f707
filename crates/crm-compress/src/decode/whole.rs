//! A body that is in memory.

#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{Coding, ContentEncoding, DecodeError, DecodeLimits, Decoder};

/// Decodes a whole body; `codings` are the values of all Content-Encoding lines of its message.
///
/// The memory it takes is at most [`decoded_bytes`](DecodeLimits::decoded_bytes), 1 MiB, and the state of a [`Decoder`];
/// beyond a limit of 64 MiB it may be half as much again while the result grows.
///
/// ```
/// use crm_compress::{DecodeLimits, Gzip, decode};
///
/// let body = Gzip::default().encode(b"[1,2,3]");
/// let json = decode(&["gzip"], &body, &DecodeLimits::default())?;
/// assert_eq!(json, b"[1,2,3]");
/// # Ok::<(), crm_compress::DecodeError>(())
/// ```
///
/// # Errors
///
/// When the body breaks a limit or the rules of its coding, or has a coding that this build does not know.
pub fn decode<I>(codings: I, body: &[u8], limits: &DecodeLimits) -> Result<Vec<u8>, DecodeError>
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    decode_by(codings, body, limits, &[])
}

/// Decodes a whole body as [`decode`] does, and `dcz` as well, if it was encoded with one of these dictionaries.
///
/// ```
/// use crm_compress::{DecodeLimits, Dictionary, Level, decode_with_dictionaries};
///
/// let order = r#"{"id":7,"customer":41,"city":"London","currency":"EUR","status":"shipped"}"#;
/// let dictionary = Dictionary::new(order)?;
/// let body = dictionary.encode(Level::Balanced, order.as_bytes());
/// let json = decode_with_dictionaries(["dcz"], &body, &DecodeLimits::default(), &[dictionary])?;
/// assert_eq!(json, order.as_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`decode`], and [`DecodeError::UnknownDictionary`] when the body names another dictionary than these.
#[cfg(feature = "dcz")]
#[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
pub fn decode_with_dictionaries<I>(
    codings: I,
    body: &[u8],
    limits: &DecodeLimits,
    dictionaries: &[Dictionary],
) -> Result<Vec<u8>, DecodeError>
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    decode_by(codings, body, limits, dictionaries)
}

fn decode_by<I>(
    codings: I,
    body: &[u8],
    limits: &DecodeLimits,
    dictionaries: &[Dictionary],
) -> Result<Vec<u8>, DecodeError>
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let chain = ContentEncoding::parse(codings)?;
    let mut decoder = Decoder::with(&chain, limits, dictionaries)?;
    let mut output = Output::new(&chain, body, limits);
    let mut rest = body;
    loop {
        let room = output.room();
        let wanted = room.len();
        let progress = decoder.decode(rest, room)?;
        output.fill(progress.produced);
        rest = &rest[progress.consumed..];
        if rest.is_empty() && progress.produced < wanted {
            decoder.finish()?;
            return Ok(output.finish());
        }
    }
}

/// How much the result may take before it takes all that it may ever need, in bytes.
const SMALL: usize = 1 << 20;
/// Up to which limit it takes that at once.
const LARGE: usize = 64 << 20;
/// How much of the room is cleared at a time.
const PIECE: usize = 64 * 1024;
/// The room for what may follow when all is full; most often nothing does.
const SPILL: usize = 1024;

/// The decoded body as it grows.
///
/// While a vector grows, the old one may stand beside the new one. So that both together stay within the limit and
/// [`SMALL`], it doubles up to there and then takes the limit at once; memory that is not written to costs nothing, and
/// what is left over is given back at the end. Beyond [`LARGE`] it goes on doubling, as nobody wants a gigabyte set
/// aside for two megabytes.
struct Output {
    bytes: Vec<u8>,
    /// How much of `bytes` is decoded.
    filled: usize,
    /// The most that the limits let the body come to.
    most: usize,
    spill: [u8; SPILL],
}

impl Output {
    fn new(chain: &ContentEncoding, body: &[u8], limits: &DecodeLimits) -> Self {
        let most = limits.most(body.len() as u64);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut output = Self {
            bytes: Vec::new(),
            filled: 0,
            most,
            spill: [0; SPILL],
        };
        output.grow(expected(chain, body));
        output
    }

    /// Makes room for this many bytes in all, or more.
    fn grow(&mut self, wanted: usize) {
        let capacity = if wanted <= SMALL || self.most > LARGE {
            wanted.min(self.most)
        } else {
            self.most
        };
        self.bytes
            .reserve_exact(capacity.saturating_sub(self.bytes.len()));
    }

    /// Where to decode to; never empty.
    fn room(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            let length = self.bytes.capacity().min(self.filled + PIECE);
            self.bytes.resize(length, 0);
        }
        if self.filled < self.bytes.len() {
            &mut self.bytes[self.filled..]
        } else {
            &mut self.spill
        }
    }

    /// Takes what has been decoded to [`room`](Self::room).
    fn fill(&mut self, produced: usize) {
        if self.filled == self.bytes.len() && produced > 0 {
            let wanted = self.filled.saturating_mul(2).max(self.filled + SPILL);
            self.grow(wanted);
            self.bytes.extend_from_slice(&self.spill[..produced]);
        }
        self.filled += produced;
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.filled);
        self.bytes.shrink_to_fit();
        self.bytes
    }
}

/// How much a body will most likely decode to.
fn expected(chain: &ContentEncoding, body: &[u8]) -> usize {
    let mut codings = chain.iter();
    match (codings.next(), codings.next(), body) {
        (None, ..) => body.len(),
        // The last four bytes are the length, of the last member. Whoever lies gets a vector that has to grow, or one
        // that is given back; beyond what deflate can do, it is a lie.
        (Some(Coding::Gzip), None, [.., a, b, c, d]) => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            length.min(body.len().saturating_mul(1032))
        }
        _ => body.len().saturating_mul(4),
    }
}
