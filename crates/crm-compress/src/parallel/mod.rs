//! One gzip stream on many cores: blocks that are encoded apart and stand in one member.
//!
//! - `block`: one block, from its bytes to deflate data that joins the next.
//! - `whole`: a body in memory.
//! - `queue`: blocks between the thread that fills them and the pool that encodes them.
//! - `encoder`: the writer on top of the queue.

mod block;
mod encoder;
mod queue;
mod whole;

pub use encoder::{ParallelEncoder, ParallelProgress};

pub(crate) use whole::encode_into;
