//! Bodies of the crate `http-body`.
//!
//! - `encode`: a body that encodes what another one yields.
//! - `decode`: a body that decodes what another one yields.

mod decode;
mod encode;

pub use decode::DecodeBody;
#[cfg(feature = "tower")]
pub(crate) use decode::Refused;
pub use encode::EncodeBody;
#[cfg(feature = "tower")]
pub(crate) use encode::{Ahead, Source};

/// How much input one call takes, in bytes, before other tasks have their turn.
const TURN: usize = 256 * 1024;

/// What a frame counts in a turn at least, so that a source of empty ones does not run for ever.
const FRAME: usize = 64;
