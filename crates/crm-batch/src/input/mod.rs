//! What sources over files have in common: bytes are read in blocks, cut at record ends, and parsed by the workers.
//!
//! - `blocks`: the reader; it fills a chunk's own memory and gives it whole records.
//! - `block`: the bytes of one chunk.
//! - `rule`: where records end, as far as the cut must know it.

mod block;
mod blocks;
mod error;
mod place;
mod rule;

pub(crate) use block::Block;
pub(crate) use blocks::Blocks;
pub(crate) use error::open;
pub(crate) use rule::{Mode, Rest, Rule, Scan, find};

pub use error::InputError;
pub use place::Place;

/// Bytes of a record at most, unless the user says otherwise.
pub(crate) const RECORD_LIMIT: usize = 1 << 20;

/// More cannot be asked for: the places of fields within a record are kept in 31 bits.
pub(crate) const MOST_RECORD_LIMIT: usize = 1 << 30;
