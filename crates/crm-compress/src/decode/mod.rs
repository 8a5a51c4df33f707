//! Bodies that clients send: decoded within limits, every coding through one path.

mod content_encoding;
mod decoder;
mod error;
mod layer;
mod limits;
mod reader;
mod whole;

pub use content_encoding::ContentEncoding;
pub use decoder::{Decoder, Progress};
pub use error::{DecodeError, EngineError};
pub use limits::DecodeLimits;
pub use reader::DecodeReader;
pub use whole::decode;
#[cfg(feature = "dcz")]
pub use whole::decode_with_dictionaries;
