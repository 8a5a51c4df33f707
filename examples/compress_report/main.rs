//! What compression would save on your own bodies: each coding and level is measured on them, and one is chosen.
//!
//! ```text
//! $ cargo run --release --example compress_report -- responses/
//! ```
//!
//! `args` and `units` know the command line, `bodies` the files, `setting` the codings, `measure` the clock, `advice` the
//! choice, and `report` the table, the words and the picture. See also `examples/README.md`, or
//! `cargo run --release --example compress_report -- --help`.

mod advice;
mod args;
mod bodies;
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
    program::run("compress_report", arguments, out, err, |args, out, err| {
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
    let outcomes = measure(&bodies.list, &settings, plan, &Clock::system())?;
    Ok(Report::new(args, bodies, &settings, &outcomes))
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
