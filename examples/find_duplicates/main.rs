//! Who is in the file twice.
//!
//! ```text
//! TODO
//! ```

mod args;
mod blocks;
mod clusters;
mod failure;
mod generator;
mod layout;
#[path = "../support/people.rs"]
mod people;
#[path = "../support/program.rs"]
mod program;
mod progress;
mod report;
mod search;
mod similarity;
mod soundex;
mod table;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;
#[path = "../support/unpacked.rs"]
mod unpacked;

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use crate::args::Args;
use crate::blocks::Blocks;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::program::CannotWrite;
use crate::report::Report;
use crate::search::Pair;
use crate::similarity::Measure;
use crate::table::Table;

/// How many rows that were passed over are told.
const BAD_ROWS_SHOWN: usize = 5;

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: the figures to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    program::run("find_duplicates", arguments, out, err, |args, out, err| {
        publish(args, &find(args, err)?, out)
    })
}

/// Reads the records and finds who is there twice.
fn find(args: &Args, err: &mut impl Write) -> Result<Report, Failure> {
    program::writable([&args.json, &args.pairs].into_iter().flatten())?;
    let (name, (table, layout)) = read(args)?;
    let _ = tell(&table, err);
    let blocks = Blocks::of(&table, &layout.passes, args.largest_block);
    let measure = Measure::new(&table, &layout.compare);
    let least = report::thresholds(layout.threshold)[0];
    let found = search::search(args, &table, &blocks, &measure, least)?;
    if let Some(file) = &args.pairs {
        let alike = found
            .pairs
            .iter()
            .filter(|pair| pair.similarity >= layout.threshold);
        write_pairs(&table, alike, file)?;
    }
    Ok(Report::new(name, &table, &layout, &blocks, &found))
}

fn read(args: &Args) -> Result<(String, (Table, Layout)), Failure> {
    let Some(file) = &args.file else {
        let name = format!("generated records, seed {}", args.seed);
        let text = generator::records(args.rows, args.seed);
        let read = Table::read(text.as_bytes(), &name, args)?;
        return Ok((name, read));
    };
    let source = unpacked::unpacked(file).map_err(|error| Failure::Open {
        file: file.clone(),
        error,
    })?;
    let read = Table::read(source, &file.display().to_string(), args)?;
    let name = file.file_name().unwrap_or(file.as_os_str());
    Ok((name.to_string_lossy().into_owned(), read))
}

/// Tells the first rows that were passed over, a line each, and how many more there are.
fn tell(table: &Table, err: &mut impl Write) -> io::Result<()> {
    for bad in table.bad.iter().take(BAD_ROWS_SHOWN) {
        writeln!(err, "passed over: {bad}")?;
    }
    if let Some(more @ 1..) = table.bad.len().checked_sub(BAD_ROWS_SHOWN) {
        writeln!(err, "and {more} more bad rows")?;
    }
    Ok(())
}

/// The pairs as CSV.
fn write_pairs<'p>(
    table: &Table,
    pairs: impl Iterator<Item = &'p Pair>,
    file: &std::path::Path,
) -> Result<(), Failure> {
    let write = || {
        let mut out = BufWriter::new(File::create(file)?);
        writeln!(out, "a,b,similarity,known")?;
        for pair in pairs {
            let [a, b] = [pair.a, pair.b].map(|record| quoted(table.id(record)));
            let known = if table.is_known(pair.a, pair.b) {
                "yes"
            } else {
                "no"
            };
            let known = if table.known.is_empty() { "" } else { known };
            writeln!(out, "{a},{b},{:.4},{known}", pair.similarity)?;
        }
        out.flush()
    };
    write().map_err(|error| {
        Failure::Write(CannotWrite {
            file: file.to_owned(),
            error,
        })
    })
}

/// A field of CSV, with quotes where it needs them.
fn quoted(field: String) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
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
