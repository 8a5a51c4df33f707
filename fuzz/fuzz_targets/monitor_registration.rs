//! Bytes as names of families, and as values of labels that are counted and taken out: what is registered is what the rules
//! allow, and a family holds what the obvious table does.
//!
//! Each line is one of them. Its first byte says what it is for; two values are parted by a comma.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-monitor/tests/support/names.rs"]
mod names;
#[path = "../../crates/crm-monitor/tests/support/table.rs"]
mod table;

use table::Operation;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let limit = lines.next().map_or(0, |first| first.len() % 16);
    let (mut written, mut operations) = (Vec::new(), Vec::new());
    for line in lines {
        let Some((&first, rest)) = line.split_first() else {
            continue;
        };
        let text = String::from_utf8_lossy(rest);
        let values = || {
            let (one, other) = text.split_once(',').unwrap_or((&text, ""));
            [one.to_owned(), other.to_owned()]
        };
        match first {
            b'+' => operations.push(Operation::Count(values())),
            b'-' => operations.push(Operation::Remove(values())),
            kind => written.push((text.into_owned(), kind)),
        }
    }
    names::register(&written);
    table::compare(&operations, limit);
});
