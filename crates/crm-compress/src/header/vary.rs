//! The fields of the request that another answer would depend on.

use std::borrow::Cow;

use super::elements;

/// The value of Vary (RFC 9110, section 12.5.5) that names the fields of `lines` and Accept-Encoding, and with
/// `dictionaries` Available-Dictionary (RFC 9842, section 6.2) as well; `None` when the lines say so already.
///
/// The value replaces all lines. Nothing is named twice, in whatever case it is written, and `*` is left alone because
/// it covers everything.
///
/// ```
/// use crm_compress::vary;
///
/// assert_eq!(vary(["Cookie"], false).unwrap(), "Cookie, Accept-Encoding".as_bytes());
/// assert_eq!(vary(["Cookie, accept-encoding"], false), None);
/// assert_eq!(vary(["*"], true), None);
/// ```
#[must_use]
pub fn vary<I>(lines: I, dictionaries: bool) -> Option<Cow<'static, [u8]>>
where
    I: IntoIterator + Clone,
    I::Item: AsRef<[u8]>,
{
    let (mut encoding, mut dictionary, mut others) = (false, !dictionaries, false);
    for line in lines.clone() {
        for name in elements(line.as_ref()) {
            if name == b"*" {
                return None;
            }
            encoding |= name.eq_ignore_ascii_case(ENCODING.as_bytes());
            dictionary |= name.eq_ignore_ascii_case(DICTIONARY.as_bytes());
            others = true;
        }
    }
    let missing = match (encoding, dictionary) {
        (true, true) => return None,
        (false, true) => ENCODING,
        (true, false) => DICTIONARY,
        (false, false) => BOTH,
    };
    if !others {
        return Some(Cow::Borrowed(missing.as_bytes()));
    }
    let mut value = Vec::new();
    for line in lines {
        for name in elements(line.as_ref()) {
            value.extend_from_slice(name);
            value.extend_from_slice(b", ");
        }
    }
    value.extend_from_slice(missing.as_bytes());
    Some(Cow::Owned(value))
}

const ENCODING: &str = "Accept-Encoding";
const DICTIONARY: &str = "Available-Dictionary";
const BOTH: &str = "Accept-Encoding, Available-Dictionary";
