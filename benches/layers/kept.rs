//! `crm_compress::EncodedCache` in a service: a body that was encoded before is sent again.
//!
//! The form is found by the entity tag, as a service does that knows the version of what it sends.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use crm_compress::{AcceptEncoding, Coding, EncodedCache, Identity, Level, Negotiated, negotiate};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use http::{HeaderValue, Request, Response};
use http_body_util::{Empty, Full};
use tower::Service;

use super::{Asked, Page, stack};

struct Kept {
    page: Page,
    forms: EncodedCache,
}

pub(super) fn gzip(page: Page) -> Box<dyn Asked> {
    let forms = EncodedCache::new(64 << 20);
    stack(Kept { page, forms }, "gzip")
}

impl Service<Request<Empty<Bytes>>> for Kept {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Ok(()).into()
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        let lines = request.headers().get_all(ACCEPT_ENCODING);
        let accept = AcceptEncoding::parse(lines.iter().filter_map(|line| line.to_str().ok()));
        let mut response = self.page.response();
        let Negotiated::Coding(coding) = negotiate(&accept, &[Coding::Gzip]) else {
            return ready(Ok(response));
        };
        let body = &self.page.body;
        let identity = Identity::tag("/customers", "\"1\"");
        if let Ok(form) = self.forms.encode(coding, Level::Smallest, identity, body) {
            *response.body_mut() = Full::new(Bytes::from_owner(form));
            let headers = response.headers_mut();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        ready(Ok(response))
    }
}
