//! What compression would save on your own bodies: each coding and level is measured on them, and one is chosen.
//!
//! ```text
//! $ cargo run --release --example compress_report -- crm_*.json crm_*.csv --coding gzip,br,zstd
//! all 9 bodies: 650,855 bytes, 521 ms as they are on a line of 10 Mbit/s
//! each time is the median of at least 8 in 10 s; all came back as they were
//!
//!   setting             bytes    of all    ratio    encode   MB/s   on line   sooner
//!  ──────────────────────────────────────────────────────────────────────────────────
//!   as it is          650,855   100.0 %      1 x                     521 ms      1 x
//!   gzip fastest *     92,024    14.1 %   7.07 x   1.96 ms    331   75.6 ms   6.89 x
//!   gzip balanced *    89,509    13.8 %   7.27 x   2.62 ms    249   74.2 ms   7.02 x
//!   ...
//!   br smallest        72,803    11.2 %   8.94 x   18.6 ms   35.1   76.8 ms   6.78 x
//!   zstd fastest *     80,969    12.4 %   8.04 x    895 µs    727   65.7 ms   7.93 x
//!   zstd balanced *    78,211    12.0 %   8.32 x   1.83 ms    355   64.4 ms   8.09 x
//!   zstd smallest *    72,958    11.2 %   8.92 x   21.6 ms   30.1     80 ms   6.51 x
//!  * a body that does not become smaller is sent as it is
//!
//!   body                             bytes    soonest with    bytes    ratio    encode   MB/s   on line   as it is
//!  ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
//!   crm_order_list_830.json        373,575   zstd balanced   24,808   15.1 x    652 µs    573   20.5 ms     299 ms
//!   ...
//!
//! made once   zstd balanced: 64.4 ms instead of 521 ms, 8.09 x as soon; 1.83 ms of it is encoding, the rest are 78,211 bytes on 10 Mbit/s.
//!             One processor keeps 34 such lines busy. On a line above 2.5 Gbit/s, the bodies as they are would come sooner.
//! gzip only   A client that takes nothing else gets gzip balanced: 74.2 ms, 89,509 bytes, 14.4 % more than with zstd balanced.
//! sent often  Made once and sent 1,000 times: br smallest, 72,803 bytes, 6.9 % fewer than with zstd balanced; its 18.6 ms of encoding are paid back after 4 sends.
//! as it is    crm_account_one.json (361), crm_error.json (77): the default policy leaves it: so short a body goes in the same packet either way; `minimum_length` changes that.
//! ```
//!
//! How to read it:
//!
//! - **on line.** The time of encoding all of a body and of sending what came of it; **sooner** is against the body as it is.
//!   Bodies are added up as if they were sent one after the other.
//! - **A star.** Some body did not become smaller. It is counted as it is, with the time that was spent on finding out.
//! - **The second table.** Each body with the setting that brings it soonest. Up to three bodies have a table of their own
//!   instead, and with `--each` all have.
//! - **made once.** For what is encoded for each response. Where two settings are as soon within 1 %, the one with less work
//!   is chosen: the processor serves others meanwhile. How many lines it keeps busy says whether it will be the bottleneck.
//! - **sent often.** For what is encoded once and kept. Bytes alone decide, or nearly so.
//!
//! `args` and `units` know the command line, `bodies` the files, `setting` the codings, `measure` the clock, `advice` the
//! choice, `dictionary` what one would bring, and `report` the table, the words and the picture. See also `examples/README.md`, or
//! `cargo run --release --example compress_report -- --help`.

mod advice;
mod args;
mod bodies;
#[path = "../support/command.rs"]
mod command;
mod dictionary;
mod failure;
#[path = "../support/label.rs"]
mod label;
mod measure;
#[path = "../support/page.rs"]
mod page;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the axes of this picture do not begin at zero")
)]
#[path = "../support/plot.rs"]
mod plot;
#[path = "../support/program.rs"]
mod program;
mod progress;
mod report;
mod setting;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;
mod units;

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use crm_perf::clock::Clock;

use crate::args::Args;
use crate::bodies::Bodies;
use crate::failure::Failure;
use crate::measure::{Plan, measure};
use crate::report::Report;
use crate::setting::Setting;

fn main() -> ExitCode {
    run(
        env::args_os(),
        &mut io::stdin(),
        &mut io::stdout(),
        &mut io::stderr(),
    )
}

/// The program, with its command line, what `-` stands for, and the places where it writes: the figures to `out`, messages to
/// `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    input: &mut dyn Read,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    command::run("compress_report", arguments, out, err, |args, out, err| {
        publish(args, &figures(args, input, err)?, out)
    })
}

/// Reads the bodies and measures them.
fn figures(args: &Args, input: &mut dyn Read, err: &mut impl Write) -> Result<Report, Failure> {
    program::writable([&args.json, &args.svg].into_iter().flatten())?;
    let settings = Setting::asked(args)?;
    let bodies = Bodies::read(args, input)?;
    // Nobody is left to tell when a message cannot be written.
    let _ = bodies.tell(err);
    let plan = Plan {
        seconds: args.seconds,
        decompress: args.decompress,
    };
    let clock = Clock::system();
    let outcomes = measure(&bodies.list, &settings, plan, &clock)?;
    let gain = dictionary::try_out(&bodies.list, &clock)?;
    Ok(Report {
        dictionary: gain,
        ..Report::new(args, bodies, &settings, &outcomes)
    })
}

/// The table to `out`, and the files that were asked for.
fn publish(args: &Args, report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    program::publish(
        [
            (&args.json, &|| program::json(report)),
            (&args.svg, &|| report::chart::render(report)),
        ],
        &report::table::render(report, args.each),
        out,
    )?;
    Ok(())
}
