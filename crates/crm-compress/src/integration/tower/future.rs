//! What happens when the inner service has answered.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::EncodedBody;
use super::facts;
use super::layer::Shared;
use super::whole::{Look, look};
use crate::{Decision, EncodeBody, Negotiated, Predicate, Reason, encode, encode_if_smaller};

pin_project! {
    /// The answer of a [`Compress`](super::Compress) on its way.
    #[must_use = "futures do nothing unless polled"]
    pub struct CompressFuture<F, P> {
        #[pin]
        state: State<F, P>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F, P> {
        Called { #[pin] inner: F, asked: Asked, shared: Arc<Shared<P>> },
        Refused,
    }
}

/// What matters of the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) negotiated: Negotiated,
    pub(super) head: bool,
}

impl<F, P> CompressFuture<F, P> {
    pub(super) fn called(inner: F, asked: Asked, shared: Arc<Shared<P>>) -> Self {
        Self {
            state: State::Called {
                inner,
                asked,
                shared,
            },
        }
    }

    pub(super) fn refused() -> Self {
        Self {
            state: State::Refused,
        }
    }
}

impl<F, P, B, E> Future for CompressFuture<F, P>
where
    F: Future<Output = Result<Response<B>, E>>,
    P: Predicate,
    B: Body + Unpin,
{
    type Output = Result<Response<EncodedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            Projected::Called {
                inner,
                asked,
                shared,
            } => {
                let response = ready!(inner.poll(cx))?;
                answer(response, *asked, shared, cx)
            }
            Projected::Refused => refusal(),
        }))
    }
}

/// The answer for a client that accepts nothing.
fn refusal<B: Body>() -> Response<EncodedBody<B>> {
    let mut response = Response::new(EncodedBody::refused());
    *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// Decides about the service's response, and makes what goes out.
fn answer<B, P>(
    response: Response<B>,
    asked: Asked,
    shared: &Shared<P>,
    cx: &mut Context<'_>,
) -> Response<EncodedBody<B>>
where
    B: Body + Unpin,
    P: Predicate,
{
    let Shared { policy, settings } = shared;
    let (mut parts, mut body) = response.into_parts();
    let mut head = facts::response_head(parts.status, &parts.headers);
    let content_type = head.content_type();
    // A HEAD response whose body was left out has the length of nothing, not of what GET would send.
    let bodiless = body.is_end_stream();
    if head.body_length().is_none() && !(asked.head && bodiless) {
        if let Some(length) = body.size_hint().exact() {
            head = head.length(length);
        }
    }
    let mut decision = if facts::is_grpc(content_type) {
        Decision::Leave(Reason::MediaType)
    } else {
        policy.decide(&head, asked.negotiated)
    };
    let out = match decision {
        Decision::Leave(_) => EncodedBody::plain(body, decision),
        Decision::Encode(coding) if asked.head && bodiless => {
            facts::encoded(&mut parts.headers, coding, None);
            EncodedBody::plain(body, decision)
        }
        Decision::Encode(coding) => {
            let level = settings.level(content_type);
            match look(&mut body, cx, settings.whole_up_to) {
                Look::Part(ahead) => {
                    facts::encoded(&mut parts.headers, coding, None);
                    EncodedBody::stream(EncodeBody::resume(coding, level, body, ahead), decision)
                }
                Look::Whole(bytes) => {
                    if head.body_length().is_none() {
                        decision =
                            policy.decide(&head.length(bytes.len() as u64), asked.negotiated);
                    }
                    match whole(decision, asked.negotiated, level, &bytes) {
                        Ok(encoded) => {
                            facts::encoded(&mut parts.headers, coding, Some(encoded.len() as u64));
                            EncodedBody::whole(encoded, decision)
                        }
                        Err(reason) => {
                            decision = Decision::Leave(reason);
                            EncodedBody::whole(bytes, decision)
                        }
                    }
                }
            }
        }
    };
    if matches!(decision, Decision::Leave(_)) && decision.depends_on_client() {
        facts::vary(&mut parts.headers);
    }
    if settings.record_decisions {
        parts.extensions.insert(decision);
    }
    Response::from_parts(parts, out)
}

/// The encoded form of a whole body, or why it goes out as it is.
fn whole(
    decision: Decision,
    negotiated: Negotiated,
    level: crate::Level,
    bytes: &Bytes,
) -> Result<Bytes, Reason> {
    match (decision, negotiated) {
        (Decision::Leave(reason), _) => Err(reason),
        // The client refuses identity, so that size does not matter; but there is no other form of nothing.
        (Decision::Encode(coding), Negotiated::Only(_)) if !bytes.is_empty() => {
            Ok(encode(coding, level, bytes).into())
        }
        (Decision::Encode(coding), _) => encode_if_smaller(coding, level, bytes).map(Bytes::from),
    }
}

impl<F, P> fmt::Debug for CompressFuture<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressFuture").finish_non_exhaustive()
    }
}
