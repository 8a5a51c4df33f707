//! Tasks load as threads do: once a key, whoever asks; a task that goes away wedges nothing.

use std::future::{Future, pending, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use crm_cache::{Cache, LoadError, Policy};
use futures::channel::oneshot;
use futures::executor::{ThreadPool, block_on};
use futures::future::join_all;

type Loaded = Result<u32, LoadError<io::Error>>;

fn now_or_pending<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_stampede_of_tasks_and_threads_makes_one_load() {
    const TASKS: u64 = if cfg!(miri) { 10 } else { 1_000 };
    for policy in [Policy::Adaptive, Policy::Lru] {
        let cache: Cache<u32, u32> = Cache::builder(10).policy(policy).build().unwrap();
        let loads = AtomicU32::new(0);
        let (end, may_end) = oneshot::channel::<()>();
        let mut may_end = Some(may_end);
        thread::scope(|scope| {
            let (begun, has_begun) = mpsc::channel();
            let (cache, loads) = (&cache, &loads);
            let may_end = may_end.take().unwrap();
            scope.spawn(move || {
                let first: Loaded = block_on(cache.get_or_load_async(&1, |_| async {
                    loads.fetch_add(1, Ordering::Relaxed);
                    begun.send(()).unwrap();
                    may_end.await.unwrap();
                    Ok(10)
                }));
                assert_eq!(first.unwrap(), 10);
            });
            has_begun.recv().unwrap();
            scope.spawn(move || {
                let all = (0..TASKS).map(|_| {
                    cache.get_or_load_async(&1, |_| async {
                        Err::<u32, _>(io::Error::other("a second load"))
                    })
                });
                assert!(
                    block_on(join_all(all))
                        .into_iter()
                        .all(|value| value.unwrap() == 10)
                );
            });
            for _ in 0..2 {
                scope.spawn(move || {
                    let value: Loaded = cache.get_or_load(&1, |_| unreachable!("a second load"));
                    assert_eq!(value.unwrap(), 10);
                });
            }
            while cache.stats().load_waits < TASKS + 2 {
                thread::yield_now();
            }
            end.send(()).unwrap();
        });
        let stats = cache.stats();
        assert_eq!(
            (loads.into_inner(), stats.loads, stats.load_failures),
            (1, 1, 0)
        );
    }
}

#[test]
fn an_error_reaches_every_task_and_is_not_cached() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let (end, may_end) = oneshot::channel::<io::Error>();
    let mut first =
        pin!(cache.get_or_load_async(&1, |_| async { Err::<u32, _>(may_end.await.unwrap()) }));
    let mut second = pin!(cache.get_or_load_async(&1, |_| ready(Ok::<_, io::Error>(2))));
    assert!(
        now_or_pending(first.as_mut()).is_pending() && now_or_pending(second.as_mut()).is_pending()
    );
    end.send(io::Error::other("no database")).unwrap();
    let (first, second) = (block_on(first).unwrap_err(), block_on(second).unwrap_err());
    assert_eq!(format!("{first:#}"), "the loader failed: no database");
    let (LoadError::Failed(first), LoadError::Failed(second)) = (first, second) else {
        panic!("another error");
    };
    assert!(Arc::ptr_eq(&first, &second));
    assert!(cache.is_empty());
    assert_eq!(
        block_on(cache.get_or_load_async(&1, |key| ready(Ok::<_, io::Error>(key + 6)))).unwrap(),
        7
    );
}

#[test]
fn a_dropped_loader_hands_over_to_a_task_and_to_a_thread() {
    for _ in 0..if cfg!(miri) { 2 } else { 50 } {
        let cache: Cache<u32, u32> = Cache::new(10);
        let mut first =
            Box::pin(cache.get_or_load_async(&1, |_| pending::<Result<u32, io::Error>>()));
        assert!(now_or_pending(first.as_mut()).is_pending());
        thread::scope(|scope| {
            let task = scope
                .spawn(|| block_on(cache.get_or_load_async(&1, |_| ready(Ok::<_, io::Error>(10)))));
            let thread = scope.spawn(|| cache.get_or_load(&1, |_| Ok::<_, io::Error>(10)));
            while cache.stats().load_waits < 2 {
                thread::yield_now();
            }
            drop(first);
            assert_eq!(
                (
                    task.join().unwrap().unwrap(),
                    thread.join().unwrap().unwrap()
                ),
                (10, 10)
            );
        });
        let stats = cache.stats();
        assert_eq!((stats.loads, stats.load_failures), (2, 1), "{stats:?}");
    }
}

#[test]
fn a_dropped_waiter_changes_nothing() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let (end, may_end) = oneshot::channel::<u32>();
    let mut first =
        pin!(cache.get_or_load_async(&1, |_| async { Ok::<_, io::Error>(may_end.await.unwrap()) }));
    assert!(now_or_pending(first.as_mut()).is_pending());
    for _ in 0..10 {
        let mut waiter = Box::pin(cache.get_or_load_async(&1, |_| ready(Ok::<_, io::Error>(2))));
        assert!(now_or_pending(waiter.as_mut()).is_pending());
    }
    end.send(1).unwrap();
    assert_eq!(block_on(first).unwrap(), 1);
    assert_eq!(cache.get(&1), Some(1));
}

#[test]
fn a_panicking_loader_hands_over_and_the_panic_goes_to_its_caller() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let (end, may_end) = oneshot::channel::<()>();
    thread::scope(|scope| {
        let cache = &cache;
        let first = scope.spawn(move || {
            let load = cache.get_or_load_async(&1, |_| async {
                may_end.await.unwrap();
                panic!("on purpose");
            });
            let _: Loaded = block_on(load);
        });
        while cache.stats().loads < 1 {
            thread::yield_now();
        }
        let second = scope.spawn(move || {
            block_on(cache.get_or_load_async(&1, |_| ready(Ok::<_, io::Error>(10))))
        });
        while cache.stats().load_waits < 1 {
            thread::yield_now();
        }
        end.send(()).unwrap();
        assert!(first.join().is_err());
        assert_eq!(second.join().unwrap().unwrap(), 10);
    });
}

#[test]
fn a_loader_may_use_the_cache_for_other_keys_but_not_for_its_own() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let load = |key: u32| {
        let cache = &cache;
        async move {
            // Not at once, and on whichever thread polls it next.
            let mut is_first = true;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::take(&mut is_first) {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
            .await;
            let other = cache
                .get_or_load_async(&2, |_| ready(Ok::<_, io::Error>(20)))
                .await;
            assert_eq!(other.unwrap(), 20);
            let own: Loaded = cache.get_or_load_async(&key, |_| ready(Ok(30))).await;
            assert!(matches!(own, Err(LoadError::Reentrant)));
            let own: Loaded = cache.get_or_load(&key, |_| Ok(30));
            assert!(matches!(own, Err(LoadError::Reentrant)));
            Ok::<_, io::Error>(10)
        }
    };
    assert_eq!(block_on(cache.get_or_load_async(&1, load)).unwrap(), 10);
    // Polled in turns by one thread, two loads are not taken for each other's parts.
    let both = join_all([&3, &4].map(|key| cache.get_or_load_async(key, load)));
    let both: Result<Vec<u32>, _> = block_on(both).into_iter().collect();
    assert_eq!(both.unwrap(), [10, 10]);
}

#[test]
fn a_removal_during_a_load_voids_it() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let (end, may_end) = oneshot::channel::<u32>();
    let mut first =
        pin!(cache.get_or_load_async(&1, |_| async { Ok::<_, io::Error>(may_end.await.unwrap()) }));
    assert!(now_or_pending(first.as_mut()).is_pending());
    cache.remove(&1);
    end.send(1).unwrap();
    assert_eq!(block_on(first).unwrap(), 1, "who waited gets it");
    assert_eq!((cache.get(&1), cache.stats().loads_voided), (None, 1));
}

struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_task_that_moves_to_another_waker_is_woken_by_the_last_one() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let (end, may_end) = oneshot::channel::<u32>();
    let mut first =
        pin!(cache.get_or_load_async(&1, |_| async { Ok::<_, io::Error>(may_end.await.unwrap()) }));
    assert!(now_or_pending(first.as_mut()).is_pending());
    let counts = [(); 2].map(|()| Arc::new(Count(AtomicU32::new(0))));
    let mut waiter = pin!(cache.get_or_load_async(&1, |_| ready(Ok::<_, io::Error>(2))));
    for count in &counts {
        let waker = Waker::from(Arc::clone(count));
        assert!(
            waiter
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    end.send(1).unwrap();
    assert!(now_or_pending(first.as_mut()).is_ready());
    assert_eq!(
        counts
            .each_ref()
            .map(|count| count.0.load(Ordering::Relaxed)),
        [0, 1]
    );
}

/// Many tasks on several threads, loads that suspend, removals in between and tasks that are given up: every answer is right
/// and nobody is left waiting.
#[test]
#[cfg(not(miri))]
fn tasks_of_a_pool_that_load_give_up_and_remove_all_come_to_an_end() {
    let pool = ThreadPool::builder().pool_size(3).create().unwrap();
    let cache: Arc<Cache<u32, u32>> = Arc::new(Cache::new(40));
    let start = Barrier::new(1);
    start.wait();
    let tasks: Vec<_> = (0..3_000_u32)
        .map(|number| {
            let (cache, (done, is_done)) = (Arc::clone(&cache), oneshot::channel());
            pool.spawn_ok(async move {
                let key = number * 7 % 60;
                let load = cache.get_or_load_async(&key, |key| async move {
                    let mut turns = number % 4;
                    poll_fn(|context| {
                        context.waker().wake_by_ref();
                        turns = turns.saturating_sub(1);
                        if turns == 0 {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    })
                    .await;
                    if number % 11 == 0 {
                        Err(io::Error::other("now and then"))
                    } else {
                        Ok(key * 10)
                    }
                });
                if number % 5 == 0 {
                    // Given up after a poll or two.
                    let mut load = Box::pin(load);
                    let mut polls = 0;
                    poll_fn(|context| {
                        polls += 1;
                        context.waker().wake_by_ref();
                        if load.as_mut().poll(context).is_ready() || polls == 2 {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    })
                    .await;
                } else if let Ok(value) = load.await {
                    assert_eq!(value, key * 10);
                }
                if number % 3 == 0 {
                    cache.remove(&key);
                }
                done.send(()).unwrap();
            });
            is_done
        })
        .collect();
    assert!(
        block_on(join_all(tasks))
            .into_iter()
            .all(|done| done.is_ok())
    );
    assert!(
        cache
            .entries()
            .into_iter()
            .all(|(key, value)| value == key * 10)
    );
}
