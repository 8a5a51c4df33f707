//! What `flate2` makes of a body with the backend of this build, and which one that is.

use flate2::{Compress, Compression, FlushCompress, Status};

/// A bare deflate stream, in one call.
pub(crate) fn deflated(body: &[u8], level: u32) -> Vec<u8> {
    let mut state = Compress::new(Compression::new(level), false);
    let mut output = Vec::with_capacity(body.len() + body.len() / 8 + 64);
    let status = state.compress_vec(body, &mut output, FlushCompress::Finish);
    assert_eq!(status.expect("deflate takes every body"), Status::StreamEnd);
    output
}

/// Panics unless `flate2` is backed by zlib-rs, for the peers as for us: tower-http's dependencies also ask for
/// `miniz_oxide`, and a build with both takes zlib-rs.
pub(crate) fn assert_zlib_rs(body: &[u8]) {
    let miniz = miniz_oxide::deflate::compress_to_vec(body, 6);
    assert_ne!(
        deflated(body, 6),
        miniz,
        "flate2 writes what miniz_oxide writes: is the feature zlib-rs on?"
    );
}
