//! The tag of an encoded form.

use super::{EntityTag, Form, Rewrite};

/// How the entity tag of an encoded form differs from the one that the application gave.
///
/// Two forms of a resource must not share a strong tag (RFC 9110, sections 8.8.1 and 8.8.3.3), or a cache would join the
/// first half of the one with the second half of the other.
///
/// A suffix tells the forms apart, and the way back is exact: [`if_none_match`](Self::if_none_match),
/// [`if_match`](Self::if_match) and [`if_range`](Self::if_range) give the application its own tag again, so that clients
/// revalidate and update as if nothing stood between. Suffixes are `-gzip`, `-deflate`, `-br`, `-zstd`, `-dcz`, and `-dcz.`
/// with 16 hexadecimal digits of the dictionary's SHA-256. A tag of the application's that ends so by itself is sent
/// with `-identity` appended in its plain form, so that no client's tag can be read in two ways. That needs each response
/// to pass through [`plain`](Self::plain) or [`encoded`](Self::encoded).
///
/// ```
/// use crm_compress::{Coding, Form, Rewrite, TagRule};
///
/// let rule = TagRule::default();
/// let gzip = Form::of(Coding::Gzip);
/// assert_eq!(rule.encoded(br#""abc""#, gzip), Rewrite::Replace(br#""abc-gzip""#.to_vec()));
/// assert_eq!(rule.if_match(br#""abc-gzip", "x""#), Rewrite::Replace(br#""abc", "x""#.to_vec()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TagRule {
    /// `"abc"` becomes `"abc-gzip"`, and `W/"abc"` becomes `W/"abc-gzip"`: a strong tag stays strong. The default.
    ///
    /// A strong tag promises equal bytes. One version of this crate keeps that promise for bodies that are encoded whole,
    /// with one engine at one level. A stream that is flushed when its source pauses has other bytes each time, so that
    /// its tag has to be weak ([`for_streams`](Self::for_streams)). The notes on the design say what the promise is
    /// worth between versions.
    #[default]
    Suffix,
    /// Both become `W/"abc-gzip"`, which promises nothing about bytes. Revalidation works as with
    /// [`Suffix`](Self::Suffix), but no weak tag ever passes If-Match: a client that has read the encoded form cannot
    /// make its update conditional.
    WeakSuffix,
    /// Both become `W/"abc"`, which all forms may share. The application compares it by itself; a client that changes
    /// its codings may be told that it has the current form in the other coding.
    Weaken,
    /// An encoded form has no tag.
    Remove,
}

impl TagRule {
    /// What becomes of an `ETag` when the body is encoded to `form`.
    ///
    /// A value that is not one entity tag is removed, whatever the rule: it cannot be told apart for two forms.
    pub fn encoded(self, value: &[u8], form: Form) -> Rewrite {
        if form.is_plain() {
            return self.plain(value);
        }
        let Some(tag) = EntityTag::parse(value) else {
            return Rewrite::Remove;
        };
        let (weak, suffix) = match self {
            Self::Suffix => (tag.is_weak(), form.suffix(tag.opaque())),
            Self::WeakSuffix => (true, form.suffix(tag.opaque())),
            Self::Weaken if tag.is_weak() => return Rewrite::Keep,
            Self::Weaken => (true, [&b""[..]; 3]),
            Self::Remove => return Rewrite::Remove,
        };
        write(EntityTag::with(weak, tag.opaque()), &suffix)
    }

    /// What becomes of an `ETag` when the body goes out as the application made it.
    ///
    /// It stays, unless it ends like the tag of an encoded form.
    pub fn plain(self, value: &[u8]) -> Rewrite {
        match EntityTag::parse(value) {
            Some(tag) if self.has_suffix() && Form::read(tag.opaque()).is_some() => {
                write(tag, &Form::PLAIN.suffix(tag.opaque()))
            }
            _ => Rewrite::Keep,
        }
    }

    /// This rule, for a body whose bytes are not the same each time it is encoded.
    #[must_use]
    pub const fn for_streams(self) -> Self {
        match self {
            Self::Suffix => Self::WeakSuffix,
            other => other,
        }
    }

    pub(crate) const fn has_suffix(self) -> bool {
        matches!(self, Self::Suffix | Self::WeakSuffix)
    }
}

fn write(tag: EntityTag<'_>, suffix: &[&[u8]]) -> Rewrite {
    let more: usize = suffix.iter().map(|part| part.len()).sum();
    let mut value = Vec::with_capacity(b"W/\"\"".len() + tag.opaque().len() + more);
    tag.write(suffix, &mut value);
    Rewrite::Replace(value)
}
