//! A loading cache starts with the values it had, for what was left of their lives, and with nothing else.

use std::io::{self, Read};

use crm_cache::{Cache, LoadError, LoadingCache, RestoreError, Tag};

use super::world::{POLICIES, World, ms, world};

/// A snapshot that was taken in the future: for whoever reads it no time has passed.
fn taken(world: &World) -> Vec<u8> {
    let mut bytes = Vec::new();
    world.cache.snapshot(&mut bytes).unwrap();
    let end = 30 + usize::from(u16::from_le_bytes([bytes[26], bytes[27]]));
    bytes[10..18].fill(0xFF);
    let sum = crc32fast::hash(&bytes[..end]).to_le_bytes();
    bytes[end..end + 4].copy_from_slice(&sum);
    bytes
}

#[test]
fn values_come_back_for_what_was_left_of_their_lives_and_stand_in_afterwards() {
    for policy in POLICIES {
        let new = || {
            world(policy, |builder| {
                builder
                    .stale_on_error(ms(5_000), ms(100))
                    .refresh_ahead(0.9)
            })
        };
        let old = new();
        old.cache.get(&7).unwrap();
        old.hand.advance(ms(400));
        old.cache.get(&8).unwrap();
        let bytes = taken(&old);

        let restarted = new();
        assert_eq!(restarted.cache.restore(&bytes[..]).unwrap(), 2);
        let cache = &restarted.cache;
        assert_eq!(
            (cache.get_if_present(&7), cache.get(&8)),
            (Some(7_000), Ok(8_001))
        );
        restarted.hand.advance(ms(599));
        assert_eq!(cache.get_if_present(&7), Some(7_000));
        restarted.hand.advance(ms(1));
        assert_eq!(cache.get_if_present(&7), None, "its life is over");
        restarted.source.goes(true);
        assert_eq!(cache.get(&7), Ok(7_000), "but it stands in");
        restarted.hand.advance(ms(4_999));
        cache.remove_expired();
        assert_eq!(cache.get(&8), Ok(8_001), "it came later");
        restarted.hand.advance(ms(1));
        assert!(cache.get(&7).is_err(), "for no longer than any other");
    }
}

#[test]
fn only_fresh_values_are_written() {
    for policy in POLICIES {
        let old = world(policy, |builder| {
            builder
                .stale_on_error(ms(5_000), ms(100))
                .remember_failures(ms(50_000))
        });
        old.cache.get(&7).unwrap();
        old.hand.advance(ms(1_000));
        old.cache.get(&8).unwrap();
        old.source.goes(true);
        assert!(old.cache.get(&9).is_err());
        assert_eq!(old.cache.len(), 3);
        assert_eq!(old.cache.snapshot(&mut Vec::new()).unwrap(), 1);
        let bytes = taken(&old);

        // A plain cache reads it, and what it writes is read.
        let plain: Cache<u32, u32> = Cache::new(10);
        assert_eq!(plain.restore(&bytes[..]).unwrap(), 1);
        assert_eq!(plain.entries(), [(8, 8_001)]);
        let (mut bytes, restarted) = (Vec::new(), world(policy, |builder| builder));
        plain.snapshot(&mut bytes).unwrap();
        assert_eq!(restarted.cache.restore(&bytes[..]).unwrap(), 1);
        assert_eq!(restarted.cache.entries(), [(8, 8_001)]);
        restarted.hand.advance(ms(1_000));
        assert!(restarted.cache.entries().is_empty(), "lives end here");
    }
}

#[test]
fn nothing_invalidated_comes_back_neither_fresh_nor_stale() {
    for policy in POLICIES {
        let new = || world(policy, |builder| builder.stale_on_error(ms(5_000), ms(100)));
        let old = new();
        for key in 1..=3 {
            old.cache.get(&key).unwrap();
        }
        old.cache.invalidate_tag(Tag::new("customer", 1));
        let bytes = taken(&old);
        let restarted = new();
        restarted.cache.invalidate_tag(Tag::new("customer", 2));
        assert_eq!(restarted.cache.restore(&bytes[..]).unwrap(), 1);
        restarted.source.goes(true);
        for key in 1..=2 {
            let told = restarted.cache.get(&key);
            assert!(matches!(told, Err(LoadError::Failed(_))), "{key}");
        }
        restarted.cache.invalidate_tag(Tag::new("customer", 3));
        restarted.hand.advance(ms(1_000));
        assert!(restarted.cache.get(&3).is_err());

        let written = new();
        written.cache.remove(&3);
        let refused = written.cache.restore(&bytes[..]);
        assert!(matches!(refused, Err(RestoreError::InUse)));
        // What was only loaded is no write, and is not overwritten.
        let loaded = new();
        loaded.cache.insert(9, 9);
        assert!(loaded.cache.restore(&bytes[..]).is_err());
        let loaded = new();
        assert_eq!(loaded.cache.get(&3), Ok(3_000));
        assert_eq!(loaded.cache.restore(&bytes[..]).unwrap(), 1);
        assert_eq!(loaded.cache.get(&3), Ok(3_000));
    }
}

/// Does something once so many bytes were read.
struct Interrupted<'a, F> {
    bytes: &'a [u8],
    after: usize,
    what: Option<F>,
}

impl<F: FnOnce()> Read for Interrupted<'_, F> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let end = if self.after > 0 {
            self.after
        } else {
            if let Some(what) = self.what.take() {
                what();
            }
            self.bytes.len()
        };
        let count = (&self.bytes[..end]).read(to)?;
        self.bytes = &self.bytes[count..];
        self.after = self.after.saturating_sub(count);
        Ok(count)
    }
}

#[test]
fn what_the_source_is_found_not_to_have_does_not_come_back() {
    for policy in POLICIES {
        for is_remembered in [false, true] {
            let old = world(policy, |builder| builder);
            old.cache.get(&3).unwrap();
            old.cache.get(&4).unwrap();
            let bytes = taken(&old);

            let (clock, hand) = crm_cache::Clock::manual();
            let builder = Cache::<u32, u32>::builder(100)
                .policy(policy)
                .time_to_live(ms(1_000))
                .clock(clock)
                .loading_many(|_: &[u32]| Ok::<_, String>(Vec::new()));
            let builder = if is_remembered {
                builder.remember_failures(ms(10))
            } else {
                builder
            };
            let cache: LoadingCache<u32, u32, String> = builder.build().unwrap();
            let what = || {
                assert_eq!(cache.get(&3), Err(LoadError::Absent));
                hand.advance(ms(20));
                cache.remove_expired();
            };
            // Before the first entry has come in.
            let reader = Interrupted {
                bytes: &bytes,
                after: 40,
                what: Some(what),
            };
            assert_eq!(cache.restore(reader).unwrap(), 1);
            assert_eq!(cache.get_if_present(&3), None);
            assert_eq!(cache.get_if_present(&4), Some(4_001));
            assert!(cache.restore(&bytes[..]).is_ok(), "a load is no write");
        }
    }
}

#[test]
fn what_a_plain_cache_loads_and_the_source_does_not_have_leaves_with_the_load() {
    for policy in POLICIES {
        let full: Cache<u32, u32> = Cache::new(10);
        full.insert(3, 3);
        let mut bytes = Vec::new();
        full.snapshot(&mut bytes).unwrap();
        let cache: Cache<u32, u32> = Cache::builder(10).policy(policy).build().unwrap();
        let page = cache.get_many_or_load(&[3], |_| {
            assert_eq!(cache.restore(&bytes[..]).unwrap(), 1);
            assert_eq!(cache.peek(&3), Some(3));
            Ok::<_, io::Error>(Vec::new())
        });
        assert_eq!(page.unwrap(), [None]);
        assert_eq!(cache.peek(&3), None);
    }
}
