//! What HTTP forbids, whatever the policy thinks of it.

use crate::{Reason, ResponseHead};

/// Why this response must not be encoded, if there is a reason.
pub(super) fn objection(head: &ResponseHead<'_>) -> Option<Reason> {
    let status = head.status();
    match status {
        // RFC 9110, sections 6.4.1 and 15.3.6.
        100..=199 | 204 | 205 | 304 => Some(Reason::NoBody { status }),
        206 => Some(Reason::Partial),
        _ if head.is_partial() => Some(Reason::Partial),
        _ if head.is_encoded() => Some(Reason::AlreadyEncoded),
        // RFC 9111, section 5.2.2.6.
        _ if head.forbids_transform() => Some(Reason::NoTransform),
        _ => None,
    }
}
