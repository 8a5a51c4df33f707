//! A loading cache over a source that can be down, with jobs that wait until the test runs them.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm_cache::{Cache, Clock, LoadingBuilder, LoadingCache, ManualClock, Policy, Tag};

pub(crate) const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A sleep that is over at once, and for how long it was asked to be.
pub(crate) fn noting_sleep() -> (
    Arc<Mutex<Vec<Duration>>>,
    impl Fn(Duration) -> Ready<()> + Clone + Send + Sync + 'static,
) {
    let noted = Arc::<Mutex<Vec<Duration>>>::default();
    let asked = Arc::clone(&noted);
    let sleep = move |limit| {
        asked.lock().unwrap().push(limit);
        ready(())
    };
    (noted, sleep)
}

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Jobs that wait until the test runs them.
#[derive(Clone, Default)]
pub(crate) struct Jobs(Arc<Mutex<VecDeque<Job>>>);

impl Jobs {
    pub(crate) fn push(&self, job: Job) {
        self.0.lock().unwrap().push_back(job);
    }

    /// Runs the jobs there are and says how many they were.
    pub(crate) fn run(&self) -> usize {
        let jobs = std::mem::take(&mut *self.0.lock().unwrap());
        jobs.into_iter().map(|job| job()).count()
    }

    pub(crate) fn drop_all(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// A source whose answer to key `k` is `1000 k + version`, or an error while it is down.
#[derive(Clone, Default)]
pub(crate) struct Source {
    version: Arc<AtomicU32>,
    is_down: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
}

impl Source {
    pub(crate) fn load(&self, key: u32) -> Result<u32, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err("down".to_owned());
        }
        Ok(1000 * key + self.version.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn goes(&self, down: bool) {
        self.is_down.store(down, Ordering::SeqCst);
    }
}

pub(crate) type Customers = LoadingCache<u32, u32, String>;

pub(crate) struct World {
    pub(crate) cache: Customers,
    pub(crate) source: Source,
    pub(crate) jobs: Jobs,
    pub(crate) hand: ManualClock,
}

/// Entries live for a second.
pub(crate) fn world(
    policy: Policy,
    configure: impl Fn(LoadingBuilder<u32, u32, String>) -> LoadingBuilder<u32, u32, String>,
) -> World {
    let (clock, hand) = Clock::manual();
    let (source, jobs) = (Source::default(), Jobs::default());
    let builder = Cache::builder(100)
        .policy(policy)
        .time_to_live(ms(1_000))
        .tags(|key, _, tags| tags.add(Tag::new("customer", *key)))
        .clock(clock);
    let (load, execute) = (source.clone(), jobs.clone());
    let builder = builder
        .loading(move |key: &u32| load.load(*key))
        .executor(move |job| execute.push(job));
    World {
        cache: configure(builder).build().unwrap(),
        source,
        jobs,
        hand,
    }
}
