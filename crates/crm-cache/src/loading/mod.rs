//! A cache with its loader: it loads what is missing, refreshes what is about to end, and serves what is stale while nothing
//! better can be had.
//!
//! | file | what it holds |
//! |---|---|
//! | `builder.rs` | the configuration |
//! | `rules.rs` | when to refresh, and how long what is stale may be served |
//! | `request.rs` | one load, wherever it runs |

mod builder;
mod request;
mod rules;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use equivalent::Equivalent;

pub use builder::LoadingBuilder;
pub use request::Request;

use crate::content::{Standing, View};
use crate::load::{Flight, Outcome, Pilot, Ticket};
use crate::{BuildError, Cache, DefaultHashBuilder, LoadError, Stats, Tag};
use request::Duty;
use rules::Rules;

/// A [`Cache`] that knows how to load what is missing. Made by [`CacheBuilder::loading`](crate::CacheBuilder::loading) or
/// [`CacheBuilder::loading_by`](crate::CacheBuilder::loading_by).
///
/// What a plain cache leaves to each call it decides once for all: where loads run, when an entry is refreshed before its
/// life is over, how long a stale value may stand in for one that cannot be had, how long a load may take, how long a
/// failure is remembered. Clones share the cache.
///
/// ```
/// use crm_cache::Cache;
/// use std::time::Duration;
///
/// # #[derive(Clone)] struct Database;
/// # impl Database { fn customer(&self, id: u64) -> Result<String, std::io::Error> { Ok(format!("customer {id}")) } }
/// # let db = Database;
/// let customers = Cache::<u64, String>::builder(100_000)
///     .time_to_live(Duration::from_secs(300))
///     .loading(move |id: &u64| db.customer(*id))
///     .executor(|job| drop(std::thread::spawn(job)))   // a pool in a service: rayon::spawn, spawn_blocking
///     .refresh_ahead(0.8)                              // load anew, in the background, after four minutes
///     .stale_on_error(Duration::from_secs(3_600), Duration::from_secs(10))
///     .build()?;
/// assert_eq!(customers.get(&7)?, "customer 7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LoadingCache<K, V, E, S = DefaultHashBuilder>(Arc<Inner<K, V, E, S>>);

/// What the cache holds under a key: a value, or that it could not be loaded.
pub(crate) enum Loaded<V, E> {
    Value(V),
    Failed(Arc<E>),
}

impl<V: Clone, E> Clone for Loaded<V, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
        }
    }
}

/// How loads are run.
enum Loads<K, V, E> {
    /// In the thread that asks, and in the background on the executor if there is one.
    Function {
        load: Load<K, V, E>,
        executor: Option<Executor>,
    },
    /// Wherever this function starts them.
    Started(Arc<dyn Fn(Request<K, V, E>) + Send + Sync>),
}

/// Loads a key.
type Load<K, V, E> = Arc<dyn Fn(&K) -> Result<V, E> + Send + Sync>;

/// Runs jobs somewhere else.
type Executor = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// A future that is ready after a while.
type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

struct Inner<K, V, E, S> {
    cache: Cache<K, Loaded<V, E>, S>,
    loads: Loads<K, V, E>,
    rules: Rules,
    sleep: Option<Sleep>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    refreshes: AtomicU64,
    stale: AtomicU64,
    failures: AtomicU64,
    timeouts: AtomicU64,
}

fn count(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// What a look at a key has found.
enum Look<V, E> {
    /// The answer.
    Answer(Result<V, LoadError<E>>),
    /// It must be loaded; a stale value may stand in.
    Load(Option<V>),
}

/// How a wait for a load has gone.
enum Waited<V, E> {
    Answer(Result<V, LoadError<E>>),
    /// The load was given up: try again.
    Again,
}

impl<K, V, E, S> LoadingCache<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// The value of `key`, loaded if it is not here.
    ///
    /// Whether it is loaded, refreshed or served stale is decided by the rules that the cache was built with; see
    /// [`LoadingBuilder`].
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's error, which may be a remembered one, if no stale value may stand in.
    /// [`LoadError::TimedOut`] past the hard limit. [`LoadError::Abandoned`] if the load was given up.
    /// [`LoadError::Reentrant`] as for [`Cache::get_or_load`].
    ///
    /// # Panics
    ///
    /// A panic of a loader that runs in this thread goes through.
    pub fn get(&self, key: &K) -> Result<V, LoadError<E>> {
        let stale = match self.look(key) {
            Look::Answer(answer) => return answer,
            Look::Load(stale) => stale,
        };
        loop {
            let begun = self.begin(key)?;
            let flight = match &begun {
                Begun::Here(value) => return Ok(value.clone()),
                Begun::Flight { flight, .. } => flight,
            };
            let outcome = self.0.rules.first_limit(stale.is_some()).map_or_else(
                || Some(flight.outcome().wait()),
                |limit| flight.outcome().wait_for(limit),
            );
            match self.judge(key, &begun, outcome, stale.as_ref()) {
                Waited::Answer(answer) => return answer,
                Waited::Again => {}
            }
        }
    }

    /// As [`get`](Self::get), for tasks: it suspends where that blocks.
    ///
    /// The load itself runs on the [executor](LoadingBuilder::executor), or where
    /// [`loading_by`](crate::CacheBuilder::loading_by) starts it; without either it runs in the task that asks. Limits
    /// hold if the cache was given a [`sleep`](LoadingBuilder::sleep).
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// As for [`get`](Self::get).
    pub async fn get_async(&self, key: &K) -> Result<V, LoadError<E>> {
        let stale = match self.look(key) {
            Look::Answer(answer) => return answer,
            Look::Load(stale) => stale,
        };
        loop {
            let begun = self.begin_elsewhere(key)?;
            let flight = match &begun {
                Begun::Here(value) => return Ok(value.clone()),
                Begun::Flight { flight, .. } => flight,
            };
            let limit = self.0.rules.first_limit(stale.is_some());
            let outcome = match (limit, &self.0.sleep) {
                (Some(limit), Some(sleep)) => {
                    let (mut ready, mut over) = (pin!(flight.outcome().ready()), sleep(limit));
                    std::future::poll_fn(|context| match ready.as_mut().poll(context) {
                        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                        Poll::Pending => over.as_mut().poll(context).map(|()| None),
                    })
                    .await
                }
                _ => Some(flight.outcome().ready().await),
            };
            match self.judge(key, &begun, outcome, stale.as_ref()) {
                Waited::Answer(answer) => return answer,
                Waited::Again => {}
            }
        }
    }

    /// The fresh value of `key`, if it is here. Nothing is loaded or refreshed.
    pub fn get_if_present<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let loaded = self.0.cache.read(key, |loaded| match loaded {
            Loaded::Value(value) => Some(value.clone()),
            Loaded::Failed(_) => None,
        });
        loaded.flatten()
    }

    /// Loads `key` anew in the background if no load of it is under way, whatever stands in the cache. Says whether it
    /// did; false without an executor.
    pub fn refresh(&self, key: &K) -> bool {
        Inner::refresh(&self.0, key)
    }

    /// Stores a value; see [`Cache::insert`]. Returns the fresh value that was there.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        value_of(self.0.cache.insert(key, Loaded::Value(value))?)
    }

    /// Takes `key` out, stale value and remembered failure included; see [`Cache::remove`].
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        value_of(self.0.cache.remove(key)?)
    }

    /// Takes `key` out for an erasure request; see [`Cache::forget`]. Says whether anything fresh was here.
    ///
    /// # Panics
    ///
    /// As [`Cache::forget`].
    pub fn forget<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.0.cache.forget(key)
    }

    /// Invalidates all entries with a tag; see [`Cache::invalidate_tag`]. A stale value with the tag is served no more.
    ///
    /// # Panics
    ///
    /// As [`Cache::invalidate_tag`].
    pub fn invalidate_tag(&self, tag: Tag) {
        self.0.cache.invalidate_tag(tag);
    }

    /// Keeps the entries for which `keep` holds; see [`Cache::retain`]. Remembered failures are taken out.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.0.cache.retain(|key, loaded| match loaded {
            Loaded::Value(value) => keep(key, value),
            Loaded::Failed(_) => false,
        });
    }

    /// Takes everything out; see [`Cache::clear`].
    pub fn clear(&self) {
        self.0.cache.clear();
    }

    /// The entries held, stale values and remembered failures included; see [`Cache::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.cache.len()
    }

    /// Whether no entry is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.cache.is_empty()
    }

    /// What the cache has done since it was built.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &self.0.counts;
        let mut stats = self.0.cache.stats();
        stats.refreshes = counts.refreshes.load(Ordering::Relaxed);
        stats.stale_served = counts.stale.load(Ordering::Relaxed);
        stats.failures_served = counts.failures.load(Ordering::Relaxed);
        stats.load_timeouts = counts.timeouts.load(Ordering::Relaxed);
        stats
    }

    /// Looks at what is here, and has it refreshed if it is time.
    fn look(&self, key: &K) -> Look<V, E> {
        let found = self
            .0
            .cache
            .view(key, |loaded, view| (loaded.clone(), self.judgement(&view)));
        match found {
            Some((Loaded::Value(value), Judgement::Serve)) => Look::Answer(Ok(value)),
            Some((Loaded::Value(value), Judgement::ServeAndRefresh)) => {
                Inner::refresh(&self.0, key);
                Look::Answer(Ok(value))
            }
            Some((Loaded::Value(value), Judgement::ServeStale { refresh })) => {
                if refresh {
                    Inner::refresh(&self.0, key);
                }
                count(&self.0.counts.stale);
                Look::Answer(Ok(value))
            }
            Some((Loaded::Value(value), Judgement::Load { may_stand_in })) => {
                Look::Load(may_stand_in.then_some(value))
            }
            Some((Loaded::Failed(error), Judgement::Serve | Judgement::ServeAndRefresh)) => {
                count(&self.0.counts.failures);
                Look::Answer(Err(LoadError::Failed(error)))
            }
            Some((Loaded::Failed(_), _)) | None => Look::Load(None),
        }
    }

    fn judgement(&self, view: &View<'_>) -> Judgement {
        let rules = &self.0.rules;
        let is_paused = view.now < view.paused_until.load(Ordering::Relaxed);
        match view.standing {
            Standing::Fresh => {
                let mean = self.0.cache.mean_load_millis();
                if !is_paused && rules.is_refresh_due(view.since, view.fresh_until, view.now, mean)
                {
                    Judgement::ServeAndRefresh
                } else {
                    Judgement::Serve
                }
            }
            Standing::Stale => {
                let stale_for = view.now.saturating_sub(view.fresh_until);
                if rules.may_revalidate(stale_for) || is_paused {
                    Judgement::ServeStale {
                        refresh: !is_paused,
                    }
                } else {
                    Judgement::Load { may_stand_in: true }
                }
            }
            Standing::Invalidated => Judgement::Load {
                may_stand_in: false,
            },
        }
    }

    /// Joins the load of a key or begins one, in this thread if it may be.
    fn begin(&self, key: &K) -> Result<Begun<V, E>, LoadError<E>> {
        self.begin_with(key, self.0.rules.has_limits())
    }

    fn begin_elsewhere(&self, key: &K) -> Result<Begun<V, E>, LoadError<E>> {
        let has_executor = match &self.0.loads {
            Loads::Function { executor, .. } => executor.is_some(),
            Loads::Started(_) => true,
        };
        self.begin_with(key, has_executor)
    }

    fn begin_with(&self, key: &K, elsewhere: bool) -> Result<Begun<V, E>, LoadError<E>> {
        let inner = &self.0;
        let asked = inner.cache.stamp();
        let pilot = match inner.cache.flights.board(key, asked) {
            Ticket::Load(pilot) => {
                if let Some(Loaded::Value(value)) = inner.cache.peek(key) {
                    pilot.turn_back(Loaded::Value(value.clone()));
                    return Ok(Begun::Here(value));
                }
                pilot
            }
            Ticket::Wait(flight) if flight.is_mine() => return Err(LoadError::Reentrant),
            Ticket::Wait(flight) => match self.claim(key, &flight, elsewhere) {
                Some(pilot) => pilot,
                None => {
                    count(&inner.cache.flights.counts.waits);
                    return Ok(Begun::Flight {
                        flight,
                        asked,
                        is_own: false,
                    });
                }
            },
        };
        let flight = Arc::clone(pilot.flight());
        match &inner.loads {
            Loads::Started(start) => start(Request::new(Duty::begun(Arc::clone(inner), pilot))),
            Loads::Function { load, executor } => {
                let duty = Duty::queued(Arc::clone(inner), pilot);
                match executor {
                    Some(executor) if elsewhere => {
                        let load = Arc::clone(load);
                        executor(Box::new(move || duty.run(&*load)));
                    }
                    _ => duty.run(&**load),
                }
            }
        }
        Ok(Begun::Flight {
            flight,
            asked,
            is_own: true,
        })
    }

    /// Takes over a load that waits for the executor: nobody has begun it yet, and perhaps nobody will. Not if this would
    /// only hand it to the executor once more.
    fn claim(
        &self,
        key: &K,
        flight: &Arc<Flight<Loaded<V, E>>>,
        elsewhere: bool,
    ) -> Option<Pilot<'_, K, Loaded<V, E>, S>> {
        let runs_here = matches!(&self.0.loads, Loads::Function { executor, .. } if !elsewhere || executor.is_none());
        runs_here
            .then(|| Pilot::claim(&self.0.cache.flights, key, flight))
            .flatten()
    }

    /// What a caller is told after he has waited.
    fn judge(
        &self,
        key: &K,
        begun: &Begun<V, E>,
        outcome: Option<&Outcome<Loaded<V, E>>>,
        stale: Option<&V>,
    ) -> Waited<V, E> {
        let counts = &self.0.counts;
        let Begun::Flight {
            flight,
            asked,
            is_own,
        } = begun
        else {
            return Waited::Again;
        };
        let stand_in = |stale: &V| {
            count(&counts.stale);
            Waited::Answer(Ok(stale.clone()))
        };
        match (outcome, stale) {
            (Some(Outcome::Loaded(loaded @ Loaded::Value(value))), _) => {
                let cache = &self.0.cache;
                if cache.is_outdated(key, loaded, flight.stamp(), *asked) {
                    Waited::Again
                } else {
                    Waited::Answer(Ok(value.clone()))
                }
            }
            (Some(Outcome::Failed(_) | Outcome::Loaded(Loaded::Failed(_))), Some(stale)) => {
                stand_in(stale)
            }
            (Some(Outcome::Loaded(Loaded::Failed(error))), None) => {
                Waited::Answer(Err(LoadError::Failed(Arc::clone(error))))
            }
            (Some(Outcome::Failed(error)), None) => match Arc::clone(error).downcast::<E>() {
                Ok(error) => Waited::Answer(Err(LoadError::Failed(error))),
                Err(_) => Waited::Again,
            },
            // Tried once more by everybody who waited for somebody else. Who began it himself is told: it might never end.
            (Some(Outcome::Absent | Outcome::Abandoned), _) if !is_own => Waited::Again,
            (Some(Outcome::Absent | Outcome::Abandoned), Some(stale)) => stand_in(stale),
            (Some(Outcome::Absent | Outcome::Abandoned), None) => {
                Waited::Answer(Err(LoadError::Abandoned))
            }
            (None, Some(stale)) => {
                count(&counts.timeouts);
                stand_in(stale)
            }
            (None, None) => {
                count(&counts.timeouts);
                Waited::Answer(Err(LoadError::TimedOut))
            }
        }
    }
}

/// A load that has begun, by whomever, or is not needed.
enum Begun<V, E> {
    Here(V),
    Flight {
        flight: Arc<Flight<Loaded<V, E>>>,
        /// The cache's stamp when it was asked for.
        asked: u64,
        /// Whether the caller has begun it.
        is_own: bool,
    },
}

/// What is to be done with an entry that was found.
#[derive(Clone, Copy, Debug)]
enum Judgement {
    Serve,
    ServeAndRefresh,
    ServeStale { refresh: bool },
    Load { may_stand_in: bool },
}

impl<K, V, E, S> Inner<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Loads a key in the background, unless it is being loaded.
    fn refresh(this: &Arc<Self>, key: &K) -> bool {
        let executor = match &this.loads {
            Loads::Function { executor: None, .. } => return false,
            Loads::Function { load, executor } => {
                executor.as_ref().map(|executor| (load, executor))
            }
            Loads::Started(_) => None,
        };
        let Ticket::Load(pilot) = this.cache.flights.board(key, this.cache.stamp()) else {
            return false;
        };
        count(&this.counts.refreshes);
        match (&this.loads, executor) {
            (_, Some((load, executor))) => {
                let duty = Duty::queued(Arc::clone(this), pilot);
                let load = Arc::clone(load);
                executor(Box::new(move || duty.run(&*load)));
            }
            (Loads::Started(start), None) => {
                start(Request::new(Duty::begun(Arc::clone(this), pilot)));
            }
            (Loads::Function { .. }, None) => drop(pilot),
        }
        true
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

fn value_of<V, E>(loaded: Loaded<V, E>) -> Option<V> {
    match loaded {
        Loaded::Value(value) => Some(value),
        Loaded::Failed(_) => None,
    }
}

impl<K, V, E, S> Clone for LoadingCache<K, V, E, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V, E, S> fmt::Debug for LoadingCache<K, V, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadingCache")
            .field("cache", &self.0.cache)
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}

/// What a loading cache cannot be built from; see [`LoadingBuilder::build`].
fn check(rules: &Rules, has_executor: bool, may_inline: bool) -> Result<(), BuildError> {
    rules.check()?;
    if may_inline && !has_executor && rules.needs_executor() {
        return Err(BuildError::NoExecutor);
    }
    Ok(())
}
