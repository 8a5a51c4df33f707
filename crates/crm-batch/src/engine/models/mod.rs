//! What the model checkers run through; `ci/deep.sh loom` and `ci/deep.sh shuttle`.
//!
//! | file | checker | what it holds |
//! |---|---|---|
//! | `parts.rs` | loom | gate and control under the protocol of the relay: every order, and every value that a relaxed load may return |
//! | `whole.rs` | shuttle | whole runs with the engine as it is, on a pool of the checker's threads: many orders, with the end of the run at any point |

#[cfg(loom)]
mod parts;
#[cfg(not(loom))]
mod whole;
