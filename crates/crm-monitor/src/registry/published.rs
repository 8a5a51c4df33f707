//! A value that readers take whole, and that writers change without holding them up.

use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

/// A value behind a lock that is held for the copy of a pointer.
///
/// A reader keeps what it took for as long as it likes: a writer that comes meanwhile changes a copy. What no reader holds
/// is changed in place.
pub(crate) struct Published<T> {
    value: Mutex<Arc<T>>,
}

impl<T> Published<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(Arc::new(value)),
        }
    }

    /// The value as it is now.
    pub(crate) fn read(&self) -> Arc<T> {
        Arc::clone(&self.value.lock())
    }

    /// Holds other writers off, and readers for as long.
    pub(crate) fn write(&self) -> Writing<'_, T> {
        Writing {
            value: self.value.lock(),
        }
    }
}

impl<T> fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").finish_non_exhaustive()
    }
}

/// The right to change a published value.
pub(crate) struct Writing<'a, T> {
    value: MutexGuard<'a, Arc<T>>,
}

impl<T> Writing<'_, T> {
    /// The value as it is now.
    pub(crate) fn get(&self) -> &T {
        &self.value
    }
}

impl<T: Clone> Writing<'_, T> {
    /// The value to change: in place, or a copy where a reader holds what there was.
    pub(crate) fn change(&mut self) -> &mut T {
        Arc::make_mut(&mut self.value)
    }
}
