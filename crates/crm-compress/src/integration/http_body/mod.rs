//! Bodies of the crate `http-body`.
//!
//! - `encode`: a body that encodes what another one yields.

mod encode;

pub use encode::EncodeBody;
#[cfg(feature = "tower")]
pub(crate) use encode::{Ahead, Source};
