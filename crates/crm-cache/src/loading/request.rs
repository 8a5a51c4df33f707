//! One load, wherever it runs: who answers it stores the value and wakes those who wait.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use crm_clock::Tick;

use super::landing::Caution;
use super::{Inner, Loaded};
use crate::load::{Pilot, Seat, aboard};

/// A key that is to be loaded; given to the function of [`CacheBuilder::loading_by`](crate::CacheBuilder::loading_by).
///
/// Move it to wherever the load runs, a task or another thread, and [`answer`](Self::answer) it there. Dropping it
/// unanswered gives the load up: those who wait are told, or start another one.
#[must_use = "dropping it gives the load up"]
pub struct Request<K, V, E> {
    key: K,
    duty: Box<dyn Answer<V, E> + Send>,
}

/// Takes the answer to a request, whatever the cache's hasher.
trait Answer<V, E> {
    fn take(self: Box<Self>, loaded: Result<Option<V>, E>);
}

impl<K, V, E> Request<K, V, E> {
    pub(super) fn new<S>(duty: Duty<K, V, E, S>) -> Self
    where
        K: Eq + Hash + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Any + Send + Sync,
        S: BuildHasher + Clone + Send + Sync + 'static,
    {
        Self {
            key: duty.seat().flight.key().clone(),
            duty: Box::new(duty),
        }
    }

    /// The key to load.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Ends the load: stores a value, or remembers or passes on an error, and wakes those who wait.
    pub fn answer(self, loaded: Result<V, E>) {
        self.duty.take(loaded.map(Some));
    }

    /// Ends the load: the source does not have the key. Those who wait are told
    /// [`LoadError::Absent`](crate::LoadError::Absent), and what was known of the key, stale or fresh, leaves.
    pub fn answer_absent(self) {
        self.duty.take(Ok(None));
    }
}

impl<K: fmt::Debug, V, E> fmt::Debug for Request<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The duty to land a load. Dropping it gives the load up.
pub(super) struct Duty<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    inner: Arc<Inner<K, V, E, S>>,
    seat: Option<Seat<K, Loaded<V, E>>>,
    /// Whether it waits for an executor, so that somebody else may begin it.
    is_queued: bool,
    made: Tick,
}

impl<K, V, E, S> Duty<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// A load that has begun with this.
    pub(super) fn begun(
        inner: Arc<Inner<K, V, E, S>>,
        pilot: Pilot<'_, K, Loaded<V, E>, S>,
    ) -> Self {
        Self {
            seat: Some(pilot.hand_over()),
            is_queued: false,
            made: inner.cache.flights.clock().now(),
            inner,
        }
    }

    /// A load that begins when it [runs](Self::run).
    pub(super) fn queued(
        inner: Arc<Inner<K, V, E, S>>,
        pilot: Pilot<'_, K, Loaded<V, E>, S>,
    ) -> Self {
        pilot.flight().wait_for_pilot();
        let mut duty = Self::begun(inner, pilot);
        duty.is_queued = true;
        duty
    }

    fn seat(&self) -> &Seat<K, Loaded<V, E>> {
        self.seat.as_ref().expect("not landed yet")
    }

    /// Runs a loader, unless somebody else does by now.
    pub(super) fn run(mut self, load: &dyn Fn(&K) -> Result<Option<V>, E>) {
        let inner = Arc::clone(&self.inner);
        let pilot = self
            .seat
            .take()
            .and_then(|seat| Pilot::begin(&inner.cache.flights, seat));
        if let Some(pilot) = pilot {
            let run = inner.cache.flights.run();
            let key = pilot.key();
            let loaded = Caution::around(&inner, std::slice::from_ref(key), || {
                aboard(&[pilot.flight().id()], || load(key))
            });
            inner.land(pilot, run, loaded);
        }
    }
}

impl<K, V, E, S> Answer<V, E> for Duty<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    fn take(mut self: Box<Self>, loaded: Result<Option<V>, E>) {
        let inner = Arc::clone(&self.inner);
        if let Some(seat) = self.seat.take() {
            let pilot = Pilot::of(&inner.cache.flights, seat);
            let run = inner.cache.flights.run_since(self.made);
            inner.land(pilot, run, loaded);
        }
    }
}

impl<K, V, E, S> Drop for Duty<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        let Some(seat) = self.seat.take() else {
            return;
        };
        let flights = &self.inner.cache.flights;
        if self.is_queued {
            // Lands as given up, unless somebody else has begun it.
            if let Some(pilot) = Pilot::begin(flights, seat) {
                self.inner.pause_after_all(std::iter::once(pilot.key()));
            }
        } else {
            let pilot = Pilot::of(flights, seat);
            drop(flights.run_since(self.made));
            self.inner.pause_after_all(std::iter::once(pilot.key()));
        }
    }
}
