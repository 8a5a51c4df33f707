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
/// From a string on that is never closed, quotation marks are bytes like others.
pub(super) fn elements_with_strings(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    let mut strings = true;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let mut end = 0;
            while let Some(&byte) = rest.get(end).filter(|&&byte| byte != b',') {
                let string = (strings && byte == b'"').then(|| string(&rest[end..]));
                strings &= string != Some(None);
                end += string.flatten().unwrap_or(1);
            }
            let element = trim(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    })
}

/// The length of the quoted string that begins here, if it is closed.
fn string(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
