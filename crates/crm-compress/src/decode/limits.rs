//! How much a body may cost.

#[cfg(feature = "tower")]
use crate::DecodeError;

/// The steps in which what arrived counts for the ratio. Within a step it does not matter how far a decoder has read
/// ahead, so that the same body meets the same limit however it is cut.
pub(super) const STRIDE: u64 = 1024;

/// How much a body that a client sends may cost before it is refused.
///
/// | limit | default | what it stops | error |
/// |---|---|---|---|
/// | [`decoded_bytes`](Self::decoded_bytes) | 10 MiB | a small body that decodes to a large one | [`DecodedTooLarge`](crate::DecodeError::DecodedTooLarge) |
/// | [`encoded_bytes`](Self::encoded_bytes) | 11 MiB | input that decodes to nothing: padding, empty members | [`EncodedTooLarge`](crate::DecodeError::EncodedTooLarge) |
/// | [`ratio`](Self::ratio), past [`ratio_grace`](Self::ratio_grace) | 200, past 1 MiB | the same as the first, sooner | [`RatioTooHigh`](crate::DecodeError::RatioTooHigh) |
/// | [`members`](Self::members) | 1024 | floods of gzip members and zstd frames | [`TooManyMembers`](crate::DecodeError::TooManyMembers) |
/// | [`header_bytes`](Self::header_bytes) | 256 KiB | gzip headers with endless names | [`HeaderTooLarge`](crate::DecodeError::HeaderTooLarge) |
/// | [`codings`](Self::codings) | 2 | chains of codings | [`ChainTooLong`](crate::DecodeError::ChainTooLong) |
/// | [`window_bytes`](Self::window_bytes) | 8 MiB | zstd frames that want much memory | [`WindowTooLarge`](crate::DecodeError::WindowTooLarge) |
///
/// A limit is the last value that passes: a body of exactly `decoded_bytes` is decoded. The design notes say
/// [why one limit does not do, and why these](crate::_design).
///
/// In a chain of codings, every layer has all the limits for itself; what one layer passes to the next is encoded
/// data, and counts against `encoded_bytes`.
///
/// ```
/// use crm_compress::{DecodeError, DecodeLimits, Gzip, decode};
///
/// let limits = DecodeLimits::default().decoded_bytes(1000);
/// let body = Gzip::default().encode(&[b'x'; 1000]);
/// assert_eq!(decode(["gzip"], &body, &limits)?.len(), 1000);
///
/// let body = Gzip::default().encode(&[b'x'; 1001]);
/// let error = decode(["gzip"], &body, &limits).unwrap_err();
/// assert!(matches!(error, DecodeError::DecodedTooLarge { limit: 1000 }));
/// assert_eq!(error.status(), 413);
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the setters return the changed limits"]
pub struct DecodeLimits {
    pub(super) decoded_bytes: u64,
    pub(super) encoded_bytes: u64,
    pub(super) ratio: u64,
    pub(super) ratio_grace: u64,
    pub(super) members: u64,
    pub(super) header_bytes: u64,
    pub(super) codings: usize,
    pub(super) window_bytes: u64,
}

impl DecodeLimits {
    /// How many codings one body can have, whatever [`codings`](Self::codings) says.
    pub const MOST_CODINGS: usize = 5;

    /// The most bytes that a body may decode to. 0 takes empty bodies alone; [`u64::MAX`] is no limit.
    pub const fn decoded_bytes(mut self, bytes: u64) -> Self {
        self.decoded_bytes = bytes;
        self
    }

    /// The most bytes that a body may have as it arrives, and that any layer of it may hand to the next. 0 takes
    /// empty bodies alone; [`u64::MAX`] is no limit.
    ///
    /// A body that no coding can shrink grows by less than a thousandth; a tenth more than
    /// [`decoded_bytes`](Self::decoded_bytes) is ample.
    pub const fn encoded_bytes(mut self, bytes: u64) -> Self {
        self.encoded_bytes = bytes;
        self
    }

    /// How many bytes a body, or any layer of it, may decode to for one that arrived, once it has decoded to more than
    /// [`ratio_grace`](Self::ratio_grace). 0 lets no body decode to more than the grace; [`u64::MAX`] is no limit.
    ///
    /// What arrived is counted in steps of 1 KiB, so that it does not matter in which pieces a body comes.
    pub const fn ratio(mut self, ratio: u64) -> Self {
        self.ratio = ratio;
        self
    }

    /// How many bytes a body may decode to at any ratio. 0 applies the ratio from the first byte; [`u64::MAX`] never
    /// applies it.
    pub const fn ratio_grace(mut self, bytes: u64) -> Self {
        self.ratio_grace = bytes;
        self
    }

    /// How many gzip members, or zstd frames, one layer may consist of; skippable frames count. 0 refuses gzip and zstd;
    /// [`u64::MAX`] is no limit.
    pub const fn members(mut self, members: u64) -> Self {
        self.members = members;
        self
    }

    /// How many bytes the header of one gzip member may have: 10, and the extra field, name, comment and checksum. It
    /// is read past, not kept. Below 10 refuses gzip; [`u64::MAX`] is no limit.
    pub const fn header_bytes(mut self, bytes: u64) -> Self {
        self.header_bytes = bytes;
        self
    }

    /// How many codings may lie over one another. `identity` does not count. 0 refuses every encoded body; more than
    /// [`MOST_CODINGS`](Self::MOST_CODINGS) counts as that.
    pub const fn codings(mut self, codings: usize) -> Self {
        self.codings = if codings < Self::MOST_CODINGS {
            codings
        } else {
            Self::MOST_CODINGS
        };
        self
    }

    /// The largest window of a zstd frame in bytes, which is the memory that its decoder takes. RFC 9659 gives HTTP
    /// 8 MiB. 0 refuses every frame that has content; [`u64::MAX`] is the most that the decoder can do, 2 GiB on machines of
    /// 64 bits.
    ///
    /// The window of brotli is at most 16 MiB by RFC 7932, and that of gzip and deflate 32 KiB.
    pub const fn window_bytes(mut self, bytes: u64) -> Self {
        self.window_bytes = bytes;
        self
    }
}

impl DecodeLimits {
    /// The largest window of a `dcz` frame: by RFC 9842, section 5, a quarter more than the dictionary of so many bytes, if
    /// that is more than 8 MiB. A limit below 8 MiB is smaller than what clients may rely on, and stays what it is.
    #[cfg(feature = "dcz")]
    pub(super) fn dcz_window(&self, dictionary: u64) -> u64 {
        if self.window_bytes < 8 << 20 {
            return self.window_bytes;
        }
        self.window_bytes
            .max((dictionary + dictionary / 4).min(128 << 20))
    }

    /// How much a layer may have produced when this many bytes have arrived, as far as the ratio has a say.
    pub(super) fn by_ratio(&self, arrived: u64) -> u64 {
        self.ratio_grace.max(self.ratio.saturating_mul(arrived))
    }

    /// Refuses a body that says it will have this many encoded bytes, if that is too many.
    #[cfg(feature = "tower")]
    pub(crate) fn admit(&self, encoded: u64) -> Result<(), DecodeError> {
        if encoded <= self.encoded_bytes {
            return Ok(());
        }
        Err(DecodeError::EncodedTooLarge {
            limit: self.encoded_bytes,
        })
    }

    /// The most that a body of so many encoded bytes can decode to.
    pub(super) fn most(&self, encoded: u64) -> u64 {
        let arrived = encoded.saturating_add(STRIDE);
        self.decoded_bytes.min(self.by_ratio(arrived))
    }
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            decoded_bytes: 10 << 20,
            encoded_bytes: 11 << 20,
            ratio: 200,
            ratio_grace: 1 << 20,
            members: 1024,
            header_bytes: 256 << 10,
            codings: 2,
            window_bytes: 8 << 20,
        }
    }
}
