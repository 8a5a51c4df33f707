//! What a cache, batches and compression are worth on a shop's invoices, measured before and after in one run.
//!
//! See `examples/README.md`, or `cargo run --release --example before_after -- --help`.

mod args;
#[path = "../support/command.rs"]
mod command;
mod customer;
mod database;
mod failure;
mod generator;
mod invoice;
mod legs;
#[path = "../support/memory.rs"]
mod memory;
mod progress;
mod reader;
mod report;
mod tally;
#[cfg(test)]
mod tests;
mod timing;

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crm_perf::clock::Clock;

use crate::args::Args;
use crate::failure::Failure;
use crate::invoice::BadLine;
use crate::legs::{Context, import, load, lookup, responses, scoring};
use crate::progress::Progress;
use crate::report::Report;

/// How many bad lines are shown; the others are in the JSON file.
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
    command::run("before_after", arguments, out, err, |args, out, err| {
        measure(args).and_then(|report| publish(args, &report, out, err))
    })
}

/// Runs all legs on one input.
fn measure(args: &Args) -> Result<Report, Failure> {
    let clock = Clock::system();
    let start = clock.now();
    // A missing folder for --json is better known now than after two minutes.
    for file in [&args.json, &args.html].into_iter().flatten() {
        create(file)?;
    }
    let folder = tempfile::tempdir().map_err(|error| Failure::Write {
        file: std::env::temp_dir(),
        error,
    })?;
    let input = match &args.data {
        Some(file) => file.clone(),
        None => generate(args, folder.path())?,
    };
    // Fails at once on a file that is none of ours.
    reader::Records::open(&input, 0)?;

    let progress = Progress::new(import_steps(args) + 10);
    let context = Context {
        args,
        clock: &clock,
        progress: &progress,
        input: &input,
        folder: folder.path(),
    };
    let (import, database) = import::run(&context)?;
    let look_up = lookup::run(&context, &database)?;
    let scoring = scoring::run(&context, &database)?;
    let responses = responses::run(&context, &database)?;
    let load = load::run(&context, &database)?;
    progress.finish();
    Ok(Report {
        input: report::Input::of(args),
        elapsed_seconds: (clock.now() - start).as_secs_f64(),
        import,
        look_up,
        scoring,
        responses,
        load,
    })
}

fn import_steps(args: &Args) -> u64 {
    4 * args.import_repeats() as u64
}

fn generate(args: &Args, folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join("generated.csv");
    let file = File::create(&path).and_then(|file| {
        let mut file = BufWriter::new(file);
        generator::write(&mut file, args.lines(), args.seed)
    });
    file.map_err(|error| Failure::Write {
        file: path.clone(),
        error,
    })?;
    Ok(path)
}

/// The table to `out`, bad lines to `err`, and the files that were asked for.
fn publish(
    args: &Args,
    report: &Report,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<(), Failure> {
    // The files come first: they are kept when the reader of the table has gone away.
    if let Some(file) = &args.json {
        write(file, &report::json::render(report))?;
    }
    if let Some(file) = &args.html {
        write(file, &report::html::render(report))?;
    }
    let _ = tell_bad_lines(args, &report.import.bad_lines, err);
    match out.write_all(report::table::render(report).as_bytes()) {
        // As of `| head`, which has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::Write {
            file: PathBuf::from("standard output"),
            error,
        }),
    }
}

fn tell_bad_lines(args: &Args, bad: &[BadLine], err: &mut impl Write) -> io::Result<()> {
    for line in bad.iter().take(BAD_LINES_SHOWN) {
        writeln!(err, "bad {line}")?;
    }
    if let Some(more @ 1..) = bad.len().checked_sub(BAD_LINES_SHOWN) {
        let place = match &args.json {
            Some(file) => format!("all are in {}", file.display()),
            None => "--json FILE lists them all".to_owned(),
        };
        writeln!(err, "and {more} more bad lines; {place}")?;
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
