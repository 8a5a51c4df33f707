//! What do tags cost?
//!
//! `invalidate`: one call that invalidates a tag of a full cache, by the system's clock; `clock` is the same around nothing.
//! Beside it stands what does the same work without tags: `retain`, and what moka calls `invalidate_entries_if`, which only
//! notes the condition, and then looks at each entry when it settles. `memory`: bytes by a counting allocator. `get`:
//! reading entries with tags and without, next to a cache that was built without.
//!
//! Reads are measured in turn, in rounds (`--rounds`). A time is the median over the rounds; a difference is the median,
//! with its quartiles, of the difference within a round. Rows that end in `again` measure the row before a second time, and
//! `a second one` measures another cache of the same kind: what they differ by is noise.

use std::alloc::System;
use std::io::{self, Write};

use clap::{Parser, ValueEnum};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod rounds;
    pub(crate) mod together;
    pub(crate) mod zipf;
}

mod tags {
    //! The questions, one a file.
    pub(crate) mod get;
    pub(crate) mod invalidate;
    pub(crate) mod memory;
}

use crm_cache::{Cache, Tag};
use support::arguments::Common;
use tags::{get, invalidate, memory};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many entries share a tag.
const SHARING: u64 = 10;

#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Invalidate, Part::Memory, Part::Get])]
    parts: Vec<Part>,
    /// The numbers of threads for reads.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    Invalidate,
    Memory,
    Get,
}

/// How much is done of it.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    /// Entries, tags and requests are divided by this.
    pub(crate) smaller: usize,
    pub(crate) rounds: usize,
}

/// Bytes that were asked for and not given back.
pub(crate) fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// A cache each of whose entries has this many tags: the accounts of the entry, a tenth as many as there are entries.
pub(crate) fn tagged(capacity: usize, tags: u64, entries: u64) -> Cache<u64, u64> {
    let accounts = (entries / SHARING).max(1);
    let cache = Cache::builder(capacity).tags(move |key: &u64, _, collector| {
        // Different ones for each kind, in no order of the keys.
        let account = |kind| (key / SHARING + 7_919 * kind) % accounts;
        collector.extend((0..tags).map(|kind| Tag::new("account", account(kind))));
    });
    cache.build().expect("a benchmark's capacity is positive")
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let scale = if arguments.common.is_test() {
        Scale {
            smaller: 100,
            rounds: 1,
        }
    } else {
        Scale {
            smaller: 1,
            rounds: arguments.rounds.max(1),
        }
    };
    let mut out = io::stdout().lock();
    for part in arguments.parts {
        match part {
            Part::Invalidate => invalidate::measure(&mut out, scale)?,
            Part::Memory => memory::measure(&mut out, scale)?,
            Part::Get => get::measure(&mut out, scale, &arguments.threads)?,
        }
        writeln!(out)?;
    }
    Ok(())
}
