//! Many keys travel in one load, and what others miss meanwhile in the next.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;

use crm_cache::{BuildError, Cache, LoadError};
use futures::executor::block_on;

/// A source that knows all keys below 1,000, and remembers what it was asked for.
#[derive(Default)]
struct Source(Mutex<Vec<Vec<u32>>>);

impl Source {
    fn load(&self, keys: &[u32]) -> Result<Vec<(u32, u32)>, Infallible> {
        self.0.lock().unwrap().push(keys.to_vec());
        Ok(keys
            .iter()
            .rev()
            .filter(|&&key| key < 1_000)
            .map(|&key| (key, 10 * key))
            .collect())
    }

    fn asked(&self) -> Vec<Vec<u32>> {
        self.0.lock().unwrap().clone()
    }
}

#[test]
fn what_is_missing_is_asked_for_once_and_in_one_load() {
    let (cache, source): (Cache<u32, u32>, _) = (Cache::new(100), Source::default());
    cache.insert(2, 21);
    let keys = [1, 2, 3, 1_001, 3];
    let page = cache
        .get_many_or_load(&keys, |missing| source.load(missing))
        .unwrap();
    assert_eq!(page, [Some(10), Some(21), Some(30), None, Some(30)]);
    assert_eq!(source.asked(), [[1, 3, 1_001]]);
    let page = cache
        .get_many_or_load(&keys, |missing| source.load(missing))
        .unwrap();
    assert_eq!(page, [Some(10), Some(21), Some(30), None, Some(30)]);
    assert_eq!(
        source.asked()[1],
        [1_001],
        "nothing is stored for a key that has no value"
    );
    assert_eq!(
        cache
            .get_many_or_load(&[1, 2], |_| -> Result<Vec<_>, ()> { unreachable!() })
            .unwrap(),
        [Some(10), Some(21)]
    );
    assert!(
        cache
            .get_many_or_load(&[], |_| -> Result<Vec<_>, ()> { unreachable!() })
            .unwrap()
            .is_empty()
    );
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_failures, cache.len()), (2, 0, 3));
}

/// Takes minutes if each key is compared with each.
#[test]
fn a_large_page_with_every_key_twice_is_loaded_once() {
    let count = 100_000;
    let cache: Cache<u32, u32> = Cache::builder(2 * count as usize)
        .max_batch(count as usize)
        .build()
        .unwrap();
    let keys: Vec<u32> = (0..count).chain(0..count).collect();
    let page = cache.get_many_or_load(&keys, |keys| {
        Ok::<_, Infallible>(keys.iter().map(|&key| (key, key)).collect::<Vec<_>>())
    });
    assert!(page.unwrap().into_iter().eq(keys.into_iter().map(Some)));
    assert_eq!(cache.stats().loads, 1);
}

#[test]
fn a_large_page_is_loaded_in_batches() {
    let cache: Cache<u32, u32> = Cache::builder(100).max_batch(7).build().unwrap();
    let source = Source::default();
    let keys: Vec<u32> = (0..20).collect();
    let page = cache
        .get_many_or_load(&keys, |missing| source.load(missing))
        .unwrap();
    assert!(page.into_iter().eq((0..20).map(|key| Some(10 * key))));
    assert_eq!(
        source.asked().iter().map(Vec::len).collect::<Vec<_>>(),
        [7, 7, 6]
    );
    let error = Cache::<u32, u32>::builder(9)
        .max_batch(0)
        .build()
        .unwrap_err();
    assert_eq!(error, BuildError::ZeroBatch);
    assert!(error.to_string().contains("allow at least one key"));
}

#[test]
fn pairs_nobody_asked_for_are_dropped() {
    let cache: Cache<u32, u32> = Cache::new(100);
    let page = cache
        .get_many_or_load(&[1], |_| Ok::<_, ()>([(1, 10), (2, 20), (1, 11)]))
        .unwrap();
    assert_eq!((page, cache.entries()), (vec![Some(10)], vec![(1, 10)]));
}

/// Starts a load of keys 1 and 2, runs `meanwhile` while it is under way, lets it end.
fn during_a_load<R>(cache: &Cache<u32, u32>, source: &Source, meanwhile: impl FnOnce() -> R) -> R {
    let load = |keys: &[u32]| source.load(keys);
    during(cache, [1, 2], load, meanwhile)
}

fn during<R>(
    cache: &Cache<u32, u32>,
    keys: [u32; 2],
    load: impl Fn(&[u32]) -> Result<Vec<(u32, u32)>, Infallible> + Sync,
    meanwhile: impl FnOnce() -> R,
) -> R {
    let (begun, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let load = &load;
    thread::scope(|scope| {
        scope.spawn(move || {
            let page = cache.get_many_or_load(&keys, |missing| {
                begun.send(()).unwrap();
                may_end.recv().unwrap();
                load(missing)
            });
            assert!(page.unwrap().iter().all(Option::is_some));
        });
        has_begun.recv().unwrap();
        let result = meanwhile();
        end.send(()).unwrap();
        result
    })
}

fn until_queued(cache: &Cache<u32, u32>, misses: u64) {
    while cache.stats().misses < misses {
        thread::yield_now();
    }
}

#[test]
fn calls_that_come_during_a_load_travel_together_in_the_next() {
    let (cache, source): (Cache<u32, u32>, _) = (Cache::new(100), Source::default());
    thread::scope(|scope| {
        during_a_load(&cache, &source, || {
            for keys in [[1, 3], [4, 5], [2, 6], [5, 7]] {
                let (cache, source) = (&cache, &source);
                scope.spawn(move || {
                    let page = cache.get_many_or_load(&keys, |missing| source.load(missing));
                    assert_eq!(page.unwrap(), keys.map(|key| Some(10 * key)));
                });
            }
            // Two misses of each; then each has boarded or will board before the load ends, or a moment after.
            until_queued(&cache, 2 + 8);
        });
    });
    let asked = source.asked();
    let mut all = asked.concat();
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4, 5, 6, 7], "each key once");
    assert!(
        asked.len() <= 5 && cache.stats().loads == asked.len() as u64,
        "{asked:?}"
    );
}

/// By one thread and polled by hand, so that it is certain who comes when.
#[test]
fn the_queue_is_served_in_order_by_one_load_for_all() {
    let cache: Cache<u32, u32> = Cache::builder(100).max_batch(4).build().unwrap();
    let (end, may_end) = futures::channel::oneshot::channel::<()>();
    let asked = RefCell::new(Vec::new());
    let load = |keys: Vec<u32>| {
        asked.borrow_mut().push(keys.clone());
        ready(Ok::<_, Infallible>(
            keys.into_iter().map(|key| (key, 10 * key)),
        ))
    };
    let mut may_end = Some(may_end);
    let mut first = pin!(cache.get_many_or_load_async(&[1], |keys| {
        let may_end = may_end.take().unwrap();
        async move {
            may_end.await.unwrap();
            Ok::<_, Infallible>(keys.into_iter().map(|key| (key, 10 * key)))
        }
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    let pages: [&[u32]; 4] = [&[2, 3], &[3, 4, 1], &[5, 6], &[7]];
    let mut calls = pages.map(|keys| Box::pin(cache.get_many_or_load_async(keys, load)));
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    end.send(()).unwrap();
    assert!(first.as_mut().poll(&mut context).is_ready());
    assert!(asked.borrow().is_empty());
    // The call that leads loads for itself and takes others along as far as there is room.
    for (call, keys) in calls.iter_mut().zip(pages) {
        let page = block_on(call).unwrap();
        assert!(page.into_iter().eq(keys.iter().map(|key| Some(10 * key))));
    }
    assert_eq!(*asked.borrow(), [vec![2, 3, 4, 5], vec![6, 7]]);
    assert_eq!(cache.stats().loads, 3);
}

#[test]
fn calls_that_give_up_leave_the_queue_and_pass_the_lead_on() {
    for given_up in 0..8 {
        let cache: Cache<u32, u32> = Cache::new(100);
        let mut context = Context::from_waker(Waker::noop());
        let never = |_| pending::<Result<Vec<(u32, u32)>, Infallible>>();
        let load = |keys: Vec<u32>| {
            ready(Ok::<_, Infallible>(
                keys.into_iter().map(|key| (key, 10 * key)),
            ))
        };
        let mut first = Box::pin(cache.get_many_or_load_async(&[1], never));
        assert!(first.as_mut().poll(&mut context).is_pending());
        let mut calls: Vec<_> = [[1, 2], [2, 3], [3, 4]]
            .map(|keys| {
                let cache = &cache;
                Some(Box::pin(async move {
                    (keys, cache.get_many_or_load_async(&keys, load).await)
                }))
            })
            .into();
        for call in calls.iter_mut().flatten() {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        for (place, call) in calls.iter_mut().enumerate() {
            if given_up & (1 << place) != 0 && place % 2 == 0 {
                *call = None;
            }
        }
        drop(first);
        for (place, call) in calls.iter_mut().enumerate() {
            if given_up & (1 << place) != 0 {
                *call = None;
            }
        }
        for call in calls.into_iter().flatten() {
            let (keys, page) = block_on(call);
            assert_eq!(
                page.unwrap(),
                keys.map(|key| Some(10 * key)),
                "{given_up:b}"
            );
        }
        let page = cache.get_many_or_load(&[8, 9], |keys| {
            Ok::<_, ()>(keys.iter().map(|&key| (key, 10 * key)).collect::<Vec<_>>())
        });
        assert_eq!(
            page.unwrap(),
            [Some(80), Some(90)],
            "nobody has kept the lead"
        );
    }
}

#[test]
fn an_error_reaches_every_call_whose_keys_were_in_the_load() {
    let cache: Cache<u32, u32> = Cache::new(100);
    let (end, may_end) = futures::channel::oneshot::channel::<()>();
    let mut may_end = Some(may_end);
    let mut first = pin!(cache.get_many_or_load_async(&[1, 2], |_| {
        let may_end = may_end.take().unwrap();
        async move {
            may_end.await.unwrap();
            Err::<Vec<(u32, u32)>, _>(io::Error::other("no database"))
        }
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    let load = |keys: Vec<u32>| {
        ready(Ok::<_, io::Error>(
            keys.into_iter().map(|key| (key, 10 * key)),
        ))
    };
    let mut second = pin!(cache.get_many_or_load_async(&[2, 3], load));
    let mut third = pin!(cache.get_many_or_load_async(&[4], load));
    assert!(
        second.as_mut().poll(&mut context).is_pending()
            && third.as_mut().poll(&mut context).is_pending()
    );
    end.send(()).unwrap();
    assert_eq!(
        format!("{:#}", block_on(first).unwrap_err()),
        "the loader failed: no database"
    );
    assert!(block_on(second).unwrap_err().loader_error().is_some());
    assert_eq!(block_on(third).unwrap(), [Some(40)]);
    assert_eq!(
        cache.get(&3),
        Some(30),
        "what the second one's load brought is stored"
    );
    assert_eq!((cache.get(&1), cache.stats().load_failures), (None, 1));
}

#[test]
fn a_panic_goes_to_its_caller_and_the_others_load_again() {
    let (cache, source): (Cache<u32, u32>, _) = (Cache::new(100), Source::default());
    let panics =
        || cache.get_many_or_load(&[1, 2], |_| -> Result<Vec<_>, ()> { panic!("on purpose") });
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(
        cache
            .get_many_or_load(&[1, 2], |missing| source.load(missing))
            .unwrap(),
        [Some(10), Some(20)]
    );
    assert_eq!((cache.stats().loads, cache.stats().load_failures), (2, 1));
}

#[test]
fn a_loader_that_asks_for_a_key_it_loads_is_told() {
    let (cache, source): (Cache<u32, u32>, _) = (Cache::new(100), Source::default());
    let page = cache.get_many_or_load(&[1, 2], |missing| {
        let own = cache.get_many_or_load(&[5, 2], |missing| source.load(missing));
        assert!(matches!(own, Err(LoadError::Reentrant)));
        let own = cache.get_or_load(&1, |_| Ok::<_, Infallible>(1));
        assert!(matches!(own, Err(LoadError::Reentrant)));
        assert_eq!(
            cache.get_or_load(&6, |_| Ok::<_, Infallible>(60)).unwrap(),
            60
        );
        source.load(missing)
    });
    assert_eq!(page.unwrap(), [Some(10), Some(20)]);
    assert_eq!(
        cache.get_or_load(&5, |_| Ok::<_, Infallible>(50)).unwrap(),
        50,
        "nobody holds key 5"
    );
}

#[test]
fn issue_a_loader_that_asked_for_many_other_keys_waited_for_its_own_queue() {
    let (cache, source): (Cache<u32, u32>, _) = (
        Cache::builder(100).max_batch(1).build().unwrap(),
        Source::default(),
    );
    let page = cache.get_many_or_load(&[1, 2], |missing| {
        // Key 2 waits in the queue behind key 1: whoever asks for it here has to load it.
        assert_eq!(
            cache.get_or_load(&2, |_| Ok::<_, Infallible>(21)).unwrap(),
            21
        );
        let other = cache.get_many_or_load(&[3, 4, 3], |missing| {
            if missing == [3] {
                let own = cache.get_or_load(&4, |_| Ok::<_, Infallible>(40));
                assert!(
                    matches!(own, Err(LoadError::Reentrant)),
                    "4 is this call's own"
                );
            }
            source.load(missing)
        });
        assert_eq!(other.unwrap(), [Some(30), Some(40), Some(30)]);
        source.load(missing)
    });
    assert_eq!(page.unwrap(), [Some(10), Some(21)]);
    assert_eq!(source.asked(), [[3], [4], [1]]);
    assert_eq!(cache.stats().load_waits, 0);
}

/// A lazy iterator of the loader's is the loader's: it is told what asks for its own keys, and waits for no queue.
#[test]
fn issue_a_lazy_loader_that_asked_the_cache_waited_for_itself() {
    let cache: Cache<u32, u32> = Cache::new(100);
    let ask = |key| {
        let own = cache.get_or_load(&2, |_| Ok::<_, Infallible>(0));
        assert!(matches!(own, Err(LoadError::Reentrant)));
        let other = cache.get_many_or_load(&[key + 100], |keys| {
            Ok::<_, Infallible>(keys.iter().map(|&key| (key, key)).collect::<Vec<_>>())
        });
        (key, other.unwrap()[0].unwrap())
    };
    let lazily = |keys: &[u32]| Ok::<_, Infallible>(Vec::from(keys).into_iter().map(ask));
    let page = cache.get_many_or_load(&[1, 2], lazily).unwrap();
    assert_eq!(page, [Some(101), Some(102)]);
    cache.clear();
    let page = cache.get_many_or_load_async(&[1, 2], |keys| ready(lazily(&keys)));
    assert_eq!(block_on(page).unwrap(), [Some(101), Some(102)]);
}

#[test]
fn issue_a_loader_that_asked_for_a_key_queued_behind_it_waited_for_ever() {
    let cache: Cache<u32, u32> = Cache::new(100);
    let page = thread::scope(|scope| {
        let cache = &cache;
        cache.get_many_or_load(&[1], |missing| {
            let other = scope.spawn(move || {
                cache.get_many_or_load(&[5, 6], |missing| {
                    Ok::<_, Infallible>(
                        missing
                            .iter()
                            .map(|&key| (key, 10 * key))
                            .collect::<Vec<_>>(),
                    )
                })
            });
            // Until its keys are queued behind this load.
            while cache.stats().misses < 3 {
                thread::yield_now();
            }
            let five = cache.get_or_load(&5, |_| Ok::<_, Infallible>(50)).unwrap();
            assert!(five == 50 && !other.is_finished());
            Ok::<_, Infallible>([(missing[0], 10)])
        })
    });
    assert_eq!((page.unwrap(), cache.get(&6)), (vec![Some(10)], Some(60)));
}

#[test]
fn one_key_and_many_share_their_loads_and_a_write_voids_them() {
    let (cache, source): (Cache<u32, u32>, _) = (Cache::new(100), Source::default());
    thread::scope(|scope| {
        during_a_load(&cache, &source, || {
            let one = scope.spawn(|| {
                cache.get_or_load(&1, |_| -> Result<u32, Infallible> {
                    unreachable!("a second load")
                })
            });
            while cache.stats().load_waits < 1 {
                thread::yield_now();
            }
            cache.remove(&1);
            cache.insert(2, 21);
            one
        })
        .join()
        .unwrap()
        .unwrap();
    });
    assert_eq!(
        (cache.get(&1), cache.get(&2), cache.stats().loads_voided),
        (None, Some(21), 2)
    );
}

/// Pages of threads that overlap, removals, errors and panics: every answer is right and nobody is left waiting.
#[test]
fn pages_under_stress_all_come_to_an_end() {
    let rounds = if cfg!(miri) { 3 } else { 500 };
    let cache: Cache<u32, u32> = Cache::builder(50).max_batch(5).build().unwrap();
    let loads = AtomicU32::new(0);
    thread::scope(|scope| {
        for thread in 0..4_u32 {
            let (cache, loads) = (&cache, &loads);
            scope.spawn(move || {
                for round in 0..rounds {
                    let keys: Vec<u32> = (0..8)
                        .map(|at| (round * 3 + thread * 5 + at * at) % 60)
                        .collect();
                    let call = || {
                        cache.get_many_or_load(&keys, |missing| {
                            match loads.fetch_add(1, Ordering::Relaxed) % 50 {
                                3 => panic!("on purpose"),
                                5 => Err("now and then"),
                                _ => Ok(missing
                                    .iter()
                                    .map(|&key| (key, 10 * key))
                                    .collect::<Vec<_>>()),
                            }
                        })
                    };
                    if let Ok(Ok(page)) = catch_unwind(AssertUnwindSafe(call)) {
                        assert!(page.into_iter().eq(keys.iter().map(|key| Some(10 * key))));
                    }
                    cache.remove(&(round % 60));
                }
            });
        }
    });
    let page = cache.get_many_or_load(&[70], |_| Ok::<_, ()>([(70, 700)]));
    assert_eq!(page.unwrap(), [Some(700)]);
}

/// In each order, with each pair left out, and with pairs that nobody asked for in between.
#[test]
fn a_loader_may_answer_in_any_order_and_leave_keys_out() {
    for answers in 0..1_u32 << 4 {
        for turn in 0..4 {
            for is_reversed in [false, true] {
                let cache: Cache<u32, u32> = Cache::new(100);
                let load = |missing: &[u32]| {
                    assert_eq!(missing, [1, 2, 3, 4]);
                    let mut pairs: Vec<_> = (0..4)
                        .filter(|at| answers & 1 << at != 0)
                        .flat_map(|at| [(at + 1, 10 * at), (9, 90), (at + 1, 11 * at)])
                        .collect();
                    let places = 3 * turn % pairs.len().max(1);
                    pairs.rotate_left(places);
                    if is_reversed {
                        pairs.chunks_mut(3).for_each(<[_]>::reverse);
                        pairs.reverse();
                    }
                    Ok::<_, Infallible>(pairs)
                };
                let page = cache.get_many_or_load(&[1, 2, 3, 4], load).unwrap();
                let known = (0..4).map(|at| (answers & 1 << at != 0).then_some(10 * at));
                assert!(page.into_iter().eq(known.clone()), "{answers} {turn}");
                assert!((1..=4).map(|key| cache.peek(&key)).eq(known));
                assert_eq!(cache.peek(&9), None);
            }
        }
    }
}

/// One of the loads is void. The loader is shown the key once, and both calls are told, though nothing is stored.
#[test]
fn a_key_that_is_queued_twice_is_loaded_once_for_both_calls() {
    let cache = Cache::<u32, u32>::builder(100).weigher(1, |_, _| 2);
    let (cache, source) = (cache.build().unwrap(), Source::default());
    let mut context = Context::from_waker(Waker::noop());
    let load = |keys: Vec<u32>| ready(source.load(&keys));
    let mut calls = [(); 3].map(|()| Box::pin(cache.get_many_or_load_async(&[7, 8], load)));
    during_a_load(&cache, &source, || {
        for call in &mut calls {
            cache.remove(&7);
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
    });
    for call in calls {
        assert_eq!(block_on(call).unwrap(), [Some(70), Some(80)]);
    }
    assert_eq!(source.asked()[1..], [[7, 8]]);
}

fn same(keys: &[u32]) -> Result<Vec<(u32, u32)>, Infallible> {
    Ok(keys.iter().map(|&key| (key, key)).collect())
}

#[test]
fn issue_a_thread_waited_for_a_load_that_nobody_polled() {
    let cache: Cache<u32, u32> = Cache::new(100);
    let mut context = Context::from_waker(Waker::noop());
    let never = |_| pending::<Result<Vec<(u32, u32)>, Infallible>>();
    let mut left = Box::pin(cache.get_many_or_load_async(&[1], never));
    assert!(left.as_mut().poll(&mut context).is_pending());
    let load = |keys: Vec<u32>| ready(same(&keys));
    let mut queued = Box::pin(cache.get_many_or_load_async(&[2, 3, 4], load));
    assert!(queued.as_mut().poll(&mut context).is_pending());
    // Neither for other keys, nor for those that are queued behind it.
    let page = cache.get_many_or_load(&[2, 5], same).unwrap();
    assert_eq!(page, [Some(2), Some(5)]);
    let one = cache.get_or_load(&3, |&key| Ok::<_, Infallible>(key));
    assert_eq!(one.unwrap(), 3);
    let one = cache.get_or_load_async(&4, |key| ready(Ok::<_, Infallible>(key)));
    assert_eq!(block_on(one).unwrap(), 4);
    drop(left);
    assert_eq!(block_on(queued).unwrap(), [Some(2), Some(3), Some(4)]);
    assert_eq!(cache.get_many_or_load(&[6], same).unwrap(), [Some(6)]);
}

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn issue_a_task_that_was_to_load_and_was_not_polled_held_up_the_queue() {
    let (cache, source): (Cache<u32, u32>, _) = (Cache::new(100), Source::default());
    let woken = Arc::<Woken>::default();
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(Waker::noop());
    let load = |keys: Vec<u32>| ready(same(&keys));
    let call = |key: u32| {
        let cache = &cache;
        Box::pin(async move { cache.get_many_or_load_async(&[key], load).await.unwrap() })
    };
    let [mut idle, mut other, mut last] = [3, 4, 5].map(call);
    during_a_load(&cache, &source, || {
        assert!(idle.as_mut().poll(&mut context).is_pending());
        let mut context = Context::from_waker(&waker);
        assert!(other.as_mut().poll(&mut context).is_pending());
    });
    // The first one was woken, and is not polled. Another one loads for both.
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert_eq!(block_on(other), [Some(4)]);
    assert_eq!(cache.peek(&3), Some(3));
    // Neither does it hold up one that comes later, be it a task or a thread.
    assert_eq!(block_on(&mut last), [Some(5)]);
    assert_eq!(cache.get_many_or_load(&[6], same).unwrap(), [Some(6)]);
    assert_eq!(block_on(idle), [Some(3)]);
    let mut idle = call(7);
    during(&cache, [8, 9], same, || {
        assert!(idle.as_mut().poll(&mut context).is_pending());
    });
    assert_eq!(
        cache.get_many_or_load(&[6, 7, 10], same).unwrap()[2],
        Some(10)
    );
    assert_eq!(block_on(idle), [Some(7)]);
}

/// All keys have one hash.
#[derive(Clone, Default)]
struct Same;

impl BuildHasher for Same {
    type Hasher = SameHasher;

    fn build_hasher(&self) -> SameHasher {
        SameHasher
    }
}

struct SameHasher;

impl Hasher for SameHasher {
    fn finish(&self) -> u64 {
        7
    }

    fn write(&mut self, _: &[u8]) {}
}

#[test]
fn loads_of_keys_with_one_hash_are_told_apart() {
    let cache = Cache::<u32, u32>::builder(100)
        .hasher(Same)
        .build()
        .unwrap();
    let load = |missing: &[u32]| {
        assert_eq!(cache.get_or_load(&9, |key| Ok::<_, ()>(10 * key)), Ok(90));
        assert!(matches!(
            cache.get_or_load(&1, |_| Err(())),
            Err(LoadError::Reentrant)
        ));
        cache.remove(&2);
        Ok::<_, ()>(
            missing
                .iter()
                .map(|&key| (key, 10 * key))
                .collect::<Vec<_>>(),
        )
    };
    let page = cache.get_many_or_load(&[1, 2, 3], load);
    assert_eq!(page, Ok(vec![Some(10), Some(20), Some(30)]));
    let stored = [1, 2, 3, 9].map(|key| cache.peek(&key));
    assert_eq!(stored, [Some(10), None, Some(30), Some(90)]);
    assert_eq!(cache.stats().loads_voided, 1);
}

#[test]
fn who_waits_for_a_key_that_the_source_does_not_have_is_told() {
    let cache: Cache<u32, u32> = Cache::new(100);
    let (end, may_end) = futures::channel::oneshot::channel::<()>();
    let mut may_end = Some(may_end);
    let mut first = pin!(cache.get_many_or_load_async(&[1, 2], |_| {
        let may_end = may_end.take().unwrap();
        async move {
            may_end.await.unwrap();
            Ok::<_, Infallible>([(1, 10)])
        }
    }));
    let again = |_| -> std::future::Ready<Result<Vec<_>, Infallible>> { panic!("loaded again") };
    let mut second = pin!(cache.get_many_or_load_async(&[2, 1], again));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    end.send(()).unwrap();
    assert_eq!(block_on(first).unwrap(), [Some(10), None]);
    assert_eq!(block_on(second).unwrap(), [None, Some(10)]);
}
