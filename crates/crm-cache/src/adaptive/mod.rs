//! The adaptive policy: keeps what is worth most by what this cache has itself seen of reuse.

pub(crate) mod age;
pub(crate) mod class;
pub(crate) mod engine;
pub(crate) mod ghosts;
pub(crate) mod hazard;
pub(crate) mod idle;
pub(crate) mod learner;
mod members;
pub(crate) mod prior;
pub(crate) mod shard;
// Minutes under the interpreter, which finds nothing here that it does not find in other tests.
#[cfg(all(test, not(loom), not(miri)))]
mod simulator;
pub(crate) mod victims;
