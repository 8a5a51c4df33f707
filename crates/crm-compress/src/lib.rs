//! HTTP content codings: which one a client takes.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod accept_encoding;
mod coding;
mod error;
mod negotiate;

pub use accept_encoding::AcceptEncoding;
pub use coding::Coding;
pub use error::UnknownCoding;
pub use negotiate::{Negotiated, negotiate};
