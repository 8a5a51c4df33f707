//! Entries on their way out: told to the listener and dropped after every lock is gone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::RemovalCause;
use crate::content::Content;

/// What a user wants to be called with when an entry leaves.
pub(crate) type Callback<K, V> = Arc<dyn Fn(&K, &V, RemovalCause) + Send + Sync>;

/// The user's listener, if there is one.
pub(crate) struct Listener<K, V> {
    callback: Option<Callback<K, V>>,
    panics: AtomicU64,
}

impl<K, V> Listener<K, V> {
    pub(crate) fn new(callback: Option<Callback<K, V>>) -> Self {
        Self {
            callback,
            panics: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.callback.is_some()
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Calls the listener. A panic in it is counted and goes no further: the caller asked for a cache operation and is
    /// not to lose its result.
    pub(crate) fn tell(&self, key: &K, value: &V, cause: RemovalCause) {
        if let Some(callback) = &self.callback {
            if catch_unwind(AssertUnwindSafe(|| callback(key, value, cause))).is_err() {
                self.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Entries taken out under a lock. The first one, mostly the only one, needs no allocation.
#[must_use = "settle this after the lock is gone"]
pub(crate) struct Outflow<K, C> {
    first: Option<(K, C, RemovalCause)>,
    rest: Vec<(K, C, RemovalCause)>,
}

impl<K, C> Outflow<K, C> {
    pub(crate) fn new() -> Self {
        Self {
            first: None,
            rest: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, key: K, content: C, cause: RemovalCause) {
        if self.first.is_none() {
            self.first = Some((key, content, cause));
        } else {
            self.rest.push((key, content, cause));
        }
    }

    /// Tells the listener of each entry and drops it. Call it without a lock.
    pub(crate) fn settle(self, listener: &Listener<K, C::Value>)
    where
        C: Content,
    {
        for (key, content, cause) in self.first.into_iter().chain(self.rest) {
            listener.tell(&key, content.value(), cause);
        }
    }
}
