//! Whole caches, asked, written and invalidated by threads and tasks in many orders.
//!
//! The checker may switch threads at each step of single flight, of the batch queue, of tags, and at the locks of shards;
//! it knows no weak memory. Half of the orders are drawn evenly, half by priorities with few changes (PCT, Burckhardt et al.
//! 2010), which finds what needs a thread to stay behind for long. A thread or task that nobody wakes ends a model.

use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Display, Formatter};
use std::future::Future;
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32 as Count, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::{Config, Runner, thread};

use crate::sync::Mutex;
use crate::{Cache, CacheBuilder, LoadError, LoadingCache, Policy, Request, Tag};

/// A schedule that failed can be run again only if nothing else is drawn.
type Fixed = BuildHasherDefault<DefaultHasher>;
type Shared = Arc<Cache<u32, u32, Fixed>>;
type Loaded = Result<u32, LoadError<Refusal>>;

#[derive(Debug)]
struct Refusal;

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("refused on purpose")
    }
}

impl std::error::Error for Refusal {}

/// Runs a model in many orders, `CRM_CACHE_MODEL_RUNS` by each scheduler.
fn check(model: fn()) {
    let runs = std::env::var("CRM_CACHE_MODEL_RUNS").map_or(5_000, |runs| runs.parse().unwrap());
    let config = || {
        let mut config = Config::new();
        config.stack_size = 1 << 19;
        config
    };
    Runner::new(RandomScheduler::new(runs), config()).run(model);
    Runner::new(PctScheduler::new(4, runs), config()).run(model);
}

fn draw(count: u32) -> u32 {
    thread_rng().gen_range(0..count)
}

fn builder() -> CacheBuilder<u32, u32, Fixed> {
    let policy = [Policy::Adaptive, Policy::Lru][draw(2) as usize];
    Cache::builder(8)
        .hasher(Fixed::default())
        .policy(policy)
        .shards(1)
}

fn cache() -> Shared {
    Arc::new(builder().build().unwrap())
}

/// A point at which a task may be switched or dropped.
async fn pause() {
    let mut was_here = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        match std::mem::replace(&mut was_here, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// A future that is dropped if it is not ready after so many looks.
fn polled<F: Future>(future: F, times: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        thread::yield_now();
    }
    None
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It gets what it asked for.
    Served,
    /// Its loader panics, if it comes to that, before or after its first step.
    Panics,
    /// Its loader fails.
    Fails,
    /// It is dropped after so many looks, be it that it loads or that it waits.
    Dropped(u32),
}

impl Fate {
    fn bad() -> Self {
        match draw(6) {
            0 => Self::Panics,
            1 => Self::Fails,
            looks => Self::Dropped(looks - 1),
        }
    }
}

/// Loads by a function that gives a value, and counts.
struct Source {
    fate: Fate,
    loads: Arc<[Count; 4]>,
}

impl Source {
    fn load(&self, keys: &[u32]) -> Result<Vec<(u32, u32)>, Refusal> {
        thread::yield_now();
        match self.fate {
            Fate::Panics => resume_unwind(Box::new("on purpose")),
            Fate::Fails => Err(Refusal),
            Fate::Served | Fate::Dropped(_) => {
                for &key in keys {
                    self.loads[key as usize].fetch_add(1, Relaxed);
                }
                Ok(keys.iter().map(|&key| (key, key * 10)).collect())
            }
        }
    }

    async fn load_async(&self, keys: Vec<u32>) -> Result<Vec<(u32, u32)>, Refusal> {
        pause().await;
        pause().await;
        self.load(&keys)
    }

    fn load_one(&self, key: u32) -> Result<u32, Refusal> {
        Ok(self.load(&[key])?[0].1)
    }
}

/// Asks for keys in one of the ways there are; none if the call is dropped or its loader panics.
fn ask(
    cache: &Cache<u32, u32, Fixed>,
    keys: &[u32],
    source: &Source,
) -> Option<Result<Vec<u32>, LoadError<Refusal>>> {
    let all = |values: Vec<Option<u32>>| values.into_iter().map(|value| value.unwrap()).collect();
    let is_async = draw(2) == 0 || matches!(source.fate, Fate::Dropped(_));
    let run = || match (is_async, keys) {
        (false, [key]) if draw(2) == 0 => {
            let value = cache.get_or_load(key, |&key| source.load_one(key));
            Some(value.map(|value| vec![value]))
        }
        (false, _) => Some(
            cache
                .get_many_or_load(keys, |keys| source.load(keys))
                .map(all),
        ),
        (true, _) => {
            let future: Pin<Box<dyn Future<Output = _>>> = match keys {
                [key] if draw(2) == 0 => Box::pin(async move {
                    let load = |key| async move {
                        let loaded = source.load_async(vec![key]).await?;
                        Ok(loaded[0].1)
                    };
                    let value = cache.get_or_load_async(key, load).await;
                    value.map(|value| vec![value])
                }),
                _ => Box::pin(async move {
                    let load = |keys| source.load_async(keys);
                    cache.get_many_or_load_async(keys, load).await.map(all)
                }),
            };
            match source.fate {
                Fate::Dropped(looks) => polled(future, looks),
                _ => Some(block_on(future)),
            }
        }
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(answer) => answer,
        Err(panic) if panic.is::<&str>() && source.fate == Fate::Panics => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// Calls at the same time, each in its way and with its fate. In the end everything is as it was.
fn calls(cache: &Shared, calls: Vec<(&'static [u32], Fate)>) {
    let loads = Arc::<[Count; 4]>::default();
    let fails = calls.iter().any(|(_, fate)| *fate == Fate::Fails);
    let threads: Vec<_> = calls
        .iter()
        .map(|&(keys, fate)| {
            let (cache, loads) = (Arc::clone(cache), Arc::clone(&loads));
            thread::spawn(move || {
                let answer = ask(&cache, keys, &Source { fate, loads });
                match answer {
                    Some(Ok(values)) => assert!(keys.iter().map(|key| key * 10).eq(values)),
                    Some(Err(LoadError::Failed(_))) if fails => {}
                    None if fate != Fate::Served => {}
                    other => panic!("{fate:?}: {other:?}"),
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(cache.flights.is_idle(false), "a flight is left behind");
    assert!(cache.queue.is_idle(), "somebody leads or waits");
    for (key, loads) in (0_u32..).zip(&*loads) {
        let loads = loads.load(Relaxed);
        assert_eq!(cache.peek(&key).is_some(), loads > 0);
        assert!(loads <= 1, "{key} was loaded twice");
        // It is not wedged.
        assert_eq!(
            cache
                .get_or_load(&key, |key| Ok::<_, Refusal>(key * 10))
                .unwrap(),
            key * 10
        );
    }
}

/// Fails if two may begin one flight, or if nobody looks again for a value that has landed meanwhile.
#[test]
fn two_who_ask_for_a_key_share_one_load() {
    check(|| calls(&cache(), vec![(&[1], Fate::Served), (&[1], Fate::Served)]));
}

#[test]
fn three_who_ask_for_a_key_share_one_load() {
    check(|| calls(&cache(), vec![(&[1], Fate::Served); 3]));
}

/// Fails if a pilot that is dropped does not land, lands before it leaves the map, or stays in the count; if a turn is told
/// before it is named; if a place that is dropped keeps the lead or its keys.
#[test]
fn one_who_gives_up_holds_nobody_up() {
    check(|| calls(&cache(), vec![(&[1], Fate::bad()), (&[1], Fate::Served)]));
}

#[test]
fn one_who_gives_up_holds_neither_of_two_up() {
    check(|| {
        let served = (&[1][..], Fate::Served);
        calls(&cache(), vec![served, (&[1], Fate::bad()), served]);
    });
}

#[test]
fn two_who_give_up_hold_nobody_up() {
    check(|| {
        let bad = |looks| (&[1][..], Fate::Dropped(looks));
        calls(
            &cache(),
            vec![bad(draw(4)), (&[1], Fate::Served), bad(draw(4))],
        );
    });
}

fn pages() -> Shared {
    let max_batch = 1 + draw(3) as usize;
    Arc::new(builder().max_batch(max_batch).build().unwrap())
}

/// Fails if a call that has been served does not hear of it, or if the last batch of a call does not pass the lead on.
#[test]
fn two_pages_share_their_loads() {
    check(|| {
        calls(
            &pages(),
            vec![(&[1, 2], Fate::Served), (&[2, 3], Fate::Served)],
        )
    });
}

#[test]
fn three_pages_share_their_loads() {
    check(|| {
        let pages: [&[u32]; 3] = [&[1, 2], &[2, 3], &[3, 1]];
        calls(
            &self::pages(),
            pages.map(|page| (page, Fate::Served)).into(),
        );
    });
}

/// Fails if a call that gives up keeps the lead, be it that it leads, that it is about to, or that it waits.
#[test]
fn a_page_that_is_given_up_holds_no_other_up() {
    check(|| {
        calls(
            &pages(),
            vec![(&[1, 2], Fate::bad()), (&[2, 3], Fate::Served)],
        )
    });
}

#[test]
fn a_page_that_is_given_up_holds_neither_of_two_others_up() {
    check(|| {
        let given_up = (&[3, 1][..], Fate::bad());
        let mut three = vec![(&[1, 2][..], Fate::Served), (&[2, 3][..], Fate::Served)];
        three.insert(draw(3) as usize, given_up);
        calls(&pages(), three);
    });
}

#[test]
fn two_pages_that_are_given_up_hold_no_third_up() {
    check(|| {
        let dropped = || Fate::Dropped(draw(5));
        let mut three = vec![(&[1, 2][..], dropped()), (&[3, 1][..], dropped())];
        three.insert(draw(3) as usize, (&[2, 3][..], Fate::Served));
        calls(&pages(), three);
    });
}

/// Fails if a key that is queued behind the running batch cannot be taken out of the queue by its loader.
#[test]
fn a_loader_takes_what_it_needs_out_of_the_queue() {
    check(|| {
        let cache = pages();
        let nested = Arc::clone(&cache);
        let outer = thread::spawn(move || {
            let inner = Arc::clone(&nested);
            let load = |keys: &[u32]| {
                thread::yield_now();
                let other = match draw(2) {
                    // It loads for the other page, too.
                    _ if keys.contains(&2) => 20,
                    0 => inner
                        .get_or_load(&2, |key| Ok::<_, Refusal>(key * 10))
                        .unwrap(),
                    _ => {
                        let load = |keys: &[u32]| {
                            Ok::<_, Refusal>(
                                keys.iter().map(|&key| (key, key * 10)).collect::<Vec<_>>(),
                            )
                        };
                        inner.get_many_or_load(&[2], load).unwrap()[0].unwrap()
                    }
                };
                assert_eq!(other, 20);
                Ok::<_, Refusal>(keys.iter().map(|&key| (key, key * 10)).collect::<Vec<_>>())
            };
            nested.get_many_or_load(&[1], load).unwrap()
        });
        calls_behind(&cache);
        assert_eq!(outer.join().unwrap(), [Some(10)]);
        assert!(cache.flights.is_idle(false) && cache.queue.is_idle());
    });
}

/// A page that may come to wait for the one that is under way.
fn calls_behind(cache: &Shared) {
    // So that there is a choice to make, even if it is dropped without a step.
    thread::yield_now();
    let loads = Arc::default();
    let fate = [Fate::Served, Fate::Dropped(draw(4))][draw(2) as usize];
    let answer = ask(cache, &[2, 3], &Source { fate, loads });
    assert!(answer.is_none_or(|values| values.unwrap() == [20, 30]));
}

/// A record that changes, and a cache of it.
struct Record {
    version: Mutex<u32>,
    cache: Cache<u32, u32, Fixed>,
    /// Set when the invalidation has returned.
    is_over: AtomicBool,
}

/// Every entry has it.
fn everything() -> Tag {
    Tag::new("everything", 0)
}

/// Everything that makes a load that began before it stale; says what is under the key then.
const CHANGES: [fn(&Cache<u32, u32, Fixed>) -> Option<u32>; 9] = [
    |cache| cache.remove(&1).and(None),
    |cache| {
        cache.insert(1, 2);
        Some(2)
    },
    |cache| {
        cache.try_insert(1, 2).unwrap();
        Some(2)
    },
    |cache| {
        cache.forget(&1);
        None
    },
    |cache| {
        cache.clear();
        None
    },
    |cache| {
        cache.retain(|_, version| *version != 1);
        None
    },
    |cache| {
        cache.invalidate_tag(everything());
        None
    },
    |cache| cache.remove_if(&1, |version| *version == 1).and(None),
    |cache| cache.replace(1, 2).ok().map(|_| 2),
];

impl Record {
    fn new() -> Arc<Self> {
        let cache = builder().tags(|_, _, tags| tags.add(everything()));
        let cache = cache.build().unwrap();
        if draw(2) == 0 {
            cache.insert(9, 9);
        }
        Arc::new(Self {
            version: Mutex::new(1),
            cache,
            is_over: AtomicBool::new(false),
        })
    }

    fn load(&self) -> Result<u32, Refusal> {
        let version = *self.version.lock();
        thread::yield_now();
        Ok(version)
    }

    fn ask(&self) -> u32 {
        let was_over = self.is_over.load(Ordering::SeqCst);
        let pair = |_| Ok::<_, Refusal>([(1, self.load()?)]);
        let version = match draw(4) {
            0 => self.cache.get_or_load(&1, |_| self.load()).unwrap(),
            1 => {
                let load = |_| async {
                    let version = self.load();
                    pause().await;
                    version
                };
                block_on(self.cache.get_or_load_async(&1, load)).unwrap()
            }
            2 => self.cache.get_many_or_load(&[1], |_| pair(())).unwrap()[0].unwrap(),
            _ => {
                let load = |_| async {
                    let pairs = pair(());
                    pause().await;
                    pairs
                };
                block_on(self.cache.get_many_or_load_async(&[1], load)).unwrap()[0].unwrap()
            }
        };
        assert!(!was_over || version == 2, "older than the invalidation");
        version
    }

    fn change(&self) {
        *self.version.lock() = 2;
        let here = CHANGES[draw(9) as usize](&self.cache);
        assert_ne!(self.cache.get(&1), Some(1), "older than the invalidation");
        if here.is_some() {
            assert_eq!(self.cache.get(&1), here);
        }
        self.is_over.store(true, Ordering::SeqCst);
    }
}

/// Runs these at the same time, and looks at the record in the end.
fn changed(askers: usize, looks_twice: bool) {
    let record = Record::new();
    let threads: Vec<_> = (0..askers)
        .map(|_| {
            let record = Arc::clone(&record);
            thread::spawn(move || {
                let first = record.ask();
                if looks_twice {
                    assert!(record.ask() >= first || !record.is_over.load(Ordering::SeqCst));
                }
            })
        })
        .collect();
    record.change();
    assert_eq!(record.ask(), 2);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_ne!(record.cache.get(&1), Some(1), "older than the invalidation");
    assert_eq!(record.ask(), 2);
    assert!(record.cache.queue.is_idle());
}

/// Fails if a write does not detach the load, or does so after the shard's lock; if a load asks whether it may store before
/// the lock; if its stamp is read after the source; if one who asks later is told what an outdated flight has brought.
#[test]
fn a_load_that_began_before_an_invalidation_is_not_read_after_it() {
    check(|| changed(1, false));
}

#[test]
fn two_loads_that_began_before_an_invalidation_are_not_read_after_it() {
    check(|| changed(2, true));
}

/// Loads elsewhere: a job may be run at once, later, or never.
fn loading(runs_jobs: bool) -> LoadingCache<u32, u32, Refusal, Fixed> {
    if draw(2) == 0 {
        let cache = builder().loading(|&key: &u32| {
            thread::yield_now();
            Ok(key * 10)
        });
        let execute = move |job: Box<dyn FnOnce() + Send>| {
            let may_run = runs_jobs || draw(3) > 0;
            thread::spawn(move || if may_run { job() } else { drop(job) });
        };
        cache.executor(execute).build().unwrap()
    } else {
        let start = move |request: Request<u32, u32, Refusal>| {
            let may_run = runs_jobs || draw(3) > 0;
            thread::spawn(move || {
                let value = *request.key() * 10;
                if may_run {
                    request.answer(Ok(value));
                }
            });
        };
        builder().loading_by(start).build().unwrap()
    }
}

fn ask_elsewhere(cache: &LoadingCache<u32, u32, Refusal, Fixed>) -> Option<Loaded> {
    match draw(4) {
        0 => {
            cache.refresh(&1);
            None
        }
        1 => Some(cache.get(&1)),
        2 => Some(block_on(cache.get_async(&1))),
        _ => polled(cache.get_async(&1), draw(4)),
    }
}

fn elsewhere(runs_jobs: bool) {
    let cache = loading(runs_jobs);
    let askers: Vec<_> = (0..2)
        .map(|_| {
            let cache = cache.clone();
            thread::spawn(move || match ask_elsewhere(&cache) {
                Some(Err(LoadError::Abandoned)) if !runs_jobs => {}
                Some(answer) => assert_eq!(answer.unwrap(), 10),
                None => {}
            })
        })
        .collect();
    for asker in askers {
        asker.join().unwrap();
    }
    match cache.get(&1) {
        Err(LoadError::Abandoned) if !runs_jobs => {}
        answer => assert_eq!(answer.unwrap(), 10),
    }
}

/// Fails if a queued load may be begun twice, or waits for an executor that has dropped it.
#[test]
fn a_load_on_an_executor_is_begun_once_by_whoever_comes_first() {
    check(|| elsewhere(true));
}

#[test]
fn a_load_that_an_executor_drops_holds_nobody_up() {
    check(|| elsewhere(false));
}

/// Fails if a job can be handed to the executor while somebody waits who has come too early to take it over.
#[test]
fn a_load_that_an_executor_keeps_holds_no_thread_up() {
    check(|| {
        let jobs = Arc::new(Mutex::new(Vec::new()));
        let cache = builder().loading(|&key: &u32| Ok::<_, Refusal>(key * 10));
        let kept = Arc::clone(&jobs);
        let cache = cache
            .executor(move |job| kept.lock().push(job))
            .build()
            .unwrap();
        let refreshing = cache.clone();
        let others = [
            thread::spawn(move || {
                refreshing.refresh(&1);
            }),
            thread::spawn({
                let cache = cache.clone();
                move || drop(polled(cache.get_async(&1), draw(3)))
            }),
        ];
        assert_eq!(cache.get(&1).unwrap(), 10);
        for other in others {
            other.join().unwrap();
        }
        // What was handed over before does nothing any more.
        let jobs = std::mem::take(&mut *jobs.lock());
        jobs.into_iter().for_each(|job| job());
        assert_eq!(cache.get(&1).unwrap(), 10);
    });
}
