//! The primitives under single flight and tags: the standard ones, or those of a model checker.
//!
//! `--cfg loom` tries every order of a few steps and every value that the memory model lets a load return: for parts.
//! `--cfg shuttle`, in tests alone, tries many orders of the steps of whole caches. The store has its own in
//! `store/sync.rs`. What decides nothing between threads, such as counts for statistics, stays with the standard library.

#[cfg(not(any(loom, all(test, shuttle))))]
pub(crate) use plain::{
    AtomicBool, AtomicU64, AtomicUsize, Mutex, MutexGuard, OnceLock, thread, thread_locals,
};

#[cfg(any(loom, all(test, shuttle)))]
pub(crate) use checked::{
    AtomicBool, AtomicU64, AtomicUsize, Mutex, MutexGuard, OnceLock, thread, thread_locals,
};

/// Whether a model checker runs. It follows each atomic by itself, so tables are small then.
pub(crate) const IS_CHECKED: bool = cfg!(any(loom, all(test, shuttle)));

#[cfg(not(any(loom, all(test, shuttle))))]
mod plain {
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
    pub(crate) use std::thread;
    pub(crate) use std::thread_local as thread_locals;

    pub(crate) use parking_lot::{Mutex, MutexGuard};
}

#[cfg(any(loom, all(test, shuttle)))]
mod checked {
    #[cfg(loom)]
    use loom as checker;
    #[cfg(not(loom))]
    use shuttle as checker;

    use std::sync::PoisonError;
    use std::sync::atomic::Ordering;

    pub(crate) use checker::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
    #[cfg(not(loom))]
    pub(crate) use shuttle::thread_local as thread_locals;

    /// loom's takes no `const`.
    #[cfg(loom)]
    macro_rules! thread_locals {
        () => {};
        ($(#[$doc:meta])* static $name:ident: $type:ty = const { $init:expr }; $($rest:tt)*) => {
            thread_locals! { $(#[$doc])* static $name: $type = $init; $($rest)* }
        };
        ($(#[$doc:meta])* static $name:ident: $type:ty = $init:expr; $($rest:tt)*) => {
            loom::thread_local! { $(#[$doc])* static $name: $type = $init; }
            thread_locals! { $($rest)* }
        };
    }
    #[cfg(loom)]
    pub(crate) use thread_locals;

    pub(crate) mod thread {
        //! The checker's threads. No time passes in a model: a limit of zero is over at once, and any other never.

        use std::time::Duration;

        pub(crate) use super::checker::thread::{Thread, current, park, yield_now};

        pub(crate) fn park_timeout(limit: Duration) {
            if !limit.is_zero() {
                park();
            }
        }
    }

    pub(crate) use checker::sync::MutexGuard;

    /// The checker's lock with the interface of `parking_lot`'s, which knows no poison.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(checker::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// The standard cell, with a flag beside it that lets the checker see when it is set and looked at.
    pub(crate) struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        is_set: AtomicBool,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            Self {
                value: std::sync::OnceLock::new(),
                is_set: AtomicBool::new(false),
            }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            let is_set = self.is_set.load(Ordering::Acquire);
            is_set.then(|| self.value.get().expect("set before"))
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            let result = self.value.set(value);
            // Who comes second waits until the first is done, so it is visibly set for him as well.
            self.is_set.store(true, Ordering::Release);
            result
        }
    }
}
