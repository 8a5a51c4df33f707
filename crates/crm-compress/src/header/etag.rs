//! One entity tag, as the grammar has it.

use super::trim;

/// An entity tag (RFC 9110, section 8.8.3): `"abc"`, or `W/"abc"` when it is weak.
///
/// The opaque part is bytes without a quotation mark, white space or control; it may hold commas, backslashes that mean
/// themselves, and bytes above 127. `W/` is upper case, always.
///
/// ```
/// use crm_compress::EntityTag;
///
/// let tag = EntityTag::parse(br#"W/"a,b""#).unwrap();
/// assert!(tag.is_weak());
/// assert_eq!(tag.opaque(), b"a,b");
/// assert_eq!(EntityTag::parse(b"abc"), None); // not quoted
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Reads the value of an `ETag` field; `None` when it is not one entity tag.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        match Self::split(trim(value))? {
            (tag, []) => Some(tag),
            _ => None,
        }
    }

    /// The tag at the beginning of `value`, and what follows it.
    pub(super) fn split(value: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, rest) = match value {
            [b'W', b'/', rest @ ..] => (true, rest),
            _ => (false, value),
        };
        let rest = rest.strip_prefix(b"\"")?;
        let end = rest.iter().position(|&byte| !is_opaque(byte))?;
        let (opaque, rest) = rest.split_at(end);
        let rest = rest.strip_prefix(b"\"")?;
        Some((Self { weak, opaque }, rest))
    }

    /// Whether the tag is weak: equal weak tags promise equal meaning, not equal bytes.
    #[must_use]
    pub const fn is_weak(&self) -> bool {
        self.weak
    }

    /// What stands between the quotation marks.
    #[must_use]
    pub const fn opaque(&self) -> &'a [u8] {
        self.opaque
    }

    /// The weak comparison, which If-None-Match asks for (RFC 9110, section 8.8.3.2).
    #[must_use]
    pub fn matches_weakly(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// The strong comparison, which If-Match and If-Range ask for (RFC 9110, section 8.8.3.2).
    #[must_use]
    pub fn matches_strongly(&self, other: &EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// The tag as it is written in a header.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(b"W/\"\"".len() + self.opaque.len());
        self.write(&[], &mut value);
        value
    }

    /// A tag of this strength and opaque part.
    pub(super) const fn with(weak: bool, opaque: &'a [u8]) -> Self {
        Self { weak, opaque }
    }

    /// Appends the tag, with `suffix` inside its quotation marks.
    pub(super) fn write(&self, suffix: &[&[u8]], out: &mut Vec<u8>) {
        if self.weak {
            out.extend_from_slice(b"W/");
        }
        out.push(b'"');
        out.extend_from_slice(self.opaque);
        for part in suffix {
            out.extend_from_slice(part);
        }
        out.push(b'"');
    }
}

/// Whether a byte is an `etagc` of the grammar.
const fn is_opaque(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7e | 0x80..)
}
