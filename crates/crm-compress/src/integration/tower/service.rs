//! What happens before the inner service is called.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::EncodedBody;
use super::future::{Asked, CompressFuture};
use super::kept::resource;
use super::layer::Shared;
use crate::{Exchange, Negotiated, Predicate, Worthwhile};

/// A service whose responses are encoded; [`CompressLayer`](super::CompressLayer) makes it.
#[derive(Debug)]
pub struct Compress<S, P = Worthwhile> {
    inner: S,
    shared: Arc<Shared<P>>,
}

impl<S, P> Compress<S, P> {
    pub(super) fn new(inner: S, shared: Arc<Shared<P>>) -> Self {
        Self { inner, shared }
    }

    /// The service whose responses are encoded.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service whose responses are encoded.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service whose responses were encoded.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, P> Clone for Compress<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, P, Q, B> Service<Request<Q>> for Compress<S, P>
where
    S: Service<Request<Q>, Response = Response<B>>,
    P: Predicate,
    B: Body + Unpin,
{
    type Response = Response<EncodedBody<B>>;
    type Error = S::Error;
    type Future = CompressFuture<S::Future, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let settings = &self.shared.settings;
        let method = request.method().clone();
        let (dictionary, rules, offers) = settings.offered(request.headers());
        let exchange = Exchange::begin(rules, offers, &method, request.headers_mut());
        if settings.refuse_unacceptable && exchange.negotiated() == Negotiated::NotAcceptable {
            return CompressFuture::refused(!settings.dictionaries.is_empty());
        }
        let by_tag = settings.kept_by_tag && settings.kept.is_some();
        let asked = Asked {
            exchange,
            head: method == Method::HEAD,
            dictionary,
            resource: by_tag.then(|| resource(&request)).flatten(),
        };
        CompressFuture::called(self.inner.call(request), asked, Arc::clone(&self.shared))
    }
}
