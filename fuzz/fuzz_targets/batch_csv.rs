//! Bytes as a CSV file, read in blocks: the records, their places and the end must be those of the `csv` crate.
//!
//! The first bytes say how the file is written and how it is read. What is compared is what the property tests compare.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/crm-batch/tests/support/files.rs"]
mod files;
#[path = "../../crates/crm-batch/tests/support/tables.rs"]
mod tables;

use files::Asked;
use tables::{Way, agree};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[way, rows, block, split, drop], file)) = bytes.split_first_chunk() else {
        return;
    };
    let way = Way {
        delimiter: [b',', b';'][usize::from(way & 1)],
        quote: [Some(b'"'), Some(b'"'), Some(b'\''), None][usize::from(way >> 1 & 3)],
        header: way & 8 > 0,
    };
    let asked = Asked {
        rows: 1 + usize::from(rows),
        bytes: 1 + usize::from(block) * 4,
        split: (split < 128).then_some(1 + usize::from(split)),
    };
    agree(way, file, asked, 1 + usize::from(drop) * 8);
});
