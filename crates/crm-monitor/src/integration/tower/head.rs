//! What a route may be told from.

use http::{Extensions, HeaderMap, Method, Request, Uri};

/// The head of a request, from which a closure tells its route; see
/// [`MonitorLayerBuilder::route`](super::MonitorLayerBuilder::route).
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    pub(super) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// The method.
    #[must_use]
    pub const fn method(self) -> &'a Method {
        self.method
    }

    /// The target, which a client chooses as it likes: a route should be one of few.
    #[must_use]
    pub const fn uri(self) -> &'a Uri {
        self.uri
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(self) -> &'a HeaderMap {
        self.headers
    }

    /// What a framework has noted down, as axum its `MatchedPath`.
    #[must_use]
    pub const fn extensions(self) -> &'a Extensions {
        self.extensions
    }
}
