//! An entry that nobody reads for the time to idle is gone; one that is read stays.

use std::time::Duration;

use crm_cache::{BuildError, Cache, CacheBuilder, Clock, ManualClock, Policy};

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn built(
    policy: Policy,
    configure: impl Fn(CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>,
) -> (Cache<u32, u32>, ManualClock) {
    let (clock, hand) = Clock::manual();
    let builder = Cache::builder(4_000).policy(policy).clock(clock);
    (configure(builder).build().unwrap(), hand)
}

#[test]
fn a_read_extends_the_life_and_nothing_else_does() {
    for policy in POLICIES {
        let (cache, hand) = built(policy, |builder| builder.time_to_idle(ms(640)));
        for key in 0..5 {
            cache.insert(key, key);
        }
        hand.advance(ms(600));
        assert_eq!(cache.get(&0), Some(0));
        assert_eq!(cache.read(&1, |value| *value), Some(1));
        cache.insert(2, 20);
        assert_eq!(cache.replace(3, 30).unwrap(), 3);
        assert_eq!(cache.entries().len(), 5);
        assert_eq!((cache.hottest(9).len(), cache.coldest(9).len()), (5, 5));
        assert_eq!(cache.remove_if(&4, |_| false), None);
        hand.advance(ms(40));
        assert_eq!(
            cache.get(&4),
            None,
            "looking on from outside is no use of it"
        );
        hand.advance(ms(590));
        assert_eq!(
            (cache.get(&0), cache.get(&2), cache.get(&3)),
            (Some(0), Some(20), Some(30))
        );
        hand.advance(ms(640));
        assert!((0..5).all(|key| cache.get(&key).is_none()));
        assert_eq!(
            cache.insert(0, 1),
            None,
            "what is over is not handed out as the previous value"
        );
        assert_eq!(cache.remove(&2), None);
        assert_eq!(cache.entries(), [(0, 1)]);
    }
}

#[test]
fn an_idle_life_is_not_cut_short() {
    for policy in POLICIES {
        let (cache, hand) = built(policy, |builder| builder.time_to_idle(ms(640)));
        cache.insert(1, 1);
        hand.advance(ms(639));
        assert_eq!(cache.get(&1), Some(1));
        hand.advance(ms(639));
        assert_eq!(cache.get(&1), Some(1));
        hand.advance(ms(640));
        assert_eq!(cache.get(&1), None);
    }
}

#[test]
fn an_entry_that_is_read_all_the_time_stays() {
    for policy in POLICIES {
        for pause in [1, 7, 9, 10, 11, 300, 629] {
            let (cache, hand) = built(policy, |builder| builder.time_to_idle(ms(640)));
            cache.insert(1, 1);
            for _ in 0..500 {
                hand.advance(ms(pause));
                assert_eq!(cache.get(&1), Some(1), "read every {pause} ms, {policy:?}");
            }
            hand.advance(ms(640));
            assert_eq!(cache.get(&1), None);
        }
    }
}

#[test]
fn the_shorter_of_idle_and_live_holds() {
    for policy in POLICIES {
        let (cache, hand) = built(policy, |builder| {
            builder
                .time_to_idle(ms(100))
                .expiry(|_, &life| Some(ms(u64::from(life))))
        });
        cache.insert(1, 150);
        cache.insert(2, 50);
        for now in (10..=300).step_by(10) {
            hand.advance(ms(10));
            assert_eq!(cache.get(&1).is_some(), now < 150, "{now}");
            assert_eq!(cache.get(&2).is_some(), now < 50, "{now}");
        }
    }
}

#[test]
fn idle_entries_make_room_though_nobody_asks_for_them() {
    for policy in POLICIES {
        let (cache, hand) = built(policy, |builder| builder.time_to_idle(ms(100)));
        let keys = if cfg!(miri) { 100 } else { 3_000 };
        (0..keys).for_each(|key| {
            let _ = cache.insert(key, key);
        });
        hand.advance(ms(50));
        (0..keys / 2).for_each(|key| {
            let _ = cache.get(&key);
        });
        hand.advance(ms(50));
        assert_eq!(cache.len(), keys as usize);
        assert_eq!(cache.remove_expired(), keys as usize / 2);
        assert_eq!(cache.len(), keys as usize / 2);
        assert_eq!(cache.remove_expired(), 0);
        assert_eq!(cache.stats().expirations, u64::from(keys / 2));
    }
    let (cache, hand) = built(Policy::Adaptive, |builder| builder.time_to_idle(ms(100)));
    let keys = if cfg!(miri) { 40 } else { 1_000 };
    (0..keys).for_each(|key| {
        let _ = cache.insert(key, key);
    });
    hand.advance(ms(100));
    (keys..2 * keys).for_each(|key| {
        let _ = cache.insert(key, key);
    });
    assert_eq!(
        cache.len(),
        keys as usize,
        "as others come in, the idle ones leave"
    );
}

#[test]
fn an_idle_life_that_is_too_short_is_refused() {
    for time_to_idle in [Duration::ZERO, Duration::from_nanos(999_999)] {
        let error = Cache::<u32, u32>::builder(9)
            .time_to_idle(time_to_idle)
            .build()
            .unwrap_err();
        assert!(matches!(
            error,
            BuildError::TimeToIdleTooShort { time_to_idle: told, .. } if told == time_to_idle
        ));
        assert!(error.to_string().contains("use at least 1ms"));
    }
    let (cache, hand) = built(Policy::Adaptive, |builder| {
        builder.time_to_idle(Duration::MAX)
    });
    hand.advance(ms(1));
    cache.insert(1, 1);
    hand.advance(Duration::from_secs(1_000_000));
    assert_eq!(
        cache.get(&1),
        Some(1),
        "without end, and no wrapping into the past"
    );
}
