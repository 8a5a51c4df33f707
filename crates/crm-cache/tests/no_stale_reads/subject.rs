//! The caches under test, their keys and values, and where loads wait.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crm_cache::{Cache, CacheBuilder, Clock, LoadingCache, ManualClock, Policy, Request, Tag};

use crate::chance::{below, dawdle, one_in};
use crate::truth::{Truth, group};

/// A key that lets others overtake while it is hashed or compared.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Key(pub(crate) u32);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        dawdle(2_000);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        dawdle(2_000);
        state.write_u32(self.0);
    }
}

/// What a record was at one version. Clones let others overtake, too.
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Value {
    key: u32,
    version: u64,
}

impl Value {
    pub(crate) fn new(key: u32, version: u64) -> Self {
        Self { key, version }
    }

    pub(crate) fn version_of(&self, key: u32) -> u64 {
        assert_eq!(self.key, key, "another key's value");
        self.version
    }

    /// Now and then one is too heavy to be kept.
    pub(crate) fn is_heavy(&self) -> bool {
        self.version % 32 == 31
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        dawdle(500);
        Self { ..*self }
    }
}

/// A loader that failed when a record had this version. In a load of many keys that may be another one of them.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) key: u32,
    pub(crate) version: u64,
}

pub(crate) type Customers = Cache<Key, Value>;
pub(crate) type Loading = LoadingCache<Key, Value, Failure>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Bare values.
    Plain,
    Tagged,
    /// A loading cache with an executor.
    Executor,
    /// A loading cache whose loads are answered by others.
    Answered,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) form: Form,
    pub(crate) policy: Policy,
    pub(crate) shards: usize,
    pub(crate) keys: u32,
    /// Whether entries have a time to live.
    pub(crate) ends: bool,
    pub(crate) weighs: bool,
}

#[derive(Debug)]
pub(crate) enum Subject {
    Plain(Box<Customers>),
    Loading(Loading),
}

type Job = Box<dyn FnOnce() + Send>;

/// Loads that wait for a thread.
#[derive(Clone, Default)]
pub(crate) struct Jobs(Arc<Mutex<VecDeque<Job>>>);

impl Jobs {
    fn push(&self, job: Job) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.push_back(job);
    }

    pub(crate) fn pop(&self) -> Option<Job> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = below(jobs.len().max(1) as u32) as usize;
        jobs.remove(at)
    }
}

pub(crate) fn tag(key: u32) -> Tag {
    Tag::new("group", group(key))
}

/// The source's answer: read now, given later.
pub(crate) fn load(truth: &Truth, key: u32) -> Result<Value, Failure> {
    let version = truth.version(key);
    for _ in 0..below(4) {
        dawdle(2);
    }
    if one_in(12) {
        Err(Failure { key, version })
    } else {
        Ok(Value::new(key, version))
    }
}

impl Setup {
    pub(crate) fn has_tags(&self) -> bool {
        self.form != Form::Plain
    }

    /// Whether threads wait for a load only for a while.
    fn is_limited(&self) -> bool {
        self.shards == 5
    }

    fn builder(&self) -> (CacheBuilder<Key, Value>, ManualClock) {
        let (clock, hand) = Clock::manual();
        let capacity = (self.keys as usize * 2 / 3).max(self.shards);
        let mut builder = Cache::builder(capacity)
            .policy(self.policy)
            .shards(self.shards)
            .max_batch(3)
            .clock(clock);
        if self.has_tags() {
            builder = builder.tags(|key: &Key, _, tags| {
                dawdle(8);
                tags.add(tag(key.0));
            });
        }
        if self.ends {
            builder = builder.time_to_live(Duration::from_millis(3));
        }
        if self.weighs {
            builder = builder.weigher(1_000, |_, value: &Value| {
                dawdle(8);
                if value.is_heavy() { 1_001 } else { 1 }
            });
        }
        (builder, hand)
    }

    pub(crate) fn build(&self, truth: &Arc<Truth>, jobs: &Jobs) -> (Subject, ManualClock) {
        let (builder, hand) = self.builder();
        let (truth, jobs) = (Arc::clone(truth), jobs.clone());
        let loading = match self.form {
            Form::Plain | Form::Tagged => {
                return (Subject::Plain(Box::new(builder.build().unwrap())), hand);
            }
            Form::Executor => builder
                .loading(move |key: &Key| load(&truth, key.0))
                .executor(move |job| jobs.push(job)),
            Form::Answered => builder.loading_by(move |request: Request<Key, Value, Failure>| {
                let loaded = load(&truth, request.key().0);
                jobs.push(Box::new(move || request.answer(loaded)));
            }),
        };
        let mut loading = loading.remember_failures(Duration::from_millis(2));
        if self.ends {
            loading = loading
                .refresh_ahead(0.5)
                .stale_while_revalidating(Duration::from_millis(3))
                .stale_on_error(Duration::from_millis(20), Duration::from_millis(2));
        }
        if self.is_limited() {
            // For threads alone: a task's time is never over.
            loading = loading
                .hard_limit(Duration::from_micros(200))
                .sleep(|_| std::future::pending());
            if self.ends {
                loading = loading.soft_limit(Duration::from_micros(50));
            }
        }
        (Subject::Loading(loading.build().unwrap()), hand)
    }
}
