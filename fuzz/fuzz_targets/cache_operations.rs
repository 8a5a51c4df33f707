//! Bytes as a plan of operations: the cache must agree with the obvious one after each.
//!
//! The plan is decoded and carried out by the interpreter that the cache's property tests use.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-cache/tests/support/mod.rs"]
mod support;

use support::interpreter::run;
use support::plan::Plan;

fuzz_target!(|bytes: &[u8]| {
    run(&Plan::decode(bytes));
});
