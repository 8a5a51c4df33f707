//! The nightly job: ten million customers are validated, scored and written, and a kill costs a second of it.
//!
//! ```text
//! $ cargo run --release --example batch_customers -- --output scored.csv --kill-after 4000000
//! Aborted
//! $ cargo run --release --example batch_customers -- --output scored.csv --resume
//! generated customers, seed 1, 1.02 GB
//! -> scored.csv
//!    scored.rejects.csv
//!
//! read         6,269,840
//! written      6,025,244
//! filtered       154,738  never ordered
//! rejected        89,858
//!                 11,220  country is no ISO 3166 code
//!                 11,405  email is no address
//!                 10,900  last_order is in the future
//!                 11,070  last_order is no date
//!                  1,725  no orders, but an amount or a date
//!                 10,774  orders is no number
//!                 11,029  spent is no amount
//!                 21,735  wrong number of fields
//! gone on from record 3,730,160, of which 3,585,377 were written, 91,921 filtered and 52,862 rejected before
//!
//! 17.21 s: source 2.00 s, work 20.90 s over all threads, sink 4.32 s
//! 364,310 records/s, 37 MB/s
//! threads were busy for 79 %, 79 %
//! at most 11.49 MiB, 16,384 rows at a time in memory
//! ```
//!
//! How to read it:
//!
//! - **read = written + filtered + rejected.** All counts, times and rates are those of this run; what the runs before have done
//!   stands in a line of its own, and both together are the file.
//! - **gone on from record.** The killed run had settled four million, and its last checkpoint is a second older.
//! - **source, work, sink.** Where one of source and sink is near the time of the run, it is the bottleneck, and more threads will not
//!   help; otherwise the work is. The run above shared its two processors with other programs, and each time includes that.
//! - **busy.** The share of the run in which each thread worked on it.
//! - **memory** does not grow with the file.
//!
//! The order of events is here. `job` has the job, `customer` and `score` what is done with a row, `sink` the two files, and
//! `generator` the input of who has none. See also `examples/README.md`, or
//! `cargo run --release --example batch_customers -- --help`.

mod args;
#[path = "../support/command.rs"]
mod command;
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
    command::run("batch_customers", arguments, out, err, |args, out, _| {
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
