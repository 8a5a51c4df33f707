//! Single flight: the loads that are under way, one a key, and those who wait for them.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use equivalent::Equivalent;
use parking_lot::{Condvar, Mutex};

/// An error of whichever type the loader has; each waiter asks for its own type back.
type AnyError = Arc<dyn Any + Send + Sync>;

/// How a load ended.
#[derive(Clone)]
pub(crate) enum Outcome<V> {
    Loaded(V),
    Failed(AnyError),
    /// The loader panicked: whoever waited may try itself.
    Abandoned,
}

/// One load under way.
pub(crate) struct Flight<V> {
    loader: ThreadId,
    /// Set by a write to the key: what is loaded may be older than what was written.
    voided: AtomicBool,
    outcome: Mutex<Option<Outcome<V>>>,
    landed: Condvar,
}

impl<V: Clone> Flight<V> {
    /// Whether the calling thread is the one that loads, so that waiting would never end.
    pub(crate) fn is_mine(&self) -> bool {
        self.loader == thread::current().id()
    }

    pub(crate) fn wait(&self) -> Outcome<V> {
        let mut outcome = self.outcome.lock();
        loop {
            match &*outcome {
                Some(outcome) => return outcome.clone(),
                None => self.landed.wait(&mut outcome),
            }
        }
    }

    fn void(&self) {
        // Relaxed: the shard's lock, which the voiding write takes after this and the landing load before it looks,
        // orders the two.
        self.voided.store(true, Ordering::Relaxed);
    }

    fn land(&self, outcome: Outcome<V>) {
        *self.outcome.lock() = Some(outcome);
        self.landed.notify_all();
    }
}

/// The loads under way, by key.
pub(crate) struct Flights<K, V, S> {
    by_key: DashMap<K, Arc<Flight<V>>, S>,
    /// Loads that have begun and not yet landed, those detached from the map included. While it is zero a write need
    /// not look into the map.
    airborne: AtomicUsize,
    pub(crate) counts: Counts,
}

/// Counts of loads, kept here because a load belongs to no shard.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) loads: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) waits: AtomicU64,
    pub(crate) voided: AtomicU64,
}

/// What somebody who wants a key loaded is to do.
pub(crate) enum Ticket<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    /// Run the loader; the pilot lands the flight.
    Load(Pilot<'a, K, V, S>),
    /// Somebody else loads.
    Wait(Arc<Flight<V>>),
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Flights<K, V, S> {
    pub(crate) fn new(hasher: S) -> Self {
        Self {
            by_key: DashMap::with_hasher(hasher),
            airborne: AtomicUsize::new(0),
            counts: Counts::default(),
        }
    }

    pub(crate) fn board(&self, key: &K) -> Ticket<'_, K, V, S>
    where
        K: Clone,
    {
        // Both clones are made before anything is registered: a panic in `clone` must leave no flight without a pilot.
        let (entry_key, key) = (key.clone(), key.clone());
        match self.by_key.entry(entry_key) {
            Entry::Occupied(flight) => Ticket::Wait(Arc::clone(flight.get())),
            Entry::Vacant(vacant) => {
                let flight = Arc::new(Flight {
                    loader: thread::current().id(),
                    voided: AtomicBool::new(false),
                    outcome: Mutex::new(None),
                    landed: Condvar::new(),
                });
                // Sequentially consistent, as in `detach`: a write that begins after this load has begun must see a
                // count above zero, whatever thread it runs on.
                self.airborne.fetch_add(1, Ordering::SeqCst);
                vacant.insert(Arc::clone(&flight));
                Ticket::Load(Pilot {
                    flights: self,
                    key,
                    flight,
                    landed: false,
                })
            }
        }
    }

    /// Detaches the load of `key`: it will not be stored, and whoever asks from now on starts a new one.
    ///
    /// Call it before the shard is locked for the write that makes the load stale. A load stores its result under that
    /// lock, and only if it is not voided: either it comes first, and the write overtakes it, or it sees that it is
    /// voided.
    pub(crate) fn detach(&self, key: &K) {
        if self.airborne.load(Ordering::SeqCst) > 0 {
            if let Some((_, flight)) = self.by_key.remove(key) {
                flight.void();
            }
        }
    }

    /// [`detach`](Self::detach) by another form of the key.
    pub(crate) fn detach_equivalent<Q: Equivalent<K> + ?Sized>(&self, key: &Q) {
        if self.airborne.load(Ordering::SeqCst) > 0 {
            // The map finds keys by `Borrow` alone; the loads under way are few enough to look at each.
            self.by_key.retain(|loading, flight| {
                let is_it = key.equivalent(loading);
                if is_it {
                    flight.void();
                }
                !is_it
            });
        }
    }

    /// Detaches every load; see [`detach`](Self::detach).
    pub(crate) fn detach_all(&self) {
        if self.airborne.load(Ordering::SeqCst) > 0 {
            self.by_key.retain(|_, flight| {
                flight.void();
                false
            });
        }
    }
}

/// The right and the duty to load one key. Dropping it without an outcome, as a panic does, hands over to a waiter.
pub(crate) struct Pilot<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    flights: &'a Flights<K, V, S>,
    key: K,
    flight: Arc<Flight<V>>,
    landed: bool,
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Pilot<'_, K, V, S> {
    /// Whether the result may be stored. To be asked under the lock of the key's shard.
    pub(crate) fn may_store(&self) -> bool {
        !self.flight.voided.load(Ordering::Relaxed)
    }

    /// Wakes the waiters with the value, after it was stored or found void.
    pub(crate) fn land_loaded(mut self, value: V, is_stored: bool) {
        if !is_stored {
            self.flights.counts.voided.fetch_add(1, Ordering::Relaxed);
        }
        self.landed = true;
        self.leave();
        self.flight.land(Outcome::Loaded(value));
    }

    /// Wakes the waiters with an error.
    pub(crate) fn land_failed(mut self, error: AnyError) {
        self.end(Outcome::Failed(error));
    }

    fn end(&mut self, outcome: Outcome<V>) {
        self.landed = true;
        self.flights.counts.failures.fetch_add(1, Ordering::Relaxed);
        self.leave();
        self.flight.land(outcome);
    }

    /// Leaves the map, unless a write has done that already and another flight is there.
    ///
    /// A panic of the user's `Hash` or `Eq` goes no further: those who wait must be woken.
    fn leave(&self) {
        let is_this = |flight: &Arc<Flight<V>>| Arc::ptr_eq(flight, &self.flight);
        let by_key = &self.flights.by_key;
        let left = catch_unwind(AssertUnwindSafe(|| {
            drop(by_key.remove_if(&self.key, |_, flight| is_this(flight)));
        }));
        if left.is_err() {
            // Looks at each, and calls nothing of the key.
            by_key.retain(|_, flight| !is_this(flight));
        }
    }

    /// Leaves without having run the loader: the value was there after all.
    pub(crate) fn turn_back(mut self, value: V) {
        self.landed = true;
        self.leave();
        self.flight.land(Outcome::Loaded(value));
    }
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Drop for Pilot<'_, K, V, S> {
    fn drop(&mut self) {
        if !self.landed {
            self.end(Outcome::Abandoned);
        }
        self.flights.airborne.fetch_sub(1, Ordering::SeqCst);
    }
}
