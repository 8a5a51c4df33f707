//! What becomes of what a load has brought.

use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Inner, Loaded};
use crate::load::{Batch, Pilot, Run};

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
        loaded: Result<V, E>,
    ) {
        match loaded {
            Ok(value) => {
                run.succeeded();
                self.cache.land_loaded(pilot, Loaded::Value(value));
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
                let mut pilots: HashMap<K, Pilot<'_, K, Loaded<V, E>, S>> = batch
                    .pilots
                    .drain(..)
                    .map(|pilot| (pilot.key().clone(), pilot))
                    .collect();
                for (key, value) in loaded {
                    if let Some(pilot) = pilots.remove(&key) {
                        self.cache.land_loaded(pilot, Loaded::Value(value));
                    }
                }
                for pilot in pilots.into_values() {
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
        if self.rules.failures.is_some() {
            #[cfg(feature = "serde")]
            self.cache.found_absent(pilot.key());
            self.cache.land_brief(pilot, Loaded::Absent);
        } else {
            self.cache.take_out_absent(&pilot);
            pilot.land_absent();
        }
    }

    /// Attempts no load of a key for a while, after one has failed.
    fn pause(&self, key: &K) {
        if let Some(pause) = self.rules.pause {
            self.cache.inspect(key, |_, view| {
                let until = view.now.saturating_add(pause);
                view.paused_until.store(until, Ordering::Relaxed);
            });
        }
    }
}
