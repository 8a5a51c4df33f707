//! Many keys in one load: while a batch is being loaded, what others miss gathers for the next one.
//!
//! There is no window of time. A call that comes while nothing is under way loads at once; one that comes later gives
//! its keys to the queue, and when the batch before it has landed, the first in the queue loads for all of them.
//!
//! A loader that asks for many keys in turn must not wait for the queue that it is itself holding up: its keys travel by
//! themselves. And a loader that asks for a key that is queued takes it out of the queue and loads it; if the key is only
//! on its way into the queue, it is given up there, and the loader that waits for it loads it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::iter::Peekable;
use std::sync::Arc;
use std::vec;

use super::flight::{Flight, Flights, Pilot, Seat};
use super::signal::Signal;
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
    /// The call that loads. It is named here under the lock before it is told, so that a call that gives up
    /// meanwhile knows that it has to pass the lead on.
    leader: Option<Leader>,
    calls: VecDeque<Call<K, V>>,
}

/// Who loads.
enum Leader {
    /// A call that met nobody, and has all its keys in one batch.
    Alone,
    /// A call from the queue, by its turn.
    Queued(Arc<Signal<Turn>>),
}

/// Keys taken from the queue.
struct Taken<K, V> {
    seats: Vec<Seat<K, V>>,
    /// The calls that have no more keys after these.
    served: Vec<Arc<Signal<Turn>>>,
}

/// The keys of one call that nobody else loads.
struct Call<K, V> {
    turn: Arc<Signal<Turn>>,
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
    ) -> Option<Batch<'a, K, V, S>> {
        let mut state = self.0.lock();
        if state.leader.is_some() {
            return None;
        }
        state.leader = Some(Leader::Alone);
        drop(state);
        Some(Batch {
            queue: Some(self),
            pilots: std::mem::take(pilots),
            served: Vec::new(),
        })
    }

    /// Queues the keys of a call and says how to hear of its turn; it may have come.
    pub(crate) fn join<'a, S: BuildHasher + Clone>(
        &'a self,
        flights: &'a Flights<K, V, S>,
        pilots: Vec<Pilot<'a, K, V, S>>,
    ) -> Place<'a, K, V, S> {
        let mut seats: VecDeque<_> = pilots.into_iter().map(Pilot::hand_over).collect();
        let mut wanted = VecDeque::new();
        let mut state = self.0.lock();
        // A loader that asked for one of these keys before it was here could not take it out, and waits. This call must
        // not come to wait for that loader.
        if state.leader.is_some() {
            (wanted, seats) = seats.into_iter().partition(|seat| seat.flight.is_wanted());
        }
        let turn = Arc::new(if state.leader.is_some() {
            Signal::new()
        } else {
            Signal::of(Turn::Lead)
        });
        state
            .leader
            .get_or_insert_with(|| Leader::Queued(Arc::clone(&turn)));
        state.calls.push_back(Call {
            turn: Arc::clone(&turn),
            seats,
        });
        drop(state);
        // Given up: the loader that waits loads it.
        wanted
            .into_iter()
            .for_each(|seat| drop(Pilot::of(flights, seat)));
        Place {
            queue: Some(self),
            flights,
            turn,
            own: VecDeque::new(),
            is_done: false,
        }
    }

    /// Takes a key out that nobody has begun to load yet. If it is not here, it will not come to stand here behind others.
    pub(crate) fn steal(&self, flight: &Arc<Flight<K, V>>) -> Option<Seat<K, V>> {
        let mut state = self.0.lock();
        let stolen = state.calls.iter_mut().find_map(|call| {
            let at = call
                .seats
                .iter()
                .position(|seat| Arc::ptr_eq(&seat.flight, flight))?;
            call.seats.remove(at)
        });
        if stolen.is_none() {
            flight.want();
        }
        stolen
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

    /// Ends a batch: the next call in the queue leads, if there is one.
    fn pass_on(&self) {
        let next = {
            let mut state = self.0.lock();
            let next = state.calls.front().map(|call| Arc::clone(&call.turn));
            state.leader = next.clone().map(Leader::Queued);
            next
        };
        if let Some(next) = next {
            next.set(Turn::Lead);
        }
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
    /// None for a call from within a loader.
    queue: Option<&'a Queue<K, V>>,
    flights: &'a Flights<K, V, S>,
    turn: Arc<Signal<Turn>>,
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
            turn: Arc::new(Signal::of(Turn::Lead)),
            own: pilots.into_iter().map(Pilot::hand_over).collect(),
            is_done: false,
        }
    }

    pub(crate) fn turn(&self) -> &Signal<Turn> {
        &self.turn
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
        let pilots = seats
            .into_iter()
            .map(|seat| Pilot::of(self.flights, seat))
            .collect();
        // In the queue its own call was the first: all of it is in this batch unless it is still there.
        self.is_done = match self.queue {
            Some(_) => served.iter().any(|turn| Arc::ptr_eq(turn, &self.turn)),
            None => self.own.is_empty(),
        };
        let batch = Batch {
            queue: self.queue.filter(|_| self.is_done),
            pilots,
            served,
        };
        // Nothing is left to load if loaders have taken all of it out of the queue.
        (!batch.pilots.is_empty()).then_some(batch)
    }
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Drop for Place<'_, K, V, S> {
    fn drop(&mut self) {
        for seat in self.own.drain(..) {
            drop(Pilot::of(self.flights, seat));
        }
        let Some(queue) = self.queue.filter(|_| !self.is_done) else {
            return;
        };
        let mut state = queue.0.lock();
        let at = state
            .calls
            .iter()
            .position(|call| Arc::ptr_eq(&call.turn, &self.turn));
        let call = at.and_then(|at| state.calls.remove(at));
        let leads =
            matches!(&state.leader, Some(Leader::Queued(turn)) if Arc::ptr_eq(turn, &self.turn));
        drop(state);
        // Those who wait for these keys load them themselves.
        for seat in call.into_iter().flat_map(|call| call.seats) {
            drop(Pilot::of(self.flights, seat));
        }
        if leads {
            queue.pass_on();
        }
    }
}

/// Keys that are loaded together. Dropping it, as a panic or a cancellation does, hands them to those who wait.
pub(crate) struct Batch<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    /// Where the lead is passed on after this batch, if it is the last one of the call that leads.
    queue: Option<&'a Queue<K, V>>,
    pub(crate) pilots: Vec<Pilot<'a, K, V, S>>,
    served: Vec<Arc<Signal<Turn>>>,
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Drop for Batch<'_, K, V, S> {
    fn drop(&mut self) {
        self.pilots.clear();
        for turn in self.served.drain(..) {
            turn.set(Turn::Served);
        }
        if let Some(queue) = self.queue {
            queue.pass_on();
        }
    }
}

/// The loads of a batch whose values have not come yet.
///
/// Most loaders answer in the order in which they were asked, so the next load is tried first. Once one does not, all that
/// remain are found by their hashes.
pub(crate) struct Awaited<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    in_order: Peekable<vec::IntoIter<Pilot<'a, K, V, S>>>,
    by_key: Option<HashMap<K, Pilot<'a, K, V, S>, S>>,
}

impl<'a, K: Eq + Hash + Clone, V: Clone, S: BuildHasher + Clone> Awaited<'a, K, V, S> {
    pub(crate) fn of(batch: &mut Batch<'a, K, V, S>) -> Self {
        let pilots = std::mem::take(&mut batch.pilots);
        // A write lets a key be queued once more beside the load that it voids. If the loader then gives one value for
        // the two, the later load is to have it, and the other one is given up.
        let may_repeat = !pilots.iter().all(Pilot::may_store);
        let mut awaited = Self {
            in_order: pilots.into_iter().peekable(),
            by_key: None,
        };
        if may_repeat {
            awaited.find_by_key();
        }
        awaited
    }

    pub(crate) fn len(&self) -> usize {
        self.in_order.len() + self.by_key.as_ref().map_or(0, HashMap::len)
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
        self.by_key.as_mut()?.remove(key)
    }

    fn find_by_key(&mut self) {
        let hasher = self.in_order.peek().map(|pilot| pilot.hasher().clone());
        self.by_key = hasher.map(|hasher| {
            let mut by_key = HashMap::with_capacity_and_hasher(self.in_order.len(), hasher);
            by_key.extend(
                self.in_order
                    .by_ref()
                    .map(|pilot| (pilot.key().clone(), pilot)),
            );
            by_key
        });
    }

    /// The loads that have brought nothing.
    pub(crate) fn rest(self) -> impl Iterator<Item = Pilot<'a, K, V, S>> {
        self.in_order
            .chain(self.by_key.into_iter().flat_map(HashMap::into_values))
    }
}
