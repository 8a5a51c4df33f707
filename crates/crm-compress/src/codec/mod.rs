//! One coding a file, all of one form: a level, three ways for a whole body, one for a stream.
//!
//! - `gzip`: the gzip format.
//! - `deflate`: the zlib format, which HTTP calls deflate.

mod deflate;
mod gzip;

pub use deflate::Deflate;
pub use gzip::Gzip;
