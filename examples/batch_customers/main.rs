//! The nightly job: ten million customers are validated, scored and written, and a kill costs a second.
//!
//! ```text
//! TODO
//! ```

mod args;
mod customer;
mod failure;
mod generator;
mod job;
#[path = "../support/memory.rs"]
mod memory;
#[path = "../support/people.rs"]
mod people;
#[path = "../support/program.rs"]
mod program;
mod progress;
mod report;
mod score;
mod sink;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::Args;
use crate::failure::Failure;
use crate::memory::Peak;
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
    program::run("batch_customers", arguments, out, err, |args, out, _| {
        publish(args, &score(args)?, out)
    })
}

/// Scores the customers.
fn score(args: &Args) -> Result<Report, Failure> {
    program::writable(&args.json)?;
    job::check(args)?;
    let input = job::input(args)?;
    let named = (input.name.clone(), input.bytes);
    let peak = Peak::start();
    let outcome = job::run(args, input)?;
    Ok(Report::new(args, named, outcome, peak.bytes()))
}

/// The figures to `out`, and the file that was asked for.
fn publish(args: &Args, report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    program::publish(
        [(&args.json, &|| program::json(report))],
        &report.render(),
        out,
    )?;
    Ok(())
}
