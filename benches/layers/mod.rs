//! A service behind each layer, one file a layer: the same response, asked for in the same way.
//!
//! The service has its body in memory and answers at once, so that what is measured is the layer. Each layer is made by its
//! plain constructor, but for the least length, which is lifted where there is one: what goes out as it is costs nothing.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, poll_fn, ready};
use std::pin::pin;

use bytes::{Buf, Bytes};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::{Empty, Full};
use tower::Service;

use crate::support::now::now;

mod bare;
mod kept;
mod ours;
mod tower_http;

/// A service in its layer.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The coding that its responses must have.
    pub(crate) coding: &'static str,
    pub(crate) make: fn(Page) -> Box<dyn Asked>,
}

impl Row {
    const fn new(
        name: &'static str,
        coding: &'static str,
        make: fn(Page) -> Box<dyn Asked>,
    ) -> Self {
        Self { name, coding, make }
    }
}

/// The service by itself.
pub(crate) const BARE: &str = "no layer";
/// The row with which all others are compared.
pub(crate) const PEER: &str = "tower-http gzip";

/// Our layer as it comes, for a client that takes gzip.
pub(crate) const GZIP: &str = "crm-compress gzip";

/// The same for a client that takes zstd.
pub(crate) const ZSTD: &str = "crm-compress zstd";
/// A service that keeps encoded forms.
pub(crate) const KEPT: &str = "crm-compress gzip, kept";

pub(crate) const ROWS: [Row; 8] = [
    Row::new(BARE, "identity", bare::bare),
    Row::new(PEER, "gzip", tower_http::gzip),
    Row::new(GZIP, "gzip", ours::gzip),
    Row::new("crm-compress gzip, fastest", "gzip", ours::fastest),
    Row::new("tower-http zstd", "zstd", tower_http::zstd),
    Row::new(ZSTD, "zstd", ours::zstd),
    Row::new("crm-compress zstd, fastest", "zstd", ours::zstd_fastest),
    Row::new(KEPT, "gzip", kept::gzip),
];

/// A service that is asked for one response again and again.
pub(crate) trait Asked {
    /// Asks once, and takes the response frame by frame, as a server writes it; tells how many bytes these were.
    fn ask(&mut self) -> usize;

    /// Asks once, and keeps everything.
    fn whole(&mut self) -> (HeaderMap, Vec<u8>);
}

/// The service of which all of them are made.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    media_type: HeaderValue,
    body: Bytes,
}

impl Page {
    pub(crate) fn new(media_type: &'static str, body: &[u8]) -> Self {
        Self {
            media_type: HeaderValue::from_static(media_type),
            body: Bytes::copy_from_slice(body),
        }
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, self.media_type.clone());
        response
    }
}

impl Service<Request<Empty<Bytes>>> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        Ok(()).into()
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Self::Future {
        ready(Ok(self.response()))
    }
}

/// A service in its layer, and what the client takes.
struct Stack<S> {
    service: S,
    accept: HeaderValue,
}

/// Asks `service` as a client that takes `accept`.
fn stack<S, B>(service: S, accept: &'static str) -> Box<dyn Asked>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>> + 'static,
    S::Error: Debug,
    B: Body,
    B::Error: Debug,
{
    Box::new(Stack {
        service,
        accept: HeaderValue::from_static(accept),
    })
}

impl<S, B> Stack<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    S::Error: Debug,
    B: Body,
    B::Error: Debug,
{
    /// Gives each frame to `take`.
    fn run(&mut self, mut take: impl FnMut(B::Data)) -> HeaderMap {
        let mut request = Request::new(Empty::new());
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, self.accept.clone());
        now(async {
            let ready = poll_fn(|context| self.service.poll_ready(context)).await;
            ready.expect("the service is always ready");
            let response = self.service.call(request).await;
            let (head, body) = response.expect("the service answers").into_parts();
            let mut body = pin!(body);
            while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
                if let Ok(data) = frame.expect("a body in memory has no errors").into_data() {
                    take(data);
                }
            }
            head.headers
        })
    }
}

impl<S, B> Asked for Stack<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    S::Error: Debug,
    B: Body,
    B::Error: Debug,
{
    fn ask(&mut self) -> usize {
        let mut sent = 0;
        self.run(|data| sent += data.remaining());
        sent
    }

    fn whole(&mut self) -> (HeaderMap, Vec<u8>) {
        let mut body = Vec::new();
        let headers = self.run(|mut data| {
            while data.has_remaining() {
                let chunk = data.chunk();
                body.extend_from_slice(chunk);
                let read = chunk.len();
                data.advance(read);
            }
        });
        (headers, body)
    }
}

/// The coding that a response names.
pub(crate) fn coding(headers: &HeaderMap) -> &str {
    let name = headers.get(CONTENT_ENCODING);
    name.map_or("identity", |name| name.to_str().expect("names are text"))
}
