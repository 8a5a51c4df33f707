//! A look from outside sees what a read would see, and leaves no trace: in statistics, policy or lives.

use std::time::Duration;

use crm_cache::{Cache, Clock, Policy, Stats, Tag};

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_look_is_not_counted() {
    for policy in POLICIES {
        let cache: Cache<String, u32> = Cache::builder(10).policy(policy).build().unwrap();
        cache.insert("ada".to_owned(), 1);
        let before = cache.stats();
        assert_eq!((cache.peek("ada"), cache.peek("bob")), (Some(1), None));
        assert!(cache.contains_key("ada") && !cache.contains_key("bob"));
        assert_eq!(cache.stats(), before);
        assert!(matches!(
            before,
            Stats {
                hits: 0,
                misses: 0,
                ..
            }
        ));
    }
}

#[test]
fn a_look_sees_neither_what_is_over_nor_what_is_invalidated() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache = Cache::<u32, u32>::builder(10)
            .policy(policy)
            .time_to_live(ms(10))
            .tags(|_, value, tags| tags.add(Tag::new("value", *value)))
            .clock(clock)
            .build()
            .unwrap();
        cache.insert(1, 10);
        cache.insert(2, 20);
        hand.advance(ms(9));
        assert_eq!((cache.peek(&1), cache.peek(&2)), (Some(10), Some(20)));
        cache.invalidate_tag(Tag::new("value", 20));
        assert_eq!((cache.peek(&1), cache.peek(&2)), (Some(10), None));
        assert!(cache.contains_key(&1) && !cache.contains_key(&2));
        hand.advance(ms(1));
        assert!(cache.peek(&1).is_none() && !cache.contains_key(&1));
        let stats = cache.stats();
        assert_eq!(
            (stats.expirations, stats.invalidations),
            (0, 0),
            "a look takes nothing out"
        );
    }
}

#[test]
fn a_look_does_not_extend_the_time_to_idle() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache: Cache<u32, u32> = Cache::builder(10)
            .policy(policy)
            .time_to_idle(ms(640))
            .clock(clock)
            .build()
            .unwrap();
        (0..3).for_each(|key| assert!(cache.insert(key, key).is_none()));
        hand.advance(ms(600));
        assert!(cache.peek(&0).is_some() && cache.contains_key(&1) && cache.get(&2).is_some());
        hand.advance(ms(40));
        assert!(cache.peek(&0).is_none() && !cache.contains_key(&1));
        assert_eq!(cache.peek(&2), Some(2));
    }
}

#[test]
fn a_look_does_not_change_the_order() {
    let cache: Cache<u32, u32> = Cache::builder(3)
        .policy(Policy::Lru)
        .shards(1)
        .build()
        .unwrap();
    (0..3).for_each(|key| assert!(cache.insert(key, key).is_none()));
    assert!(cache.peek(&0).is_some() && cache.contains_key(&1));
    assert_eq!(cache.coldest(3), [0, 1, 2]);
    cache.insert(3, 3);
    assert!(
        !cache.contains_key(&0),
        "what was only looked at is still the oldest"
    );
}
