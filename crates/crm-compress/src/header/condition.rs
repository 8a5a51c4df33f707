//! The tags that a request sends back.

use super::{EntityTag, Form, Rewrite, TagRule, trim};

impl TagRule {
    /// What becomes of one If-None-Match line (RFC 9110, section 13.1.2) before the application reads it.
    ///
    /// `form` is the form that this request would get now if its response were encoded. A tag of that form, or of the
    /// plain one, becomes the application's tag; a tag of any other form is dropped, because the client does not hold
    /// what it would get. Plain tags count beside those of `form`: whether the response will be encoded is known only
    /// when it is there, and a picture must stay as valid as it was. Where a client that holds the plain form would
    /// get an encoded one, the server is free to select the plain one again (section 12.1).
    ///
    /// With `None` the tags of all forms become the application's. That is for methods other than GET and HEAD, for
    /// which the condition asks about the resource's state.
    ///
    /// **[`Rewrite::Remove`] takes If-Modified-Since along.** No tag is left, so that the condition is true; but without
    /// the field If-Modified-Since would count (section 13.1.3), and could find the other form unmodified.
    pub fn if_none_match(self, line: &[u8], form: Option<Form>) -> Rewrite {
        self.line(line, |of| {
            form.is_none_or(|form| of == form || of.is_plain())
        })
    }

    /// What becomes of one If-Match line (RFC 9110, section 13.1.1) before the application reads it: a tag of any form
    /// becomes the application's tag, since it is the resource's state that must not have changed.
    ///
    /// It is never [`Rewrite::Remove`], because without the field the method would be applied unconditionally. Where
    /// nothing legible is left the value becomes a weak tag, which no strong comparison can match.
    pub fn if_match(self, line: &[u8]) -> Rewrite {
        match self.line(line, |_| true) {
            Rewrite::Remove => Rewrite::Replace(br#"W/"""#.to_vec()),
            other => other,
        }
    }

    /// What becomes of If-Range (RFC 9110, section 13.1.5) before the application reads it.
    ///
    /// It stays as it is, unless its tag ends in a suffix. That of an encoded form is false, because ranges are those
    /// of the plain form: [`Rewrite::Remove`] says to remove **Range as well**, so that the client gets the whole.
    pub fn if_range(self, value: &[u8]) -> Rewrite {
        let read = EntityTag::parse(value)
            .filter(|_| self.has_suffix())
            .and_then(|tag| Some((tag, Form::read(tag.opaque())?)));
        match read {
            None => Rewrite::Keep,
            Some((tag, (base, form))) if form.is_plain() => {
                Rewrite::Replace(EntityTag::with(tag.is_weak(), base).to_vec())
            }
            Some(_) => Rewrite::Remove,
        }
    }

    /// The tag in an If-None-Match line, as the client sent it, that `form` of the response with this `ETag` has.
    ///
    /// A response 304 to such a client keeps that form alive, and has to carry the tag that the client knows it by (RFC
    /// 9111, section 4.3.4).
    #[must_use]
    pub fn listed<'a>(self, line: &'a [u8], etag: &[u8], form: Form) -> Option<EntityTag<'a>> {
        let etag = EntityTag::parse(etag).filter(|_| self.has_suffix() && !form.is_plain())?;
        parts(line).find_map(|part| match part {
            Part::Tag(tag) => {
                Some(tag).filter(|tag| Form::read(tag.opaque()) == Some((etag.opaque(), form)))
            }
            Part::Other(_) => None,
        })
    }

    /// Rewrites a line of tags; those of forms that do not `count` are dropped.
    fn line(self, line: &[u8], count: impl Fn(Form) -> bool) -> Rewrite {
        if !self.has_suffix() || !parts(line).any(|part| part.has_suffix()) {
            return Rewrite::Keep;
        }
        let mut value = Vec::with_capacity(line.len());
        for part in parts(line) {
            let before = value.len();
            if before > 0 {
                value.extend_from_slice(b", ");
            }
            match part {
                Part::Tag(tag) => {
                    let (base, form) =
                        Form::read(tag.opaque()).unwrap_or((tag.opaque(), Form::PLAIN));
                    if count(form) {
                        EntityTag::with(tag.is_weak(), base).write(&[], &mut value);
                    } else {
                        value.truncate(before);
                    }
                }
                // A lenient reader might find a tag in it that we do not see, or join it with its neighbour.
                Part::Other(bytes) if bytes.contains(&b'"') => value.truncate(before),
                Part::Other(bytes) => value.extend_from_slice(bytes),
            }
        }
        if value.is_empty() {
            Rewrite::Remove
        } else {
            Rewrite::Replace(value)
        }
    }
}

/// An element of a list of tags.
#[derive(Clone, Copy)]
enum Part<'a> {
    Tag(EntityTag<'a>),
    /// Anything else, up to the next comma.
    Other(&'a [u8]),
}

impl Part<'_> {
    /// Whether a tag in it ends in a suffix, or may seem to.
    fn has_suffix(&self) -> bool {
        match self {
            Self::Tag(tag) => Form::read(tag.opaque()).is_some(),
            Self::Other(bytes) => {
                bytes.contains(&b'"')
                    && bytes
                        .split(|&byte| byte == b'"')
                        .any(|piece| Form::read(piece).is_some())
            }
        }
    }
}

/// The elements of a list of tags (`*` is among the others), in one pass.
fn parts(mut line: &[u8]) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        loop {
            line = trim(line);
            match line {
                [] => return None,
                [b',', rest @ ..] => line = rest,
                _ => break,
            }
        }
        if let Some((tag, rest)) = EntityTag::split(line) {
            let after = trim(rest);
            if after.is_empty() || after[0] == b',' {
                line = after;
                return Some(Part::Tag(tag));
            }
        }
        let end = line
            .iter()
            .position(|&byte| byte == b',')
            .unwrap_or(line.len());
        let (other, rest) = line.split_at(end);
        line = rest;
        Some(Part::Other(trim(other)))
    })
}
