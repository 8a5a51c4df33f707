//! `brotli`, which makes a new state for each body.

use brotli::BrotliCompress;
use brotli::enc::BrotliEncoderParams;

use super::Encode;

pub(super) fn new(level: u8) -> Encode {
    Box::new(move |body, output| {
        let parameters = BrotliEncoderParams {
            quality: level.into(),
            size_hint: body.len(),
            ..BrotliEncoderParams::default()
        };
        let written = BrotliCompress(&mut &*body, output, &parameters);
        written.expect("a vector takes whatever is written to it");
    })
}
