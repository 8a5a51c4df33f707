//! One coding a file, all of one form: a level, three ways for a whole body, one for a stream.
//!
//! - `gzip`: the gzip format.
//! - `deflate`: the zlib format, which HTTP calls deflate.
//! - `brotli`: the brotli format.
//! - `zstd`: the zstd format.
//! - `methods`: what they have in common.

#[cfg(feature = "brotli")]
mod brotli;
mod deflate;
mod gzip;
mod methods;
#[cfg(feature = "zstd")]
mod zstd;

#[cfg(feature = "brotli")]
pub use brotli::Brotli;
pub use deflate::Deflate;
pub use gzip::Gzip;
#[cfg(feature = "zstd")]
pub use zstd::Zstd;
