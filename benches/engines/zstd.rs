//! `zstd-safe`, with a context that is kept.

use zstd_safe::{CCtx, compress_bound};

use super::Encode;

pub(super) fn reused(level: u8) -> Encode {
    let mut context = CCtx::create();
    Box::new(move |body, output| {
        let start = output.len();
        output.resize(start + compress_bound(body.len()), 0);
        let written = context.compress(&mut output[start..], body, level.into());
        output.truncate(start + written.expect("the bound is room enough"));
    })
}
