//! Bytes as the lines of Accept-Encoding: what is negotiated is what the obvious implementation says.
//!
//! Lines end with a line feed, which no header can hold.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-compress/tests/support/negotiation.rs"]
mod negotiation;

fuzz_target!(|bytes: &[u8]| {
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    negotiation::compare(Some(&lines));
});
