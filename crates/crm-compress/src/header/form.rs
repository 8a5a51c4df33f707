//! Which form of a resource a tag stands for, and how that is written into the tag.

use crate::Coding;

/// A form of a resource: as the application made it, or in a coding.
///
/// A form that was encoded with a dictionary can be read only with that dictionary, so the dictionary is a part of it.
///
/// ```
/// use crm_compress::{Coding, Form};
///
/// assert_eq!(Form::of(Coding::Identity), Form::PLAIN);
/// assert_ne!(Form::of(Coding::Gzip), Form::of(Coding::Deflate));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// The coding's name, or empty for the plain form.
    name: &'static str,
    /// The dictionary's mark, in hexadecimal digits.
    mark: Option<[u8; MARK]>,
}

/// The digits of a dictionary's mark: 64 bits of its SHA-256, so that two dictionaries of one service share a mark
/// less often than its disks lose a file.
const MARK: usize = 16;

/// What a tag's suffix can name, whichever features this build has: servers of one service may differ in theirs, and a
/// tag means the same to all.
const NAMES: [&str; 6] = ["gzip", "br", "zstd", "deflate", "dcz", IDENTITY];

/// The suffix of a plain tag that would otherwise look like the tag of an encoded form.
const IDENTITY: &str = "identity";

impl Form {
    /// The form that the application made. It may be encoded by the application itself, which is no matter here.
    pub const PLAIN: Self = Self {
        name: "",
        mark: None,
    };

    /// The form in this coding.
    #[must_use]
    pub const fn of(coding: Coding) -> Self {
        match coding {
            Coding::Identity => Self::PLAIN,
            coded => Self {
                name: coded.name(),
                mark: None,
            },
        }
    }

    /// This form, made with the dictionary of this SHA-256. The plain form is made without one.
    #[must_use]
    pub const fn with_dictionary(mut self, sha256: &[u8; 32]) -> Self {
        if self.is_plain() {
            return self;
        }
        let mut mark = [0; MARK];
        let mut at = 0;
        while at < MARK {
            let byte = sha256[at / 2];
            let digit = if at % 2 == 0 { byte >> 4 } else { byte & 15 };
            mark[at] = b"0123456789abcdef"[digit as usize];
            at += 1;
        }
        self.mark = Some(mark);
        self
    }

    /// Whether it is the plain form.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.name.is_empty()
    }

    /// What is appended to the opaque part `base` of the application's tag, in pieces.
    ///
    /// With [`read`](Self::read) this is a bijection between pairs of base and form, and opaque parts: whatever ends in
    /// a suffix got it here, because a plain tag that ends in one by itself gets another. So no two forms of any two
    /// tags are ever written alike.
    pub(super) fn suffix(&self, base: &[u8]) -> [&[u8]; 4] {
        match (&self.mark, self.is_plain()) {
            (_, true) if Self::read(base).is_some() => [b"-", IDENTITY.as_bytes(), b"", b""],
            (_, true) => [b"", b"", b"", b""],
            (None, false) => [b"-", self.name.as_bytes(), b"", b""],
            (Some(mark), false) => [b"-", self.name.as_bytes(), b".", mark],
        }
    }

    /// The application's opaque part and the form, if `opaque` ends in a suffix. Without one it is plain.
    pub(super) fn read(opaque: &[u8]) -> Option<(&[u8], Self)> {
        let (rest, mark) = match opaque.split_last_chunk::<MARK>() {
            Some(([rest @ .., b'.'], mark)) if mark.iter().all(is_digit) => (rest, Some(*mark)),
            _ => (opaque, None),
        };
        let dash = rest.iter().rposition(|&byte| byte == b'-')?;
        let name = NAMES
            .into_iter()
            .find(|name| name.as_bytes() == &rest[dash + 1..])?;
        match (name, mark) {
            // Nobody writes that, so it is a plain tag's own ending.
            (IDENTITY, Some(_)) => None,
            (IDENTITY, None) => Some((&rest[..dash], Self::PLAIN)),
            (name, mark) => Some((&rest[..dash], Self { name, mark })),
        }
    }
}

/// Whether a byte is a lower-case hexadecimal digit.
const fn is_digit(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
