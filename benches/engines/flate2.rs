//! zlib-rs by `flate2`: a state that is reset, and a new one for each body.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::{Encode, framed};

pub(super) fn reset(level: u8) -> Encode {
    let mut state = Compress::new(Compression::new(level.into()), false);
    Box::new(move |body, output| {
        output.reserve(body.len() + body.len() / 8 + 64);
        framed(body, output, |output| {
            state.reset();
            let status = state.compress_vec(body, output, FlushCompress::Finish);
            assert_eq!(status.expect("deflate takes every body"), Status::StreamEnd);
        });
    })
}

pub(super) fn new(level: u8) -> Encode {
    Box::new(move |body, output| {
        let mut encoder = GzEncoder::new(output, Compression::new(level.into()));
        let written = encoder.write_all(body).and_then(|()| encoder.try_finish());
        written.expect("a vector takes whatever is written to it");
    })
}
