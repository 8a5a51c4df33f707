//! The one path: every byte of every coding passes here, and every limit on bytes is applied here.

use std::fmt;

use super::layer::{Layer, Step};
use super::limits::STRIDE;
#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{Coding, ContentEncoding, DecodeError, DecodeLimits};

/// How much one layer may hand to the next at a time.
const CHUNK: usize = 16 * 1024;
/// The most room that a layer is given at a time: zlib counts in 32 bits.
const ROOM: usize = 1 << 30;

/// Decodes a body that comes in pieces, without input or output of its own.
///
/// The caller hands over what arrived and a buffer to [`decode`](Self::decode), and calls [`finish`](Self::finish) at
/// the end of the body. Between two calls the decoder holds a bounded state and never the body: about 48 KB for gzip and
/// deflate, the window (at most 16 MiB, half as much again while it grows) and up to 8 MiB of tables for brotli, the window that the limits allow for zstd, and 16 KiB
/// between two codings of a chain.
///
/// In which pieces a body comes, and with what room it is fetched, changes neither the bytes nor the error. One
/// exception: of a corrupt brotli stream, a few bytes more or less may come before the error, and a limit that lies among
/// them may be met before it. The words of an [`EngineError`](crate::EngineError) are not part of that promise.
///
/// An error is final: every later call returns it again. Bytes that were decoded before it have been handed out.
///
/// ```
/// use crm_compress::{ContentEncoding, DecodeLimits, Decoder, Gzip};
///
/// let encoded = Gzip::default().encode(&b"a body that is sent in pieces".repeat(1000));
/// let chain = ContentEncoding::parse(["gzip"])?;
/// let mut decoder = Decoder::new(&chain, &DecodeLimits::default())?;
///
/// let mut body = Vec::new();
/// let mut buffer = [0; 4096];
/// for mut piece in encoded.chunks(100) {
///     loop {
///         let progress = decoder.decode(piece, &mut buffer)?;
///         body.extend_from_slice(&buffer[..progress.produced]);
///         piece = &piece[progress.consumed..];
///         if piece.is_empty() && progress.produced < buffer.len() {
///             break; // all of this piece is decoded
///         }
///     }
/// }
/// decoder.finish()?; // nothing was cut off
/// assert_eq!(body.len(), 29_000);
/// # Ok::<(), crm_compress::DecodeError>(())
/// ```
pub struct Decoder {
    /// In the order of decoding; never empty.
    stages: Vec<Stage>,
    limits: DecodeLimits,
    chain: ContentEncoding,
    /// How many bytes of the body the first stage has consumed.
    received: u64,
    /// The end of the step in which `received` lies. The first stage sees nothing beyond it before every stage has
    /// decoded all that it can of what lies before it.
    stride_end: u64,
    failure: Option<DecodeError>,
}

/// A layer of the body, with what it has decoded for the next.
struct Stage {
    layer: Layer,
    produced: u64,
    /// What went wrong after the bytes that are still on their way.
    failure: Option<DecodeError>,
    /// Without room in the last stage, which decodes to the caller's buffer.
    chunk: Box<[u8]>,
    /// What of the chunk is decoded and not yet taken.
    start: usize,
    end: usize,
}

/// What a call of [`Decoder::decode`] achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "what was consumed must not be handed over again"]
#[non_exhaustive]
pub struct Progress {
    /// How many bytes of the input were taken.
    pub consumed: usize,
    /// How many bytes were written at the beginning of the output.
    pub produced: usize,
}

impl Decoder {
    /// A decoder for bodies with these codings.
    ///
    /// # Errors
    ///
    /// [`DecodeError::ChainTooLong`] when there are more codings than the limits allow, and
    /// [`DecodeError::UnsupportedCoding`] when dcz is among them, which takes a dictionary.
    pub fn new(chain: &ContentEncoding, limits: &DecodeLimits) -> Result<Self, DecodeError> {
        Self::with(chain, limits, &[])
    }

    /// A decoder that takes dcz as well, if it was encoded with one of these dictionaries. Without any it is that of
    /// [`new`](Self::new).
    ///
    /// Only the dictionary that the body names is used, and copied: that adds its length to the state.
    ///
    /// # Errors
    ///
    /// [`DecodeError::ChainTooLong`] when there are more codings than the limits allow.
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    pub fn with_dictionaries(
        chain: &ContentEncoding,
        limits: &DecodeLimits,
        dictionaries: &[Dictionary],
    ) -> Result<Self, DecodeError> {
        Self::with(chain, limits, dictionaries)
    }

    pub(crate) fn with(
        chain: &ContentEncoding,
        limits: &DecodeLimits,
        dictionaries: &[Dictionary],
    ) -> Result<Self, DecodeError> {
        #[cfg(feature = "dcz")]
        if dictionaries.is_empty() && chain.iter().any(|coding| coding == Coding::Dcz) {
            return Err(DecodeError::UnsupportedCoding);
        }
        let count = chain.iter().len();
        if count > limits.codings {
            return Err(DecodeError::ChainTooLong {
                limit: limits.codings,
            });
        }
        let mut stages: Vec<Stage> = Vec::with_capacity(count.max(1));
        // What was applied last is decoded first.
        for coding in chain.iter().rev() {
            let has_next = stages.len() + 1 < count;
            stages.push(Stage::new(coding, limits, dictionaries, has_next));
        }
        if stages.is_empty() {
            stages.push(Stage::new(Coding::Identity, limits, &[], false));
        }
        Ok(Self {
            stages,
            limits: *limits,
            chain: *chain,
            received: 0,
            stride_end: STRIDE,
            failure: None,
        })
    }

    /// The codings of the body.
    #[must_use]
    pub const fn content_encoding(&self) -> &ContentEncoding {
        &self.chain
    }

    /// Decodes from `input` to `output`.
    ///
    /// It goes on until the output is full or the input is used up and all that can be decoded of it has been written.
    /// So a call that fills the output must be followed by another, with what is left of the input, even if that is
    /// nothing. A call whose output has no room does nothing.
    ///
    /// # Errors
    ///
    /// When the body breaks a limit or the rules of its coding. What was decoded before is handed out first: a call
    /// may consume less than there is without filling the output, and the next one, or [`finish`](Self::finish),
    /// returns the error.
    pub fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut progress = Progress::default();
        match self.run(input, output, &mut progress) {
            Ok(()) => Ok(progress),
            Err(failure) => {
                self.failure = Some(failure.clone());
                if progress.produced == 0 {
                    Err(failure)
                } else {
                    Ok(progress)
                }
            }
        }
    }

    /// Confirms that the body may end here, after its last piece has been decoded and all output fetched.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] when its coding goes on, or output is still to be fetched. The error of the last
    /// [`decode`](Self::decode), if there was one.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.stages
            .iter()
            .try_for_each(|stage| stage.layer.finish())
    }

    /// Runs the last stage that can go on, until none can or the output is full.
    fn run(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        progress: &mut Progress,
    ) -> Result<(), DecodeError> {
        let last = self.stages.len() - 1;
        let mut at = last;
        while progress.produced < output.len() {
            let (consumed, produced) = if at == 0 {
                self.step_first(&input[progress.consumed..], output, progress.produced)?
            } else {
                self.step_next(at, output, progress.produced)?
            };
            if at == 0 {
                progress.consumed += consumed;
            }
            if at == last {
                progress.produced += produced;
            }
            if produced > 0 {
                // What comes after it in the chain has something to do.
                at = last.min(at + 1);
            } else if at > 0 {
                at -= 1;
            } else if progress.consumed == input.len() {
                return Ok(());
            } else if self.received == self.limits.encoded_bytes {
                return Err(DecodeError::EncodedTooLarge {
                    limit: self.limits.encoded_bytes,
                });
            } else if self.received == self.stride_end {
                self.stride_end = self.stride_end.saturating_add(STRIDE);
            } else {
                return Err(self.stages[0].layer.stalled());
            }
        }
        Ok(())
    }

    /// A step of the first stage: what it consumed of `input`, and how much it produced.
    fn step_first(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        filled: usize,
    ) -> Result<(usize, usize), DecodeError> {
        let end = self.stride_end.min(self.limits.encoded_bytes);
        let offered = &input[..clamp(end - self.received, input.len())];
        let only = self.stages.len() == 1;
        let allowance = self.allowance(0);
        let stage = &mut self.stages[0];
        let step = if only {
            stage.step_to(offered, &mut output[filled..], allowance)?
        } else {
            stage.step_to_chunk(offered, allowance)?
        };
        self.received += step.0 as u64;
        Ok(step)
    }

    /// A step of a later stage, which decodes what the one before it has produced.
    fn step_next(
        &mut self,
        at: usize,
        output: &mut [u8],
        filled: usize,
    ) -> Result<(usize, usize), DecodeError> {
        let last = at == self.stages.len() - 1;
        let allowance = self.allowance(at);
        let (before, rest) = self.stages.split_at_mut(at);
        let (source, stage) = (&mut before[at - 1], &mut rest[0]);
        let offered = &source.chunk[source.start..source.end];
        let step = if last {
            stage.step_to(offered, &mut output[filled..], allowance)?
        } else {
            stage.step_to_chunk(offered, allowance)?
        };
        source.start += step.0;
        Ok(step)
    }

    /// How much a stage may have produced in all by now, and the error for a byte more.
    fn allowance(&self, at: usize) -> (u64, DecodeError) {
        let limits = &self.limits;
        let size = if at == self.stages.len() - 1 {
            let limit = limits.decoded_bytes;
            (limit, DecodeError::DecodedTooLarge { limit })
        } else {
            let limit = limits.encoded_bytes;
            (limit, DecodeError::EncodedTooLarge { limit })
        };
        let by_ratio = limits.by_ratio(self.stride_end);
        if by_ratio < size.0 {
            let limit = limits.ratio;
            (by_ratio, DecodeError::RatioTooHigh { limit })
        } else {
            size
        }
    }
}

impl Stage {
    fn new(
        coding: Coding,
        limits: &DecodeLimits,
        dictionaries: &[Dictionary],
        has_next: bool,
    ) -> Self {
        let room = if has_next { CHUNK } else { 0 };
        Self {
            layer: Layer::new(coding, limits, dictionaries),
            produced: 0,
            failure: None,
            chunk: vec![0; room].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// Decodes to the own chunk, which the next stage has emptied.
    fn step_to_chunk(
        &mut self,
        input: &[u8],
        allowance: (u64, DecodeError),
    ) -> Result<(usize, usize), DecodeError> {
        debug_assert_eq!(self.start, self.end);
        let mut chunk = std::mem::take(&mut self.chunk);
        let step = self.step_to(input, &mut chunk, allowance);
        self.chunk = chunk;
        self.start = 0;
        self.end = step.as_ref().map_or(0, |step| step.1);
        step
    }

    /// Decodes to `output`, and returns how much it consumed and produced.
    ///
    /// A failure is returned once nothing was produced before it.
    fn step_to(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        (allowed, excess): (u64, DecodeError),
    ) -> Result<(usize, usize), DecodeError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let room = clamp(
            allowed.saturating_sub(self.produced),
            output.len().min(ROOM),
        );
        let Step {
            consumed,
            produced,
            failure,
        } = if room > 0 {
            self.layer.step(input, &mut output[..room])
        } else {
            // The body may end here, so that only a byte more breaks the limit.
            let step = self.layer.step(input, &mut [0]);
            if step.produced > 0 {
                return Err(excess);
            }
            step
        };
        debug_assert!(
            failure.is_some() || produced == room.max(1) || consumed == input.len(),
            "a layer that wants more input has taken all there was"
        );
        self.produced += produced as u64;
        match failure {
            Some(failure) if produced == 0 => Err(failure),
            failure => {
                self.failure = failure;
                Ok((consumed, produced))
            }
        }
    }
}

/// This number, or the length if it is larger.
fn clamp(number: u64, length: usize) -> usize {
    usize::try_from(number).map_or(length, |number| number.min(length))
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("codings", &self.chain)
            .field("received", &self.received)
            .field("produced", &self.stages[self.stages.len() - 1].produced)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
