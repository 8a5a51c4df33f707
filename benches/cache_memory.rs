//! What does a cache keep in memory beside the keys and the values?
//!
//! Three times as many distinct `u64 -> u64` as fit are inserted, so that what a cache remembers of evicted entries is there
//! too. A counting allocator then says how many bytes are held, and look-ups of all keys say how many entries: the table
//! has the bytes an entry beyond its sixteen, and the bytes that the empty cache held for each entry of its capacity. The
//! counter sees what was asked of the allocator, whether it was ever touched or not, and not what the allocator adds.

use std::alloc::System;
use std::io::{self, Write};

use clap::Parser;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

mod peers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
}

use peers::{CrmCache, CrmLru, LruMutex, Moka, Peer, QuickCache};
use support::arguments::Common;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Debug, Parser)]
struct Arguments {
    /// The capacities, in entries.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    capacities: Vec<usize>,
    #[command(flatten)]
    common: Common,
}

/// Bytes that were asked for and not given back.
fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn row<C: Peer<u64>>(out: &mut impl Write, capacity: usize) -> io::Result<()> {
    let before = held();
    let cache = C::with_capacity(capacity);
    let empty = held() - before;
    let keys = 0..3 * capacity as u64;
    for key in keys.clone() {
        cache.insert(key, key);
    }
    cache.settle();
    let full = held() - before;
    let mut entries = 0_usize;
    for key in keys {
        if let Some(value) = cache.get(key) {
            assert_eq!(value, key, "{} serves another key's value", C::NAME);
            entries += 1;
        }
    }
    assert!(entries <= capacity, "{} holds too much", C::NAME);
    let pair = size_of::<(u64, u64)>() as f64;
    writeln!(
        out,
        "| {capacity} | {} | {entries} | {:.1} | {:.1} |",
        C::NAME,
        full as f64 / entries as f64 - pair,
        empty as f64 / capacity as f64,
    )
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let capacities = if arguments.common.is_test() {
        vec![1_000]
    } else {
        arguments.capacities
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| capacity | cache | entries held | bytes an entry beyond key and value | bytes an entry when empty |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    for capacity in capacities {
        row::<CrmCache<u64>>(&mut out, capacity)?;
        row::<CrmLru<u64>>(&mut out, capacity)?;
        row::<QuickCache<u64>>(&mut out, capacity)?;
        row::<Moka<u64>>(&mut out, capacity)?;
        row::<LruMutex<u64>>(&mut out, capacity)?;
    }
    Ok(())
}
