//! `libdeflater`, with a compressor that is kept.

use libdeflater::{CompressionLvl, Compressor};

use super::Encode;

pub(super) fn gzip(level: u8) -> Encode {
    let level = CompressionLvl::new(level.into()).expect("it has all levels of gzip");
    let mut compressor = Compressor::new(level);
    Box::new(move |body, output| {
        let start = output.len();
        output.resize(start + compressor.gzip_compress_bound(body.len()), 0);
        let written = compressor.gzip_compress(body, &mut output[start..]);
        output.truncate(start + written.expect("the bound is room enough"));
    })
}
