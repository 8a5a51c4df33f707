//! A loading cache answers pages of keys: each key by its own rules, all that is missing in one load where the loader can.

use std::collections::HashSet;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Waker};
use std::thread;

use crm_cache::{Cache, Clock, LoadError, LoadingBuilder, ManualClock, Policy, Request, Tag};
use futures::executor::block_on;

use super::world::{Customers, Jobs, POLICIES, World, ms, noting_sleep, world};

type Builder = LoadingBuilder<u32, u32, String>;

/// A source of many: key `k` is `1000 k + version`; keys of 500 and more it does not have.
#[derive(Clone, Default)]
struct Source {
    batches: Arc<Mutex<Vec<Vec<u32>>>>,
    is_down: Arc<AtomicBool>,
    gone: Arc<Mutex<HashSet<u32>>>,
}

impl Source {
    fn load(&self, keys: &[u32]) -> Result<Vec<(u32, u32)>, String> {
        let mut batches = self.batches.lock().unwrap();
        batches.push(keys.to_vec());
        if self.is_down.load(Ordering::SeqCst) {
            return Err("down".to_owned());
        }
        let (version, gone) = (batches.len() as u32 - 1, self.gone.lock().unwrap());
        // Backwards, and with one that nobody has asked for.
        let mut pairs = vec![(499, 0)];
        let there = keys
            .iter()
            .rev()
            .filter(|&key| *key < 500 && !gone.contains(key));
        pairs.extend(there.map(|&key| (key, 1000 * key + version)));
        Ok(pairs)
    }

    /// The batches since the last call.
    fn batches(&self) -> Vec<Vec<u32>> {
        let mut batches = self.batches.lock().unwrap();
        let (told, count) = (batches.clone(), batches.len());
        *batches = vec![Vec::new(); count];
        told.into_iter().filter(|batch| !batch.is_empty()).collect()
    }

    fn goes(&self, down: bool) {
        self.is_down.store(down, Ordering::SeqCst);
    }
}

struct Batches {
    cache: Customers,
    source: Source,
    jobs: Jobs,
    hand: ManualClock,
}

/// Entries live for a second; a load has at most four keys.
fn batches(policy: Policy, configure: impl Fn(Builder) -> Builder) -> Batches {
    let (clock, hand) = Clock::manual();
    let (source, jobs) = (Source::default(), Jobs::default());
    let (load, execute) = (source.clone(), jobs.clone());
    let builder = Cache::builder(100)
        .policy(policy)
        .time_to_live(ms(1_000))
        .tags(|key, _, tags| tags.add(Tag::new("customer", *key)))
        .max_batch(4)
        .clock(clock)
        .loading_many(move |keys: &[u32]| load.load(keys))
        .executor(move |job| execute.push(job));
    Batches {
        cache: configure(builder).build().unwrap(),
        source,
        jobs,
        hand,
    }
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn a_page_has_an_answer_for_each_key_in_order() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            jobs,
            ..
        } = world(policy, |builder| builder.remember_failures(ms(500)));
        source.goes(true);
        assert!(cache.get(&9).is_err());
        source.goes(false);
        cache.insert(8, 80);
        let page = cache.get_many(&[8, 9, 7, 8, 7]);
        assert_eq!((page[0].clone(), page[2].clone()), (Ok(80), Ok(7_000)));
        assert_eq!(
            page[1].as_ref().unwrap_err().loader_error().unwrap(),
            "down"
        );
        assert_eq!((&page[3], &page[4]), (&page[0], &page[2]));
        assert_eq!((source.asked(), cache.stats().load_waits), (2, 0));
        assert!(cache.get_many(&[]).is_empty());
        jobs.run();
        assert_eq!(source.asked(), 2, "the jobs find nothing to do");
    }
}

#[test]
fn a_loader_of_one_key_runs_on_the_executor_and_in_the_thread_that_asks() {
    // An executor that runs each job at once, so that the caller finds all of it done.
    let threads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&threads);
    let load = move |key: &u32| {
        log.lock().unwrap().push(thread::current().id());
        Ok::<u32, String>(*key)
    };
    let elsewhere = |job: Box<dyn FnOnce() + Send>| thread::spawn(job).join().unwrap();
    let cache = Cache::<u32, u32>::builder(10)
        .loading(load)
        .executor(elsewhere);
    let cache = cache.build().unwrap();
    assert_eq!(cache.get_many(&[1, 2, 3]), [Ok(1), Ok(2), Ok(3)]);
    let here = thread::current().id();
    assert_eq!(
        threads
            .lock()
            .unwrap()
            .iter()
            .filter(|id| **id != here)
            .count(),
        3
    );
    // One key is not worth the way.
    assert_eq!(cache.get_many(&[1, 4]), [Ok(1), Ok(4)]);
    assert_eq!(*threads.lock().unwrap().last().unwrap(), here);

    // One that never runs a job, and one that drops it.
    let World { cache, jobs, .. } = world(Policy::Adaptive, |builder| builder);
    assert!(cache.get_many(&[1, 2, 3]).iter().all(Result::is_ok));
    jobs.run();
    let dropping = Cache::<u32, u32>::builder(10).loading(|key: &u32| Ok::<_, ()>(*key));
    let cache = dropping.executor(drop).build().unwrap();
    assert_eq!(cache.get_many(&[1, 2, 3]), [Ok(1), Ok(2), Ok(3)]);
}

#[test]
fn what_is_missing_travels_in_loads_of_the_largest_batch() {
    for policy in POLICIES {
        let Batches { cache, source, .. } = batches(policy, |builder| builder);
        assert_eq!(cache.get(&1), Ok(1_000));
        assert_eq!(source.batches(), [[1]]);
        let page = cache.get_many(&[5, 1, 500, 3, 2, 5, 4]);
        let expected = [
            Ok(5_001),
            Ok(1_000),
            Err(LoadError::Absent),
            Ok(3_001),
            Ok(2_001),
            Ok(5_001),
        ];
        assert_eq!(page[..6], expected);
        assert_eq!(
            (&page[6], source.batches()),
            (&Ok(4_002), vec![vec![5, 500, 3, 2], vec![4]])
        );
        assert_eq!(cache.get_if_present(&499), None, "nobody has asked for it");
        let stats = cache.stats();
        assert_eq!(
            (stats.loads, stats.load_failures, stats.load_waits),
            (3, 0, 0)
        );
        assert!(
            page[2]
                .as_ref()
                .unwrap_err()
                .to_string()
                .contains("does not have it")
        );
        source.goes(true);
        let page = cache.get_many(&[1, 6, 7]);
        assert_eq!(
            (page[0].clone(), source.batches()),
            (Ok(1_000), vec![vec![6, 7]])
        );
        assert!(
            page[1..]
                .iter()
                .all(|failed| failed.as_ref().unwrap_err().loader_error().unwrap() == "down")
        );
    }
}

#[test]
fn what_is_due_travels_with_what_is_missing_as_far_as_it_adds_no_load() {
    for policy in POLICIES {
        let Batches {
            cache,
            source,
            jobs,
            hand,
        } = batches(policy, |builder| builder.refresh_ahead(0.5));
        let keys: Vec<u32> = (1..=6).collect();
        cache.get_many(&keys);
        assert_eq!(source.batches().len(), 2);
        hand.advance(ms(500));
        // Two missing and two due in one load; four due in another one, which nobody waits for.
        let page = cache.get_many(&[1, 2, 3, 4, 5, 6, 11, 12]);
        assert_eq!(page[0], Ok(1_000), "as it was at the look");
        assert_eq!(source.batches(), [[11, 12, 1, 2]]);
        assert_eq!((cache.get(&1), cache.get(&3)), (Ok(1_002), Ok(3_000)));
        assert_eq!((jobs.run(), source.batches()), (1, vec![vec![3, 4, 5, 6]]));
        assert_eq!(cache.stats().refreshes, 6);
        hand.advance(ms(500));
        // Nothing is missing: nobody waits.
        cache.get_many(&[1, 2, 3]);
        assert_eq!(source.batches(), Vec::<Vec<u32>>::new());
        assert_eq!((jobs.run(), source.batches()), (1, vec![vec![1, 2, 3]]));
        assert!(cache.refresh(&1) && !cache.refresh(&1));
        cache.get_many(&[1, 2]);
        jobs.run();
        assert_eq!(source.batches(), [[1]], "it was fresh");
    }
}

#[test]
fn nobody_waits_for_a_refresh_while_others_load_what_he_misses() {
    let own: Arc<OnceLock<Customers>> = Arc::default();
    let (clock, hand) = Clock::manual();
    let (jobs, joined) = (Jobs::default(), Arc::new(Mutex::new(None)));
    let (execute, cache, slot) = (jobs.clone(), Arc::clone(&own), Arc::clone(&joined));
    let load = move |keys: &[u32]| {
        if keys == [11] {
            let cache = cache.get().unwrap().clone();
            let asking = cache.clone();
            *slot.lock().unwrap() = Some(thread::spawn(move || asking.get_many(&[1, 11])));
            while cache.stats().load_waits == 0 {
                thread::yield_now();
            }
        }
        Ok::<_, String>(keys.iter().map(|&key| (key, key)).collect::<Vec<_>>())
    };
    let builder = Cache::builder(10)
        .time_to_live(ms(1_000))
        .clock(clock)
        .loading_many(load);
    let builder = builder
        .executor(move |job| execute.push(job))
        .refresh_ahead(0.5);
    let cache = builder.build().unwrap();
    own.set(cache.clone()).unwrap();
    cache.get(&1).unwrap();
    hand.advance(ms(500));
    assert_eq!(cache.get(&11), Ok(11));
    let asking = joined.lock().unwrap().take().unwrap();
    assert_eq!(asking.join().unwrap(), [Ok(1), Ok(11)]);
    assert_eq!(cache.stats().loads, 2, "the refresh waits for the executor");
    assert_eq!((jobs.run(), cache.stats().loads), (1, 3));
}

#[test]
fn the_rules_hold_for_each_key_of_a_page() {
    for policy in POLICIES {
        let Batches {
            cache,
            source,
            jobs,
            hand,
        } = batches(policy, |builder| {
            builder
                .stale_while_revalidating(ms(100))
                .stale_on_error(ms(5_000), ms(200))
                .remember_failures(ms(300))
        });
        cache.get(&1).unwrap();
        hand.advance(ms(500));
        cache.get(&2).unwrap();
        hand.advance(ms(550));
        source.batches();
        source.goes(true);
        // Served stale at once, fresh, and missing.
        let page = cache.get_many(&[1, 2, 3]);
        assert_eq!((page[0].clone(), page[1].clone()), (Ok(1_000), Ok(2_001)));
        assert_eq!(
            page[2].as_ref().unwrap_err().loader_error().unwrap(),
            "down"
        );
        assert_eq!((source.batches(), jobs.run()), (vec![vec![3, 1]], 0));
        // The first waits for the pause, the third is remembered.
        hand.advance(ms(199));
        assert_eq!(
            (cache.get_many(&[1, 2, 3]), source.batches().len()),
            (page.clone(), 0)
        );
        hand.advance(ms(1));
        assert_eq!(cache.get_many(&[1, 2, 3]), page);
        assert_eq!(
            (source.batches(), jobs.run()),
            (vec![vec![1]], 0),
            "waits for it, too stale"
        );
        hand.advance(ms(100));
        source.goes(false);
        assert_eq!(cache.get_many(&[3]), [Ok(3_004)]);
        assert_eq!(cache.stats().failures_served, 2);
    }
}

#[test]
fn nothing_stands_in_for_what_the_source_does_not_have() {
    for policy in POLICIES {
        for remembers in [false, true] {
            let Batches {
                cache,
                source,
                jobs,
                hand,
            } = batches(policy, |builder| {
                let builder = builder
                    .refresh_ahead(0.5)
                    .stale_on_error(ms(5_000), ms(200));
                if remembers {
                    builder.remember_failures(ms(300))
                } else {
                    builder
                }
            });
            cache.get_many(&[1, 2]);
            source.gone.lock().unwrap().extend([1, 2]);
            hand.advance(ms(500));
            assert_eq!((cache.get(&1), jobs.run()), (Ok(1_000), 1));
            assert_eq!(
                cache.get_if_present(&1),
                None,
                "a refresh has found it gone"
            );
            hand.advance(ms(500));
            assert_eq!(cache.get(&2), Err(LoadError::Absent), "stale, and gone");
            source.goes(true);
            let told = cache.get(&2);
            if remembers {
                assert_eq!(
                    (told, cache.stats().failures_served),
                    (Err(LoadError::Absent), 1)
                );
            } else {
                assert!(
                    matches!(told, Err(LoadError::Failed(_))),
                    "nothing is left to stand in"
                );
                assert!(cache.is_empty());
            }
        }
    }
}

#[test]
fn what_was_written_meanwhile_is_not_taken_out_as_absent() {
    for remembers in [false, true] {
        let own: Arc<OnceLock<Customers>> = Arc::default();
        let cache = Arc::clone(&own);
        let load = move |keys: &[u32]| {
            cache.get().unwrap().insert(keys[0], 70);
            Ok::<[(u32, u32); 0], String>([])
        };
        let builder = Cache::builder(10).loading_many(load);
        let builder = if remembers {
            builder.remember_failures(ms(9))
        } else {
            builder
        };
        let cache = builder.build().unwrap();
        own.set(cache.clone()).unwrap();
        assert_eq!(
            cache.get(&7),
            Err(LoadError::Absent),
            "as it was when he asked"
        );
        assert_eq!(cache.get(&7), Ok(70));
    }
}

#[test]
fn who_asks_after_an_invalidation_is_not_told_that_nothing_was_there_before() {
    let Batches {
        cache,
        source,
        jobs,
        ..
    } = batches(Policy::Adaptive, |builder| builder);
    source.gone.lock().unwrap().insert(7);
    let mut before = pin!(cache.get_async(&7));
    assert!(before.as_mut().poll(&mut context()).is_pending());
    // The customer comes into being: the load that waits may read the source too early.
    cache.invalidate_tag(Tag::new("customer", 7));
    let mut after = pin!(cache.get_async(&7));
    assert!(after.as_mut().poll(&mut context()).is_pending());
    jobs.run();
    source.gone.lock().unwrap().clear();
    assert_eq!(block_on(before), Err(LoadError::Absent), "he asked before");
    assert!(after.as_mut().poll(&mut context()).is_pending());
    assert_eq!((jobs.run(), block_on(after)), (1, Ok(7_001)));
}

/// A cache whose loader says what it was asked for and waits until the test answers.
fn by_hand() -> (Customers, mpsc::Receiver<Vec<u32>>, mpsc::Sender<bool>) {
    let ((asked, questions), (answers, answered)) = (mpsc::channel(), mpsc::channel::<bool>());
    let answered = Mutex::new(answered);
    let load = move |keys: &[u32]| {
        asked.send(keys.to_vec()).unwrap();
        assert!(answered.lock().unwrap().recv().unwrap(), "on purpose");
        Ok::<_, String>(keys.iter().map(|&key| (key, 10 * key)).collect::<Vec<_>>())
    };
    let cache = Cache::builder(100).loading_many(load).max_batch(4);
    (cache.build().unwrap(), questions, answers)
}

#[test]
fn what_others_miss_while_a_load_is_under_way_travels_in_the_next_one() {
    let (cache, questions, answers) = by_hand();
    thread::scope(|scope| {
        let first = scope.spawn(|| cache.get_many(&[1, 2]));
        assert_eq!(questions.recv().unwrap(), [1, 2]);
        let others = [
            scope.spawn(|| cache.get_many(&[2, 3])),
            scope.spawn(|| vec![cache.get(&4)]),
            scope.spawn(|| block_on(cache.get_many_async(&[5, 1]))),
        ];
        // One waits for 1, one for 2; and all for their turn.
        while cache.stats().load_waits < 2 {
            thread::yield_now();
        }
        for _ in 0..4 {
            answers.send(true).unwrap();
        }
        assert_eq!(first.join().unwrap(), [Ok(10), Ok(20)]);
        let [second, third, fourth] = others.map(|other| other.join().unwrap());
        assert_eq!((second, third), (vec![Ok(20), Ok(30)], vec![Ok(40)]));
        assert_eq!(fourth, [Ok(50), Ok(10)]);
    });
    let loads = cache.stats().loads;
    assert!((2..=4).contains(&loads), "{loads}");
}

#[test]
fn a_call_that_waits_for_its_turn_is_loaded_by_the_one_before() {
    let (cache, questions, answers) = by_hand();
    let mut calls: Vec<_> = (2..=6)
        .map(|key| {
            Box::pin({
                let cache = cache.clone();
                async move { cache.get_async(&key).await }
            })
        })
        .collect();
    thread::scope(|scope| {
        let first = scope.spawn(|| cache.get(&1));
        assert_eq!(questions.recv().unwrap(), [1]);
        for call in &mut calls {
            assert!(call.as_mut().poll(&mut context()).is_pending());
        }
        answers.send(true).unwrap();
        assert_eq!(first.join().unwrap(), Ok(10));
        // The first who waits is dropped: his key is not loaded, and the next one leads.
        drop(calls.remove(0));
        answers.send(true).unwrap();
        assert_eq!(block_on(calls.remove(0)), Ok(30));
        assert_eq!(
            questions.recv().unwrap(),
            [3, 4, 5, 6],
            "one load for four calls"
        );
        for (call, key) in calls.drain(..).zip(4..) {
            assert_eq!(block_on(call), Ok(10 * key));
        }
    });
    assert_eq!((cache.stats().loads, cache.get_if_present(&2)), (2, None));
}

#[test]
fn a_panic_of_a_load_reaches_who_runs_it_and_the_others_try_again() {
    let (cache, questions, answers) = by_hand();
    thread::scope(|scope| {
        let first = scope.spawn(|| catch_unwind(AssertUnwindSafe(|| cache.get_many(&[1, 2]))));
        assert_eq!(questions.recv().unwrap(), [1, 2]);
        let mut second = pin!(cache.get_many_async(&[2, 3]));
        assert!(second.as_mut().poll(&mut context()).is_pending());
        answers.send(false).unwrap();
        assert!(first.join().unwrap().is_err());
        answers.send(true).unwrap();
        answers.send(true).unwrap();
        assert_eq!(block_on(second), [Ok(20), Ok(30)]);
    });
    answers.send(true).unwrap();
    assert_eq!(cache.get(&1), Ok(10), "nothing is wedged");
    assert_eq!(cache.stats().load_failures, 1);
}

#[test]
fn a_loader_of_many_may_use_the_cache_for_other_keys() {
    for policy in POLICIES {
        let own: Arc<OnceLock<Customers>> = Arc::default();
        let (cache, jobs) = (Arc::clone(&own), Jobs::default());
        let execute = jobs.clone();
        let load = move |keys: &[u32]| {
            let cache = cache.get().unwrap();
            let mut pairs = Vec::new();
            for &key in keys {
                assert_eq!(cache.get(&key), Err(LoadError::Reentrant));
                assert_eq!(cache.get_many(&[key]), [Err(LoadError::Reentrant)]);
                // The one above waits for the executor by now, or for this very call.
                let above = if key < 9 {
                    cache.get(&(key + 1))
                } else {
                    Ok(0)
                };
                pairs.push((key, key + above.unwrap_or(1_000)));
            }
            Ok::<_, String>(pairs)
        };
        let cache = Cache::builder(100)
            .policy(policy)
            .max_batch(2)
            .loading_many(load);
        let cache = cache
            .executor(move |job| execute.push(job))
            .build()
            .unwrap();
        own.set(cache.clone()).unwrap();
        assert!(cache.refresh(&8), "queued for the executor");
        // 6 and 7 are in one load: 6 must not wait for 7, 7 takes 8 over from the executor, and that loads 9.
        assert_eq!(cache.get_many(&[6, 7]), [Ok(1_006), Ok(7 + 8 + 9)]);
        jobs.run();
        assert_eq!((cache.get(&8), cache.stats().loads), (Ok(8 + 9), 3));
        // Three keys, two a load: the third is still queued when the loader of the first two asks for it.
        cache.clear();
        assert_eq!(cache.get_many(&[5, 3, 4])[1], Ok(3 + (4 + 1_000)));
    }
}

#[test]
fn a_task_leaves_its_load_to_the_executor() {
    for policy in POLICIES {
        let Batches {
            cache,
            source,
            jobs,
            ..
        } = batches(policy, |builder| builder);
        let mut dropped = Box::pin(cache.get_many_async(&[1, 2]));
        assert!(dropped.as_mut().poll(&mut context()).is_pending());
        drop(dropped);
        let mut other = pin!(cache.get_async(&2));
        assert!(other.as_mut().poll(&mut context()).is_pending());
        assert_eq!((jobs.run(), source.batches()), (1, vec![vec![1, 2]]));
        assert_eq!(
            (block_on(other), cache.get_if_present(&1)),
            (Ok(2_000), Some(1_000))
        );

        // A thread without limits takes over what the executor has not begun.
        let mut task = pin!(cache.get_many_async(&[3, 4]));
        assert!(task.as_mut().poll(&mut context()).is_pending());
        assert_eq!(cache.get_many(&[4]), [Ok(4_001)]);
        assert_eq!((jobs.run(), source.batches()), (1, vec![vec![4], vec![3]]));
        assert_eq!(block_on(task), [Ok(3_002), Ok(4_001)]);

        // Jobs that are dropped are told.
        let mut task = pin!(cache.get_many_async(&[5, 6]));
        assert!(task.as_mut().poll(&mut context()).is_pending());
        jobs.drop_all();
        assert!(
            block_on(task)
                .iter()
                .all(|told| matches!(told, Err(LoadError::Abandoned)))
        );
        // Without an executor it runs in the task.
        let load =
            |keys: &[u32]| Ok::<_, ()>(keys.iter().map(|&key| (key, key)).collect::<Vec<_>>());
        let cache = Cache::builder(10).loading_many(load).build().unwrap();
        assert_eq!(block_on(cache.get_many_async(&[1, 2])), [Ok(1), Ok(2)]);
    }
}

#[test]
fn futures_of_pages_can_be_sent() {
    fn is_send(_: &impl Send) {}
    let World { cache, .. } = world(Policy::Adaptive, |builder| builder);
    is_send(&cache.get_async(&1));
    is_send(&cache.get_many_async(&[1]));
}

#[test]
fn limits_hold_for_each_key_of_a_page_and_begin_with_the_call() {
    let (waited, sleep) = noting_sleep();
    let Batches {
        cache, jobs, hand, ..
    } = batches(Policy::Adaptive, |builder| {
        builder
            .soft_limit(ms(3))
            .hard_limit(ms(9))
            .stale_on_error(ms(5_000), ms(100))
            .sleep(sleep.clone())
    });
    cache.insert(1, 10);
    hand.advance(ms(1_000));
    cache.insert(2, 20);
    let page = block_on(cache.get_many_async(&[1, 2, 3, 4]));
    assert_eq!(page[..2], [Ok(10), Ok(20)]);
    assert!(
        page[2..]
            .iter()
            .all(|told| matches!(told, Err(LoadError::TimedOut)))
    );
    assert_eq!(
        *waited.lock().unwrap(),
        [ms(3), ms(9)],
        "one sleep of each kind"
    );
    assert_eq!((cache.stats().load_timeouts, jobs.run()), (3, 1));
    assert!(
        cache.get_many(&[1, 3, 4]).iter().all(Result::is_ok),
        "they went on"
    );
    // A thread with limits does not run the load itself.
    let told = cache.get_many(&[5]);
    assert!(matches!(told[0], Err(LoadError::TimedOut)));
}

#[test]
fn a_limit_is_not_begun_anew_when_a_load_is_given_up() {
    let waited = Arc::new(Mutex::new(Vec::new()));
    let is_over = Arc::new(AtomicBool::new(false));
    let World { cache, jobs, .. } = world(Policy::Adaptive, |builder| {
        let (waited, is_over) = (Arc::clone(&waited), Arc::clone(&is_over));
        builder.hard_limit(ms(9)).sleep(move |limit| {
            waited.lock().unwrap().push(limit);
            let is_over = Arc::clone(&is_over);
            std::future::poll_fn(move |_| {
                if is_over.load(Ordering::SeqCst) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
        })
    });
    // Somebody else's load, which is given up.
    assert!(cache.refresh(&7));
    let mut get = pin!(cache.get_async(&7));
    assert!(get.as_mut().poll(&mut context()).is_pending());
    jobs.drop_all();
    assert!(get.as_mut().poll(&mut context()).is_pending());
    assert_eq!(*waited.lock().unwrap(), [ms(9)]);
    is_over.store(true, Ordering::SeqCst);
    assert!(matches!(block_on(get), Err(LoadError::TimedOut)));
    assert_eq!(jobs.run(), 1, "tried once more");
}

#[test]
fn a_task_without_a_sleep_is_told_that_limits_would_not_hold() {
    for limit in [
        (|builder: Builder| builder.hard_limit(ms(9))) as fn(Builder) -> Builder,
        |builder| builder.stale_on_error(ms(9), ms(1)).soft_limit(ms(9)),
    ] {
        let World { cache, .. } = world(Policy::Adaptive, limit);
        cache.insert(7, 70);
        assert_eq!(cache.get(&7), Ok(70), "threads need none");
        for told in [
            catch_unwind(AssertUnwindSafe(|| drop(block_on(cache.get_async(&7))))),
            catch_unwind(AssertUnwindSafe(|| {
                drop(block_on(cache.get_many_async(&[7])));
            })),
        ] {
            let message = *told.unwrap_err().downcast::<&str>().unwrap();
            assert!(message.contains("LoadingBuilder::sleep"), "{message}");
        }
    }
}

#[test]
fn requests_of_a_page_are_started_together() {
    let (sender, requests) = mpsc::channel::<Request<u32, u32, String>>();
    let cache =
        Cache::<u32, u32>::builder(10).loading_by(move |request| sender.send(request).unwrap());
    let cache = cache.build().unwrap();
    let mut page = pin!(cache.get_many_async(&[1, 2, 1]));
    assert!(page.as_mut().poll(&mut context()).is_pending());
    let mut requests: Vec<_> = requests.try_iter().collect();
    assert_eq!(requests.len(), 2);
    drop(requests.pop());
    requests.pop().unwrap().answer(Ok(10));
    let page = block_on(page);
    assert_eq!((&page[0], &page[2]), (&Ok(10), &Ok(10)));
    assert!(matches!(page[1], Err(LoadError::Abandoned)));
}

/// What a clone of key 2 does first.
type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

struct Key(u32, Hook);

impl Clone for Key {
    fn clone(&self) -> Self {
        let hook = (self.0 == 2).then(|| self.1.lock().unwrap().take());
        if let Some(hook) = hook.flatten() {
            hook();
        }
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn issue_who_joined_a_refresh_just_before_it_was_queued_waited_for_the_executor() {
    let (clock, hand) = Clock::manual();
    let (jobs, hook) = (Jobs::default(), Hook::default());
    let execute = jobs.clone();
    let load = |keys: &[Key]| {
        Ok::<_, String>(
            keys.iter()
                .map(|key| (key.clone(), key.0))
                .collect::<Vec<_>>(),
        )
    };
    let cache = Cache::<Key, u32>::builder(10)
        .time_to_live(ms(1_000))
        .clock(clock)
        .loading_many(load)
        .executor(move |job| execute.push(job))
        .refresh_ahead(0.5)
        .build()
        .unwrap();
    let keys = [1, 2].map(|number| Key(number, Arc::clone(&hook)));
    cache.get_many(&keys);
    hand.advance(ms(500));
    let joined = Arc::new(Mutex::new(None));
    let (other, key, slot) = (cache.clone(), keys[0].clone(), Arc::clone(&joined));
    // Key 1 is boarded for its refresh, and not yet queued. It ends, and somebody needs it.
    *hook.lock().unwrap() = Some(Box::new(move || {
        hand.advance(ms(500));
        let asking = other.clone();
        *slot.lock().unwrap() = Some(thread::spawn(move || asking.get(&key)));
        while other.stats().load_waits == 0 {
            thread::yield_now();
        }
    }));
    assert_eq!(cache.get_many(&keys), [Ok(1), Ok(2)]);
    let joined = joined.lock().unwrap().take().unwrap();
    assert_eq!(
        joined.join().unwrap(),
        Ok(1),
        "the executor has not run yet"
    );
    assert_eq!(jobs.run(), 1);
}

#[test]
fn a_load_that_a_loader_waits_for_elsewhere_does_not_wait_for_the_queue_behind_it() {
    let own: Arc<OnceLock<Customers>> = Arc::default();
    let cache = Arc::clone(&own);
    let load = move |keys: &[u32]| {
        let mut sum = keys[0];
        if sum < 3 {
            sum += cache.get().unwrap().get(&(sum + 1)).unwrap();
        }
        Ok::<_, String>([(keys[0], sum)])
    };
    let builder = Cache::builder(10).loading_many(load);
    let builder = builder.executor(|job| drop(thread::spawn(job)));
    let cache = builder.hard_limit(ms(600_000)).build().unwrap();
    own.set(cache.clone()).unwrap();
    assert_eq!(cache.get(&1), Ok(1 + 2 + 3));
}

#[test]
fn issue_a_listener_that_asked_for_a_key_of_the_landing_page_waited_for_ever() {
    for policy in POLICIES {
        type Told = Mutex<Vec<Option<Result<u32, LoadError<String>>>>>;
        let (handle, told) = (
            Arc::new(OnceLock::<Customers>::new()),
            Arc::<Told>::default(),
        );
        let (asks, answers) = (Arc::clone(&handle), Arc::clone(&told));
        let cache = Cache::<u32, u32>::builder(1)
            .policy(policy)
            .on_removal(move |_, _, _| {
                let answer = asks.get().map(|cache| cache.get(&3));
                answers.lock().unwrap().push(answer);
            })
            .loading_many(|keys: &[u32]| {
                Ok::<_, String>(keys.iter().map(|&key| (key, 10 * key)).collect::<Vec<_>>())
            })
            .build()
            .unwrap();
        assert!(handle.set(cache.clone()).is_ok());
        let (done, ended) = mpsc::channel();
        thread::spawn(move || done.send(cache.get_many(&[1, 2, 3])));
        let page = ended.recv_timeout(ms(20_000)).expect("it ends");
        assert_eq!(page, [Ok(10), Ok(20), Ok(30)], "{policy:?}");
        // The first one leaves for the second, when the third has not landed.
        let first = told.lock().unwrap()[0].clone();
        assert!(
            matches!(first, Some(Err(LoadError::Reentrant))),
            "{first:?}"
        );
    }
}
