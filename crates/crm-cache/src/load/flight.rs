//! Single flight: the loads that are under way, one a key, and those who wait for them.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crm_clock::{Clock, Tick};
use equivalent::Equivalent;

use super::aboard::is_aboard;
use super::signal::{Signal, for_all};
use super::table::Table;
#[cfg(feature = "serde")]
use super::window::Window;
use crate::hash::hash;
use crate::sync::{AtomicBool, AtomicUsize};

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

/// Flights, each with the number of its key in the call that wants it.
pub(crate) type Numbered<K, V> = Vec<(usize, Arc<Flight<K, V>>)>;

/// One load under way.
pub(crate) struct Flight<K, V> {
    key: K,
    hash: u64,
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

impl<K, V> Flight<K, V> {
    fn new(key: K, hash: u64, stamp: u64) -> Arc<Self> {
        Arc::new(Self {
            key,
            hash,
            voided: AtomicBool::new(false),
            stamp,
            has_begun: AtomicBool::new(true),
            is_wanted: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
            outcome: Signal::new(),
        })
    }

    pub(crate) fn key(&self) -> &K {
        &self.key
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

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
    table: Table<K, V>,
    hasher: S,
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
    Wait(Arc<Flight<K, V>>),
}

/// As [`Ticket`], for many keys.
pub(crate) struct Tickets<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    pub(crate) load: Vec<Pilot<'a, K, V, S>>,
    pub(crate) wait: Numbered<K, V>,
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Flights<K, V, S> {
    pub(crate) fn new(hasher: S, clock: Clock) -> Self {
        Self {
            clock,
            table: Table::new(),
            hasher,
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
        let pilot = self.appoint(0, key, stamp);
        match self.table.enter(pilot.flight()) {
            Some(flight) => {
                pilot.stand_down();
                Ticket::Wait(flight)
            }
            None => Ticket::Load(pilot),
        }
    }

    /// As [`board`](Self::board), for many keys, each with a [number](Pilot::number).
    pub(crate) fn board_all(
        &self,
        keys: &[K],
        numbers: &[usize],
        stamp: u64,
    ) -> Tickets<'_, K, V, S>
    where
        K: Clone,
    {
        let pilots: Vec<_> = numbers
            .iter()
            .map(|&number| self.appoint(number, &keys[number], stamp))
            .collect();
        let mut there = self.table.enter_all(pilots.iter().map(Pilot::flight));
        there.sort_unstable_by_key(|&(at, _)| at);
        let (mut there, mut waits) = (there.into_iter().peekable(), Vec::new());
        let pilots = pilots.into_iter().enumerate().filter_map(|(at, pilot)| {
            let Some((_, flight)) = there.next_if(|&(other, _)| other == at) else {
                return Some(pilot);
            };
            waits.push((pilot.number, flight));
            pilot.stand_down();
            None
        });
        Tickets {
            load: pilots.collect(),
            wait: waits,
        }
    }

    /// A pilot for a flight that nobody knows of yet.
    fn appoint(&self, number: usize, key: &K, stamp: u64) -> Pilot<'_, K, V, S>
    where
        K: Clone,
    {
        let flight = Flight::new(key.clone(), hash(&self.hasher, key), stamp);
        // Sequentially consistent, as in `detach`: a write that begins after this load has begun must see a count above
        // zero, whatever thread it runs on.
        self.airborne.fetch_add(1, Ordering::SeqCst);
        Pilot {
            flights: self,
            number,
            seat: Some(Seat { flight }),
            twin: None,
        }
    }

    /// Counts a value that is not stored, because the key was written meanwhile.
    pub(crate) fn count_voided(&self) {
        self.counts.voided.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends flights together, with the values that they have brought. There is none for what the source does not have.
    pub(crate) fn land_all<'a>(
        &'a self,
        landing: Vec<(Pilot<'a, K, V, S>, Option<V>)>,
    ) -> Vec<Landed<K, V>> {
        self.table
            .leave_all(landing.iter().map(|(pilot, _)| pilot.flight()));
        let mut landed = Vec::with_capacity(landing.len());
        for_all(landing, |(mut pilot, value)| {
            let outcome = value.map_or(Outcome::Absent, Outcome::Loaded);
            pilot.land_twin(&outcome);
            let (number, Seat { flight }) = (pilot.number, pilot.hand_over());
            let untold = self.end(&flight, outcome);
            landed.push(Landed {
                number,
                flight,
                untold,
            });
        });
        landed
    }

    /// Ends a flight that is off the table. If nobody waits, its outcome is given back.
    fn end(&self, flight: &Arc<Flight<K, V>>, outcome: Outcome<V>) -> Option<Outcome<V>> {
        // Counted down at last, on a panic of somebody's waker too.
        let _ended = Ended(&self.airborne);
        // Who has joined was given the flight under the lock under which it has left, and is counted by now.
        if Arc::strong_count(flight) == 1 {
            return Some(outcome);
        }
        flight.outcome.set(outcome);
        None
    }

    /// Detaches the load of `key`: it will not be stored, and whoever asks from now on starts a new one.
    ///
    /// Call it before the shard is locked for the write that makes the load stale. A load stores its result under that
    /// lock, and only if it is not voided: either it comes first, and the write overtakes it, or it sees that it is
    /// voided.
    pub(crate) fn detach<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) {
        if self.airborne.load(Ordering::SeqCst) > 0 {
            let hash = hash(&self.hasher, key);
            #[cfg(feature = "serde")]
            self.wrote(hash);
            self.table
                .take(hash, |other| key.equivalent(other), Flight::void);
        }
    }

    /// Detaches every load; see [`detach`](Self::detach).
    pub(crate) fn detach_all(&self) {
        if self.airborne.load(Ordering::SeqCst) > 0 {
            #[cfg(feature = "serde")]
            self.wrote_all();
            self.table.clear(Flight::void);
        }
    }
}

#[cfg(all(test, any(loom, shuttle)))]
impl<K: Eq + Hash, V, S: BuildHasher + Clone> Flights<K, V, S> {
    /// Whether no load is under way or left behind, in a cache that was or was not written to.
    pub(super) fn is_idle(&self, was_written: bool) -> bool {
        let base = usize::from(cfg!(feature = "serde") && !was_written);
        self.airborne.load(Ordering::SeqCst) == base && self.table.is_empty()
    }
}

/// One key that is being loaded, without whoever loads it.
pub(crate) struct Seat<K, V> {
    pub(crate) flight: Arc<Flight<K, V>>,
}

/// The right and the duty to load one key. Dropping it without an outcome, as a panic does, hands over to a waiter.
pub(crate) struct Pilot<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    flights: &'a Flights<K, V, S>,
    /// By which the call that boarded knows it. Whoever takes the flight over knows nothing of it.
    number: usize,
    /// None once the flight has landed or somebody else flies it.
    seat: Option<Seat<K, V>>,
    /// An earlier flight of the same key, which lands with this one.
    twin: Option<Box<Self>>,
}

impl<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Pilot<'a, K, V, S> {
    /// Takes over a flight that somebody has [handed over](Self::hand_over).
    pub(crate) fn of(flights: &'a Flights<K, V, S>, seat: Seat<K, V>) -> Self {
        Self {
            flights,
            number: 0,
            seat: Some(seat),
            twin: None,
        }
    }

    /// Leaves the key to a later flight, and lands with it.
    pub(super) fn give_way(&mut self, later: Self) {
        let earlier = std::mem::replace(self, later);
        self.twin = Some(Box::new(earlier));
    }

    /// Takes over a flight that waits for a pilot, unless somebody has.
    pub(crate) fn begin(flights: &'a Flights<K, V, S>, seat: Seat<K, V>) -> Option<Self> {
        seat.flight.begin().then(|| Self::of(flights, seat))
    }

    /// As [`begin`](Self::begin), by somebody who would wait for it otherwise.
    pub(crate) fn claim(flights: &'a Flights<K, V, S>, flight: &Arc<Flight<K, V>>) -> Option<Self> {
        let flight = Arc::clone(flight);
        Self::begin(flights, Seat { flight })
    }

    /// Gives up a flight that nobody knows of.
    fn stand_down(mut self) {
        self.seat = None;
        self.flights.airborne.fetch_sub(1, Ordering::SeqCst);
    }

    /// Lets go of the flight. It must find another pilot.
    pub(crate) fn hand_over(mut self) -> Seat<K, V> {
        self.seat.take().expect("in the air")
    }

    fn seat(&self) -> &Seat<K, V> {
        self.seat.as_ref().expect("in the air")
    }

    pub(crate) fn key(&self) -> &K {
        self.flight().key()
    }

    pub(crate) fn hash(&self) -> u64 {
        self.flight().hash()
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn flight(&self) -> &Arc<Flight<K, V>> {
        &self.seat().flight
    }

    pub(super) fn hasher(&self) -> &S {
        &self.flights.hasher
    }

    /// Whether the result may be stored. To be asked under the lock of the key's shard.
    pub(crate) fn may_store(&self) -> bool {
        !self.flight().voided.load(Ordering::Relaxed)
    }

    /// Wakes the waiters with the value, after it was stored or found void.
    pub(crate) fn land_loaded(mut self, value: V) -> Landed<K, V> {
        let (flights, number) = (self.flights, self.number);
        let outcome = Outcome::Loaded(value);
        self.land_twin(&outcome);
        let Seat { flight } = self.hand_over();
        flights.table.leave(&flight);
        let untold = flights.end(&flight, outcome);
        Landed {
            number,
            flight,
            untold,
        }
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
        self.land_twin(&outcome);
        self.land_alone(outcome);
    }

    /// To be called while the flight has its pilot, who lands it if this panics.
    fn land_twin(&mut self, outcome: &Outcome<V>) {
        if let Some(mut twin) = self.twin.take() {
            twin.land(outcome.clone());
        }
    }

    fn land_alone(&mut self, outcome: Outcome<V>) {
        if let Some(Seat { flight }) = self.seat.take() {
            self.flights.table.leave(&flight);
            self.flights.end(&flight, outcome);
        }
    }
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Drop for Pilot<'_, K, V, S> {
    fn drop(&mut self) {
        // Its twin is dropped after it, even if this panics.
        self.land_alone(Outcome::Abandoned);
    }
}

/// Counts a load that has ended, when it is dropped.
struct Ended<'a>(&'a AtomicUsize);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A flight that has ended.
pub(crate) struct Landed<K, V> {
    number: usize,
    flight: Arc<Flight<K, V>>,
    /// How, unless that was told to those who waited.
    untold: Option<Outcome<V>>,
}

impl<K, V: Clone> Landed<K, V> {
    /// Its pilot's number.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// What it has brought; none if the source does not have the key.
    pub(crate) fn into_value(self) -> Option<V> {
        match (self.untold, self.flight.outcome.get()) {
            (Some(Outcome::Loaded(value)), _) => Some(value),
            (None, Some(Outcome::Loaded(value))) => Some(value.clone()),
            _ => None,
        }
    }
}
