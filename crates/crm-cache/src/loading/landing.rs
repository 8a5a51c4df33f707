//! What becomes of what a load has brought.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Inner, Loaded};
use crate::load::{Awaited, Batch, Pilot, Run};

impl<K, V, E, S> Inner<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    pub(super) fn land(
        &self,
        pilot: Pilot<'_, K, Loaded<V, E>, S>,
        run: Run<'_>,
        loaded: Result<Option<V>, E>,
    ) {
        match loaded {
            Ok(found) => {
                run.succeeded();
                match found {
                    Some(value) => {
                        self.cache.land_loaded(pilot, Loaded::Value(value));
                    }
                    None => self.land_absent(pilot),
                }
            }
            Err(error) => {
                // Counted before anybody is woken who might look.
                drop(run);
                self.land_failed(pilot, Arc::new(error));
            }
        }
    }

    pub(super) fn land_batch(
        &self,
        mut batch: Batch<'_, K, Loaded<V, E>, S>,
        run: Run<'_>,
        loaded: Result<Vec<(K, V)>, E>,
    ) {
        match loaded {
            Ok(loaded) => {
                run.succeeded();
                let mut awaited = Awaited::of(&mut batch);
                for (key, value) in loaded {
                    if let Some(pilot) = awaited.take(&key) {
                        self.cache.land_loaded(pilot, Loaded::Value(value));
                    }
                }
                for pilot in awaited.rest() {
                    self.land_absent(pilot);
                }
            }
            Err(error) => {
                drop(run);
                let error = Arc::new(error);
                for pilot in batch.pilots.drain(..) {
                    self.land_failed(pilot, Arc::clone(&error));
                }
            }
        }
    }

    fn land_failed(&self, pilot: Pilot<'_, K, Loaded<V, E>, S>, error: Arc<E>) {
        self.pause(pilot.key());
        // What is fresh or may stand in is worth more than a failure.
        let stands_in = self
            .cache
            .inspect(pilot.key(), |loaded, _| loaded.value().is_some());
        if self.rules.failures.is_some() && stands_in != Some(true) {
            self.cache.land_brief(pilot, Loaded::Failed(error));
        } else {
            pilot.land_failed(error);
        }
    }

    /// The source has no such key. Unlike an error that leaves nothing to stand in.
    fn land_absent(&self, pilot: Pilot<'_, K, Loaded<V, E>, S>) {
        if self.rules.absences().is_some() {
            #[cfg(feature = "serde")]
            self.cache.flights.found_absent(pilot.hash());
            self.cache.land_brief(pilot, Loaded::Absent);
        } else {
            self.cache.take_out_absent(&pilot);
            pilot.land_absent();
        }
    }

    /// Attempts no load of a key that has an entry for a while, after one has failed.
    fn pause(&self, key: &K) {
        self.cache.inspect(key, |_, view| {
            let until = view.now.saturating_add(self.rules.pause());
            view.paused_until.store(until, Ordering::Relaxed);
        });
    }

    /// As [`pause`](Self::pause), after a load was given up. Perhaps a panic has brought us here: one of the user's `Hash`
    /// or `Eq` goes no further.
    pub(super) fn pause_after_all<'k>(&self, keys: impl Iterator<Item = &'k K>) {
        for key in keys {
            drop(catch_unwind(AssertUnwindSafe(|| self.pause(key))));
        }
    }
}

/// Has the next attempts wait if the loader of some keys panics.
pub(super) struct Caution<'a, K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    inner: &'a Inner<K, V, E, S>,
    keys: &'a [K],
}

impl<'a, K, V, E, S> Caution<'a, K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Runs the loader of these keys.
    pub(super) fn around<T>(
        inner: &'a Inner<K, V, E, S>,
        keys: &'a [K],
        load: impl FnOnce() -> T,
    ) -> T {
        let caution = Self { inner, keys };
        let loaded = load();
        std::mem::forget(caution);
        loaded
    }
}

impl<K, V, E, S> Drop for Caution<'_, K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.inner.pause_after_all(self.keys.iter());
    }
}
