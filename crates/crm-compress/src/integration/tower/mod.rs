//! Layers for tower services.
//!
//! - `layer`: the settings, and the layer that a router takes.
//! - `service`: what happens before the inner service is called.
//! - `future`: what happens when it has answered.
//! - `whole`: whether a body is there at once.
//! - `encoding`: how a body is encoded.
//! - `kept`: whole bodies that are encoded once.
//! - `body`: the body that goes out.
//! - `decode`: the layer that decodes the bodies of requests.

mod body;
mod decode;
mod encoding;
mod future;
mod kept;
mod layer;
mod service;
mod whole;

pub use body::EncodedBody;
pub use decode::{AnswerBody, Decode, DecodeFuture, DecodeLayer};
pub use future::CompressFuture;
pub use layer::CompressLayer;
pub use service::Compress;
