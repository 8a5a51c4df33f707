//! An interpreter of operations on a loading cache: it decodes a plan from bytes, carries it out on the real cache and on an
//! obvious one, and compares every answer and the statistics after each operation.
//!
//! There is one thread. Loads that run elsewhere are jobs that wait until the plan has them run, or never; tasks are polled
//! after every operation. The cache has room for all keys, so that the obvious one knows what is there.

pub(crate) mod interpreter;
mod model;
pub(crate) mod plan;
mod source;
