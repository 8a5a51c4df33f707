//! What one look at a response's headers finds, and what is written to them.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::{Coding, ResponseHead};

/// Whether `Content-Type` is one of gRPC, which encodes each message by itself.
pub(super) fn is_grpc(content_type: Option<&str>) -> bool {
    const GRPC: &str = "application/grpc";
    content_type
        .and_then(|value| value.get(..GRPC.len()))
        .is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}

/// What a policy looks at, found in one pass.
pub(super) fn response_head(status: StatusCode, headers: &HeaderMap) -> ResponseHead<'_> {
    let mut head = ResponseHead::new(status.as_u16());
    for (name, value) in headers {
        // Names of the standard are compared by number; text is looked at in the few lines that matter.
        if name == CONTENT_TYPE
            || name == CONTENT_LENGTH
            || name == CONTENT_ENCODING
            || name == CACHE_CONTROL
            || name == CONTENT_RANGE
        {
            if let Ok(value) = value.to_str() {
                head = head.header(name.as_str(), value);
            }
        }
    }
    head
}

/// Makes the headers true for an encoded body, of `length` bytes if that is known.
pub(super) fn encoded(headers: &mut HeaderMap, coding: Coding, length: Option<u64>) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    match length {
        // Only a value that would be wrong is replaced; where there is none, the server takes the length of the body.
        Some(length) if headers.contains_key(CONTENT_LENGTH) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        _ => {
            headers.remove(CONTENT_LENGTH);
        }
    }
    headers.remove(ACCEPT_RANGES);
    if let Some(tag) = headers.get_mut(ETAG) {
        if tag.as_bytes().starts_with(b"\"") {
            let weak = [b"W/", tag.as_bytes()].concat();
            if let Ok(weak) = HeaderValue::from_bytes(&weak) {
                *tag = weak;
            }
        }
    }
    vary(headers);
}

/// Says that the response depends on Accept-Encoding, once.
pub(super) fn vary(headers: &mut HeaderMap) {
    let covers = |element: &[u8]| {
        let element = element.trim_ascii();
        element == b"*" || element.eq_ignore_ascii_case(ACCEPT_ENCODING.as_str().as_bytes())
    };
    let said = headers
        .get_all(VARY)
        .iter()
        .any(|line| line.as_bytes().split(|&byte| byte == b',').any(covers));
    if !said {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}
