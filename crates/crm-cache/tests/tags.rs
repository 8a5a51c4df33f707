//! An invalidated tag takes all its entries with it, at once and for good; nothing else leaves.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use crm_cache::{Cache, CacheBuilder, Clock, Policy, RemovalCause, Tag};
use futures::executor::block_on;

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

/// A page of a list: which accounts are on it.
type Page = (u32, Vec<u64>);

fn account(id: u64) -> Tag {
    Tag::new("account", id)
}

fn tagged(policy: Policy) -> CacheBuilder<u32, Page> {
    Cache::builder(100)
        .policy(policy)
        .tags(|_, (_, accounts): &Page, tags| tags.extend(accounts.iter().map(|&id| account(id))))
}

fn page(accounts: &[u64]) -> Page {
    (0, accounts.to_vec())
}

#[test]
fn every_entry_of_a_tag_is_gone_for_every_kind_of_read() {
    for policy in POLICIES {
        let cache = tagged(policy).build().unwrap();
        for (key, accounts) in [
            &[][..],
            &[1],
            &[2],
            &[1, 2],
            &[2, 3],
            &[3, 2, 1],
            &[4, 5, 6, 7, 1],
            &[4, 5, 6, 7, 8],
        ]
        .iter()
        .enumerate()
        {
            cache.insert(key as u32, page(accounts));
        }
        cache.invalidate_tag(account(1));
        let gone = [1, 3, 5, 6];
        for key in 0..8 {
            assert_eq!(cache.get(&key).is_none(), gone.contains(&key), "key {key}");
            assert_eq!(cache.read(&key, |_| ()).is_none(), gone.contains(&key));
        }
        let mut here: Vec<u32> = cache.entries().into_iter().map(|(key, _)| key).collect();
        here.sort_unstable();
        assert_eq!(here, [0, 2, 4, 7]);
        assert_eq!((cache.hottest(9).len(), cache.coldest(9).len()), (4, 4));
        assert_eq!(cache.remove(&1), None);
        assert_eq!(cache.remove_if(&3, |_| panic!("nobody may see it")), None);
        assert!(cache.replace(5, page(&[])).is_err());
        assert_eq!(
            cache.insert(6, page(&[1])),
            None,
            "an invalidated value is handed out to nobody"
        );
        assert!(
            cache.get(&6).is_some(),
            "what comes in later is not touched"
        );
        cache.invalidate_tag(account(9));
        assert_eq!(cache.entries().len(), 5);
    }
}

#[test]
fn entries_leave_once_and_for_that_cause() {
    for policy in POLICIES {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let cache = tagged(policy)
            .on_removal(move |&key, _, cause| log.lock().unwrap().push((key, cause)))
            .build()
            .unwrap();
        for key in 0..6 {
            cache.insert(key, page(&[u64::from(key % 2)]));
        }
        cache.invalidate_tag(account(0));
        cache.invalidate_tag(account(0));
        assert_eq!(cache.remove_expired(), 3);
        assert_eq!((cache.len(), cache.remove_expired()), (3, 0));
        let mut told = told.lock().unwrap().clone();
        told.sort_unstable_by_key(|&(key, _)| key);
        assert_eq!(told, [0, 2, 4].map(|key| (key, RemovalCause::Invalidated)));
        assert!(RemovalCause::Invalidated.to_string() == "invalidated");
        let stats = cache.stats();
        assert_eq!((stats.invalidations, stats.tags_invalidated), (3, 2));
        assert_eq!(stats.insertions, 3 + 3);
    }
}

#[test]
fn the_memory_of_invalidated_entries_comes_back_as_others_come_in() {
    for policy in POLICIES {
        let cache = Cache::<u32, Page>::builder(4_000)
            .policy(policy)
            .tags(|key, _, tags| tags.add(Tag::new("half", key / 500)))
            .build()
            .unwrap();
        (0..500).for_each(|key| assert!(cache.insert(key, page(&[])).is_none()));
        cache.invalidate_tag(Tag::new("half", 0));
        (500..1_000).for_each(|key| assert!(cache.insert(key, page(&[])).is_none()));
        if policy == Policy::Adaptive {
            assert_eq!(cache.len(), 500);
        } else {
            assert_eq!(cache.remove_expired(), 500);
        }
    }
}

#[test]
fn a_tag_with_a_life_ends_with_whichever_comes_first() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache = tagged(policy)
            .time_to_live(Duration::from_millis(10))
            .clock(clock)
            .build()
            .unwrap();
        cache.insert(1, page(&[1]));
        cache.insert(2, page(&[2]));
        cache.invalidate_tag(account(1));
        assert!(cache.get(&1).is_none() && cache.get(&2).is_some());
        hand.advance(Duration::from_millis(10));
        assert!(cache.get(&2).is_none());
        cache.invalidate_tag(account(2));
        cache.remove_expired();
        let stats = cache.stats();
        assert_eq!(stats.invalidations + stats.expirations, 2);
    }
}

/// Starts a load of key 1, runs `meanwhile` while it is under way, lets it end with a page of account 1.
fn during_a_load(cache: &Cache<u32, Page>, meanwhile: impl FnOnce()) -> Page {
    let (begun, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let loader = scope.spawn(move || {
            cache.get_or_load(&1, |_| {
                begun.send(()).unwrap();
                may_end.recv().unwrap();
                Ok::<_, Infallible>((1, vec![1]))
            })
        });
        has_begun.recv().unwrap();
        meanwhile();
        end.send(()).unwrap();
        loader.join().unwrap().unwrap()
    })
}

#[test]
fn a_tag_invalidated_during_a_load_voids_it() {
    for policy in POLICIES {
        let cache = tagged(policy).build().unwrap();
        assert_eq!(
            during_a_load(&cache, || cache.invalidate_tag(account(1))),
            (1, vec![1])
        );
        assert_eq!(
            (cache.get(&1), cache.len(), cache.stats().loads_voided),
            (None, 0, 1)
        );
        assert_eq!(
            during_a_load(&cache, || cache.invalidate_tag(account(2))),
            (1, vec![1])
        );
        assert_eq!(
            (cache.get(&1), cache.stats().loads_voided),
            (Some((1, vec![1])), 1)
        );
    }
}

#[test]
fn who_asks_after_an_invalidation_does_not_take_the_answer_of_an_older_load() {
    for policy in POLICIES {
        let cache = tagged(policy).build().unwrap();
        thread::scope(|scope| {
            let cache = &cache;
            let mut later = None;
            let first = during_a_load(cache, || {
                let before = scope
                    .spawn(move || cache.get_or_load(&1, |_| Ok::<_, Infallible>((2, vec![1]))));
                while cache.stats().load_waits < 1 {
                    thread::yield_now();
                }
                cache.invalidate_tag(account(1));
                let after = scope
                    .spawn(move || cache.get_or_load(&1, |_| Ok::<_, Infallible>((3, vec![1]))));
                while cache.stats().load_waits < 2 {
                    thread::yield_now();
                }
                later = Some((before, after));
            });
            let (before, after) = later.unwrap();
            assert_eq!(first.0, 1);
            assert_eq!(before.join().unwrap().unwrap().0, 1, "he asked before");
            assert_eq!(after.join().unwrap().unwrap().0, 3);
        });
        assert_eq!(cache.get(&1).unwrap().0, 3);
    }
}

#[test]
fn the_same_holds_for_tasks_and_for_many_keys() {
    let cache = tagged(Policy::Adaptive).build().unwrap();
    let (end, may_end) = futures::channel::oneshot::channel::<()>();
    let mut may_end = Some(may_end);
    let mut first = pin!(cache.get_many_or_load_async(&[1, 2], |keys| {
        let may_end = may_end.take().unwrap();
        async move {
            may_end.await.unwrap();
            Ok::<_, Infallible>(keys.into_iter().map(|key| (key, (1, vec![u64::from(key)]))))
        }
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    cache.invalidate_tag(account(1));
    let load = |keys: Vec<u32>| {
        ready(Ok::<_, Infallible>(
            keys.into_iter().map(|key| (key, (2, vec![u64::from(key)]))),
        ))
    };
    let mut one = pin!(
        cache.get_or_load_async(&1, |key| ready(Ok::<_, Infallible>((
            3,
            vec![u64::from(key)]
        ))))
    );
    let mut many = pin!(cache.get_many_or_load_async(&[1, 2], load));
    assert!(
        one.as_mut().poll(&mut context).is_pending()
            && many.as_mut().poll(&mut context).is_pending()
    );
    end.send(()).unwrap();
    let versions = |page: Vec<Option<Page>>| {
        page.into_iter()
            .map(|page| page.unwrap().0)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        versions(block_on(first).unwrap()),
        [1, 1],
        "who asked before gets what was loaded"
    );
    assert_eq!(
        versions(block_on(many).unwrap()),
        [2, 1],
        "account 2 was not invalidated"
    );
    assert_eq!(block_on(one).unwrap().0, 2, "loaded anew by the other one");
}

#[test]
#[should_panic(expected = "this cache has no tags")]
fn a_tag_of_a_cache_without_tags_is_an_error_that_is_heard() {
    Cache::<u32, u32>::new(1).invalidate_tag(account(1));
}

#[test]
fn a_panicking_tagger_leaves_the_cache_as_it_was() {
    let cache: Cache<u32, u32> = Cache::builder(9)
        .tags(|_, &value, _| assert!(value != 7, "on purpose"))
        .build()
        .unwrap();
    cache.insert(1, 1);
    let insert = || cache.insert(1, 7);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(insert)).is_err());
    assert_eq!(cache.get(&1), Some(1));
}

/// Versions of accounts in a database, pages that show them, updates that invalidate: nobody sees a version older than
/// one whose invalidation has returned before he asked.
#[test]
fn no_reader_sees_a_version_older_than_the_last_invalidation() {
    use std::sync::atomic::{AtomicU64, Ordering};
    const ACCOUNTS: usize = 4;
    let updates = if cfg!(miri) { 5 } else { 2_000 };
    for policy in POLICIES {
        let database: [AtomicU64; ACCOUNTS] = std::array::from_fn(|_| AtomicU64::new(0));
        let announced: [AtomicU64; ACCOUNTS] = std::array::from_fn(|_| AtomicU64::new(0));
        // Keys are pairs of accounts; values the versions of both.
        let cache: Cache<(usize, usize), (u64, u64)> = Cache::builder(6)
            .policy(policy)
            .shards(2)
            .tags(|&(one, two), _, tags| {
                tags.extend([Tag::new("account", one), Tag::new("account", two)]);
            })
            .build()
            .unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            for reader in 0..2 {
                let (cache, database, announced, done) = (&cache, &database, &announced, &done);
                scope.spawn(move || {
                    let mut turn = reader;
                    while !done.load(Ordering::Relaxed) {
                        turn += 1;
                        let key = (turn % ACCOUNTS, turn * 7 / 3 % ACCOUNTS);
                        let least = (
                            announced[key.0].load(Ordering::SeqCst),
                            announced[key.1].load(Ordering::SeqCst),
                        );
                        let load = |&(one, two): &(usize, usize)| {
                            let versions = (
                                database[one].load(Ordering::SeqCst),
                                database[two].load(Ordering::SeqCst),
                            );
                            thread::yield_now();
                            Ok::<_, Infallible>(versions)
                        };
                        let seen = cache.get_or_load(&key, load).unwrap();
                        assert!(
                            seen.0 >= least.0 && seen.1 >= least.1,
                            "{seen:?} though {least:?} was announced"
                        );
                    }
                });
            }
            for update in 1..=updates {
                let account = update as usize % ACCOUNTS;
                database[account].store(update, Ordering::SeqCst);
                cache.invalidate_tag(Tag::new("account", account));
                announced[account].store(update, Ordering::SeqCst);
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
