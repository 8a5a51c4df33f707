//! What does a response take from the allocator, by a layer and by an engine?
//!
//! Each row has answered before, so that what is kept is there; then a thousand responses are counted. The counter sees what
//! Rust asks for and what it asks to be grown: libdeflate and zstd are C and take their states elsewhere, once. The row "no
//! layer" is what asking takes: the request's and the response's header maps.

use std::alloc::System;
use std::hint::black_box;
use std::io::{self, Write};

use clap::Parser;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

mod engines;
mod layers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod decoded;
    pub(crate) mod now;
    pub(crate) mod responses;
    pub(crate) mod verdicts;
}

use engines::{OURS, engines};
use layers::{Page, ROWS, coding};
use support::arguments::Common;
use support::responses::{Response, responses};
use support::verdicts::Verdicts;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Debug, Parser)]
struct Arguments {
    /// Only bodies with this in their name.
    #[arg(long, default_value = "")]
    body: String,
    #[command(flatten)]
    common: Common,
}

/// What one response takes, the mean of many.
#[derive(Clone, Copy, Debug)]
struct Taken {
    allocations: f64,
    reallocations: f64,
    bytes: f64,
}

/// Counts `work`, which has been done before.
fn counted(repeats: usize, mut work: impl FnMut()) -> Taken {
    let before = ALLOCATOR.stats();
    for _ in 0..repeats {
        work();
    }
    let after = ALLOCATOR.stats();
    let each = |count: usize| count as f64 / repeats as f64;
    Taken {
        allocations: each(after.allocations - before.allocations),
        reallocations: each(after.reallocations - before.reallocations),
        bytes: each(after.bytes_allocated - before.bytes_allocated),
    }
}

fn write(out: &mut impl Write, row: &str, sent: usize, taken: Taken) -> io::Result<()> {
    let Taken {
        allocations,
        reallocations,
        bytes,
    } = taken;
    writeln!(
        out,
        "| {row} | {sent} | {allocations:.2} | {reallocations:.2} | {bytes:.0} |"
    )
}

fn measure(
    response: &Response,
    repeats: usize,
    verdicts: &mut Verdicts,
    out: &mut impl Write,
) -> io::Result<()> {
    let Response {
        name,
        media_type,
        bytes,
    } = response;
    writeln!(
        out,
        "\n## {name}, {} bytes\n\n\
         | | bytes sent | allocations | grown | bytes asked for |\n\
         |---|---:|---:|---:|---:|",
        bytes.len()
    )?;
    for row in ROWS {
        let mut asked = (row.make)(Page::new(media_type, bytes));
        let (headers, sent) = asked.whole();
        assert_eq!(coding(&headers), row.coding, "{name}: {}", row.name);
        let taken = counted(repeats, || {
            black_box(asked.ask());
        });
        write(out, row.name, sent.len(), taken)?;
    }
    for mut engine in engines(&[1, 5]) {
        let mut output = Vec::new();
        let mut encode = || {
            output.clear();
            (engine.encode)(black_box(bytes), &mut output);
        };
        encode();
        let taken = counted(repeats, encode);
        let back = engine.format.decoded(&output, bytes.len());
        assert!(back == *bytes, "{name}: {} does not come back", engine.name);
        let row = format!(
            "{} {}, into a vector that is kept",
            engine.name, engine.level
        );
        write(out, &row, output.len(), taken)?;
        if engine.name == OURS {
            verdicts.judge(
                format!("{name}: {row}"),
                ..=0.0,
                taken.allocations + taken.reallocations,
            );
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let repeats = if arguments.common.is_test() { 1 } else { 1_000 };
    let mut out = io::stdout().lock();
    writeln!(out, "the mean of {repeats} responses")?;
    let mut verdicts = Verdicts::default();
    for response in responses() {
        if response.name.contains(&arguments.body) {
            measure(&response, repeats, &mut verdicts, &mut out)?;
        }
    }
    verdicts.write(&mut out, arguments.common.is_test())
}
