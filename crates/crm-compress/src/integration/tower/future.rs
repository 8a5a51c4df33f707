//! What happens when the inner service has answered.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::{EncodedBody, Form};
use super::encoding::Encoding;
use super::layer::{Settings, Shared};
use super::whole::{Look, look};
#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{Coding, Decision, EncodeBody, Exchange, Negotiated, Predicate, Reason};

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
        Refused { dictionaries: bool },
    }
}

/// What matters of the request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) exchange: Exchange,
    pub(super) head: bool,
    /// The one of the layer's that the client has.
    pub(super) dictionary: Option<Dictionary>,
    /// What the tag of the answer is a tag of, if it may stand for the body.
    pub(super) resource: Option<Box<[u8]>>,
}

impl Asked {
    /// How a body is encoded for this client.
    fn encoding<'a>(
        &'a self,
        coding: Coding,
        settings: &'a Settings,
        parts: &Parts,
    ) -> Encoding<'a> {
        #[cfg(feature = "dcz")]
        let dictionary = self.dictionary.as_ref().filter(|_| coding == Coding::Dcz);
        #[cfg(not(feature = "dcz"))]
        let dictionary = self.dictionary.as_ref();
        Encoding {
            coding,
            level: settings.level(parts.headers.get(CONTENT_TYPE)),
            padding: settings.padding.as_ref(),
            dictionary,
        }
    }
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

    pub(super) fn refused(dictionaries: bool) -> Self {
        Self {
            state: State::Refused { dictionaries },
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
                answer(response, asked, shared, cx)
            }
            Projected::Refused { dictionaries } => refusal(*dictionaries),
        }))
    }
}

/// The answer for a client that accepts nothing.
fn refusal<B: Body>(dictionaries: bool) -> Response<EncodedBody<B>> {
    let vary = if dictionaries {
        "Accept-Encoding, Available-Dictionary"
    } else {
        "Accept-Encoding"
    };
    let mut response = Response::new(EncodedBody::refused());
    *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static(vary));
    response
}

/// Decides about the service's response, and makes what goes out.
fn answer<B, P>(
    response: Response<B>,
    asked: &Asked,
    shared: &Shared<P>,
    cx: &mut Context<'_>,
) -> Response<EncodedBody<B>>
where
    B: Body + Unpin,
    P: Predicate,
{
    let Asked { exchange, head, .. } = asked;
    let Shared { policy, settings } = shared;
    let (mut parts, mut body) = response.into_parts();
    // A response to HEAD whose body was left out has the length of nothing, not of what GET would send.
    let left_out = *head && body.is_end_stream();
    let length = body.size_hint().exact().filter(|_| !left_out);
    let decide =
        |parts: &Parts, length| exchange.decide(policy, parts.status, &parts.headers, length);
    let mut outcome = decide(&parts, length);
    let (form, encoded) = match outcome.decision() {
        Decision::Encode(_) if is_grpc(&parts.headers) => {
            let decision = Decision::Leave(Reason::MediaType);
            let body = EncodedBody::new(Form::Plain { body }, decision);
            return recorded(Response::from_parts(parts, body), settings, decision);
        }
        Decision::Encode(_) if left_out => {
            // GET would stream so long a body, and give it the tag of a stream.
            let told = parts.headers.get(CONTENT_LENGTH);
            let told = told.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            if told.is_some_and(|length| length > settings.whole_up_to as u64) {
                outcome = outcome.streamed();
            }
            (Form::Plain { body }, None)
        }
        Decision::Leave(_) => (Form::Plain { body }, None),
        Decision::Encode(coding) => {
            let encoding = asked.encoding(coding, settings, &parts);
            match look(&mut body, cx, settings.whole_up_to) {
                Look::Part(ahead) => {
                    let body = EncodeBody::resume(
                        encoding.dictionary,
                        coding,
                        encoding.level,
                        body,
                        ahead,
                    );
                    outcome = outcome.streamed();
                    (Form::Stream { body }, None)
                }
                Look::Whole(bytes) => {
                    if length.is_none() {
                        // Now it is known, and the policy may find it too small.
                        outcome = decide(&parts, Some(bytes.len() as u64));
                    }
                    match whole(
                        outcome.decision(),
                        encoding,
                        asked,
                        settings,
                        &parts,
                        &bytes,
                    ) {
                        Ok(bytes) => {
                            let length = bytes.len() as u64;
                            (Form::Whole { bytes }, Some(length))
                        }
                        Err(reason) => {
                            outcome = outcome.left(reason);
                            (Form::Whole { bytes }, None)
                        }
                    }
                }
            }
        }
    };
    // Where there was no Content-Length, the server takes the length of the body, and no header value need be made.
    let encoded = encoded.filter(|_| parts.headers.contains_key(CONTENT_LENGTH));
    exchange.apply(outcome, parts.status, &mut parts.headers, encoded);
    let decision = outcome.decision();
    let body = EncodedBody::new(form, decision);
    recorded(Response::from_parts(parts, body), settings, decision)
}

fn recorded<B>(mut response: Response<B>, settings: &Settings, decision: Decision) -> Response<B> {
    if settings.record_decisions {
        response.extensions_mut().insert(decision);
    }
    response
}

/// Whether it is a response of gRPC, which encodes each message by itself.
fn is_grpc(headers: &HeaderMap) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..GRPC.len()))
        .is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}

/// The encoded form of a whole body, or why it goes out as it is.
fn whole(
    decision: Decision,
    encoding: Encoding<'_>,
    asked: &Asked,
    settings: &Settings,
    parts: &Parts,
    bytes: &Bytes,
) -> Result<Bytes, Reason> {
    if let Decision::Leave(reason) = decision {
        return Err(reason);
    }
    let smaller = match &settings.kept {
        Some(kept) => kept.encode_if_smaller(&encoding, asked.resource.as_deref(), parts, bytes),
        None => encoding.encode_if_smaller(bytes).map(Bytes::from),
    };
    match (smaller, asked.exchange.negotiated()) {
        // The client refuses identity, so that size does not matter; but nothing is the same in every form.
        (Err(Reason::WouldNotShrink { .. }), Negotiated::Only(_)) if !bytes.is_empty() => {
            Ok(encoding.encode(bytes).into())
        }
        (smaller, _) => smaller,
    }
}

impl<F, P> fmt::Debug for CompressFuture<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressFuture").finish_non_exhaustive()
    }
}
