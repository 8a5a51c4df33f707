//! Bytes as a snapshot: refused, or one that keeps all promises of a snapshot and is written as the same bytes again.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-monitor/tests/support/hostile.rs"]
mod hostile;

fuzz_target!(|bytes: &[u8]| {
    hostile::check(bytes);
    // Past the letters, which take a fuzzer long to find.
    hostile::check(&[b"CRMs\x01", bytes].concat());
});
