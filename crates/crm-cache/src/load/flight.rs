//! Single flight: the loads that are under way, one a key, and those who wait for them.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crm_clock::{Clock, Tick};
use equivalent::Equivalent;

use super::aboard::is_aboard;
use super::signal::Signal;
#[cfg(feature = "serde")]
use super::window::Window;
#[cfg(feature = "serde")]
use crate::hash::hash;
use crate::sync::{AtomicBool, AtomicUsize, Entry, Map};

/// An error of whichever type the loader has; each waiter asks for its own type back.
pub(crate) type AnyError = Arc<dyn Any + Send + Sync>;

/// How a load ended.
#[derive(Clone)]
pub(crate) enum Outcome<V> {
    Loaded(V),
    Failed(AnyError),
    /// The loader gave nothing for this key, though it gave something for others.
    Absent,
    /// The loader panicked or was cancelled, or was not needed: whoever waited may look, and try itself.
    Abandoned,
}

/// One load under way.
pub(crate) struct Flight<V> {
    /// Set by a write to the key: what is loaded may be older than what was written.
    voided: AtomicBool,
    /// The cache's stamp when it began: tags invalidated from then on void what is loaded.
    stamp: u64,
    /// Whether somebody is at it. A load that waits for an executor may be taken over by whoever needs it first.
    has_begun: AtomicBool,
    /// Whether somebody waits for it who must not wait for the queue, under the lock of which this is set and asked.
    is_wanted: AtomicBool,
    /// Whether somebody has waited for it as long as he may.
    is_late: AtomicBool,
    outcome: Signal<Outcome<V>>,
}

impl<V> Flight<V> {
    /// Names the flight as long as it lives.
    pub(crate) fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether the calling code is part of its loader, so that waiting would never end.
    pub(crate) fn is_mine(&self) -> bool {
        is_aboard(self.id())
    }

    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Lets whoever comes first begin it; to be called by its pilot, who is to hand it over.
    pub(crate) fn wait_for_pilot(&self) {
        self.has_begun.store(false, Ordering::Release);
        // Somebody may have joined since it was boarded, and would wait for a pilot who may never come.
        self.outcome.nudge();
    }

    /// Blocks the thread until it has ended; none if it waits for a pilot meanwhile.
    pub(crate) fn wait_for_end(&self) -> Option<&Outcome<V>> {
        self.outcome
            .wait_unless(|| !self.has_begun.load(Ordering::Acquire))
    }

    /// Begins it, unless somebody has.
    fn begin(&self) -> bool {
        !self.has_begun.swap(true, Ordering::AcqRel)
    }

    /// Tells its pilot that somebody waits for it who must not wait for the queue. To be called under the queue's lock.
    pub(crate) fn want(&self) {
        self.is_wanted.store(true, Ordering::Relaxed);
    }

    /// Whether somebody [wants](Self::want) it. To be asked under the queue's lock.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// Tells that somebody has waited for it as long as he may. Relaxed: it only spares others the waiting.
    pub(crate) fn be_late(&self) {
        self.is_late.store(true, Ordering::Relaxed);
    }

    /// Whether it is [late](Self::be_late).
    pub(crate) fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }

    pub(crate) fn outcome(&self) -> &Signal<Outcome<V>> {
        &self.outcome
    }

    fn void(&self) {
        // Relaxed: the shard's lock, which the voiding write takes after this and the landing load before it looks,
        // orders the two.
        self.voided.store(true, Ordering::Relaxed);
    }
}

/// The loads under way, by key.
pub(crate) struct Flights<K, V, S> {
    by_key: Map<K, Arc<Flight<V>>, S>,
    /// Loads that have begun and not yet landed, those detached from the map included. While it is zero a write need
    /// not look into the map.
    ///
    /// With snapshots one more as long as the cache was not written to, so that the first write is noticed.
    pub(super) airborne: AtomicUsize,
    #[cfg(feature = "serde")]
    pub(super) window: Window,
    pub(crate) counts: Counts,
    /// Measures the loads.
    clock: Clock,
}

/// Counts of loads, kept here because a load belongs to no shard.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) loads: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) waits: AtomicU64,
    pub(crate) voided: AtomicU64,
    /// In loaders, in nanoseconds.
    pub(crate) time: AtomicU64,
    /// How long loaders that succeed take of late, in nanoseconds: a mean in which each of them counts an eighth less than
    /// the one after it. Zero before the first.
    recent: AtomicU64,
}

impl Counts {
    /// How long loaders that succeed take of late, in milliseconds.
    pub(crate) fn recent_millis(&self) -> f64 {
        self.recent.load(Ordering::Relaxed) as f64 / 1e6
    }

    fn took(&self, nanos: u64) {
        // Of two that end at once one may be lost, which is not worth a loop.
        let recent = match self.recent.load(Ordering::Relaxed) {
            0 => nanos,
            recent => recent - recent / 8 + nanos / 8,
        };
        self.recent.store(recent, Ordering::Relaxed);
    }
}

/// A run of a loader. It counts as failed unless it [succeeds](Self::succeeded).
pub(crate) struct Run<'a> {
    counts: &'a Counts,
    clock: &'a Clock,
    begun: Tick,
    has_succeeded: bool,
}

impl Run<'_> {
    pub(crate) fn succeeded(mut self) {
        self.has_succeeded = true;
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let nanos = (self.clock.now() - self.begun).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.counts.time.fetch_add(nanos, Ordering::Relaxed);
        if self.has_succeeded {
            self.counts.took(nanos);
        } else {
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What somebody who wants a key loaded is to do.
pub(crate) enum Ticket<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    /// Run the loader; the pilot lands the flight.
    Load(Pilot<'a, K, V, S>),
    /// Somebody else loads.
    Wait(Arc<Flight<V>>),
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Flights<K, V, S> {
    pub(crate) fn new(hasher: S, clock: Clock) -> Self {
        Self {
            clock,
            by_key: Map::with_hasher(hasher),
            airborne: AtomicUsize::new(usize::from(cfg!(feature = "serde"))),
            #[cfg(feature = "serde")]
            window: Window::new(),
            counts: Counts::default(),
        }
    }

    /// Counts and measures a run of a loader from now on.
    pub(crate) fn run(&self) -> Run<'_> {
        self.run_since(self.clock.now())
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// As [`run`](Self::run), for one that has begun before.
    pub(crate) fn run_since(&self, begun: Tick) -> Run<'_> {
        self.counts.loads.fetch_add(1, Ordering::Relaxed);
        Run {
            counts: &self.counts,
            clock: &self.clock,
            begun,
            has_succeeded: false,
        }
    }

    /// Joins the load of a key, or begins one at this stamp, which was read before.
    pub(crate) fn board(&self, key: &K, stamp: u64) -> Ticket<'_, K, V, S>
    where
        K: Clone,
    {
        // Both clones are made before anything is registered: a panic in `clone` must leave no flight without a pilot.
        let (entry_key, key) = (key.clone(), key.clone());
        match self.by_key.entry(entry_key) {
            Entry::Occupied(flight) => Ticket::Wait(Arc::clone(flight.get())),
            Entry::Vacant(vacant) => {
                let flight = Arc::new(Flight {
                    stamp,
                    has_begun: AtomicBool::new(true),
                    is_wanted: AtomicBool::new(false),
                    is_late: AtomicBool::new(false),
                    voided: AtomicBool::new(false),
                    outcome: Signal::new(),
                });
                // Sequentially consistent, as in `detach`: a write that begins after this load has begun must see a
                // count above zero, whatever thread it runs on.
                self.airborne.fetch_add(1, Ordering::SeqCst);
                vacant.insert(Arc::clone(&flight));
                Ticket::Load(Pilot::of(self, Seat { key, flight }))
            }
        }
    }

    /// Takes a flight that has an outcome off the map, unless a write has done that already and another flight is there.
    ///
    /// A panic of the user's `Hash` or `Eq` goes no further: those who wait must be woken.
    fn leave(&self, seat: &Seat<K, V>) {
        let is_this = |flight: &Arc<Flight<V>>| Arc::ptr_eq(flight, &seat.flight);
        let left = catch_unwind(AssertUnwindSafe(|| {
            drop(
                self.by_key
                    .remove_if(&seat.key, |_, flight| is_this(flight)),
            );
        }));
        if left.is_err() {
            // Looks at each, and calls nothing of the key.
            self.by_key.retain(|_, flight| !is_this(flight));
        }
    }

    /// Detaches the load of `key`: it will not be stored, and whoever asks from now on starts a new one.
    ///
    /// Call it before the shard is locked for the write that makes the load stale. A load stores its result under that
    /// lock, and only if it is not voided: either it comes first, and the write overtakes it, or it sees that it is
    /// voided.
    pub(crate) fn detach(&self, key: &K) {
        if self.airborne.load(Ordering::SeqCst) > 0 {
            #[cfg(feature = "serde")]
            self.wrote(|| hash(self.by_key.hasher(), key));
            if let Some((_, flight)) = self.by_key.remove(key) {
                flight.void();
            }
        }
    }

    /// [`detach`](Self::detach) by another form of the key.
    pub(crate) fn detach_equivalent<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) {
        if self.airborne.load(Ordering::SeqCst) > 0 {
            #[cfg(feature = "serde")]
            self.wrote(|| hash(self.by_key.hasher(), key));
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
            #[cfg(feature = "serde")]
            self.wrote_all();
            self.by_key.retain(|_, flight| {
                flight.void();
                false
            });
        }
    }
}

#[cfg(all(test, any(loom, shuttle)))]
impl<K: Eq + Hash, V, S: BuildHasher + Clone> Flights<K, V, S> {
    /// Whether no load is under way or left behind, in a cache that was or was not written to.
    pub(super) fn is_idle(&self, was_written: bool) -> bool {
        let base = usize::from(cfg!(feature = "serde") && !was_written);
        self.airborne.load(Ordering::SeqCst) == base && self.by_key.is_empty()
    }
}

/// One key that is being loaded, without whoever loads it.
pub(crate) struct Seat<K, V> {
    pub(crate) key: K,
    pub(crate) flight: Arc<Flight<V>>,
}

/// The right and the duty to load one key. Dropping it without an outcome, as a panic does, hands over to a waiter.
pub(crate) struct Pilot<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    flights: &'a Flights<K, V, S>,
    /// None once the flight has landed or somebody else flies it.
    seat: Option<Seat<K, V>>,
}

impl<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Pilot<'a, K, V, S> {
    /// Takes over a flight that somebody has [handed over](Self::hand_over).
    pub(crate) fn of(flights: &'a Flights<K, V, S>, seat: Seat<K, V>) -> Self {
        Self {
            flights,
            seat: Some(seat),
        }
    }

    /// Takes over a flight that waits for a pilot, unless somebody has.
    pub(crate) fn begin(flights: &'a Flights<K, V, S>, seat: Seat<K, V>) -> Option<Self> {
        seat.flight.begin().then(|| Self::of(flights, seat))
    }

    /// As [`begin`](Self::begin), by somebody who would wait for it otherwise.
    pub(crate) fn claim(
        flights: &'a Flights<K, V, S>,
        key: &K,
        flight: &Arc<Flight<V>>,
    ) -> Option<Self>
    where
        K: Clone,
    {
        let seat = Seat {
            key: key.clone(),
            flight: Arc::clone(flight),
        };
        Self::begin(flights, seat)
    }

    /// Lets go of the flight. It must find another pilot.
    pub(crate) fn hand_over(mut self) -> Seat<K, V> {
        self.seat.take().expect("in the air")
    }

    fn seat(&self) -> &Seat<K, V> {
        self.seat.as_ref().expect("in the air")
    }

    pub(crate) fn key(&self) -> &K {
        &self.seat().key
    }

    pub(crate) fn flight(&self) -> &Arc<Flight<V>> {
        &self.seat().flight
    }

    /// Whether the result may be stored. To be asked under the lock of the key's shard.
    pub(crate) fn may_store(&self) -> bool {
        !self.flight().voided.load(Ordering::Relaxed)
    }

    /// Wakes the waiters with the value, after it was stored or found void.
    pub(crate) fn land_loaded(mut self, value: V, is_voided: bool) {
        if is_voided {
            self.flights.counts.voided.fetch_add(1, Ordering::Relaxed);
        }
        self.land(Outcome::Loaded(value));
    }

    /// Wakes the waiters with an error.
    pub(crate) fn land_failed(mut self, error: AnyError) {
        self.land(Outcome::Failed(error));
    }

    /// Wakes the waiters: the loader gave nothing for this key.
    pub(crate) fn land_absent(mut self) {
        self.land(Outcome::Absent);
    }

    /// Lands without having run the loader: the value was there after all.
    ///
    /// Those who wait are not told it. It may have been taken out since it was seen, and some of them may have come after
    /// that; a removal that was about to take it out has not detached a flight that began only then.
    pub(crate) fn turn_back(self) {
        drop(self);
    }

    fn land(&mut self, outcome: Outcome<V>) {
        if let Some(seat) = self.seat.take() {
            self.flights.leave(&seat);
            seat.flight.outcome.set(outcome);
            self.flights.airborne.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Drop for Pilot<'_, K, V, S> {
    fn drop(&mut self) {
        self.land(Outcome::Abandoned);
    }
}
