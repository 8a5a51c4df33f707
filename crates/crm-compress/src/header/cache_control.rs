//! The directive that forbids what this crate does.

use super::list::elements_with_strings;
use super::trim;

/// Whether this Cache-Control line says `no-transform`, of a response (RFC 9111, section 5.2.2.6) or of a request
/// (section 5.2.1.6).
///
/// The directive's name may be in any case. It has no argument; one that a sender adds does not make it mean less.
///
/// ```
/// use crm_compress::forbids_transform;
///
/// assert!(forbids_transform(b"private, No-Transform"));
/// assert!(!forbids_transform(br#"x="a, no-transform""#)); // the argument of another directive
/// ```
#[must_use]
pub fn forbids_transform(line: &[u8]) -> bool {
    elements_with_strings(line).any(|directive| {
        let name = directive.split(|&byte| byte == b'=').next();
        name.is_some_and(|name| trim(name).eq_ignore_ascii_case(b"no-transform"))
    })
}
