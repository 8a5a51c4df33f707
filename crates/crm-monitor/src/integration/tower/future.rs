//! What happens until the inner service has answered.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::MonitoredBody;
use super::flight::Flight;

pin_project! {
    /// The answer of a [`Monitored`](super::Monitored) on its way.
    #[must_use = "futures do nothing unless polled"]
    pub struct MonitorFuture<F> {
        #[pin]
        inner: F,
        flight: Option<Flight>,
    }
}

impl<F> MonitorFuture<F> {
    pub(super) const fn new(inner: F, flight: Flight) -> Self {
        Self {
            inner,
            flight: Some(flight),
        }
    }
}

impl<F, B, E> Future for MonitorFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<MonitoredBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(flight) = this.flight {
            flight.enter();
        }
        let polled = this.inner.poll(cx);
        if let Some(flight) = this.flight {
            flight.leave();
        }
        let answer = ready!(polled);
        let flight = this.flight.take();
        Poll::Ready(match answer {
            Ok(response) => Ok(MonitoredBody::of(response, flight)),
            Err(error) => {
                if let Some(flight) = flight {
                    flight.error();
                }
                Err(error)
            }
        })
    }
}

impl<F> fmt::Debug for MonitorFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorFuture").finish_non_exhaustive()
    }
}
