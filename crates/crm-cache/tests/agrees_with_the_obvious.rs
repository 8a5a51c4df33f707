//! Random operations: the cache answers as the obvious one does, and its invariants hold after each.
//!
//! `CRM_CACHE_DEEP_OPERATIONS` makes the last test do at least so many operations; without it a test does some thousand.
//! `CRM_CACHE_DEEP_SEED` makes it begin with the plan of this seed.

mod support;

use std::env;

use crm_cache::{Cache, Policy};
use proptest::prelude::*;
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

/// The next of a row of numbers that look random: `SplitMix64` (Steele, Lea and Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn plan_of(seed: u64) -> Plan {
    let mut state = seed;
    // Some long ones: what a cache has learned shows late.
    let operations = match next(&mut state) % 16 {
        0 => 5_000,
        1..4 => 1_000,
        _ => 200,
    };
    let bytes = CONFIGURATION_BYTES + OPERATION_BYTES * operations;
    let bytes: Vec<u8> = (0..bytes.div_ceil(8))
        .flat_map(|_| next(&mut state).to_le_bytes())
        .collect();
    Plan::decode(&bytes)
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is {text:?}: give it a whole number")))
}

/// Says on a failure how to see it again.
struct Seed(u64);

impl Drop for Seed {
    #[expect(
        clippy::print_stderr,
        reason = "the panic is on its way, and knows no seed"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("begin with it by CRM_CACHE_DEEP_SEED={}", self.0);
        }
    }
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
