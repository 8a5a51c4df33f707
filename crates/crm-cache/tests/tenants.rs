//! A tenant's guaranteed share is its own, whatever the others do; what it does not use is lent out and comes back.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crm_cache::{
    BuildError, Cache, CacheBuilder, Clock, NotReplacedReason, Policy, RemovalCause, Tag, Tenant,
};
use proptest::prelude::*;

/// A tenant and a number.
type Key = (u32, u64);

/// Without a seed, so that what is measured is the same each time.
type Fixed = BuildHasherDefault<DefaultHasher>;

/// For what only its effect is wanted of.
fn ignore<T>(_: T) {}

const POLICIES: [Policy; 2] = [Policy::Adaptive, Policy::Lru];

fn divided(capacity: usize, shares: &[(u32, f64)]) -> CacheBuilder<Key, u64> {
    Cache::builder(capacity).tenants(|key: &Key| key.0, shares.iter().copied())
}

/// Whether the key was there; now it is.
fn uses<S: BuildHasher + Clone>(cache: &Cache<Key, u64, S>, key: Key) -> bool {
    let is_hit = cache.get(&key).is_some();
    if !is_hit {
        cache.insert(key, key.1);
    }
    is_hit
}

fn fill<S: BuildHasher + Clone>(cache: &Cache<Key, u64, S>, tenant: u32, entries: u64) {
    (0..entries).for_each(|number| ignore(cache.insert((tenant, number), number)));
}

fn held<S: BuildHasher + Clone>(cache: &Cache<Key, u64, S>) -> [usize; 4] {
    [1, 2, 3, 4].map(|tenant| cache.tenant_len(tenant))
}

#[test]
fn what_one_does_not_use_is_lent_out_and_comes_back_at_once() {
    for (policy, shards) in POLICIES
        .into_iter()
        .flat_map(|policy| [(policy, 1), (policy, 4)])
    {
        let cache = divided(100, &[(1, 0.5), (2, 0.3)])
            .policy(policy)
            .shards(shards)
            .build()
            .unwrap();
        assert_eq!(
            [1, 2, 3].map(|tenant| cache.tenant_capacity(tenant)),
            [50, 30, 20]
        );
        fill(&cache, 3, 1_000);
        assert_eq!(
            held(&cache),
            [0, 0, 100, 100],
            "all of it, tenants 3 and 4 being others"
        );
        for entries in 1..=50 {
            cache.insert((1, entries), 0);
            assert_eq!(cache.tenant_len(1), entries as usize);
        }
        assert_eq!(held(&cache), [50, 0, 50, 50]);
        // Both want what the second does not: they get as much each, to within one entry.
        for number in 0..1_000 {
            cache.insert((1, 1_000 + number), 0);
            cache.insert((3, 1_000 + number), 0);
        }
        let [one, two, others, _] = held(&cache);
        assert!(
            two == 0 && one + others == 100 && (64..=66).contains(&one),
            "{one} {others}"
        );
        fill(&cache, 2, 30);
        assert_eq!(held(&cache), [50, 30, 20, 20]);
        assert!((0..30).all(|number| cache.get(&(2, number)).is_some()));
        // Nobody has a reason to give any more.
        for tenant in [1, 2, 3, 4, 2] {
            (0..500).for_each(|number| ignore(uses(&cache, (tenant, 5_000 + number))));
            assert_eq!(held(&cache), [50, 30, 20, 20], "{policy:?}");
        }
        assert_eq!(cache.stats().refusals, 0);
    }
}

#[test]
fn what_leaves_for_other_reasons_is_no_longer_held() {
    for policy in POLICIES {
        let (clock, hand) = Clock::manual();
        let cache = divided(40, &[(1, 0.5), (2, 0.25)])
            .policy(policy)
            .shards(2)
            .time_to_live(Duration::from_secs(1))
            .clock(clock)
            .build()
            .unwrap();
        fill(&cache, 1, 20);
        fill(&cache, 2, 10);
        assert_eq!(cache.remove(&(1, 3)), Some(3));
        assert_eq!(cache.remove_if(&(1, 4), |_| false), None);
        assert_eq!(cache.replace((1, 5), 50).unwrap(), 5);
        cache.insert((2, 5), 50);
        assert!(cache.forget(&(2, 6)));
        cache.retain(|key, _| *key != (1, 7));
        assert_eq!(held(&cache), [18, 9, 0, 0]);
        hand.advance(Duration::from_secs(1));
        assert_eq!(cache.get(&(1, 0)), None);
        cache.insert((3, 0), 0);
        cache.remove_expired();
        assert_eq!(held(&cache), [0, 0, 1, 1]);
        fill(&cache, 2, 30);
        cache.clear();
        assert_eq!(held(&cache), [0; 4]);
        fill(&cache, 1, 1_000);
        assert_eq!(held(&cache), [40, 0, 0, 0]);
    }
}

#[test]
fn a_changed_capacity_changes_the_guarantees() {
    for (policy, shards) in POLICIES
        .into_iter()
        .flat_map(|policy| [(policy, 1), (policy, 3)])
    {
        let cache = divided(100, &[(1, 0.5), (2, 0.3)])
            .policy(policy)
            .shards(shards)
            .build()
            .unwrap();
        fill(&cache, 1, 20);
        fill(&cache, 3, 1_000);
        cache.set_capacity(50).unwrap();
        assert_eq!(
            [1, 2, 3].map(|tenant| cache.tenant_capacity(tenant)),
            [25, 15, 10]
        );
        assert_eq!(held(&cache), [20, 0, 30, 30], "who holds too much gives");
        cache.set_capacity(20).unwrap();
        fill(&cache, 2, 1_000);
        assert_eq!(held(&cache), [10, 6, 4, 4]);
        cache.set_capacity(200).unwrap();
        fill(&cache, 3, 1_000);
        assert_eq!(held(&cache), [10, 6, 184, 184]);
        fill(&cache, 1, 1_000);
        fill(&cache, 2, 1_000);
        fill(&cache, 3, 1_000);
        assert_eq!(held(&cache), [100, 60, 40, 40]);
    }
}

#[test]
fn who_is_guaranteed_nothing_is_refused_when_nothing_is_left() {
    for (policy, shards) in POLICIES
        .into_iter()
        .flat_map(|policy| [(policy, 1), (policy, 4)])
    {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let cache = divided(100, &[(1, 0.4), (2, 0.6), (3, 0.0)])
            .policy(policy)
            .shards(shards)
            .on_removal(move |&key, _, cause| log.lock().unwrap().push((key, cause)))
            .build()
            .unwrap();
        fill(&cache, 3, 10);
        assert_eq!(cache.tenant_len(3), 10, "nobody wants it yet");
        fill(&cache, 1, 40);
        fill(&cache, 2, 60);
        assert_eq!(held(&cache), [40, 60, 0, 0]);
        told.lock().unwrap().clear();
        let refused = cache.try_insert((3, 7), 70).unwrap_err();
        assert_eq!(
            (refused.key, refused.value, refused.previous),
            ((3, 7), 70, None)
        );
        assert!(refused.to_string().contains("share"), "{refused}");
        assert!(told.lock().unwrap().is_empty(), "it was handed back");
        assert_eq!(cache.insert((4, 7), 70), None);
        assert_eq!(*told.lock().unwrap(), [((4, 7), RemovalCause::Refused)]);
        assert_eq!((cache.stats().refusals, held(&cache)), (2, [40, 60, 0, 0]));
        // What is loaded is handed on, if not kept.
        let loaded = cache.get_or_load(&(3, 8), |_| Ok::<_, std::io::Error>(80));
        assert_eq!((loaded.unwrap(), cache.get(&(3, 8))), (80, None));
        cache.remove(&(1, 0));
        assert!(cache.try_insert((3, 7), 70).is_ok());
        assert_eq!(cache.get(&(3, 7)), Some(70));
        // The only one that it may take the place of is its own.
        assert!(cache.try_insert((3, 8), 80).is_ok());
        assert_eq!((cache.get(&(3, 7)), held(&cache)), (None, [39, 60, 1, 0]));
    }
}

/// An entry weighs what its value says.
fn weighed(policy: Policy, shards: usize, max_weight: u64) -> Cache<Key, u64> {
    divided(1_000, &[(1, 0.5), (2, 0.3)])
        .policy(policy)
        .shards(shards)
        .weigher(max_weight, |_, weight| *weight)
        .build()
        .unwrap()
}

fn weight_of(cache: &Cache<Key, u64>, tenant: u32) -> u64 {
    let entries = cache.entries();
    let own = entries.iter().filter(|((owner, _), _)| *owner == tenant);
    own.map(|(_, weight)| weight).sum()
}

#[test]
fn shares_are_of_the_weight_too() {
    for (policy, shards) in POLICIES
        .into_iter()
        .flat_map(|policy| [(policy, 1), (policy, 4)])
    {
        let cache = weighed(policy, shards, 1_000);
        for number in 0..1_000 {
            cache.insert((3, number), 10);
        }
        assert_eq!(weight_of(&cache, 3), 1_000);
        for number in 0..50 {
            cache.insert((1, number), 10);
        }
        assert_eq!((weight_of(&cache, 1), weight_of(&cache, 3)), (500, 500));
        for number in 0..100 {
            cache.insert((2, number), 3);
            cache.insert((3, number), 10);
        }
        let (one, two) = (weight_of(&cache, 1), weight_of(&cache, 2));
        assert!(one == 500 && two > 290, "{policy:?} {one} {two}");
        // Heavier than what it is guaranteed and the others leave: it would push somebody else out.
        let before = cache.len();
        let refused = cache.try_insert((3, 2_000), 215).unwrap_err();
        assert_eq!((refused.weight, cache.len()), (215, before));
        let kept = cache
            .entries()
            .into_iter()
            .find(|((tenant, _), _)| *tenant == 3)
            .unwrap()
            .0;
        let refused = cache.try_insert(kept, 215).unwrap_err();
        assert_eq!(
            (refused.previous, cache.get(&kept)),
            (Some(10), None),
            "out of date"
        );
        assert!(cache.try_insert((3, 2_000), 195).is_ok());
        assert_eq!((weight_of(&cache, 1), weight_of(&cache, 3)), (500, 195));
        assert!(cache.try_insert((1, 2_000), 500).is_ok());
        assert_eq!((cache.tenant_len(1), weight_of(&cache, 3)), (1, 195));
        cache.set_max_weight(400).unwrap();
        assert!(cache.weight() <= 400);
        assert_eq!(weight_of(&cache, 1), 0, "it held 300 too much in one entry");
    }
}

#[test]
fn a_replaced_value_that_grows_takes_from_its_own_tenant() {
    for policy in POLICIES {
        let cache = weighed(policy, 1, 100);
        (0..5).for_each(|number| ignore(cache.insert((1, number), 10)));
        (0..5).for_each(|number| ignore(cache.insert((2, number), 6)));
        (0..2).for_each(|number| ignore(cache.insert((3, number), 10)));
        assert_eq!(cache.weight(), 100);
        assert_eq!(cache.insert((1, 0), 45), Some(10));
        assert_eq!((cache.get(&(1, 0)), weight_of(&cache, 1)), (Some(45), 45));
        assert_eq!((weight_of(&cache, 2), weight_of(&cache, 3)), (30, 20));
        assert_eq!(cache.replace((1, 0), 50).unwrap(), 45);
        assert_eq!((weight_of(&cache, 1), weight_of(&cache, 2)), (50, 30));
        let refused = cache.replace((1, 0), 51).unwrap_err();
        assert!(matches!(
            refused.reason,
            NotReplacedReason::Refused { weight: 51, .. }
        ));
        assert_eq!(
            (refused.key, refused.value, refused.previous),
            ((1, 0), 51, Some(50))
        );
        assert_eq!((cache.tenant_len(1), weight_of(&cache, 2)), (0, 30));
    }
}

#[test]
fn a_replaced_value_that_is_all_its_tenant_has_takes_from_who_borrows() {
    for policy in POLICIES {
        let cache = weighed(policy, 1, 100);
        (0..9).for_each(|number| ignore(cache.insert((3, number), 10)));
        cache.insert((1, 0), 10);
        // More above its guarantee than the others, and nothing to give but itself.
        assert_eq!(cache.insert((1, 0), 75), Some(10));
        assert_eq!((cache.get(&(1, 0)), weight_of(&cache, 3)), (Some(75), 20));
    }
}

#[test]
fn tenants_have_names_of_any_kind() {
    let cache = Cache::<(String, u32), u32>::builder(10)
        .tenants(
            |key: &(String, u32)| Tenant::new(&key.0),
            [("acme", 0.4), ("initech", 0.4)],
        )
        .build()
        .unwrap();
    for number in 0..100 {
        cache.insert(("initech".to_owned(), number), number);
    }
    (0..4).for_each(|number| ignore(cache.insert(("acme".to_owned(), number), number)));
    (0..4).for_each(|number| ignore(cache.insert(("else".to_owned(), number), number)));
    assert_eq!(
        (cache.tenant_len("acme"), cache.tenant_len("initech")),
        (4, 4)
    );
    assert_eq!(
        (cache.tenant_len("else"), cache.tenant_len("nobody")),
        (2, 2)
    );
    assert_eq!(Tenant::from(7_u8), Tenant::new(7_i64));
    assert_ne!(Tenant::from(7), Tenant::from("7"));
}

#[test]
fn tags_and_tenants_go_together() {
    for policy in POLICIES {
        let cache = divided(10, &[(1, 0.5)])
            .policy(policy)
            .tags(|key, _, tags| tags.add(Tag::new("parity", key.1 % 2)))
            .build()
            .unwrap();
        fill(&cache, 1, 5);
        fill(&cache, 2, 5);
        cache.invalidate_tag(Tag::new("parity", 0));
        assert_eq!(
            [0, 1].map(|number| cache.get(&(1, number))),
            [None, Some(1)]
        );
        assert!(cache.remove_expired() + cache.stats().invalidations as usize >= 6);
        assert_eq!((cache.tenant_len(1), cache.tenant_len(2)), (2, 2));
    }
}

#[test]
fn a_cache_without_tenants_is_all_everybody_s() {
    let cache: Cache<Key, u64> = Cache::new(10);
    fill(&cache, 1, 3);
    assert_eq!((cache.tenant_len(1), cache.tenant_len(2)), (3, 3));
    assert_eq!(cache.tenant_capacity(1), 10);
}

#[test]
fn shares_that_make_no_sense_are_refused_with_the_remedy() {
    let refused = |shares: &[(u32, f64)]| divided(10, shares).build().unwrap_err();
    for share in [
        -0.1,
        1.1,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -f64::MIN_POSITIVE,
    ] {
        assert!(matches!(
            refused(&[(1, 0.5), (2, share)]),
            BuildError::ShareOutOfRange { position: 1, share: told, .. } if told == share
        ));
    }
    let nan = refused(&[(1, f64::NAN)]);
    assert!(matches!(
        nan,
        BuildError::ShareOutOfRange { position: 0, .. }
    ));
    assert_eq!(
        nan.to_string(),
        "the share of the tenant at position 0 is NaN: use a share of the cache from 0 (only what the others leave) to 1 \
         (all of it)"
    );
    let sum = refused(&[(1, 0.5), (2, 0.5), (3, 0.125)]);
    assert!(matches!(sum, BuildError::SharesAboveOne { sum: 1.125, .. }));
    assert_eq!(
        sum.to_string(),
        "the tenants' shares add up to 1.125: lower them to 1 together, or less to leave a rest to all others"
    );
    let twice = refused(&[(1, 0.1), (2, 0.1), (1, 0.1)]);
    assert!(matches!(
        twice,
        BuildError::TenantNamedTwice { position: 2, .. }
    ));
    assert_eq!(
        twice.to_string(),
        "the tenant at position 2 was given a share before: name each tenant once, with all of its share"
    );
    let thirds = [(1, 1.0 / 3.0), (2, 1.0 / 3.0), (3, 1.0 / 3.0)];
    let tenths: Vec<(u32, f64)> = (0..10).map(|tenant| (tenant, 0.1)).collect();
    let odd = [(1, 0.1), (2, 0.2), (3, 0.7), (4, 0.000_000_000_1)];
    for shares in [&thirds[..], &tenths, &[], &odd] {
        let cache = divided(10, shares).build().unwrap();
        fill(&cache, 1, 20);
        fill(&cache, 2, 20);
        assert_eq!(cache.len(), 10);
    }
}

#[cfg(feature = "serde")]
#[test]
fn what_a_snapshot_brings_back_is_counted_and_guaranteed() {
    for (policy, shards) in POLICIES
        .into_iter()
        .flat_map(|policy| [(policy, 1), (policy, 4)])
    {
        let build = || {
            let builder = divided(100, &[(1, 0.5), (2, 0.3)]).policy(policy);
            builder.shards(shards).build().unwrap()
        };
        let cache = build();
        (0..2).for_each(|_| (0..50).for_each(|number| ignore(uses(&cache, (1, number)))));
        fill(&cache, 3, 50);
        let mut bytes = Vec::new();
        cache.snapshot(&mut bytes).unwrap();
        let warm = build();
        assert_eq!(warm.restore(&bytes[..]).unwrap(), 100);
        assert_eq!(held(&warm), [50, 0, 50, 50], "{policy:?}");
        fill(&warm, 3, 1_000);
        fill(&warm, 2, 30);
        assert_eq!(held(&warm), [50, 30, 20, 20], "{policy:?}");
        assert!((0..50).all(|number| warm.get(&(1, number)) == Some(number)));
        // Uses are recorded and victims found among what was restored, too.
        (100..200).for_each(|number| ignore(uses(&warm, (1, number))));
        assert_eq!(held(&warm), [50, 30, 20, 20], "{policy:?}");
    }
}

/// A seeded source of numbers, by xorshift (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A rank from 0 to `count - 1` that falls off as one over the rank.
    fn skewed(&mut self, count: u64) -> u64 {
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((count as f64).powf(fraction) - 1.0) as u64
    }
}

/// Loads of a tenant that is guaranteed `own` entries.
fn loads(own: u64) -> [(&'static str, Vec<u64>); 4] {
    let mut random = Random(5);
    let count = 20_000;
    [
        (
            "skew",
            (0..count).map(|_| random.skewed(20 * own)).collect(),
        ),
        (
            "much that fits",
            (0..count).map(|_| random.skewed(2 * own)).collect(),
        ),
        (
            "a loop",
            (0..count).map(|number| number % (own * 3 / 2)).collect(),
        ),
        (
            "bursts",
            (0..count / 2)
                .flat_map(|number| [number, number.saturating_sub(own / 4)])
                .collect(),
        ),
    ]
}

/// The share of hits among those requests, in per cent.
fn hit_ratio<S: BuildHasher + Clone>(
    cache: &Cache<Key, u64, S>,
    load: &[u64],
    mut meanwhile: impl FnMut(),
) -> f64 {
    let hits = load.iter().filter(|&&number| {
        meanwhile();
        uses(cache, (1, number))
    });
    100.0 * hits.count() as f64 / load.len() as f64
}

#[cfg(not(miri))] // Some million requests: hours under the interpreter. What they run, other tests run there too.
#[test]
fn a_stream_costs_the_others_at_most_a_point_of_what_they_would_have_alone() {
    const CAPACITY: usize = 2_000;
    let cases = POLICIES
        .into_iter()
        .flat_map(|policy| [(policy, 1, 0.5), (policy, 4, 0.1)]);
    for (policy, shards, share) in cases {
        let own = (share * CAPACITY as f64) as usize;
        for (name, load) in loads(own as u64) {
            let builder = Cache::builder(own).policy(policy).shards(shards);
            let alone = hit_ratio(
                &builder.hasher(Fixed::default()).build().unwrap(),
                &load,
                || (),
            );
            // Ten times the capacity, at the same time; and from before, so that it has filled the cache.
            for at_a_time in [1, 10] {
                let builder = divided(CAPACITY, &[(1, share)])
                    .policy(policy)
                    .shards(shards);
                let cache = builder.hasher(Fixed::default()).build().unwrap();
                let mut stream = 0..;
                let mut go_on = |count| {
                    (&mut stream)
                        .take(count)
                        .for_each(|number| ignore(uses(&cache, (2, number))));
                };
                go_on(2 * CAPACITY);
                let beside = hit_ratio(&cache, &load, || go_on(at_a_time));
                assert!(
                    beside >= alone - 1.0,
                    "{policy:?} {shards} shards, share {share}, {name}: {beside:.2} for {alone:.2}"
                );
                assert_eq!(cache.tenant_len(1), own);
            }
        }
    }
}

#[cfg(not(miri))]
#[test]
fn the_others_have_what_they_would_have_alone_beside_three_who_want_more() {
    const CAPACITY: usize = 4_000;
    for policy in POLICIES {
        let loads = loads(1_000);
        let alone: Vec<f64> = loads
            .iter()
            .map(|(_, load)| {
                let builder = Cache::builder(1_000).policy(policy).shards(1);
                hit_ratio(
                    &builder.hasher(Fixed::default()).build().unwrap(),
                    load,
                    || (),
                )
            })
            .collect();
        let builder = divided(CAPACITY, &[(0, 0.25), (1, 0.25), (2, 0.25)])
            .policy(policy)
            .shards(1);
        let cache = builder.hasher(Fixed::default()).build().unwrap();
        let mut hits = [0_u32; 4];
        for turn in 0..loads[0].1.len() {
            for (tenant, (_, load)) in loads.iter().enumerate() {
                hits[tenant] += u32::from(uses(&cache, (tenant as u32, load[turn])));
            }
        }
        for ((hits, alone), (name, load)) in hits.into_iter().zip(alone).zip(&loads) {
            let beside = 100.0 * f64::from(hits) / load.len() as f64;
            assert!(
                beside >= alone - 1.0,
                "{policy:?} {name}: {beside:.2} for {alone:.2}"
            );
        }
    }
}

/// Hashes without a seed, to few hashes if asked to.
#[derive(Clone, Copy, Debug)]
struct Folding(u64);

impl BuildHasher for Folding {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(DefaultHasher::new(), self.0)
    }
}

struct Folded(DefaultHasher, u64);

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish() % self.1
    }
}

#[derive(Clone, Debug)]
struct Setting {
    policy: Policy,
    shards: usize,
    capacity: usize,
    shares: Vec<f64>,
    max_weight: Option<u64>,
    expires: bool,
    hashes: u64,
}

#[derive(Clone, Debug)]
enum Operation {
    Get(Key),
    Insert(Key, u64),
    Replace(Key, u64),
    Remove(Key),
    Forget(Key),
    Retain(u64),
    Clear,
    SetCapacity(usize),
    SetMaxWeight(u64),
    Advance(u64),
    RemoveExpired,
}

fn settings() -> impl Strategy<Value = Setting> {
    let policy = prop_oneof![Just(Policy::Adaptive), Just(Policy::Lru)];
    let shares = prop::collection::vec(0_u32..8, 0..4).prop_map(|parts| {
        let whole = parts.iter().sum::<u32>().max(10);
        parts
            .iter()
            .map(|&part| f64::from(part) / f64::from(whole))
            .collect()
    });
    let max_weight = prop::option::of(1_u64..200);
    let hashes = prop_oneof![Just(u64::MAX), Just(3)];
    (
        policy,
        1_usize..5,
        5_usize..40,
        shares,
        max_weight,
        any::<bool>(),
        hashes,
    )
        .prop_map(
            |(policy, shards, capacity, shares, max_weight, expires, hashes)| Setting {
                policy,
                shards,
                capacity,
                shares,
                max_weight,
                expires,
                hashes,
            },
        )
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    // The last tenant but one makes most of the noise.
    let tenant = prop_oneof![4 => 0_u32..5, 3 => Just(3)];
    let key = || (tenant.clone(), 0_u64..30);
    let weight = || prop_oneof![20 => 0_u64..12, 1 => 0_u64..250];
    let operation = prop_oneof![
        6 => key().prop_map(Operation::Get),
        20 => (key(), weight()).prop_map(|(key, weight)| Operation::Insert(key, weight)),
        3 => (key(), weight()).prop_map(|(key, weight)| Operation::Replace(key, weight)),
        2 => key().prop_map(Operation::Remove),
        1 => key().prop_map(Operation::Forget),
        1 => (1_u64..5).prop_map(Operation::Retain),
        1 => Just(Operation::Clear),
        1 => (1_usize..60).prop_map(Operation::SetCapacity),
        1 => (1_u64..250).prop_map(Operation::SetMaxWeight),
        2 => (1_u64..60).prop_map(Operation::Advance),
        1 => Just(Operation::RemoveExpired),
    ];
    prop::collection::vec(operation, 1..if cfg!(miri) { 15 } else { 300 })
}

/// What has left: the key, its value, which is its weight, and why.
type Log = Arc<Mutex<Vec<(Key, u64, RemovalCause)>>>;

/// What each group holds, told by what comes and goes: entries and weight.
struct Ledger {
    shares: Vec<f64>,
    held: Vec<(usize, u64)>,
    entries: HashMap<Key, u64>,
    log: Log,
}

impl Ledger {
    /// Tenants 0, 1, ... have shares; the last group is that of the others.
    fn group(&self, key: Key) -> usize {
        (key.0 as usize).min(self.shares.len())
    }

    /// What the groups are guaranteed of an amount.
    fn guaranteed(&self, amount: u64) -> Vec<u64> {
        let mut parts: Vec<u64> = self
            .shares
            .iter()
            .map(|share| (share * amount as f64 + 1e-6) as u64)
            .collect();
        parts.push(amount - parts.iter().sum::<u64>());
        parts
    }

    /// Follows what an operation has done. Nobody may have given what he is guaranteed.
    fn follow(&mut self, came: Option<(Key, u64)>, capacity: usize, max_weight: Option<u64>) {
        let (entries, weights) = (
            self.guaranteed(capacity as u64),
            self.guaranteed(max_weight.unwrap_or(0)),
        );
        let log: Vec<_> = std::mem::take(&mut *self.log.lock().unwrap());
        let own = came.map(|(key, _)| self.group(key));
        for (key, value, cause) in log {
            if cause == RemovalCause::Refused {
                assert_eq!(Some((key, value)), came);
                continue;
            }
            let group = self.group(key);
            let weight = if max_weight.is_some() { value } else { 0 };
            let (held, heavy) = self.held[group];
            if cause == RemovalCause::Evicted {
                // The newcomer counts where it will be.
                let newcomer = usize::from(own == Some(group));
                let added = came.map_or(0, |(_, weight)| weight) * newcomer as u64;
                let gives = (held + newcomer) as u64 > entries[group]
                    || (max_weight.is_some() && heavy + added > weights[group]);
                assert!(
                    gives,
                    "{key:?} left, of {held} entries and {heavy} of weight"
                );
            }
            assert_eq!(self.entries.remove(&key), Some(value), "{key:?} left twice");
            self.held[group] = (held - 1, heavy - weight);
        }
    }

    fn come(&mut self, key: Key, value: u64, max_weight: Option<u64>) {
        let group = self.group(key);
        let weight = if max_weight.is_some() { value } else { 0 };
        self.held[group].0 += 1;
        self.held[group].1 += weight;
        assert_eq!(self.entries.insert(key, value), None);
    }
}

fn run(setting: &Setting, operations: &[Operation]) {
    let Setting {
        policy,
        shards,
        capacity,
        ref shares,
        mut max_weight,
        expires,
        hashes,
    } = *setting;
    let log = Log::default();
    let told = Arc::clone(&log);
    let (clock, hand) = Clock::manual();
    let mut builder = Cache::<Key, u64>::builder(capacity)
        .policy(policy)
        .shards(shards)
        .tenants(|key: &Key| key.0, (0_u32..).zip(shares.iter().copied()))
        .on_removal(move |&key, &value, cause| told.lock().unwrap().push((key, value, cause)));
    if let Some(max_weight) = max_weight {
        builder = builder.weigher(max_weight, |_, weight| *weight);
    }
    if expires {
        builder = builder
            .time_to_live(Duration::from_millis(100))
            .clock(clock);
    }
    let cache = builder.hasher(Folding(hashes)).build().unwrap();
    let mut ledger = Ledger {
        shares: shares.clone(),
        held: vec![(0, 0); shares.len() + 1],
        entries: HashMap::new(),
        log,
    };
    for operation in operations {
        let mut came = None;
        let mut is_in = false;
        match *operation {
            Operation::Get(key) => ignore(cache.get(&key)),
            Operation::Insert(key, value) => {
                came = Some((key, value));
                let refusals = cache.stats().refusals;
                cache.insert(key, value);
                is_in = refusals == cache.stats().refusals;
            }
            Operation::Replace(key, value) => {
                came = Some((key, value));
                is_in = cache.replace(key, value).is_ok();
            }
            Operation::Remove(key) => ignore(cache.remove(&key)),
            Operation::Forget(key) => ignore(cache.forget(&key)),
            Operation::Retain(modulus) => cache.retain(|key, _| key.1 % modulus == 0),
            Operation::Clear => cache.clear(),
            Operation::SetCapacity(capacity) => ignore(cache.set_capacity(capacity)),
            Operation::SetMaxWeight(weight) => {
                if cache.set_max_weight(weight).is_ok() {
                    max_weight = Some(weight);
                }
            }
            Operation::Advance(millis) => ignore(hand.advance(Duration::from_millis(millis))),
            Operation::RemoveExpired => ignore(cache.remove_expired()),
        }
        ledger.follow(came, cache.capacity(), max_weight);
        if let (true, Some((key, value))) = (is_in, came) {
            ledger.come(key, value, max_weight);
        }
        let count = |tenant: usize| cache.tenant_len(tenant);
        let counts: Vec<usize> = (0..=shares.len()).map(count).collect();
        let held: Vec<usize> = ledger.held.iter().map(|&(entries, _)| entries).collect();
        assert_eq!(counts, held, "after {operation:?}");
        let weight: u64 = ledger.held.iter().map(|&(_, weight)| weight).sum();
        assert_eq!((cache.len(), cache.weight()), (held.iter().sum(), weight));
        assert!(cache.len() <= cache.capacity() && max_weight.is_none_or(|most| weight <= most));
        if let (true, Some((key, value))) = (is_in, came) {
            assert_eq!(cache.get(&key), Some(value), "what has come in is here");
        }
    }
}

proptest! {
    #[test]
    fn nobody_gives_what_he_is_guaranteed(setting in settings(), operations in operations()) {
        run(&setting, &operations);
    }
}

#[test]
fn no_race_takes_what_is_guaranteed() {
    const CAPACITY: u64 = 64;
    let rounds = if cfg!(miri) { 30 } else { 20_000 };
    for (policy, shards) in POLICIES
        .into_iter()
        .flat_map(|policy| [(policy, 1), (policy, 4)])
    {
        let cache = divided(CAPACITY as usize, &[(1, 0.5), (2, 0.25)])
            .policy(policy)
            .shards(shards)
            .build()
            .unwrap();
        fill(&cache, 1, CAPACITY / 2);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..3)
                .map(|writer| {
                    let cache = &cache;
                    scope.spawn(move || {
                        for number in 0..rounds {
                            // Two tenants that pass what is left to and fro, and leave.
                            let key = (2 + (writer + number / 50) as u32 % 2, number % 1_000);
                            cache.insert(key, writer);
                            if number % 7 == 0 {
                                cache.remove(&key);
                            }
                        }
                    })
                })
                .collect();
            let (cache, is_over) = (&cache, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(cache.tenant_len(1), CAPACITY as usize / 2);
                    thread::yield_now();
                }
            });
            writers
                .into_iter()
                .for_each(|writer| writer.join().unwrap());
            is_over.store(true, Ordering::Relaxed);
        });
        assert!(
            (0..CAPACITY / 2).all(|number| cache.get(&(1, number)).is_some()),
            "{policy:?}"
        );
        let counted = [1, 2, 3].map(|tenant| cache.tenant_len(tenant));
        assert_eq!(counted.iter().sum::<usize>(), cache.len());
        let entries = cache.entries();
        let of = |tenant| {
            entries
                .iter()
                .filter(|((owner, _), _)| *owner == tenant)
                .count()
        };
        assert_eq!(counted, [1, 2, 3].map(of));
    }
}

#[test]
fn two_who_take_from_one_do_not_take_too_much_together() {
    const SHARE: u64 = 8;
    let rounds = if cfg!(miri) { 3 } else { 1_000 };
    for policy in POLICIES {
        let cache = divided(2 * SHARE as usize, &[(1, 0.5), (2, 0.5)])
            .policy(policy)
            .shards(4)
            .build()
            .unwrap();
        for _ in 0..rounds {
            cache.clear();
            fill(&cache, 1, 2 * SHARE);
            assert_eq!(held(&cache)[..2], [2 * SHARE as usize, 0]);
            thread::scope(|scope| {
                for writer in 0..3 {
                    let cache = &cache;
                    scope.spawn(move || {
                        for number in 0..SHARE {
                            cache.insert((2, 100 * writer + number), 0);
                            assert!(cache.tenant_len(1) as u64 >= SHARE);
                        }
                    });
                }
            });
            assert_eq!(held(&cache)[..2], [SHARE as usize; 2], "{policy:?}");
        }
    }
}

#[test]
fn who_writes_himself_keeps_his_share_but_for_what_is_on_its_way() {
    const CAPACITY: u64 = 64;
    let rounds = if cfg!(miri) { 30 } else { 20_000 };
    for policy in POLICIES {
        let cache = divided(CAPACITY as usize, &[(1, 0.5), (2, 0.5)])
            .policy(policy)
            .shards(2)
            .build()
            .unwrap();
        fill(&cache, 1, CAPACITY / 2);
        fill(&cache, 2, CAPACITY / 2);
        thread::scope(|scope| {
            for tenant in [1, 2, 2] {
                let cache = &cache;
                scope.spawn(move || {
                    for number in 0..rounds {
                        cache.insert((tenant, number), 0);
                        assert!(cache.tenant_len(tenant) as u64 >= CAPACITY / 2 - 2);
                    }
                });
            }
        });
        assert_eq!(held(&cache)[..2], [CAPACITY as usize / 2; 2]);
    }
}

/// Keys that are equal whatever their tenants: the function of such a cache contradicts itself.
#[derive(Clone, Debug)]
struct Fickle(u32, u32);

impl PartialEq for Fickle {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}

impl Eq for Fickle {}

impl Hash for Fickle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.1.hash(state);
    }
}

#[test]
fn a_key_that_changes_hands_is_counted_once() {
    for policy in POLICIES {
        let cache = Cache::<Fickle, u32>::builder(4)
            .policy(policy)
            .tenants(|key: &Fickle| key.0, [(1, 0.5), (2, 0.25)])
            .build()
            .unwrap();
        for (tenant, value) in [(1, 1), (2, 2), (1, 3), (3, 4)] {
            cache.insert(Fickle(tenant, 7), value);
            assert_eq!(cache.get(&Fickle(0, 7)), Some(value));
            let counts = [1, 2, 3].map(|tenant| cache.tenant_len(tenant));
            assert_eq!((counts[tenant as usize - 1], counts.iter().sum()), (1, 1));
        }
        assert_eq!(cache.remove(&Fickle(0, 7)), Some(4));
        assert_eq!([1, 2, 3].map(|tenant| cache.tenant_len(tenant)), [0; 3]);
    }
}
