//! What happens before the inner service is called.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::{CountedBody, MonitoredBody};
use super::flight::Flight;
use super::future::MonitorFuture;
use super::instruments::Instruments;

/// A service whose requests are measured; [`MonitorLayer`](super::MonitorLayer) makes it.
#[derive(Clone, Debug)]
pub struct Monitored<S> {
    inner: S,
    instruments: Arc<Instruments>,
}

impl<S> Monitored<S> {
    pub(super) const fn new(inner: S, instruments: Arc<Instruments>) -> Self {
        Self { inner, instruments }
    }

    /// The service whose requests are measured.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service whose requests are measured.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service whose requests were measured.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Q, B> Service<Request<Q>> for Monitored<S>
where
    S: Service<Request<CountedBody<Q>>, Response = Response<B>>,
    B: Body,
{
    type Response = Response<MonitoredBody<B>>;
    type Error = S::Error;
    type Future = MonitorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let mut flight = Flight::begin(&self.instruments, &request);
        let bytes = self.instruments.request_bytes.clone();
        let inner = self
            .inner
            .call(request.map(|body| CountedBody::new(body, bytes)));
        flight.leave();
        MonitorFuture::new(inner, flight)
    }
}
