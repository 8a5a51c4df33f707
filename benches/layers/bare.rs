//! No layer: what asking costs by itself.

use super::{Asked, Page, stack};

pub(super) fn bare(page: Page) -> Box<dyn Asked> {
    stack(page, "gzip")
}
