//! Bytes as the tags of a service and a request that names some of them: each condition means what it meant when the tag
//! was given. Then the same bytes as lines of headers, which nobody wrote by any grammar.
//!
//! The plan is decoded and carried out by the obvious service of the property tests.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-compress/tests/support/tags.rs"]
mod tags;

use tags::{Plan, any_line};

fuzz_target!(|bytes: &[u8]| {
    Plan::decode(bytes).run();
    any_line(bytes);
});
