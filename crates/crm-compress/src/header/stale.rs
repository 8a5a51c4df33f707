//! The fields that an encoded body makes false.

/// Whether a field of a response, or of its trailers, speaks of bytes that are not sent once the body is encoded.
///
/// These are the digests, which count the bytes of a coding in (Repr-Digest and Content-Digest of RFC 9530, Digest of
/// RFC 3230, Content-MD5 of RFC 2616), and Accept-Ranges, since ranges of the encoded form are not served. They are
/// removed, not replaced: a digest goes ahead of a body that is not yet encoded.
///
/// Content-Length is not among them, because the new length may be known. The name may be in any case.
#[must_use]
pub fn made_false_by_encoding(name: &str) -> bool {
    MADE_FALSE
        .iter()
        .any(|other| other.eq_ignore_ascii_case(name))
}

pub(crate) const MADE_FALSE: [&str; 5] = [
    "accept-ranges",
    "content-digest",
    "content-md5",
    "digest",
    "repr-digest",
];
