//! The comma-separated lists of RFC 9110, section 5.6.1, as bytes.

/// Without the optional white space (spaces and tabs) on both sides.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a list of tokens that are not empty.
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// The elements of a list whose elements may hold quoted strings (RFC 9110, section 5.6.4): a comma between quotes
/// belongs to the string, and a backslash there takes the next byte with it.
///
/// A string that is never closed reaches to the end of the value.
pub(super) fn elements_with_strings(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let mut escaped = false;
    value
        .split(move |&byte| {
            if escaped {
                escaped = false;
            } else if quoted && byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                quoted = !quoted;
            }
            byte == b',' && !quoted
        })
        .map(trim)
        .filter(|element| !element.is_empty())
}
