//! Bytes as a plan of operations on a loading cache: it must agree with the obvious one after each.
//!
//! The plan is decoded and carried out by the interpreter that the cache's property tests use.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-cache/tests/loading_model/mod.rs"]
mod loading_model;

use loading_model::interpreter::run;
use loading_model::plan::Plan;

fuzz_target!(|bytes: &[u8]| {
    run(&Plan::decode(bytes));
});
