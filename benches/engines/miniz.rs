//! `miniz_oxide`, which is what `flate2` has by default.

use miniz_oxide::deflate::compress_to_vec;

use super::{Encode, framed};

pub(super) fn new(level: u8) -> Encode {
    Box::new(move |body, output| {
        framed(body, output, |output| {
            output.extend_from_slice(&compress_to_vec(body, level));
        });
    })
}
