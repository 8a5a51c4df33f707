//! The bodies that are counted.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::flight::Flight;
use crate::Counter;

pin_project! {
    /// The body of a request, whose bytes are counted as the service reads them.
    #[must_use = "bodies do nothing unless polled"]
    pub struct CountedBody<B> {
        #[pin]
        inner: B,
        bytes: Counter,
    }
}

impl<B> CountedBody<B> {
    pub(super) const fn new(inner: B, bytes: Counter) -> Self {
        Self { inner, bytes }
    }

    /// The body as it came.
    pub const fn get_ref(&self) -> &B {
        &self.inner
    }

    /// The body as it came, whose further bytes are not counted.
    pub fn into_inner(self) -> B {
        self.inner
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            this.bytes.add(length(frame));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> fmt::Debug for CountedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedBody").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of a response, with whose end the request ends.
    #[must_use = "bodies do nothing unless polled"]
    pub struct MonitoredBody<B> {
        #[pin]
        inner: B,
        // Taken when the body has ended.
        flight: Option<Flight>,
        // How many bytes are still to come, where that is known.
        left: Option<u64>,
    }
}

impl<B> MonitoredBody<B> {
    /// The body as the service made it.
    pub const fn get_ref(&self) -> &B {
        &self.inner
    }
}

/// A body for whose end no request waits: what a layer outside of this one answers with by itself.
impl<B: Default> Default for MonitoredBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            flight: None,
            left: None,
        }
    }
}

impl<B: Body> MonitoredBody<B> {
    /// The response with its body, for whose end the request waits.
    pub(super) fn of(response: Response<B>, flight: Option<Flight>) -> Response<Self> {
        let (parts, inner) = response.into_parts();
        let mut left = None;
        let flight = flight.and_then(|mut flight| {
            flight.answered(parts.status);
            if inner.is_end_stream() {
                return None;
            }
            let exact = inner.size_hint().exact();
            left = exact.or_else(|| content_length(&parts.headers));
            flight.set_cut(flight.carries_body() && left != Some(0));
            Some(flight)
        });
        Response::from_parts(
            parts,
            Self {
                inner,
                flight,
                left,
            },
        )
    }
}

impl<B: Body> Body for MonitoredBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(flight) = this.flight else {
            return this.inner.poll_frame(cx);
        };
        let before = flight.suspect();
        let polled = this.inner.as_mut().poll_frame(cx);
        flight.resume(before);
        match ready!(&polled) {
            Some(Ok(frame)) => {
                let bytes = length(frame);
                flight.count_bytes(bytes);
                if let Some(left) = this.left {
                    *left = left.saturating_sub(bytes);
                    if *left == 0 {
                        // A server that has sent what it announced does not ask for more.
                        flight.set_cut(false);
                    }
                }
                if this.inner.is_end_stream() {
                    flight.set_cut(false);
                    *this.flight = None;
                }
            }
            Some(Err(_)) => {
                flight.broken();
                *this.flight = None;
            }
            None => {
                flight.set_cut(false);
                *this.flight = None;
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> fmt::Debug for MonitoredBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitoredBody").finish_non_exhaustive()
    }
}

fn length<D: Buf>(frame: &Frame<D>) -> u64 {
    frame.data_ref().map_or(0, |data| data.remaining() as u64)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
