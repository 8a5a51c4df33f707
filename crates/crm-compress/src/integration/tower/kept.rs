//! Whole bodies that are encoded once: by what they are recognised, and how their forms are told apart.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, ETAG, HOST, HeaderName, SET_COOKIE, VARY,
};
use http::response::Parts;
use http::{HeaderMap, Method, Request, StatusCode};

use super::encoding::{Encoding, Variant};
use crate::header::{elements, trim};
use crate::{EncodedCache, Identity, Reason};

/// The cache that a layer was given.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    forms: Arc<EncodedCache>,
}

impl Kept {
    pub(super) fn new(forms: Arc<EncodedCache>) -> Self {
        Self { forms }
    }

    /// The form of a whole body, if it is smaller; made only if it is not there.
    pub(super) fn encode_if_smaller(
        &self,
        encoding: &Encoding<'_>,
        resource: Option<&[u8]>,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Bytes, Reason> {
        let identity = match (resource, parts.headers.get(ETAG)) {
            (Some(resource), Some(etag)) if is_for_all(parts) => Identity::tag(resource, etag),
            _ => Identity::body(),
        };
        let mut room: Variant = [0; 18 + 32];
        let variant = encoding.variant(&mut room);
        self.forms
            .encode_with(
                encoding.coding,
                encoding.level,
                identity.variant(variant),
                body,
                || encoding.encode_if_smaller(body).ok(),
            )
            .map(Bytes::from_owner)
    }
}

/// What a tag of the answer would be a tag of, unless the answer may be for this client alone.
pub(super) fn resource<B>(request: &Request<B>) -> Option<Box<[u8]>> {
    let headers = request.headers();
    if !matches!(*request.method(), Method::GET | Method::HEAD)
        || [AUTHORIZATION, COOKIE]
            .iter()
            .any(|name| headers.contains_key(name))
    {
        return None;
    }
    let uri = request.uri();
    let host = match uri.authority() {
        Some(authority) => authority.as_str().as_bytes(),
        None => headers.get(HOST).map_or(&[][..], |host| host.as_bytes()),
    };
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    // A path begins with a slash or is an asterisk, and a host has no space.
    Some([host, b" ", path.as_bytes()].concat().into())
}

/// Whether a response says nothing of being for one client alone.
fn is_for_all(parts: &Parts) -> bool {
    let headers = &parts.headers;
    parts.status == StatusCode::OK
        && !headers.contains_key(SET_COOKIE)
        && !lists(headers, CACHE_CONTROL, |directive| {
            let name = directive.split(|&byte| byte == b'=').next();
            matches!(name, Some(name) if is_one_of(trim(name), &["private", "no-store"]))
        })
        && !lists(headers, VARY, |name| {
            !is_one_of(name, &["accept-encoding", "available-dictionary"])
        })
}

/// Whether an element of a field is what is looked for.
fn lists(headers: &HeaderMap, name: HeaderName, is_wanted: impl Fn(&[u8]) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| elements(line.as_bytes()))
        .any(is_wanted)
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}
