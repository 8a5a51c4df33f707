//! Loading what is missing: one loader a key at a time, whether threads or tasks ask, one key or many.
//!
//! | file | what it holds |
//! |---|---|
//! | `flight.rs` | the loads under way, and who may store what they bring |
//! | `batch.rs` | the queue of keys that travel in one load |
//! | `table.rs` | where the loads under way are found by key |
//! | `signal.rs` | a value that comes once, for threads and tasks |
//! | `aboard.rs` | which loads the running code belongs to |
//! | `window.rs` | whether a snapshot may be restored: until the first write |

mod aboard;
mod batch;
mod flight;
#[cfg(all(test, any(loom, shuttle)))]
mod models;
mod signal;
mod table;
#[cfg(feature = "serde")]
mod window;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use aboard::{aboard, is_nested};
use batch::Kind;
pub(crate) use batch::{Awaited, Batch, Place, Queue, Turn};
pub(crate) use flight::{
    Flight, Flights, Landed, Numbered, Outcome, Pilot, Run, Seat, Ticket, Tickets,
};
pub(crate) use signal::Signal;

use crate::arrival::{Arrival, Declined};
use crate::{Cache, LoadError, RemovalCause};

use aboard::aboard_async;

impl<K: Eq + Hash + Clone, V: Clone, S: BuildHasher + Clone> Cache<K, V, S> {
    /// The value of `key`; if it is not here, `load` makes it and it is stored.
    ///
    /// Concurrent calls for the same key run one loader; the others wait for its result. The loader runs under no lock
    /// and may use the cache for other keys. Two loaders that wait for each other's keys wait for ever, as any two
    /// threads do that take two locks in opposite order.
    ///
    /// ```
    /// use crm_cache::{Cache, LoadError};
    ///
    /// let cache: Cache<u64, String> = Cache::new(100);
    /// let name = cache.get_or_load(&7, |id| Ok::<_, std::io::Error>(format!("customer {id}")))?;
    /// assert_eq!(name, "customer 7");
    ///
    /// let missing = cache.get_or_load(&8, |id| Err::<String, _>(std::io::Error::other(format!("no customer {id}"))));
    /// assert_eq!(format!("{:#}", missing.unwrap_err()), "the loader failed: no customer 8");
    /// # Ok::<(), LoadError<std::io::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's error, for everyone who waited for it; nothing is cached then.
    /// [`LoadError::Reentrant`] when a loader asks for the key that it is itself loading, on its own thread. (If it has
    /// another thread ask and waits for that one, it waits for ever.)
    ///
    /// # Panics
    ///
    /// A panic of `load` goes through to its caller. One of the waiters, if any, then runs its own loader.
    pub fn get_or_load<E>(
        &self,
        key: &K,
        load: impl FnOnce(&K) -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        E: Any + Send + Sync,
    {
        match self.get(key) {
            Some(value) => Ok(value),
            None => self.load(key, load),
        }
    }

    #[cold]
    fn load<E>(&self, key: &K, load: impl FnOnce(&K) -> Result<V, E>) -> Result<V, LoadError<E>>
    where
        E: Any + Send + Sync,
    {
        let pilot = loop {
            match self.board(key)? {
                Boarded::Here(value) => return Ok(value),
                Boarded::Load(pilot) => break pilot,
                Boarded::Wait(flight, asked) => {
                    let outcome = flight.outcome().wait();
                    if let Some(answer) = self.answer(key, &flight, asked, outcome) {
                        return answer;
                    }
                }
            }
        };
        let run = self.flights.run();
        let loaded = aboard(&[pilot.flight().id()], || load(key));
        self.land(pilot, run, loaded)
    }

    /// As [`get_or_load`](Self::get_or_load), with a loader that is a future.
    ///
    /// It works with any runtime and needs none. Threads and tasks that ask for the same key share one load. A task that
    /// is dropped while it loads hands over to one of those who wait.
    ///
    /// ```
    /// # use crm_cache::{Cache, LoadError};
    /// # async fn customer(id: u64) -> Result<String, std::io::Error> { Ok(format!("customer {id}")) }
    /// # async fn handler(cache: &Cache<u64, String>) -> Result<(), LoadError<std::io::Error>> {
    /// let name = cache.get_or_load_async(&7, |id| customer(id)).await?;
    /// # Ok(())
    /// # }
    /// # let cache = Cache::new(10);
    /// # let mut future = std::pin::pin!(handler(&cache));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(future.as_mut().poll(&mut context).is_ready());
    /// # use std::future::Future;
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`get_or_load`](Self::get_or_load). A loader that asks for its own key is told so as long as it does that
    /// within its own task.
    ///
    /// # Panics
    ///
    /// A panic of `load` goes through to its caller. One of the waiters, if any, then runs its own loader.
    pub async fn get_or_load_async<E, F>(
        &self,
        key: &K,
        load: impl FnOnce(K) -> F,
    ) -> Result<V, LoadError<E>>
    where
        E: Any + Send + Sync,
        F: Future<Output = Result<V, E>>,
    {
        if let Some(value) = self.get(key) {
            return Ok(value);
        }
        let pilot = loop {
            match self.board(key)? {
                Boarded::Here(value) => return Ok(value),
                Boarded::Load(pilot) => break pilot,
                Boarded::Wait(flight, asked) => {
                    let outcome = flight.outcome().ready().await;
                    if let Some(answer) = self.answer(key, &flight, asked, outcome) {
                        return answer;
                    }
                }
            }
        };
        let (ids, run) = ([pilot.flight().id()], self.flights.run());
        let load = aboard(&ids, || load(key.clone()));
        let loaded = aboard_async(&ids, load).await;
        self.land(pilot, run, loaded)
    }

    /// The value of `key`; if it is not here, `make` makes it and it is stored.
    ///
    /// As [`get_or_load`](Self::get_or_load) for what cannot fail: one maker a key at a time, under no lock, and its
    /// result is not stored if the key was written or removed meanwhile.
    ///
    /// ```
    /// let squares: crm_cache::Cache<u64, u64> = crm_cache::Cache::new(100);
    /// assert_eq!(squares.get_or_insert_with(&12, |n| n * n), 144);
    /// ```
    ///
    /// # Panics
    ///
    /// If `make` asks the cache for the key that it is itself making. A panic of `make` goes through to its caller; one
    /// of those who waited for it, if any, then runs its own.
    pub fn get_or_insert_with(&self, key: &K, make: impl FnOnce(&K) -> V) -> V {
        let made = self.get_or_load(key, |key| Ok::<V, Infallible>(make(key)));
        made.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The values of many keys, in their order; `load` is asked once for all that are missing, and they are stored.
    ///
    /// `load` gives pairs in any order. A key that it leaves out has no value (`None`), and nothing is stored for it;
    /// pairs that it was not asked for are dropped. They cannot borrow from `load`'s argument: `.collect::<Vec<_>>()` them.
    ///
    /// Calls share their loads. A key that somebody loads already is waited for. And while one batch is being loaded,
    /// what other calls miss gathers and travels in the next one, loaded by one of those calls for all of them; so the
    /// loaders of concurrent calls must give the same for the same key. A call that meets no other waits for nobody, and
    /// a thread not for the batch of a task, which may never be polled again: it loads what it misses itself.
    /// A batch has at most [`max_batch`](crate::CacheBuilder::max_batch) keys; `load` is called again for what is beyond.
    ///
    /// So `load` must not wait for another thread that asks this cache for many keys: that one waits for the batch. What
    /// it needs it asks for itself, on its own thread; its keys travel by themselves then.
    ///
    /// ```
    /// # fn names(ids: &[u64]) -> Result<Vec<(u64, String)>, std::io::Error> {
    /// #     Ok(ids.iter().filter(|&&id| id < 100).map(|&id| (id, format!("customer {id}"))).collect())
    /// # }
    /// let cache: crm_cache::Cache<u64, String> = crm_cache::Cache::new(100);
    /// cache.insert(7, "Ada".to_owned());
    /// // One query: ... WHERE id IN (8, 900)
    /// let page = cache.get_many_or_load(&[7, 8, 900], |missing| names(missing))?;
    /// assert_eq!(page, [Some("Ada".to_owned()), Some("customer 8".to_owned()), None]);
    /// # Ok::<(), crm_cache::LoadError<std::io::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] if a load failed that a key of this call travelled in, for every call that was part of it.
    /// What other loads brought is stored nevertheless. [`LoadError::Reentrant`] as for
    /// [`get_or_load`](Self::get_or_load).
    ///
    /// # Panics
    ///
    /// A panic of `load` goes through to its caller. The other calls whose keys were in the batch load again.
    pub fn get_many_or_load<E, I>(
        &self,
        keys: &[K],
        mut load: impl FnMut(&[K]) -> Result<I, E>,
    ) -> Result<Vec<Option<V>>, LoadError<E>>
    where
        E: Any + Send + Sync,
        I: IntoIterator<Item = (K, V)>,
    {
        let mut page = Page::new(self, keys);
        while page.is_incomplete() {
            let mut journey = self.board_many(&mut page, Kind::Running)?;
            if let Some(batch) = journey.batch.take() {
                let (ids, missing) = manifest(None, &batch);
                let run = self.flights.run();
                let loaded = aboard(&ids, || gathered(load(&missing)));
                page.take_all(aboard(&ids, || self.land_batch(batch, run, loaded))?);
            }
            if let Some(place) = &mut journey.place {
                if *place.turn().wait() == Turn::Lead {
                    while let Some(batch) = place.next_batch(self.max_batch) {
                        let (ids, missing) = manifest(Some(&*place), &batch);
                        let run = self.flights.run();
                        let loaded = aboard(&ids, || gathered(load(&missing)));
                        // This call is told by its flights, as the others are.
                        drop(aboard(&ids, || self.land_batch(batch, run, loaded)));
                    }
                }
            }
            for (at, flight) in &journey.flights {
                let outcome = flight.outcome().wait();
                let answer = self.answer(&keys[*at], flight, journey.asked, outcome);
                page.take(*at, answer, outcome)?;
            }
        }
        Ok(page.values)
    }

    /// As [`get_many_or_load`](Self::get_many_or_load), with a loader that is a future.
    ///
    /// While the load of one task is under way, other tasks queue behind it, and a task that is suspended in its load and
    /// not polled holds them up: poll it to its end, spawn it, or drop it. (In `select!`, or between two futures of a
    /// `FuturesUnordered`, that is easily forgotten.) Threads do not queue behind a task, and a task that has not begun to
    /// load holds up nobody. Like any load, one that nobody polls holds up those who ask for its own keys.
    ///
    /// # Errors
    ///
    /// As for [`get_many_or_load`](Self::get_many_or_load).
    ///
    /// # Panics
    ///
    /// A panic of `load` goes through to its caller. The other calls whose keys were in the batch load again; the same
    /// holds if the task is dropped.
    pub async fn get_many_or_load_async<E, I, F>(
        &self,
        keys: &[K],
        mut load: impl FnMut(Vec<K>) -> F,
    ) -> Result<Vec<Option<V>>, LoadError<E>>
    where
        E: Any + Send + Sync,
        I: IntoIterator<Item = (K, V)>,
        F: Future<Output = Result<I, E>>,
    {
        let mut page = Page::new(self, keys);
        while page.is_incomplete() {
            let mut journey = self.board_many(&mut page, Kind::Suspending)?;
            if let Some(batch) = journey.batch.take() {
                let (ids, missing) = manifest(None, &batch);
                let run = self.flights.run();
                let load = aboard(&ids, || load(missing));
                let load = async { gathered(load.await) };
                let loaded = aboard_async(&ids, load).await;
                page.take_all(aboard(&ids, || self.land_batch(batch, run, loaded))?);
            }
            if let Some(place) = &mut journey.place {
                if *place.turn().ready().await == Turn::Lead {
                    while let Some(batch) = place.next_batch(self.max_batch) {
                        let (ids, missing) = manifest(Some(&*place), &batch);
                        let run = self.flights.run();
                        let load = aboard(&ids, || load(missing));
                        let load = async { gathered(load.await) };
                        let loaded = aboard_async(&ids, load).await;
                        drop(aboard(&ids, || self.land_batch(batch, run, loaded)));
                    }
                }
            }
            for (at, flight) in &journey.flights {
                let outcome = flight.outcome().ready().await;
                let answer = self.answer(&keys[*at], flight, journey.asked, outcome);
                page.take(*at, answer, outcome)?;
            }
        }
        Ok(page.values)
    }

    /// Joins the load of a key or begins one.
    fn board<E>(&self, key: &K) -> Result<Boarded<'_, K, V, S>, LoadError<E>> {
        let asked = self.stamp();
        match self.flights.board(key, asked) {
            // Another load may have landed between our miss and our boarding.
            Ticket::Load(pilot) => match self.peek_at(pilot.hash(), key) {
                Some(value) => {
                    pilot.turn_back();
                    Ok(Boarded::Here(value))
                }
                None => Ok(Boarded::Load(pilot)),
            },
            Ticket::Wait(flight) if flight.is_mine() => Err(LoadError::Reentrant),
            Ticket::Wait(flight) => {
                if let Some(pilot) = self.steal(&flight) {
                    return Ok(Boarded::Load(pilot));
                }
                self.flights.counts.waits.fetch_add(1, Ordering::Relaxed);
                Ok(Boarded::Wait(flight, asked))
            }
        }
    }

    /// Joins the loads of the keys that a page misses, and takes charge of those that nobody loads.
    fn board_many<E>(
        &self,
        page: &mut Page<'_, K, V>,
        kind: Kind,
    ) -> Result<Journey<'_, K, V, S>, LoadError<E>> {
        let (asked, missing) = (self.stamp(), std::mem::take(&mut page.missing));
        let Tickets {
            load: pilots,
            wait: mut flights,
        } = self.flights.board_all(page.keys, &missing, asked);
        let (mut stolen, mut waits) = (Vec::new(), 0);
        // A key that is given twice is waited for with the rest of its own call.
        let own: HashSet<_> = match flights.is_empty() {
            true => HashSet::new(),
            false => pilots.iter().map(|pilot| pilot.flight().id()).collect(),
        };
        for (_, flight) in &flights {
            if flight.is_mine() {
                return Err(LoadError::Reentrant);
            }
            if !own.contains(&flight.id()) {
                // A task would only queue it again.
                let may_steal = kind == Kind::Running || is_nested();
                match may_steal.then(|| self.steal(flight)).flatten() {
                    Some(pilot) => stolen.push(pilot),
                    None => waits += 1,
                }
            }
        }
        self.flights
            .counts
            .waits
            .fetch_add(waits, Ordering::Relaxed);
        // Another load may have landed between our miss and our boarding.
        let values = &mut page.values;
        let missing = pilots.into_iter().filter_map(|pilot| {
            let Some(value) = self.peek_at(pilot.hash(), pilot.key()) else {
                return Some(pilot);
            };
            values[pilot.number()] = Some(value);
            pilot.turn_back();
            None
        });
        let mut pilots: Vec<_> = missing.collect();
        let (mut batch, mut place) = (None, None);
        if !pilots.is_empty() || !stolen.is_empty() {
            if stolen.is_empty() {
                batch = self.lead(&mut pilots, kind);
            }
            if batch.is_none() {
                let own = pilots.iter();
                flights.extend(own.map(|pilot| (pilot.number(), Arc::clone(pilot.flight()))));
                pilots.extend(stolen);
                place = Some(if is_nested() {
                    Place::alone(&self.flights, pilots)
                } else {
                    self.queue.join_as(kind, &self.flights, pilots)
                });
            }
        }
        Ok(Journey {
            batch,
            place,
            flights,
            asked,
        })
    }

    /// The one batch of a call that is no loader's and meets no other. Otherwise it keeps its pilots.
    fn lead<'a>(
        &'a self,
        pilots: &mut Vec<Pilot<'a, K, V, S>>,
        kind: Kind,
    ) -> Option<Batch<'a, K, V, S>> {
        let may_lead = !is_nested() && pilots.len() <= self.max_batch;
        may_lead.then(|| self.queue.lead(pilots, kind)).flatten()
    }

    /// The controls of a load that waits in the queue, for a loader that asks for it, since the queue may wait for that
    /// loader, and for anybody where the queue may wait for a task that is not polled.
    pub(crate) fn steal(&self, flight: &Arc<Flight<K, V>>) -> Option<Pilot<'_, K, V, S>> {
        let seat = self.queue.steal(flight, is_nested())?;
        Some(Pilot::of(&self.flights, seat))
    }

    /// What somebody who waited for a load is told; none if he is to try himself.
    ///
    /// A waiter whose loader has another error type cannot be told the error: he loads himself. So does one who asked
    /// after a tag of the value was invalidated, while the load had begun before.
    fn answer<E: Any + Send + Sync>(
        &self,
        key: &K,
        flight: &Flight<K, V>,
        asked: u64,
        outcome: &Outcome<V>,
    ) -> Option<Result<V, LoadError<E>>> {
        match outcome {
            Outcome::Loaded(value) => {
                let is_good = !self.is_outdated(key, value, flight.stamp(), asked);
                is_good.then(|| Ok(value.clone()))
            }
            Outcome::Failed(error) => {
                let error = Arc::clone(error).downcast::<E>().ok()?;
                Some(Err(LoadError::Failed(error)))
            }
            Outcome::Absent => None,
            Outcome::Abandoned => self.peek(key).map(Ok),
        }
    }

    /// Stores what a loader has brought, and wakes those who wait.
    fn land<E>(
        &self,
        pilot: Pilot<'_, K, V, S>,
        run: Run<'_>,
        loaded: Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        E: Any + Send + Sync,
    {
        match loaded {
            Ok(value) => {
                run.succeeded();
                let landed = self.land_loaded(pilot, value);
                Ok(landed.into_value().expect("it has brought one"))
            }
            Err(error) => {
                // Counted before anybody is woken who might look.
                drop(run);
                let error = Arc::new(error);
                pilot.land_failed(Arc::clone(&error) as Arc<dyn Any + Send + Sync>);
                Err(LoadError::Failed(error))
            }
        }
    }

    pub(crate) fn land_loaded(&self, pilot: Pilot<'_, K, V, S>, value: V) -> Landed<K, V> {
        aboard(&[pilot.flight().id()], || {
            let arrival = self.arrival_of(&pilot, value.clone());
            self.land_arrival(pilot, value, arrival)
        })
    }

    /// As [`land_loaded`](Self::land_loaded), for what is worth nothing once its life is over.
    pub(crate) fn land_brief(&self, pilot: Pilot<'_, K, V, S>, value: V) {
        // What has landed lives until the stay is over, so that no new flight takes its name.
        let _landed = aboard(&[pilot.flight().id()], || {
            let mut arrival = self.arrival_of(&pilot, value.clone());
            arrival.deadline = arrival.deadline.min(arrival.mark.fresh_until);
            self.land_arrival(pilot, value, arrival)
        });
    }

    /// It asks the user's functions, so it is to be called aboard.
    fn arrival_of(&self, pilot: &Pilot<'_, K, V, S>, value: V) -> Arrival<K, V> {
        let (key, stamp) = (pilot.key().clone(), pilot.flight().stamp());
        self.arrival_at(pilot.hash(), key, value, stamp)
    }

    /// Lands as soon as it is stored: a listener that is told who had to leave for it may ask for the key again.
    fn land_arrival(
        &self,
        pilot: Pilot<'_, K, V, S>,
        value: V,
        arrival: Arrival<K, V>,
    ) -> Landed<K, V> {
        let (pilot, landed) = (RefCell::new(Some(pilot)), Cell::new(None));
        let value = Cell::new(Some(value));
        let land = || {
            let pilot = pilot.borrow_mut().take();
            if let Some((pilot, value)) = pilot.zip(value.take()) {
                landed.set(Some(pilot.land_loaded(value)));
            }
        };
        let refused = self.store_loaded(&pilot, arrival, land);
        land();
        self.tell_refused(refused);
        landed.take().expect("it has landed by now")
    }

    /// Stores what a load has brought, unless it is void; hands back what is too heavy.
    fn store_loaded(
        &self,
        pilot: &RefCell<Option<Pilot<'_, K, V, S>>>,
        arrival: Arrival<K, V>,
        then: impl FnOnce(),
    ) -> Option<(K, V)> {
        let is_invalidated = self.is_invalidated(&arrival);
        let may_store =
            |_| !is_invalidated && pilot.borrow().as_ref().is_some_and(Pilot::may_store);
        match self.store(arrival, may_store, then) {
            Ok(_) => None,
            Err(Declined::Unwanted(_)) => {
                self.flights.count_voided();
                None
            }
            Err(Declined::TooHeavy { pair, .. }) => Some(pair),
        }
    }

    /// Tells the listener, once those who wait for it are awake: it may ask for what was refused.
    fn tell_refused(&self, refused: Option<(K, V)>) {
        if let Some((key, value)) = refused {
            self.listener.tell(&key, &value, RemovalCause::Refused);
        }
    }

    /// Stores what a loader has brought for many keys, wakes those who wait, and gives the values. To be called aboard, as
    /// is [`arrival_of`](Self::arrival_of).
    fn land_batch<E>(
        &self,
        mut batch: Batch<'_, K, V, S>,
        run: Run<'_>,
        loaded: Result<Vec<(K, V)>, E>,
    ) -> Result<Vec<Landed<K, V>>, LoadError<E>>
    where
        E: Any + Send + Sync,
    {
        match loaded {
            Ok(loaded) => {
                run.succeeded();
                let mut awaited = Awaited::of(&mut batch);
                let (mut landing, mut landed) = (Vec::with_capacity(awaited.len()), Vec::new());
                for (key, value) in loaded {
                    let Some(pilot) = awaited.take(&key) else {
                        continue;
                    };
                    let arrival = self.arrival_of(&pilot, value.clone());
                    if self.listener.is_listening() {
                        landed.push(self.land_arrival(pilot, value, arrival));
                        continue;
                    }
                    // Nobody is told of anything, so all can land together.
                    let pilot = RefCell::new(Some(pilot));
                    self.store_loaded(&pilot, arrival, || ());
                    landing.extend(pilot.into_inner().map(|pilot| (pilot, Some(value))));
                }
                for pilot in awaited.rest() {
                    // A snapshot may have brought it while the load ran.
                    self.take_out_absent(&pilot);
                    landing.push((pilot, None));
                }
                landed.extend(self.flights.land_all(landing));
                Ok(landed)
            }
            Err(error) => {
                drop(run);
                let error = Arc::new(error);
                for pilot in batch.pilots.drain(..) {
                    pilot.land_failed(Arc::clone(&error) as Arc<dyn Any + Send + Sync>);
                }
                Err(LoadError::Failed(error))
            }
        }
    }
}

/// What somebody who wants one key is to do.
enum Boarded<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    /// Nothing: it is here after all.
    Here(V),
    Load(Pilot<'a, K, V, S>),
    /// Wait for somebody else's load, and know the stamp at which he asked for it.
    Wait(Arc<Flight<K, V>>, u64),
}

/// What a call for many keys waits for.
struct Journey<'a, K: Eq + Hash, V: Clone, S: BuildHasher + Clone> {
    /// All that it is to load, if it has met nobody.
    batch: Option<Batch<'a, K, V, S>>,
    /// Where its keys are queued otherwise. None if others load all of them.
    place: Option<Place<'a, K, V, S>>,
    /// The loads outside that batch, with the position of their keys.
    flights: Numbered<K, V>,
    /// The stamp when it began to wait.
    asked: u64,
}

/// What a call for many keys has so far.
struct Page<'a, K, V> {
    keys: &'a [K],
    values: Vec<Option<V>>,
    /// The positions of those still to be loaded.
    missing: Vec<usize>,
}

impl<'a, K: Eq + Hash + Clone, V: Clone> Page<'a, K, V> {
    fn new<S: BuildHasher + Clone>(cache: &Cache<K, V, S>, keys: &'a [K]) -> Self {
        let values: Vec<_> = keys.iter().map(|key| cache.get(key)).collect();
        let mut missing = Vec::new();
        for (at, value) in values.iter().enumerate() {
            if value.is_none() {
                if missing.is_empty() {
                    missing.reserve_exact(keys.len() - at);
                }
                missing.push(at);
            }
        }
        Self {
            keys,
            values,
            missing,
        }
    }

    fn is_incomplete(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Takes in how the load of a key has ended. One that was given up is missing again.
    fn take<E: Any + Send + Sync>(
        &mut self,
        at: usize,
        answer: Option<Result<V, LoadError<E>>>,
        outcome: &Outcome<V>,
    ) -> Result<(), LoadError<E>> {
        match answer {
            Some(Ok(value)) => self.values[at] = Some(value),
            Some(Err(error)) => return Err(error),
            None if matches!(outcome, Outcome::Absent) => {}
            None => self.missing.push(at),
        }
        Ok(())
    }

    /// Takes in what the batch of its own call has brought.
    fn take_all(&mut self, landed: Vec<Landed<K, V>>) {
        for landed in landed {
            let at = landed.number();
            self.values[at] = landed.into_value();
        }
    }
}

/// What a loader gives, run through while it counts as the loader: its iterator may ask the cache, too.
fn gathered<K, V, E, I>(loaded: Result<I, E>) -> Result<Vec<(K, V)>, E>
where
    I: IntoIterator<Item = (K, V)>,
{
    loaded.map(|pairs| pairs.into_iter().collect())
}

/// What a batch is about: the names of the flights that its loader must not wait for, and its keys.
pub(crate) fn manifest<K: Eq + Hash + Clone, V: Clone, S: BuildHasher + Clone>(
    place: Option<&Place<'_, K, V, S>>,
    batch: &Batch<'_, K, V, S>,
) -> (Vec<usize>, Vec<K>) {
    let (mut ids, keys): (Vec<_>, _) = batch
        .pilots
        .iter()
        .map(|pilot| (pilot.flight().id(), pilot.key().clone()))
        .unzip();
    ids.extend(place.into_iter().flat_map(Place::waiting));
    (ids, keys)
}
