//! How many entries a cache needs for a given log of requests: the log is replayed through the real cache at many
//! capacities.
//!
//! ```text
//! $ cargo run --release --example cache_replay -- oltp.u32.gz --capacity 1000,10000,50000,100000
//! oltp.u32.gz: 914,145 requests, 186,880 distinct keys
//! best hit ratio, with room for all keys: 79.56 %
//!
//!   capacity   of keys   adaptive       lru   exact LRU   optimum
//!  ───────────────────────────────────────────────────────────────
//!      1,000     0.5 %    42.44 %   32.73 %     32.83 %   53.62 %
//!     10,000     5.4 %    63.67 %   60.72 %     60.70 %   73.02 %
//!     50,000    26.8 %    73.69 %   73.65 %     73.65 %   79.56 %
//!    100,000    53.5 %    78.13 %   78.35 %     78.35 %   79.56 %
//!
//! adaptive  100,000 entries reach 95 % of the best hit ratio (78.13 % of 79.56 %); 50,000 do not.
//! lru       100,000 entries reach 95 % of the best hit ratio (78.35 % of 79.56 %); 50,000 do not.
//! ```
//!
//! How to read it:
//!
//! - **Best hit ratio.** The first request of a key is always a miss. No capacity does better than this; where it is
//!   low, keys seldom come twice, or the log is too short to tell.
//! - **adaptive, lru.** What the cache did with this log, under either policy. The adaptive policy draws samples, and
//!   keys are hashed with a new seed in each run, so that the last digits differ from run to run.
//! - **exact LRU.** One shard keeps one order over the whole cache. The difference to `lru` is what shards cost.
//! - **optimum.** What a cache could do that knows the future. Far above `adaptive`, a better policy might exist; close
//!   to it, only more capacity helps.
//! - **The last lines.** The smallest capacity tried that is enough, and the largest below it, which is not. What lies
//!   between can be tried with another `--capacity`.
//!
//! A replay knows neither time nor threads: an entry does not expire, and requests come one after the other. A cache
//! with a time to live has fewer hits.
//!
//! The order of events is here. `reader` knows the log, `trace` the requests, `replay` the cache, `optimum` the bound,
//! and `report` the table, the JSON and the picture. See also `examples/README.md`, or
//! `cargo run --release --example cache_replay -- --help`.

mod args;
#[path = "../support/bad_lines.rs"]
mod bad_lines;
#[path = "../support/command.rs"]
mod command;
mod failure;
#[path = "../support/label.rs"]
mod label;
#[path = "../support/log_lines.rs"]
mod log_lines;
mod optimum;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/program.rs"]
mod program;
mod progress;
mod reader;
mod replay;
mod report;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;
mod trace;
#[path = "../support/unpacked.rs"]
mod unpacked;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::Args;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::Report;

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: the figures to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    command::run("cache_replay", arguments, out, err, |args, out, err| {
        publish(args, &measure(args, err)?, out)
    })
}

/// Reads the log and replays it.
fn measure(args: &Args, err: &mut impl Write) -> Result<Report, Failure> {
    program::writable([&args.json, &args.svg].into_iter().flatten())?;
    let reading = Progress::reading();
    let trace = reader::read(args, &reading);
    reading.finish();
    let trace = trace?;
    let _ = trace.bad.tell(err);
    let outcome = replay::replay(args, &trace)?;
    Ok(Report::new(args, trace, &outcome))
}

/// The table to `out`, and the files that were asked for.
fn publish(args: &Args, report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    program::publish(
        [
            (&args.json, &|| program::json(report)),
            (&args.svg, &|| report::chart::render(report)),
        ],
        &report::table::render(report),
        out,
    )?;
    Ok(())
}
