//! Random operations on a loading cache: every answer, and the statistics, are those of the obvious one.
//!
//! `CRM_CACHE_DEEP_OPERATIONS` makes the last test do at least so many operations; without it it does some thousand.
//! `CRM_CACHE_DEEP_SEED` makes it begin with the plan of this seed.

#[path = "support/dice.rs"]
mod dice;
mod loading_model;
#[path = "support/seeds.rs"]
mod seeds;

use dice::{Dice, number};
use loading_model::interpreter::run;
use loading_model::plan::{CONFIGURATION_BYTES, OPERATION_BYTES, Plan};
use proptest::prelude::*;
use seeds::{Seed, bytes};

/// Fewer under the interpreter of miri, which is some hundred times slower.
const OPERATIONS: usize = if cfg!(miri) { 15 } else { 300 };

proptest! {
    #[test]
    fn every_answer_is_that_of_the_obvious_one(
        configuration in any::<[u8; CONFIGURATION_BYTES]>(),
        operations in prop::collection::vec(any::<[u8; OPERATION_BYTES]>(), 1..OPERATIONS),
    ) {
        run(&Plan::decode(&[&configuration[..], operations.as_flattened()].concat()));
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
        let operations = if cfg!(miri) { 40 } else { 400 };
        let length = CONFIGURATION_BYTES + OPERATION_BYTES * operations;
        let bytes = bytes(&mut Dice(seed.0), length);
        done += run(&Plan::decode(&bytes)) as u64;
        plans += 1;
    }
    println!("{done} operations in {plans} plans agree with the obvious loading cache");
}
