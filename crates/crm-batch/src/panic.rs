//! A panic of user code, caught and kept as a value.

use std::any::Any;
use std::fmt;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

/// A panic of user code that the run has caught.
///
/// It keeps the message for a report and the payload for whoever wants the panic to go on. The panic hook has already
/// run when it is caught, so that the default hook has printed its line on standard error.
pub struct Panic {
    message: Box<str>,
    /// The lock is never contended: it is here because a payload is `Send` only, and an error should also be `Sync`.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl Panic {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
            (*text).into()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.as_str().into()
        } else {
            "a payload that is not text".into()
        };
        Self {
            message,
            payload: Mutex::new(payload),
        }
    }

    /// What the panic said; a fixed phrase when its payload is not text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The payload, as [`std::panic::catch_unwind`] would have returned it.
    #[must_use]
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        self.take()
    }

    /// Leaves one in its place whose destructor does nothing.
    fn take(&mut self) -> Box<dyn Any + Send> {
        let payload = self.payload.get_mut();
        let payload = payload.unwrap_or_else(PoisonError::into_inner);
        mem::replace(payload, Box::new(()))
    }

    /// Lets the panic go on from here, with its own payload and without a second call of the panic hook.
    ///
    /// # Panics
    ///
    /// Always; that is what it is for.
    pub fn resume(self) -> ! {
        panic::resume_unwind(self.into_payload())
    }
}

/// A payload whose destructor panics is one panic more of the same user code, and many of them would be dropped together, which
/// aborts the process: it is caught as well, and what it throws is leaked.
impl Drop for Panic {
    fn drop(&mut self) {
        let payload = self.take();
        if let Err(thrown) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(thrown);
        }
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message).finish()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Runs user code, and catches its panic.
///
/// Nothing of ours is half changed when user code unwinds: every caller passes in only what the user gave, or a buffer
/// that is in order after each step.
#[inline]
pub(crate) fn contain<R>(run: impl FnOnce() -> R) -> Result<R, Panic> {
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(Panic::new)
}
