//! `crm_compress::CompressLayer`, with no least length; tower-http's is below all bodies here.

use crm_compress::{Coding, CompressLayer, Level, Policy};
use tower::Layer;

use super::{Asked, Page, stack};

/// As it comes.
pub(super) fn gzip(page: Page) -> Box<dyn Asked> {
    at(Level::default(), page)
}

pub(super) fn fastest(page: Page) -> Box<dyn Asked> {
    at(Level::Fastest, page)
}

/// For a client that takes zstd.
pub(super) fn zstd(page: Page) -> Box<dyn Asked> {
    zstd_at(Level::default(), page)
}

pub(super) fn zstd_fastest(page: Page) -> Box<dyn Asked> {
    zstd_at(Level::Fastest, page)
}

fn zstd_at(level: Level, page: Page) -> Box<dyn Asked> {
    let layer = layer().level(level).codings([Coding::Zstd]);
    stack(layer.layer(page), "zstd")
}

fn at(level: Level, page: Page) -> Box<dyn Asked> {
    stack(layer().level(level).layer(page), "gzip")
}

fn layer() -> CompressLayer {
    CompressLayer::new().policy(Policy::default().minimum_length(0))
}
