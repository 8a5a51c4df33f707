//! Random operations: the cache answers as the obvious one does, and its invariants hold after each.
//!
//! `CRM_CACHE_DEEP_OPERATIONS` makes the last test do at least so many operations; without it a test does some thousand.
//! `CRM_CACHE_DEEP_SEED` makes it begin with the plan of this seed.

#[path = "support/dice.rs"]
mod dice;
#[path = "support/seeds.rs"]
mod seeds;
mod support;

use crm_cache::{Cache, Policy};
use dice::{Dice, number};
use proptest::prelude::*;
use seeds::{Seed, bytes};
use support::interpreter::run;
use support::plan::{CONFIGURATION_BYTES, OPERATION_BYTES, Operation, Plan};

/// Fewer under the interpreter of miri, which is some hundred times slower.
const OPERATIONS: usize = if cfg!(miri) { 15 } else { 400 };

/// Plans by their bytes: a failure shrinks to fewer operations and smaller numbers.
fn plans() -> impl Strategy<Value = Plan> {
    let operation = any::<[u8; OPERATION_BYTES]>();
    (
        any::<[u8; CONFIGURATION_BYTES]>(),
        prop::collection::vec(operation, 1..OPERATIONS),
    )
        .prop_map(|(configuration, operations)| {
            Plan::decode(&[&configuration[..], operations.as_flattened()].concat())
        })
}

proptest! {
    #[test]
    fn one_shard_is_an_exact_lru(mut plan in plans()) {
        plan.configuration.policy = Policy::Lru;
        plan.configuration.shards = 1;
        run(&plan);
    }

    #[test]
    fn any_policy_serves_what_was_written_and_evicts_only_when_full(plan in plans()) {
        run(&plan);
    }

    #[test]
    fn a_changed_capacity_holds_at_once(mut plan in plans(), capacities in prop::collection::vec(0..50_usize, 1..20)) {
        for (index, capacity) in capacities.into_iter().enumerate() {
            let at = (index * 17) % plan.operations.len();
            plan.operations[at] = Operation::SetCapacity(capacity);
        }
        run(&plan);
    }
}

fn plan_of(seed: u64) -> Plan {
    let mut dice = Dice(seed);
    // Some long ones: what a cache has learned shows late.
    let operations = match dice.next() % 16 {
        0 => 5_000,
        1..4 => 1_000,
        _ => 200,
    };
    let length = CONFIGURATION_BYTES + OPERATION_BYTES * operations;
    let bytes = bytes(&mut dice, length);
    Plan::decode(&bytes)
}

#[test]
#[expect(clippy::print_stdout, reason = "the long run says how long it was")]
fn as_many_operations_as_asked_for() {
    let usual = if cfg!(miri) { 40 } else { 100_000 };
    let wanted = number("CRM_CACHE_DEEP_OPERATIONS").unwrap_or(usual);
    let first = number("CRM_CACHE_DEEP_SEED").unwrap_or(1);
    let (mut done, mut plans) = (0, 0);
    while done < wanted {
        let seed = Seed(first + plans);
        let mut plan = plan_of(seed.0);
        if cfg!(miri) {
            plan.operations.truncate(wanted as usize);
        }
        done += run(&plan) as u64;
        plans += 1;
    }
    println!("{done} operations in {plans} plans agree with the obvious cache");
}

#[test]
fn the_whole_capacity_is_usable_whatever_the_shards() {
    for shards in [1, 2, 3, 7, 10] {
        for policy in [Policy::Adaptive, Policy::Lru] {
            let cache: Cache<u32, u32> = Cache::builder(10)
                .policy(policy)
                .shards(shards)
                .build()
                .unwrap();
            let keys = if cfg!(miri) { 60 } else { 1_000 };
            (0..keys).for_each(|key| assert_eq!(cache.insert(key, key), None));
            assert_eq!(cache.len(), 10, "{shards} shards, {policy:?}");
        }
        let cache: Cache<u32, u32> = Cache::builder(10).shards(shards).build().unwrap();
        (0..10).for_each(|key| assert_eq!(cache.insert(key, key), None));
        assert!(
            (0..10).all(|key| cache.get(&key) == Some(key)),
            "evicted before it was full, {shards} shards"
        );
    }
}
