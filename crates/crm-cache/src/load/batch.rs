//! Many keys in one load: while a batch is being loaded, what others miss gathers for the next one.
//!
//! There is no window of time. A call that comes while nothing is under way loads at once; one that comes later gives
//! its keys to the queue, and when the batch before it has landed, a call from the queue loads for all of them: the first
//! thread that waits, or, if only tasks wait, the one that is polled first. A task that is not polled is passed over.
//!
//! A task may be left in the middle of a load, too, and perhaps for ever. Threads do not queue behind it: each loads for
//! itself. And whoever asks for one key that is queued there takes it out. Other tasks wait.
//!
//! A loader that asks for many keys in turn must not wait for the queue that it is itself holding up: its keys travel by
//! themselves. And a loader that asks for a key that is queued takes it out of the queue and loads it; if the key is only
//! on its way into the queue, it is given up there, and the loader that waits for it loads it. That a loader waits for
//! another thread cannot be seen: if that thread is queued behind it, the two wait for ever.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};
use std::iter::Peekable;
use std::sync::Arc;
use std::vec;

use hashbrown::HashTable;

use super::flight::{Flight, Flights, Pilot, Seat};
use super::signal::{Signal, for_all};
use crate::hash::hash;
use crate::sync::Mutex;

/// What a call whose keys are queued is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Load what is in the queue.
    Lead,
    /// All its keys were taken care of.
    Served,
}

/// The calls that wait for the batch under way.
pub(crate) struct Queue<K, V>(Mutex<State<K, V>>);

struct State<K, V> {
    /// The call that loads. There may be none while tasks are queued: the first of them that is polled leads.
    leader: Option<Leader>,
    calls: VecDeque<Call<K, V>>,
}

/// Who loads.
struct Leader {
    /// None for a call that met nobody, and has all its keys in one batch.
    turn: Option<Arc<Signal<()>>>,
    kind: Kind,
}

/// What runs a call's loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A thread, or a task that is not suspended meanwhile.
    Running,
    /// A task that may be suspended in the middle of a load, and perhaps is never polled again.
    Suspending,
}

/// What a call finds that looks whether it is its turn.
enum Look<K, V> {
    Wait,
    Lead,
    /// It is not to wait for this leader, and loads its keys, which are out of the queue now, by itself.
    Leave(VecDeque<Seat<K, V>>),
}

/// Keys taken from the queue.
struct Taken<K, V> {
    seats: Vec<Seat<K, V>>,
    /// The calls that have no more keys after these.
    served: Vec<Arc<Signal<()>>>,
}

/// The keys of one call that nobody else loads.
struct Call<K, V> {
    /// Set when all its keys are taken care of.
    turn: Arc<Signal<()>>,
    seats: VecDeque<Seat<K, V>>,
}

impl<K: Eq + Hash, V: Clone> Queue<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            leader: None,
            calls: VecDeque::new(),
        }))
    }

    /// The batch of a call that meets nobody, so that it needs no place. Otherwise it keeps its pilots.
    pub(crate) fn lead<'a, S: BuildHasher + Clone>(
        &'a self,
        pilots: &mut Vec<Pilot<'a, K, V, S>>,
        kind: Kind,
    ) -> Option<Batch<'a, K, V, S>> {
        let mut state = self.0.lock();
        if state.leader.is_some() || !state.calls.is_empty() {
            return None;
        }
        state.leader = Some(Leader { turn: None, kind });
        drop(state);
        Some(Batch {
            pilots: std::mem::take(pilots),
            _served: Served(Vec::new()),
            _lead: Some(Lead(self)),
        })
    }

    /// Queues the keys of a call that is not suspended while it loads.
    pub(crate) fn join<'a, S: BuildHasher + Clone>(
        &'a self,
        flights: &'a Flights<K, V, S>,
        pilots: Vec<Pilot<'a, K, V, S>>,
    ) -> Place<'a, K, V, S> {
        self.join_as(Kind::Running, flights, pilots)
    }

    /// Queues the keys of a call.
    pub(crate) fn join_as<'a, S: BuildHasher + Clone>(
        &'a self,
        kind: Kind,
        flights: &'a Flights<K, V, S>,
        pilots: Vec<Pilot<'a, K, V, S>>,
    ) -> Place<'a, K, V, S> {
        let mut state = self.0.lock();
        if kind == Kind::Running && state.is_suspending() {
            drop(state);
            return Place::alone(flights, pilots);
        }
        // A loader that asked for one of these keys before it was here could not take it out, and waits. This call must
        // not come to wait for that loader.
        let (wanted, pilots): (Vec<_>, Vec<_>) = pilots
            .into_iter()
            .partition(|pilot| state.leader.is_some() && pilot.flight().is_wanted());
        let turn = Arc::new(Signal::new());
        state.calls.push_back(Call {
            turn: Arc::clone(&turn),
            seats: pilots.into_iter().map(Pilot::hand_over).collect(),
        });
        drop(state);
        let place = Place {
            queue: Some(self),
            flights,
            kind,
            turn,
            own: VecDeque::new(),
            is_done: false,
        };
        // Given up: the loader that waits loads it.
        drop(wanted);
        place
    }

    /// Takes a key out that nobody has begun to load yet, for a loader or where the queue may stand still. If it is not
    /// here, it will not come to stand here behind others.
    pub(crate) fn steal(&self, flight: &Arc<Flight<K, V>>, is_nested: bool) -> Option<Seat<K, V>> {
        let mut state = self.0.lock();
        let must_not_wait = is_nested || state.is_suspending();
        if state.leader.is_some() && !must_not_wait {
            return None;
        }
        let stolen = state.calls.iter_mut().find_map(|call| {
            let at = call
                .seats
                .iter()
                .position(|seat| Arc::ptr_eq(&seat.flight, flight))?;
            call.seats.remove(at)
        });
        if stolen.is_none() && must_not_wait {
            flight.want();
        }
        stolen
    }

    /// What a call is to do now. Who waits leaves word before he looks, so that he is nudged if this changes.
    fn look(&self, turn: &Arc<Signal<()>>, kind: Kind) -> Look<K, V> {
        let mut state = self.0.lock();
        if turn.get().is_some() {
            return Look::Wait;
        }
        match &state.leader {
            None => {
                let turn = Some(Arc::clone(turn));
                state.leader = Some(Leader { turn, kind });
                Look::Lead
            }
            Some(leader) if leader.is(turn) => Look::Lead,
            Some(leader) if kind == Kind::Running && leader.kind == Kind::Suspending => state
                .take_out(turn)
                .map_or(Look::Wait, |call| Look::Leave(call.seats)),
            Some(_) => Look::Wait,
        }
    }

    /// The next keys to load, from the first calls in the queue.
    fn take(&self, limit: usize) -> Taken<K, V> {
        let (mut seats, mut served) = (Vec::new(), Vec::new());
        let mut state = self.0.lock();
        while let Some(call) = state.calls.front_mut() {
            let count = call.seats.len().min(limit - seats.len());
            seats.extend(call.seats.drain(..count));
            if !call.seats.is_empty() {
                break;
            }
            served.extend(state.calls.pop_front().map(|call| call.turn));
        }
        Taken { seats, served }
    }

    /// Ends a batch: another call in the queue leads, if there is one.
    fn pass_on(&self) {
        let mut state = self.0.lock();
        let mut turns = state.calls.iter().map(|call| &call.turn);
        let thread = turns.find(|turn| turn.has_thread()).cloned();
        let nudged = match &thread {
            Some(thread) => vec![Arc::clone(thread)],
            None => state
                .calls
                .iter()
                .map(|call| Arc::clone(&call.turn))
                .collect(),
        };
        state.leader = thread.map(|turn| Leader {
            turn: Some(turn),
            kind: Kind::Running,
        });
        drop(state);
        for_all(nudged, |turn| turn.nudge());
    }
}

impl<K, V> State<K, V> {
    /// Whether the load under way is one that perhaps nobody goes on with.
    fn is_suspending(&self) -> bool {
        let leader = self.leader.as_ref();
        leader.is_some_and(|leader| leader.kind == Kind::Suspending)
    }

    fn take_out(&mut self, turn: &Arc<Signal<()>>) -> Option<Call<K, V>> {
        let mut calls = self.calls.iter();
        let at = calls.position(|call| Arc::ptr_eq(&call.turn, turn))?;
        self.calls.remove(at)
    }
}

impl Leader {
    fn is(&self, turn: &Arc<Signal<()>>) -> bool {
        matches!(&self.turn, Some(own) if Arc::ptr_eq(own, turn))
    }
}

#[cfg(all(test, shuttle))]
impl<K, V> Queue<K, V> {
    /// Whether nobody waits and nobody leads.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.0.lock();
        state.leader.is_none() && state.calls.is_empty()
    }
}

/// A call's place in the queue. Dropping it gives up the keys that are still there, and the lead.
pub(crate) struct Place<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    /// None for a call that loads by itself.
    queue: Option<&'a Queue<K, V>>,
    flights: &'a Flights<K, V, S>,
    kind: Kind,
    turn: Arc<Signal<()>>,
    /// The keys of a call that is in no queue.
    own: VecDeque<Seat<K, V>>,
    is_done: bool,
}

impl<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Place<'a, K, V, S> {
    /// The place of a call that loads its keys by itself, now.
    pub(crate) fn alone(flights: &'a Flights<K, V, S>, pilots: Vec<Pilot<'a, K, V, S>>) -> Self {
        Self {
            queue: None,
            flights,
            kind: Kind::Running,
            turn: Arc::new(Signal::new()),
            own: pilots.into_iter().map(Pilot::hand_over).collect(),
            is_done: false,
        }
    }

    /// For waiting until it is this call's turn.
    pub(crate) fn turn(&mut self) -> Waiting<'_, 'a, K, V, S> {
        Waiting(self)
    }

    /// The flights that only this call can load, and not before the batch that it loads now.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = usize> {
        self.own.iter().map(|seat| seat.flight.id())
    }

    /// The next batch to load by the call that leads; none when all its own keys are taken care of. The lead has gone to
    /// the next call then.
    pub(crate) fn next_batch(&mut self, limit: usize) -> Option<Batch<'a, K, V, S>> {
        if self.is_done {
            return None;
        }
        let Taken { seats, served } = match self.queue {
            Some(queue) => queue.take(limit),
            None => Taken {
                seats: self.own.drain(..limit.min(self.own.len())).collect(),
                served: Vec::new(),
            },
        };
        let pilots = self.pilots(seats);
        // In the queue its own call was the first: all of it is in this batch unless it is still there.
        self.is_done = match self.queue {
            Some(_) => served.iter().any(|turn| Arc::ptr_eq(turn, &self.turn)),
            None => self.own.is_empty(),
        };
        let mut batch = Batch {
            pilots,
            _served: Served(served),
            _lead: self.queue.filter(|_| self.is_done).map(Lead),
        };
        batch.pair_up();
        // Nothing is left to load if loaders have taken all of it out of the queue.
        (!batch.pilots.is_empty()).then_some(batch)
    }

    fn pilots(&self, seats: impl IntoIterator<Item = Seat<K, V>>) -> Vec<Pilot<'a, K, V, S>> {
        let pilot = |seat| Pilot::of(self.flights, seat);
        seats.into_iter().map(pilot).collect()
    }
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Drop for Place<'_, K, V, S> {
    fn drop(&mut self) {
        let own = std::mem::take(&mut self.own);
        // All have pilots before the first is dropped: one that panics takes no other with it.
        let mut given_up = self.pilots(own);
        let mut lead = None;
        if let Some(queue) = self.queue.filter(|_| !self.is_done) {
            let mut state = queue.0.lock();
            let call = state.take_out(&self.turn);
            let leads = state
                .leader
                .as_ref()
                .is_some_and(|leader| leader.is(&self.turn));
            drop(state);
            lead = leads.then(|| Lead(queue));
            given_up.extend(self.pilots(call.into_iter().flat_map(|call| call.seats)));
        }
        // Those who wait for these keys load them themselves.
        drop(given_up);
        drop(lead);
    }
}

/// A call that waits for its turn.
pub(crate) struct Waiting<'p, 'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone>(
    &'p mut Place<'a, K, V, S>,
);

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Waiting<'_, '_, K, V, S> {
    /// Blocks the thread.
    pub(crate) fn wait(self) -> &'static Turn {
        let Some(queue) = self.0.queue else {
            return &Turn::Lead;
        };
        let seen = RefCell::new(Look::Wait);
        let Place { turn, kind, .. } = &*self.0;
        turn.wait_unless(|| {
            *seen.borrow_mut() = queue.look(turn, *kind);
            !matches!(*seen.borrow(), Look::Wait)
        });
        match seen.into_inner() {
            Look::Wait => return &Turn::Served,
            Look::Lead => {}
            Look::Leave(seats) => {
                self.0.queue = None;
                self.0.own = seats;
            }
        }
        &Turn::Lead
    }

    /// Suspends the task. Whoever is polled first leads.
    pub(crate) async fn ready(self) -> &'static Turn {
        let Some(queue) = self.0.queue else {
            return &Turn::Lead;
        };
        let Place { turn, kind, .. } = &*self.0;
        let served = turn.ready_unless(|| matches!(queue.look(turn, *kind), Look::Lead));
        match served.await {
            Some(()) => &Turn::Served,
            None => &Turn::Lead,
        }
    }
}

/// Keys that are loaded together. Dropping it, as a panic or a cancellation does, hands them to those who wait.
///
/// Its parts are dropped in this order, each even if one before it panics.
pub(crate) struct Batch<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    pub(crate) pilots: Vec<Pilot<'a, K, V, S>>,
    _served: Served,
    /// If it is the last batch of the call that leads.
    _lead: Option<Lead<'a, K, V>>,
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Batch<'_, K, V, S> {
    /// Puts the flights of one key together, so that the loader is shown it once and all of them have its value.
    ///
    /// A write lets a key be queued once more beside the load that it voids.
    fn pair_up(&mut self) {
        if self.pilots.iter().all(Pilot::may_store) {
            return;
        }
        let pilots = std::mem::take(&mut self.pilots);
        let mut places = HashTable::<usize>::with_capacity(pilots.len());
        for pilot in pilots {
            let (kept, hash) = (&mut self.pilots, pilot.hash());
            match places.find(hash, |&at| kept[at].key() == pilot.key()) {
                Some(&at) => kept[at].give_way(pilot),
                None => {
                    places.insert_unique(hash, kept.len(), |&at| kept[at].hash());
                    kept.push(pilot);
                }
            }
        }
    }
}

/// The calls that have no more keys after a batch. They are told when it is dropped.
struct Served(Vec<Arc<Signal<()>>>);

impl Drop for Served {
    fn drop(&mut self) {
        for_all(self.0.drain(..), |turn| turn.set(()));
    }
}

/// The lead of the queue, passed on when it is dropped.
struct Lead<'a, K: Eq + Hash, V: Clone>(&'a Queue<K, V>);

impl<K: Eq + Hash, V: Clone> Drop for Lead<'_, K, V> {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

/// Loads, found by the hash of their key.
type ByKey<'a, K, V, S> = HashTable<Pilot<'a, K, V, S>>;

/// The loads of a batch whose values have not come yet.
///
/// Most loaders answer in the order in which they were asked, so the next load is tried first. Once one does not, all that
/// remain are found by their hashes.
pub(crate) struct Awaited<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    in_order: Peekable<vec::IntoIter<Pilot<'a, K, V, S>>>,
    by_key: Option<(ByKey<'a, K, V, S>, S)>,
}

impl<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Awaited<'a, K, V, S> {
    pub(crate) fn of(batch: &mut Batch<'a, K, V, S>) -> Self {
        Self {
            in_order: std::mem::take(&mut batch.pilots).into_iter().peekable(),
            by_key: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        let by_key = self.by_key.as_ref();
        self.in_order.len() + by_key.map_or(0, |(by_key, _)| by_key.len())
    }

    /// The load of this key, unless its value has come before.
    pub(crate) fn take(&mut self, key: &K) -> Option<Pilot<'a, K, V, S>> {
        if self.by_key.is_none() {
            let next = self.in_order.next_if(|pilot| pilot.key() == key);
            if next.is_some() {
                return next;
            }
            self.find_by_key();
        }
        let (by_key, hasher) = self.by_key.as_mut()?;
        let found = by_key.find_entry(hash(hasher, key), |pilot| pilot.key() == key);
        found.ok().map(|found| found.remove().0)
    }

    fn find_by_key(&mut self) {
        let hasher = self.in_order.peek().map(|pilot| pilot.hasher().clone());
        self.by_key = hasher.map(|hasher| {
            let mut by_key = HashTable::with_capacity(self.in_order.len());
            for pilot in self.in_order.by_ref() {
                by_key.insert_unique(pilot.hash(), pilot, Pilot::hash);
            }
            (by_key, hasher)
        });
    }

    /// The loads that have brought nothing.
    pub(crate) fn rest(self) -> impl Iterator<Item = Pilot<'a, K, V, S>> {
        self.in_order
            .chain(self.by_key.into_iter().flat_map(|(by_key, _)| by_key))
    }
}
