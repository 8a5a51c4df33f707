//! What joins two of the crates; nobody else knows two of them at once.
//!
//! - `encoded_forms`: the cache keeps what compression has encoded.

mod encoded_forms;

pub use encoded_forms::EncodedForms;
