//! Many keys in one load, and refreshes of one key or many.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::landing::Caution;
use super::request::Duty;
use super::{Inner, Loaded, Loads, Request, count};
use crate::load::{Pilot, Place, Seat, Ticket, Turn, aboard, is_nested, manifest};

/// The duty to land the loads of many keys, which waits for an executor. Others may begin them meanwhile. Dropping it gives
/// up those that nobody has begun.
pub(super) struct Crew<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    inner: Arc<Inner<K, V, E, S>>,
    seats: Vec<Seat<K, Loaded<V, E>>>,
    /// Whether a loader waits for it, so that it must not wait for the queue: the queue may wait for that loader.
    is_nested: bool,
}

impl<K, V, E, S> Crew<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    pub(super) fn queued(
        inner: Arc<Inner<K, V, E, S>>,
        pilots: Vec<Pilot<'_, K, Loaded<V, E>, S>>,
    ) -> Self {
        let hand_over = |pilot: Pilot<'_, K, Loaded<V, E>, S>| {
            pilot.flight().wait_for_pilot();
            pilot.hand_over()
        };
        Self {
            inner,
            seats: pilots.into_iter().map(hand_over).collect(),
            is_nested: is_nested(),
        }
    }

    /// Loads what nobody else has begun.
    pub(super) fn run(mut self) {
        let inner = Arc::clone(&self.inner);
        let flights = &inner.cache.flights;
        let pilots: Vec<_> = self
            .seats
            .drain(..)
            .filter_map(|seat| Pilot::begin(flights, seat))
            .collect();
        if pilots.is_empty() {
            return;
        }
        let mut place = if self.is_nested || is_nested() {
            Place::alone(flights, pilots)
        } else {
            inner.cache.queue.join(flights, pilots)
        };
        if *place.turn().wait() == Turn::Lead {
            inner.lead(&mut place);
        }
    }
}

impl<K, V, E, S> Drop for Crew<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        for seat in self.seats.drain(..) {
            if let Some(pilot) = Pilot::begin(&self.inner.cache.flights, seat) {
                self.inner.pause_after_all(std::iter::once(pilot.key()));
            }
        }
    }
}

impl<K, V, E, S> Inner<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Loads batches for a call whose turn it is, until all its own keys are taken care of.
    pub(super) fn lead(&self, place: &mut Place<'_, K, Loaded<V, E>, S>) {
        let Loads::Many { load, .. } = &self.loads else {
            unreachable!("only many keys are queued");
        };
        while let Some(batch) = place.next_batch(self.cache.max_batch) {
            let (ids, keys) = manifest(Some(&*place), &batch);
            let run = self.cache.flights.run();
            let loaded = Caution::around(self, &keys, || aboard(&ids, || load(&keys)));
            // Keys land one after the other, and a listener that is told meanwhile may ask for one that has not: aboard, it
            // is told so instead of waiting for itself.
            aboard(&ids, || self.land_batch(batch, run, loaded));
        }
    }

    /// Begins to load a key anew, unless it is being loaded.
    pub(super) fn board_anew(&self, key: &K) -> Option<Pilot<'_, K, Loaded<V, E>, S>> {
        match self.cache.flights.board(key, self.cache.stamp()) {
            Ticket::Load(pilot) => {
                count(&self.counts.refreshes);
                Some(pilot)
            }
            Ticket::Wait(_) => None,
        }
    }

    /// Has keys loaded anew in the background that nobody loads already. Says how many they are; none without an
    /// executor.
    pub(super) fn refresh<'k>(this: &Arc<Self>, keys: impl Iterator<Item = &'k K>) -> usize {
        if !this.loads.has_background() {
            return 0;
        }
        let pilots = keys.filter_map(|key| this.board_anew(key));
        match &this.loads {
            Loads::Started(start) => pilots
                .map(|pilot| Request::new(Duty::begun(Arc::clone(this), pilot)))
                .filter_map(|request| this.contain(|| start(request)))
                .count(),
            Loads::Function { load, executor } => pilots
                .filter_map(|pilot| {
                    let duty = Duty::queued(Arc::clone(this), pilot);
                    let (load, executor) = (Arc::clone(load), executor.as_ref()?);
                    this.contain(|| executor(Box::new(move || duty.run(&*load))))
                })
                .count(),
            Loads::Many { executor, .. } => {
                let pilots: Vec<_> = pilots.collect();
                let count = pilots.len();
                let Some(executor) = executor.as_ref().filter(|_| count > 0) else {
                    return 0;
                };
                let crew = Crew::queued(Arc::clone(this), pilots);
                let handed_over = this.contain(|| executor(Box::new(move || crew.run())));
                handed_over.map_or(0, |()| count)
            }
        }
    }

    /// Hands over a load that nobody waits for. A panic of the executor is not for the reader of a value that is here; what
    /// it drops is given up.
    fn contain(&self, hand_over: impl FnOnce()) -> Option<()> {
        let handed_over = catch_unwind(AssertUnwindSafe(hand_over));
        if handed_over.is_err() {
            count(&self.counts.executor_panics);
        }
        handed_over.ok()
    }
}
