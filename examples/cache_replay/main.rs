//! How many entries a cache needs for a given log of requests: the log is replayed through the real cache at many
//! capacities.
//!
//! ```text
//! $ cargo run --release --example cache_replay -- trace.u32.gz
//! ```
//!
//! See `examples/README.md`, or `cargo run --release --example cache_replay -- --help`.

mod args;
mod failure;
mod optimum;
mod progress;
mod reader;
mod replay;
mod report;
#[cfg(test)]
mod tests;
mod trace;

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::Report;
use crate::trace::BadLines;

/// How many bad lines are shown; more are in the JSON file.
const BAD_LINES_SHOWN: usize = 5;

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: the figures to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    // Nobody is left to tell when a message cannot be written; the exit code still tells.
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(usage) => {
            let text = usage.render();
            let _ = if usage.use_stderr() {
                write!(err, "{text}")
            } else {
                write!(out, "{text}")
            };
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    match measure(&args, err).and_then(|report| publish(&args, &report, out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(err, "cache_replay: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the log and replays it.
fn measure(args: &Args, err: &mut impl Write) -> Result<Report, Failure> {
    // A missing folder for --json is better known now than after a minute.
    for file in [&args.json, &args.svg].into_iter().flatten() {
        create(file)?;
    }
    let reading = Progress::reading();
    let trace = reader::read(args, &reading);
    reading.finish();
    let trace = trace?;
    let _ = tell_bad_lines(&trace.bad, err);
    let outcome = replay::replay(args, &trace)?;
    Ok(Report::new(args, trace, &outcome))
}

/// The table to `out`, and the files that were asked for.
fn publish(args: &Args, report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    // The files come first: they are kept when the reader of the table has gone away.
    if let Some(file) = &args.json {
        write(file, &report::json::render(report))?;
    }
    if let Some(file) = &args.svg {
        write(file, &report::chart::render(report))?;
    }
    match out.write_all(report::table::render(report).as_bytes()) {
        // As of `| head`, which has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::Write {
            file: PathBuf::from("standard output"),
            error,
        }),
    }
}

fn tell_bad_lines(bad: &BadLines, err: &mut impl Write) -> io::Result<()> {
    for line in bad.first.iter().take(BAD_LINES_SHOWN) {
        writeln!(err, "bad {line}")?;
    }
    if let Some(more @ 1..) = bad.count.checked_sub(BAD_LINES_SHOWN as u64) {
        writeln!(err, "and {more} more bad lines")?;
    }
    Ok(())
}

fn create(file: &Path) -> Result<File, Failure> {
    File::create(file).map_err(|error| Failure::Write {
        file: file.to_owned(),
        error,
    })
}

fn write(file: &Path, content: &str) -> Result<(), Failure> {
    create(file)?
        .write_all(content.as_bytes())
        .map_err(|error| Failure::Write {
            file: file.to_owned(),
            error,
        })
}
