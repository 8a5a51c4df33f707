//! The layer that decodes the bodies of requests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

#[cfg(feature = "dcz")]
use crate::Dictionary;
use crate::integration::http::remove_made_false;
use crate::integration::http_body::Refused;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{ContentEncoding, DecodeBody, DecodeError, DecodeLimits};

/// A layer that decodes the bodies of requests, within limits.
///
/// The service behind it sees a request without coding: Content-Encoding, Content-Length and digests of the encoded bytes
/// are removed, and the body is a [`DecodeBody`]. A request without coding passes as it is, whatever its length: that is for
/// the framework's own limit, axum's `DefaultBodyLimit` for example, which holds for decoded bodies too (at 2 MB, unless it
/// is set).
///
/// What cannot be decoded is answered here:
///
/// | what is wrong | when it shows | answer |
/// |---|---|---|
/// | an unknown coding, or a chain that is too long | in the head | 415 with Accept-Encoding; the service is not called |
/// | a Content-Length beyond [`encoded_bytes`](DecodeLimits::encoded_bytes) | in the head | 413; the service is not called |
/// | another limit | while the service reads | the error of the body; 413 |
/// | a dictionary of `dcz` that is not at hand | while the service reads | the error of the body; 415 |
/// | corrupt data | while the service reads | the error of the body; 400 |
///
/// In the last three cases the service answers, and what it answers stands, but for its status when that is 400 or 500: these
/// are what frameworks make of a body that fails, and they become 413, 415 or 400 as the [`DecodeError`] says.
///
/// ```
/// use axum::{Router, body::Bytes, routing::post};
/// use crm_compress::{DecodeLayer, DecodeLimits};
///
/// let app: Router = Router::new()
///     .route("/customers", post(|json: Bytes| async move { format!("{} bytes", json.len()) }))
///     .layer(DecodeLayer::new(DecodeLimits::default().decoded_bytes(1 << 20)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct DecodeLayer {
    limits: DecodeLimits,
    dictionaries: Option<Arc<[Dictionary]>>,
}

impl DecodeLayer {
    /// The layer that decodes within these limits.
    #[must_use]
    pub const fn new(limits: DecodeLimits) -> Self {
        Self {
            limits,
            dictionaries: None,
        }
    }

    /// Takes bodies in `dcz` as well, if they were encoded with this dictionary. A service may have several; this is called
    /// for each of them. A body that names none of them is answered by 415, while the service reads.
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    #[must_use]
    pub fn dictionary(mut self, dictionary: Dictionary) -> Self {
        let before = self.dictionaries.as_deref().unwrap_or_default();
        self.dictionaries = Some([before, &[dictionary]].concat().into());
        self
    }
}

impl<S> Layer<S> for DecodeLayer {
    type Service = Decode<S>;

    fn layer(&self, inner: S) -> Decode<S> {
        Decode {
            inner,
            limits: self.limits,
            dictionaries: self.dictionaries.clone(),
        }
    }
}

/// A service whose requests are decoded; [`DecodeLayer`] makes it.
#[derive(Clone, Debug)]
pub struct Decode<S> {
    inner: S,
    limits: DecodeLimits,
    dictionaries: Option<Arc<[Dictionary]>>,
}

impl<S> Decode<S> {
    /// The service whose requests are decoded.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service whose requests are decoded.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service whose requests were decoded.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Q, B> Service<Request<Q>> for Decode<S>
where
    S: Service<Request<DecodeBody<Q>>, Response = Response<B>>,
    Q: Body,
    B: Body,
{
    type Response = Response<AnswerBody<B>>;
    type Error = S::Error;
    type Future = DecodeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let state = match prepare(
            request,
            &self.limits,
            self.dictionaries.as_deref().unwrap_or_default(),
        ) {
            Ok((request, refused)) => State::Called {
                inner: self.inner.call(request),
                refused,
            },
            Err(error) => State::Refused { error },
        };
        DecodeFuture { state }
    }
}

/// The request as the service sees it, and what its body tells.
fn prepare<Q: Body>(
    request: Request<Q>,
    limits: &DecodeLimits,
    dictionaries: &[Dictionary],
) -> Result<(Request<DecodeBody<Q>>, Option<Refused>), DecodeError> {
    let (mut parts, body) = request.into_parts();
    let headers = &mut parts.headers;
    let chain = ContentEncoding::parse(headers.get_all(CONTENT_ENCODING))?;
    let mut body = DecodeBody::with(body, &chain, limits, dictionaries)?;
    let mut refused = None;
    if !chain.is_identity() {
        limits.admit(content_length(headers))?;
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
        remove_made_false(headers);
        let told = Refused::default();
        body = body.telling(told.clone());
        refused = Some(told);
    }
    Ok((Request::from_parts(parts, body), refused))
}

fn content_length(headers: &HeaderMap) -> u64 {
    headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .unwrap_or_default()
}

pin_project! {
    /// The answer of a [`Decode`] on its way.
    #[must_use = "futures do nothing unless polled"]
    pub struct DecodeFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F> {
        Called { #[pin] inner: F, refused: Option<Refused> },
        Refused { error: DecodeError },
    }
}

impl<F, B, E> Future for DecodeFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<AnswerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            Projected::Called { inner, refused } => {
                let mut response = ready!(inner.poll(cx))?;
                let status = refused.as_ref().and_then(Refused::status);
                let unread = [StatusCode::BAD_REQUEST, StatusCode::INTERNAL_SERVER_ERROR];
                if let Some(status) = status.filter(|_| unread.contains(&response.status())) {
                    *response.status_mut() = status_code(status);
                    // Only then was the coding at fault, and the client may use another.
                    if let (415, Some(accepted)) =
                        (status, DecodeError::UnsupportedCoding.accept_encoding())
                    {
                        let accepted = HeaderValue::from_static(accepted);
                        response.headers_mut().insert(ACCEPT_ENCODING, accepted);
                    }
                }
                response.map(|body| AnswerBody {
                    form: Form::Service { body },
                })
            }
            Projected::Refused { error } => refusal(error),
        }))
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The answer to a request that is refused for its head.
fn refusal<B: Body>(error: &DecodeError) -> Response<AnswerBody<B>> {
    let mut response = Response::new(AnswerBody {
        form: Form::Words {
            words: format!("{error}\n").into(),
        },
    });
    *response.status_mut() = status_code(error.status());
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Some(accepted) = error.accept_encoding() {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
    }
    response
}

pin_project! {
    /// The body of a response that went through [`DecodeLayer`]: that of the service, or the words of a refusal.
    #[must_use = "bodies do nothing unless polled"]
    pub struct AnswerBody<B> {
        #[pin]
        form: Form<B>,
    }
}

pin_project! {
    #[project = ProjectedForm]
    enum Form<B> {
        Service { #[pin] body: B },
        Words { words: Bytes },
    }
}

impl<B: Body> Body for AnswerBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().form.project() {
            ProjectedForm::Service { body } => {
                let plain = |mut data: B::Data| data.copy_to_bytes(data.remaining());
                body.poll_frame(cx).map_ok(|frame| frame.map_data(plain))
            }
            ProjectedForm::Words { words } if words.is_empty() => Poll::Ready(None),
            ProjectedForm::Words { words } => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(words)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.form {
            Form::Service { body } => body.is_end_stream(),
            Form::Words { words } => words.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.form {
            Form::Service { body } => body.size_hint(),
            Form::Words { words } => SizeHint::with_exact(words.len() as u64),
        }
    }
}

impl<F> fmt::Debug for DecodeFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeFuture").finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Service { .. } => "service",
            Form::Words { .. } => "words",
        };
        f.debug_struct("AnswerBody")
            .field("form", &form)
            .finish_non_exhaustive()
    }
}
