//! What the model checkers run through; `ci/deep.sh loom` and `ci/deep.sh shuttle`.
//!
//! | file | checker | what it holds |
//! |---|---|---|
//! | `parts.rs` | loom | signal, flights, tags: every order, and every value that the memory model lets a load return |
//! | `whole.rs` | shuttle | whole caches: many orders, with a cancellation or a panic at every point |

#[cfg(loom)]
mod parts;
#[cfg(not(loom))]
mod whole;
