//! HTTP content codings: which one a client takes, and pooled encoders for gzip and deflate.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod accept_encoding;
mod body;
mod codec;
mod coding;
mod encoder;
mod engine;
mod error;
mod level;
mod negotiate;
mod pool;
mod reason;
mod session;

pub use accept_encoding::AcceptEncoding;
pub use body::{encode, encode_if_smaller, encode_into};
pub use codec::{Deflate, Gzip};
pub use coding::Coding;
pub use encoder::Encoder;
pub use error::{LevelOutOfRange, StreamFinished, UnknownCoding};
pub use level::Level;
pub use negotiate::{Negotiated, negotiate};
pub use pool::{PoolStats, pool_stats};
pub use reason::Reason;
