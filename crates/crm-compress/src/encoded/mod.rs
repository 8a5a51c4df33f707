//! Encoded forms that are kept, so that a body that is sent again is not encoded again.
//!
//! - `cache`: what a service holds; asks the store, verifies what comes back, counts.
//! - `identity`: by what a body is recognised.
//! - `key`: all that an encoded form depends on, borrowed for a look-up and kept with the form.
//! - `form`: a kept form, opaque to stores.
//! - `store`: the seam, one method.
//! - `bounded`: the default store, shards behind locks; `shard`: one of them, which knows no threads.
//! - `stats`: what was counted.

mod bounded;
mod cache;
mod form;
mod identity;
mod key;
mod shard;
mod stats;
mod store;

pub use cache::EncodedCache;
pub use form::EncodedForm;
pub use identity::Identity;
pub use stats::{EncodedStats, HeldForms};
pub use store::EncodedStore;
