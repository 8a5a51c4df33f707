//! The primitives under the hand-over: the standard ones and rayon, or, in tests alone, those of a model checker.
//!
//! `--cfg loom` tries every order of a few steps of gate and control, and every value that the memory model lets a load return;
//! `--cfg shuttle` tries many orders of the steps of whole runs, the pool included. What is no part of the hand-over, such as
//! the payload of a panic, stays with the standard library.

#[cfg(not(all(test, any(loom, shuttle))))]
pub(crate) use plain::{AtomicU8, Condvar, Mutex, MutexGuard, pool, statics, thread};

#[cfg(all(test, any(loom, shuttle)))]
pub(crate) use checked::{AtomicU8, Condvar, Mutex, MutexGuard, pool, statics, thread};

#[cfg(all(test, shuttle, not(loom)))]
mod crew;

#[cfg(not(all(test, any(loom, shuttle))))]
mod plain {
    pub(crate) use std::sync::atomic::AtomicU8;
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::thread;

    pub(crate) use rayon as pool;

    macro_rules! statics {
        ($($declarations:tt)*) => { $($declarations)* };
    }
    pub(crate) use statics;
}

#[cfg(all(test, any(loom, shuttle)))]
mod checked {
    #[cfg(loom)]
    use loom as checker;
    #[cfg(not(loom))]
    use shuttle as checker;

    use std::sync::LockResult;
    use std::time::Duration;

    pub(crate) use checker::sync::atomic::AtomicU8;
    pub(crate) use checker::sync::{Mutex, MutexGuard};

    /// Models of whole runs are for the other checker.
    #[cfg(loom)]
    pub(crate) use {rayon as pool, std::thread};

    #[cfg(not(loom))]
    pub(crate) use super::crew::{pool, thread};

    /// Statics that each execution of a model has anew.
    macro_rules! statics {
        ($(#[$doc:meta])* static $name:ident: $type:ty = $init:expr;) => {
            #[cfg(loom)]
            loom::lazy_static! { $(#[$doc])* static ref $name: $type = $init; }
            #[cfg(not(loom))]
            shuttle::lazy_static! { $(#[$doc])* static ref $name: $type = $init; }
        };
    }
    pub(crate) use statics;

    /// The checker's, in whose models no time passes: a limit of zero is over at once, and any other never.
    ///
    /// So who sleeps too long is found, be it until a deadline. A model whose clock is turned rings the bell after it.
    #[derive(Debug)]
    pub(crate) struct Condvar(checker::sync::Condvar);

    pub(crate) struct TimedOut(bool);

    impl TimedOut {
        pub(crate) fn timed_out(&self) -> bool {
            self.0
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(checker::sync::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, held: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
            self.0.wait(held)
        }

        pub(crate) fn wait_timeout<'a, T>(
            &self,
            held: MutexGuard<'a, T>,
            limit: Duration,
        ) -> LockResult<(MutexGuard<'a, T>, TimedOut)> {
            if limit.is_zero() {
                return Ok((held, TimedOut(true)));
            }
            let held = self.0.wait(held);
            Ok((
                held.unwrap_or_else(std::sync::PoisonError::into_inner),
                TimedOut(false),
            ))
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
