//! What other ecosystems need, one file for each.

#[cfg(feature = "http")]
mod http;

#[cfg(feature = "http")]
pub use http::{Exchange, HeaderRules, Outcome};
