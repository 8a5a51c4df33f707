//! What others make of an encoded body.

use std::io::Read;

pub(crate) fn gunzipped(encoded: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(encoded);
    let read = decoder.read_to_end(&mut body);
    read.expect("what was encoded can be decoded");
    assert!(
        decoder.into_inner().is_empty(),
        "nothing follows the trailer"
    );
    body
}

/// The body has at most so many bytes.
pub(crate) fn unzstded(encoded: &[u8], most: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(most);
    zstd_safe::decompress(&mut body, encoded).expect("what was encoded can be decoded");
    body
}
