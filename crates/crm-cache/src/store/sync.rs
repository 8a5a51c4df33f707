//! The primitives under the store: the standard ones, or those of the model checker (`--cfg loom`).
//!
//! Where whole caches are checked (`--cfg shuttle`), the checker may switch threads at the store's lock and nowhere else in
//! it: what happens without the lock is for the models here.

#[cfg(not(loom))]
pub(crate) use plain::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Life, Mutex, MutexGuard, Ordering, UnsafeCell,
    fence, statics, thread_locals,
};

#[cfg(loom)]
pub(crate) use checked::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Life, Mutex, MutexGuard, Ordering, UnsafeCell,
    fence, statics, thread_locals,
};

#[cfg(not(loom))]
mod plain {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence,
    };

    pub(crate) use crate::sync::{Mutex, MutexGuard, thread_locals};

    macro_rules! statics {
        ($($declarations:tt)*) => { $($declarations)* };
    }
    pub(crate) use statics;

    /// Tells the model checker how long something lives. Here there is nothing to tell.
    #[derive(Debug)]
    pub(crate) struct Life;

    impl Life {
        pub(crate) fn new() -> Self {
            Self
        }

        #[inline]
        #[expect(clippy::unused_self, reason = "the model checker's has a state")]
        pub(crate) fn look(&self) {}
    }

    /// The standard cell with the interface of the model checker's.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        #[inline]
        pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[cfg(loom)]
mod checked {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence,
    };

    /// Lets the model checker see that all who look at something do so before it is dropped.
    #[derive(Debug)]
    pub(crate) struct Life(UnsafeCell<()>);

    impl Life {
        pub(crate) fn new() -> Self {
            Self(UnsafeCell::new(()))
        }

        pub(crate) fn look(&self) {
            self.0.with(|_| ());
        }
    }

    impl Drop for Life {
        fn drop(&mut self) {
            self.0.with_mut(|_| ());
        }
    }

    /// Statics that each execution of a model has anew.
    macro_rules! statics {
        ($(#[$doc:meta])* static $name:ident: $type:ty = $init:expr;) => {
            loom::lazy_static! { $(#[$doc])* static ref $name: $type = $init; }
        };
    }

    pub(crate) use statics;

    pub(crate) use crate::sync::thread_locals;

    /// The model checker's lock with the interface of `parking_lot`'s.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}
