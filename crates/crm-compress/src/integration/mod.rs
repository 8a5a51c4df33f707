//! What other ecosystems need, one folder or file for each.

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http-body")]
mod http_body;
#[cfg(feature = "tower")]
mod tower;

#[cfg(feature = "http")]
pub use http::{Exchange, HeaderRules, Outcome};
#[cfg(feature = "http-body")]
pub use http_body::{DecodeBody, EncodeBody};
#[cfg(feature = "tower")]
pub use tower::{
    AnswerBody, Compress, CompressFuture, CompressLayer, Decode, DecodeFuture, DecodeLayer,
    EncodedBody,
};
