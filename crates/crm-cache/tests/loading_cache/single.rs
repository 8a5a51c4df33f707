//! A loading cache refreshes in time, serves what is stale while nothing better can be had, and never what was taken out.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use crm_cache::{
    BuildError, Cache, CacheBuilder, Clock, LoadError, LoadingBuilder, LoadingCache, NotReplaced,
    Policy, Request, Tag,
};
use futures::executor::block_on;

use super::world::{Customers, Jobs, POLICIES, World, ms, noting_sleep, world};

#[test]
fn without_rules_it_loads_what_is_missing_and_what_has_ended() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            jobs,
            hand,
        } = world(policy, |builder| builder);
        assert_eq!((cache.get(&7), cache.get(&7)), (Ok(7_000), Ok(7_000)));
        assert_eq!(cache.get_if_present(&8), None);
        hand.advance(ms(999));
        assert_eq!(cache.get(&7), Ok(7_000));
        hand.advance(ms(1));
        assert_eq!(cache.get_if_present(&7), None);
        assert_eq!(
            (cache.get(&7), source.asked(), jobs.run()),
            (Ok(7_001), 2, 0)
        );
        source.goes(true);
        hand.advance(ms(1_000));
        assert_eq!(cache.get(&7).unwrap_err().loader_error().unwrap(), "down");
        assert_eq!(cache.insert(7, 5), None);
        assert_eq!(
            (cache.get(&7), cache.remove(&7), cache.len()),
            (Ok(5), Some(5), 0)
        );
        let stats = cache.stats();
        assert_eq!(
            (
                stats.loads,
                stats.load_failures,
                stats.refreshes,
                stats.stale_served
            ),
            (3, 1, 0, 0)
        );
    }
}

#[test]
fn an_entry_is_refreshed_ahead_by_the_first_who_asks_and_nobody_waits() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            jobs,
            hand,
        } = world(policy, |builder| builder.refresh_ahead(0.8));
        cache.get(&7).unwrap();
        hand.advance(ms(799));
        assert_eq!((cache.get(&7), jobs.run()), (Ok(7_000), 0));
        hand.advance(ms(1));
        for _ in 0..3 {
            assert_eq!(cache.get(&7), Ok(7_000));
        }
        assert_eq!((source.asked(), jobs.run()), (1, 1), "one job for all");
        assert_eq!((cache.get(&7), source.asked()), (Ok(7_001), 2));
        hand.advance(ms(799));
        assert_eq!(
            (cache.get(&7), jobs.run()),
            (Ok(7_001), 0),
            "its life has begun anew"
        );
        assert_eq!(cache.stats().refreshes, 1);
    }
}

#[test]
fn a_job_that_is_never_run_holds_nobody_up() {
    for policy in POLICIES {
        for is_dropped in [false, true] {
            let World {
                cache,
                source,
                jobs,
                hand,
            } = world(policy, |builder| builder.refresh_ahead(0.5));
            cache.get(&7).unwrap();
            hand.advance(ms(500));
            assert_eq!(cache.get(&7), Ok(7_000));
            if is_dropped {
                jobs.drop_all();
            }
            hand.advance(ms(500));
            assert_eq!(cache.get(&7), Ok(7_001), "loaded by who needs it");
            assert_eq!(
                (jobs.run(), source.asked()),
                (usize::from(!is_dropped), 2),
                "the job finds nothing to do"
            );
            assert_eq!(cache.get(&7), Ok(7_001));
            assert!(cache.refresh(&7) && !cache.refresh(&7), "one at a time");
            jobs.run();
            assert_eq!(cache.get(&7), Ok(7_002));
        }
    }
}

#[test]
fn a_removal_voids_a_refresh_under_way() {
    for policy in POLICIES {
        for remove in [
            &(|cache: &Customers| assert_eq!(cache.remove(&7), Some(7_000))) as &dyn Fn(&Customers),
            &|cache| assert!(cache.forget(&7)),
            &|cache| cache.clear(),
            &|cache| cache.retain(|_, _| false),
            &|cache| cache.invalidate_tag(Tag::new("customer", 7)),
        ] {
            let World { cache, jobs, .. } = world(policy, |builder| {
                builder.stale_while_revalidating(ms(9_000))
            });
            cache.get(&7).unwrap();
            assert!(cache.refresh(&7));
            remove(&cache);
            assert_eq!(cache.get_if_present(&7), None);
            jobs.run();
            assert_eq!(
                cache.get_if_present(&7),
                None,
                "begun before it was taken out"
            );
            assert_eq!(cache.get(&7), Ok(7_002));
        }
    }
}

#[test]
fn what_was_taken_out_when_it_was_stale_is_served_no_more() {
    for policy in POLICIES {
        for (name, remove) in [
            (
                "remove",
                &(|cache: &Customers| assert_eq!(cache.remove(&7), None, "not fresh"))
                    as &dyn Fn(&Customers),
            ),
            ("forget", &|cache| assert!(!cache.forget(&7), "not fresh")),
            ("clear", &|cache| cache.clear()),
            ("retain", &|cache| cache.retain(|key, _| *key != 7)),
            ("invalidate_tag", &|cache| {
                cache.invalidate_tag(Tag::new("customer", 7));
            }),
        ] {
            let World {
                cache,
                source,
                hand,
                ..
            } = world(policy, |builder| builder.stale_on_error(ms(9_000), ms(1)));
            cache.get(&7).unwrap();
            cache.get(&8).unwrap();
            hand.advance(ms(1_000));
            remove(&cache);
            source.goes(true);
            assert!(cache.get(&7).is_err(), "{name}");
            assert_eq!(cache.get(&8).is_ok(), name != "clear", "{name}");
        }
    }
}

#[test]
fn a_stale_value_is_served_while_it_is_loaded_anew() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            jobs,
            hand,
        } = world(policy, |builder| builder.stale_while_revalidating(ms(500)));
        cache.get(&7).unwrap();
        hand.advance(ms(1_499));
        assert_eq!(cache.get_if_present(&7), None, "stale is not fresh");
        assert_eq!(
            (cache.get(&7), cache.get(&7), source.asked()),
            (Ok(7_000), Ok(7_000), 1)
        );
        assert_eq!(cache.stats().stale_served, 2);
        assert_eq!((jobs.run(), cache.get(&7)), (1, Ok(7_001)));
        hand.advance(ms(1_500));
        assert_eq!(cache.get(&7), Ok(7_002), "too old to serve");
        assert_eq!(jobs.run(), 0);
    }
}

#[test]
fn a_stale_value_stands_in_for_an_error_and_the_next_attempt_waits() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            hand,
            ..
        } = world(policy, |builder| builder.stale_on_error(ms(5_000), ms(100)));
        cache.get(&7).unwrap();
        source.goes(true);
        hand.advance(ms(1_000));
        assert_eq!((cache.get(&7), source.asked()), (Ok(7_000), 2));
        hand.advance(ms(99));
        assert_eq!(
            (cache.get(&7), source.asked()),
            (Ok(7_000), 2),
            "in the pause nothing is tried"
        );
        hand.advance(ms(1));
        assert_eq!((cache.get(&7), source.asked()), (Ok(7_000), 3));
        source.goes(false);
        hand.advance(ms(100));
        assert_eq!(cache.get(&7), Ok(7_001));
        source.goes(true);
        hand.advance(ms(6_000));
        assert!(cache.get(&7).is_err(), "too old to stand in");
        assert_eq!(cache.stats().stale_served, 3);
    }
}

#[test]
fn nothing_that_was_taken_out_stands_in() {
    for policy in POLICIES {
        for remove in [
            &(|cache: &Customers| assert_eq!(cache.remove(&7), None)) as &dyn Fn(&Customers),
            &|cache| assert!(!cache.forget(&7)),
            &|cache| cache.clear(),
            &|cache| cache.invalidate_tag(Tag::new("customer", 7)),
        ] {
            let World {
                cache,
                source,
                hand,
                ..
            } = world(policy, |builder| {
                builder
                    .stale_on_error(ms(5_000), ms(100))
                    .stale_while_revalidating(ms(5_000))
            });
            cache.get(&7).unwrap();
            hand.advance(ms(1_000));
            source.goes(true);
            remove(&cache);
            assert!(cache.get(&7).is_err());
        }
    }
}

#[test]
fn a_failed_refresh_keeps_the_fresh_value_and_waits() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            jobs,
            hand,
        } = world(policy, |builder| {
            builder
                .refresh_ahead(0.5)
                .stale_on_error(ms(5_000), ms(100))
                .remember_failures(ms(50))
        });
        cache.get(&7).unwrap();
        source.goes(true);
        hand.advance(ms(500));
        assert_eq!(
            (cache.get(&7), jobs.run(), cache.get(&7)),
            (Ok(7_000), 1, Ok(7_000))
        );
        assert_eq!(jobs.run(), 0, "in the pause nothing is tried");
        hand.advance(ms(100));
        assert_eq!(
            (cache.get(&7), jobs.run(), source.asked()),
            (Ok(7_000), 1, 3)
        );
    }
}

#[test]
fn a_failure_is_remembered_for_its_life_and_ended_by_a_write() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            hand,
            ..
        } = world(policy, |builder| builder.remember_failures(ms(100)));
        source.goes(true);
        for _ in 0..3 {
            assert_eq!(
                format!("{:#}", cache.get(&7).unwrap_err()),
                "the loader failed: down"
            );
        }
        assert_eq!((source.asked(), cache.stats().failures_served), (1, 2));
        assert_eq!((cache.get_if_present(&7), cache.len()), (None, 1));
        assert_eq!(cache.insert(7, 5), None, "a failure is no value");
        assert_eq!(cache.get(&7), Ok(5));
        assert_eq!(cache.get(&8).unwrap_err().loader_error().unwrap(), "down");
        assert_eq!(cache.remove(&8), None);
        source.goes(false);
        assert_eq!(cache.get(&8), Ok(8_000), "a removal ends it");
        source.goes(true);
        assert!(cache.get(&10).is_err());
        cache.retain(|_, _| true);
        assert_eq!(cache.len(), 2, "a failure is nothing to keep");
        assert!(cache.get(&9).is_err());
        source.goes(false);
        hand.advance(ms(99));
        assert!(cache.get(&9).is_err());
        hand.advance(ms(1));
        assert_eq!(cache.get(&9), Ok(9_001));
    }
}

#[test]
fn past_the_hard_limit_a_caller_is_told_and_the_load_goes_on() {
    let World { cache, jobs, .. } = world(Policy::Adaptive, |builder| builder.hard_limit(ms(1)));
    assert!(matches!(cache.get(&7), Err(LoadError::TimedOut)));
    assert_eq!(jobs.run(), 1);
    assert_eq!((cache.get(&7), cache.stats().load_timeouts), (Ok(7_000), 1));
}

#[test]
fn past_the_soft_limit_a_stale_value_is_served() {
    let World {
        cache, jobs, hand, ..
    } = world(Policy::Adaptive, |builder| {
        builder
            .soft_limit(ms(1))
            .hard_limit(ms(2))
            .stale_on_error(ms(5_000), ms(100))
    });
    assert!(
        matches!(cache.get(&7), Err(LoadError::TimedOut)),
        "nothing to fall back to"
    );
    jobs.run();
    hand.advance(ms(1_000));
    assert_eq!(cache.get(&7), Ok(7_000));
    assert_eq!((jobs.run(), cache.get(&7)), (1, Ok(7_001)));
}

#[test]
fn who_has_something_to_fall_back_to_waits_for_the_soft_limit_and_others_for_the_hard_one() {
    let (waited, sleep) = noting_sleep();
    let World {
        cache, jobs, hand, ..
    } = world(Policy::Adaptive, |builder| {
        builder
            .soft_limit(ms(3))
            .hard_limit(ms(9))
            .stale_on_error(ms(5_000), ms(100))
            .sleep(sleep.clone())
    });
    assert!(block_on(cache.get_async(&7)).is_err());
    jobs.run();
    hand.advance(ms(1_000));
    assert_eq!(block_on(cache.get_async(&7)), Ok(7_000));
    assert_eq!(*waited.lock().unwrap(), [ms(9), ms(3)]);
}

#[test]
fn a_load_that_a_panic_or_a_drop_has_ended_is_told_and_not_tried_for_ever() {
    let jobs = Jobs::default();
    let execute = jobs.clone();
    let cache = Cache::<u32, u32>::builder(10)
        .loading(|key: &u32| {
            if *key == 7 {
                panic!("on purpose")
            } else {
                Err::<u32, _>("down")
            }
        })
        .executor(move |job| drop(catch_unwind(AssertUnwindSafe(job))))
        .hard_limit(Duration::from_secs(600))
        .build()
        .unwrap();
    let error = cache.get(&7).unwrap_err();
    assert!(matches!(error, LoadError::Abandoned));
    assert!(error.to_string().contains("its loader panicked"));
    assert_eq!(cache.stats().load_failures, 1);

    let cache = Cache::<u32, u32>::builder(10)
        .loading(|key: &u32| Ok::<_, ()>(*key))
        .executor(drop)
        .hard_limit(Duration::from_secs(600))
        .sleep(|_| std::future::pending())
        .build()
        .unwrap();
    assert!(
        matches!(cache.get(&7), Err(LoadError::Abandoned)),
        "dropped unseen"
    );
    assert!(matches!(
        block_on(cache.get_async(&7)),
        Err(LoadError::Abandoned)
    ));

    let cache = Cache::<u32, u32>::builder(10)
        .loading_by(|request: Request<u32, u32, String>| drop(request))
        .build()
        .unwrap();
    assert!(matches!(cache.get(&7), Err(LoadError::Abandoned)));
    assert!(matches!(
        block_on(cache.get_async(&7)),
        Err(LoadError::Abandoned)
    ));
    assert_eq!(cache.stats().load_failures, 2);

    let inline = Cache::<u32, u32>::builder(10)
        .loading(|_: &u32| -> Result<u32, ()> { panic!("on purpose") })
        .build()
        .unwrap();
    assert!(
        catch_unwind(AssertUnwindSafe(|| inline.get(&7))).is_err(),
        "a panic in one's own thread goes through"
    );
    assert!(
        catch_unwind(AssertUnwindSafe(|| inline.get(&7))).is_err(),
        "and wedges nothing"
    );
    execute.run();
}

#[test]
fn requests_are_answered_from_anywhere_by_threads_and_tasks() {
    let (sender, requests) = mpsc::channel::<Request<u32, u32, String>>();
    let cache = Cache::<u32, u32>::builder(10)
        .loading_by(move |request| sender.send(request).unwrap())
        .build()
        .unwrap();
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..3)
            .map(|number| {
                let cache = &cache;
                scope.spawn(move || {
                    if number == 0 {
                        block_on(cache.get_async(&7))
                    } else {
                        cache.get(&7)
                    }
                })
            })
            .collect();
        let request = requests.recv().unwrap();
        assert_eq!(*request.key(), 7);
        assert!(format!("{request:?}").contains('7'));
        while cache.stats().load_waits < 2 {
            thread::yield_now();
        }
        request.answer(Ok(70));
        assert!(
            waiters
                .into_iter()
                .all(|waiter| waiter.join().unwrap() == Ok(70))
        );
    });
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_failures), (1, 0));
}

#[test]
fn who_asks_after_an_invalidation_does_not_take_the_answer_of_an_older_load() {
    let (sender, requests) = mpsc::channel::<Request<u32, u32, String>>();
    let cache = Cache::<u32, u32>::builder(10)
        .tags(|key, _, tags| tags.add(Tag::new("customer", *key)))
        .loading_by(move |request| sender.send(request).unwrap())
        .build()
        .unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut before = pin!(cache.get_async(&7));
    assert!(before.as_mut().poll(&mut context).is_pending());
    cache.invalidate_tag(Tag::new("customer", 7));
    let mut after = pin!(cache.get_async(&7));
    assert!(after.as_mut().poll(&mut context).is_pending());
    requests.recv().unwrap().answer(Ok(1));
    assert_eq!(block_on(before), Ok(1), "he asked before");
    assert!(after.as_mut().poll(&mut context).is_pending());
    requests.recv().unwrap().answer(Ok(2));
    assert_eq!(block_on(after), Ok(2));
    assert_eq!(cache.get_if_present(&7), Some(2));
}

#[test]
fn a_task_waits_on_the_executor_and_for_no_longer_than_the_limits() {
    let never = |builder: LoadingBuilder<u32, u32, String>| {
        builder.hard_limit(ms(1)).sleep(|_| std::future::ready(()))
    };
    let World { cache, jobs, .. } = world(Policy::Adaptive, never);
    assert!(matches!(
        block_on(cache.get_async(&7)),
        Err(LoadError::TimedOut)
    ));
    jobs.run();
    assert_eq!(block_on(cache.get_async(&7)), Ok(7_000));

    let World { cache, jobs, .. } = world(Policy::Adaptive, |builder| builder);
    let mut get = pin!(cache.get_async(&7));
    let mut context = Context::from_waker(Waker::noop());
    assert!(get.as_mut().poll(&mut context).is_pending());
    drop(cache.get_async(&7));
    assert_eq!(jobs.run(), 1);
    assert_eq!(block_on(get), Ok(7_000));
}

#[test]
fn issue_each_of_many_tasks_queued_a_job_of_its_own() {
    let World {
        cache,
        jobs,
        source,
        ..
    } = world(Policy::Adaptive, |builder| builder);
    let mut context = Context::from_waker(Waker::noop());
    let mut gets: Vec<_> = (0..10).map(|_| Box::pin(cache.get_async(&7))).collect();
    assert!(
        gets.iter_mut()
            .all(|get| get.as_mut().poll(&mut context).is_pending())
    );
    assert_eq!(
        (jobs.run(), source.asked(), cache.stats().load_waits),
        (1, 1, 9)
    );
    assert!(gets.into_iter().all(|get| block_on(get) == Ok(7_000)));
}

#[test]
fn issue_a_failed_load_counted_as_more_than_the_one_read_that_asked() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            hand,
            ..
        } = world(policy, |builder| builder.stale_on_error(ms(5_000), ms(100)));
        cache.get(&7).unwrap();
        hand.advance(ms(1_000));
        source.goes(true);
        cache.get(&7).unwrap();
        assert!(cache.get(&8).is_err());
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses), (0, 3));
    }
}

#[test]
fn a_loader_that_asks_for_its_own_key_is_told() {
    let own: Arc<std::sync::OnceLock<LoadingCache<u32, u32, String>>> = Arc::default();
    let cache = Arc::clone(&own);
    let loading = Cache::<u32, u32>::builder(10)
        .loading(move |key: &u32| {
            let cache = cache.get().unwrap();
            assert!(matches!(cache.get(key), Err(LoadError::Reentrant)));
            if *key == 7 {
                cache.get(&8).map_err(|error| error.to_string())
            } else {
                Ok(1)
            }
        })
        .build()
        .unwrap();
    own.set(loading.clone()).unwrap();
    assert_eq!(loading.get(&7), Ok(1));
}

#[test]
fn early_expiry_refreshes_the_earlier_the_longer_loads_take() {
    let refreshed_at = |load_time: u64, beta: f64| {
        let (clock, hand) = Clock::manual();
        let (time, jobs) = (hand.clone(), Jobs::default());
        let execute = jobs.clone();
        let cache = Cache::<u32, u32>::builder(10)
            .time_to_live(ms(1_000_000))
            .clock(clock)
            .loading(move |_: &u32| {
                time.advance(ms(load_time));
                Ok::<_, ()>(1)
            })
            .executor(move |job| execute.push(job))
            .early_expiry(beta)
            .build()
            .unwrap();
        cache.get(&7).unwrap();
        (0..1_000_000_u64 / 500).find(|_| {
            hand.advance(ms(500));
            cache.get(&7).unwrap();
            jobs.run() > 0
        })
    };
    // Never within the life counts as last of all.
    let at = |load_time, beta| refreshed_at(load_time, beta).unwrap_or(u64::MAX);
    let (short, long, longer) = (at(100, 1.0), at(20_000, 1.0), at(20_000, 20.0));
    assert!(longer < long && long < short, "{longer}, {long}, {short}");
    assert!(
        short > 1_990 && long < 1_960,
        "some mean load times ahead of 2000: {long}, {short}"
    );
}

/// What was not stored comes back.
fn handed_back(replaced: Result<u32, NotReplaced<u32, u32>>) -> Result<u32, (u32, u32)> {
    replaced.map_err(|refused| (refused.key, refused.value))
}

#[test]
fn nonsense_is_refused_and_the_message_names_the_remedy() {
    type Builder = LoadingBuilder<u32, u32, ()>;
    let lives = || Cache::<u32, u32>::builder(10).time_to_live(ms(1_000));
    let builder = || lives().loading(|_: &u32| Ok::<u32, ()>(1));
    let ready = || builder().executor(|job| job());
    let refused = |builder: Builder, expected: &str, remedy: &str| {
        let error = builder.build().unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
        assert!(error.to_string().contains(remedy), "{error}");
    };
    let rules: [fn(Builder) -> Builder; 5] = [
        |builder| builder.refresh_ahead(0.5),
        |builder| builder.early_expiry(1.0),
        |builder| builder.stale_while_revalidating(ms(1)),
        |builder| builder.stale_on_error(ms(1), ms(1)),
        |builder| builder.hard_limit(ms(1)),
    ];
    for (number, rule) in rules.into_iter().enumerate() {
        assert!(rule(ready()).build().is_ok(), "rule {number}");
        // An error can be survived without a load in the background.
        if number == 3 {
            assert!(rule(builder()).build().is_ok());
        } else {
            refused(rule(builder()), "NoExecutor", "an executor");
            let many = lives().loading_many(|_: &[u32]| Ok::<[(u32, u32); 0], ()>([]));
            refused(rule(many), "NoExecutor", "an executor");
        }
        // Who asks nothing of lives needs none.
        let endless = || {
            Cache::builder(10)
                .loading(|_: &u32| Ok(1))
                .executor(|job| job())
        };
        if number == 4 {
            assert!(rule(endless()).build().is_ok());
        } else {
            refused(
                rule(endless()),
                "NothingEnds",
                "a time to live or an expiry",
            );
        }
        let computed = Cache::builder(10).expiry(|_, _| Some(ms(9)));
        let computed = computed.loading(|_: &u32| Ok(1)).executor(|job| job());
        assert!(rule(computed).build().is_ok());
    }
    let idle = Cache::builder(10)
        .time_to_idle(ms(9))
        .loading(|_: &u32| Ok(1));
    let idle = idle.executor(|job| job()).refresh_ahead(0.5);
    refused(idle, "NothingEnds", "a time to live or an expiry");

    for share in [0.0, 1.0, -1.0, f64::INFINITY] {
        let error = format!("RefreshOutOfRange {{ share: {share:?} }}");
        refused(ready().refresh_ahead(share), &error, "such as 0.8");
    }
    assert!(ready().refresh_ahead(f64::NAN).build().is_err());
    for beta in [0.0, -1.0, f64::INFINITY] {
        let error = format!("EarlinessOutOfRange {{ beta: {beta:?} }}");
        refused(ready().early_expiry(beta), &error, "1 as a rule");
    }
    assert!(ready().early_expiry(f64::NAN).build().is_err());
    let limited = ready().stale_on_error(ms(9), ms(1)).soft_limit(ms(2));
    let error = "SoftLimitOverHardLimit { soft: 2ms, hard: 1ms }";
    refused(limited.hard_limit(ms(1)), error, "lower it");
    let without_stale = ready().soft_limit(ms(1));
    refused(without_stale, "NothingStale", "stale_on_error");
    for life in [Duration::ZERO, Duration::from_micros(999)] {
        let error = format!("FailuresTooShort {{ life: {life:?} }}");
        refused(builder().remember_failures(life), &error, "at least 1ms");
    }
    assert!(builder().remember_failures(ms(1)).build().is_ok());
    for life in [Duration::ZERO, Duration::from_micros(999)] {
        let error = format!("AbsencesTooShort {{ life: {life:?} }}");
        refused(builder().remember_absences(life), &error, "at least 1ms");
    }
    assert!(builder().remember_absences(ms(1)).build().is_ok());
    let paused = ready().stale_on_error(ms(9), ms(1)).retry_pause(ms(1));
    refused(paused, "TwoPauses", "leave retry_pause out");
    for age in [Duration::ZERO, Duration::from_micros(999)] {
        let error = format!("StaleTooShort {{ age: {age:?} }}");
        refused(ready().stale_on_error(age, ms(1)), &error, "retry_pause");
    }
    let batched = builder().max_batch(5);
    refused(batched, "UselessBatch", "loading_many");
    refused(
        lives()
            .loading_by(|request: Request<u32, u32, ()>| drop(request))
            .max_batch(5),
        "UselessBatch",
        "loading_many",
    );
    let many = || lives().loading_many(|_: &[u32]| Ok::<[(u32, u32); 0], ()>([]));
    refused(many().max_batch(0), "ZeroBatch", "at least one key");
    assert!(many().max_batch(1).build().is_ok());
    let spread: CacheBuilder<u32, u32> = Cache::builder(10).time_to_idle(ms(9)).jitter(0.1);
    let spread = spread.loading(|_: &u32| Ok::<u32, ()>(1));
    refused(spread, "NothingToSpread", "a time to live or an expiry");
    let started = || lives().loading_by(|request: Request<u32, u32, ()>| drop(request));
    let error = "UselessExecutor";
    refused(
        started().executor(|job| job()),
        error,
        "leave the executor out",
    );
    assert!(started().refresh_ahead(0.5).build().is_ok());

    let jittery = |jitter| lives().jitter(jitter).loading(|_: &u32| Ok::<u32, ()>(1));
    for jitter in [-0.1, 1.1] {
        let error = format!("JitterOutOfRange {{ jitter: {jitter:?} }}");
        refused(jittery(jitter), &error, "from 0 (none) to 1");
    }
    assert!(jittery(f64::NAN).build().is_err() && jittery(1.0).build().is_ok());
    let nothing: CacheBuilder<u32, u32> = Cache::builder(0);
    let nothing = nothing.loading(|_: &u32| Ok::<u32, ()>(1));
    refused(nothing, "ZeroCapacity", "at least one entry");
    let batch = lives().max_batch(0).loading(|_: &u32| Ok::<u32, ()>(1));
    refused(batch, "ZeroBatch", "at least one key");
}

#[test]
fn weights_tags_listeners_and_lives_see_values_only() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let (clock, hand) = Clock::manual();
    let cache = Cache::<u32, u32>::builder(10)
        .weigher(100, |_, &value| u64::from(value))
        .expiry(|_, &value| Some(ms(u64::from(value))))
        .on_removal(move |&key, &value, cause| {
            log.lock().unwrap().push((key, value, cause.to_string()));
        })
        .clock(clock)
        .loading(|key: &u32| {
            if *key < 50 {
                Ok(*key)
            } else {
                Err("no such customer")
            }
        })
        .remember_failures(ms(15))
        .build()
        .unwrap();
    assert_eq!((cache.get(&10), cache.get(&20)), (Ok(10), Ok(20)));
    assert!(cache.get(&60).is_err());
    assert_eq!((cache.len(), cache.stats().weight), (3, 30));
    hand.advance(ms(10));
    assert_eq!(
        (cache.get_if_present(&10), cache.get_if_present(&20)),
        (None, Some(20))
    );
    cache.clear();
    assert_eq!((cache.is_empty(), cache.stats().weight), (true, 0));
    let mut told = told.lock().unwrap().clone();
    told.sort_unstable();
    assert_eq!(
        told.iter().map(|entry| entry.0).collect::<Vec<_>>(),
        [10, 20]
    );
}

#[test]
fn issue_a_remembered_failure_kept_its_slot_as_long_as_a_stale_value() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            hand,
            ..
        } = world(policy, |builder| {
            builder
                .stale_on_error(ms(5_000), ms(100))
                .remember_failures(ms(50))
        });
        cache.get(&7).unwrap();
        source.goes(true);
        assert!(cache.get(&8).is_err());
        hand.advance(ms(49));
        assert_eq!((cache.remove_expired(), cache.len()), (0, 2));
        hand.advance(ms(1));
        assert_eq!((cache.remove_expired(), cache.len()), (1, 1));
        hand.advance(ms(5_949));
        assert_eq!(cache.remove_expired(), 0, "a stale value stays");
        hand.advance(ms(1));
        assert_eq!((cache.remove_expired(), cache.is_empty()), (1, true));
    }
}

#[test]
fn a_loader_that_invalidates_its_own_tag_is_answered_and_not_stored() {
    for policy in POLICIES {
        let own: Arc<std::sync::OnceLock<Customers>> = Arc::default();
        let cache = Arc::clone(&own);
        let load = move |key: &u32| {
            let tag = Tag::new("customer", *key);
            cache.get().unwrap().invalidate_tag(tag);
            Ok::<_, String>(*key)
        };
        let cache = Cache::builder(10)
            .policy(policy)
            .tags(|key, _, tags| tags.add(Tag::new("customer", *key)))
            .loading(load)
            .build()
            .unwrap();
        own.set(cache.clone()).unwrap();
        assert_eq!(
            (cache.get(&7), block_on(cache.get_async(&8))),
            (Ok(7), Ok(8))
        );
        assert_eq!(cache.get_many(&[7, 8]), [Ok(7), Ok(8)]);
        assert_eq!((cache.get_if_present(&7), cache.stats().loads), (None, 4));
    }
}

#[test]
fn a_clock_that_stands_still_ends_nothing_and_holds_nobody_up() {
    for policy in POLICIES {
        let World {
            cache,
            source,
            jobs,
            ..
        } = world(policy, |builder| {
            builder
                .refresh_ahead(0.5)
                .early_expiry(1.0)
                .stale_while_revalidating(ms(100))
                .stale_on_error(ms(5_000), ms(100))
                .remember_failures(ms(50))
        });
        for _ in 0..100 {
            assert_eq!(cache.get(&7), Ok(7_000));
        }
        source.goes(true);
        assert!(cache.get(&8).is_err() && cache.get(&8).is_err());
        assert_eq!((source.asked(), jobs.run()), (2, 0));
        assert!(cache.refresh(&7), "asked for by name");
        assert_eq!((jobs.run(), cache.get(&7)), (1, Ok(7_000)));
    }
}

#[test]
fn it_has_what_a_plain_cache_has_and_shows_values_only() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache = Cache::<u32, u32>::builder(8)
            .policy(policy)
            .shards(1)
            .weigher(100, |_, &value| u64::from(value))
            .time_to_live(ms(1_000))
            .clock(clock)
            .loading(|key: &u32| if *key < 5 { Ok(10 * key) } else { Err("down") })
            .remember_failures(ms(500))
            .build()
            .unwrap();
        assert_eq!((cache.capacity(), cache.max_weight()), (8, Some(100)));
        for key in 1..=8 {
            assert_eq!(cache.get(&key).is_ok(), key < 5);
        }
        assert_eq!((cache.len(), cache.weight()), (8, 100));
        let sorted = |mut keys: Vec<u32>| {
            keys.sort_unstable();
            keys
        };
        for keys in [cache.hottest(4), cache.coldest(4), cache.hottest(9)] {
            assert_eq!(sorted(keys), [1, 2, 3, 4], "failures are not shown");
        }
        assert_eq!((cache.hottest(2).len(), cache.coldest(0).len()), (2, 0));
        let first = cache.hottest(1)[0];
        assert_eq!(cache.coldest(4)[3], first);
        let entries = cache.entries();
        assert_eq!(
            sorted(entries.into_iter().map(|(_, value)| value).collect()),
            [10, 20, 30, 40]
        );
        assert_eq!(cache.read(&3, |value| value + 1), Some(31));
        assert_eq!(
            (
                cache.read(&5, |value| *value),
                cache.read(&9, |value| *value)
            ),
            (None, None)
        );

        let refused = cache.try_insert(1, 101).unwrap_err();
        assert_eq!((refused.key, refused.value, refused.weight), (1, 101, 101));
        assert_eq!(
            (refused.previous, cache.get_if_present(&1)),
            (Some(10), None)
        );
        assert_eq!(cache.try_insert(2, 21).unwrap(), Some(20));
        assert_eq!(cache.replace(2, 22), Ok(21));
        assert_eq!(
            handed_back(cache.replace(5, 1)),
            Err((5, 1)),
            "a failure is no value"
        );
        assert!(cache.get(&5).is_err());
        assert_eq!(
            (
                handed_back(cache.replace(1, 1)),
                handed_back(cache.replace(3, 101))
            ),
            (Err((1, 1)), Err((3, 101)))
        );
        assert_eq!(cache.remove_if(&2, |value| *value > 22), None);
        assert_eq!(cache.remove_if(&2, |value| *value == 22), Some(22));
        assert_eq!(cache.remove_if(&5, |_| unreachable!("no value")), None);
        assert_eq!(cache.len(), 4, "the failure of 5 has left");

        assert_eq!(cache.set_max_weight(0), Err(BuildError::ZeroWeight));
        cache.set_max_weight(39).unwrap();
        assert_eq!((cache.weight(), cache.max_weight()), (0, Some(39)));
        assert_eq!(cache.set_capacity(0), Err(BuildError::ZeroCapacity));
        cache.set_capacity(2).unwrap();
        assert!(cache.len() <= 2 && cache.capacity() == 2);
        cache.insert(1, 1);
        cache.insert(2, 2);
        let len = cache.len();
        assert!((1..=2).contains(&len) && cache.weight() <= 3);
        hand.advance(ms(1_000));
        assert_eq!((cache.remove_expired(), cache.len()), (len, 0));
    }
}

#[test]
fn a_replacement_voids_a_load_under_way_even_if_nothing_is_here() {
    let World { cache, jobs, .. } = world(Policy::Adaptive, |builder| builder);
    assert!(cache.refresh(&7));
    assert_eq!(handed_back(cache.replace(7, 1)), Err((7, 1)));
    jobs.run();
    assert_eq!(cache.get_if_present(&7), None, "it may be older");
}

#[test]
fn a_look_from_outside_leaves_no_trace_and_sees_no_failure() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache = Cache::<u32, u32>::builder(10)
            .policy(policy)
            .time_to_live(ms(10))
            .clock(clock)
            .loading(|key: &u32| if *key < 5 { Ok(10 * key) } else { Err(()) })
            .stale_on_error(ms(100), ms(1))
            .remember_failures(ms(10))
            .build()
            .unwrap();
        assert_eq!((cache.get(&1), cache.get(&7).is_err()), (Ok(10), true));
        let counted = cache.stats();
        assert_eq!((cache.peek(&1), cache.peek(&7)), (Some(10), None));
        let here = [1, 2, 7].map(|key| cache.contains_key(&key));
        assert_eq!((here, cache.keys()), ([true, false, false], vec![1]));
        hand.advance(ms(10));
        assert_eq!(
            (cache.peek(&1), cache.contains_key(&1)),
            (None, false),
            "stale"
        );
        assert_eq!((cache.stats(), cache.keys().len()), (counted, 0));
    }
}

#[test]
fn tenants_of_a_loading_cache_have_their_shares_and_stale_values_count() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache = Cache::<(u8, u32), u32>::builder(10)
            .policy(policy)
            .shards(1)
            .tenants(|key: &(u8, u32)| key.0, [(1_u8, 0.4)])
            .time_to_live(ms(10))
            .clock(clock)
            .loading(|key: &(u8, u32)| Ok::<_, ()>(key.1))
            .stale_on_error(ms(100), ms(1))
            .build()
            .unwrap();
        assert_eq!(
            (cache.tenant_capacity(1_u8), cache.tenant_capacity(2_u8)),
            (4, 6)
        );
        (0..4).for_each(|id| assert_eq!(cache.get(&(1, id)), Ok(id)));
        hand.advance(ms(10));
        (0..100).for_each(|id| assert_eq!(cache.get(&(2, id)), Ok(id)));
        assert_eq!(
            (cache.tenant_len(1_u8), cache.tenant_len(2_u8)),
            (4, 6),
            "{policy:?}"
        );
        hand.advance(ms(100));
        cache.remove_expired();
        assert_eq!(cache.tenant_len(1_u8), 0);
    }
}

/// Whoever guesses identities leaves a remembered failure each.
#[test]
#[cfg(not(miri))]
fn issue_remembered_failures_pushed_values_out_of_a_weighed_cache() {
    let hits_of = |guesses: bool| {
        let cache = Cache::<u64, u64>::builder(1_000)
            .shards(1)
            .weigher(100_000, |_, weight| *weight)
            .loading(|key: &u64| if *key < 10_000 { Ok(500) } else { Err(()) })
            .remember_failures(Duration::from_secs(60))
            .build()
            .unwrap();
        let (mut state, mut hits) = (7_u64, 0);
        for turn in 0..50_000 {
            state = state * 48_271 % 0x7FFF_FFFF;
            // The logarithm of the rank is even, so that a few are asked for most.
            let key = 2_000_f64.powf(state as f64 / f64::from(0x7FFF_FFFF)) as u64;
            hits += u64::from(cache.contains_key(&key));
            cache.get(&key).unwrap();
            if guesses {
                assert!(cache.get(&(10_000 + turn)).is_err());
            }
        }
        hits as f64 / 50_000.0
    };
    let (alone, guessed) = (hits_of(false), hits_of(true));
    assert!(alone - guessed < 0.08, "{alone} alone, {guessed} beside");
}

#[test]
fn issue_a_failing_refresh_was_tried_again_at_every_read() {
    type Configure = fn(LoadingBuilder<u32, u32, String>) -> LoadingBuilder<u32, u32, String>;
    // What is configured, and after how many milliseconds the next attempt is due.
    let rules: [(Configure, u64); 3] = [
        (|builder| builder.refresh_ahead(0.5), 1_000),
        (
            |builder| builder.refresh_ahead(0.5).retry_pause(ms(200)),
            200,
        ),
        (|builder| builder.stale_while_revalidating(ms(5_000)), 1_000),
    ];
    for policy in POLICIES {
        for (configure, pause) in rules {
            for is_dropped in [false, true] {
                let World {
                    cache,
                    source,
                    jobs,
                    hand,
                } = world(policy, |builder| {
                    configure(builder.stale_while_revalidating(ms(5_000)))
                });
                cache.get(&7).unwrap();
                source.goes(true);
                hand.advance(ms(1_000));
                for _ in 0..100 {
                    assert_eq!(cache.get(&7), Ok(7_000));
                    if is_dropped {
                        jobs.drop_all();
                    } else {
                        jobs.run();
                    }
                }
                assert_eq!(cache.stats().refreshes, 1);
                assert_eq!(source.asked(), 1 + u32::from(!is_dropped));
                hand.advance(ms(pause - 1));
                assert_eq!((cache.get(&7), jobs.run()), (Ok(7_000), 0));
                hand.advance(ms(1));
                assert_eq!((cache.get(&7), jobs.run()), (Ok(7_000), 1));
            }
        }
    }
}

#[test]
fn a_loader_that_panics_and_a_request_that_is_dropped_are_not_tried_again_at_every_read() {
    let (clock, hand) = Clock::manual();
    let panicking = Cache::<u32, u32>::builder(10)
        .time_to_live(ms(100))
        .clock(clock)
        .loading(|_: &u32| -> Result<u32, ()> { panic!("on purpose") })
        .executor(|job| drop(catch_unwind(AssertUnwindSafe(job))))
        .refresh_ahead(0.5)
        .build()
        .unwrap();
    let (clock, other_hand) = Clock::manual();
    let many = Cache::<u32, u32>::builder(10)
        .time_to_live(ms(100))
        .clock(clock)
        .loading_many(|_: &[u32]| -> Result<Vec<(u32, u32)>, ()> { panic!("on purpose") })
        .executor(|job| drop(catch_unwind(AssertUnwindSafe(job))))
        .refresh_ahead(0.5)
        .build()
        .unwrap();
    let (clock, third_hand) = Clock::manual();
    let dropping = Cache::<u32, u32>::builder(10)
        .time_to_live(ms(100))
        .clock(clock)
        .loading_by(|request: Request<u32, u32, ()>| drop(request))
        .refresh_ahead(0.5)
        .build()
        .unwrap();
    for (cache, hand) in [
        (panicking, hand),
        (many, other_hand),
        (dropping, third_hand),
    ] {
        cache.insert(7, 70);
        hand.advance(ms(50));
        for _ in 0..10 {
            assert_eq!(cache.get(&7), Ok(70));
        }
        assert_eq!(cache.stats().load_failures, 1);
    }
}

#[test]
fn issue_each_caller_waited_the_soft_limit_for_a_load_that_hangs() {
    let slept = Arc::new(Mutex::new(0));
    let World {
        cache, jobs, hand, ..
    } = world(Policy::Adaptive, |builder| {
        let slept = Arc::clone(&slept);
        builder
            .soft_limit(ms(1))
            .stale_on_error(ms(5_000), ms(100))
            .sleep(move |_| {
                *slept.lock().unwrap() += 1;
                let is_first = *slept.lock().unwrap() == 1;
                // Whoever comes second would wait for ever.
                async move {
                    if !is_first {
                        std::future::pending::<()>().await;
                    }
                }
            })
    });
    cache.insert(7, 70);
    hand.advance(ms(1_000));
    for _ in 0..3 {
        assert_eq!(block_on(cache.get_async(&7)), Ok(70));
        assert_eq!(block_on(cache.get_many_async(&[7])), [Ok(70)]);
    }
    let mut missing = pin!(cache.get_many_async(&[7, 8]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(
        missing.as_mut().poll(&mut context).is_pending(),
        "8 has nothing"
    );
    let stats = cache.stats();
    assert_eq!((stats.stale_served, stats.load_timeouts), (7, 7));
    assert_eq!(stats.load_waits, 0);
    jobs.run();
    assert_eq!(block_on(missing), [Ok(70), Ok(8_001)]);
    assert_eq!(cache.get(&7), Ok(7_000));
}

#[test]
fn issue_a_panic_of_the_executor_reached_the_reader_of_a_fresh_value() {
    type Finish = fn(CacheBuilder<u32, u32>) -> LoadingBuilder<u32, u32, ()>;
    let kinds: [Finish; 3] = [
        |builder| {
            let builder = builder.loading(|key: &u32| Ok(*key));
            builder.executor(|_| panic!("there is no runtime"))
        },
        |builder| {
            let builder = builder.loading_many(|_: &[u32]| Ok([]));
            builder.executor(|_| panic!("there is no runtime"))
        },
        |builder| builder.loading_by(|_| panic!("there is no runtime")),
    ];
    for finish in kinds {
        let (clock, hand) = Clock::manual();
        let builder = Cache::builder(10).time_to_live(ms(100)).clock(clock);
        let cache = finish(builder).refresh_ahead(0.5).build().unwrap();
        cache.insert(7, 70);
        cache.insert(8, 80);
        hand.advance(ms(50));
        for _ in 0..10 {
            assert_eq!(cache.get(&7), Ok(70));
            assert_eq!(cache.get_many(&[7, 8]), [Ok(70), Ok(80)]);
        }
        let stats = cache.stats();
        assert_eq!(stats.executor_panics, 2, "once for each key in the pause");
        assert!(!cache.refresh(&7), "it did not begin");
        assert_eq!(cache.stats().executor_panics, 3);
        assert_eq!(cache.stats().since(&stats).executor_panics, 1);
    }
}

#[test]
fn issue_early_expiry_went_by_loads_of_long_ago_and_by_those_that_failed() {
    let (clock, hand) = Clock::manual();
    let (time, jobs) = (hand.clone(), Jobs::default());
    let execute = jobs.clone();
    let cache = Cache::<u32, u32>::builder(1_000)
        .time_to_live(ms(1_000_000))
        .clock(clock)
        .loading(move |&key: &u32| {
            let (takes, loaded) = match key {
                0 => (500_000, Ok(1)),
                1 => (900_000, Err(())),
                _ => (1, Ok(1)),
            };
            time.advance(ms(takes));
            loaded
        })
        .executor(move |job| execute.push(job))
        .early_expiry(1.0)
        .build()
        .unwrap();
    cache.get(&0).unwrap();
    for key in 100..300 {
        cache.get(&key).unwrap();
    }
    assert!(cache.get(&1).is_err());
    cache.get(&7).unwrap();
    hand.advance(ms(900_000));
    for _ in 0..100 {
        cache.get(&7).unwrap();
    }
    assert_eq!(jobs.run(), 0, "loads take a millisecond by now");
    hand.advance(ms(99_999));
    for _ in 0..1_000 {
        cache.get(&7).unwrap();
    }
    assert_eq!(jobs.run(), 1);
}

#[test]
fn issue_a_customer_that_was_deleted_was_served_as_long_as_errors_are_survived() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        // What the source does with key 7, and how often it was asked.
        let says = Arc::new(Mutex::new((Ok(Some(70)), 0)));
        let source = Arc::clone(&says);
        let cache = Cache::<u32, u32>::builder(10)
            .policy(policy)
            .time_to_live(ms(1_000))
            .clock(clock)
            .loading_optional(move |_: &u32| {
                let mut source = source.lock().unwrap();
                source.1 += 1;
                source.0
            })
            .stale_on_error(ms(5_000), ms(10))
            .remember_failures(ms(20))
            .remember_absences(ms(200))
            .build()
            .unwrap();
        let asked = || says.lock().unwrap().1;
        assert_eq!(cache.get(&7), Ok(70));
        hand.advance(ms(1_000));
        says.lock().unwrap().0 = Err("down");
        assert_eq!((cache.get(&7), asked()), (Ok(70), 2), "an outage");
        hand.advance(ms(10));
        says.lock().unwrap().0 = Ok(None);
        assert_eq!((cache.get(&7), asked()), (Err(LoadError::Absent), 3));
        says.lock().unwrap().0 = Err("down");
        hand.advance(ms(199));
        assert_eq!((cache.get(&7), asked()), (Err(LoadError::Absent), 3));
        hand.advance(ms(1));
        assert_eq!(cache.get(&7).unwrap_err().loader_error(), Some(&"down"));
        hand.advance(ms(19));
        assert_eq!(cache.get(&7).unwrap_err().loader_error(), Some(&"down"));
        assert_eq!((asked(), cache.stats().load_failures), (4, 2));
        says.lock().unwrap().0 = Ok(Some(71));
        hand.advance(ms(1));
        assert_eq!((cache.get(&7), asked()), (Ok(71), 5));
    }
}

#[test]
fn a_request_can_be_answered_with_an_absence_which_is_remembered_only_if_asked_for() {
    let (sender, requests) = mpsc::channel::<Request<u32, u32, ()>>();
    let cache = Cache::<u32, u32>::builder(10)
        .loading_by(move |request| sender.send(request).unwrap())
        .build()
        .unwrap();
    cache.insert(7, 70);
    assert!(cache.refresh(&7));
    requests.recv().unwrap().answer_absent();
    assert_eq!((cache.get_if_present(&7), cache.len()), (None, 0));
    let mut get = pin!(cache.get_async(&7));
    let mut context = Context::from_waker(Waker::noop());
    assert!(get.as_mut().poll(&mut context).is_pending());
    requests.recv().unwrap().answer_absent();
    assert_eq!(block_on(get), Err(LoadError::Absent));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_failures, cache.len()), (2, 0, 0));
}

#[test]
fn issue_an_absence_took_out_what_was_written_during_the_load_once_that_was_stale() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let (sender, requests) = mpsc::channel::<Request<u32, u32, &str>>();
        let cache = Cache::<u32, u32>::builder(10)
            .policy(policy)
            .time_to_live(ms(10))
            .clock(clock)
            .loading_by(move |request| sender.send(request).unwrap())
            .stale_on_error(ms(100), ms(1))
            .build()
            .unwrap();
        assert!(cache.refresh(&7));
        cache.insert(7, 70);
        hand.advance(ms(10));
        requests.recv().unwrap().answer_absent();
        let mut get = pin!(cache.get_async(&7));
        let mut context = Context::from_waker(Waker::noop());
        assert!(get.as_mut().poll(&mut context).is_pending());
        requests.recv().unwrap().answer(Err("down"));
        assert_eq!(block_on(get), Ok(70), "newer than the absence");
    }
}

#[test]
fn it_may_be_used_after_a_panic_and_prints_its_rules_in_units() {
    fn is_unwind_safe<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    let World { cache, .. } = world(Policy::Adaptive, |builder| {
        builder.stale_on_error(ms(5_000), ms(100))
    });
    is_unwind_safe(&cache);
    let shown = format!("{cache:?}");
    assert!(
        shown.contains("on_error: 5s") && shown.contains("100ms"),
        "{shown}"
    );
}

#[test]
fn the_share_of_reads_that_were_served_counts_stale_values_and_no_failures() {
    let World {
        cache,
        source,
        hand,
        ..
    } = world(Policy::Adaptive, |builder| {
        builder
            .stale_on_error(ms(5_000), ms(100))
            .remember_failures(ms(100))
    });
    assert_eq!(cache.stats().served_ratio(), None);
    cache.get(&7).unwrap(); // loaded
    cache.get(&7).unwrap(); // served
    source.goes(true);
    hand.advance(ms(1_000));
    cache.get(&7).unwrap(); // served stale
    assert!(cache.get(&8).is_err() && cache.get(&8).is_err());
    let stats = cache.stats();
    assert_eq!(stats.served_ratio(), Some(2.0 / 5.0));
    assert_eq!(stats.hit_ratio(), Some(2.0 / 5.0), "7 fresh, and 8 failed");
}
