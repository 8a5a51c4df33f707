//! `tower_http::compression::CompressionLayer`, at its default level.

use tower::Layer;
use tower_http::compression::CompressionLayer;

use super::{Asked, Page, stack};

pub(super) fn gzip(page: Page) -> Box<dyn Asked> {
    stack(CompressionLayer::new().layer(page), "gzip")
}

pub(super) fn zstd(page: Page) -> Box<dyn Asked> {
    stack(CompressionLayer::new().layer(page), "zstd")
}
