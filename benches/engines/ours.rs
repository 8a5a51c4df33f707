//! `crm_compress::encode_into`, and `crm_compress::Encoder`, which keeps its states in the same pool.

use std::io::Write;

use crm_compress::{Coding, Encoder, Level, encode_into};

use super::Encode;

pub(super) fn gzip(level: u8) -> Encode {
    with(Coding::Gzip, level)
}

/// The writer, given the whole body at once: zlib-rs from the pool.
pub(super) fn stream(level: u8) -> Encode {
    Box::new(move |body, output| {
        let mut encoder = Encoder::new(Coding::Gzip, Level::Exact(level), output);
        let written = encoder.write_all(body).and_then(|()| encoder.try_finish());
        written.expect("a vector takes whatever is written to it");
    })
}

/// Of a coding that this build may have or not.
pub(super) fn by_name(coding: &str, level: u8) -> Option<Encode> {
    Some(with(coding.parse().ok()?, level))
}

fn with(coding: Coding, level: u8) -> Encode {
    Box::new(move |body, output| encode_into(coding, Level::Exact(level), body, output))
}
