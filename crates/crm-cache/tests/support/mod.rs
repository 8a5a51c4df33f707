//! An interpreter of operations on a cache: it decodes a plan from bytes, carries it out on the real cache and on an obvious
//! one, and compares the two after every operation.
//!
//! The property test, the long run and the fuzz target in `fuzz/` take their plans to the same [`interpreter::run`].

mod books;
mod homes;
pub(crate) mod interpreter;
mod loads;
mod oracle;
pub(crate) mod plan;
mod subject;
mod tasks;
