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
    /// The dictionary's mark: a full stop and hexadecimal digits.
    mark: Option<[u8; MARK]>,
}

/// The length of a dictionary's mark. Its 16 digits are 64 bits of the SHA-256, so that even a million dictionaries of
/// one service hardly share a mark.
const MARK: usize = 17;

/// What a tag's suffix can name, whichever features this build has: servers of one service may differ in theirs, and a
/// tag means the same to all.
const NAMES: [&str; 5] = ["gzip", "br", "zstd", "deflate", "dcz"];

/// The suffix of a plain tag that would otherwise look like the tag of an encoded form.
const IDENTITY: &[u8] = b"-identity";

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
        let mut mark = [b'.'; MARK];
        let mut at = 1;
        while at < MARK {
            let byte = sha256[(at - 1) / 2];
            let digit = if at % 2 == 1 { byte >> 4 } else { byte & 15 };
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
    pub(super) fn suffix(&self, base: &[u8]) -> [&[u8]; 3] {
        match (&self.mark, self.is_plain()) {
            (_, true) if Self::read(base).is_some() => [IDENTITY, b"", b""],
            (_, true) => [b"", b"", b""],
            (None, false) => [b"-", self.name.as_bytes(), b""],
            (Some(mark), false) => [b"-", self.name.as_bytes(), mark],
        }
    }

    /// The application's opaque part and the form, if `opaque` ends in a suffix. Without one it is plain.
    pub(super) fn read(opaque: &[u8]) -> Option<(&[u8], Self)> {
        let Some(base) = opaque.strip_suffix(IDENTITY) else {
            return Self::read_coded(opaque);
        };
        // It was appended only to what ends in a suffix, of which it is one itself; so the innermost end decides.
        let mut inner = base;
        while let Some(rest) = inner.strip_suffix(IDENTITY) {
            inner = rest;
        }
        Self::read_coded(inner).map(|_| (base, Self::PLAIN))
    }

    fn read_coded(opaque: &[u8]) -> Option<(&[u8], Self)> {
        let (rest, mark) = match opaque.split_last_chunk::<MARK>() {
            Some((rest, mark @ [b'.', digits @ ..])) if digits.iter().all(is_digit) => {
                (rest, Some(*mark))
            }
            _ => (opaque, None),
        };
        NAMES.into_iter().find_map(|name| {
            let base = rest.strip_suffix(name.as_bytes())?.strip_suffix(b"-")?;
            Some((base, Self { name, mark }))
        })
    }
}

/// Whether a byte is a lower-case hexadecimal digit.
const fn is_digit(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
