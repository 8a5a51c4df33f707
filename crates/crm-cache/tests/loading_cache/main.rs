//! Loading caches: single keys, pages of them, and what a snapshot brings back.

mod pages;
mod single;
#[cfg(all(feature = "serde", not(miri)))]
mod snapshot;
mod world;
