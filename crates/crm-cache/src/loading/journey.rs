//! The loads that a call has joined or begun, and what it is told when they end.

use std::any::Any;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::crew::Crew;
use super::page::Page;
use super::request::Duty;
use super::{Inner, Loaded, LoadingCache, Loads, Request, count};
use crate::LoadError;
use crate::load::{Flight, Outcome, Pilot, Place, Ticket, is_nested};

/// Where a call has its loads run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// In its own thread.
    Here,
    /// On the executor, while its own thread takes over what has not begun.
    Shared,
    /// On the executor. The call may go before they end.
    Elsewhere,
}

/// What a call waits for.
pub(super) struct Journey<'a, K: Eq + Hash, V: Clone, E, S: BuildHasher + Clone> {
    /// Where its keys are queued that it loads itself, many in one load.
    pub(super) place: Option<Place<'a, K, Loaded<V, E>, S>>,
    pub(super) waits: Vec<Wait<K, V, E>>,
}

/// One key that a call waits for.
pub(super) struct Wait<K, V, E> {
    /// Its position.
    pub(super) at: usize,
    /// What may stand in.
    pub(super) stale: Option<V>,
    pub(super) flight: Arc<Flight<K, Loaded<V, E>>>,
    /// The cache's stamp when it was asked for.
    asked: u64,
    /// Whether the call is told if the load is given up. It tries again otherwise.
    is_last: bool,
}

impl<K, V, E, S> LoadingCache<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Joins the loads of what a page misses, or begins them.
    pub(super) fn begin<'s>(
        &'s self,
        page: &mut Page<'_, K, V, E>,
        mode: Mode,
    ) -> Journey<'s, K, V, E, S> {
        let inner = &self.0;
        let missing = std::mem::take(&mut page.missing);
        let mut waits = Vec::with_capacity(missing.len());
        let (mut pilots, mut own) = (Vec::new(), HashSet::new());
        // Who began a load himself is told if it was given up: the next one might be too, and so for ever. What runs in
        // this thread is given up by others only.
        let is_last = mode == Mode::Elsewhere || matches!(inner.loads, Loads::Started(_));
        for (at, stale) in missing {
            let key = &page.keys[at];
            let asked = inner.cache.stamp();
            let ticket = inner.cache.flights.board(key, asked);
            if let (Ticket::Wait(flight), Some(stale)) = (&ticket, &stale) {
                // It is enough that one caller has waited in vain.
                if flight.is_late() && !flight.is_mine() {
                    count(&inner.counts.timeouts);
                    count(&inner.counts.stale);
                    page.answer(at, Ok(stale.clone()));
                    continue;
                }
            }
            let pilot = match ticket {
                Ticket::Load(pilot) => {
                    // Another load may have landed between the look and the boarding.
                    if let Some(Loaded::Value(value)) = inner.cache.peek(key) {
                        pilot.turn_back();
                        page.answer(at, Ok(value));
                        continue;
                    }
                    Ok(pilot)
                }
                Ticket::Wait(flight) if flight.is_mine() => {
                    page.answer(at, Err(LoadError::Reentrant));
                    continue;
                }
                // A key that is given twice is waited for with the rest of its own call.
                Ticket::Wait(flight) if own.contains(&flight.id()) => Err(flight),
                Ticket::Wait(flight) => self.take_over(&flight, mode).ok_or_else(|| {
                    count(&inner.cache.flights.counts.waits);
                    flight
                }),
            };
            let (flight, is_own) = match pilot {
                Err(flight) => (flight, false),
                Ok(pilot) => {
                    let flight = Arc::clone(pilot.flight());
                    own.insert(flight.id());
                    match &inner.loads {
                        Loads::Many { .. } => pilots.push(pilot),
                        _ => self.fly(pilot, mode),
                    }
                    (flight, true)
                }
            };
            waits.push(Wait {
                at,
                stale,
                flight,
                asked,
                is_last: is_own && is_last,
            });
        }
        let place = self.fly_together(page, pilots, mode);
        Journey { place, waits }
    }

    /// Has one key loaded.
    fn fly(&self, pilot: Pilot<'_, K, Loaded<V, E>, S>, mode: Mode) {
        let inner = Arc::clone(&self.0);
        match &self.0.loads {
            Loads::Started(start) => start(Request::new(Duty::begun(inner, pilot))),
            Loads::Function { load, executor } => {
                let duty = Duty::queued(inner, pilot);
                match executor {
                    Some(executor) if mode != Mode::Here => {
                        let load = Arc::clone(load);
                        executor(Box::new(move || duty.run(&*load)));
                    }
                    _ => duty.run(&**load),
                }
            }
            Loads::Many { .. } => unreachable!("they fly together"),
        }
    }

    /// Has many keys loaded, with what is to be loaded anew as far as it adds no load.
    fn fly_together<'s>(
        &'s self,
        page: &mut Page<'_, K, V, E>,
        mut pilots: Vec<Pilot<'s, K, Loaded<V, E>, S>>,
        mode: Mode,
    ) -> Option<Place<'s, K, Loaded<V, E>, S>> {
        let inner = &self.0;
        let due = std::mem::take(&mut page.due);
        let (with_us, apart) = if pilots.is_empty() {
            due.split_at(0)
        } else {
            let largest = inner.cache.max_batch;
            let room = pilots.len().next_multiple_of(largest) - pilots.len();
            due.split_at(room.min(due.len()))
        };
        pilots.extend(
            with_us
                .iter()
                .filter_map(|&at| inner.board_anew(&page.keys[at])),
        );
        Inner::refresh(inner, apart.iter().map(|&at| &page.keys[at]));
        if pilots.is_empty() {
            return None;
        }
        match &inner.loads {
            Loads::Many {
                executor: Some(executor),
                ..
            } if mode == Mode::Elsewhere => {
                let crew = Crew::queued(Arc::clone(inner), pilots);
                executor(Box::new(move || crew.run()));
                None
            }
            _ if is_nested() => Some(Place::alone(&inner.cache.flights, pilots)),
            _ => Some(inner.cache.queue.join(&inner.cache.flights, pilots)),
        }
    }

    /// Takes over a load that waits for the executor: nobody has begun it yet, and perhaps nobody will. Not if this would
    /// only hand it to the executor once more.
    ///
    /// A loader also takes over what waits in the queue: the queue may wait for that loader.
    fn take_over<'s>(
        &'s self,
        flight: &Arc<Flight<K, Loaded<V, E>>>,
        mode: Mode,
    ) -> Option<Pilot<'s, K, Loaded<V, E>, S>> {
        let cache = &self.0.cache;
        let claim = || Pilot::claim(&cache.flights, flight);
        match &self.0.loads {
            Loads::Started(_) => None,
            Loads::Function { .. } => (mode == Mode::Here).then(claim).flatten(),
            Loads::Many { .. } => (mode == Mode::Here || is_nested())
                .then(claim)
                .flatten()
                .or_else(|| cache.steal(flight)),
        }
    }

    /// Loads a key here that was given to the executor, unless it has begun.
    pub(super) fn help(&self, flight: &Arc<Flight<K, Loaded<V, E>>>) {
        if let Loads::Function { .. } = &self.0.loads {
            if let Some(pilot) = Pilot::claim(&self.0.cache.flights, flight) {
                self.fly(pilot, Mode::Here);
            }
        }
    }

    /// What a caller is told after he has waited; none if he is to try again.
    pub(super) fn judge(
        &self,
        key: &K,
        wait: &Wait<K, V, E>,
        outcome: Option<&Outcome<Loaded<V, E>>>,
    ) -> Option<Result<V, LoadError<E>>> {
        let counts = &self.0.counts;
        let or_stale = |error: LoadError<E>| match &wait.stale {
            Some(stale) => {
                count(&counts.stale);
                Some(Ok(stale.clone()))
            }
            None => Some(Err(error)),
        };
        match outcome {
            Some(Outcome::Loaded(loaded @ Loaded::Value(value))) => {
                let cache = &self.0.cache;
                let is_good = !cache.is_outdated(key, loaded, wait.flight.stamp(), wait.asked);
                is_good.then(|| Ok(value.clone()))
            }
            // What is not there has no tags: any that was invalidated since may have brought it.
            Some(Outcome::Absent | Outcome::Loaded(Loaded::Absent)) => {
                (wait.asked <= wait.flight.stamp()).then_some(Err(LoadError::Absent))
            }
            Some(Outcome::Loaded(Loaded::Failed(error))) => {
                or_stale(LoadError::Failed(Arc::clone(error)))
            }
            Some(Outcome::Failed(error)) => match Arc::clone(error).downcast::<E>() {
                Ok(error) => or_stale(LoadError::Failed(error)),
                Err(_) => None,
            },
            Some(Outcome::Abandoned) if !wait.is_last => None,
            Some(Outcome::Abandoned) => or_stale(LoadError::Abandoned),
            None => {
                wait.flight.be_late();
                count(&counts.timeouts);
                or_stale(LoadError::TimedOut)
            }
        }
    }
}
