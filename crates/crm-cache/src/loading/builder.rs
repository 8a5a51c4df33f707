//! Configures a loading cache before it is built.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use super::check::check;
use super::rules::Rules;
use super::{Counts, Executor, Inner, Loaded, LoadingCache, Loads, Request, Sleep};
use crate::{BuildError, CacheBuilder, DefaultHashBuilder};

/// Configures a [`LoadingCache`]; made by [`CacheBuilder::loading`], [`CacheBuilder::loading_optional`],
/// [`CacheBuilder::loading_many`] or [`CacheBuilder::loading_by`].
///
/// | rule | without it |
/// |---|---|
/// | [`refresh_ahead`](Self::refresh_ahead), [`early_expiry`](Self::early_expiry) | the first to ask after the end of a life waits |
/// | [`stale_while_revalidating`](Self::stale_while_revalidating) | the same, for what nobody asked for in time |
/// | [`stale_on_error`](Self::stale_on_error) | an error of the loader reaches the caller |
/// | [`retry_pause`](Self::retry_pause) | a load that has failed is tried again after a second |
/// | [`soft_limit`](Self::soft_limit), [`hard_limit`](Self::hard_limit) | a caller waits as long as the loader takes |
/// | [`remember_failures`](Self::remember_failures) | each call for a key that cannot be loaded tries again |
/// | [`remember_absences`](Self::remember_absences) | the same for a key that the source does not have |
///
/// Nothing that was removed, forgotten or invalidated is served as stale.
#[must_use = "a builder makes a cache only when built"]
pub struct LoadingBuilder<K, V, E, S = DefaultHashBuilder> {
    cache: CacheBuilder<K, V, S>,
    loads: Loads<K, V, E>,
    rules: Rules,
    sleep: Option<Sleep>,
    /// Whether an executor was given to loads that are started elsewhere.
    has_useless_executor: bool,
    /// Whether a largest batch was given to a loader of one key.
    has_useless_batch: bool,
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Makes a cache that loads what is missing by this function.
    ///
    /// It runs in the thread that asks, or on the [executor](LoadingBuilder::executor) where it may not hold that up. If the
    /// source may not have a key, use [`loading_optional`](Self::loading_optional): an error that says so is taken for an
    /// outage.
    pub fn loading<E>(
        self,
        load: impl Fn(&K) -> Result<V, E> + Send + Sync + 'static,
    ) -> LoadingBuilder<K, V, E, S> {
        self.loading_optional(move |key| load(key).map(Some))
    }

    /// As [`loading`](Self::loading), by a function that can say that the source does not have a key: `Ok(None)`.
    ///
    /// Callers are told [`LoadError::Absent`](crate::LoadError::Absent). Unlike an error this is an answer: it ends what was
    /// known of the key, so that nothing stale stands in for a record that was deleted, and it is
    /// [remembered](LoadingBuilder::remember_absences) apart from errors.
    ///
    /// ```
    /// use crm_cache::{Cache, LoadError};
    /// use std::time::Duration;
    /// # #[derive(Clone)] struct Database;
    /// # impl Database {
    /// #     fn find(&self, id: u64) -> Result<Option<String>, std::io::Error> {
    /// #         Ok((id < 100).then(|| format!("customer {id}")))
    /// #     }
    /// # }
    /// # let db = Database;
    ///
    /// let customers = Cache::<u64, String>::builder(100_000)
    ///     .time_to_live(Duration::from_secs(300))
    ///     .loading_optional(move |id: &u64| db.find(*id)) // a query that finds a row or none
    ///     .stale_on_error(Duration::from_secs(3_600), Duration::from_secs(10))
    ///     .remember_absences(Duration::from_secs(60))
    ///     .build()?;
    /// assert_eq!(customers.get(&7)?, "customer 7");
    /// assert!(matches!(customers.get(&900), Err(LoadError::Absent)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn loading_optional<E>(
        self,
        load: impl Fn(&K) -> Result<Option<V>, E> + Send + Sync + 'static,
    ) -> LoadingBuilder<K, V, E, S> {
        LoadingBuilder::new(
            self,
            Loads::Function {
                load: Arc::new(load),
                executor: None,
            },
        )
    }

    /// Makes a cache that loads what is missing by this function, many keys in one load.
    ///
    /// What a page misses and what of it is to be refreshed travels together, and so does what other calls miss while a
    /// load is under way: see [`LoadingCache::get_many`]. A load has at most [`max_batch`](Self::max_batch) keys.
    ///
    /// The function gives pairs in any order; pairs that it was not asked for are dropped. A key that it leaves out is
    /// told as [`LoadError::Absent`](crate::LoadError::Absent): the source does not have it. That ends what was known of
    /// the key, stale or fresh, and is itself [remembered](LoadingBuilder::remember_absences) only if that is asked for.
    ///
    /// What it returns cannot borrow from the keys that it is given: end `ids.iter().map(..)` with `.collect::<Vec<_>>()`.
    ///
    /// It runs where that of [`loading`](Self::loading) does.
    ///
    /// The loader must not wait for another thread that asks the same cache for keys that are not here: that one is queued
    /// behind it. What it needs it asks for on its own thread.
    ///
    /// ```
    /// use crm_cache::Cache;
    /// use std::time::Duration;
    /// # #[derive(Clone)] struct Database;
    /// # impl Database {
    /// #     fn customers(&self, ids: &[u64]) -> Result<Vec<(u64, String)>, std::io::Error> {
    /// #         Ok(ids.iter().map(|&id| (id, format!("customer {id}"))).collect())
    /// #     }
    /// # }
    /// # let db = Database;
    ///
    /// let customers = Cache::<u64, String>::builder(100_000)
    ///     .time_to_live(Duration::from_secs(300))
    ///     .max_batch(500)
    ///     .loading_many(move |ids: &[u64]| db.customers(ids))
    ///     .executor(|job| drop(std::thread::spawn(job)))
    ///     .refresh_ahead(0.8)
    ///     .build()?;
    /// let page = customers.get_many(&[7, 8, 9]); // one query
    /// assert_eq!(page.len(), 3);
    /// assert_eq!(customers.stats().loads, 1);
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    #[doc(alias = "loadAll", alias = "bulk")]
    pub fn loading_many<E, I>(
        self,
        load: impl Fn(&[K]) -> Result<I, E> + Send + Sync + 'static,
    ) -> LoadingBuilder<K, V, E, S>
    where
        I: IntoIterator<Item = (K, V)>,
    {
        // Collected within the load: an iterator may be lazy, and use the cache.
        let load = move |keys: &[K]| Ok(load(keys)?.into_iter().collect());
        LoadingBuilder::new(
            self,
            Loads::Many {
                load: Arc::new(load),
                executor: None,
            },
        )
    }

    /// Makes a cache whose loads this function starts, wherever they run: a task of an async runtime, a pool, a queue.
    ///
    /// The function returns at once and sees to it that the request is [answered](Request::answer), be it that
    /// the source [does not have](Request::answer_absent) the key.
    ///
    /// ```
    /// use crm_cache::{Cache, Request};
    /// # async fn customer(id: u64) -> Result<String, std::io::Error> { Ok(format!("customer {id}")) }
    /// # fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    /// #     std::thread::spawn(|| futures::executor::block_on(future));
    /// # }
    /// let customers = Cache::<u64, String>::builder(1_000)
    ///     .loading_by(|request: Request<u64, String, std::io::Error>| {
    ///         spawn(async move {
    ///             let loaded = customer(*request.key()).await;
    ///             request.answer(loaded);
    ///         });
    ///     })
    ///     .build()?;
    /// assert_eq!(customers.get(&7)?, "customer 7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn loading_by<E>(
        self,
        start: impl Fn(Request<K, V, E>) + Send + Sync + 'static,
    ) -> LoadingBuilder<K, V, E, S> {
        LoadingBuilder::new(self, Loads::Started(Arc::new(start)))
    }
}

impl<K, V, E, S> LoadingBuilder<K, V, E, S> {
    fn new(cache: CacheBuilder<K, V, S>, loads: Loads<K, V, E>) -> Self {
        Self {
            cache,
            loads,
            rules: Rules::default(),
            sleep: None,
            has_useless_executor: false,
            has_useless_batch: false,
        }
    }

    /// Runs loads in the background by handing jobs to this function: a thread pool's, or a runtime's for blocking work.
    ///
    /// A refresh that it never runs holds nobody up who calls [`LoadingCache::get`] without limits: he takes it over. With
    /// limits, and for tasks, it has to run its jobs or drop them.
    ///
    /// Give it a runtime's handle, as in `let runtime = tokio::runtime::Handle::current();` and then
    /// `.executor(move |job| drop(runtime.spawn_blocking(job)))`. The free function `tokio::task::spawn_blocking` panics on
    /// threads that have no runtime, and any thread may read the cache. A panic of the executor is contained and
    /// [counted](crate::Stats::executor_panics) where nobody waits for the load; otherwise it goes to who waits.
    ///
    /// After [`loading_by`](CacheBuilder::loading_by), whose loads run wherever that starts them, it is an error.
    pub fn executor(
        mut self,
        execute: impl Fn(Box<dyn FnOnce() + Send>) + Send + Sync + 'static,
    ) -> Self {
        match &mut self.loads {
            Loads::Function { executor, .. } | Loads::Many { executor, .. } => {
                let execute: Executor = Arc::new(execute);
                *executor = Some(execute);
            }
            Loads::Started(_) => self.has_useless_executor = true,
        }
        self
    }

    /// Loads at most this many keys in one call of the loader of [many](CacheBuilder::loading_many); see
    /// [`CacheBuilder::max_batch`]. After a loader of one key it is an error.
    pub fn max_batch(mut self, keys: usize) -> Self {
        self.has_useless_batch |= !matches!(self.loads, Loads::Many { .. });
        self.cache.max_batch = keys;
        self
    }

    /// Loads an entry anew in the background when it is asked for after this share of its life, from 0 to 1.
    #[doc(
        alias = "refreshAfterWrite",
        alias = "eager refresh",
        alias = "eager-refresh"
    )]
    pub fn refresh_ahead(mut self, share: f64) -> Self {
        self.rules.refresh_ahead = Some(share);
        self
    }

    /// Loads an entry anew in the background some time before the end of its life, drawn by chance at each call: the
    /// longer loads take, the earlier. With `beta` above 1 it is earlier still.
    ///
    /// Where many processes share a source, their entries are so not refreshed together. This is `XFetch` (Vattani,
    /// Chierichetti and Lowenstein 2015), with the mean time of this cache's loads: of those that succeeded, the last
    /// some dozen of them above all.
    #[doc(alias = "XFetch", alias = "probabilistic early expiration")]
    pub fn early_expiry(mut self, beta: f64) -> Self {
        self.rules.early_expiry = Some(beta);
        self
    }

    /// Serves a value for so long after the end of its life while it is loaded anew in the background.
    #[doc(alias = "stale-while-revalidate", alias = "RFC 5861")]
    pub fn stale_while_revalidating(mut self, age: Duration) -> Self {
        self.rules.while_revalidating = age;
        self
    }

    /// Serves a value for so long after the end of its life if it cannot be loaded, and waits for `pause` until the next
    /// attempt.
    ///
    /// The caller who makes the attempt waits until it has failed, be it for a minute: limit that by
    /// [`soft_limit`](Self::soft_limit). Without an [`executor`](Self::executor) a page of fifty keys that a loader of one
    /// loads waits for fifty failures, one after the other.
    #[doc(alias = "stale-if-error", alias = "fail-safe", alias = "RFC 5861")]
    pub fn stale_on_error(mut self, age: Duration, pause: Duration) -> Self {
        self.rules.on_error = age;
        self.rules.on_error_pause = Some(pause);
        self
    }

    /// Leaves an entry alone for so long after a load of it has failed, panicked or was given up: whoever reads it
    /// meanwhile gets what is here, fresh or stale, and nothing is tried. The default is one second.
    ///
    /// Without a pause a source that is down would be asked at each read of an entry that is due, by
    /// [`refresh_ahead`](Self::refresh_ahead), [`early_expiry`](Self::early_expiry) and
    /// [`stale_while_revalidating`](Self::stale_while_revalidating); zero is for tests.
    /// [`stale_on_error`](Self::stale_on_error) names a pause of its own. For keys that have no entry it is
    /// [`remember_failures`](Self::remember_failures) that spares the source. By the cache's clock.
    #[doc(alias = "throttle", alias = "backoff")]
    pub fn retry_pause(mut self, pause: Duration) -> Self {
        self.rules.retry_pause = Some(pause);
        self
    }

    /// Serves a stale value, if there is one, to a caller who has waited for so long. The load goes on, and once one caller
    /// has waited for it in vain, all others who have something stale get that at once until it ends. Real time.
    #[doc(alias = "factory timeout", alias = "soft timeout")]
    pub fn soft_limit(mut self, limit: Duration) -> Self {
        self.rules.soft_limit = Some(limit);
        self
    }

    /// Tells a caller who has waited for so long, and has no stale value, that the load is
    /// [late](crate::LoadError::TimedOut). It goes on, and its value is stored. Real time. Tasks need a
    /// [`sleep`](Self::sleep) for it. A limit of zero waits for no load at all.
    ///
    /// Loads then run on the [`executor`](Self::executor) while the caller waits. A caller who is himself a job of that
    /// pool takes a place from them: in a pool of one worker he waits for himself until the limit is over, and is told so
    /// each time. Give the cache a pool that nobody reads it from.
    #[doc(alias = "factory timeout", alias = "hard timeout")]
    pub fn hard_limit(mut self, limit: Duration) -> Self {
        self.rules.hard_limit = Some(limit);
        self
    }

    /// Remembers for so long, at least a millisecond, that a key could not be loaded, and tells the error to whoever asks
    /// meanwhile. A write or a removal of the key ends it, the cache's time to live does so too; an invalidated tag does
    /// not, since a failure has none. This is also called negative caching.
    ///
    /// An absence is remembered as long, unless [`remember_absences`](Self::remember_absences) says otherwise. Each takes a
    /// place in the cache, and leaves as other entries do, when it is worth least.
    #[doc(alias = "negative caching", alias = "null caching")]
    pub fn remember_failures(mut self, life: Duration) -> Self {
        self.rules.failures = Some(life);
        self
    }

    /// Remembers for so long, at least a millisecond, that the source does not have a key, as a loader of
    /// [optional](CacheBuilder::loading_optional) values or of [many](CacheBuilder::loading_many) and
    /// [`Request::answer_absent`] can say, and tells [`LoadError::Absent`](crate::LoadError::Absent) to whoever asks
    /// meanwhile. What ends it is what ends a [remembered failure](Self::remember_failures).
    ///
    /// An outage should be forgotten within seconds; an absence may be remembered until somebody adds the record, if that
    /// is told to the cache by [`insert`](LoadingCache::insert) or [`remove`](LoadingCache::remove).
    #[doc(alias = "negative caching", alias = "null caching")]
    pub fn remember_absences(mut self, life: Duration) -> Self {
        self.rules.absences = Some(life);
        self
    }

    /// How tasks wait, for the limits of [`LoadingCache::get_async`]: `tokio::time::sleep`. With limits and without this
    /// that method panics; without limits it is not used.
    pub fn sleep<F>(mut self, sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.sleep = Some(Arc::new(move |time| Box::pin(sleep(time))));
        self
    }

    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// [`BuildError`] as for [`CacheBuilder::build`]; when a rule needs loads in the background and there is no
    /// executor, or there is one beside [`loading_by`](CacheBuilder::loading_by); when a rule is about the end of a life
    /// and no life ends; when the share of `refresh_ahead` is not between 0 and 1, or `beta` is not positive; when the
    /// soft limit is above the hard one, or nothing stale is kept for it; when a stale value is to stand in for less than a
    /// millisecond; when a pause is given twice; when there is a largest batch for a loader of one key; when failures or absences are remembered for less
    /// than a millisecond.
    pub fn build(self) -> Result<LoadingCache<K, V, E, S>, BuildError>
    where
        K: Eq + Hash + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Any + Send + Sync,
        S: BuildHasher + Clone + Send + Sync + 'static,
    {
        if self.has_useless_executor {
            return Err(BuildError::UselessExecutor);
        }
        if self.has_useless_batch {
            return Err(BuildError::UselessBatch);
        }
        let ends = self.cache.time_to_live.is_some() || self.cache.expiry.is_some();
        check(&self.rules, self.loads.has_background(), ends)?;
        let cache = self
            .cache
            .of_loaded(
                self.rules.failures,
                self.rules.absences(),
                self.rules.stale_for(),
            )
            .build()?;
        Ok(LoadingCache(Arc::new(Inner {
            cache,
            loads: self.loads,
            rules: self.rules,
            sleep: self.sleep,
            counts: Counts::default(),
        })))
    }
}

impl<K: 'static, V: 'static, S> CacheBuilder<K, V, S> {
    /// The same configuration for what a loading cache keeps.
    fn of_loaded<E: Send + Sync + 'static>(
        self,
        failures: Option<Duration>,
        absences: Option<Duration>,
        stale: Duration,
    ) -> CacheBuilder<K, Loaded<V, E>, S> {
        let expiry_is_set = self.expiry.is_some();
        let expiry = self.expiry;
        let life = move |key: &K, loaded: &Loaded<V, E>| match loaded {
            Loaded::Value(value) => expiry.as_ref().and_then(|expiry| expiry(key, value)),
            Loaded::Failed(_) => failures,
            Loaded::Absent => absences,
        };
        // Without any end the clock need not be read.
        let ends = expiry_is_set || failures.is_some() || absences.is_some();
        CacheBuilder {
            capacity: self.capacity,
            policy: self.policy,
            shards: self.shards,
            tagger: self
                .tagger
                .map(|name| -> crate::builder::Tagger<K, Loaded<V, E>> {
                    Arc::new(move |key, loaded, tags| {
                        if let Loaded::Value(value) = loaded {
                            name(key, value, tags);
                        }
                    })
                }),
            tenancy: self.tenancy,
            weigher: self
                .weigher
                .map(|weigh| -> crate::builder::Weigher<K, Loaded<V, E>> {
                    Arc::new(move |key, loaded| match loaded {
                        Loaded::Value(value) => weigh(key, value),
                        Loaded::Failed(_) | Loaded::Absent => 0,
                    })
                }),
            max_weight: self.max_weight,
            max_batch: self.max_batch,
            time_to_live: self.time_to_live,
            time_to_idle: self.time_to_idle,
            expiry: ends.then(|| -> crate::time::Expiry<K, Loaded<V, E>> { Arc::new(life) }),
            jitter: self.jitter,
            stale: Some(stale),
            on_removal: self.on_removal.map(
                |listen| -> crate::outflow::Callback<K, Loaded<V, E>> {
                    Arc::new(move |key, loaded, cause| {
                        if let Loaded::Value(value) = loaded {
                            listen(key, value, cause);
                        }
                    })
                },
            ),
            clock: self.clock,
            #[cfg(feature = "serde")]
            snapshots: self.snapshots,
            hasher: self.hasher,
        }
    }
}

impl<K, V, E, S> fmt::Debug for LoadingBuilder<K, V, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadingBuilder")
            .field("cache", &self.cache)
            .field("rules", &self.rules)
            .field("sleep", &self.sleep.is_some())
            .finish_non_exhaustive()
    }
}
