//! Reading one key or many, by threads and tasks, and loading what is missing.

use std::any::Any;
use std::hash::{BuildHasher, Hash};

use crm_clock::Clock;

use super::journey::Mode;
use super::limits::{Limits, Timers};
use super::page::{Look, Page};
use super::{Inner, LoadingCache, Loads};
#[cfg(doc)]
use crate::Cache;
use crate::LoadError;
use crate::load::Turn;

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
    /// [`LoadingBuilder`](crate::LoadingBuilder).
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's error, which may be a remembered one, if no stale value may stand in.
    /// [`LoadError::Absent`] if the source does not have the key, as a loader of
    /// [optional](crate::CacheBuilder::loading_optional) values or of [many](crate::CacheBuilder::loading_many) can say.
    /// [`LoadError::TimedOut`] past the hard limit. [`LoadError::Abandoned`] if the load was given up.
    /// [`LoadError::Reentrant`] as for [`Cache::get_or_load`].
    ///
    /// # Panics
    ///
    /// A panic of a loader that runs in this thread goes through.
    pub fn get(&self, key: &K) -> Result<V, LoadError<E>> {
        match self.look_and_refresh(key) {
            Ok(answer) => answer,
            Err(stale) => self.load_one(key, stale),
        }
    }

    /// As [`get`](Self::get), for tasks: it suspends where that blocks.
    ///
    /// The load itself runs on the [executor](crate::LoadingBuilder::executor), or where
    /// [`loading_by`](crate::CacheBuilder::loading_by) starts it; without either it runs in the task that asks, and a loader
    /// that blocks then blocks the runtime's worker. A task
    /// that is dropped leaves a load that has begun elsewhere to itself: it goes on, and its value is stored.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// As for [`get`](Self::get). And at each call if the cache has limits but no
    /// [`sleep`](crate::LoadingBuilder::sleep): a task would wait without them.
    pub async fn get_async(&self, key: &K) -> Result<V, LoadError<E>> {
        self.expect_sleep();
        match self.look_and_refresh(key) {
            Ok(answer) => answer,
            Err(stale) => only(self.load_async(Page::of_one(key, stale)).await),
        }
    }

    /// The values of many keys, in their order, those that are missing loaded.
    ///
    /// A loader of [many](crate::CacheBuilder::loading_many) loads all that are missing at once, and takes those along
    /// that are to be refreshed; as for [`Cache::get_many_or_load`], a key that somebody loads already is waited for, what
    /// other calls miss meanwhile travels in the next load, and one load has at most
    /// [`max_batch`](crate::CacheBuilder::max_batch) keys. A loader of one key is called for each key, on the
    /// [executor](crate::LoadingBuilder::executor) if there is one and in this thread at the same time. Without one it is
    /// called for one key after the other, and where the source is down each of them waits until its load has failed.
    ///
    /// Each key has an answer of its own, because each has its own fate: one may be fresh, one stale, one remembered as
    /// failed. A page of fifty customers is not lost for one of them. Collect the answers into a `Result` if it is to be:
    ///
    /// ```
    /// use crm_cache::{Cache, LoadError};
    /// # fn names(ids: &[u64]) -> Result<Vec<(u64, String)>, std::io::Error> {
    /// #     Ok(ids.iter().filter(|&&id| id < 100).map(|&id| (id, format!("customer {id}"))).collect())
    /// # }
    ///
    /// // One query: ... WHERE id IN (7, 8, 900)
    /// let customers = Cache::<u64, String>::builder(1_000).loading_many(|ids: &[u64]| names(ids)).build()?;
    /// let page = customers.get_many(&[7, 8, 900]);
    /// assert_eq!(page[0].as_deref().ok(), Some("customer 7"));
    /// assert!(matches!(page[2], Err(LoadError::Absent)));
    ///
    /// // All or nothing.
    /// let page: Vec<String> = customers.get_many(&[7, 8]).into_iter().collect::<Result<_, _>>()?;
    /// assert_eq!(page, ["customer 7", "customer 8"]);
    ///
    /// // Those that there are, and the first real error.
    /// let page = customers.get_many(&[7, 900]).into_iter().filter(|found| !matches!(found, Err(LoadError::Absent)));
    /// assert_eq!(page.collect::<Result<Vec<_>, _>>()?, ["customer 7"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// A panic of a loader that runs in this thread goes through. Other calls whose keys were in its load try again.
    pub fn get_many(&self, keys: &[K]) -> Vec<Result<V, LoadError<E>>> {
        self.load(self.look_at(keys))
    }

    /// As [`get_many`](Self::get_many), for tasks. Loads run where those of [`get_async`](Self::get_async) do.
    ///
    /// # Panics
    ///
    /// As for [`get_async`](Self::get_async).
    pub async fn get_many_async(&self, keys: &[K]) -> Vec<Result<V, LoadError<E>>> {
        self.expect_sleep();
        self.load_async(self.look_at(keys)).await
    }

    /// Loads `key` anew in the background if no load of it is under way, whatever stands in the cache. Says whether it
    /// did; false without an executor.
    #[doc(alias = "refreshAsync")]
    pub fn refresh(&self, key: &K) -> bool {
        Inner::refresh(&self.0, std::iter::once(key)) > 0
    }

    /// What is to be answered at once; if it must be loaded, what may stand in.
    #[inline]
    fn look_and_refresh(&self, key: &K) -> Result<Result<V, LoadError<E>>, Option<V>> {
        match self.look(key) {
            Look::Answer { answer, is_due } => {
                if is_due {
                    self.refresh_one(key);
                }
                Ok(answer)
            }
            Look::Load(stale) => Err(stale),
        }
    }

    /// Apart, as is [`load_one`](Self::load_one), so that a hit has the registers to itself.
    #[inline(never)]
    fn refresh_one(&self, key: &K) {
        Inner::refresh(&self.0, std::iter::once(key));
    }

    #[inline(never)]
    fn load_one(&self, key: &K, stale: Option<V>) -> Result<V, LoadError<E>> {
        only(self.load(Page::of_one(key, stale)))
    }

    fn load(&self, mut page: Page<'_, K, V, E>) -> Vec<Result<V, LoadError<E>>> {
        let inner = &self.0;
        // Real time, whatever a test makes of the cache's clock.
        let limits = Limits::begin(&inner.rules, Clock::system());
        let can_share = matches!(
            &inner.loads,
            Loads::Function {
                executor: Some(_),
                ..
            }
        );
        let mut mode = match &limits {
            Some(_) => Mode::Elsewhere,
            None if can_share && page.missing.len() > 1 => Mode::Shared,
            None => Mode::Here,
        };
        while page.is_incomplete() {
            let mut journey = self.begin(&mut page, mode);
            if let Some(place) = &mut journey.place {
                if *place.turn().wait() == Turn::Lead {
                    inner.lead(place);
                }
            }
            for wait in journey.waits {
                let key = &page.keys[wait.at];
                if mode == Mode::Shared {
                    self.help(&wait.flight);
                }
                let answer = match &limits {
                    Some(limits) => {
                        let outcome = limits.wait(wait.flight.outcome(), wait.stale.is_some());
                        self.judge(key, &wait, outcome)
                    }
                    // What waits for the executor by now is taken over in the next round.
                    None => {
                        let outcome = wait.flight.wait_for_end();
                        outcome.and_then(|outcome| self.judge(key, &wait, Some(outcome)))
                    }
                };
                match answer {
                    Some(answer) => page.answer(wait.at, answer),
                    None => page.missing.push((wait.at, wait.stale)),
                }
            }
            // An executor that drops jobs is not asked again.
            if mode == Mode::Shared {
                mode = Mode::Here;
            }
        }
        page.complete()
    }

    async fn load_async(&self, mut page: Page<'_, K, V, E>) -> Vec<Result<V, LoadError<E>>> {
        let inner = &self.0;
        let is_stale = |(_, stale): &(usize, Option<V>)| stale.is_some();
        let (any_stale, any_other) = (
            page.missing.iter().any(is_stale),
            !page.missing.iter().all(is_stale),
        );
        let mut timers = inner
            .sleep
            .as_ref()
            .map(|sleep| Timers::begin(&inner.rules, sleep, any_stale, any_other));
        let mode = if inner.loads.has_background() {
            Mode::Elsewhere
        } else {
            Mode::Here
        };
        while page.is_incomplete() {
            let mut journey = self.begin(&mut page, mode);
            if let Some(place) = &mut journey.place {
                if *place.turn().ready().await == Turn::Lead {
                    inner.lead(place);
                }
            }
            for wait in journey.waits {
                let signal = wait.flight.outcome();
                let outcome = match &mut timers {
                    Some(timers) => timers.wait(signal, wait.stale.is_some()).await,
                    None => Some(signal.ready().await),
                };
                match self.judge(&page.keys[wait.at], &wait, outcome) {
                    Some(answer) => page.answer(wait.at, answer),
                    None => page.missing.push((wait.at, wait.stale)),
                }
            }
        }
        page.complete()
    }

    /// Tells a programmer at the first call, not a user at the first slow load.
    fn expect_sleep(&self) {
        assert!(
            self.0.sleep.is_some() || !self.0.rules.has_limits(),
            "tasks keep limits only if they know how to wait: give LoadingBuilder::sleep the runtime's sleep"
        );
    }
}

/// The only answer.
fn only<T>(mut answers: Vec<T>) -> T {
    answers.pop().expect("one answer to one key")
}
