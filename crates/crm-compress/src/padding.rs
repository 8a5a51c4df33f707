//! Length hiding: bytes that every decoder skips, as many as a keyed hash of the content says.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;

#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{Coding, Level, Reason, body};

/// Hides the exact length of encoded bodies, against attacks that read a secret from it (BREACH, 2013).
///
/// Where a body holds a secret and something that an attacker chose, its encoded length tells whether the two have a
/// stretch in common, byte by byte, however well the line is encrypted. Padding adds a number of bytes from 0 to a maximum
/// that looks random, and is the same for the same body: it is a keyed hash (SipHash-2-4) of the encoded body. So asking
/// for the same body again gives the same length again, and not another draw to take the mean of.
///
/// # What it does not prevent
///
/// It raises the number of requests that an attack needs, and ends none. Whoever can have many *different* bodies made, by
/// adding something that does not matter to each, gets a new draw with each, and takes the mean of those. With a maximum of
/// 100, telling one byte apart takes some 15 000 bodies instead of two. What helps for good is to keep secrets out of
/// compressed bodies that reflect input, to mask tokens anew for each response, and to limit the rate of requests. Nor does
/// it hide more than the maximum: a body that is longer by more still shows. A body that is not encoded has no such leak,
/// and is not padded; nor is an empty one. A stream is not padded either.
///
/// # What it costs
///
/// In the mean half the maximum, and what frames it: 6 bytes in gzip (an extra field of the head, RFC 1952), 9 in deflate
/// (empty stored and fixed blocks, RFC 1951), 8 in zstd (a skippable frame behind the data, RFC 8878), and in brotli 3 (a
/// metadata block, RFC 7932) beside the flush before it, of some bytes. The hash takes about 1 ns for each encoded byte.
///
/// ```
/// use crm_compress::{Coding, Level, Padding, encode};
///
/// let padding = Padding::up_to(64); // made once
/// let json = br#"{"token":"f3a91","query":"f3a"}"#.repeat(50);
/// let body = padding.encode(Coding::Gzip, Level::Balanced, &json);
/// let added = body.len() - encode(Coding::Gzip, Level::Balanced, &json).len();
/// assert!((6..=6 + 64).contains(&added));
/// assert_eq!(padding.encode(Coding::Gzip, Level::Balanced, &json), body);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    most: u16,
    key: [u64; 2],
}

impl Padding {
    /// The largest maximum in bytes: what an extra field of gzip can hold.
    pub const MOST: u16 = u16::MAX - 4;

    /// Padding of 0 to `most` bytes; more than [`MOST`](Self::MOST) counts as that.
    ///
    /// Its key is drawn at random once in the life of the process. Servers that answer for one another should
    /// [share a key](Self::key): otherwise each gives the same body another length.
    #[must_use]
    pub fn up_to(most: u16) -> Self {
        static KEY: OnceLock<[u64; 2]> = OnceLock::new();
        let key = *KEY.get_or_init(|| {
            let random = RandomState::new();
            [0_u8, 1].map(|half| random.hash_one(half))
        });
        Self {
            most: most.min(Self::MOST),
            key,
        }
    }

    /// The same padding with a key of one's own, which has to be secret and random.
    #[must_use]
    pub const fn key(mut self, key: [u8; 16]) -> Self {
        let key = u128::from_le_bytes(key);
        self.key = [key as u64, (key >> 64) as u64];
        self
    }

    /// All that a form depends on beside the encoder, to tell padded forms apart in a cache.
    #[cfg(feature = "tower")]
    pub(crate) fn identity(&self) -> [u8; 18] {
        let mut identity = [0; 18];
        identity[..2].copy_from_slice(&self.most.to_le_bytes());
        identity[2..10].copy_from_slice(&self.key[0].to_le_bytes());
        identity[10..].copy_from_slice(&self.key[1].to_le_bytes());
        identity
    }

    /// The encoded body with its padding; see [`encode`](crate::encode).
    ///
    /// # Panics
    ///
    /// For dcz, which is encoded with a dictionary.
    #[must_use]
    pub fn encode(&self, coding: Coding, level: Level, body: &[u8]) -> Vec<u8> {
        self.encode_with(None, coding, level, body)
    }

    pub(crate) fn encode_with(
        &self,
        dictionary: Option<&Dictionary>,
        coding: Coding,
        level: Level,
        body: &[u8],
    ) -> Vec<u8> {
        let mut output = Vec::new();
        self.encode_into_with(dictionary, coding, level, body, &mut output);
        output.shrink_to_fit();
        output
    }

    /// Appends the encoded body with its padding to `output`; see [`encode_into`](crate::encode_into).
    ///
    /// # Panics
    ///
    /// For dcz, which is encoded with a dictionary.
    pub fn encode_into(&self, coding: Coding, level: Level, body: &[u8], output: &mut Vec<u8>) {
        self.encode_into_with(None, coding, level, body, output);
    }

    fn encode_into_with(
        &self,
        dictionary: Option<&Dictionary>,
        coding: Coding,
        level: Level,
        body: &[u8],
        output: &mut Vec<u8>,
    ) {
        let start = output.len();
        match coding {
            #[cfg(feature = "brotli")]
            Coding::Brotli if !body.is_empty() => {
                body::flush_into(coding, level, body, output);
                let amount = self.amount(&output[start..]);
                metadata(amount + 3, output);
                output.push(LAST_AND_EMPTY);
            }
            _ => {
                body::encode_into_with(dictionary, coding, level, body, output);
                if !body.is_empty() {
                    self.pad(coding, output, start);
                }
            }
        }
    }

    /// The encoded body with its padding, if that is smaller than the body; see
    /// [`encode_if_smaller`](crate::encode_if_smaller).
    ///
    /// # Errors
    ///
    /// [`Reason::WouldNotShrink`] when it is not.
    ///
    /// # Panics
    ///
    /// For dcz, which is encoded with a dictionary.
    pub fn encode_if_smaller(
        &self,
        coding: Coding,
        level: Level,
        body: &[u8],
    ) -> Result<Vec<u8>, Reason> {
        self.encode_if_smaller_with(None, coding, level, body)
    }

    pub(crate) fn encode_if_smaller_with(
        &self,
        dictionary: Option<&Dictionary>,
        coding: Coding,
        level: Level,
        body: &[u8],
    ) -> Result<Vec<u8>, Reason> {
        let encoded = self.encode_with(dictionary, coding, level, body);
        if encoded.len() < body.len() {
            return Ok(encoded);
        }
        Err(Reason::WouldNotShrink {
            coding,
            length: body.len() as u64,
        })
    }

    /// Pads what was encoded from `start` on.
    fn pad(&self, coding: Coding, output: &mut Vec<u8>, start: usize) {
        let amount = self.amount(&output[start..]);
        match coding {
            Coding::Gzip => {
                debug_assert_eq!(output[start + 3], 0, "a head without extras");
                output[start + 3] = EXTRA;
                // The length of all fields, and the one field: its name, its length, and what no one reads.
                let mut field = Vec::with_capacity(6 + amount);
                field.extend_from_slice(&(amount as u16 + 4).to_le_bytes());
                field.extend_from_slice(b"Pd");
                field.extend_from_slice(&(amount as u16).to_le_bytes());
                field.resize(6 + amount, 0);
                let _ = output.splice(start + 10..start + 10, field);
            }
            Coding::Deflate => {
                let _ = output.splice(start + 2..start + 2, empty_blocks(amount + 9));
            }
            #[cfg(feature = "dcz")]
            Coding::Dcz => skipped(amount, output),
            #[cfg(feature = "zstd")]
            Coding::Zstd => skipped(amount, output),
            _ => {}
        }
    }

    /// How much an encoded body is padded: evenly distributed from 0 to the maximum.
    fn amount(&self, encoded: &[u8]) -> usize {
        let scaled = u128::from(sip(self.key, encoded)) * (u128::from(self.most) + 1);
        (scaled >> 64) as usize
    }
}

/// Appends a skippable frame of zstd with `amount` bytes. It stands behind the data: a decoder that gives up at the first
/// frame has it all then.
#[cfg(feature = "zstd")]
fn skipped(amount: usize, output: &mut Vec<u8>) {
    output.extend_from_slice(&0x184d_2a50_u32.to_le_bytes());
    output.extend_from_slice(&(amount as u32).to_le_bytes());
    output.resize(output.len() + amount, 0);
}

/// RFC 1952, section 2.3.1: there is an extra field.
const EXTRA: u8 = 4;

/// SipHash-2-4 (Aumasson and Bernstein, 2012), which servers of different builds have to agree in.
fn sip([low, high]: [u64; 2], bytes: &[u8]) -> u64 {
    #[expect(
        deprecated,
        reason = "it is the one hasher of the standard library with a key and an algorithm that stay"
    )]
    let mut hasher = std::hash::SipHasher::new_with_keys(low, high);
    hasher.write(bytes);
    hasher.finish()
}

/// Deflate blocks of `length` bytes that hold nothing, not the last, from a byte to a byte; `length` is 9 or more.
///
/// An empty stored block takes five bytes. One, two or three empty blocks of the fixed code, of ten bits each, before the
/// stored one make six, seven or nine; out of these every length from nine on is made.
fn empty_blocks(length: usize) -> Vec<u8> {
    const STORED: &[u8] = &[0, 0, 0, 0xff, 0xff];
    const SIX: &[u8] = &[2, 0, 0, 0, 0xff, 0xff];
    const SEVEN: &[u8] = &[2, 8, 0, 0, 0, 0xff, 0xff];
    const NINE: &[u8] = &[2, 8, 0x20, 0, 0, 0, 0, 0xff, 0xff];
    let begin: &[&[u8]] = match length % 5 {
        0 => &[],
        1 => &[SIX],
        2 => &[SEVEN],
        3 => &[SIX, SEVEN],
        _ => &[NINE],
    };
    let mut blocks = Vec::with_capacity(length);
    blocks.extend(begin.iter().copied().flatten());
    while blocks.len() < length {
        blocks.extend_from_slice(STORED);
    }
    debug_assert_eq!(blocks.len(), length);
    blocks
}

/// A brotli block that is the last and empty, on a byte of its own.
#[cfg(feature = "brotli")]
const LAST_AND_EMPTY: u8 = 3;

/// Appends metadata blocks of brotli (RFC 7932, section 9.2) of `length` bytes in all, which is 3 or more, to a stream that
/// stands at a byte.
#[cfg(feature = "brotli")]
fn metadata(mut length: usize, output: &mut Vec<u8>) {
    // Not the last, no nibbles, and so metadata; the number of bytes of its length follows in the fifth and sixth bit.
    const METADATA: usize = 6;
    let end = output.len() + length;
    if length == 259 {
        // The one length between those of the two forms below takes an empty block before.
        output.push(METADATA as u8);
        length -= 1;
    }
    let skipped = if length <= 258 {
        length - 2
    } else {
        length - 3
    };
    let bytes = length - skipped - 1;
    let head = METADATA | bytes << 4 | (skipped - 1) << 6;
    output.extend_from_slice(&head.to_le_bytes()[..bytes + 1]);
    output.resize(end, 0);
}

impl fmt::Debug for Padding {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Padding")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the paper, appendix A.
    #[test]
    fn the_hash_is_siphash() {
        let key = std::array::from_fn(|at| at as u8);
        let bytes: Vec<u8> = (0..15).collect();
        let padding = Padding::up_to(1).key(key);
        assert_eq!(sip(padding.key, &bytes), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn empty_blocks_come_in_every_length() {
        for length in 9..1_000 {
            assert_eq!(empty_blocks(length).len(), length);
        }
    }

    #[cfg(feature = "brotli")]
    #[test]
    fn metadata_comes_in_every_length() {
        for length in 3..1_000 {
            let mut output = vec![7];
            metadata(length, &mut output);
            assert_eq!(output.len(), 1 + length);
        }
    }

    #[test]
    fn the_key_is_kept_from_logs_and_drawn_once() {
        let padding = Padding::up_to(5);
        assert_eq!(format!("{padding:?}"), "Padding { most: 5, .. }");
        assert_eq!(padding, Padding::up_to(5));
        assert_ne!(padding, padding.key([0; 16]));
        assert_eq!(Padding::up_to(u16::MAX), Padding::up_to(Padding::MOST));
    }
}
