//! The atomics of the record path: the standard library's, or those of the model checker.

#[cfg(not(loom))]
pub(crate) use std::hint::spin_loop as pause;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::thread::yield_now as give_way;

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::thread::{yield_now as give_way, yield_now as pause};
