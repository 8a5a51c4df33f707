//! A dictionary that both ends hold, and what is encoded with it: the coding dcz of RFC 9842.

use std::error::Error;
use std::fmt;
use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zstd_safe::CDict;

use crate::level::{ZSTD_FIRST, ZSTD_LAST};
use crate::{Coding, Encoder, Level, ReadEncoder, Reason, body};

/// A dictionary for the coding `dcz` (RFC 9842): bytes that the client holds already, and in which the encoder finds
/// what a short body alone does not repeat.
///
/// Records of a service resemble each other much more than the parts of one record do. Single orders of 449 bytes on
/// average come to 294 bytes in gzip, and to 108 with a dictionary of 32 KiB that was [trained](Self::train) on other
/// orders, 40 of them for the head that names the dictionary; that takes 3.4 µs, against 8 for gzip.
///
/// # How the client comes to hold it
///
/// The server sends it once, as the body of an ordinary response with the header `Use-As-Dictionary: match="/orders/*"`.
/// From then on the client says `Available-Dictionary: :base64 of the hash:` with each request that matches, and `dcz`
/// in Accept-Encoding. The server offers [`Coding::Dcz`] to [`negotiate`](crate::negotiate) only if
/// [`matches`](Self::matches) holds, and its answers vary by both fields: `Vary: Accept-Encoding, Available-Dictionary`.
/// A dictionary, and what it is used for, have to be of the same origin.
///
/// ```
/// use crm_compress::{Dictionary, Level};
///
/// let orders: Vec<String> = (0..500)
///     .map(|id| format!(r#"{{"id":{id},"customer":{},"city":"London","currency":"EUR","status":"shipped"}}"#, id * 37 % 101))
///     .collect();
/// let dictionary = Dictionary::train(&orders[..400], 4 * 1024)?;
///
/// let available = format!(":{}:", dictionary.hash_base64()); // what such a client sends
/// assert!(dictionary.matches(available.as_bytes()));
///
/// let body = dictionary.encode(Level::Balanced, orders[450].as_bytes());
/// assert!(body.len() < orders[450].len()); // the head of 40 bytes included
/// # Ok::<(), crm_compress::DictionaryError>(())
/// ```
///
/// # What it gives away
///
/// A dictionary holds stretches of the samples as they were, names and addresses among them, and **every client that may
/// fetch it can read them**. Train it on records that were made up, or that all who fetch it may see; one for a tenant goes
/// to that tenant alone, under a URL and a `match` that no other has.
///
/// # Cost
///
/// A clone shares everything. The tables of a level are built when that level is first used, and stay for the life of
/// the dictionary: at `Balanced` some 0.7 MB for 32 KiB. The contexts that encode are those of
/// [`Coding::Zstd`], from the pool. A whole body costs no preparation; a stream prepares the dictionary for itself,
/// some 100 µs for 32 KiB, since a context of the pool cannot borrow it.
#[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
#[derive(Clone)]
pub struct Dictionary {
    shared: Arc<Shared>,
}

struct Shared {
    bytes: Vec<u8>,
    head: [u8; Dictionary::HEAD],
    /// Prepared for encoding, one for each level.
    encoding: [OnceLock<CDict<'static>>; ZSTD_LAST as usize],
}

/// The magic number of a dictionary in zstd's own format, which is not what RFC 9842 has (RFC 8878, section 5).
const FORMATTED: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];

impl Dictionary {
    /// The length of the head in bytes: a magic number, and the hash of the dictionary.
    pub(crate) const HEAD: usize = 40;
    /// What a `dcz` stream begins with. To a zstd decoder it is the head of a frame that is skipped.
    pub(crate) const MAGIC: [u8; 8] = [0x5e, 0x2a, 0x4d, 0x18, 0x20, 0x00, 0x00, 0x00];
    /// The fewest bytes that zstd takes for a dictionary.
    const SHORTEST: usize = 8;
    /// The most bytes: more than this is out of reach of the window of 8 MiB, which every client has to accept.
    const LONGEST: usize = 8 * 1024 * 1024;

    /// A dictionary of these bytes, just as the client holds them: an earlier version of the resource, for example.
    ///
    /// What is most useful stands best at the end.
    ///
    /// # Errors
    ///
    /// When they are fewer than 8 or more than 8 MiB, or in zstd's own dictionary format, which `zstd --train` writes:
    /// a client takes a dictionary as plain bytes (RFC 9842), and would decode something else.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, DictionaryError> {
        let bytes = bytes.into();
        if bytes.len() < Self::SHORTEST {
            return Err(DictionaryError::TooShort {
                length: bytes.len(),
            });
        }
        if bytes.len() > Self::LONGEST {
            return Err(DictionaryError::TooLong {
                length: bytes.len(),
            });
        }
        if bytes.starts_with(&FORMATTED) {
            return Err(DictionaryError::Formatted);
        }
        let mut head = [0; Self::HEAD];
        head[..8].copy_from_slice(&Self::MAGIC);
        head[8..].copy_from_slice(&Sha256::digest(&bytes));
        Ok(Self {
            shared: Arc::new(Shared {
                bytes,
                head,
                encoding: [const { OnceLock::new() }; ZSTD_LAST as usize],
            }),
        })
    }

    /// A dictionary of at most `max_bytes`, made of what recurs in these samples: bodies as the service sends them,
    /// some hundreds at least, and together some ten times as long as the dictionary.
    ///
    /// The dictionary repeats stretches of the samples word for word; see [what it gives away](Self#what-it-gives-away).
    ///
    /// It is the work of a second or less for a megabyte of samples, to be done once and kept: another run over other
    /// samples gives another dictionary, which no client holds.
    ///
    /// # Errors
    ///
    /// When the samples are too few or too much alike, or when `max_bytes` is below 256 or above 8 MiB.
    pub fn train<S: AsRef<[u8]>>(
        samples: impl IntoIterator<Item = S>,
        max_bytes: usize,
    ) -> Result<Self, DictionaryError> {
        if max_bytes < 256 {
            return Err(DictionaryError::TooShort { length: max_bytes });
        }
        if max_bytes > Self::LONGEST {
            return Err(DictionaryError::TooLong { length: max_bytes });
        }
        let (mut all, mut lengths) = (Vec::new(), Vec::new());
        for sample in samples {
            let sample = sample.as_ref();
            // An empty sample has nothing to teach, and stops the training.
            if !sample.is_empty() {
                all.extend_from_slice(sample);
                lengths.push(sample.len());
            }
        }
        // The number and the length in zstd's interface have 32 bits.
        if lengths.is_empty() || u32::try_from(all.len()).is_err() {
            return Err(DictionaryError::Untrainable);
        }
        let mut bytes = Vec::with_capacity(max_bytes);
        zstd_safe::train_from_buffer(&mut bytes, &all, &lengths)
            .map_err(|_| DictionaryError::Untrainable)?;
        // Zstd's own format begins with a magic number, an identifier and the tables of an entropy coder. Without the
        // magic number it is plain bytes, of which the first hundred or so are of no use.
        if let Some(plain) = bytes.strip_prefix(&FORMATTED) {
            bytes = plain[4..].to_vec();
        }
        Self::new(bytes)
    }

    /// The bytes, which are what the client has to be sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.shared.bytes
    }

    /// The SHA-256 hash, by which both ends name the dictionary.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(&self.shared.head[8..]);
        hash
    }

    /// The hash in base64, as it stands between the colons of Available-Dictionary.
    #[must_use]
    pub fn hash_base64(&self) -> String {
        STANDARD.encode(self.hash())
    }

    /// Whether the value of an Available-Dictionary field names this dictionary; what is malformed names none.
    #[must_use]
    pub fn matches(&self, available_dictionary: &[u8]) -> bool {
        crate::available_dictionary(available_dictionary) == Some(self.hash())
    }

    /// The body encoded as `dcz`.
    #[must_use]
    pub fn encode(&self, level: Level, body: &[u8]) -> Vec<u8> {
        body::encode_with(Some(self), Coding::Dcz, level, body)
    }

    /// Appends the encoded body to `output`; see [`encode_into`](crate::encode_into).
    pub fn encode_into(&self, level: Level, body: &[u8], output: &mut Vec<u8>) {
        body::encode_into_with(Some(self), Coding::Dcz, level, body, output);
    }

    /// The encoded body, if it is smaller; see [`encode_if_smaller`](crate::encode_if_smaller).
    ///
    /// # Errors
    ///
    /// [`Reason::WouldNotShrink`] when it is not.
    pub fn encode_if_smaller(&self, level: Level, body: &[u8]) -> Result<Vec<u8>, Reason> {
        body::encode_if_smaller_with(Some(self), Coding::Dcz, level, body)
    }

    /// An encoder that writes to `writer`.
    pub fn encoder<W: Write>(&self, level: Level, writer: W) -> Encoder<W> {
        Encoder::with_dictionary(self, level, writer)
    }

    /// An encoder that reads from `reader`.
    pub fn read_encoder<R: Read>(&self, level: Level, reader: R) -> ReadEncoder<R> {
        ReadEncoder::with_dictionary(self, level, reader)
    }

    /// What a stream begins with.
    pub(crate) fn head(&self) -> &[u8; Self::HEAD] {
        &self.shared.head
    }

    /// The dictionary prepared for a level, which is one of zstd's.
    pub(crate) fn encoding(&self, level: u8) -> &CDict<'static> {
        debug_assert!((ZSTD_FIRST..=ZSTD_LAST).contains(&level));
        self.shared.encoding[usize::from(level - 1)]
            .get_or_init(|| CDict::create(&self.shared.bytes, level.into()))
    }
}

/// Two dictionaries are equal when their bytes are.
impl PartialEq for Dictionary {
    fn eq(&self, other: &Self) -> bool {
        self.shared.head == other.shared.head
    }
}

impl Eq for Dictionary {}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("length", &self.as_bytes().len())
            .field("hash", &self.hash_base64())
            .finish()
    }
}

/// The hash that the value of an Available-Dictionary field names (RFC 9842, section 2.2): a byte sequence of RFC 8941,
/// base64 between two colons, of 32 bytes.
///
/// What does not parse is `None`, as if the client had sent nothing. Padding may be missing, which RFC 8941,
/// section 4.2.7 lets a parser allow; parameters behind the sequence mean nothing and are skipped. A request has one
/// such line at most; of several, none counts.
///
/// ```
/// use crm_compress::available_dictionary;
///
/// let field = b":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4=:";
/// assert_eq!(available_dictionary(field).unwrap()[..2], [0xa5, 0x91]);
/// assert_eq!(available_dictionary(b"pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4="), None);
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
#[must_use]
pub fn available_dictionary(value: &[u8]) -> Option<[u8; 32]> {
    let value = value.trim_ascii().strip_prefix(b":")?;
    let end = value.iter().position(|&byte| byte == b':')?;
    let (text, rest) = (&value[..end], &value[end + 1..]);
    if !(rest.is_empty() || rest.starts_with(b";")) {
        return None;
    }
    // 32 bytes come to 43 characters, and one of padding.
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let mut padded = [b'='; 44];
    padded[..43].copy_from_slice((text.len() == 43).then_some(text)?);
    let mut hash = [0; 33];
    let length = STANDARD.decode_slice(padded, &mut hash).ok()?;
    hash[..length].try_into().ok()
}

/// What cannot be a dictionary.
#[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DictionaryError {
    /// It has, or would have, too few bytes.
    TooShort {
        /// The bytes that it has, or was to have at most.
        length: usize,
    },
    /// It has, or would have, too many bytes.
    TooLong {
        /// The bytes that it has, or was to have at most.
        length: usize,
    },
    /// It is in zstd's own format, which clients of `dcz` take for plain bytes.
    Formatted,
    /// Nothing could be learned from the samples.
    Untrainable,
}

impl fmt::Display for DictionaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { length } => write!(
                f,
                "a dictionary of {length} bytes is too short; give it 8 bytes, and 256 for training"
            ),
            Self::TooLong { length } => write!(
                f,
                "a dictionary of {length} bytes is too long; 8388608 bytes are the most that every client can reach"
            ),
            Self::Formatted => f.write_str(
                "the dictionary is in zstd's own format; cut its first four bytes off, so that both ends take it as plain bytes",
            ),
            Self::Untrainable => f.write_str(
                "nothing to learn from these samples; give more of them, or ask for a smaller dictionary",
            ),
        }
    }
}

impl Error for DictionaryError {}
